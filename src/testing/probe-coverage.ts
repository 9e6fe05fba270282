/**
 * Coverage of a probe chain: is every row of every driver's table matched by a function that it is for, and is every
 * reason for declining given to somebody? A table with a row that another one hides, or a check that nothing can fail,
 * shows here.
 */
import type { EmulatedFunction } from '../emulators/index.js';
import { Machine, type MachineOptions } from '../hosts/machine/index.js';
import { type DriverId, enumerate, ProbeChain, type ProbeDriver, type ProbeStep } from '../pci/index.js';
import { OwnedArena } from '../platform/arena.js';
import type { Task } from '../platform/task.js';
import { finish } from './run.js';
import { type StandIn, standIn } from './stand-in.js';

/** One row of a driver's table. */
export interface RowCoverage {
  readonly driver: string;
  readonly id: DriverId;
  /** A function as the row describes it was offered, and the driver was asked because of this row. */
  readonly asked: boolean;
  /** What it answered; undefined when it was never asked. */
  readonly outcome: ProbeStep['outcome'] | undefined;
  /** Why, if it did not bind. */
  readonly reason: string;
  /** The function was a model of the chip; otherwise a stand-in that is only a configuration space. */
  readonly model: boolean;
}

/** One reason for declining. */
export interface DeclineCoverage {
  readonly driver: string;
  readonly reason: string;
  /** Declared by the driver: a reason that is given and not declared is a fault too. */
  readonly declared: boolean;
  /** How often it was given. */
  readonly given: number;
}

/** The result of {@link probeCoverage}. */
export interface ProbeCoverage {
  readonly rows: readonly RowCoverage[];
  readonly declines: readonly DeclineCoverage[];
  /** Every row was asked, every declared reason was given, and no other. */
  readonly complete: boolean;
}

/** How to run drivers that are not ours. */
export interface ProbeCoverageOptions<T, O> {
  readonly options: O;
  readonly close: (value: T) => Task<void>;
  /** New models to offer for rows that name their vendor and device. */
  readonly models?: () => readonly EmulatedFunction[];
  /** Functions to offer beside those that rows describe: a driver that asks a register declines by what stands there. */
  readonly more?: readonly StandIn[];
  /** Memory for machines, at least 64 MiB; default a new piece. */
  readonly arena?: OwnedArena;
}

const REGISTERS = { index: 0, kind: 'memory32', bytes: 0x2_0000, name: 'registers' } as const;
const PORTS = { index: 0, kind: 'io', bytes: 0x40, name: 'registers' } as const;
const NO_ROOM: NonNullable<MachineOptions['resources']> = {
  memory32: { base: 0xc000_0000, bytes: 0x1000 },
  memory64: { base: 0x80_0000_0000, bytes: 0x1000 },
  io: { base: 0x2000, bytes: 0x1000 },
};

/** What a function may be like besides its identity: each row meets all of them. */
const SITUATIONS: readonly { readonly bars: StandIn['bars']; readonly resources?: MachineOptions['resources'] }[] = [
  { bars: [REGISTERS] },
  { bars: [PORTS] },
  { bars: [] },
  { bars: [REGISTERS], resources: NO_ROOM },
];

