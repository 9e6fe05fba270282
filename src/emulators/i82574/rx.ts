/**
 * 82574L: the receiver: two queues, chosen by RSS. Frames are filtered, summed and written to the guest's buffers; what
 * finds no descriptor waits in the FIFO. Source: 82574 §7.1 and §10.2.5.
 */
import type { FrameFate, LinkFrame } from '../../link/port.js';
import { i82574, meta, pick, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor, ModelAlarm } from '../function.js';
import { Admission, Admitted } from '../intel/admission.js';
import type { FlowControl } from '../intel/flow-control.js';
import type { StatisticsUnit } from '../intel/statistics.js';
import { RxFifo } from '../offload/fifo.js';
import { emptyHeaders, parseHeaders } from '../offload/headers.js';
import type { InterruptUnit } from './interrupts.js';
import { RssUnit } from './rss.js';
import { RxRing } from './rx-ring.js';
import { RxSettings } from './rx-settings.js';
import { RxStatus } from './rx-status.js';
import type { TimeUnit } from './time.js';

const { RCTL, RFCTL, RXCSUM, MRQC, PSRCTL, ICR, RSRPD, PBA, VET, RX_QUEUES, RDFPC } = i82574;

/** Frames that one slice moves out of the FIFO. */
const BATCH = 64;
const FCS = 4;
const FIFO_BYTES = 40 * 1024;
/** Beside the bits of {@link Admitted}: the frame has a time stamp. */
const STAMPED = 8;

/** What the receiver needs of the rest of the chip. */
export interface RxParts {
  readonly interrupts: InterruptUnit;
  readonly statistics: StatisticsUnit;
  readonly flow: FlowControl;
  readonly time: TimeUnit;
  readonly slot: FrameDescriptor;
  /** CTRL.GIO_MASTER_DISABLE is not set. */
  mayMaster(): boolean;
}

