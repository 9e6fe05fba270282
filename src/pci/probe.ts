/**
 * Who drives what: a table of drivers with scores, and the chain that offers every function to them, best score first,
 * and writes down who was asked, who declined and why, who bound.
 */
import { createEmitter, type TypedEmitter } from '../platform/events.js';
import type { Task } from '../platform/task.js';
import type { PciFunction } from './function.js';

/** One row of a driver's table. */
export interface DriverId {
  /** Vendor, or undefined for "any vendor of this class". */
  readonly vendor?: number;
  readonly device?: number;
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** Base class << 16 | sub-class << 8 | interface, compared under {@link DriverId.classMask}. */
  readonly classCode?: number;
  /** Default FFFF00h: class and sub-class. */
  readonly classMask?: number;
  /** Chip, as on command lines: `82540em`. */
  readonly name: string;
  /** What is special about it, named by behaviour: `reset-through-io-bar`. */
  readonly quirks: readonly string[];
}

/** How a driver answered. */
export type ProbeOutcome<T> =
  | { readonly kind: 'bound'; readonly value: T }
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: Error };

/** "It is mine." */
export function bound<T>(value: T): ProbeOutcome<T> {
  return { kind: 'bound', value };
}

/** "Not for me, because." */
export function declined(reason: string): ProbeOutcome<never> {
  return { kind: 'declined', reason };
}

/** "Mine, but it did not work." */
export function failed(error: Error): ProbeOutcome<never> {
  return { kind: 'failed', error };
}

/** What the chain needs of a driver. */
export interface ProbeDriver<T, O> {
  readonly name: string;
  readonly ids: readonly DriverId[];
  /** Every reason for which it declines, word for word: a closed list, so that tests can show each. */
  readonly declines?: readonly string[];
  probe(fn: PciFunction, id: DriverId, options: O): Task<ProbeOutcome<T>>;
}

/** Scores of a match: the more a row says, the more it knows. */
export const SCORE = { subsystem: 300, device: 200, vendorClass: 150, class: 100 } as const;

/** How well a row matches a function: a value of {@link SCORE}, or 0. */
export function score(id: DriverId, fn: PciFunction): number {
  if (id.vendor !== undefined && id.vendor !== fn.vendor) return 0;
  if (id.device !== undefined && id.device !== fn.device) return 0;
  if (id.subsystemVendor !== undefined && id.subsystemVendor !== fn.subsystemVendor) return 0;
  if (id.subsystem !== undefined && id.subsystem !== fn.subsystem) return 0;
  if (id.classCode !== undefined) {
    const mask = id.classMask ?? 0xffff00;
    if ((fn.classCode & mask) !== (id.classCode & mask)) return 0;
  }
  if (id.device === undefined) {
    if (id.classCode === undefined) return 0;
    return id.vendor === undefined ? SCORE.class : SCORE.vendorClass;
  }
  if (id.vendor === undefined) return 0;
  return id.subsystem === undefined ? SCORE.device : SCORE.subsystem;
}

/** A driver that might take a function. */
export interface Candidate<T, O> {
  readonly driver: ProbeDriver<T, O>;
  readonly id: DriverId;
  readonly score: number;
}

/** One question and its answer. */
export interface ProbeStep {
  readonly driver: string;
  readonly chip: string;
  readonly score: number;
  readonly outcome: 'bound' | 'declined' | 'failed';
  /** Why it declined or failed; empty when it bound. */
  readonly reason: string;
}

/** What is known of a function. */
export interface ProbeRecord<T> {
  readonly fn: PciFunction;
  /** In the order in which they were asked; a later attempt adds to it. */
  readonly steps: readonly ProbeStep[];
  /** Name of the driver that has it. */
  readonly driver: string | undefined;
  readonly chip: string | undefined;
  readonly value: T | undefined;
  /** It was taken away. */
  readonly removed: boolean;
}

/** Events of a chain. */
export type ProbeEvents<T> = {
  bound: (record: ProbeRecord<T>) => void;
  released: (record: ProbeRecord<T>) => void;
};

interface MutableRecord<T> {
  readonly fn: PciFunction;
  readonly steps: ProbeStep[];
  driver: string | undefined;
  chip: string | undefined;
  value: T | undefined;
  removed: boolean;
}

/** Options of a {@link ProbeChain}. */
export interface ProbeChainOptions<T, O> {
  /** Handed to every driver. */
  readonly options: O;
  /** How a bound value is given up. */
  readonly close: (value: T) => Task<void>;
}

/** Offers functions to drivers. All work is tasks: nothing waits in here. */
export class ProbeChain<T, O> {
  readonly events: TypedEmitter<ProbeEvents<T>> = createEmitter<ProbeEvents<T>>();
  readonly #drivers: ProbeDriver<T, O>[] = [];
  readonly #records = new Map<PciFunction, MutableRecord<T>>();
  readonly #options: O;
  readonly #close: (value: T) => Task<void>;

  constructor(options: ProbeChainOptions<T, O>) {
    this.#options = options.options;
    this.#close = options.close;
  }

