/** The transmit ring of normal priority (RTL8169 specification, Tx descriptor; r8169 rtl8169_start_xmit, rtl_tx). */
import type { Arena } from '../../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import type { Mmio } from '../../platform/mmio.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import { writeReg } from '../../platform/task.js';
import * as format from '../../registers/realtek/descriptors.js';
import { TNPDS_HI, TNPDS_LO } from '../../registers/realtek/mac.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, highOf } from '../ring.js';
import { TxSlots } from '../tx-slots.js';
import type { Rtl } from './chip.js';
import { checksumBits, segmentBits, segmentSize, sumInSoftware, timeStampLength } from './offload.js';

const { DESCRIPTOR_BYTES, RING_ALIGN, TXD_ADDR_HI, TXD_ADDR_LO, TXD_OPTS1, TXD_OPTS2 } = format;
// Masks and places of the packet path, as plain constants.
const { OWN, EOR, FS, LS } = TXD_OPTS1;
const { TAGC } = TXD_OPTS2;
const OPTS1_AT = TXD_OPTS1.at;
const OPTS2_AT = TXD_OPTS2.at;
const ADDR_LO_AT = TXD_ADDR_LO.at;
const ADDR_HI_AT = TXD_ADDR_HI.at;

/** Largest piece of one descriptor; its length field would take 64 KiB less a byte. */
const PIECE = 8192;
const MOST_PIECES = BIG_SLOT / PIECE;
/** Shorter frames are filled up here, and summed here before: chips of the family sum short ones wrongly (r8169). */
const SHORTEST = 60;

/** The largest frame that may be handed over for segmentation. */
export const MAX_SEGMENT_BYTES = BIG_SLOT - FRAME_LEAD;

/** The transmit ring with its buffers. */
export class RtlTx {
  readonly slots: TxSlots;
  readonly #io: Mmio;
  readonly #rtl: Rtl;
  readonly #dma: DmaMemory;
  readonly #ring: DmaRegion;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #mask: number;
  #clean = 0;
  #next = 0;
  #told = 0;

  /** @param size descriptors, a power of two */
  constructor(io: Mmio, rtl: Rtl, set: DmaSet, size: number, mtu: number, segmentation: boolean) {
    this.#io = io;
    this.#rtl = rtl;
    this.#dma = set.dma;
    this.#ring = set.alloc(size * DESCRIPTOR_BYTES, Math.max(RING_ALIGN, 4096));
    this.slots = new TxSlots(set, size, mtu, segmentation);
    this.#arena = this.#ring.arena;
    this.#view = this.#arena.view;
    this.#mask = size - 1;
  }

  /** Says where the ring is; the transmitter is off. Frames that were under way are given up and counted in `lost`. */
  start(): void {
    this.slots.forget();
    this.#clean = 0;
    this.#next = 0;
    this.#told = 0;
    const { address, offset, bytes } = this.#ring;
    this.#arena.u8.fill(0, offset, offset + bytes);
    this.#view.setInt32(offset + this.#mask * DESCRIPTOR_BYTES + OPTS1_AT, EOR, true);
    this.#dma.publish();
    // The high half first (r8169 rtl_set_rx_tx_desc_registers).
    this.#io.write32(TNPDS_HI.at, highOf(address));
    this.#io.write32(TNPDS_LO.at, address | 0);
  }

  /** Descriptors that can be filled. */
  get room(): number {
    return this.#mask - ((this.#next - this.#clean) & this.#mask);
  }

  /** Frames or parts of frames that the chip has. */
  get pending(): boolean {
    return this.#clean !== this.#next;
  }

  /** True when a frame of at most the MTU can be reserved. */
  get ready(): boolean {
    return this.room >= MOST_PIECES && this.slots.ready;
  }

  reserve(frame: Frame, bytes: number): boolean {
    return this.room >= MOST_PIECES && this.slots.reserve(frame, bytes);
  }

  commit(frame: Frame): void {
    const slot = this.slots.committed(frame);
    if (slot < 0) return;
    const { length, vlan } = frame;
    // What is cut into segments is not filled up: that would be payload.
    const cut = frame.checksum === Checksum.partial && frame.gsoSize > 0;
    const whole = cut ? length : Math.max(SHORTEST, this.#rtl.timeStamps ? timeStampLength(this.#view, frame) : length);
    let opts1 = 0;
    let opts2 = vlan >= 0 ? TAGC | ((vlan & 0xff) << 8) | ((vlan >>> 8) & 0xff) : 0;
    if (cut) {
      opts1 = segmentBits(this.#view, frame);
      if (opts1 === 0) {
        this.slots.refused++;
        return;
      }
      opts2 |= segmentSize(frame);
    } else if (frame.checksum === Checksum.partial) {
      const bits = length === whole ? checksumBits(this.#view, frame) : 0;
      if (bits === 0) sumInSoftware(this.#view, frame);
      opts2 |= bits;
    }
    this.#hand(slot, frame.offset, length, whole, opts1, opts2);
  }

  /** Fills descriptors, and gives the first one to the chip last: it is the one that the chip looks at. */
  #hand(slot: number, at: number, frameBytes: number, length: number, opts1: number, opts2: number): void {
    const { low, high } = this.slots.pool(slot);
    if (length > frameBytes) this.#arena.u8.fill(0, at + frameBytes, at + length);
    const first = this.#next;
    let last = first;
    // At most eight pieces: a slot holds no more.
    for (let done = 0; done < length; done += PIECE) {
      const piece = Math.min(length - done, PIECE);
      last = this.#next;
      const place = this.#ring.offset + last * DESCRIPTOR_BYTES;
      const view = this.#view;
      view.setInt32(place + ADDR_LO_AT, (at + done + low) | 0, true);
      view.setInt32(place + ADDR_HI_AT, high, true);
      view.setInt32(place + OPTS2_AT, opts2, true);
      let word = opts1 | piece;
      if (last === this.#mask) word |= EOR;
      if (done + piece === length) word |= LS;
      view.setInt32(place + OPTS1_AT, last === first ? word | FS : word | OWN, true);
      this.#next = (last + 1) & this.#mask;
    }
    this.slots.take(slot, last, frameBytes, length);
    this.#dma.publish();
    const place = this.#ring.offset + first * DESCRIPTOR_BYTES + OPTS1_AT;
    this.#view.setInt32(place, this.#view.getInt32(place, true) | OWN, true);
  }

  /** Tells the chip about everything committed: one register write. */
  flush(): void {
    if (this.#told === this.#next) return;
    this.#told = this.#next;
    this.ring();
  }

  /** The doorbell. */
  ring(): void {
    this.#dma.publish();
    writeReg(this.#io, this.#rtl.map.TPPOLL, this.#rtl.doorbell);
  }

  /** Takes back what the chip has sent. Returns the number of frames. */
  reclaim(): number {
    let frames = 0;
    let at = this.#clean;
    // Bounded: the walk ends at #next, which no device moves.
    while (at !== this.#next) {
      if (this.slots.carries(at)) {
        if ((this.#view.getInt32(this.#ring.offset + at * DESCRIPTOR_BYTES + OPTS1_AT, true) & OWN) !== 0) break;
        this.slots.sent(at);
        frames++;
        this.#clean = (at + 1) & this.#mask;
      }
      at = (at + 1) & this.#mask;
    }
    if (frames === 0) return 0;
    this.#dma.syncForCpu();
    // A doorbell that comes while the chip ends a burst gets lost: what is left is rung for again (r8169 rtl_tx).
    if (this.#clean !== this.#told) this.ring();
    return frames;
  }
}
