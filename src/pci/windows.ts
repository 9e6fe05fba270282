/** Address windows of bridges: what a bridge can forward, how a window is opened and closed (Bridge 1.2 §3.2.5). */
import { pick, put } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import type { PciFunction } from './function.js';

const { IO_BASE, IO_BASE_UPPER, IO_LIMIT, IO_LIMIT_UPPER, MEMORY_BASE, MEMORY_LIMIT, PREFETCH_BASE } = pci;
const { PREFETCH_BASE_UPPER, PREFETCH_LIMIT, PREFETCH_LIMIT_UPPER } = pci;
const HIGH = 0x1_0000_0000;

/** The three address spaces that are handed out apart. */
export type Space = 'io' | 'memory' | 'prefetch64';
/** All of them. */
export const SPACES: readonly Space[] = ['io', 'memory', 'prefetch64'];

/** Smallest piece of a bridge's window: 4 KiB of ports, 1 MiB of memory. */
export function grain(space: Space): number {
  return space === 'io' ? 0x1000 : 0x10_0000;
}

/** Which spaces a bridge forwards: I/O and 64-bit prefetchable windows are optional (Bridge 1.2 §3.2.5.6, §3.2.5.9). */
export function forwards(bridge: PciFunction): Record<Space, boolean> {
  bridge.write8(IO_BASE.at, IO_BASE.ADDRESS);
  const io = (bridge.read8(IO_BASE.at) & IO_BASE.ADDRESS) !== 0;
  bridge.write16(PREFETCH_BASE.at, PREFETCH_BASE.ADDRESS);
  const base = bridge.read16(PREFETCH_BASE.at);
  const prefetch64 = (base & PREFETCH_BASE.ADDRESS) !== 0 && pick(base, PREFETCH_BASE.WIDE) === 1;
  return { io, memory: true, prefetch64 };
}

/** Opens a window over `bytes` bytes from `base`, both multiples of {@link grain}; `bytes` 0 closes it. */
export function setWindow(bridge: PciFunction, space: Space, base: number, bytes: number): void {
  // A window whose base is above its limit forwards nothing.
  const closed = bytes === 0;
  const last = base + bytes - 1;
  if (space === 'io') {
    const low = closed ? IO_BASE.ADDRESS : put(0, IO_BASE.ADDRESS, base >>> 12);
    bridge.write8(IO_BASE.at, low);
    bridge.write8(IO_LIMIT.at, closed ? 0 : put(0, IO_LIMIT.ADDRESS, last >>> 12));
    bridge.write16(IO_BASE_UPPER.at, 0);
    bridge.write16(IO_LIMIT_UPPER.at, 0);
    return;
  }
  const from = closed ? -1 : mebibytes(base);
  const to = closed ? 0 : mebibytes(last);
  if (space === 'memory') {
    bridge.write16(MEMORY_BASE.at, put(0, MEMORY_BASE.ADDRESS, from));
    bridge.write16(MEMORY_LIMIT.at, put(0, MEMORY_LIMIT.ADDRESS, to));
    return;
  }
  // Limit to zero first, so that no wrong range is open between the four writes.
  bridge.write16(PREFETCH_LIMIT.at, 0);
  bridge.write32(PREFETCH_LIMIT_UPPER.at, 0);
  bridge.write16(PREFETCH_BASE.at, put(0, PREFETCH_BASE.ADDRESS, from));
  bridge.write32(PREFETCH_BASE_UPPER.at, closed ? 0 : Math.floor(base / HIGH));
  bridge.write32(PREFETCH_LIMIT_UPPER.at, closed ? 0 : Math.floor(last / HIGH));
  bridge.write16(PREFETCH_LIMIT.at, put(0, PREFETCH_LIMIT.ADDRESS, to));
}

/** Address bits 31 to 20. */
function mebibytes(address: number): number {
  return Math.floor((address % HIGH) / 0x10_0000);
}
