/**
 * Contract suites as functions, for anybody's test runner: register maps, device models and drivers of third parties can be
 * judged by the same rules as ours.
 * @packageDocumentation
 */
export * from './coverage.js';
export * from './driver-contract.js';
export * from './model-contract.js';
export * from './probe-coverage.js';
export * from './realtek-stand-ins.js';
export * from './register-contract.js';
export * from './stand-in.js';
export * from './topology.js';
