/**
 * Buffers of a transmit ring: a frame is reserved in a slot, looked at when it is committed, and its slot comes back with the
 * descriptor that carried it. How it is described is the chip's; so is how many descriptors there are.
 */
import type { Arena } from '../platform/arena.js';
import type { DmaMemory } from '../platform/dma.js';
import { Checksum, type Frame } from '../platform/phy.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, LINK_BYTES, SlotPool, slotFor } from './ring.js';

/** Slots for frames that are to be segmented. */
const BIG_SLOTS = 16;

/** The slots of one ring, and which descriptor has which. */
export class TxSlots {
  /** Frames whose descriptors came back, and their bytes. */
  packets = 0;
  bytes = 0;
  /** Frames that could not be handed over as they were described. */
  refused = 0;
  /** Frames that a reset took before the chip had sent them. */
  lost = 0;
  readonly arena: Arena;
  readonly #dma: DmaMemory;
  readonly #small: SlotPool;
  readonly #big: SlotPool;
  readonly #watched: boolean;
  /** Bytes before a frame in its slot, and before what is handed over. */
  readonly #lead: number;
  /** Largest frame that goes out as it is, and largest that may be handed over. */
  readonly #plainBytes: number;
  readonly #mostBytes: number;
  /** For the descriptor that brings a frame's slot back: the slot, or -1; the frame's bytes; the bytes handed over. */
  readonly #slots: Int32Array;
  readonly #lengths: Int32Array;
  readonly #handed: Int32Array;
  #reserved = -1;

  /**
   * @param size descriptors of the ring
   * @param head bytes of a header that lies before each frame, beside those that align it
   */
  constructor(set: DmaSet, size: number, mtu: number, segmentation: boolean, head = 0) {
    this.#dma = set.dma;
    this.#lead = FRAME_LEAD + head;
    this.#small = new SlotPool(set, slotFor(mtu, this.#lead), size);
    this.#big = new SlotPool(set, BIG_SLOT, segmentation ? BIG_SLOTS : 1);
    this.arena = this.#small.arena;
    this.#watched = set.dma.handOver !== undefined;
    this.#plainBytes = mtu + LINK_BYTES;
    this.#mostBytes = segmentation ? BIG_SLOT - this.#lead : this.#plainBytes;
    this.#slots = new Int32Array(size).fill(-1);
    this.#lengths = new Int32Array(size);
    this.#handed = new Int32Array(size);
  }

  /** True when there is a slot for a frame of at most the MTU. */
  get ready(): boolean {
    return this.#small.left > 0;
  }

  /** True when a frame of `bytes` bytes goes into a slot for ordinary ones. */
  isSmall(bytes: number): boolean {
    return bytes <= this.#small.slotBytes - this.#lead;
  }

  /** Points `frame` at a free slot with room for `bytes`, and resets its fields. Nothing is taken before {@link TxSlots.take}. */
  reserve(frame: Frame, bytes: number): boolean {
    if (bytes < 0 || bytes > this.#mostBytes) return false;
    const slot = this.isSmall(bytes) ? this.#small.peek() : this.#big.peek();
    if (slot < 0) return false;
    this.#reserved = slot;
    frame.arena = this.arena;
    frame.offset = slot + this.#lead;
    frame.length = bytes;
    frame.checksum = Checksum.none;
    frame.csumStart = 0;
    frame.csumOffset = 0;
    frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  /** Ends the reservation. @returns the slot of the frame, or -1: it was not reserved, or is not what fits there */
  committed(frame: Frame): number {
    const slot = this.#reserved;
    this.#reserved = -1;
    if (slot < 0) return -1;
    const { length, gsoSize } = frame;
    const most = gsoSize > 0 ? Math.min(this.#mostBytes, this.pool(slot).slotBytes - this.#lead) : this.#plainBytes;
    const field = frame.checksum === Checksum.partial ? frame.csumStart + frame.csumOffset + 2 : 0;
    if (frame.offset === slot + this.#lead && length > 0 && length <= most && field <= length) return slot;
    this.refused++;
    return -1;
  }

  /** Where a slot is from. */
  pool(slot: number): SlotPool {
    return this.#small.owns(slot) ? this.#small : this.#big;
  }

  /** The slot that was committed last is the device's now, until descriptor `at` comes back. @param handed bytes it reads */
  take(slot: number, at: number, bytes: number, handed: number): void {
    const pool = this.pool(slot);
    pool.take();
    this.#slots[at] = slot;
    this.#lengths[at] = bytes;
    this.#handed[at] = handed;
    if (this.#watched) this.#dma.handOver!(pool.region, slot + FRAME_LEAD - pool.region.offset, handed, 'tx', true);
  }

  /** Whether descriptor `at` brings a slot back. */
  carries(at: number): boolean {
    return this.#slots[at]! >= 0;
  }

  /** Descriptor `at` came back: its frame was sent. */
  sent(at: number): void {
    this.packets++;
    this.bytes += this.#lengths[at]!;
    this.#release(at);
  }

  /** Takes back all that is out, and counts it as lost. */
  forget(): void {
    this.#reserved = -1;
    for (let at = 0; at < this.#slots.length; at++) {
      if (!this.carries(at)) continue;
      this.#release(at);
      this.lost++;
    }
  }

  #release(at: number): void {
    const slot = this.#slots[at]!;
    const pool = this.pool(slot);
    if (this.#watched)
      this.#dma.handOver!(pool.region, slot + FRAME_LEAD - pool.region.offset, this.#handed[at]!, 'tx', false);
    pool.give(slot);
    this.#slots[at] = -1;
  }

  /** What was counted. */
  statistics(): Readonly<Record<string, number>> {
    return { txPackets: this.packets, txBytes: this.bytes, txRefused: this.refused, txLost: this.lost };
  }
}
