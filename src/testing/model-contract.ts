/** What every device model must do, whoever hosts it: identity, resets, and patience with a hostile guest. */
import type { EmulatedFunction } from '../emulators/index.js';
import { Machine } from '../hosts/machine/index.js';
import { enumerate } from '../pci/index.js';
import { OwnedArena } from '../platform/arena.js';
import { bdf } from '../platform/config-access.js';
import { Random } from '../platform/random.js';
import { pci } from '../registers/index.js';
import type { ContractCase } from './register-contract.js';

/** Options of {@link modelContract}. */
export interface ModelContractOptions {
  readonly seed?: number | string;
  /** Random accesses of the hostile guest. Default 20,000. */
  readonly accesses?: number;
}

const WIDTHS = [8, 16, 32] as const;
const PLACE = bdf(0, 3, 0);
/** Timers fired between two batches of accesses. */
const STEPS = 200;

/** One memory for all cases, which run one after the other. */
let arena: OwnedArena | undefined;

function machineWith(make: () => EmulatedFunction, seed: number | string): Machine {
  arena ??= new OwnedArena(32 << 20);
  arena.clear();
  const machine = new Machine({ seed, ramBytes: 4 << 20, arena });
  machine.bus.add(make(), { device: 3 });
  return machine;
}

/** The suite. `make` gives a fresh model for each case. */
export function modelContract(make: () => EmulatedFunction, options: ModelContractOptions = {}): ContractCase[] {
  const { name } = make();
  const seed = options.seed ?? 1;
  return [
    {
      name: `${name}: enumeration finds it, with the BARs it declares`,
      run: () => checkIdentity(machineWith(make, seed)),
    },
    { name: `${name}: BARs answer only while decoding is on`, run: () => checkDecoding(machineWith(make, seed)) },
    { name: `${name}: after each kind of reset it reads as when it was new`, run: () => checkReset(make, seed) },
    {
      name: `${name}: nothing a guest does throws or runs away`,
      run: () => hostileGuest(machineWith(make, seed), seed, options.accesses ?? 20_000),
    },
    { name: `${name}: after removal everything reads all ones`, run: () => checkRemoval(machineWith(make, seed)) },
  ];
}

function fail(message: string): never {
  throw new Error(message);
}

function checkIdentity(machine: Machine): void {
  const topology = enumerate(machine);
  const fn = topology.functions.find((each) => each.address === PLACE) ?? fail('enumeration does not find it');
  const { config } = machine.functionAt(PLACE)!;
  if (fn.vendor !== config.vendor || fn.device !== config.device || fn.classCode !== config.classCode)
    fail('another identity');
  if (topology.issues.length > 0) fail(topology.issues.map((issue) => issue.message).join('; '));
  for (const declared of config.bars) {
    const bar = fn.bars.find((each) => each.index === declared.index) ?? fail(`BAR ${declared.index} is not found`);
    if (bar.bytes !== declared.bytes) fail(`BAR ${declared.index} is sized ${bar.bytes}, declared ${declared.bytes}`);
  }
}

function checkDecoding(machine: Machine): void {
  enumerate(machine);
  const shell = machine.functions().find(({ address }) => address === PLACE)!.shell;
  machine.config.write16(PLACE, pci.COMMAND.at, 0);
  for (const bar of shell.fn.config.bars)
    if (shell.barBase(bar.index) !== undefined) fail(`BAR ${bar.index} is decoded while COMMAND is 0`);
  machine.config.write16(PLACE, pci.COMMAND.at, pci.COMMAND.IO | pci.COMMAND.MEMORY);
  for (const bar of shell.fn.config.bars)
    if (shell.barBase(bar.index) === undefined) fail(`BAR ${bar.index} is not decoded`);
}

/** All BARs as dwords, without the tables that belong to the shell. */
function snapshot(machine: Machine): number[] {
  const shell = machine.functions().find(({ address }) => address === PLACE)!.shell;
  const all: number[] = [];
  for (const bar of shell.fn.config.bars)
    for (let at = 0; at < Math.min(bar.bytes, 0x6000); at += 4) all.push(shell.fn.readBar(bar.index, at, 32));
  return all;
}

function checkReset(make: () => EmulatedFunction, seed: number | string): void {
  const fresh = snapshot(machineWith(make, seed));
  for (const kind of ['power-on', 'bus', 'flr'] as const) {
    const machine = machineWith(make, seed);
    const shell = machine.functions().find(({ address }) => address === PLACE)!.shell;
    const random = new Random(`${seed} ${kind}`);
    for (let i = 0; i < 2_000; i++) {
      const bar = shell.fn.config.bars[random.below(shell.fn.config.bars.length)]!;
      shell.fn.writeBar(bar.index, random.below(Math.min(bar.bytes, 0x6000)) & ~3, 32, random.u32() | 0);
    }
    shell.reset(kind);
    const after = snapshot(machine);
    const different = after.findIndex((value, i) => value !== fresh[i]);
    if (different >= 0)
      fail(
        `after ${kind}, dword ${different} of the BARs reads 0x${(after[different]! >>> 0).toString(16)}, new 0x${(fresh[different]! >>> 0).toString(16)}`,
      );
  }
}

function hostileGuest(machine: Machine, seed: number | string, accesses: number): void {
  enumerate(machine);
  const random = new Random(`hostile ${seed}`);
  const shell = machine.functions().find(({ address }) => address === PLACE)!.shell;
  machine.config.write16(PLACE, pci.COMMAND.at, pci.COMMAND.IO | pci.COMMAND.MEMORY | pci.COMMAND.MASTER);
  const interesting = [0, 1, -1, 0x8000_0000 | 0, 0x1000_0000, 0x1000_0fff, 0xffff, 0x80, 0x10000];
  for (let i = 0; i < accesses; i++) {
    const value = random.chance(0.4) ? interesting[random.below(interesting.length)]! : random.u32() | 0;
    const width = WIDTHS[random.chance(0.7) ? 2 : random.below(3)]!;
    if (random.chance(0.05)) {
      const at = random.below(shell.fn.config.configBytes) & ~(width / 8 - 1);
      if (random.chance(0.5)) shell.writeConfig(at, width, value);
      else shell.readConfig(at, width);
      shell.writeConfig(pci.COMMAND.at, 16, pci.COMMAND.IO | pci.COMMAND.MEMORY | pci.COMMAND.MASTER);
    } else {
      const bar = shell.fn.config.bars[random.below(shell.fn.config.bars.length)]!;
      const at =
        random.below(random.chance(0.8) ? Math.min(bar.bytes, 0x4000) : bar.bytes) & (random.chance(0.9) ? ~3 : ~0);
      if (random.chance(0.7)) shell.writeBar(bar.index, at, width, value);
      else shell.readBar(bar.index, at, width);
    }
    if (i % 50 === 0)
      for (let step = 0; step < STEPS && machine.scheduler.advance(machine.scheduler.now + 1000); step++);
  }
}

function checkRemoval(machine: Machine): void {
  enumerate(machine);
  const shell = machine.functions().find(({ address }) => address === PLACE)!.shell;
  machine.remove(shell);
  for (const bar of shell.fn.config.bars)
    if (shell.readBar(bar.index, 0, 32) !== -1) fail(`BAR ${bar.index} still answers`);
  if (machine.config.read16(PLACE, pci.VENDOR_ID.at) !== 0xffff) fail('configuration space still answers');
}
