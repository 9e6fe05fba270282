/** Parts that rings of all drivers share: sizes, DMA regions that live together, pools of slots. */
import type { Arena } from '../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../platform/dma.js';
import { NicError } from '../platform/errors.js';
import type { DriverOptions } from './driver.js';

/** Bytes before a frame in its slot: IP headers behind the 14 bytes of Ethernet are then aligned to 4. */
export const FRAME_LEAD = 2;
/** A slot for an ordinary frame. */
export const SMALL_SLOT = 2048;
/** A slot for a frame that is to be segmented, or for one that came in pieces. */
export const BIG_SLOT = 0x1_0000;
/** Ethernet header and one 802.1Q tag. */
export const LINK_BYTES = 18;

/** The IP packet that goes into one frame without jumbo frames, and the least that IPv4 asks of a link (RFC 791). */
export const USUAL_MTU = 1500;
export const LEAST_MTU = 68;
const USUAL_RING = 256;

/** The MTU that is wanted, within what is possible. */
export function mtuOf(options: DriverOptions, largest: number): number {
  return Math.max(LEAST_MTU, Math.min(largest, options.mtu ?? USUAL_MTU));
}

/** Descriptors of both rings: what is wanted, rounded down to powers of two, within what the device takes. */
export function ringSizes(options: DriverOptions, least: number, most: number): { rx: number; tx: number } {
  const size = (wanted = USUAL_RING): number => 2 ** Math.floor(Math.log2(Math.max(least, Math.min(most, wanted))));
  return { rx: size(options.rxRing), tx: size(options.txRing) };
}

/** Bytes of a slot in which a frame of `mtu` bytes of IP fits, with `lead` bytes before it. */
export function slotFor(mtu: number, lead: number): number {
  const bytes = mtu + LINK_BYTES + lead;
  return bytes <= SMALL_SLOT ? SMALL_SLOT : Math.ceil(bytes / 1024) * 1024;
}

/** DMA memory of one NIC: freed together, all in one arena. */
export class DmaSet {
  readonly dma: DmaMemory;
  readonly #below: number;
  #regions: DmaRegion[] = [];

  /** @param below all bus addresses are below this */
  constructor(dma: DmaMemory, below = 2 ** 53) {
    this.dma = dma;
    this.#below = below;
  }

  /**
   * A region that does not cross a multiple of 4 GiB, so that all of it has one upper address word.
   * @throws NicError `no-resource` when there is no memory left; what was taken before stays until {@link DmaSet.free}
   */
  alloc(bytes: number, align: number): DmaRegion {
    const region = this.#take(bytes, align);
    // The piece that crosses is kept: the next one begins behind the boundary.
    return highOf(region.address) === highOf(region.address + bytes - 1) ? region : this.#take(bytes, align);
  }

  #take(bytes: number, align: number): DmaRegion {
    let region: DmaRegion;
    try {
      region = this.dma.alloc(bytes, align, this.#below);
    } catch (error) {
      throw new NicError('no-resource', `no DMA memory: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#regions.push(region);
    const { arena } = this.#regions[0]!;
    if (region.arena !== arena || (region.offset & 3) !== 0)
      throw new NicError('no-resource', 'DMA memory of one function must lie in one arena, aligned to words');
    return region;
  }

  /** What `make` makes with memory of this set; all of the set is free again when it throws. */
  filled<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      this.free();
      throw error;
    }
  }

  free(): void {
    for (const region of this.#regions) this.dma.free(region);
    this.#regions = [];
  }
}

/** Equal slots in one DMA region, handed out last in, first out. */
export class SlotPool {
  readonly region: DmaRegion;
  readonly arena: Arena;
  readonly slotBytes: number;
  readonly count: number;
  /** Bus address minus offset, modulo 2^32: `(offset + low) | 0` is the low half of an address. */
  readonly low: number;
  /** High half of all its addresses. */
  readonly high: number;
  readonly #free: Int32Array;
  #left: number;

  constructor(set: DmaSet, slotBytes: number, count: number) {
    this.region = set.alloc(slotBytes * count, 4096);
    this.arena = this.region.arena;
    this.slotBytes = slotBytes;
    this.count = count;
    this.low = (this.region.address - this.region.offset) | 0;
    this.high = highOf(this.region.address);
    this.#free = new Int32Array(count);
    this.#left = count;
    for (let i = 0; i < count; i++) this.#free[i] = this.region.offset + (count - 1 - i) * slotBytes;
  }

  /** Slots that are free. */
  get left(): number {
    return this.#left;
  }

  /** The slot that {@link SlotPool.take} would take, as offset in the arena, or -1. */
  peek(): number {
    return this.#left > 0 ? this.#free[this.#left - 1]! : -1;
  }

  /** Takes a slot; -1 when there is none. */
  take(): number {
    return this.#left > 0 ? this.#free[--this.#left]! : -1;
  }

  /** Gives a slot back. */
  give(offset: number): void {
    if (this.#left < this.count) this.#free[this.#left++] = offset;
  }

  /** Whether an offset belongs to this pool. */
  owns(offset: number): boolean {
    const inside = offset - this.region.offset;
    return inside >= 0 && inside < this.slotBytes * this.count;
  }
}

/** High half of a bus address. */
export function highOf(address: number): number {
  return Math.floor(address / 0x1_0000_0000) | 0;
}
