/**
 * Registers as data: offsets, masks, access kinds, reset values, sections. One namespace per chip or standard.
 * @packageDocumentation
 */
export * from './define.js';
export * as i82540em from './i82540em/index.js';
export * as i82574 from './i82574/index.js';
export * as mii from './mii.js';
export * as pci from './pci.js';
export { type RegisterFault, RegisterFile, type RegisterHooks } from './register-file.js';
export * as virtio from './virtio.js';
