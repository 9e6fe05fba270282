/**
 * The receive ring of Intel's gigabit chips, one buffer a descriptor. Frames are handed up where the chip put them; only
 * those in pieces are copied (8254x §3.2, 82574 §7.1).
 */
import type { Arena } from '../../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import type { Mmio } from '../../platform/mmio.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import { DESCRIPTOR_BYTES, RXD_ADDRH, RXD_ADDRL, RXD_STATUS } from '../../registers/i82540em/index.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, highOf } from '../ring.js';
import type { IntelChip, RxFormat, RxRegisters } from './family.js';

// At the same place in every format of every chip.
const { DD, EOP, IXSM, VP, TCPCS, IPCS } = RXD_STATUS;
const ADDRL_AT = RXD_ADDRL.at;
const ADDRH_AT = RXD_ADDRH.at;
const LENGTH_MASK = 0xffff;
const TAG_SHIFT = 16;
/** What RCTL.BSIZE = 0 says that a buffer has. */
const BUFFER = 2048;
/** From one buffer to the next: the frame begins 2 bytes in, and the chip may fill all 2048. */
const STRIDE = BUFFER + 64;
/** Tail writes are batched: one for so many buffers given back. */
const BATCH = 16;
const SHORTEST = 14;

/** What the rings must know of their chip. */
export interface RxParts {
  readonly chip: IntelChip;
  /** Of each queue that the chip has. */
  readonly rxRegisters: readonly RxRegisters[];
  readonly rxFormat: RxFormat;
  /** Value of RXDCTL. */
  readonly rxControl: number;
}

/** One receive ring with its buffers. */
export class IntelRx {
  packets = 0;
  bytes = 0;
  /** Frames that came with an error bit. */
  damaged = 0;
  /** Frames in more pieces than fit, or shorter than an Ethernet header. */
  malformed = 0;
  readonly #io: Mmio;
  readonly #ringRegisters: RxRegisters;
  readonly #tailAt: number;
  readonly #control: number;
  readonly #lengthAt: number;
  readonly #statusAt: number;
  readonly #tagAt: number;
  readonly #damagedBits: number;
  readonly #wrongSum: number;
  readonly #dma: DmaMemory;
  readonly #ring: DmaRegion;
  readonly #buffers: DmaRegion;
  readonly #whole: DmaRegion;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #mask: number;
  readonly #watched: boolean;
  readonly #low: number;
  readonly #high: number;
  /** Descriptor to look at next. */
  #next = 0;
  /** Descriptor whose buffer the last frame is in, or -1. */
  #held = -1;
  /** Buffers given back since the tail was written. */
  #returned = 0;
  /** Bytes of a frame in pieces that are together so far. */
  #gathered = 0;
  /** The rest of the frame is thrown away. */
  #skipping = false;
  #running = false;

  constructor(io: Mmio, parts: RxParts, queue: number, set: DmaSet, size: number) {
    this.#io = io;
    this.#ringRegisters = parts.rxRegisters[queue]!;
    this.#tailAt = this.#ringRegisters.RDT.at;
    this.#control = parts.rxControl;
    this.#lengthAt = parts.rxFormat.lengthAt;
    this.#statusAt = parts.rxFormat.statusAt;
    this.#tagAt = parts.rxFormat.tagAt;
    this.#damagedBits = parts.rxFormat.damaged;
    this.#wrongSum = parts.rxFormat.wrongSum;
    this.#dma = set.dma;
    this.#ring = set.alloc(size * DESCRIPTOR_BYTES, 4096);
    this.#buffers = set.alloc(size * STRIDE, 4096);
    this.#whole = set.alloc(BIG_SLOT, 4096);
    this.#arena = this.#ring.arena;
    this.#view = this.#arena.view;
    this.#mask = size - 1;
    this.#watched = set.dma.handOver !== undefined;
    this.#low = (this.#buffers.address - this.#buffers.offset) | 0;
    this.#high = highOf(this.#buffers.address);
  }

