/**
 * Stand-ins of Realtek's family: its drivers tell chips apart by a register, so each of these answers there as one chip does, and
 * nowhere else.
 */
import { type AnyReg, put, realtek, rtl8125b, rtl8168h } from '../registers/index.js';
import type { StandIn } from './stand-in.js';

const REALTEK = 0x10ec;
const GIGABIT = 0x8168;
const FAST = 0x8136;
const NEWER = 0x8125;
const BAR = { index: 2, kind: 'memory64', bytes: 0x1_0000, name: 'registers' } as const;
/** MEDIUM.TYPE of a fiber port. */
const FIBER = 0x07;

/** Every chip of the table; those with another name behind the PCI identity of 100 Mb/s a second time; and one with a fiber port. */
export function realtekStandIns(): StandIn[] {
  const chips = realtek.XIDS.map((row) => answering(GIGABIT, xidOf(row), []));
  const fast = realtek.XIDS.filter((row) => row.fast !== undefined).map((row) => answering(FAST, xidOf(row), []));
  const fiber: readonly [AnyReg, number] = [rtl8125b.OCPDR, put(0, rtl8125b.OCPDR.DATA, FIBER)];
  return [...chips, ...fast, answering(NEWER, rtl8125b.XID, [fiber])];
}

/** An XID that belongs to this row and to no row before it. */
function xidOf(row: realtek.Xid): number {
  let xid = row.value;
  while (realtek.chipOf(xid) !== row) {
    // The next value of the bits that do not matter to the row.
    xid = ((xid | row.mask) + 1) & ~row.mask & realtek.XID_MASK;
    xid |= row.value;
    if (xid === row.value) throw new RangeError(`XID ${row.value.toString(16)}: rows before it hide it`);
  }
  return xid;
}

function answering(device: number, xid: number, more: readonly (readonly [AnyReg, number])[]): StandIn {
  const answers = new Map<number, number>([
    [rtl8168h.TXCFG.at, xid << realtek.XID_SHIFT],
    ...more.map(([register, value]) => [register.at, value] as const),
  ]);
  return { vendor: REALTEK, device, bars: [BAR], reads: (at) => answers.get(at) ?? 0 };
}
