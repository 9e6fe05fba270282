/**
 * Hands out addresses: sizes are summed from the leaves up, largest alignment first, then placed from the root down.
 * What does not fit is taken out whole (all BARs of that function in that space) and named; the rest goes on.
 */
import { COMMAND } from '../registers/pci.js';
import { type Bar, sizeText, writeBar } from './bars.js';
import type { PciFunction } from './function.js';
import type { AddressWindow, PciHost } from './host.js';
import type { PciBus, PciIssue } from './topology.js';
import { forwards, grain, isPort, SPACES, type Space, setWindow } from './windows.js';

/** I/O ports that bridges and BARs of 16 bits reach. */
const IO_PORTS = 0x1_0000;

/** Something that wants an address: a BAR, or the window of the bus below. */
interface Want {
  readonly bytes: number;
  readonly align: number;
  readonly fn: PciFunction;
  readonly bar: Bar | undefined;
  readonly below: Plan | undefined;
}

/** The wants of one bus in one space. */
interface Plan {
  readonly space: Space;
  readonly wants: Want[];
  bytes: number;
  align: number;
  /** Where it begins; known once it is placed. */
  base: number;
}

/** Who was taken out of a space. */
interface Excluded {
  readonly functions: Set<PciFunction>;
  /** Those that only lost their ROM. */
  readonly roms: Set<PciFunction>;
}

/**
 * Assigns and programs all BARs and windows below bus 0, and turns decoding on where a function got all it asked.
 * @param reserve bytes of memory to keep free below each port, if all that is there has room with it
 */
export function assign(host: PciHost, root: PciBus, issues: PciIssue[], reserve: number): void {
  const able = new Map<PciFunction, Record<Space, boolean>>();
  const bridges: PciBus[] = [];
  const functions: PciFunction[] = [];
  collect(root, bridges, functions);
  for (const fn of functions) {
    for (const bar of fn.bars) bar.address = undefined;
  }
  for (const bus of bridges) able.set(bus.bridge!, forwards(bus.bridge!));
  const wide64 = (host.resources.memory64?.bytes ?? 0) > 0;
  for (const space of SPACES) {
    const window = rootWindow(host, space);
    const out: Excluded = { functions: new Set(), roms: new Set() };
    // Every round takes something out, so there are at most two for each function.
    for (let round = 0; round <= 2 * functions.length; round++) {
      const room = space === 'memory' ? up(reserve, grain(space)) : 0;
      let plan = measure(root, space, able, wide64, out, issues, room);
      if (room > 0 && plan.bytes > window.bytes) plan = measure(root, space, able, wide64, out, issues, 0);
      if (place(plan, window, out, issues)) {
        program(plan);
        break;
      }
    }
  }
  for (const fn of functions) {
    for (const bar of fn.bars) writeBar(fn.host.config, fn.address, fn.layout, bar);
    decode(fn);
  }
}

function collect(bus: PciBus, bridges: PciBus[], functions: PciFunction[]): void {
  functions.push(...bus.functions);
  for (const child of bus.children) {
    bridges.push(child);
    collect(child, bridges, functions);
  }
}

/** What the root bus has of a space. */
export function rootWindow(host: PciHost, space: Space): AddressWindow {
  const { io, memory32, memory64 } = host.resources;
  if (space === 'memory') return memory32;
  if (space === 'prefetch64') return memory64 ?? { base: 0, bytes: 0 };
  const base = io?.base ?? 0;
  return { base, bytes: Math.max(0, Math.min(io?.bytes ?? 0, IO_PORTS - base)) };
}

/** Which space a BAR belongs to; behind a bridge, only prefetchable ones may use a 64-bit window (Bridge 1.2 §3.2.5.9). */
export function spaceOf(bar: Bar, onRoot: boolean, wide: boolean): Space {
  if (bar.kind === 'io') return 'io';
  if (bar.kind === 'memory64' && wide && (bar.prefetchable || onRoot)) return 'prefetch64';
  return 'memory';
}

function measure(
  bus: PciBus,
  space: Space,
  able: ReadonlyMap<PciFunction, Record<Space, boolean>>,
  wide: boolean,
  out: Excluded,
  issues: PciIssue[],
  reserve: number,
): Plan {
  const wants: Want[] = [];
  for (const fn of bus.functions) {
    for (const bar of fn.bars) {
      const rom = bar.kind === 'rom';
      if (spaceOf(bar, bus.bridge === undefined, wide) !== space) continue;
      if (out.functions.has(fn) || (rom && out.roms.has(fn))) continue;
      wants.push({ bytes: bar.bytes, align: bar.bytes, fn, bar, below: undefined });
    }
  }
  for (const child of bus.children) {
    const bridge = child.bridge!;
    const can = able.get(bridge)!;
    const below = measure(child, space, able, wide && can.prefetch64, out, issues, reserve);
    if (reserve > below.bytes && isPort(bridge)) below.bytes = reserve;
    if (below.bytes === 0) continue;
    if (can[space]) {
      wants.push({ bytes: below.bytes, align: below.align, fn: bridge, bar: undefined, below });
    } else {
      closeBelow(below, bridge, space, out, issues);
    }
  }
  wants.sort((a, b) => b.align - a.align || b.bytes - a.bytes);
  const plan: Plan = { space, wants, bytes: 0, align: grain(space), base: 0 };
  for (const want of wants) {
    plan.bytes = up(plan.bytes, want.align) + want.bytes;
    plan.align = Math.max(plan.align, want.align);
  }
  plan.bytes = up(plan.bytes, grain(space));
  return plan;
}

