/**
 * 82540EM: the receiver. Frames from the link are filtered, summed and written to the guest's buffers; what finds no
 * descriptor waits in the FIFO. Source: 8254x §3.2, §10.1 and §3.7.5 (flow control).
 */
import type { FrameFate, LinkFrame } from '../../link/port.js';
import { finish } from '../../platform/kernels.js';
import { i82540em, pick, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor, ModelAlarm } from '../function.js';
import { Admission, Admitted } from '../intel/admission.js';
import type { FlowControl } from '../intel/flow-control.js';
import type { StatisticsUnit } from '../intel/statistics.js';
import { checkFrame, emptyFindings } from '../offload/checksum.js';
import { RxFifo } from '../offload/fifo.js';
import { FrameWriter, packetSum } from '../offload/frame-writer.js';
import type { InterruptUnit } from './interrupts.js';

const { RCTL, RDBAL, RDBAH, RDLEN, RDH, RDT, RXCSUM, CTRL, ICR, RSRPD, PBA, DESCRIPTOR_BYTES } = i82540em;
const { DD, EOP, IXSM, VP, TCPCS, IPCS, PIF, CE, TCPE, IPE } = i82540em.RXD_STATUS;

/** Frames that one slice moves out of the FIFO. */
const BATCH = 64;
const FCS = 4;
const FIFO_BYTES = 64 * 1024;
/** Sizes by BSIZE; times 16 with BSEX, where 0 means reserved. */
const SIZES = [2048, 1024, 512, 256];

