/** A timer that counts up, and when its cause is known the count at which it interrupts. Source: RTL8169 specification, registers 48h and 58h. */
import type { Micros } from '../../platform/clock.js';
import type { AnyReg, RegisterFile } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';

/** Counts in a microsecond: the 125 MHz clock of PCI Express chips (FreeBSD RL_TIMER_PCIE_CLK). */
const RATE = 125;
const WRAP = 0x1_0000_0000;

/** The timer. Any write of the count starts it at 0. */
export class TimerUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #compare: AnyReg | undefined;
  readonly #alarm: ModelAlarm;
  #began: Micros = 0;

  /** @param interrupt `fire`: the count has reached the comparison */
  constructor(bus: DeviceBus, regs: RegisterFile, count: AnyReg, interrupt?: { compare: AnyReg; fire: () => void }) {
    this.#bus = bus;
    this.#regs = regs;
    this.#compare = interrupt?.compare;
    this.#alarm = bus.alarm(() => {
      interrupt?.fire();
      this.#arm();
    });
    regs.on(count, { read: () => ((bus.now - this.#began) * RATE) | 0, write: () => this.reset() });
    if (interrupt) regs.on(interrupt.compare, { write: () => this.#arm() });
  }

  /** The count is 0. */
  reset(): void {
    this.#began = this.#bus.now;
    this.#arm();
  }

  /** At the next time when the count is what it is compared with: this round or the next one. */
  #arm(): void {
    const compare = this.#compare === undefined ? 0 : this.#regs.get(this.#compare) >>> 0;
    if (compare === 0) {
      this.#alarm.cancel();
      return;
    }
    const { now } = this.#bus;
    const round = Math.floor(((now - this.#began) * RATE - compare) / WRAP) + 1;
    this.#alarm.arm(this.#began + Math.ceil((Math.max(round, 0) * WRAP + compare) / RATE));
  }
}
