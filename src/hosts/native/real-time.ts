/** A real clock for models that live in a foreign machine: one {@link Scheduler} that sleeps in the event loop. */
import type { ModelAlarm } from '../../emulators/function.js';
import { NEVER, Scheduler } from '../../platform/clock.js';

/** Below this many microseconds a timer of the event loop is too coarse: the loop is polled instead. */
const POLL_BELOW = 1_000;
const LONGEST_SLEEP = 60_000_000;

/** Drives a scheduler on the wall clock. Call {@link RealTime.kick} after everything that may have armed a timer. */
export class RealTime {
  readonly scheduler: Scheduler;
  #sleep: ReturnType<typeof setTimeout> | undefined;
  #polling = false;
  #wakeAt = NEVER;
  #stopped = false;
  /** True between {@link RealTime.enter} and the end of {@link RealTime.kick}. */
  #busy = false;
  #soon = false;
  #before: (() => void)[] = [];
  #after: (() => void)[] = [];

  constructor() {
    this.scheduler = new Scheduler({ now: () => performance.now() * 1000 });
  }

  /** Runs what is due, then sees to it that the next timer is not missed. */
  kick(): void {
    if (this.#stopped) return;
    this.#busy = true;
    this.scheduler.runDue();
    for (let i = 0; i < this.#after.length; i++) this.#after[i]!();
    this.#busy = false;
    this.#plan();
  }

  /** Work from outside begins (a message, a batch of frames): reads the clock. {@link RealTime.kick} ends it. */
  enter(): void {
    this.#busy = true;
    this.scheduler.refresh();
  }

  /** Something waits for the end of a kick. Outside of one (somebody pulled a cable), one is made to happen. */
  soon(): void {
    if (this.#busy || this.#soon || this.#stopped) return;
    this.#soon = true;
    immediately(() => {
      this.#soon = false;
      this.#wake();
    });
  }

  /** As {@link RealTime.kick}, without running anything: cheap, for calls from inside an access of the guest. */
  replan(): void {
    if (!this.#stopped && this.scheduler.next < this.#wakeAt) this.#plan();
  }

  /**
   * `call` runs whenever timers wake the event loop, before they fire: the moment for a host to take what the guest has written
   * in the meantime. A guest's write must not be overtaken by what a model does later. Not in a {@link RealTime.kick} of others:
   * those come out of work that a guest's message must not be put into.
   */
  beforeWork(call: () => void): void {
    this.#before.push(call);
  }

  /** `call` runs at the end of each {@link RealTime.kick}: the moment for a host to deliver interrupts. */
  afterWork(call: () => void): void {
    this.#after.push(call);
  }

  /** An alarm of a model: arming it inside an access of the guest moves the sleep, too. */
  alarm(fire: () => void): ModelAlarm {
    const timer = this.scheduler.timer(fire);
    return {
      get armed() {
        return timer.armed;
      },
      arm: (deadline) => {
        timer.arm(deadline);
        this.replan();
      },
      cancel: () => timer.cancel(),
    };
  }

  /** No timer fires any more. */
  stop(): void {
    this.#stopped = true;
    if (this.#sleep !== undefined) clearTimeout(this.#sleep);
    this.#sleep = undefined;
    this.#wakeAt = NEVER;
  }

  /** The event loop has come back for timers. */
  #wake(): void {
    if (this.#stopped) return;
    this.enter();
    for (let i = 0; i < this.#before.length; i++) this.#before[i]!();
    this.kick();
  }

  #plan(): void {
    const { scheduler } = this;
    const next = scheduler.next;
    if (next === NEVER || this.#polling) return;
    const wait = next - scheduler.refresh();
    if (wait < POLL_BELOW) {
      this.#polling = true;
      this.#wakeAt = next;
      immediately(() => {
        this.#polling = false;
        this.#wakeAt = NEVER;
        this.#wake();
      });
      return;
    }
    if (this.#sleep !== undefined) {
      if (this.#wakeAt <= next) return;
      clearTimeout(this.#sleep);
    }
    // One millisecond early: event loops fire late, and the rest is polled.
    this.#wakeAt = next;
    this.#sleep = setTimeout(
      () => {
        this.#sleep = undefined;
        this.#wakeAt = NEVER;
        this.#wake();
      },
      Math.max(0, Math.min(wait, LONGEST_SLEEP) / 1000 - 1),
    );
  }
}

/** Calls back after pending input and output had its turn. */
const immediately: (call: () => void) => void =
  typeof setImmediate === 'function'
    ? (call) => {
        setImmediate(call);
      }
    : (() => {
        const channel = new MessageChannel();
        const calls: (() => void)[] = [];
        channel.port1.onmessage = () => calls.shift()?.();
        return (call: () => void): void => {
          calls.push(call);
          channel.port2.postMessage(0);
        };
      })();
