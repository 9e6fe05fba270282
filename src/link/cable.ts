/** A cable between two ports: latency, faults, a tap. Without latency and faults it hands frames straight through. */
import type { Arena } from '../platform/arena.js';
import type { Micros, Scheduler, Timer } from '../platform/clock.js';
import { copy } from '../platform/kernels.js';
import type { FaultStage } from './faults.js';
import type { LinkAbility, LinkFrame, LinkPort, Medium } from './port.js';

/** Sees every frame on a cable, before faults. The bytes are valid during the call only. */
export type Tap = (time: Micros, from: LinkPort, frame: LinkFrame) => void;

/** How a cable is made. */
export interface CableOptions {
  readonly scheduler: Scheduler;
  /** Memory for frames under way; needed with latency or faults that delay. */
  readonly arena: Arena & { alloc(bytes: number): number };
  /** One-way delay in microseconds. Default 0. */
  readonly latency?: Micros;
  /** Mbit/s of each direction; frames wait their turn. Default: no limit. */
  readonly rate?: number;
  /** Loss, damage, duplication, reordering. */
  readonly faults?: FaultStage;
}

/** Frames that may be under way in one direction; beyond it they are lost. */
const SLOTS = 512;
const SLOT_BYTES = 16_640;
/** Preamble, FCS and gap of each frame on the wire, bytes. */
const WIRE_OVERHEAD = 24;

interface Flight {
  readonly at: number;
  length: number;
  fcsOk: boolean;
  due: Micros;
  order: number;
}

/** One direction. */
class Lane {
  readonly #to: LinkPort;
  readonly #scheduler: Scheduler;
  readonly #arena: CableOptions['arena'];
  readonly #timer: Timer;
  readonly #flights: Flight[] = [];
  #free: Flight[] = [];
  #made = 0;
  readonly #rate: number;
  #wireFree: Micros = 0;
  #orders = 0;
  readonly #out: LinkFrame;
  lost = 0;

  constructor(to: LinkPort, options: CableOptions) {
    this.#to = to;
    this.#scheduler = options.scheduler;
    this.#arena = options.arena;
    this.#timer = options.scheduler.timer(() => this.#arrive());
    this.#rate = options.rate ?? 0;
    this.#out = { arena: options.arena, offset: 0, length: 0, fcsOk: true };
  }

  send(frame: LinkFrame, delay: Micros): void {
    const flight = this.#take();
    if (flight === undefined || frame.length > SLOT_BYTES) {
      this.lost++;
      return;
    }
    copy(this.#arena, flight.at, frame.arena, frame.offset, frame.length);
    flight.length = frame.length;
    flight.fcsOk = frame.fcsOk;
    flight.due = this.#scheduler.now + delay;
    if (this.#rate > 0) {
      this.#wireFree =
        Math.max(this.#wireFree, this.#scheduler.now) + ((frame.length + WIRE_OVERHEAD) * 8) / this.#rate;
      flight.due = Math.ceil(this.#wireFree) + delay;
    }
    flight.order = this.#orders++;
    // Sorted by arrival; almost always the new one goes last.
    let place = this.#flights.length;
    while (place > 0 && this.#flights[place - 1]!.due > flight.due) place--;
    this.#flights.splice(place, 0, flight);
    this.#timer.arm(this.#flights[0]!.due);
  }

  clear(): void {
    this.#free.push(...this.#flights.splice(0));
    this.#timer.cancel();
  }

  #take(): Flight | undefined {
    const known = this.#free.pop();
    if (known !== undefined) return known;
    if (this.#made >= SLOTS) return undefined;
    this.#made++;
    // Two bytes in, so that IP headers are aligned.
    return { at: this.#arena.alloc(SLOT_BYTES + 64) + 2, length: 0, fcsOk: true, due: 0, order: 0 };
  }

  #arrive(): void {
    const now = this.#scheduler.now;
    while (this.#flights.length > 0 && this.#flights[0]!.due <= now) {
      const flight = this.#flights.shift()!;
      this.#out.offset = flight.at;
      this.#out.length = flight.length;
      this.#out.fcsOk = flight.fcsOk;
      this.#to.deliver(this.#out);
      this.#free.push(flight);
    }
    if (this.#flights.length > 0) this.#timer.arm(this.#flights[0]!.due);
  }
}

/** A cable. It can be pulled and plugged, and its faults changed, while it runs. */
export class Cable implements Medium {
  readonly a: LinkPort;
  readonly b: LinkPort;
  /** Sees every frame. */
  tap: Tap | undefined;
  /** Loss and damage; may be replaced at any time. */
  faults: FaultStage | undefined;
  readonly #scheduler: Scheduler;
  readonly #latency: Micros;
  /** Nothing holds frames back: they pass during the call. */
  readonly #straight: boolean;
  readonly #toA: Lane;
  readonly #toB: Lane;
  #plugged = false;

  /** Makes a cable and plugs both ends in. */
  constructor(a: LinkPort, b: LinkPort, options: CableOptions) {
    this.a = a;
    this.b = b;
    this.#scheduler = options.scheduler;
    this.#latency = options.latency ?? 0;
    this.faults = options.faults;
    this.#straight = this.#latency === 0 && options.rate === undefined;
    this.#toA = new Lane(a, options);
    this.#toB = new Lane(b, options);
    this.plug();
  }

  /** True while both ends are plugged in. */
  get plugged(): boolean {
    return this.#plugged;
  }

  /** Time of the cable's clock. */
  get now(): Micros {
    return this.#scheduler.now;
  }

  plug(): void {
    if (this.#plugged) return;
    this.#plugged = true;
    this.a.plug(this);
    this.b.plug(this);
  }

  /** Pulls the cable: frames under way are lost, both ends lose their partner. */
  pull(): void {
    if (!this.#plugged) return;
    this.#plugged = false;
    this.#toA.clear();
    this.#toB.clear();
    this.a.unplug();
    this.b.unplug();
  }

  /** Frames lost because too many were under way. */
  get overrun(): number {
    return this.#toA.lost + this.#toB.lost;
  }

  carry(from: LinkPort, frame: LinkFrame): boolean {
    if (!this.#plugged) return false;
    const to = from === this.a ? this.b : this.a;
    if (to.ability === undefined) return false;
    if (this.tap !== undefined) this.tap(this.#scheduler.now, from, frame);
    const { faults } = this;
    if (faults === undefined) {
      this.#pass(from, to, frame, 0);
      return true;
    }
    const copies = faults.decide(this.#scheduler.now, frame);
    for (let i = 0; i < copies; i++) {
      if (faults.damages) {
        const lane = from === this.a ? this.#toB : this.#toA;
        const kept = faults.damage(frame);
        lane.send(frame, this.#latency + faults.extraDelay());
        faults.repair(frame, kept);
      } else this.#pass(from, to, frame, faults.extraDelay());
    }
    return true;
  }

  offered(from: LinkPort, ability: LinkAbility | undefined): void {
    if (this.#plugged) (from === this.a ? this.b : this.a).heard(ability);
  }

  #pass(from: LinkPort, to: LinkPort, frame: LinkFrame, extra: Micros): void {
    if (this.#straight && this.faults === undefined) to.deliver(frame);
    else (from === this.a ? this.#toB : this.#toA).send(frame, this.#latency + extra);
  }
}
