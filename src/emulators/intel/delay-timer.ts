/** The delay timers of interrupts: RDTR with RADV, TIDV with TADV. Source: 8254x §13.4.30-31 and §13.4.41-44; 82574 §7.4. */
import type { Micros } from '../../platform/clock.js';
import type { DeviceBus, ModelAlarm } from '../function.js';

/** Unit of RDTR, RADV, TIDV and TADV in microseconds. */
const DELAY_UNIT = 1.024;
/** Unit of ITR and EITR in microseconds. */
export const ITR_UNIT = 0.256;

/** A packet timer with an absolute limit: each event restarts the first, the first event starts the second. */
export class DelayTimer {
  readonly #bus: DeviceBus;
  readonly #alarm: ModelAlarm;
  #limit: Micros = 0;
  #waiting = false;

  /** @param expire told whether the absolute limit ended the wait */
  constructor(bus: DeviceBus, expire: (absolute: boolean) => void) {
    this.#bus = bus;
    this.#alarm = bus.alarm(() => {
      this.#waiting = false;
      expire(this.#bus.now >= this.#limit);
    });
  }

  /** @param delay packet delay; @param absolute limit from the first event, 0 for none; both in register units */
  event(delay: number, absolute: number): void {
    const now = this.#bus.now;
    if (!this.#waiting)
      this.#limit = absolute === 0 ? Number.POSITIVE_INFINITY : now + Math.ceil(absolute * DELAY_UNIT);
    this.#waiting = true;
    this.#alarm.arm(Math.min(now + Math.ceil(delay * DELAY_UNIT), this.#limit));
  }

  /** An event was counted that has not expired yet. */
  get waiting(): boolean {
    return this.#waiting;
  }

  cancel(): void {
    this.#waiting = false;
    this.#alarm.cancel();
  }
}
