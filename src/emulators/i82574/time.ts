/** 82574L: system time and the time stamps of PTP packets (IEEE 1588). Source: 82574 §7.7 and §10.2.9. */
import type { Arena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { i82574, pick, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';

const { SYSTIML, SYSTIMH, TIMINCA, TIMADJL, TIMADJH, TSYNCTXCTL, TSYNCRXCTL } = i82574;
const { TXSTMPL, TXSTMPH, RXSTMPL, RXSTMPH, RXSATRL, RXSATRH, RXCFGL, RXUDP } = i82574;

/** Cycles of the 25 MHz clock in a microsecond. */
const CYCLES = 25;
const LOW = 0x1_0000_0000;
const PIECE = 0x100_0000;

/** Kinds of TSYNCRXCTL.TYPE. */
const Type = { l2v2: 0, l4v1: 1, l2l4v2: 2, all: 4, eventsV2: 5 } as const;
/** Message types of version 2 below this one are events (IEEE 1588-2008 §13.3.2.2). */
const FIRST_GENERAL = 8;
/** Fields of a PTP header (IEEE 1588-2002 §8.2, IEEE 1588-2008 §13.3). */
const Ptp = { source: 22, sequence: 30, control: 32, bytes: 34 } as const;

/** Where a packet's headers are, for {@link TimeUnit.received}; offsets from the start of the frame, 0 for none. */
export interface StampView {
  readonly l3: number;
  readonly type: number;
  readonly l4: number;
  readonly udp: boolean;
}

/** The time synchronisation unit. */
export class TimeUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #control: number;
  #high = 0;
  #low = 0;
  /** Cycle at which the time above held. */
  #cycle = 0;

  constructor(bus: DeviceBus, regs: RegisterFile) {
    this.#bus = bus;
    this.#regs = regs;
    this.#control = regs.slot(TSYNCRXCTL);
    regs.on(SYSTIML, {
      read: () => {
        this.#advance();
        return this.#low | 0;
      },
      write: (value) => {
        this.#advance();
        this.#low = value >>> 0;
      },
    });
    regs.on(SYSTIMH, {
      read: () => {
        this.#advance();
        return this.#high | 0;
      },
      write: (value) => {
        this.#advance();
        this.#high = value >>> 0;
      },
    });
    regs.on(TIMINCA, { write: (_value, _index, old) => this.#advance(old) });
    regs.on(TIMADJH, { write: (value) => this.#adjust(value) });
    regs.on(TXSTMPH, {
      read: (stored) => {
        regs.lower(TSYNCTXCTL, TSYNCTXCTL.TXTT);
        return stored;
      },
      peek: (stored) => stored,
    });
    regs.on(RXSTMPH, {
      read: (stored) => {
        regs.lower(TSYNCRXCTL, TSYNCRXCTL.RXTT);
        return stored;
      },
      peek: (stored) => stored,
    });
  }

  reset(): void {
    this.#high = this.#low = 0;
    this.#cycle = this.#cycles(this.#bus.now);
  }

  /** A frame whose descriptor asked for a stamp was sent. */
  sent(): void {
    const control = this.#regs.get(TSYNCTXCTL);
    if ((control & TSYNCTXCTL.EN) === 0 || (control & TSYNCTXCTL.TXTT) !== 0) return;
    this.#advance();
    this.#regs.set(TXSTMPL, this.#low | 0);
    this.#regs.set(TXSTMPH, this.#high | 0);
    this.#regs.raise(TSYNCTXCTL, TSYNCTXCTL.TXTT);
  }

  /** Receive stamps are asked for. */
  get receives(): boolean {
    return (this.#regs.values[this.#control]! & TSYNCRXCTL.EN) !== 0;
  }

  /** A frame was received. True when it got the stamp: one that was not read yet is kept. */
  received(arena: Arena, at: number, length: number, view: StampView): boolean {
    const control = this.#regs.get(TSYNCRXCTL);
    if ((control & TSYNCRXCTL.EN) === 0 || (control & TSYNCRXCTL.RXTT) !== 0) return false;
    const kind = pick(control, TSYNCRXCTL.TYPE);
    const config = this.#regs.get(RXCFGL);
    const { u8 } = arena;
    let header = 0;
    if (view.type === pick(config, RXCFGL.PTP_L2)) header = view.l3;
    else if (view.udp) {
      const port = u8[at + view.l4 + 2]! | (u8[at + view.l4 + 3]! << 8);
      if (port === pick(this.#regs.get(RXUDP), RXUDP.UPORT)) header = view.l4 + 8;
    }
    const whole = header > 0 && header + Ptp.bytes <= length;
    if (kind !== Type.all) {
      if (!whole) return false;
      const message = u8[at + header]! & 15;
      const layer2 = header === view.l3;
      const wanted =
        kind === Type.eventsV2
          ? message < FIRST_GENERAL
          : kind === Type.l4v1
            ? !layer2 && u8[at + header + Ptp.control] === pick(config, RXCFGL.CTRLT)
            : (layer2 || kind === Type.l2l4v2) && message === pick(config, RXCFGL.MSGT);
      if (!wanted) return false;
    }
    this.#advance();
    this.#regs.set(RXSTMPL, this.#low | 0);
    this.#regs.set(RXSTMPH, this.#high | 0);
    if (whole) {
      const { view: bytes } = arena;
      this.#regs.set(RXSATRL, bytes.getInt32(at + header + Ptp.source + 2));
      this.#regs.set(
        RXSATRH,
        bytes.getUint16(at + header + Ptp.source) | (bytes.getUint16(at + header + Ptp.sequence) << 16),
      );
    }
    this.#regs.raise(TSYNCRXCTL, TSYNCRXCTL.RXTT);
    return true;
  }

  #cycles(now: Micros): number {
    return Math.floor(now * CYCLES);
  }

  /** Brings the time to now. @param increment TIMINCA as it was until now */
  #advance(increment = this.#regs.get(TIMINCA)): void {
    const cycle = this.#cycles(this.#bus.now);
    const period = pick(increment, TIMINCA.INCPERIOD);
    if (period === 0) {
      this.#cycle = cycle;
      return;
    }
    const steps = Math.floor((cycle - this.#cycle) / period);
    this.#cycle += steps * period;
    this.#add(steps, pick(increment, TIMINCA.INCVALUE));
  }

  /** Adds `steps` times `value`, a 24-bit number, in pieces that a double holds exactly. */
  #add(steps: number, value: number): void {
    const low = (steps % PIECE) * value;
    const high = Math.floor(steps / PIECE) * value;
    const sum = this.#low + (low % LOW) + (high % (LOW / PIECE)) * PIECE;
    this.#low = sum % LOW;
    this.#high = (this.#high + Math.floor(low / LOW) + Math.floor(high / (LOW / PIECE)) + Math.floor(sum / LOW)) % LOW;
  }

  #adjust(value: number): void {
    this.#advance();
    const low = this.#regs.get(TIMADJL) >>> 0;
    const high = pick(value, TIMADJH.TADJH);
    const sign = (value & TIMADJH.SIGN) !== 0 ? -1 : 1;
    const sum = this.#low + sign * low;
    this.#low = ((sum % LOW) + LOW) % LOW;
    this.#high = (((this.#high + sign * high + Math.floor(sum / LOW)) % LOW) + LOW) % LOW;
  }
}
