/** What enumeration found: buses, functions, and everything that was wrong. */
import type { Bdf } from '../platform/config-access.js';
import type { PciFunction } from './function.js';

/** What kind of trouble. */
export type PciIssueKind =
  | 'bar-does-not-fit' // no address space left: the function has no address in that space
  | 'rom-does-not-fit' // the expansion ROM has no address; the function works without
  | 'no-bus-numbers' // a bridge whose lower side could not be numbered
  | 'bridge' // a bridge that does not behave
  | 'header' // an unknown header layout
  | 'config' // impossible BARs, broken capability lists
  | 'too-many'; // more functions than enumeration is willing to look at

/** One finding of enumeration. */
export interface PciIssue {
  readonly address: Bdf;
  readonly kind: PciIssueKind;
  /** In words, with what was asked and what was left. */
  readonly message: string;
}

/** A bus and what is on it. */
export interface PciBus {
  readonly number: number;
  /** The bridge above; undefined for bus 0. */
  readonly bridge: PciFunction | undefined;
  /** In order of device and function number. */
  readonly functions: readonly PciFunction[];
  /** Buses below, in the order of their bridges. */
  readonly children: readonly PciBus[];
  /** Highest bus number at or below this one. */
  readonly last: number;
}

/** A bus tree. */
export interface PciTopology {
  readonly root: PciBus;
  /** All functions, depth first: a bridge, then what is below it. */
  readonly functions: readonly PciFunction[];
  readonly issues: readonly PciIssue[];
}

/** Finds a function by its place. */
export function functionAt(topology: PciTopology, address: Bdf): PciFunction | undefined {
  return topology.functions.find((fn) => fn.address === address);
}

/** The tree like `lspci -t`: one line for each function, indented by bus. */
export function topologyText(topology: PciTopology, describe: (fn: PciFunction) => string): string {
  const lines: string[] = [];
  const visit = (bus: PciBus, depth: number): void => {
    for (const fn of bus.functions) {
      lines.push(`${'  '.repeat(depth)}${fn.name} ${describe(fn)}`);
      for (const child of bus.children) {
        if (child.bridge !== fn) continue;
        const range = child.last === child.number ? `${child.number}` : `${child.number}-${child.last}`;
        lines.push(`${'  '.repeat(depth + 1)}[bus ${range}]`);
        visit(child, depth + 1);
      }
    }
  };
  visit(topology.root, 0);
  return lines.join('\n');
}
