/** The two lists of capabilities: standard (PCI 3.0 §6.7) and extended (PCIe 4.0 §7.6). Walks are bounded. */
import { pick } from '../registers/define.js';
import { CAP, CAP_ID, CAP_NEXT, CAP_POINTER, EXT_CAP_HEADER, EXT_CAP_START, STATUS } from '../registers/pci.js';

/** One capability of a function. */
export interface Capability {
  readonly id: number;
  /** Offset in configuration space. */
  readonly at: number;
  /** True for those of PCI Express' extended space. */
  readonly extended: boolean;
  /** Version of an extended capability; 0 for standard ones. */
  readonly version: number;
}

/** Configuration space of one function, live or from a dump. Reads outside give all ones. */
export interface ConfigReader {
  /** Bytes that can be read. */
  readonly configBytes: number;
  read8(at: number): number;
  read16(at: number): number;
  read32(at: number): number;
}

const HEADER_BYTES = 0x40;
const CONVENTIONAL_BYTES = 0x100;
/** A capability takes at least a dword. */
const MOST_STANDARD = (CONVENTIONAL_BYTES - HEADER_BYTES) / 4;
const MOST_EXTENDED = (0x1000 - CONVENTIONAL_BYTES) / 4;
const DWORD = ~3;

/** Walks both lists; what is wrong with them (loops, pointers into the header or outside) goes to `issues`. */
export function walkCapabilities(config: ConfigReader, issues: string[]): Capability[] {
  const found = walkStandard(config, issues);
  const express = found.some((capability) => capability.id === CAP.PCIE || capability.id === CAP.PCIX);
  if (express && config.configBytes > CONVENTIONAL_BYTES) walkExtended(config, found, issues);
  return found;
}

function walkStandard(config: ConfigReader, issues: string[]): Capability[] {
  const found: Capability[] = [];
  if ((config.read16(STATUS.at) & STATUS.CAP_LIST) === 0) return found;
  const seen = new Set<number>();
  let at = config.read8(CAP_POINTER.at) & DWORD & 0xff;
  for (let n = 0; n < MOST_STANDARD && at !== 0; n++) {
    if (at < HEADER_BYTES) {
      issues.push(`capability pointer ${hex(at)} points into the header`);
      return found;
    }
    if (seen.has(at)) {
      issues.push(`capability list loops at ${hex(at)}`);
      return found;
    }
    seen.add(at);
    const id = config.read8(at + CAP_ID.at);
    if (id === 0xff) {
      issues.push(`capability at ${hex(at)} reads all ones`);
      return found;
    }
    found.push({ id, at, extended: false, version: 0 });
    at = config.read8(at + CAP_NEXT.at) & DWORD & 0xff;
  }
  return found;
}

function walkExtended(config: ConfigReader, found: Capability[], issues: string[]): void {
  const seen = new Set<number>();
  let at = EXT_CAP_START;
  for (let n = 0; n < MOST_EXTENDED && at !== 0; n++) {
    if (at < EXT_CAP_START || at + 4 > config.configBytes) {
      issues.push(`extended capability pointer ${hex(at)} points outside`);
      return;
    }
    if (seen.has(at)) {
      issues.push(`extended capability list loops at ${hex(at)}`);
      return;
    }
    seen.add(at);
    const header = config.read32(at) | 0;
    if (header === 0 || header === -1) return;
    const id = pick(header, EXT_CAP_HEADER.ID);
    // Identifier 0 is the null capability: it only carries the pointer (PCIe 4.0 §7.6.3).
    if (id !== 0) found.push({ id, at, extended: true, version: pick(header, EXT_CAP_HEADER.VERSION) });
    at = pick(header, EXT_CAP_HEADER.NEXT) & DWORD;
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
