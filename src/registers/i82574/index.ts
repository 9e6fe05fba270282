/**
 * Intel 82574L: every register of its memory BAR, its I/O BAR, its PHY, the words of its NVM, and its descriptors. Registers that
 * 82540EM has too are the same objects in both namespaces.
 */
import { type AnyReg, registerMap } from '../define.js';
import * as sharedMac from '../intel/mac.js';
import * as sharedQueues from '../intel/queues.js';
import * as sharedStatistics from '../intel/statistics.js';
import * as interruptsModule from './interrupts.js';
import * as mac from './mac.js';
import * as receiveModule from './receive.js';
import * as ownStatistics from './statistics.js';
import * as time from './time.js';
import * as transmitModule from './transmit.js';
import * as wake from './wake.js';

export * from '../intel/descriptors.js';
export * from '../intel/mac.js';
export * from '../intel/queues.js';
export * from '../intel/statistics.js';
export * from './descriptors.js';
export * from './interrupts.js';
export * from './mac.js';
export * from './nvm.js';
export * from './phy.js';
export * from './receive.js';
export * from './statistics.js';
export * from './time.js';
export * from './transmit.js';
export * from './wake.js';

const { IOADDR, IODATA, ...shared } = sharedMac;
const { MSIX_VECTORS: _vectors, ...interrupts } = interruptsModule;
const { RX_QUEUES: _rx, RETA_QUEUE: _queue, ...receive } = receiveModule;
const { TX_QUEUES: _tx, ...transmit } = transmitModule;
const statistics = { ...sharedStatistics, ...ownStatistics };

/** Memory BAR 0, 128 KiB. Only 32-bit accesses are defined (82574 §10.1.1). */
export const bar0Map = registerMap('82574l', 'BAR0', 0x20000, [32], {
  ...shared,
  ...mac,
  ...sharedQueues,
  ...interrupts,
  ...receive,
  ...transmit,
  ...statistics,
  ...time,
  ...wake,
});
/** I/O BAR, 32 bytes: an address and a data window (82574 §10.1.1). */
export const ioMap = registerMap('82574l', 'IO', 32, [32], { IOADDR, IODATA });
/** MSI-X BAR 3, 16 KiB: the table at 0, the pending bits at 2000h (82574 §10.2.10). Its words are those of PCI's MSI-X. */
export const MSIX_BAR = { bytes: 0x4000, table: 0, pending: 0x2000 } as const;
/** The statistics by name, for models that clear and saturate them and drivers that read them. */
export const statisticsRegisters: Readonly<Record<string, AnyReg>> = statistics;
