/**
 * The five-phase loop of the seeds (MorpheusX §6): receive, protocol, transmit, application, completions. Each phase has a
 * budget, none waits, and the scheduler says when the loop runs again: now when it made progress, else at the next deadline
 * or when an interrupt kicks it.
 */
import { type Micros, NEVER, type Scheduler, type Timer } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';

/** A stepped state machine on top of a stack: a client or a server. */
export interface App {
  /** Does a bounded piece of work; true when it made progress. */
  step(now: Micros): boolean;
  /** When it wants to be stepped though nothing happens, or `NEVER`. */
  nextDeadline(): Micros;
}

/** The part of a NIC that the loop drives: completions, link, watchdog. A driver's `Nic` is one. */
export interface SteppedNic {
  /** Bounded work; how much was done. */
  step(now: Micros): number;
  /** When `step` wants to run next without an interrupt, or `NEVER`. */
  readonly nextStep: Micros;
}

/** Frames, packets and steps per turn. */
export interface LoopBudgets {
  readonly receive: number;
  readonly protocol: number;
  readonly transmit: number;
}

/** How a loop is made. */
export interface NetLoopOptions {
  readonly scheduler: Scheduler;
  readonly stack: Stack;
  readonly nic?: SteppedNic;
  readonly budgets?: Partial<LoopBudgets>;
  /** For NICs without interrupts: longest time between two turns. */
  readonly pollInterval?: Micros;
  /** How long to wait when the device had no transmit slot and no interrupt tells of a free one. Default 20. */
  readonly retryInterval?: Micros;
  /** A real clock in microseconds, to measure turns. Only measured, never used for decisions. */
  readonly realTime?: () => number;
}

const NO_LINK_RETRY: Micros = 10_000;

/** One loop over one stack. */
export class NetLoop {
  readonly stack: Stack;
  /** Turns taken. */
  turns = 0;
  /** Turns that made progress. */
  busyTurns = 0;
  /** Longest turn in real microseconds; 0 when nobody measures. */
  longestTurn = 0;
  readonly #scheduler: Scheduler;
  readonly #nic: SteppedNic | undefined;
  readonly #budgets: LoopBudgets;
  readonly #pollInterval: Micros;
  readonly #retryInterval: Micros;
  readonly #realTime: (() => number) | undefined;
  readonly #timer: Timer;
  readonly #apps: App[] = [];
  #stopped = false;

  constructor(options: NetLoopOptions) {
    this.stack = options.stack;
    this.#scheduler = options.scheduler;
    this.#nic = options.nic;
    this.#budgets = { receive: 64, protocol: 256, transmit: 64, ...options.budgets };
    this.#pollInterval = options.pollInterval ?? NEVER;
    this.#retryInterval = options.retryInterval ?? 20;
    this.#realTime = options.realTime;
    this.#timer = options.scheduler.timer(() => this.#turn());
  }

  /** Adds an application; it is stepped in the order of addition. */
  add<T extends App>(app: T): T {
    this.#apps.push(app);
    this.kick();
    return app;
  }

  /** Takes an application out. */
  remove(app: App): void {
    const at = this.#apps.indexOf(app);
    if (at >= 0) this.#apps.splice(at, 1);
  }

  /** Runs from now on. */
  start(): void {
    this.#stopped = false;
    this.kick();
  }

  /** Takes no more turns until {@link NetLoop.start}. */
  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
  }

  /** Something happened (an interrupt, a call from outside): the next turn is due now. */
  kick(): void {
    if (!this.#stopped) this.#timer.armBy(this.#scheduler.now);
  }

  #turn(): void {
    const began = this.#realTime?.() ?? 0;
    const now = this.#scheduler.now;
    const { stack } = this;
    const { receive, protocol, transmit } = this.#budgets;
    this.turns++;
    let progress = stack.ingress(now, receive);
    progress += stack.maintain(now, protocol);
    progress += stack.egress(now, transmit);
    for (let i = 0; i < this.#apps.length; i++) if (this.#apps[i]!.step(now)) progress++;
    if (this.#nic !== undefined) progress += this.#nic.step(now);
    if (progress > 0) this.busyTurns++;
    if (this.#realTime) this.longestTurn = Math.max(this.longestTurn, this.#realTime() - began);
    if (this.#stopped) return;
    this.#timer.arm(progress > 0 ? now : this.nextDeadline());
  }

  /** When the next turn is due if nothing happens. */
  nextDeadline(): Micros {
    const now = this.#scheduler.now;
    let next = Math.min(this.stack.nextDeadline(), now + this.#pollInterval);
    if (this.stack.blocked) {
      // Without a link no slot comes free soon; the driver's link event kicks.
      const retry = this.stack.device?.linkUp === false ? NO_LINK_RETRY : this.#retryInterval;
      next = Math.min(next, now + retry);
    }
    if (this.#nic !== undefined) next = Math.min(next, this.#nic.nextStep);
    for (let i = 0; i < this.#apps.length; i++) next = Math.min(next, this.#apps[i]!.nextDeadline());
    return next;
  }
}
