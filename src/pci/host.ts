/**
 * What the PCI layer needs of the machine it runs on. The in-process machine, QEMU behind qtest and, one day, real
 * hardware implement it; enumeration, `PciFunction` and every driver above know nothing else of a host.
 */
import type { Scheduler } from '../platform/clock.js';
import type { Bdf, ConfigAccess } from '../platform/config-access.js';
import type { DmaMemory } from '../platform/dma.js';
import type { InterruptController } from '../platform/interrupts.js';
import type { Mmio } from '../platform/mmio.js';

/** A range of addresses that enumeration may hand out. */
export interface AddressWindow {
  /** First address. Memory windows start on a MiB, I/O windows on 4 KiB. */
  readonly base: number;
  /** Size in bytes; 0: there is none. `base + bytes` is at most 2^53. */
  readonly bytes: number;
}

/** Address space of the root bus, as firmware would know it. */
export interface PciResources {
  /** Below 4 GiB: BARs of 32 bits, whatever is not prefetchable behind a bridge, ROMs. */
  readonly memory32: AddressWindow;
  /** Prefetchable 64-bit BARs; undefined or empty: they go into `memory32`. */
  readonly memory64: AddressWindow | undefined;
  /** I/O ports; undefined where there is no port I/O. */
  readonly io: AddressWindow | undefined;
}

/** How a BAR is reached. */
export type MappingKind = 'memory' | 'prefetchable' | 'io';

/** A machine with a PCI bus 0. */
export interface PciHost {
  /** Configuration space of every function. */
  readonly config: ConfigAccess;
  /** What enumeration may assign. */
  readonly resources: PciResources;
  /** Highest bus number that configuration accesses reach (ECAM windows may be short); at most 255. */
  readonly lastBus: number;
  /** Messages and pins. */
  readonly interrupts: InterruptController;
  /** Owns time: tasks of set-up run on it. */
  readonly scheduler: Scheduler;
  /**
   * Access to `bytes` bytes at bus address (or port) `address`, as assigned to a BAR.
   * @throws NicError `no-resource` when the host cannot reach it
   */
  map(address: number, bytes: number, kind: MappingKind): Mmio;
  /** Memory for DMA of the function at `address`; with an IOMMU, only what is allocated here is reachable by it. */
  dma(address: Bdf): DmaMemory;
}