  /** Programs the ring; the unit is still off (8254x §14.4, 82574 §4.6.5). */
  program(): void {
    const io = this.#io;
    this.#next = 0;
    this.#held = -1;
    this.#returned = 0;
    this.#gathered = 0;
    this.#skipping = false;
    for (let i = 0; i <= this.#mask; i++) this.#post(i);
    const { address } = this.#ring;
    const { RDBAL, RDBAH, RDLEN, RDH, RDT, RXDCTL } = this.#ringRegisters;
    io.write32(RDBAL.at, address | 0);
    io.write32(RDBAH.at, highOf(address));
    io.write32(RDLEN.at, (this.#mask + 1) * DESCRIPTOR_BYTES);
    io.write32(RDH.at, 0);
    io.write32(RDT.at, 0);
    io.write32(RXDCTL.at, this.#control);
    this.#dma.publish();
    this.#running = true;
  }

  /** Gives the buffers to the chip. The tail names the first one that it may not use: one always stays with us. */
  open(): void {
    this.#io.write32(this.#tailAt, this.#mask);
  }

  /** Fills `frame` with the next good frame; looks at each descriptor of the ring at most once. */
  receive(frame: Frame): boolean {
    if (this.#held >= 0) {
      this.#post(this.#held);
      this.#returned++;
      this.#held = -1;
    }
    const view = this.#view;
    for (let looked = 0; looked <= this.#mask; looked++) {
      const index = this.#next;
      const at = this.#ring.offset + index * DESCRIPTOR_BYTES;
      const status = view.getInt32(at + this.#statusAt, true);
      if ((status & DD) === 0) break;
      this.#dma.syncForCpu();
      const length = view.getInt32(at + this.#lengthAt, true) & LENGTH_MASK;
      const start = this.#buffers.offset + index * STRIDE + FRAME_LEAD;
      this.#next = (index + 1) & this.#mask;
      if (this.#watched) this.#dma.handOver!(this.#buffers, start - this.#buffers.offset, BUFFER, 'rx', false);
      if ((status & EOP) !== 0 && this.#gathered === 0 && !this.#skipping) {
        if ((status & this.#damagedBits) === 0 && length >= SHORTEST && length <= BUFFER) {
          this.#held = index;
          this.#fill(frame, start, length, status, at);
          if (this.#returned >= BATCH) this.tell();
          return true;
        }
        this.#drop(status);
      } else if (this.#gather(frame, start, length, status, at)) {
        this.#post(index);
        this.#returned++;
        if (this.#returned >= BATCH) this.tell();
        return true;
      }
      this.#post(index);
      this.#returned++;
    }
    this.tell();
    return false;
  }

  /** Hands the buffers given back to the chip: one register write. */
  tell(): void {
    if (this.#returned === 0 || !this.#running) return;
    this.#returned = 0;
    this.#dma.publish();
    // The tail names the first descriptor that the chip may not use. The one before #next, whose buffer may be held, stays
    // with us: were the tail equal to the head, the chip would take the ring for empty.
    this.#io.write32(this.#tailAt, (this.#next - 1) & this.#mask);
  }

  /** No more register writes: the device is gone or closed. */
  stop(): void {
    this.#running = false;
  }

  #drop(status: number): void {
    if ((status & this.#damagedBits) !== 0) this.damaged++;
    else this.malformed++;
  }

  /** A piece, in the descriptor at `at`, of a frame that does not end where it began. True when the frame is whole. */
  #gather(frame: Frame, start: number, length: number, status: number, at: number): boolean {
    const whole = this.#whole.offset + FRAME_LEAD;
    if (!this.#skipping) {
      if (length > BUFFER || this.#gathered + length > BIG_SLOT - FRAME_LEAD) {
        this.#skipping = true;
      } else {
        this.#arena.u8.copyWithin(whole + this.#gathered, start, start + length);
        this.#gathered += length;
      }
    }
    if ((status & EOP) === 0) return false;
    const total = this.#gathered;
    const good = !this.#skipping && (status & this.#damagedBits) === 0 && total >= SHORTEST;
    this.#gathered = 0;
    this.#skipping = false;
    if (!good) {
      this.#drop(status);
      return false;
    }
    this.#fill(frame, whole, total, status, at);
    return true;
  }

  #fill(frame: Frame, offset: number, length: number, status: number, at: number): void {
    frame.arena = this.#arena;
    frame.offset = offset;
    frame.length = length;
    frame.checksum = Checksum.none;
    // IXSM: the other bits mean nothing (8254x §3.2.3.1). Verified means all of it: IP and TCP or UDP.
    if ((status & IXSM) === 0) {
      if ((status & this.#wrongSum) !== 0) frame.checksum = Checksum.bad;
      else if ((status & TCPCS) !== 0 && (status & IPCS) !== 0) frame.checksum = Checksum.verified;
    }
    frame.csumStart = 0;
    frame.csumOffset = 0;
    frame.gsoSize = 0;
    frame.vlan = (status & VP) !== 0 ? this.#view.getInt32(at + this.#tagAt, true) >>> TAG_SHIFT : -1;
    this.packets++;
    this.bytes += length;
  }

  /** Makes a descriptor ready for the chip. */
  #post(index: number): void {
    const at = this.#ring.offset + index * DESCRIPTOR_BYTES;
    const start = this.#buffers.offset + index * STRIDE + FRAME_LEAD;
    const view = this.#view;
    view.setInt32(at + ADDRL_AT, (start + this.#low) | 0, true);
    view.setInt32(at + ADDRH_AT, this.#high, true);
    view.setInt32(at + this.#lengthAt, 0, true);
    view.setInt32(at + this.#statusAt, 0, true);
    if (this.#watched) this.#dma.handOver!(this.#buffers, start - this.#buffers.offset, BUFFER, 'rx', true);
  }
}
