/** What the oracle tests share: finding QEMU, reading its monitor. */
import { findQemu, libcMissing, type QemuProgram } from '../../src/hosts/qemu/index.js';
import { bdf } from '../../src/platform/config-access.js';
import { orSkip, piecesOrSkip } from '../support/skips.js';
import { Unavailable } from '../support/unavailable.js';

/** A range as `info pci` prints it; base above limit when it is closed. */
export interface MonitorRange {
  readonly base: number;
  readonly limit: number;
}

/** A function as `info pci` prints it. */
export interface MonitorFunction {
  readonly address: number;
  vendor: number;
  device: number;
  secondary: number;
  subordinate: number;
  windows: { io: MonitorRange; memory: MonitorRange; prefetchable: MonitorRange };
  bars: { index: number; address: number; bytes: number; prefetchable: boolean }[];
}

const NONE: MonitorRange = { base: 1, limit: 0 };

/** Reads the text of `info pci`. */
export function parseInfoPci(text: string): MonitorFunction[] {
  const all: MonitorFunction[] = [];
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*Bus\s+(\d+), device\s+(\d+), function (\d+):/.exec(line);
    if (head) {
      all.push({
        address: bdf(Number(head[1]), Number(head[2]), Number(head[3])),
        vendor: 0,
        device: 0,
        secondary: 0,
        subordinate: 0,
        windows: { io: NONE, memory: NONE, prefetchable: NONE },
        bars: [],
      });
      continue;
    }
    const now = all.at(-1);
    if (!now) continue;
    const id = /PCI device ([0-9a-f]{4}):([0-9a-f]{4})/.exec(line);
    if (id && now.vendor === 0) {
      now.vendor = Number.parseInt(id[1]!, 16);
      now.device = Number.parseInt(id[2]!, 16);
    }
    const secondary = /secondary bus (\d+)/.exec(line);
    if (secondary) now.secondary = Number(secondary[1]);
    const subordinate = /subordinate bus (\d+)/.exec(line);
    if (subordinate) now.subordinate = Number(subordinate[1]);
    const range = /(IO|memory|prefetchable memory) range \[0x([0-9a-f]+), 0x([0-9a-f]+)\]/.exec(line);
    if (range) {
      const kind = range[1] === 'IO' ? 'io' : range[1] === 'memory' ? 'memory' : 'prefetchable';
      now.windows[kind] = { base: Number.parseInt(range[2]!, 16), limit: Number.parseInt(range[3]!, 16) };
    }
    const bar = /BAR(\d): (?:I\/O|(?:32|64) bit( prefetchable)? memory) at 0x([0-9a-f]+) \[0x([0-9a-f]+)\]/.exec(line);
    if (bar && bar[1] !== '6') {
      const base = Number.parseInt(bar[3]!, 16);
      const bytes = Number.parseInt(bar[4]!, 16) - base + 1;
      now.bars.push({ index: Number(bar[1]), address: base, bytes, prefetchable: bar[2] !== undefined });
    }
  }
  return all;
}

/** The QEMU to test with: NICFORGE_QEMU or the one in PATH, else the private one; undefined (and a reason printed) without. */
export async function qemuForTests(): Promise<{ program?: QemuProgram } | undefined> {
  const koffi = libcMissing();
  if (koffi !== undefined) return orSkip(() => Promise.reject(new Unavailable('qemu', 'platform', koffi)));
  if (findQemu() !== undefined) return {};
  const pieces = await piecesOrSkip('qemu');
  return pieces && { program: pieces.qemu.program };
}