/** The receive unit. */
export class RxUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #parts: RxParts;
  readonly #admission: Admission;
  readonly #headers = emptyHeaders();
  readonly #rss: RssUnit;
  readonly #settings: RxSettings;
  readonly #status: RxStatus;
  readonly #rings: readonly RxRing[];
  readonly #fifo: RxFifo;
  readonly #alarm: ModelAlarm;
  readonly #rctl: number;
  readonly #rfctl: number;
  readonly #vet: number;
  readonly #rsrpd: number;
  readonly #queued: LinkFrame = { arena: undefined as never, offset: 0, length: 0, fcsOk: true };

  constructor(bus: DeviceBus, regs: RegisterFile, parts: RxParts) {
    this.#bus = bus;
    this.#regs = regs;
    this.#values = regs.values;
    this.#parts = parts;
    this.#admission = new Admission(regs, i82574, parts.statistics, parts.flow);
    this.#rss = new RssUnit(regs);
    this.#settings = new RxSettings(regs);
    this.#status = new RxStatus(regs);
    this.#rings = RX_QUEUES.map(
      (registers, index) => new RxRing(bus, regs, { registers, index, settings: this.#settings, slot: parts.slot }),
    );
    this.#fifo = new RxFifo(bus, FIFO_BYTES);
    this.#alarm = bus.alarm(() => this.#drain());
    [this.#rctl, this.#rfctl] = [regs.slot(RCTL), regs.slot(RFCTL)];
    [this.#vet, this.#rsrpd] = [regs.slot(VET), regs.slot(RSRPD)];
    for (const ring of this.#rings) ring.onTail = () => this.kick();
    regs.on(RCTL, { write: (value, _index, old) => this.#control(value, old) });
    regs.on(PSRCTL, { write: () => this.#settings.refresh() });
    regs.on(RFCTL, { write: () => this.#settings.refresh() });
    regs.on(RDFPC, { read: () => this.#fifo.frames });
  }

  reset(): void {
    this.#empty();
    this.#rss.reset();
    this.#settings.refresh();
  }

  /** 16-byte units of a descriptor in the format that is set. */
  get descriptorUnits(): number {
    return this.#settings.units;
  }

  /** Looks whether frames that wait find descriptors now. */
  kick(): void {
    if (this.#fifo.frames > 0 && !this.#alarm.armed) this.#alarm.arm(this.#bus.now);
  }

  /** A frame from the link, or from our own transmitter in loopback. */
  receive(frame: LinkFrame): FrameFate {
    const fate = this.#admission.admit(frame);
    if (fate !== undefined) return fate;
    const { interrupts, statistics, time } = this.#parts;
    if (frame.length + FCS <= (this.#values[this.#rsrpd]! & RSRPD.SIZE)) interrupts.raise(ICR.SRPD);
    let { flags } = this.#admission;
    if (time.receives) {
      this.#look(frame);
      if (time.received(frame.arena, frame.offset, frame.length, this.#headers)) flags |= STAMPED;
    }
    if (this.#fifo.frames === 0 && this.#bus.schedule !== 'adversarial') {
      if (this.#deliver(frame, flags)) return 'delivered';
      statistics.count(i82574.RNBC);
    }
    return this.#queue(frame, flags);
  }

  #look(frame: LinkFrame): void {
    parseHeaders(frame.arena, frame.offset, frame.length, this.#values[this.#vet]!, this.#headers);
  }

  #queue(frame: LinkFrame, flags: number): FrameFate {
    const { interrupts, statistics, flow } = this.#parts;
    if (!this.#fifo.push(frame, flags, pick(this.#regs.get(PBA), PBA.RXA) * 1024)) {
      statistics.count(i82574.MPC);
      statistics.count(i82574.ICRXOC);
      interrupts.raise(ICR.RXO);
      flow.level(this.#fifo.used);
      return 'fifo-full';
    }
    flow.level(this.#fifo.used);
    if (!this.#alarm.armed && (this.#rings[0]!.free > 0 || this.#rings[1]!.free > 0))
      this.#alarm.arm(this.#bus.now + this.#bus.delay(200));
    return 'queued';
  }

  #drain(): void {
    const frame = this.#queued;
    let left = this.#bus.slice(BATCH);
    while (this.#fifo.frames > 0 && left > 0 && (this.#values[this.#rctl]! & RCTL.EN) !== 0) {
      const flags = this.#fifo.peek(frame);
      frame.fcsOk = (flags & Admitted.bad) === 0;
      if (!this.#deliver(frame, flags)) return;
      this.#fifo.pop(frame);
      left--;
      this.#parts.flow.level(this.#fifo.used);
    }
    if (this.#fifo.frames > 0) this.#alarm.arm(this.#bus.now + this.#bus.delay(100));
  }

  /** Writes one frame to the guest's buffers. False: not enough descriptors, nothing was done. */
  #deliver(frame: LinkFrame, flags: number): boolean {
    if (!this.#parts.mayMaster()) return false;
    this.#look(frame);
    const settings = this.#settings;
    this.#rss.type = this.#rss.hash = this.#rss.queue = 0;
    if (settings.extended && this.#status.hashes) this.#rss.classify(frame.arena, frame.offset, this.#headers);
    const ring = this.#rings[this.#rss.queue]!;
    const strip = (flags & Admitted.tagged) !== 0 && settings.strips;
    if (ring.size === 0) {
      // Not when RCTL.EN is set: e1000e sets it for a moment before it gives the ring.
      this.#mistake(
        'ring-length',
        ring.lengthName,
        0,
        'a frame came and the receiver has no ring for it',
        '82574 §4.6',
      );
      return false;
    }
    if (!ring.fits(frame, strip, this.#headers)) return false;
    const control = this.#values[this.#rfctl]!;
    const headers = this.#headers;
    headers.ack &&= (control & RFCTL.ACKD_DIS) === 0 || headers.payload === headers.end;
    this.#status.find(frame, flags, strip, (flags & STAMPED) !== 0, headers, this.#rss);
    const low = ring.write(frame, strip, this.#status);
    const { interrupts } = this.#parts;
    if (headers.ack && (control & RFCTL.ACKDIS) === 0) interrupts.acknowledgement();
    interrupts.received(this.#rss.queue, low);
    return true;
  }

  #empty(): void {
    this.#alarm.cancel();
    this.#fifo.reset();
  }

  #control(value: number, old: number): void {
    this.#settings.refresh();
    if ((value & RCTL.EN) === 0) {
      if ((old & RCTL.EN) !== 0) this.#empty();
      return;
    }
    if ((value & RCTL.BSEX) !== 0 && pick(value, RCTL.BSIZE) === 0 && pick(value, RCTL.FLXBUF) === 0)
      this.#mistake('reserved-bits', 'RCTL', value, 'BSIZE 0 with BSEX is reserved', RCTL[meta].ref);
    if ((old & RCTL.EN) !== 0) return;
    const control = this.#regs.get(RFCTL);
    if (pick(value, RCTL.DTYP) !== 0) {
      if ((control & RFCTL.EXSTEN) === 0)
        this.#mistake('descriptor-type', 'RCTL', value, 'packet split needs RFCTL.EXSTEN', '82574 §7.1');
      else if (!this.#settings.usable)
        this.#mistake(
          'descriptor-length',
          'PSRCTL',
          this.#regs.get(PSRCTL),
          'BSIZE0 and BSIZE1 may not be 0',
          PSRCTL[meta].ref,
        );
    }
    if (this.#rss.enabled && ((control & RFCTL.EXSTEN) === 0 || (this.#regs.get(RXCSUM) & RXCSUM.PCSD) === 0))
      this.#mistake(
        'offload-context',
        'MRQC',
        this.#regs.get(MRQC),
        'RSS needs RFCTL.EXSTEN and RXCSUM.PCSD',
        '82574 §7.1',
      );
  }

  #mistake(
    rule: 'reserved-bits' | 'ring-length' | 'descriptor-type' | 'descriptor-length' | 'offload-context',
    register: string,
    value: number,
    message: string,
    ref: string,
  ): void {
    this.#bus.report({ rule, register, value, message, ref });
  }
}
