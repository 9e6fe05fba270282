/**
 * Our device models inside v86, in Node and in browsers.
 * @module
 */
export { RealTime } from '../native/real-time.js';
export { V86Host, type V86HostOptions, type V86Slot } from './host.js';
export { V86Interrupts } from './interrupts.js';
export { V86Memory } from './memory.js';
