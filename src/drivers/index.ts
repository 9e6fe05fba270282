/**
 * NIC drivers. Each knows registers, the platform and PCI; none knows whether its device is a model, QEMU's, or real.
 * @packageDocumentation
 */
import type { NicDriver } from './driver.js';
import { e1000 } from './e1000/index.js';
import { e1000e } from './e1000e/index.js';
import { r8169 } from './r8169/index.js';
import { virtioNet } from './virtio-net/index.js';

export * from './driver.js';
export { E1000Nic, e1000 } from './e1000/index.js';
export { E1000eNic, e1000e } from './e1000e/index.js';
export { IntelNic } from './intel/nic.js';
export { R8169Nic, r8169 } from './r8169/index.js';
export { VirtioNic, virtioNet } from './virtio-net/index.js';

/** Every driver, in the order in which they are registered. */
export const allDrivers: readonly NicDriver[] = [virtioNet, e1000, e1000e, r8169];
