/** Traces, captures and what they are made of. */
export * from './decode.js';
export * from './descriptor.js';
export * from './nic.js';
export * from './trace.js';
export * from './watch.js';
