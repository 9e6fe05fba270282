/**
 * The seams: every interface at which devices, drivers and stacks meet, and the time, memory and randomness they share.
 * @packageDocumentation
 */
export * from './arena.js';
export * from './clock.js';
export * from './config-access.js';
export * from './diagnostics.js';
export * from './dma.js';
export * from './errors.js';
export * from './events.js';
export * from './interrupts.js';
export * from './kernels.js';
export * from './mmio.js';
export * from './phy.js';
export * from './random.js';
export * from './task.js';