/** Offers to the chain of `drivers` what each of their rows describes, in several situations, and counts. */
export function probeCoverage<T, O>(
  drivers: readonly ProbeDriver<T, O>[],
  options: ProbeCoverageOptions<T, O>,
): ProbeCoverage {
  const arena = options.arena ?? new OwnedArena(64 << 20);
  const given = new Map<string, { driver: string; reason: string; given: number }>();
  const offer = (model: EmulatedFunction, resources?: MachineOptions['resources']): readonly ProbeStep[] => {
    arena.clear();
    const machine = new Machine({ arena, ramBytes: 16 << 20, ...(resources ? { resources } : {}) });
    machine.bus.add(model, { device: 3 });
    const chain = new ProbeChain<T, O>({ options: options.options, close: options.close });
    for (const driver of drivers) chain.register(driver);
    const fn = enumerate(machine).functions.find((each) => ((each.address >> 3) & 31) === 3);
    if (!fn) throw new Error(`${model.name} is not on the bus`);
    const { steps } = finish(machine, chain.offer(fn));
    finish(machine, chain.release(fn));
    for (const { driver, outcome, reason } of steps) {
      if (outcome !== 'declined') continue;
      const key = `${driver}: ${reason}`;
      const entry = given.get(key) ?? { driver, reason, given: 0 };
      entry.given++;
      given.set(key, entry);
    }
    return steps;
  };
  const rows = drivers.flatMap((driver) =>
    driver.ids.map((id): RowCoverage => {
      const model = options.models?.().find(({ config }) => config.vendor === id.vendor && config.device === id.device);
      const stood = SITUATIONS.map(({ bars, resources }) => offer(standIn(likeRow(id, bars)), resources));
      const steps = model ? offer(model) : stood[0]!;
      const step = steps.find((each) => each.driver === driver.name && each.chip === id.name);
      return {
        driver: driver.name,
        id,
        asked: step !== undefined,
        outcome: step?.outcome,
        reason: step?.reason ?? '',
        model: model !== undefined,
      };
    }),
  );
  for (const spec of options.more ?? []) offer(standIn(spec));
  const declines: DeclineCoverage[] = drivers.flatMap((driver) =>
    (driver.declines ?? []).map((reason) => {
      const key = `${driver.name}: ${reason}`;
      const times = given.get(key)?.given ?? 0;
      given.delete(key);
      return { driver: driver.name, reason, declared: true, given: times };
    }),
  );
  for (const rest of given.values()) declines.push({ ...rest, declared: false });
  const complete = rows.every((row) => row.asked) && declines.every((each) => each.declared && each.given > 0);
  return { rows, declines, complete };
}

/** A function that a row describes; what the row leaves open is an Ethernet controller of nobody. */
function likeRow(id: DriverId, bars: StandIn['bars']): StandIn {
  return {
    vendor: id.vendor ?? 0x1234,
    device: id.device ?? 0x5678,
    ...(id.classCode === undefined ? {} : { classCode: id.classCode }),
    ...(id.subsystemVendor === undefined ? {} : { subsystemVendor: id.subsystemVendor }),
    ...(id.subsystem === undefined ? {} : { subsystem: id.subsystem }),
    ...(bars ? { bars } : {}),
  };
}

/** The coverage as text: a line for each driver, then everything that is missing, by name. */
export function probeCoverageText(coverage: ProbeCoverage): string {
  const lines: string[] = [];
  const names = [...new Set(coverage.rows.map((row) => row.driver))];
  const part = (done: number, all: number): string =>
    `${done} of ${all} (${all === 0 ? 100 : Math.floor((100 * done) / all)} %)`;
  for (const name of names) {
    const rows = coverage.rows.filter((row) => row.driver === name);
    const reasons = coverage.declines.filter((each) => each.driver === name);
    const outcome = (kind: string): number => rows.filter((row) => row.outcome === kind).length;
    lines.push(
      `${name}: rows asked ${part(rows.filter((row) => row.asked).length, rows.length)}: ${outcome('bound')} bound, ${outcome('declined')} declined, ${outcome('failed')} failed; reasons given ${part(reasons.filter((each) => each.given > 0).length, reasons.length)}`,
    );
  }
  const hex = (value: number | undefined): string => value?.toString(16).padStart(4, '0') ?? '*';
  for (const { asked, driver, id } of coverage.rows)
    if (!asked) lines.push(`MISSING ${driver}: row ${hex(id.vendor)}:${hex(id.device)} ${id.name} is never asked`);
  for (const { driver, reason, given, declared } of coverage.declines) {
    if (given === 0) lines.push(`MISSING ${driver}: nothing makes it decline with "${reason}"`);
    if (!declared) lines.push(`MISSING ${driver}: declines with "${reason}", which it does not declare`);
  }
  lines.push(coverage.complete ? 'complete' : 'not complete');
  return lines.join('\n');
}
