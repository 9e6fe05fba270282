/**
 * 82574L: causes and masks, delays, throttling, and the ways to the processor: INTx and MSI as one level, MSI-X by IVAR.
 * Source: 82574 §7.4 and §10.2.4; what the datasheet leaves open follows Linux e1000e and QEMU, which agree.
 */
import type { Micros } from '../../platform/clock.js';
import { i82574, meta, pick, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import { DelayTimer, ITR_UNIT } from '../intel/delay-timer.js';
import type { StatisticsUnit } from '../intel/statistics.js';
import type { TxInterrupts } from '../intel/tx-owner.js';

const { ICR, ICS, IMS, IMC, EIAC, IAM, IVAR, ITR, EITR, CTRL_EXT, PBACLR } = i82574;
const { RDTR, RADV, RAID, TIDV, TADV, MSIX_VECTORS } = i82574;

/** Every cause that there is. */
const DECLARED = Object.entries(ICS).reduce((all, [name, mask]) => (name === 'at' ? all : all | mask), 0);
/** Causes that raise OTHER in MSI-X mode. */
const OTHERS = ICR.LSC | ICR.RXO | ICR.MDAC | ICR.SRPD | ICR.ACK | ICR.MNG;
const RX_CAUSES = [ICR.RXQ0, ICR.RXQ1] as const;
const TX_CAUSES = [ICR.TXQ0, ICR.TXQ1] as const;

/** Causes that have a vector, with their fields of IVAR. */
const VECTORS = [
  { cause: ICR.RXQ0, vector: IVAR.RXQ0, valid: IVAR.RXQ0_VALID, name: 'RXQ0' },
  { cause: ICR.RXQ1, vector: IVAR.RXQ1, valid: IVAR.RXQ1_VALID, name: 'RXQ1' },
  { cause: ICR.TXQ0, vector: IVAR.TXQ0, valid: IVAR.TXQ0_VALID, name: 'TXQ0' },
  { cause: ICR.TXQ1, vector: IVAR.TXQ1, valid: IVAR.TXQ1_VALID, name: 'TXQ1' },
  { cause: ICR.OTHER, vector: IVAR.OTHER, valid: IVAR.OTHER_VALID, name: 'OTHER' },
] as const;

/** The interrupt unit. */
export class InterruptUnit implements TxInterrupts {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #statistics: StatisticsUnit;
  readonly #values: Int32Array;
  readonly #throttle: ModelAlarm;
  readonly #vectorThrottles: readonly ModelAlarm[];
  readonly #rx: DelayTimer;
  readonly #tx: DelayTimer;
  readonly #ack: DelayTimer;
  readonly #icr: number;
  readonly #ims: number;
  readonly #ext: number;
  readonly #rdtr: number;
  readonly #radv: number;
  readonly #tidv: number;
  readonly #tadv: number;
  readonly #itr: number;
  readonly #eitr: number;
  readonly #eiac: number;
  readonly #iam: number;
  readonly #ivar: number;
  readonly #nextVector: Float64Array;
  #next: Micros = 0;
  #level = false;
  /** Causes whose message was sent and that are still set and enabled. */
  #sent = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, statistics: StatisticsUnit) {
    this.#bus = bus;
    this.#regs = regs;
    this.#statistics = statistics;
    this.#values = regs.values;
    [this.#icr, this.#ims, this.#ext] = [regs.slot(ICR), regs.slot(IMS), regs.slot(CTRL_EXT)];
    [this.#rdtr, this.#radv, this.#tidv, this.#tadv] = [
      regs.slot(RDTR),
      regs.slot(RADV),
      regs.slot(TIDV),
      regs.slot(TADV),
    ];
    [this.#itr, this.#eitr, this.#eiac] = [regs.slot(ITR), regs.slot(EITR), regs.slot(EIAC)];
    [this.#iam, this.#ivar] = [regs.slot(IAM), regs.slot(IVAR)];
    this.#nextVector = new Float64Array(MSIX_VECTORS);
    this.#throttle = bus.alarm(() => this.#update());
    this.#vectorThrottles = Array.from({ length: MSIX_VECTORS }, () => bus.alarm(() => this.#update()));
    this.#rx = new DelayTimer(bus, (absolute) => {
      statistics.count(absolute ? i82574.ICRXATC : i82574.ICRXPTC);
      this.raise(ICR.RXT0);
    });
    this.#tx = new DelayTimer(bus, (absolute) => {
      statistics.count(absolute ? i82574.ICTXATC : i82574.ICTXPTC);
      this.raise(ICR.TXDW);
    });
    this.#ack = new DelayTimer(bus, () => this.raise(ICR.ACK));
    regs.on(ICR, { read: () => this.#take(), write: (value, _index, old) => this.#acknowledge(value, old) });
    regs.on(ICS, { read: () => this.#causes, write: (value) => this.raise(value) });
    regs.on(IMS, { write: (value, _index, old) => this.#unmask(value, old) });
    regs.on(IMC, { write: (value) => this.#mask(regs.get(IMS) & ~value) });
    regs.on(PBACLR, { write: (value) => this.#clearMessages(value) });
    regs.on(RDTR, { write: (value) => this.#flush(RDTR, value & RDTR.FPD, this.#rx, ICR.RXT0) });
    regs.on(TIDV, { write: (value) => this.#flush(TIDV, value & TIDV.FPD, this.#tx, ICR.TXDW) });
  }

  reset(): void {
    this.#throttle.cancel();
    for (const alarm of this.#vectorThrottles) alarm.cancel();
    this.#stopTimers();
    this.#next = 0;
    this.#nextVector.fill(0);
    this.#sent = 0;
    this.#setLevel(false);
  }

  /** Sets causes; an enabled one interrupts. */
  raise(causes: number): void {
    let raised = causes & DECLARED;
    if (this.#bus.msixEnabled && (raised & OTHERS) !== 0) raised |= ICR.OTHER;
    this.#values[this.#icr]! |= raised;
    this.#update();
  }

  /** A frame was written to memory. @param low the ring of its queue reached the threshold */
  received(queue: number, low: boolean): void {
    if (low) this.#statistics.count(i82574.ICRXDMTC);
    if (this.#bus.msixEnabled) {
      this.raise(RX_CAUSES[queue]!);
      return;
    }
    const delay = this.#values[this.#rdtr]! & RDTR.DELAY;
    if (delay === 0) this.raise(low ? ICR.RXT0 | ICR.RXDMT0 : ICR.RXT0);
    else {
      // RADV works only beside RDTR; a threshold does not wait (82574 §7.4).
      this.#rx.event(delay, this.#values[this.#radv]! & RADV.DELAY);
      if (low) this.raise(ICR.RXDMT0);
    }
  }

  /** A TCP ACK was received and RFCTL lets it interrupt. */
  acknowledgement(): void {
    const delay = this.#regs.get(RAID) & RAID.ACK_DELAY;
    if (delay === 0) this.raise(ICR.ACK);
    else this.#ack.event(delay, 0);
  }

  sent(delayed: boolean, queue: number): void {
    const delay = this.#values[this.#tidv]! & TIDV.IDV;
    const waits = delayed && delay !== 0;
    if (this.#bus.msixEnabled && (!waits || (this.#values[this.#ivar]! & IVAR.TX_WB) !== 0))
      this.raise(TX_CAUSES[queue]!);
    else if (waits) this.#tx.event(delay, this.#values[this.#tadv]! & TADV.IDV);
    else this.raise(ICR.TXDW);
  }

  /** ICR as it reads. */
  get #causes(): number {
    const causes = this.#values[this.#icr]!;
    return (causes & this.#values[this.#ims]!) !== 0 ? causes | ICR.INT_ASSERTED : causes;
  }

  /** Reading clears when nothing is enabled or an enabled cause is set; IAME then also masks (82574 §10.2.4). */
  #take(): number {
    const causes = this.#causes;
    const asserted = (causes & ICR.INT_ASSERTED) !== 0;
    if (asserted) this.#autoMask();
    else if (this.#values[this.#ims] !== 0) return causes;
    this.#values[this.#icr] = 0;
    if ((this.#values[this.#ext]! & CTRL_EXT.INT_TIMERS_CLEAR_ENA) !== 0) this.#stopTimers();
    this.#update();
    return causes;
  }

  /** Writing ICR clears the causes written as 1, and with OTHER all that it stands for. */
  #acknowledge(value: number, old: number): void {
    if ((old & this.#values[this.#ims]!) !== 0) this.#autoMask();
    if ((value & ICR.OTHER) !== 0) this.#values[this.#icr]! &= ~OTHERS;
    this.#update();
  }

  #autoMask(): void {
    if ((this.#values[this.#ext]! & CTRL_EXT.IAME) !== 0) this.#values[this.#ims]! &= ~this.#values[this.#iam]!;
  }

  #unmask(value: number, old: number): void {
    if ((this.#values[this.#ext]! & CTRL_EXT.PBA_CLR) !== 0 && this.#bus.msixEnabled) {
      const ivar = this.#values[this.#ivar]!;
      for (const each of VECTORS)
        if ((value & each.cause) !== 0 && (ivar & each.valid) !== 0) this.#bus.clearMessage(pick(ivar, each.vector));
    }
    this.#mask(old | value);
  }

  #mask(mask: number): void {
    this.#values[this.#ims] = mask & DECLARED;
    this.#update();
  }

  #clearMessages(value: number): void {
    this.#regs.set(PBACLR, 0);
    for (let vector = 0; vector < MSIX_VECTORS; vector++)
      if ((value & (1 << vector)) !== 0) this.#bus.clearMessage(vector);
  }

  /** RDTR.FPD and TIDV.FPD end a running delay at once. */
  #flush(register: typeof RDTR | typeof TIDV, asked: number, timer: DelayTimer, cause: number): void {
    if (asked === 0) return;
    this.#regs.lower(register, register.FPD);
    if (!timer.waiting) return;
    timer.cancel();
    this.raise(cause);
  }

  #stopTimers(): void {
    this.#rx.cancel();
    this.#tx.cancel();
    this.#ack.cancel();
  }

  #update(): void {
    const wanted = this.#values[this.#icr]! & this.#values[this.#ims]!;
    if (this.#bus.msixEnabled) {
      this.#setLevel(false);
      if (wanted !== 0) this.#messages(wanted);
      else this.#sent = 0;
      return;
    }
    if (wanted === 0) {
      this.#throttle.cancel();
      this.#setLevel(false);
      return;
    }
    if (this.#level) return;
    const interval = this.#values[this.#itr]! & ITR.INTERVAL;
    if (interval !== 0 && this.#bus.now < this.#next) {
      if (!this.#throttle.armed) this.#throttle.arm(this.#next);
      return;
    }
    this.#next = this.#bus.now + Math.ceil(interval * ITR_UNIT);
    this.#setLevel(true);
  }

  #setLevel(on: boolean): void {
    if (on && !this.#level) this.#statistics.count(i82574.IAC);
    this.#level = on;
    this.#bus.setLevel(on);
  }

  /** Sends a message for each cause that is new; one whose vector is throttled waits. */
  #messages(wanted: number): void {
    this.#sent &= wanted;
    for (const each of VECTORS) {
      if ((wanted & ~this.#sent & each.cause) === 0) continue;
      const ivar = this.#values[this.#ivar]!;
      const vector = pick(ivar, each.vector);
      this.#sent |= each.cause;
      if ((ivar & each.valid) === 0 || vector >= MSIX_VECTORS) {
        this.#bus.report({
          rule: 'message-vector',
          register: 'IVAR',
          value: ivar,
          message: `${each.name} is enabled and IVAR gives it no vector below ${MSIX_VECTORS}`,
          ref: IVAR[meta].ref,
        });
        continue;
      }
      const interval = this.#values[this.#eitr + vector]! & EITR.INTERVAL;
      if (interval !== 0 && this.#bus.now < this.#nextVector[vector]!) {
        this.#sent &= ~each.cause;
        const alarm = this.#vectorThrottles[vector]!;
        if (!alarm.armed) alarm.arm(this.#nextVector[vector]!);
        continue;
      }
      this.#nextVector[vector] = this.#bus.now + Math.ceil(interval * ITR_UNIT);
      this.#message(each.cause, vector);
    }
  }

  #message(cause: number, vector: number): void {
    this.#statistics.count(i82574.IAC);
    this.#bus.message(vector);
    const control = this.#values[this.#ext]!;
    const cleared = this.#values[this.#eiac]! & cause;
    this.#values[this.#icr]! &= ~cleared;
    // What EIAC clears is masked too while reading ICR does not mask (e1000e relies on it).
    if ((control & CTRL_EXT.IAME) === 0) this.#values[this.#ims]! &= ~cleared;
    if ((control & CTRL_EXT.EIAME) !== 0) this.#values[this.#ims]! &= ~(this.#values[this.#iam]! & cause);
    this.#sent &= this.#values[this.#icr]! & this.#values[this.#ims]!;
  }
}
