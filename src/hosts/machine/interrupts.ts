/** The interrupt controller of the in-process machine: messages by datum, four shared level-triggered lines. */
import type { Scheduler, Timer } from '../../platform/clock.js';
import type { Bdf } from '../../platform/config-access.js';
import type { InterruptController, MessageTarget } from '../../platform/interrupts.js';

/** Where messages go: the local APIC's page of a PC. */
export const MESSAGE_ADDRESS = 0xfee0_0000;
const FIRST_VECTOR = 0x20;
const VECTORS = 224;
/** Deliveries in a row that nobody claims before a line is masked. */
const PATIENCE = 1000;

/** Four lines, each the or of its sources. */
class Line {
  readonly sources = new Set<number>();
  readonly handlers: (() => boolean)[] = [];
  unclaimed = 0;
  readonly timer: Timer;

  constructor(scheduler: Scheduler, ignored: () => void) {
    this.timer = scheduler.timer(() => this.#deliver(scheduler, ignored));
  }

  #deliver(scheduler: Scheduler, ignored: () => void): void {
    if (this.sources.size === 0 || this.handlers.length === 0) return;
    let claimed = false;
    for (const handler of this.handlers) claimed = handler() || claimed;
    this.unclaimed = claimed ? 0 : this.unclaimed + 1;
    if (this.unclaimed >= PATIENCE) {
      ignored();
      return;
    }
    // Level triggered: while a source still asserts the line, it comes again.
    if (this.sources.size > 0) this.timer.arm(scheduler.now);
  }
}

/** Interrupts are latched when a device raises them and delivered by the scheduler: never inside an access. */
export class MachineInterrupts implements InterruptController {
  readonly messages = true;
  /** Called when a line stays asserted and no handler claims it. */
  onIgnored: ((line: number) => void) | undefined;
  readonly #scheduler: Scheduler;
  readonly #delay: () => number;
  readonly #route: (address: Bdf, pin: number) => number;
  readonly #handlers: (Timer | undefined)[] = new Array<Timer | undefined>(VECTORS).fill(undefined);
  readonly #lines: Line[];

  /**
   * @param route which of the four lines (0 to 3) a function's pin comes out at
   * @param delay microseconds by which to be late
   */
  constructor(scheduler: Scheduler, route: (address: Bdf, pin: number) => number, delay: () => number) {
    this.#scheduler = scheduler;
    this.#route = route;
    this.#delay = delay;
    this.#lines = [0, 1, 2, 3].map((line) => new Line(scheduler, () => this.onIgnored?.(line)));
  }

  allocateMessage(handler: () => void): MessageTarget | undefined {
    const index = this.#handlers.indexOf(undefined);
    if (index < 0) return undefined;
    const timer = this.#scheduler.timer(handler);
    this.#handlers[index] = timer;
    return {
      address: MESSAGE_ADDRESS,
      data: FIRST_VECTOR + index,
      release: () => {
        timer.cancel();
        if (this.#handlers[index] === timer) this.#handlers[index] = undefined;
      },
    };
  }

  attachPin(address: Bdf, pin: number, handler: () => boolean): () => void {
    const line = this.#lines[this.#route(address, pin)]!;
    line.handlers.push(handler);
    line.unclaimed = 0;
    if (line.sources.size > 0) line.timer.arm(this.#scheduler.now);
    return () => {
      const at = line.handlers.indexOf(handler);
      if (at >= 0) line.handlers.splice(at, 1);
    };
  }

  /** A device wrote a message. False: nobody listens at this address and datum. */
  message(addressLow: number, addressHigh: number, data: number): boolean {
    if ((addressLow & ~0xfffff) >>> 0 !== MESSAGE_ADDRESS || addressHigh !== 0) return false;
    const timer = this.#handlers[(data & 0xff) - FIRST_VECTOR];
    if (timer === undefined) return false;
    timer.armBy(this.#scheduler.now + this.#delay());
    return true;
  }

  /** A device drives line `line`. @param source a number of its own */
  drive(line: number, source: number, on: boolean): void {
    const target = this.#lines[line]!;
    if (on) target.sources.add(source);
    else target.sources.delete(source);
    if (on && target.handlers.length > 0) target.timer.armBy(this.#scheduler.now + this.#delay());
    if (!on) target.unclaimed = 0;
  }
}
