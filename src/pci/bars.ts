/** Base address registers: what they are, how big, and where (PCI 3.0 §6.2.5). */
import type { Bdf, ConfigAccess } from '../platform/config-access.js';
import { at, pick } from '../registers/define.js';
import { BAR, BRIDGE_ROM_BAR, COMMAND, IO_BAR, ROM_BAR } from '../registers/pci.js';

/** What a BAR decodes. */
export type BarKind = 'memory32' | 'memory64' | 'io' | 'rom';

/** Index of the expansion ROM among a function's BARs. */
export const ROM_INDEX = 6;

/** One BAR of a function. */
export interface Bar {
  /** 0 to 5; a 64-bit BAR also takes the next one. {@link ROM_INDEX} for the expansion ROM. */
  readonly index: number;
  readonly kind: BarKind;
  readonly prefetchable: boolean;
  /** Size in bytes, a power of two. */
  readonly bytes: number;
  /** Bus address or port; undefined as long as nothing is assigned. */
  address: number | undefined;
}

const HIGH = 0x1_0000_0000;
const IO_SPACE = 0x1_0000;
/** Larger sizes than this cannot be addressed by numbers below 2^53. */
const LARGEST = 2 ** 52;
const TYPE_32 = 0;
const TYPE_64 = 2;

/** Number of BARs by header layout: six in a device, two in a bridge. */
export function barCount(layout: number): number {
  return layout === 0 ? 6 : layout === 1 ? 2 : 0;
}

/** Offset of BAR `index` in configuration space. */
export function barOffset(layout: number, index: number): number {
  return index === ROM_INDEX ? (layout === 1 ? BRIDGE_ROM_BAR.at : ROM_BAR.at) : at(BAR, index);
}

/** Lowest set bit of a mask of up to 64 bits as a size; 0 when none is set. */
function sizeOf(low: number, high: number): number {
  if (low !== 0) return (low & -low) >>> 0;
  return high === 0 ? 0 : ((high & -high) >>> 0) * HIGH;
}

/** Writes all ones, reads back, restores: the size mask of one dword. */
function probeDword(config: ConfigAccess, address: Bdf, offset: number, ones: number): number {
  const before = config.read32(address, offset);
  config.write32(address, offset, ones);
  const mask = config.read32(address, offset);
  config.write32(address, offset, before);
  return mask;
}

/**
 * Finds a function's BARs with their sizes and current addresses (undefined when 0). Decoding is off meanwhile, so no
 * address answers at a wrong place. Impossible BARs are left out and named in `issues`.
 */
export function sizeBars(config: ConfigAccess, address: Bdf, layout: number, issues: string[]): Bar[] {
  const bars: Bar[] = [];
  const count = barCount(layout);
  if (count === 0) return bars;
  const command = config.read16(address, COMMAND.at);
  config.write16(address, COMMAND.at, command & ~(COMMAND.IO | COMMAND.MEMORY));
  for (let i = 0; i < count; i++) {
    const offset = barOffset(layout, i);
    const now = config.read32(address, offset);
    const mask = probeDword(config, address, offset, -1);
    if (mask === 0 || mask === -1) continue;
    if ((mask & BAR.IO) !== 0) {
      // Upper half may be hard-wired to 0 where only 16 bits of I/O exist (PCI 3.0 §6.2.5.1).
      const bytes = sizeOf(mask & IO_BAR.ADDRESS & (IO_SPACE - 1), 0);
      const where = now & IO_BAR.ADDRESS & (IO_SPACE - 1);
      if (bytes >= 4) bars.push({ index: i, kind: 'io', prefetchable: false, bytes, address: where || undefined });
      else issues.push(`BAR${i} has no writable I/O address bit`);
      continue;
    }
    const prefetchable = (mask & BAR.PREFETCH) !== 0;
    const type = pick(mask, BAR.TYPE);
    const low = mask & BAR.ADDRESS;
    const lowAddress = (now & BAR.ADDRESS) >>> 0;
    if (type === TYPE_64 && i + 1 < count) {
      const high = probeDword(config, address, offset + 4, -1);
      const bytes = sizeOf(low, high);
      const where = lowAddress + (config.read32(address, offset + 4) >>> 0) * HIGH;
      if (bytes === 0 || bytes > LARGEST) issues.push(`BAR${i} asks for an impossible size`);
      else bars.push({ index: i, kind: 'memory64', prefetchable, bytes, address: where || undefined });
      i++;
    } else if (type === TYPE_32 && low !== 0) {
      const bytes = sizeOf(low, 0);
      bars.push({ index: i, kind: 'memory32', prefetchable, bytes, address: lowAddress || undefined });
    } else {
      issues.push(`BAR${i} has the impossible value ${hex(mask)} after all ones were written`);
    }
  }
  const romAt = barOffset(layout, ROM_INDEX);
  const rom = config.read32(address, romAt);
  const romMask = probeDword(config, address, romAt, ROM_BAR.ADDRESS) & ROM_BAR.ADDRESS;
  if (romMask !== 0 && rom !== -1) {
    const bytes = sizeOf(romMask, 0);
    bars.push({
      index: ROM_INDEX,
      kind: 'rom',
      prefetchable: false,
      bytes,
      address: (rom & ROM_BAR.ADDRESS) >>> 0 || undefined,
    });
  }
  config.write16(address, COMMAND.at, command);
  return bars;
}

/** Writes a BAR's address (0 when it has none) into configuration space. */
export function writeBar(config: ConfigAccess, address: Bdf, layout: number, bar: Bar): void {
  const offset = barOffset(layout, bar.index);
  const where = bar.address ?? 0;
  config.write32(address, offset, where | 0);
  if (bar.kind === 'memory64') config.write32(address, offset + 4, Math.floor(where / HIGH) | 0);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** Bytes as `16K`, `128M`, `4G`, as lspci prints sizes. */
export function sizeText(bytes: number): string {
  for (const [unit, scale] of [
    ['T', 2 ** 40],
    ['G', 2 ** 30],
    ['M', 2 ** 20],
    ['K', 2 ** 10],
  ] as const) {
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return String(bytes);
}
