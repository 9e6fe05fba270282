/**
 * RTL8125B: interrupts in both forms. After reset it has those of the family, with a mask and a status of 32 bits. With
 * INT_CFG0.ENABLE it has the second form: a cause for each queue and direction, and with MSI-X the cause is the vector.
 * Source: Realtek's r8125 (IMR_V2_SET_REG_8125, rtl8125_enable_hw_interrupt_v2) and DPDK for the second form, Linux and OpenBSD
 * for the first.
 */
import type { Micros } from '../../platform/clock.js';
import { pick, type RegisterFile, rtl8125b } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { Mitigation } from '../realtek/chip.js';
import { InterruptUnit } from '../realtek/interrupts.js';

const { INT_CFG0, INT_MITI, INT_MITI_UNIT, IMR_V2_SET, IMR_V2_CLEAR, ISR_V2, ISR } = rtl8125b;
const CAUSES = ISR_V2.ROK_Q0 | ISR_V2.TOK_Q0 | ISR_V2.LINKCHG;

/** What INT_MITI asks for; frames are not counted. */
export function mitigation(regs: RegisterFile): Mitigation {
  const time = (field: number): Micros =>
    (regs.get(INT_CFG0) & INT_CFG0.MITIGATION_BYPASS) !== 0 ? 0 : INT_MITI_UNIT * pick(regs.get(INT_MITI), field);
  return {
    rxTime: () => time(INT_MITI.RX),
    rxFrames: () => 0,
    txTime: () => time(INT_MITI.TX),
    txFrames: () => 0,
  };
}

/** The interrupt unit. */
export class VectorUnit extends InterruptUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #mitigation: Mitigation;
  readonly #rx: ModelAlarm;
  readonly #tx: ModelAlarm;
  readonly #cfg: number;
  readonly #status: number;
  readonly #mask: number;
  /** Causes that wait for a timer, and vectors that were sent and not acknowledged. */
  #held = 0;
  #sent = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, times: Mitigation = mitigation(regs)) {
    super(bus, regs, rtl8125b, times);
    this.#bus = bus;
    this.#regs = regs;
    this.#mitigation = times;
    this.#rx = bus.alarm(() => this.#release(ISR_V2.ROK_Q0));
    this.#tx = bus.alarm(() => this.#release(ISR_V2.TOK_Q0));
    [this.#cfg, this.#status, this.#mask] = [regs.slot(INT_CFG0), regs.slot(ISR_V2), regs.slot(IMR_V2_SET)];
    regs.on(IMR_V2_SET, { write: (value, _index, old) => this.#masked(old | value) });
    regs.on(IMR_V2_CLEAR, {
      read: () => regs.get(IMR_V2_SET),
      write: (value) => this.#masked(regs.get(IMR_V2_SET) & ~value),
    });
    regs.on(ISR_V2, {
      read: () => {
        this.arrive();
        return regs.values[this.#status]!;
      },
      peek: (stored) => stored,
      write: (value) => this.#acknowledged(value),
    });
    regs.on(INT_CFG0, { write: () => this.update() });
  }

  override reset(): void {
    super.reset();
    this.#rx.cancel();
    this.#tx.cancel();
    this.#held = this.#sent = 0;
    this.#regs.set(ISR_V2, 0);
    this.#masked(0);
  }

  override raise(causes: number): void {
    if (!this.#second) super.raise(causes);
    // The other causes of the first form have no known place in the second.
    else this.#set((causes & ISR.LINKCHG) !== 0 ? ISR_V2.LINKCHG : 0);
  }

  protected override receivedNow(cause: number, frames: number): void {
    if (!this.#second) super.receivedNow(cause, frames);
    else this.#later(ISR_V2.ROK_Q0, this.#rx, this.#mitigation.rxTime());
  }

  protected override sentNow(causes: number, frames: number): void {
    if (!this.#second) super.sentNow(causes, frames);
    else this.#later(ISR_V2.TOK_Q0, this.#tx, this.#mitigation.txTime());
  }

  get #second(): boolean {
    return (this.#regs.values[this.#cfg]! & INT_CFG0.ENABLE) !== 0;
  }

  /** The status shows the cause at once; only its interrupt waits. */
  #later(cause: number, alarm: ModelAlarm, time: Micros): void {
    if (time > 0 && (this.#regs.values[this.#status]! & cause) === 0) {
      this.#held |= cause;
      alarm.arm(this.#bus.now + Math.ceil(time));
    }
    this.#set(cause);
  }

  #release(cause: number): void {
    this.#held &= ~cause;
    this.update();
  }

  #set(causes: number): void {
    this.#regs.values[this.#status]! |= causes & CAUSES;
    this.update();
  }

  #masked(mask: number): void {
    this.#regs.values[this.#mask] = mask;
    this.update();
  }

  #acknowledged(value: number): void {
    this.#held &= ~value;
    if ((value & ISR_V2.ROK_Q0) !== 0) this.#rx.cancel();
    if ((value & ISR_V2.TOK_Q0) !== 0) this.#tx.cancel();
    this.update();
  }

  /** By the form that is on: the other one's causes and mask do not count. */
  protected override update(): void {
    if (!this.#second) {
      this.#sent = 0;
      super.update();
      return;
    }
    this.asserted = false;
    const values = this.#regs.values;
    const active = values[this.#status]! & values[this.#mask]! & ~this.#held;
    const message = this.#bus.msixEnabled;
    this.#bus.setLevel(active !== 0 && !message);
    if (message) {
      // Lowest vector first; a cause that stays set and enabled sends none again.
      for (let left = active & ~this.#sent; left !== 0; left &= left - 1)
        this.#bus.message(31 - Math.clz32(left & -left));
    }
    this.#sent = active;
  }
}
