/**
 * One transmit ring: it takes descriptors that it owns, one after the other, gathers a packet, has it summed or segmented, and
 * gives each descriptor back when it has read its buffer. Nobody tells the ring's length: the descriptor with EOR ends it.
 * Newer chips can also leave descriptors as they are and count them: software tells how many it has filled, the NIC how many it
 * has taken. Source: RTL8169 specification, Tx descriptor; r8169 rtl8169_start_xmit and rtl_tx; for the counters r8125
 * (rtl8125_tx_interrupt_noclose) and DPDK (rtl8125_tx_clean).
 */
import { crc32 } from '../../link/crc32.js';
import type { LinkFrame } from '../../link/port.js';
import { meta, pick, type RegisterFile, rtl8168h } from '../../registers/index.js';
import { type DeviceBus, DmaFault, type FrameDescriptor } from '../function.js';
import type { TxRingRegisters } from './chip.js';
import { OffloadUnit, SUMS } from './tx-offload.js';

const { DESCRIPTOR_BYTES, RING_MAX, TXD_OPTS1, TXD_OPTS2, TXD_ADDR_LO, TXD_ADDR_HI } = rtl8168h;
const { OWN, EOR, FS, LS, LEN, GTSENV4, GTSENV6 } = TXD_OPTS1;
const { TAGC, VLAN_TAG } = TXD_OPTS2;
const REF = 'RTL8169 specification, Tx descriptor §opts';

/** The longest form of a descriptor, see {@link RingOwner.descriptorBytes}. */
const MOST_BYTES = 2 * DESCRIPTOR_BYTES;
/** Descriptors fetched at a time, once the ring's length is known. */
const BATCH = 16;
const FCS = 4;
const TAG = 4;
/** Before the packet there is room for a tag. */
const HEADROOM = 16;
const MIN_FRAME = 60;
const HEADER = 14;
/** Mask of both counters. */
const COUNTERS = 0xffff;
const VLAN = 0x8100;

/** What a ring needs of the transmitter. */
export interface RingOwner {
  /** False: the next frame has to wait for the wire. */
  readonly free: boolean;
  /** Bytes of a descriptor; what stands behind its first {@link DESCRIPTOR_BYTES} is not read. */
  readonly descriptorBytes: number;
  /** A frame is finished. */
  emit(frame: LinkFrame): void;
  /** TXCFG.NOCRC: software brings the FCS. */
  readonly bringsFcs: boolean;
  /** TXCFG: any of these bits is set. */
  configured(mask: number): boolean;
}

/** How a turn of {@link TxRing.run} ended. */
export const Turn = { empty: 0, more: 1, fault: 2 } as const;

/** The ring. */
export class TxRing {
  /** Frames sent, or not, since the transmitter looked last. */
  sent = 0;
  failed = 0;
  readonly registers: TxRingRegisters;
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #owner: RingOwner;
  readonly #slot: FrameDescriptor;
  readonly #offload: OffloadUnit;
  readonly #low: number;
  readonly #high: number;
  /** Counters of a ring that has them; see {@link TxRingRegisters.noClose}. */
  readonly #tail: number;
  readonly #closed: number;
  readonly #fetched: number;
  readonly #packet: number;
  readonly #mostBytes: number;
  readonly #frame: LinkFrame;
  /** Next descriptor; how many there are, 0 until EOR was seen. */
  #index = 0;
  #size = 0;
  #inside = false;
  #bad = false;
  #length = 0;
  #opts2 = 0;

