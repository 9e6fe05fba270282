/**
 * Registers as data: offsets, masks, access kinds, reset values, sections. One namespace per chip or standard.
 * @packageDocumentation
 */
export * from './define.js';
export * as i82540em from './i82540em/index.js';
export * as i82574 from './i82574/index.js';
export * as mii from './mii.js';
export * as pci from './pci.js';
export * as realtek from './realtek/xids.js';
export { type RegisterFault, RegisterFile, type RegisterHooks } from './register-file.js';
export * as rtl8125b from './rtl8125b/index.js';
export * as rtl8168h from './rtl8168h/index.js';
export * as virtio from './virtio.js';
