/** 82540EM: interrupt causes, mask, throttling and the four delay timers. Source: 8254x §3.2.7, §3.4.3, §13.4.17-21. */
import type { Micros } from '../../platform/clock.js';
import { i82540em, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import { DelayTimer, ITR_UNIT } from '../intel/delay-timer.js';

const { ICR, ICS, IMS, IMC, ITR, RDTR, RADV, TIDV, TADV } = i82540em;

/** The interrupt unit. */
export class InterruptUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #throttle: ModelAlarm;
  readonly #rx: DelayTimer;
  readonly #tx: DelayTimer;
  readonly #icr: number;
  readonly #ims: number;
  readonly #rdtr: number;
  readonly #radv: number;
  readonly #itr: number;
  #next: Micros = 0;

  constructor(bus: DeviceBus, regs: RegisterFile) {
    this.#bus = bus;
    this.#regs = regs;
    this.#icr = regs.slot(ICR);
    this.#ims = regs.slot(IMS);
    this.#rdtr = regs.slot(RDTR);
    this.#radv = regs.slot(RADV);
    this.#itr = regs.slot(ITR);
    this.#throttle = bus.alarm(() => this.#update());
    this.#rx = new DelayTimer(bus, () => this.raise(ICR.RXT0));
    this.#tx = new DelayTimer(bus, () => this.raise(ICR.TXDW));
    regs.on(ICR, { read: (stored) => this.#take(stored), write: (value) => this.#acknowledge(value) });
    regs.on(ICS, { write: (value) => this.raise(value) });
    regs.on(IMS, { write: (value, _i, old) => this.#mask(old | value) });
    regs.on(IMC, { write: (value) => this.#mask(regs.get(IMS) & ~value) });
    regs.on(RDTR, { write: (value) => this.#flush(value) });
  }

  reset(): void {
    this.#throttle.cancel();
    this.#rx.cancel();
    this.#tx.cancel();
    this.#next = 0;
    this.#bus.setLevel(false);
  }

  /** Sets causes; an enabled one interrupts. */
  raise(causes: number): void {
    this.#regs.values[this.#icr]! |= causes & DECLARED;
    this.#update();
  }

  /** A frame was written to memory. */
  received(): void {
    const delay = this.#regs.values[this.#rdtr]! & RDTR.DELAY;
    // RADV works only beside RDTR (8254x §13.4.31).
    if (delay === 0) this.raise(ICR.RXT0);
    else this.#rx.event(delay, this.#regs.values[this.#radv]! & RADV.DELAY);
  }

  /** A transmit descriptor was written back. @param delayed its IDE bit */
  sent(delayed: boolean): void {
    const delay = this.#regs.get(TIDV) & TIDV.IDV;
    if (!delayed || delay === 0) this.raise(ICR.TXDW);
    else this.#tx.event(delay, this.#regs.get(TADV) & TADV.IDV);
  }

  #take(stored: number): number {
    this.#regs.values[this.#icr] = 0;
    this.#update();
    return stored;
  }

  /** Writing ICR clears the causes written as 1 (8254x §13.4.17). */
  #acknowledge(value: number): void {
    this.#regs.values[this.#icr]! &= ~value;
    this.#update();
  }

  #mask(mask: number): void {
    this.#regs.values[this.#ims] = mask & DECLARED;
    this.#update();
  }

  /** RDTR.FPD ends a running delay at once. */
  #flush(value: number): void {
    if ((value & RDTR.FPD) === 0) return;
    this.#regs.lower(RDTR, RDTR.FPD);
    this.#rx.cancel();
    this.raise(ICR.RXT0);
  }

  #update(): void {
    const wanted = (this.#regs.values[this.#icr]! & this.#regs.values[this.#ims]!) !== 0;
    if (!wanted) {
      this.#throttle.cancel();
      this.#bus.setLevel(false);
      return;
    }
    const interval = this.#regs.values[this.#itr]! & ITR.INTERVAL;
    if (interval !== 0 && this.#bus.now < this.#next) {
      if (!this.#throttle.armed) this.#throttle.arm(this.#next);
      return;
    }
    this.#next = this.#bus.now + Math.ceil(interval * ITR_UNIT);
    this.#bus.setLevel(true);
  }
}

const DECLARED =
  ICR.TXDW |
  ICR.TXQE |
  ICR.LSC |
  ICR.RXSEQ |
  ICR.RXDMT0 |
  ICR.CAUSE5 |
  ICR.RXO |
  ICR.RXT0 |
  ICR.CAUSE8 |
  ICR.MDAC |
  ICR.RXCFG |
  ICR.PHYINT |
  ICR.GPI |
  ICR.TXD_LOW |
  ICR.SRPD;
