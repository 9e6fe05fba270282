/**
 * Intel 82540EM: every register of its memory BAR, its I/O BAR, its PHY, and its descriptors. Registers that 82574L has too are the
 * same objects in both namespaces.
 */
import { type AnyReg, registerMap } from '../define.js';
import * as sharedMac from '../intel/mac.js';
import * as sharedQueues from '../intel/queues.js';
import * as statistics from '../intel/statistics.js';
import * as mac from './mac.js';
import * as queues from './queues.js';

export * from '../intel/descriptors.js';
export * from '../intel/mac.js';
export * from '../intel/queues.js';
export * from '../intel/statistics.js';
export * from './descriptors.js';
export * from './mac.js';
export * from './phy.js';
export * from './queues.js';

const { IOADDR, IODATA, ...shared } = sharedMac;

/** Memory BAR 0, 128 KiB. Only 32-bit accesses are defined (8254x §13.1). */
export const bar0Map = registerMap('82540em', 'BAR0', 0x20000, [32], {
  ...shared,
  ...mac,
  ...sharedQueues,
  ...queues,
  ...statistics,
});
/** I/O BAR, 64 bytes: an address and a data window (8254x §13.3). */
export const ioMap = registerMap('82540em', 'IO', 64, [32], { IOADDR, IODATA });
/** The statistics by name, for models that clear and saturate them and drivers that read them. */
export const statisticsRegisters: Readonly<Record<string, AnyReg>> = statistics;