  /** Adds a driver, at any time; {@link ProbeChain.offerUnbound} then asks it. @throws RangeError for a name twice */
  register(driver: ProbeDriver<T, O>): void {
    if (this.#drivers.some((known) => known.name === driver.name))
      throw new RangeError(`driver ${driver.name} is already registered`);
    this.#drivers.push(driver);
  }

  /** Registered drivers, in order. */
  get drivers(): readonly ProbeDriver<T, O>[] {
    return this.#drivers;
  }

  /** Who would be asked about a function: best row of each driver, by score, then by order of registration. */
  candidates(fn: PciFunction): Candidate<T, O>[] {
    const all: Candidate<T, O>[] = [];
    for (const driver of this.#drivers) {
      let best: Candidate<T, O> | undefined;
      for (const id of driver.ids) {
        const points = score(id, fn);
        if (points > (best?.score ?? 0)) best = { driver, id, score: points };
      }
      if (best) all.push(best);
    }
    return all.sort((a, b) => b.score - a.score);
  }

  /** Offers one function to its candidates until one binds. A bound function is left as it is. */
  *offer(fn: PciFunction): Task<ProbeRecord<T>> {
    const record = this.#recordOf(fn);
    if (record.value === undefined && !record.removed) yield* this.#ask(record, this.candidates(fn));
    return record;
  }

  /** Offers functions one after the other. */
  *offerAll(functions: readonly PciFunction[]): Task<readonly ProbeRecord<T>[]> {
    for (const fn of functions) yield* this.offer(fn);
    return this.records;
  }

  /** After a late registration: asks those who have not been asked yet about every function without a driver. */
  *offerUnbound(): Task<void> {
    for (const record of this.#records.values()) {
      if (record.value !== undefined || record.removed) continue;
      const asked = new Set(record.steps.map((step) => step.driver));
      const fresh = this.candidates(record.fn).filter((candidate) => !asked.has(candidate.driver.name));
      yield* this.#ask(record, fresh);
    }
  }

  /** Gives a function up: its driver closes. Does nothing when nobody has it. */
  *release(fn: PciFunction): Task<void> {
    const record = this.#records.get(fn);
    if (record?.value === undefined) return;
    const { value } = record;
    record.value = undefined;
    record.driver = undefined;
    record.chip = undefined;
    yield* this.#close(value);
    this.events.emit('released', record);
  }

  /** Releases and asks again; with `driver`, only that one. */
  *rebind(fn: PciFunction, driver?: string): Task<ProbeRecord<T>> {
    yield* this.release(fn);
    const record = this.#recordOf(fn);
    const wanted = this.candidates(fn).filter((c) => driver === undefined || c.driver.name === driver);
    if (!record.removed) yield* this.#ask(record, wanted);
    return record;
  }

  /** The function is gone from the bus: its driver closes, and it is never offered again. */
  *remove(fn: PciFunction): Task<void> {
    this.#recordOf(fn).removed = true;
    yield* this.release(fn);
  }

  /** Everything known, in the order in which functions were first offered. */
  get records(): readonly ProbeRecord<T>[] {
    return [...this.#records.values()];
  }

  *#ask(record: MutableRecord<T>, candidates: readonly Candidate<T, O>[]): Task<void> {
    for (const { driver, id, score: points } of candidates) {
      let outcome: ProbeOutcome<T>;
      try {
        outcome = yield* driver.probe(record.fn, id, this.#options);
      } catch (error) {
        outcome = failed(error instanceof Error ? error : new Error(String(error)));
      }
      const reason =
        outcome.kind === 'declined' ? outcome.reason : outcome.kind === 'failed' ? outcome.error.message : '';
      record.steps.push({ driver: driver.name, chip: id.name, score: points, outcome: outcome.kind, reason });
      if (outcome.kind !== 'bound') continue;
      record.driver = driver.name;
      record.chip = id.name;
      record.value = outcome.value;
      this.events.emit('bound', record);
      return;
    }
  }

  #recordOf(fn: PciFunction): MutableRecord<T> {
    let record = this.#records.get(fn);
    if (record === undefined) {
      record = { fn, steps: [], driver: undefined, chip: undefined, value: undefined, removed: false };
      this.#records.set(fn, record);
    }
    return record;
  }
}

/** The report as text: for each function who was asked, in which order and score, and what each said. */
export function explainProbe<T>(records: readonly ProbeRecord<T>[], describe: (fn: PciFunction) => string): string {
  const lines: string[] = [];
  for (const record of records) {
    const state = record.removed ? 'removed' : record.driver === undefined ? 'no driver' : `driver ${record.driver}`;
    lines.push(`${record.fn.name} ${describe(record.fn)}: ${state}`);
    if (record.steps.length === 0) lines.push('    nobody has it in its table');
    for (const [i, step] of record.steps.entries()) {
      const why = step.reason === '' ? '' : `: ${step.reason}`;
      lines.push(`    ${i + 1}. ${step.driver} (${step.chip}, score ${step.score}) ${step.outcome}${why}`);
    }
  }
  return lines.join('\n');
}
