/**
 * The receive ring: one buffer a descriptor, large enough for any frame, so frames are handed up where the chip put them.
 * A descriptor is the chip's while OWN is set; there is no doorbell (RTL8169 specification, Rx descriptor).
 */
import type { Arena } from '../../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import type { Mmio } from '../../platform/mmio.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import { put } from '../../registers/define.js';
import * as format from '../../registers/realtek/descriptors.js';
import { RDSAR_HI, RDSAR_LO } from '../../registers/realtek/mac.js';
import { type DmaSet, highOf, LINK_BYTES } from '../ring.js';

const { DESCRIPTOR_BYTES, RING_ALIGN, RXD_ADDR_HI, RXD_ADDR_LO, RXD_COMMAND, RXD_OPTS1, RXD_OPTS2 } = format;
// Masks and places of the packet path, as plain constants.
const { OWN, EOR, FS, LS, RES, LEN, TCPF, UDPF, IPF, PID } = RXD_OPTS1;
const { TAVA, VLAN_TAG } = RXD_OPTS2;
const WHOLE = FS | LS;
const SUMS = PID | TCPF | UDPF | IPF;
/** PID alone, every sum right: all of the frame's checksums were looked at (r8169 rtl8169_rx_csum). */
const GOOD_TCP = put(0, PID, 1);
const GOOD_UDP = put(0, PID, 2);
const OPTS1_AT = RXD_OPTS1.at;
const OPTS2_AT = RXD_OPTS2.at;
const ADDR_LO_AT = RXD_ADDR_LO.at;
const ADDR_HI_AT = RXD_ADDR_HI.at;
const FCS_BYTES = 4;
const SHORTEST = 14;
/** A buffer begins at a multiple of 8 and its size is one (RTL8169 specification, Rx descriptor). */
const ALIGN = 8;
const USUAL_BUFFER = 2048;
/** From one buffer to the next: cache lines are not shared. */
const LINE = 64;

/** Bytes that a buffer needs for frames of `mtu` bytes of IP: header, tag, FCS. */
function bufferFor(mtu: number): number {
  const bytes = Math.ceil((mtu + LINK_BYTES + FCS_BYTES) / ALIGN) * ALIGN;
  return Math.min(RXD_COMMAND.SIZE & -ALIGN, Math.max(USUAL_BUFFER, bytes));
}

/** The receive ring with its buffers. */
export class RtlRx {
  packets = 0;
  bytes = 0;
  /** Frames that came with an error bit. */
  damaged = 0;
  /** Frames in pieces, or shorter than an Ethernet header. */
  malformed = 0;
  /** Bytes of a buffer: the longest frame, FCS included. */
  readonly bufferBytes: number;
  readonly #dma: DmaMemory;
  readonly #ring: DmaRegion;
  readonly #buffers: DmaRegion;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #mask: number;
  readonly #stride: number;
  readonly #watched: boolean;
  readonly #low: number;
  readonly #high: number;
  /** Descriptor to look at next. */
  #next = 0;
  /** Descriptor whose buffer the last frame is in, or -1. */
  #held = -1;

  /** @param size descriptors, a power of two */
  constructor(set: DmaSet, size: number, mtu: number) {
    this.#dma = set.dma;
    this.bufferBytes = bufferFor(mtu);
    this.#stride = Math.ceil(this.bufferBytes / LINE) * LINE;
    this.#ring = set.alloc(size * DESCRIPTOR_BYTES, Math.max(RING_ALIGN, 4096));
    this.#buffers = set.alloc(size * this.#stride, 4096);
    this.#arena = this.#ring.arena;
    this.#view = this.#arena.view;
    this.#mask = size - 1;
    this.#watched = set.dma.handOver !== undefined;
    this.#low = (this.#buffers.address - this.#buffers.offset) | 0;
    this.#high = highOf(this.#buffers.address);
  }

  /** Gives all buffers to the chip and says where the ring is; the receiver is off. */
  start(io: Mmio): void {
    this.#next = 0;
    this.#held = -1;
    for (let i = 0; i <= this.#mask; i++) this.#post(i);
    this.#dma.publish();
    const { address } = this.#ring;
    // The high half first (r8169 rtl_set_rx_tx_desc_registers).
    io.write32(RDSAR_HI.at, highOf(address));
    io.write32(RDSAR_LO.at, address | 0);
  }

  /** Fills `frame` with the next good frame; looks at each descriptor of the ring at most once. */
  receive(frame: Frame): boolean {
    if (this.#held >= 0) {
      this.#post(this.#held);
      this.#held = -1;
    }
    const view = this.#view;
    for (let looked = 0; looked <= this.#mask; looked++) {
      const index = this.#next;
      const at = this.#ring.offset + index * DESCRIPTOR_BYTES;
      const status = view.getInt32(at + OPTS1_AT, true);
      if ((status & OWN) !== 0) break;
      this.#dma.syncForCpu();
      this.#next = (index + 1) & this.#mask;
      const inside = index * this.#stride;
      if (this.#watched) this.#dma.handOver!(this.#buffers, inside, this.bufferBytes, 'rx', false);
      const length = (status & LEN) - FCS_BYTES;
      if ((status & (WHOLE | RES)) === WHOLE && length >= SHORTEST && length <= this.bufferBytes) {
        this.#held = index;
        this.#fill(frame, this.#buffers.offset + inside, length, status, view.getInt32(at + OPTS2_AT, true));
        return true;
      }
      if ((status & RES) !== 0) this.damaged++;
      else if ((status & LS) !== 0) this.malformed++;
      this.#post(index);
    }
    return false;
  }

  #fill(frame: Frame, offset: number, length: number, status: number, tag: number): void {
    frame.arena = this.#arena;
    frame.offset = offset;
    frame.length = length;
    const sums = status & SUMS;
    // A sum that the chip found wrong is looked at again by the stack: drivers know frames that are called bad and are not.
    frame.checksum = sums === GOOD_TCP || sums === GOOD_UDP ? Checksum.verified : Checksum.none;
    frame.csumStart = 0;
    frame.csumOffset = 0;
    frame.gsoSize = 0;
    frame.vlan = (tag & TAVA) !== 0 ? ((tag & VLAN_TAG) >>> 8) | ((tag & 0xff) << 8) : -1;
    this.packets++;
    this.bytes += length;
  }

  /** Makes a descriptor ready, its ownership last, and with that it is the chip's. */
  #post(index: number): void {
    const at = this.#ring.offset + index * DESCRIPTOR_BYTES;
    const inside = index * this.#stride;
    const view = this.#view;
    if (this.#watched) this.#dma.handOver!(this.#buffers, inside, this.bufferBytes, 'rx', true);
    view.setInt32(at + ADDR_LO_AT, (this.#buffers.offset + inside + this.#low) | 0, true);
    view.setInt32(at + ADDR_HI_AT, this.#high, true);
    view.setInt32(at + OPTS2_AT, 0, true);
    this.#dma.publish();
    view.setInt32(at + OPTS1_AT, OWN | (index === this.#mask ? EOR : 0) | this.bufferBytes, true);
  }

  /** Nothing to tell: the chip looks at OWN by itself. */
  tell(): void {}

  statistics(): Readonly<Record<string, number>> {
    return {
      rxPackets: this.packets,
      rxBytes: this.bytes,
      rxDamaged: this.damaged,
      rxMalformed: this.malformed,
    };
  }
}
