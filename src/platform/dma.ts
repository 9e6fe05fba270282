/** Memory that driver and device share, as the driver sees it. */
import type { Arena } from './arena.js';

/** A piece of DMA memory. The processor reaches it at `offset` in `arena`, the device at bus address `address`. */
export interface DmaRegion {
  /** Bus address, below 2^53. Never equal to the offset. */
  readonly address: number;
  readonly arena: Arena;
  /** Offset of the first byte in the arena. */
  readonly offset: number;
  /** Size in bytes. */
  readonly bytes: number;
}

/** Hands out DMA memory and orders accesses to it. */
export interface DmaMemory {
  /**
   * Memory for `bytes` bytes aligned to `align` (a power of two), zeroed.
   * @param below bus addresses must be below this (a device that masters 32 bits: 2^32); default 2^53
   * @throws RangeError when there is none
   */
  alloc(bytes: number, align: number, below?: number): DmaRegion;
  /** Gives a region back; the device may no longer use it. */
  free(region: DmaRegion): void;
  /** Before a doorbell: everything written so far is visible to the device. */
  publish(): void;
  /** After an ownership bit was seen and before the rest of the descriptor is read. */
  syncForCpu(): void;
  /**
   * Strict mode only: says that the device may (`own` true) or may no longer use these bytes for reading (`tx`) or
   * writing (`rx`). A host may poison or watch them. Optional: call with `?.`.
   */
  handOver?(region: DmaRegion, at: number, bytes: number, use: 'tx' | 'rx', own: boolean): void;
}
