/** Address windows of bridges: what a bridge can forward, how a window is opened and closed (Bridge 1.2 §3.2.5). */
import { pick, put } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import type { PciFunction } from './function.js';
import type { AddressWindow } from './host.js';

const { IO_BASE, IO_BASE_UPPER, IO_LIMIT, IO_LIMIT_UPPER, MEMORY_BASE, MEMORY_LIMIT, PREFETCH_BASE } = pci;
const { CAP, PCIE_CAP, PREFETCH_BASE_UPPER, PREFETCH_LIMIT, PREFETCH_LIMIT_UPPER } = pci;
const HIGH = 0x1_0000_0000;
/** Port types below which there is exactly one device (PCIe 4.0 §7.3.1). */
const ROOT_PORT = 4;
const DOWNSTREAM_PORT = 6;

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

/** The window that is open now; 0 bytes when it is closed. */
export function windowOf(bridge: PciFunction, space: Space): AddressWindow {
  if (space === 'io') {
    const upper = (at: number): number => bridge.read16(at) * 0x1_0000;
    const base = pick(bridge.read8(IO_BASE.at), IO_BASE.ADDRESS) * 0x1000 + upper(IO_BASE_UPPER.at);
    return range(base, pick(bridge.read8(IO_LIMIT.at), IO_LIMIT.ADDRESS) * 0x1000 + upper(IO_LIMIT_UPPER.at), space);
  }
  if (space === 'memory') {
    const base = pick(bridge.read16(MEMORY_BASE.at), MEMORY_BASE.ADDRESS) * 0x10_0000;
    return range(base, pick(bridge.read16(MEMORY_LIMIT.at), MEMORY_LIMIT.ADDRESS) * 0x10_0000, space);
  }
  const upper = (at: number): number => (bridge.read32(at) >>> 0) * HIGH;
  const base = pick(bridge.read16(PREFETCH_BASE.at), PREFETCH_BASE.ADDRESS) * 0x10_0000 + upper(PREFETCH_BASE_UPPER.at);
  const last = pick(bridge.read16(PREFETCH_LIMIT.at), PREFETCH_LIMIT.ADDRESS) * 0x10_0000;
  return range(base, last + upper(PREFETCH_LIMIT_UPPER.at), space);
}

/** @param last where the last piece begins */
function range(base: number, last: number, space: Space): AddressWindow {
  return base > last ? { base: 0, bytes: 0 } : { base, bytes: last + grain(space) - base };
}

/** A port of PCI Express with exactly one device below. */
export function isPort(bridge: PciFunction): boolean {
  const at = bridge.capability(CAP.PCIE)?.at;
  if (at === undefined) return false;
  const type = pick(bridge.read16(at + PCIE_CAP.at), PCIE_CAP.TYPE);
  return type === ROOT_PORT || type === DOWNSTREAM_PORT;
}
