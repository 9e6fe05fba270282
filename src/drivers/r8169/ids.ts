/** The family from RTL8169 to RTL8127: PCI identities, which chip is behind one, and which of them this driver drives. */
import type { DriverId } from '../../pci/probe.js';
import { PCI_IDS, XIDS, type Xid } from '../../registers/realtek/xids.js';
import type { Rtl } from './chip.js';
import { RTL8125B } from './rtl8125b.js';
import { RTL8168H } from './rtl8168h.js';

/** Chips that this driver drives. */
export const DRIVEN: readonly Rtl[] = [RTL8168H, RTL8125B];

/** The same MAC with a PHY of 100 Mb/s has this device ID; it is another chip by name. */
export const FAST_ETHERNET = 0x8136;

/** By PCI identity. The identity says little: a register says which chip it is. */
export const R8169_IDS: readonly DriverId[] = PCI_IDS.map(({ vendor, device, subsystem, slug }) => ({
  vendor,
  device,
  ...(subsystem === undefined ? {} : { subsystem }),
  name: slug,
  quirks: [],
}));

/** Low digit of an XID of which three bits do not matter. */
const STEPS = 7;

/** Why a chip is declined: its XID, or the first of the eight that its row stands for, and its name. */
export function notDriven({ mask, value }: Xid, name: string): string {
  const digits = value.toString(16).padStart(3, '0');
  const last = (mask & STEPS) === STEPS ? '' : ` to ${(value | STEPS).toString(16).padStart(3, '0')}`;
  return `XID ${digits}${last} is ${name}: known, not driven`;
}

/** Every chip that is declined. */
export const CHIP_DECLINES: readonly string[] = XIDS.flatMap((row) => {
  const driven = DRIVEN.some(({ xid }) => (xid & row.mask) === row.value);
  const names = [...(driven ? [] : [row.name]), ...(row.fast === undefined ? [] : [row.fast])];
  return names.map((name) => notDriven(row, name));
});
