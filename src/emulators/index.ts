/**
 * Device models: each knows its registers, its link port and the bus it was given, and nothing of who hosts it.
 * @packageDocumentation
 */
export * from './config-space.js';
export * from './function.js';
export { I82540em, type I82540emOptions } from './i82540em/index.js';
export { I82574, type I82574Options } from './i82574/index.js';
export type { RealtekOptions } from './realtek/nic.js';
export { Rtl8125b } from './rtl8125b/index.js';
export { Rtl8168h } from './rtl8168h/index.js';
export * from './shell.js';
export { VirtioNet, type VirtioNetOptions } from './virtio-net/index.js';
