/**
 * The transmit ring of Intel's gigabit chips. Legacy descriptors for plain frames, context and data descriptors for
 * offloads; their format is the same in all of them (8254x §3.3, 82574 §7.2).
 */
import type { Arena } from '../../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import { finish, sum16 } from '../../platform/kernels.js';
import type { Mmio } from '../../platform/mmio.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import { put } from '../../registers/define.js';
import * as format from '../../registers/i82540em/index.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, highOf } from '../ring.js';
import { TxSlots } from '../tx-slots.js';
import type { IntelChip, TxRegisters } from './family.js';

const { CTX_CMD, CTX_IP, CTX_MSS, CTX_TU, DESCRIPTOR_BYTES } = format;
const { TXD_ADDRH, TXD_ADDRL, TXD_CMD, TXD_DATA, TXD_POPTS, TXD_STATUS } = format;
// Masks of the packet path, as plain constants.
const { EOP, IFCS, RS, DEXT, VLE, IDE } = TXD_CMD;
const { TSE } = TXD_DATA;
const { IXSM, TXSM } = TXD_POPTS;
const { DD } = TXD_STATUS;
const { IP: CTX_IPV4, TCP: CTX_TCP, TSE: CTX_TSE } = CTX_CMD;
const ADDRL_AT = TXD_ADDRL.at;
const ADDRH_AT = TXD_ADDRH.at;
const COMMAND_AT = TXD_CMD.at;
const STATUS_AT = TXD_STATUS.at;
const CTX_IP_AT = CTX_IP.at;
const CTX_TU_AT = CTX_TU.at;
const CTX_MSS_AT = CTX_MSS.at;
const DTYP_DATA = put(0, TXD_DATA.DTYP, 1);
const SPECIAL_SHIFT = 31 - Math.clz32(TXD_STATUS.SPECIAL & -TXD_STATUS.SPECIAL);
const IPCSO_SHIFT = 31 - Math.clz32(CTX_IP.IPCSO & -CTX_IP.IPCSO);
const IPCSE_SHIFT = 31 - Math.clz32(CTX_IP.IPCSE & -CTX_IP.IPCSE);
const TUCSO_SHIFT = 31 - Math.clz32(CTX_TU.TUCSO & -CTX_TU.TUCSO);
const HDRLEN_SHIFT = 31 - Math.clz32(CTX_MSS.HDRLEN & -CTX_MSS.HDRLEN);
const MSS_SHIFT = 31 - Math.clz32(CTX_MSS.MSS & -CTX_MSS.MSS);

/** Largest piece of one descriptor: the chip stops at 16288 (8254x §3.3.3); a power of two below it. */
const PIECE = 8192;
/** A context and the pieces of the largest frame. */
const MOST_DESCRIPTORS = 1 + BIG_SLOT / PIECE;
const ETHERTYPE_AT = 12;
const ETHERNET_BYTES = 14;
const TAG_BYTES = 4;
const VLAN_TYPE = 0x8100;
const IPV4_TYPE = 0x0800;
const IPV4_LENGTH_AT = 2;
const IPV4_CHECKSUM_AT = 10;
const TCP_OFFSET_AT = 12;
const TCP_CHECKSUM_AT = 16;
const TIDV_UNITS = 8;
const TADV_UNITS = 32;

/** The largest frame that may be handed over for segmentation. */
export const MAX_SEGMENT_BYTES = BIG_SLOT - FRAME_LEAD;

/** What the ring must know of its chip. */
export interface TxParts {
  readonly chip: IntelChip;
  readonly txRegisters: TxRegisters;
  /** Value of TXDCTL. */
  readonly txControl: number;
}

/** One transmit ring with its buffers. */
export class IntelTx {
  readonly slots: TxSlots;
  readonly #io: Mmio;
  readonly #parts: TxParts;
  readonly #tailAt: number;
  readonly #dma: DmaMemory;
  readonly #ring: DmaRegion;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #mask: number;
  readonly #delay: number;
  #clean = 0;
  #next = 0;
  #told = 0;
  /** The context that the chip holds: both words of it, -1 for none. */
  #contextTu = -1;