  /** @param mostFrame longest frame to be sent, with its FCS */
  constructor(
    bus: DeviceBus,
    regs: RegisterFile,
    owner: RingOwner,
    registers: TxRingRegisters,
    slot: FrameDescriptor,
    mostFrame: number,
  ) {
    this.registers = registers;
    this.#bus = bus;
    this.#values = regs.values;
    this.#owner = owner;
    this.#slot = slot;
    [this.#low, this.#high] = [regs.slot(registers.low), regs.slot(registers.high)];
    const { noClose } = registers;
    [this.#tail, this.#closed] = noClose
      ? [regs.slot(noClose.tail) + noClose.index, regs.slot(noClose.closed) + noClose.index]
      : [this.#low, this.#low];
    this.#fetched = bus.allocBuffer(BATCH * MOST_BYTES);
    this.#packet = bus.allocBuffer(HEADROOM + mostFrame + TAG) + HEADROOM;
    this.#mostBytes = mostFrame - FCS;
    this.#frame = { arena: bus.arena, offset: 0, length: 0, fcsOk: true };
    this.#offload = new OffloadUnit(bus, {
      packet: this.#packet,
      mostBytes: this.#mostBytes,
      send: (bytes) => this.#send(bytes),
    });
  }

  /** From the ring's beginning. */
  reset(): void {
    this.#index = this.#size = this.#length = 0;
    this.#inside = this.#bad = false;
    this.sent = this.failed = 0;
    if (this.registers.noClose) this.#values[this.#closed] = this.#values[this.#tail]!;
    this.#offload.segmenter.reset();
  }

  /** Descriptors are counted, not given back. */
  get counts(): boolean {
    const { noClose } = this.registers;
    return noClose !== undefined && this.#owner.configured(noClose.mask);
  }

  /** Bus address of descriptor 0; 0: no ring was given. */
  get base(): number {
    return (this.#values[this.#high]! >>> 0) * 0x1_0000_0000 + (this.#values[this.#low]! >>> 0);
  }

  get index(): number {
    return this.#index;
  }

  /** Descriptors of the ring; {@link RING_MAX} until its end was seen. */
  get entries(): number {
    return this.#size === 0 ? RING_MAX : this.#size;
  }

  /** Works on at most `most` descriptors. @returns one of {@link Turn} */
  run(most: number): number {
    const { base } = this;
    const each = this.#owner.descriptorBytes;
    const { counts } = this;
    this.#slot.ring = this.registers.name;
    let left = most;
    while (left > 0) {
      if (counts) {
        const filled = (this.#values[this.#tail]! - this.#values[this.#closed]!) & COUNTERS;
        if (filled > this.entries) {
          this.#beyondRing(filled);
          return Turn.empty;
        }
        if (filled === 0) {
          if (this.#inside) this.#unfinished(0);
          return Turn.empty;
        }
        left = Math.min(left, filled);
      }
      const known = this.#size > this.#index;
      const count = known ? Math.min(BATCH, left, this.#size - this.#index) : 1;
      const first = base + this.#index * each;
      if (this.#bus.read(first, this.#bus.arena, this.#fetched, count * each) !== DmaFault.none) return Turn.fault;
      for (let i = 0; i < count; i++) {
        const place = this.#fetched + i * each;
        const address = base + this.#index * each;
        let opts1 = this.#bus.arena.u32[place >> 2]! | 0;
        // A processor that writes length and OWN as two halves may be between them: what stands there once OWN is seen is whole.
        if ((opts1 & OWN) !== 0) opts1 = this.#bus.read32(address);
        if ((opts1 & OWN) === 0) {
          // Fetched ahead, it may be older than the descriptor with FS, whose OWN software sets last.
          if (i > 0 && this.#inside) break;
          if (counts) this.#order('a descriptor that the tail counts has no OWN', opts1);
          else if (this.#inside) this.#unfinished(opts1);
          else if (this.#size === 0 && this.#index > 0) this.#beyond(base);
          return Turn.empty;
        }
        if (!this.#inside && !this.#owner.free) return Turn.more;
        this.#slot.index = this.#index;
        this.#slot.address = address;
        this.#descriptor(opts1, place);
        left--;
        // On chips since RTL8168C nothing but OWN is told; older drivers look at LS of what they get back.
        if (counts) this.#values[this.#closed] = (this.#values[this.#closed]! + 1) & COUNTERS;
        else if (this.#bus.write32(address, opts1 & (EOR | FS | LS)) !== DmaFault.none) return Turn.fault;
        if (this.#step(opts1)) break;
      }
    }
    return Turn.more;
  }

  /** On to the next descriptor. True: not the one behind this one. */
  #step(opts1: number): boolean {
    if ((opts1 & EOR) === 0 && this.#index + 1 < RING_MAX) {
      this.#index++;
      // The end has moved back: it will be found.
      if (this.#size === this.#index) this.#size = 0;
      return false;
    }
    if ((opts1 & EOR) === 0) {
      this.#bus.report({
        rule: 'ring-length',
        register: this.registers.low[meta].name,
        value: RING_MAX,
        message: `none of ${RING_MAX} transmit descriptors has EOR`,
        ref: REF,
      });
    }
    this.#size = this.#index + 1;
    this.#index = 0;
    return true;
  }

  #beyondRing(filled: number): void {
    const { noClose } = this.registers;
    this.#bus.report({
      rule: 'tail-beyond-ring',
      register: noClose!.tail[meta].name,
      value: this.#values[this.#tail]!,
      message: `${filled} descriptors more than were sent, and the ring has ${this.entries}`,
      ref: noClose!.tail[meta].ref,
    });
    this.#values[this.#closed] = this.#values[this.#tail]!;
  }

  /** The next descriptor is not ours, and no end was seen yet. If the first one is ours again, the driver sees an end that we do not. */
  #beyond(base: number): void {
    if ((this.#bus.read32(base) & OWN) === 0) return;
    this.#bus.report({
      rule: 'ring-length',
      register: this.registers.low[meta].name,
      value: this.#index,
      message: `descriptor 0 has OWN again, descriptor ${this.#index} has not, and none before it has EOR: the ring has no end`,
      ref: REF,
    });
  }

  #descriptor(opts1: number, place: number): void {
    const { u32 } = this.#bus.arena;
    const word = place >> 2;
    if (this.#inside === ((opts1 & FS) !== 0)) {
      this.#order(
        this.#inside ? 'a frame begins (FS) before the one before it has ended (LS)' : 'a frame begins without FS',
        opts1,
      );
      if (this.#inside) this.failed++;
      this.#inside = false;
    }
    if (!this.#inside) {
      const ordered = (opts1 & FS) !== 0;
      this.#begin(opts1, u32[word + (TXD_OPTS2.at >> 2)]! | 0);
      this.#bad = !ordered;
    }
    const bytes = opts1 & LEN;
    const address = u32[word + (TXD_ADDR_HI.at >> 2)]! * 0x1_0000_0000 + u32[word + (TXD_ADDR_LO.at >> 2)]!;
    if (!this.#bad) {
      if (bytes === 0) this.#empty(opts1);
      else if (this.#offload.segmenter.active) this.#offload.segmenter.gather(address, bytes);
      else this.#gather(address, bytes);
    }
    if ((opts1 & LS) !== 0) this.#finish();
  }

  #begin(opts1: number, opts2: number): void {
    this.#inside = true;
    this.#length = 0;
    this.#opts2 = opts2;
    this.#offload.segmenter.reset();
    if ((opts1 & (GTSENV4 | GTSENV6)) !== 0) this.#offload.begin(opts1, opts2);
  }

  #gather(address: number, bytes: number): void {
    if (this.#length + bytes > this.#mostBytes) {
      this.#bad = true;
      this.#bus.report({
        rule: 'frame-too-long',
        register: 'LEN',
        value: this.#length + bytes,
        message: `a frame has at most ${this.#mostBytes} bytes without FCS`,
        ref: REF,
      });
      return;
    }
    if (this.#bus.read(address, this.#bus.arena, this.#packet + this.#length, bytes) !== DmaFault.none)
      this.#bad = true;
    this.#length += bytes;
  }

  /** LS: the packet is whole. */
  #finish(): void {
    const { segmenter } = this.#offload;
    this.#inside = false;
    if (segmenter.active) {
      if (this.#bad || !segmenter.end()) this.failed++;
      segmenter.reset();
      return;
    }
    if (this.#bad) {
      this.failed++;
      return;
    }
    if ((this.#opts2 & SUMS) !== 0) this.#offload.checksums(this.#opts2, this.#length);
    this.#send(this.#length);
  }

  /** A finished frame of `bytes` bytes stands at the packet. */
  #send(bytes: number): void {
    const { u8, view } = this.#bus.arena;
    const frame = this.#frame;
    let at = this.#packet;
    let length = bytes;
    frame.fcsOk = true;
    if (this.#owner.bringsFcs) {
      length -= FCS;
      frame.fcsOk = length > 0 && crc32(this.#bus.arena, at, length) === view.getInt32(at + length, true);
    }
    if (length < HEADER) {
      this.#bus.report({
        rule: 'frame-too-short',
        register: 'LEN',
        value: length,
        message: 'not even an Ethernet header',
        ref: '802.3 §3.2',
      });
      this.failed++;
      return;
    }
    if ((this.#opts2 & TAGC) !== 0) {
      const tag = pick(this.#opts2, VLAN_TAG);
      at -= TAG;
      u8.copyWithin(at, this.#packet, this.#packet + 12);
      length += TAG;
      view.setUint16(at + 12, VLAN);
      // The descriptor has it with its bytes swapped.
      view.setUint16(at + 14, tag, true);
    }
    if (length < MIN_FRAME) {
      u8.fill(0, at + length, at + MIN_FRAME);
      length = MIN_FRAME;
    }
    frame.offset = at;
    frame.length = length;
    this.sent++;
    this.#owner.emit(frame);
  }

  #order(message: string, value: number): void {
    this.#bus.report({ rule: 'descriptor-order', register: 'TXD_OPTS1', value, message, ref: REF });
  }

  #empty(value: number): void {
    this.#bad = true;
    this.#bus.report({ rule: 'descriptor-length', register: 'LEN', value, message: 'a buffer of no bytes', ref: REF });
  }

  #unfinished(value: number): void {
    this.#bus.report({
      rule: 'frame-without-end',
      register: this.registers.low[meta].name,
      value,
      message: 'the NIC does not own the descriptor that goes on with a frame: no LS came before it',
      ref: REF,
    });
  }
}
