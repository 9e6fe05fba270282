/** Parts that several hosts share: the C library, a real clock. */
export * from './libc.js';
export * from './real-time.js';
