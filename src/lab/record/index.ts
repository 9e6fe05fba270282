/** Recordings of a model's life, and the model run again from one. */
export * from './format.js';
export * from './recorder.js';
export * from './replay.js';
