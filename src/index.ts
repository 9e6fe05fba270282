/**
 * nicforge: where NIC drivers are written, tried and proved without a NIC. Each room is also an entry of its own:
 * `nicforge/registers`, `nicforge/pci`, `nicforge/emulators`, `nicforge/stack` and so on.
 * @packageDocumentation
 */
export * as drivers from './drivers/index.js';
export * as emulators from './emulators/index.js';
export * as machine from './hosts/machine/index.js';
export * as lab from './lab/index.js';
export * as link from './link/index.js';
export * as net from './net/index.js';
export * as pci from './pci/index.js';
export * as platform from './platform/index.js';
export * as registers from './registers/index.js';
export * as stack from './stack/index.js';
