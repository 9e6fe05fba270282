/** Beside the packet path: one task at a time, and a watch over the transmitter. */
import { type Micros, NEVER, type Scheduler } from '../platform/clock.js';
import { type RunningTask, spawn, type Task } from '../platform/task.js';

/** One task at a time that runs beside the packet path. */
export class Background {
  readonly #scheduler: Scheduler;
  readonly #failed: (error: Error) => void;
  #task: RunningTask | undefined;

  /** @param failed what a task that throws ends with */
  constructor(scheduler: Scheduler, failed: (error: Error) => void) {
    this.#scheduler = scheduler;
    this.#failed = failed;
  }

  get running(): boolean {
    return this.#task !== undefined;
  }

  /** Starts a task; one that runs is stopped. */
  run(task: Task<void>): void {
    this.stop();
    this.#task = spawn(
      this.#scheduler,
      task,
      () => {
        this.#task = undefined;
      },
      (error) => {
        this.#task = undefined;
        this.#failed(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  stop(): void {
    this.#task?.stop();
    this.#task = undefined;
  }
}

/** Notices a transmitter that has frames and does not move. */
export class HangWatch {
  readonly #limit: Micros;
  /** Since when it has not moved; NEVER when nothing is pending. */
  #since: Micros = NEVER;

  /** @param limit how long it may stand still */
  constructor(limit: Micros) {
    this.#limit = limit;
  }

  /** When to look again at the latest. */
  get deadline(): Micros {
    return this.#since + this.#limit;
  }

  /** Forgets what it saw: the transmitter was set up anew. */
  reset(): void {
    this.#since = NEVER;
  }

  /** True once the time is over, and once more each time that it is over again. */
  hangs(now: Micros, moved: boolean, pending: boolean, linkUp: boolean): boolean {
    if (moved || !pending || !linkUp) {
      this.#since = pending ? now : NEVER;
      return false;
    }
    if (this.#since === NEVER) this.#since = now;
    if (now - this.#since < this.#limit) return false;
    this.#since = now;
    return true;
  }
}