/** The receive unit. */
export class RxUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #interrupts: InterruptUnit;
  readonly #statistics: StatisticsUnit;
  readonly #flow: FlowControl;
  readonly #admission: Admission;
  readonly #slot: FrameDescriptor;
  readonly #alarm: ModelAlarm;
  readonly #found = emptyFindings();
  readonly #rdh: number;
  readonly #rdt: number;
  readonly #rctl: number;
  readonly #rdlen: number;
  readonly #rdbal: number;
  readonly #rdbah: number;
  readonly #rxcsum: number;
  readonly #ctrl: number;
  readonly #rsrpd: number;
  readonly #writer: FrameWriter;
  readonly #fifo: RxFifo;

  constructor(
    bus: DeviceBus,
    regs: RegisterFile,
    interrupts: InterruptUnit,
    statistics: StatisticsUnit,
    flow: FlowControl,
    slot: FrameDescriptor,
  ) {
    this.#bus = bus;
    this.#slot = slot;
    this.#regs = regs;
    this.#values = regs.values;
    this.#interrupts = interrupts;
    this.#statistics = statistics;
    this.#flow = flow;
    this.#admission = new Admission(regs, i82540em, statistics, flow);
    this.#alarm = bus.alarm(() => this.#drain());
    this.#rdh = regs.slot(RDH);
    this.#rdt = regs.slot(RDT);
    this.#rctl = regs.slot(RCTL);
    this.#rdlen = regs.slot(RDLEN);
    this.#rdbal = regs.slot(RDBAL);
    this.#rdbah = regs.slot(RDBAH);
    this.#rxcsum = regs.slot(RXCSUM);
    this.#ctrl = regs.slot(CTRL);
    this.#rsrpd = regs.slot(RSRPD);
    this.#writer = new FrameWriter(bus);
    this.#fifo = new RxFifo(bus, FIFO_BYTES);
    regs.on(RDT, { write: (value) => this.#doorbell(value & 0xffff) });
    regs.on(RCTL, { write: (value, _i, old) => this.#control(value, old) });
    regs.on(RDLEN, { write: (value, _index, old) => this.#checkRing(value, old) });
    regs.on(i82540em.RDFPC, { read: () => this.#fifo.frames });
  }

  reset(): void {
    this.#alarm.cancel();
    this.#fifo.reset();
  }

  /** A frame from the link, or from our own transmitter in loopback. */
  receive(frame: LinkFrame): FrameFate {
    const fate = this.#admission.admit(frame);
    if (fate !== undefined) return fate;
    if (frame.length + FCS <= (this.#values[this.#rsrpd]! & RSRPD.SIZE)) this.#interrupts.raise(ICR.SRPD);
    const { flags } = this.#admission;
    if (this.#fifo.frames === 0 && this.#bus.schedule !== 'adversarial') {
      if (this.#deliver(frame, flags)) return 'delivered';
      this.#statistics.count(i82540em.RNBC);
    }
    return this.#queue(frame, flags);
  }

  #queue(frame: LinkFrame, flags: number): FrameFate {
    if (!this.#fifo.push(frame, flags, pick(this.#regs.get(PBA), PBA.RXA) * 1024)) {
      this.#statistics.count(i82540em.MPC);
      this.#interrupts.raise(ICR.RXO);
      this.#flow.level(this.#fifo.used);
      return 'fifo-full';
    }
    this.#flow.level(this.#fifo.used);
    if (!this.#alarm.armed && this.#values[this.#rdh] !== this.#values[this.#rdt])
      this.#alarm.arm(this.#bus.now + this.#bus.delay(200));
    return 'queued';
  }

  readonly #queued: LinkFrame = { arena: undefined as never, offset: 0, length: 0, fcsOk: true };

  #drain(): void {
    const frame = this.#queued;
    let left = this.#bus.slice(BATCH);
    while (this.#fifo.frames > 0 && left > 0 && (this.#values[this.#rctl]! & RCTL.EN) !== 0) {
      const flags = this.#fifo.peek(frame);
      frame.fcsOk = (flags & Admitted.bad) === 0;
      if (!this.#deliver(frame, flags)) return;
      this.#fifo.pop(frame);
      left--;
      this.#flow.level(this.#fifo.used);
    }
    if (this.#fifo.frames > 0 && this.#values[this.#rdh] !== this.#values[this.#rdt])
      this.#alarm.arm(this.#bus.now + this.#bus.delay(100));
  }

  /** Writes one frame to the guest's buffers. False: not enough descriptors, nothing was done. */
  #deliver(frame: LinkFrame, flags: number): boolean {
    const control = this.#values[this.#rctl]!;
    const size = (this.#values[this.#rdlen]! & RDLEN.LEN) / DESCRIPTOR_BYTES;
    const buffer = bufferSize(control);
    let head = this.#values[this.#rdh]!;
    const tail = this.#values[this.#rdt]!;
    if (size === 0 || head >= size || tail >= size) return false;
    const strip = (flags & Admitted.tagged) !== 0 && (this.#values[this.#ctrl]! & CTRL.VME) !== 0;
    const fcs = (control & RCTL.SECRC) === 0;
    const free = (tail - head + size) % size;
    if (free * buffer < FrameWriter.size(frame, strip, fcs)) return false;
    const base = (this.#values[this.#rdbah]! >>> 0) * 0x1_0000_0000 + ((this.#values[this.#rdbal]! & ~15) >>> 0);
    const status = this.#status(frame, flags, strip);
    const csum = this.#checksum(frame);
    this.#writer.begin(frame, strip, fcs);
    const all = this.#writer.bytes;
    let done = 0;
    this.#slot.ring = 'RX ring 0';
    while (done < all) {
      const descriptor = base + head * DESCRIPTOR_BYTES;
      const address = (this.#bus.read32(descriptor + 4) >>> 0) * 0x1_0000_0000 + (this.#bus.read32(descriptor) >>> 0);
      const bytes = Math.min(buffer, all - done);
      this.#writer.write(address, done, bytes);
      done += bytes;
      this.#slot.index = head;
      this.#slot.address = descriptor;
      this.#bus.write32(descriptor + 8, bytes | (csum << 16));
      this.#bus.write32(descriptor + 12, done === all ? status | EOP | DD : (status & ~0xffff) | DD);
      head = head + 1 === size ? 0 : head + 1;
    }
    this.#writer.end();
    this.#values[this.#rdh] = head;
    this.#thresholds(control, (tail - head + size) % size, size);
    this.#interrupts.received();
    return true;
  }

  /** Packet checksum: ones complement sum from RXCSUM.PCSS to the end of the frame (8254x §3.2.8). */
  #checksum(frame: LinkFrame): number {
    const start = this.#values[this.#rxcsum]! & RXCSUM.PCSS;
    if (start >= frame.length) return 0xffff;
    const value = ~finish(packetSum(frame, start, this.#found)) & 0xffff;
    return ((value & 0xff) << 8) | (value >> 8);
  }

  #status(frame: LinkFrame, flags: number, strip: boolean): number {
    const wanted = this.#values[this.#rxcsum]!;
    let status =
      ((flags & Admitted.inexact) !== 0 ? PIF : 0) | ((flags & Admitted.bad) !== 0 ? CE : 0) | (strip ? VP : 0);
    if (strip) status |= ((frame.arena.u8[frame.offset + 14]! << 8) | frame.arena.u8[frame.offset + 15]!) << 16;
    const found = this.#found;
    found.l4Checked = false;
    if ((wanted & (RXCSUM.IPOFL | RXCSUM.TUOFL)) === 0) return status | IXSM;
    checkFrame(frame.arena, frame.offset, frame.length, found);
    if (!found.ipv4) return status | IXSM;
    if ((wanted & RXCSUM.IPOFL) !== 0) status |= IPCS | (found.ipOk ? 0 : IPE);
    if ((wanted & RXCSUM.TUOFL) !== 0 && found.l4Checked) status |= TCPCS | (found.l4Ok ? 0 : TCPE);
    return status;
  }

  #thresholds(control: number, free: number, size: number): void {
    const part = size >> (1 + pick(control, RCTL.RDMTS));
    if (free === part) this.#interrupts.raise(ICR.RXDMT0);
  }

  #doorbell(tail: number): void {
    const size = this.#values[this.#rdlen]! / DESCRIPTOR_BYTES;
    if (size > 0 && tail >= size) {
      this.#bus.report({
        rule: 'tail-beyond-ring',
        register: 'RDT',
        value: tail,
        message: `the ring has ${size} descriptors`,
        ref: '8254x §13.4.29',
      });
    }
    if (this.#fifo.frames > 0 && !this.#alarm.armed) this.#alarm.arm(this.#bus.now);
  }

  #control(value: number, old: number): void {
    if ((value & RCTL.EN) === 0) {
      if ((old & RCTL.EN) !== 0) this.reset();
      return;
    }
    if ((value & RCTL.BSEX) !== 0 && pick(value, RCTL.BSIZE) === 0) {
      this.#bus.report({
        rule: 'reserved-bits',
        register: 'RCTL',
        value,
        message: 'BSIZE 0 with BSEX is reserved',
        ref: '8254x §13.4.22',
      });
    }
    if (this.#regs.get(RDLEN) === 0 && (old & RCTL.EN) === 0 && (value & RCTL.LBM) === 0) {
      this.#bus.report({
        rule: 'ring-length',
        register: 'RDLEN',
        value: 0,
        message: 'the receiver was enabled without a ring',
        ref: '8254x §14.4',
      });
    }
  }

  #checkRing(value: number, old: number): void {
    if ((value & ~RDLEN.LEN) !== 0) {
      this.#bus.report({
        rule: 'ring-length',
        register: 'RDLEN',
        value,
        message: 'the length must be a multiple of 128 bytes below 1 MiB',
        ref: '8254x §13.4.27',
      });
    }
    // Giving a unit that was enabled without a ring one is the end of that mistake, no second one.
    if (old !== 0 && (this.#regs.get(RCTL) & RCTL.EN) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: 'RDLEN',
        value,
        message: 'the ring was changed while RCTL.EN is set',
        ref: '8254x §14.4',
      });
    }
  }
}

function bufferSize(control: number): number {
  const size = SIZES[pick(control, RCTL.BSIZE)]!;
  return (control & RCTL.BSEX) !== 0 && size !== 2048 ? size * 16 : size;
}
