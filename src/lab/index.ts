/**
 * Ready worlds: PCs with NICs, networks, the gateway host, and the story that brings them up. The room that sees both wings.
 * @packageDocumentation
 */

export * from './device-faults.js';
export * from './dump.js';
export * from './gateway.js';
export * from './hide.js';
export * from './job.js';
export * from './nics.js';
export * from './port-phy.js';
export * from './record/index.js';
export * from './report.js';
export * from './run.js';
export * from './served.js';
export * from './trace/index.js';
export * from './world.js';
