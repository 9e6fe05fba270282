/** Hot plug: what came and what went since a bus was enumerated, without touching what is still there. */
import { bdf } from '../platform/config-access.js';
import * as pci from '../registers/pci.js';
import { decode, rootWindow, spaceOf } from './assign.js';
import { type Bar, ROM_INDEX, sizeText, writeBar } from './bars.js';
import { PciFunction } from './function.js';
import type { AddressWindow, PciHost } from './host.js';
import type { PciBus, PciIssue, PciTopology } from './topology.js';
import { isPort, type Space, windowOf } from './windows.js';

const SLOTS = 256;
const NOBODY = 0xffff;
const BRIDGE = 1;

/** What {@link rescan} found. */
export interface Rescan {
  /** The tree as it is now. Functions that stayed are the same objects as before. */
  readonly topology: PciTopology;
  /** New functions, with addresses where their bus has room. */
  readonly added: readonly PciFunction[];
  /** Functions that are gone, those below a bridge that is gone among them. Their drivers should be told. */
  readonly removed: readonly PciFunction[];
  /** What could not be done for the new ones; {@link PciTopology.issues} keeps the old ones too. */
  readonly issues: readonly PciIssue[];
}

/**
 * Looks at every place of every bus again. A function that answers with another identity, or whose BARs were forgotten, is
 * another one: it counts as removed and added. New functions get addresses in the gaps of their bus's windows
 * ({@link EnumerateOptions.reserve} keeps some below ports). A bridge plugged in later is reported and not entered: bus
 * numbers are given at enumeration. Bounded like {@link enumerate}; never throws.
 */
export function rescan(host: PciHost, before: PciTopology): Rescan {
  const added: PciFunction[] = [];
  const removed: PciFunction[] = [];
  const issues: PciIssue[] = [];
  const functions: PciFunction[] = [];
  const visit = (bus: PciBus): PciBus => {
    const known = new Map(bus.functions.map((fn) => [fn.address, fn]));
    const here: PciFunction[] = [];
    const fresh: PciFunction[] = [];
    const children: PciBus[] = [];
    const slots = bus.bridge !== undefined && isPort(bus.bridge) ? 8 : SLOTS;
    let multi = true;
    for (let slot = 0; slot < slots; slot++) {
      // Functions 1 to 7 are looked at only when function 0 says so (PCI 3.0 §3.2.2.3.4).
      if ((slot & 7) !== 0 && !multi) continue;
      const address = bdf(bus.number, slot >> 3, slot & 7);
      const old = known.get(address);
      const vendor = host.config.read16(address, pci.VENDOR_ID.at) & 0xffff;
      const present = vendor !== NOBODY && vendor !== 0;
      let fn = present && old !== undefined && same(old) ? old : undefined;
      if (old !== undefined && fn === undefined) gone(old, bus, removed);
      if (present && fn === undefined) {
        fn = new PciFunction(host, address);
        fresh.push(fn);
        added.push(fn);
        for (const message of fn.issues) issues.push({ address, kind: 'config', message });
        if (fn.layout === BRIDGE)
          issues.push({ address, kind: 'bridge', message: 'a bridge that came after enumeration is not entered' });
      }
      if ((slot & 7) === 0) multi = fn?.multiFunction ?? false;
      if (fn === undefined) continue;
      here.push(fn);
      functions.push(fn);
      const child = bus.children.find((each) => each.bridge === fn);
      if (child !== undefined) children.push(visit(child));
    }
    const next: PciBus = { ...bus, functions: here, children };
    for (const fn of fresh) settle(host, next, fn, issues);
    return next;
  };
  const root = visit(before.root);
  return { topology: { root, functions, issues: [...before.issues, ...issues] }, added, removed, issues };
}

/** The same identity, and the addresses that it was given: whoever was plugged in anew has forgotten them. */
function same(fn: PciFunction): boolean {
  if (fn.read16(pci.VENDOR_ID.at) !== fn.vendor || fn.read16(pci.DEVICE_ID.at) !== fn.device) return false;
  const bar = fn.bars.find((each) => each.address !== undefined && each.index !== ROM_INDEX);
  if (bar === undefined) return true;
  const mask = bar.kind === 'io' ? pci.IO_BAR.ADDRESS : pci.BAR.ADDRESS;
  const low = (fn.read32(pci.BAR.at + 4 * bar.index) & mask) >>> 0;
  return low === ((bar.address! % 0x1_0000_0000) & mask) >>> 0;
}

function gone(fn: PciFunction, bus: PciBus, removed: PciFunction[]): void {
  removed.push(fn);
  const child = bus.children.find((each) => each.bridge === fn);
  for (const below of child?.functions ?? []) gone(below, child!, removed);
}

/** Gives a new function addresses, largest first, and lets it decode when it got all of a kind. */
function settle(host: PciHost, bus: PciBus, fn: PciFunction, issues: PciIssue[]): void {
  for (const bar of fn.bars) bar.address = undefined;
  for (const bar of [...fn.bars].sort((a, b) => b.bytes - a.bytes)) {
    const wide = (host.resources.memory64?.bytes ?? 0) > 0;
    const space = spaceOf(bar, bus.bridge === undefined, wide);
    bar.address = gap(host, bus, space, bar);
    // A ROM behind a full window is no loss: the function works without.
    if (bar.address === undefined && bar.index !== ROM_INDEX)
      issues.push({
        address: fn.address,
        kind: 'bar-does-not-fit',
        message: `BAR${bar.index} asks ${sizeText(bar.bytes)} of ${bar.kind}; bus ${bus.number} has no gap of that size`,
      });
  }
  for (const bar of fn.bars) writeBar(host.config, fn.address, fn.layout, bar);
  decode(fn);
}

/** The lowest gap of a bus's window in which a BAR fits. */
function gap(host: PciHost, bus: PciBus, space: Space, bar: Bar): number | undefined {
  const windows = [bus.bridge === undefined ? rootWindow(host, space) : windowOf(bus.bridge, space)];
  // Without a 64-bit window a 64-bit BAR lives below 4 GiB.
  if (space === 'prefetch64')
    windows.push(bus.bridge === undefined ? rootWindow(host, 'memory') : windowOf(bus.bridge, 'memory'));
  for (const window of windows) {
    const found = inWindow(window, taken(bus), bar.bytes, space === 'io');
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly io: boolean;
}

/** Everything that answers on a bus: its functions' BARs, and the windows of its bridges. */
function taken(bus: PciBus): Range[] {
  const ranges: Range[] = [];
  for (const fn of bus.functions)
    for (const { address, bytes, kind } of fn.bars)
      if (address !== undefined) ranges.push({ from: address, to: address + bytes, io: kind === 'io' });
  for (const { bridge } of bus.children)
    for (const space of ['io', 'memory', 'prefetch64'] as const) {
      const { base, bytes } = windowOf(bridge!, space);
      if (bytes > 0) ranges.push({ from: base, to: base + bytes, io: space === 'io' });
    }
  return ranges;
}

function inWindow(window: AddressWindow, ranges: readonly Range[], bytes: number, io: boolean): number | undefined {
  const end = window.base + window.bytes;
  const inside = ranges.filter((each) => each.io === io).sort((a, b) => a.from - b.from);
  let at = Math.ceil(window.base / bytes) * bytes;
  for (const { from, to } of inside) {
    if (at + bytes <= from) break;
    if (to > at) at = Math.ceil(to / bytes) * bytes;
  }
  return at + bytes <= end && window.bytes > 0 ? at : undefined;
}
