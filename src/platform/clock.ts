/**
 * Time. Microseconds since the start of the run, as whole numbers: in 35 minutes' worth they stay small integers,
 * and beyond it they stay exact. One {@link Scheduler} owns time; nobody else reads a clock.
 */

/** Microseconds since the run began. */
export type Micros = number;

/** "Never": the deadline of a timer that is not armed. */
export const NEVER: Micros = Number.POSITIVE_INFINITY;

/** Where a real clock comes from; a virtual one has none. */
export interface TimeSource {
  /** Microseconds since an arbitrary start, never going back. */
  now(): Micros;
}

/** A reusable alarm. Arming it again moves it; nothing is allocated. */
export class Timer {
  /** When it fires, or {@link NEVER}. */
  deadline: Micros = NEVER;
  /** Place in the scheduler's heap; -1 when not armed. Owned by the scheduler. */
  slot = -1;
  /** Order among equal deadlines: first armed, first fired. Owned by the scheduler. */
  order = 0;
  readonly #owner: Scheduler;
  readonly fire: () => void;

  constructor(owner: Scheduler, fire: () => void) {
    this.#owner = owner;
    this.fire = fire;
  }

  get armed(): boolean {
    return this.slot >= 0;
  }

  /** Fires once at `deadline`; a time that has passed fires in the next step, never inside this call. */
  arm(deadline: Micros): void {
    this.#owner.arm(this, deadline);
  }

  /** Fires in the next step unless already due by then; a nearer deadline is kept. */
  armBy(deadline: Micros): void {
    if (this.slot < 0 || deadline < this.deadline) this.#owner.arm(this, deadline);
  }

  cancel(): void {
    this.#owner.cancel(this);
  }
}

/**
 * Owns time. On the virtual clock (no source) `advance` jumps to the next deadline; on a real clock the host sleeps
 * until {@link Scheduler.next} and calls `runDue`. Timers with equal deadlines fire in the order they were armed,
 * so a run is a function of its inputs.
 */
export class Scheduler {
  #heap: Timer[] = [];
  #orders = 0;
  #now: Micros = 0;
  readonly #source: TimeSource | undefined;
  readonly #start: Micros;

  constructor(source?: TimeSource) {
    this.#source = source;
    this.#start = source ? Math.floor(source.now()) : 0;
  }

  /** True when time jumps. */
  get virtual(): boolean {
    return this.#source === undefined;
  }

  /** The time of the step being run: constant within a step, one clock read per batch. */
  get now(): Micros {
    return this.#now;
  }

  /** Deadline of the next timer, or {@link NEVER}. */
  get next(): Micros {
    return this.#heap.length === 0 ? NEVER : this.#heap[0]!.deadline;
  }

  timer(fire: () => void): Timer {
    return new Timer(this, fire);
  }

  /** Runs `fire` once at `deadline`; for rare events, as it allocates its timer. */
  at(deadline: Micros, fire: () => void): Timer {
    const timer = new Timer(this, fire);
    timer.arm(deadline);
    return timer;
  }

  /** Reads the real clock; on the virtual one it changes nothing. */
  refresh(): Micros {
    if (this.#source) this.#now = Math.max(this.#now, Math.floor(this.#source.now()) - this.#start);
    return this.#now;
  }

  /** Fires at most `limit` timers that are due at the current time. Returns how many fired. */
  runDue(limit = 1024): number {
    this.refresh();
    let fired = 0;
    while (fired < limit && this.#heap.length > 0 && this.#heap[0]!.deadline <= this.#now) {
      const timer = this.#heap[0]!;
      this.cancel(timer);
      timer.fire();
      fired++;
    }
    return fired;
  }

  /** Virtual clock: jumps to the next deadline (never beyond `limit`) and fires one timer. False when there is none. */
  advance(limit: Micros = NEVER): boolean {
    if (this.#heap.length === 0) return false;
    const timer = this.#heap[0]!;
    if (timer.deadline > limit) {
      if (limit !== NEVER && limit > this.#now) this.#now = limit;
      return false;
    }
    if (timer.deadline > this.#now) this.#now = timer.deadline;
    this.cancel(timer);
    timer.fire();
    return true;
  }

  /** @internal Called by {@link Timer}. */
  arm(timer: Timer, deadline: Micros): void {
    if (timer.slot >= 0) this.cancel(timer);
    if (deadline === NEVER) return;
    timer.deadline = deadline < this.#now ? this.#now : deadline;
    timer.order = this.#orders++;
    timer.slot = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer.slot);
  }

  /** @internal Called by {@link Timer}. */
  cancel(timer: Timer): void {
    const at = timer.slot;
    if (at < 0) return;
    const last = this.#heap.pop()!;
    if (last !== timer) {
      this.#heap[at] = last;
      last.slot = at;
      this.#up(at);
      this.#down(last.slot);
    }
    timer.slot = -1;
    timer.deadline = NEVER;
  }

  #before(a: Timer, b: Timer): boolean {
    return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
  }

  #up(at: number): void {
    const heap = this.#heap;
    const timer = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[at]!.slot = at;
      at = parent;
    }
    heap[at] = timer;
    timer.slot = at;
  }

  #down(at: number): void {
    const heap = this.#heap;
    const timer = heap[at]!;
    const size = heap.length;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, timer)) break;
      heap[at] = heap[child]!;
      heap[at]!.slot = at;
      at = child;
    }
    heap[at] = timer;
    timer.slot = at;
  }
}
