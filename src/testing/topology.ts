/** PCI topologies as data: what is plugged where, with models, stand-ins and bridges. */
import type { EmulatedFunction, PciShell } from '../emulators/index.js';
import type { BridgeKind, PluggableBus } from '../hosts/machine/index.js';
import { type DumpedFunction, parseDump } from '../pci/dump/index.js';
import { bdfText } from '../platform/config-access.js';
import * as pci from '../registers/pci.js';
import { type StandIn, standIn } from './stand-in.js';

/** Place on a bus; absent: the next free device, function 0. */
export interface TopologyPlace {
  readonly device?: number;
  readonly function?: number;
}

/** A function or a bridge with what is below it. */
export type TopologyNode = TopologyPlace &
  (
    | { readonly model: EmulatedFunction }
    | { readonly standIn: StandIn }
    | { readonly bridge: BridgeKind; readonly below: readonly TopologyNode[] }
  );

/**
 * Plugs a topology in; enumerate afterwards. Returns the functions, depth first.
 * @throws RangeError for a place that is taken or does not exist
 */
export function plugTopology(bus: PluggableBus, nodes: readonly TopologyNode[]): PciShell[] {
  const shells: PciShell[] = [];
  for (const node of nodes) {
    const place = {
      ...(node.device === undefined ? {} : { device: node.device }),
      ...(node.function === undefined ? {} : { function: node.function }),
    };
    if ('bridge' in node) shells.push(...plugTopology(bus.addBridge(node.bridge, place), node.below));
    else shells.push(bus.add('model' in node ? node.model : standIn(node.standIn), place));
  }
  return shells;
}

/** A topology read from text. */
export interface ImportedTopology {
  readonly nodes: readonly TopologyNode[];
  /** What could not be taken over, one line each. */
  readonly issues: readonly string[];
}

/**
 * A machine's bus from the output of `lspci -xxx` (`-xxxx` for extended capabilities; plain `-x` has no capabilities).
 * Bridges nest by their bus numbers, which an enumeration then gives anew. A dump does not tell how large a BAR is: the
 * largest size is taken that its address allows, at most 1 MiB (I/O: 256 bytes). Capabilities keep their bytes, without
 * behaviour; power management has some. The machine's own host bridge stands for the one at 00:00.0.
 */
export function topologyFromDump(text: string): ImportedTopology {
  const functions = parseDump(text);
  const issues: string[] = [];
  const below = new Map<number, DumpedFunction[]>();
  for (const fn of functions) {
    const bus = fn.address >> 8;
    below.set(bus, [...(below.get(bus) ?? []), fn]);
  }
  const reached = new Set<DumpedFunction>();
  const collect = (bus: number): TopologyNode[] =>
    (below.get(bus) ?? []).flatMap((fn): TopologyNode[] => {
      if (reached.has(fn)) return [];
      reached.add(fn);
      const place = { device: (fn.address >> 3) & 31, function: fn.address & 7 };
      if (fn.address === 0) return [];
      if (fn.layout === 1) {
        const secondary = fn.header.rest.secondaryBus ?? 0;
        const express = fn.capabilities.some((cap) => cap.id === pci.CAP.PCIE);
        // A bridge that leads to its own or a lower bus was not configured: what it hides is not in the dump.
        const children = secondary > bus ? collect(secondary) : [];
        return [{ ...place, bridge: express ? 'root-port' : 'pci-bridge', below: children }];
      }
      if (fn.layout !== 0) {
        issues.push(`${bdfText(fn.address)}: header layout ${fn.layout} is neither a device nor a bridge`);
        return [];
      }
      return [{ ...place, standIn: standInOf(fn) }];
    });
  const nodes = collect(0);
  for (const fn of functions)
    if (!reached.has(fn)) issues.push(`${bdfText(fn.address)}: no bridge in the dump leads to its bus`);
  return { nodes, issues };
}

const LARGEST_MEMORY = 0x10_0000;
const LARGEST_IO = 0x100;
const LEAST_MEMORY = 0x1000;

function standInOf(fn: DumpedFunction): StandIn {
  const end = fn.bytes.length;
  const standard = fn.capabilities.filter((cap) => !cap.extended).map((cap) => cap.at);
  const extended = fn.capabilities.filter((cap) => cap.extended).map((cap) => cap.at);
  const next = (at: number, all: readonly number[], limit: number): number =>
    Math.min(limit, ...all.filter((other) => other > at));
  const pm = fn.capabilities.find((cap) => cap.id === pci.CAP.PM && !cap.extended);
  return {
    vendor: fn.vendor,
    device: fn.device,
    revision: fn.revision,
    classCode: fn.classCode,
    subsystemVendor: fn.subsystemVendor,
    subsystem: fn.subsystem,
    interruptPin: fn.interruptPin,
    configBytes: end > 256 ? 4096 : 256,
    ...(pm ? { pm: { at: pm.at, capabilities: fn.read16(pm.at + 2), noSoftReset: true } } : {}),
    bars: fn.bars.flatMap((bar) => {
      if (bar.kind === 'rom') return [];
      const address = bar.address ?? 0;
      // The lowest bit that is set: an address is a multiple of its BAR's size.
      const low = (address % 0x8000_0000) | 0;
      const aligned = low === 0 ? LARGEST_MEMORY : low & -low;
      const bytes =
        bar.kind === 'io'
          ? Math.min(LARGEST_IO, Math.max(4, aligned))
          : Math.min(LARGEST_MEMORY, address === 0 ? LEAST_MEMORY : Math.max(16, aligned));
      return [{ index: bar.index, kind: bar.kind, prefetchable: bar.prefetchable, bytes, name: `BAR${bar.index}` }];
    }),
    capabilities: fn.capabilities
      .filter((cap) => cap !== pm)
      .map((cap) => {
        const header = cap.extended ? 4 : 2;
        const limit = cap.extended ? next(cap.at, extended, end) : next(cap.at, standard, Math.min(end, 256));
        return {
          id: cap.id,
          at: cap.at,
          bytes: [...fn.bytes.subarray(cap.at + header, limit)],
          ...(cap.extended ? { version: cap.version } : {}),
        };
      }),
  };
}