/** A bridge without this window: nothing below it gets an address there. */
function closeBelow(plan: Plan, bridge: PciFunction, space: Space, out: Excluded, issues: PciIssue[]): void {
  for (const want of plan.wants) {
    if (want.below) {
      closeBelow(want.below, bridge, space, out, issues);
      continue;
    }
    if (out.functions.has(want.fn)) continue;
    out.functions.add(want.fn);
    issues.push({
      address: want.fn.address,
      kind: 'bar-does-not-fit',
      message: `BAR${want.bar!.index} asks ${sizeText(want.bytes)} of ${space}; bridge ${bridge.name} forwards none`,
    });
  }
}

/** Gives addresses inside `window`; false when something does not fit: it is then in `out` and in `issues`. */
function place(plan: Plan, window: AddressWindow, out: Excluded, issues: PciIssue[]): boolean {
  let at = window.base;
  let fits = true;
  const end = window.base + window.bytes;
  const starts: number[] = [];
  for (const want of plan.wants) {
    const start = up(at, want.align);
    if (start + want.bytes > end) {
      fits = false;
      const left = `${sizeText(Math.max(0, end - at))} of ${sizeText(window.bytes)} from 0x${window.base.toString(16)}`;
      exclude(want, start + want.bytes - end, left, out, issues);
      continue;
    }
    starts.push(start);
    at = start + want.bytes;
  }
  if (!fits) return false;
  plan.base = window.base;
  for (let i = 0; i < plan.wants.length; i++) {
    const want = plan.wants[i]!;
    if (want.bar) want.bar.address = starts[i]!;
    // It was measured to fit, so nothing can fail below.
    else place(want.below!, { base: starts[i]!, bytes: want.bytes }, out, issues);
  }
  return true;
}

/** Takes out what makes `want` too big by `excess` bytes: ROMs if that is enough (a function works without), else the largest. */
function exclude(want: Want, excess: number, left: string, out: Excluded, issues: PciIssue[]): void {
  const leaves: Want[] = [];
  gather(want, leaves);
  let roms = 0;
  for (const leaf of leaves) if (isRom(leaf)) roms += leaf.bytes;
  const first = roms >= excess ? 1 : -1;
  leaves.sort((a, b) => first * (Number(isRom(b)) - Number(isRom(a))) || b.bytes - a.bytes);
  let removed = 0;
  for (const leaf of leaves) {
    if (removed >= excess) return;
    removed += leaf.bytes;
    const rom = isRom(leaf);
    const gone = rom ? out.roms : out.functions;
    // One finding for each function: it goes with all its BARs in this space.
    if (gone.has(leaf.fn)) continue;
    gone.add(leaf.fn);
    const bar = leaf.bar!;
    issues.push({
      address: leaf.fn.address,
      kind: rom ? 'rom-does-not-fit' : 'bar-does-not-fit',
      message: `${rom ? 'ROM' : `BAR${bar.index}`} asks ${sizeText(leaf.bytes)} of ${bar.kind}, ${left} were left`,
    });
  }
}

function gather(want: Want, leaves: Want[]): void {
  if (want.bar) leaves.push(want);
  else for (const inner of want.below!.wants) gather(inner, leaves);
}

function isRom(want: Want): boolean {
  return want.bar?.kind === 'rom';
}

/** Opens the windows of all bridges below. Bridges that need none were closed when they were numbered. */
function program(plan: Plan): void {
  for (const want of plan.wants) {
    if (!want.below) continue;
    setWindow(want.fn, plan.space, want.below.base, want.bytes);
    program(want.below);
  }
}

/** Firmware's habit: a function answers where it was placed; being bus master is its driver's decision. */
export function decode(fn: PciFunction): void {
  let bits = 0;
  let refused = 0;
  for (const bar of fn.bars) {
    if (bar.kind === 'rom') continue;
    const bit = bar.kind === 'io' ? COMMAND.IO : COMMAND.MEMORY;
    bits |= bit;
    if (bar.address === undefined) refused |= bit;
  }
  if (fn.layout === 1) bits |= COMMAND.IO | COMMAND.MEMORY | COMMAND.MASTER;
  fn.command(COMMAND.IO | COMMAND.MEMORY | (fn.layout === 1 ? COMMAND.MASTER : 0), bits & ~refused);
}

function up(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