  /** @param delayed interrupts of completions may be late: the delay timers run */
  constructor(
    io: Mmio,
    parts: TxParts,
    set: DmaSet,
    size: number,
    mtu: number,
    segmentation: boolean,
    delayed: boolean,
  ) {
    this.#io = io;
    this.#parts = parts;
    this.#tailAt = parts.txRegisters.TDT.at;
    this.#dma = set.dma;
    this.#ring = set.alloc(size * DESCRIPTOR_BYTES, 4096);
    this.slots = new TxSlots(set, size, mtu, segmentation);
    this.#arena = this.#ring.arena;
    this.#view = this.#arena.view;
    this.#mask = size - 1;
    this.#delay = delayed ? IDE : 0;
  }

  /** Programs the ring and the unit (8254x §14.5). Frames that were under way are given up and counted in `lost`. */
  start(): void {
    const io = this.#io;
    this.#forget();
    const { address } = this.#ring;
    const { TCTL, TIPG, TIDV, TADV } = this.#parts.chip;
    const { TDBAL, TDBAH, TDLEN, TDH, TDT, TXDCTL } = this.#parts.txRegisters;
    io.write32(TDBAL.at, address | 0);
    io.write32(TDBAH.at, highOf(address));
    io.write32(TDLEN.at, (this.#mask + 1) * DESCRIPTOR_BYTES);
    io.write32(TDH.at, 0);
    io.write32(TDT.at, 0);
    // 8254x §13.4.34 and 82574 §10.2.6, for copper: 8, 8, 6.
    io.write32(TIPG.at, put(put(put(0, TIPG.IPGT, 8), TIPG.IPGR1, 8), TIPG.IPGR2, 6));
    io.write32(TIDV.at, TIDV_UNITS);
    io.write32(TADV.at, TADV_UNITS);
    io.write32(TXDCTL.at, this.#parts.txControl);
    // 8254x §13.4.33: collision threshold 15, distance 64 for full duplex.
    io.write32(TCTL.at, put(put(TCTL.PSP, TCTL.CT, 15), TCTL.COLD, 64) | TCTL.EN);
  }

  #forget(): void {
    this.slots.forget();
    this.#clean = 0;
    this.#next = 0;
    this.#told = 0;
    this.#contextTu = -1;
    const { offset, bytes } = this.#ring;
    this.#arena.u8.fill(0, offset, offset + bytes);
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
    return this.room >= 2 && this.slots.ready;
  }

  reserve(frame: Frame, bytes: number): boolean {
    const needed = this.slots.isSmall(bytes) ? 2 : MOST_DESCRIPTORS;
    return this.room >= needed && this.slots.reserve(frame, bytes);
  }

  commit(frame: Frame): void {
    const slot = this.slots.committed(frame);
    if (slot < 0) return;
    const { low, high } = this.slots.pool(slot);
    const { length } = frame;
    const at = frame.offset;
    let command = IFCS | this.#delay;
    let options = 0;
    if (frame.vlan >= 0) {
      command |= VLE;
      options = (frame.vlan & 0xffff) << SPECIAL_SHIFT;
    }
    if (frame.checksum === Checksum.partial) {
      if (frame.gsoSize > 0) {
        if (!this.#segmentContext(frame)) {
          this.slots.refused++;
          return;
        }
        command |= TSE;
        options |= TXSM | (this.#isIpv4(at) ? IXSM : 0);
        command |= DEXT | DTYP_DATA;
      } else if (this.#checksumContext(frame.csumStart, frame.csumOffset)) {
        options |= TXSM;
        command |= DEXT | DTYP_DATA;
      } else {
        this.#sum(frame);
      }
    }
    let done = 0;
    let last = this.#next;
    // At most eight pieces: a slot holds no more.
    while (done < length) {
      const piece = Math.min(length - done, PIECE);
      last = this.#next;
      this.#write((at + done + low) | 0, high, piece | command | (done + piece === length ? EOP | RS : 0), options);
      done += piece;
    }
    this.slots.take(slot, last, length, length);
  }

  /** Tells the chip about everything committed: one register write. */
  flush(): void {
    if (this.#told === this.#next) return;
    this.#told = this.#next;
    this.#dma.publish();
    this.#io.write32(this.#tailAt, this.#next);
  }

  /** Takes back what the chip has sent. Returns the number of frames. */
  reclaim(): number {
    let frames = 0;
    let at = this.#clean;
    // Bounded: the walk ends at #next, which no device moves.
    while (at !== this.#next) {
      if (this.slots.carries(at)) {
        if ((this.#view.getInt32(this.#ring.offset + at * DESCRIPTOR_BYTES + STATUS_AT, true) & DD) === 0) break;
        this.slots.sent(at);
        frames++;
        this.#clean = (at + 1) & this.#mask;
      }
      at = (at + 1) & this.#mask;
    }
    if (frames > 0) this.#dma.syncForCpu();
    return frames;
  }

  /** Fills the next data descriptor. */
  #write(low: number, high: number, command: number, options: number): void {
    const at = this.#ring.offset + this.#next * DESCRIPTOR_BYTES;
    const view = this.#view;
    view.setInt32(at + ADDRL_AT, low, true);
    view.setInt32(at + ADDRH_AT, high, true);
    view.setInt32(at + COMMAND_AT, command, true);
    view.setInt32(at + STATUS_AT, options, true);
    this.#next = (this.#next + 1) & this.#mask;
  }

  #context(ip: number, tu: number, command: number, mss: number): void {
    const at = this.#ring.offset + this.#next * DESCRIPTOR_BYTES;
    const view = this.#view;
    view.setInt32(at + CTX_IP_AT, ip, true);
    view.setInt32(at + CTX_TU_AT, tu, true);
    view.setInt32(at + COMMAND_AT, command, true);
    view.setInt32(at + CTX_MSS_AT, mss, true);
    this.#next = (this.#next + 1) & this.#mask;
  }

  /** Where to sum and where to put it, unless the chip knows already (8254x §3.3.6). False: beyond its 8-bit fields. */
  #checksumContext(start: number, offset: number): boolean {
    if (start + offset > 0xff) return false;
    const tu = start | ((start + offset) << TUCSO_SHIFT);
    if (tu === this.#contextTu) return true;
    this.#contextTu = tu;
    this.#context(0, tu, DEXT | this.#delay, 0);
    return true;
  }

  /** Behind long extension headers the chip cannot reach: summed here. */
  #sum(frame: Frame): void {
    const { offset, length, csumStart, csumOffset } = frame;
    const value = finish(sum16(this.#arena, offset + csumStart, length - csumStart));
    this.#view.setUint16(offset + csumStart + csumOffset, value);
  }

  #l3(at: number): number {
    const view = this.#view;
    return view.getUint16(at + ETHERTYPE_AT) === VLAN_TYPE ? ETHERNET_BYTES + TAG_BYTES : ETHERNET_BYTES;
  }

  #isIpv4(at: number): boolean {
    return this.#view.getUint16(at + this.#l3(at) - 2) === IPV4_TYPE;
  }

  /**
   * The context of a segmentation (8254x §3.5). The chip fills in the IP length and checksum and adds each segment's
   * length to the pseudo-header sum, so the total that the stack put in is taken out.
   */
  #segmentContext(frame: Frame): boolean {
    const view = this.#view;
    const { offset: at, length, csumStart: l4, csumOffset, gsoSize } = frame;
    const l3 = this.#l3(at);
    if (csumOffset !== TCP_CHECKSUM_AT || l4 <= l3 || l4 + TCP_CHECKSUM_AT + 2 > length || gsoSize > 0xffff)
      return false;
    const header = l4 + (view.getUint8(at + l4 + TCP_OFFSET_AT) >> 4) * 4;
    if (header > 0xff || header >= length) return false;
    const ipv4 = this.#isIpv4(at);
    let sum = view.getUint16(at + l4 + csumOffset) + (~(length - l4) & 0xffff);
    sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(at + l4 + csumOffset, sum & 0xffff);
    let ip = l3;
    let command = CTX_TCP | CTX_TSE | DEXT | this.#delay | (length - header);
    if (ipv4) {
      view.setUint16(at + l3 + IPV4_LENGTH_AT, 0);
      view.setUint16(at + l3 + IPV4_CHECKSUM_AT, 0);
      ip |= ((l3 + IPV4_CHECKSUM_AT) << IPCSO_SHIFT) | ((l4 - 1) << IPCSE_SHIFT);
      command |= CTX_IPV4;
    } else {
      view.setUint16(at + l3 + 4, 0);
      ip |= (l3 << IPCSO_SHIFT) | ((l4 - 1) << IPCSE_SHIFT);
    }
    // A segmentation leaves its own context behind: the next checksum needs a new one.
    this.#contextTu = -1;
    const tu = l4 | ((l4 + csumOffset) << TUCSO_SHIFT);
    this.#context(ip, tu, command, (header << HDRLEN_SHIFT) | (gsoSize << MSS_SHIFT));
    return true;
  }
}
