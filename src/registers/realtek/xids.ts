/**
 * How Realtek's family from RTL8169 to RTL8127 is told apart: PCI identities, and the XID that stands in TxConfig.
 * Sources: r8169 (rtl8169_get_chip_version, also the rows that later versions dropped) and FreeBSD's re (RL_HWREV_*),
 * whose revision codes are the XID's upper digits. Chips that only one vendor driver knows (RTL8125CP, RTL8168KB) are not here.
 */

/** TxConfig shifted right by this is the XID, after masking with {@link XID_MASK}. */
export const XID_SHIFT = 20;
/** The bits of TxConfig's upper 12 that belong to the XID; the others are the inter-frame gap. */
export const XID_MASK = 0xfcf;

/** A row of the table: a chip is the first row for which `(xid & mask) === value`. */
export interface Xid {
  readonly mask: number;
  readonly value: number;
  /** As Realtek and drivers call it. */
  readonly name: string;
  /** Another name when the PCI device is 8136h: the same MAC with a PHY of 100 Mb/s. */
  readonly fast?: string;
  /** Drivers dropped it: it was not sold, or is too rare to test. */
  readonly dropped?: true;
}

const x = (mask: number, value: number, name: string): Xid => ({ mask, value, name });
const dropped = (mask: number, value: number, name: string): Xid => ({ mask, value, name, dropped: true });

/** All known chips. The order matters: a narrow mask stands before the wide one that would also match. */
export const XIDS: readonly Xid[] = [
  x(0x7cf, 0x6c9, 'RTL8127A'),
  x(0x7cf, 0x64a, 'RTL8126A'),
  x(0x7cf, 0x649, 'RTL8126A'),
  x(0x7cf, 0x681, 'RTL8125BP'),
  x(0x7cf, 0x68a, 'RTL8125K'),
  x(0x7cf, 0x689, 'RTL8125D'),
  x(0x7cf, 0x688, 'RTL8125D'),
  x(0x7cf, 0x641, 'RTL8125B'),
  x(0x7cf, 0x609, 'RTL8125A'),
  dropped(0x7cf, 0x608, 'RTL8125A'),
  x(0x7cf, 0x54b, 'RTL8168FP/RTL8117'),
  x(0x7cf, 0x54a, 'RTL8168FP/RTL8117'),
  x(0x7cf, 0x502, 'RTL8168EP/8111EP'),
  dropped(0x7cf, 0x501, 'RTL8168EP/8111EP'),
  dropped(0x7cf, 0x500, 'RTL8168EP/8111EP'),
  { ...x(0x7cf, 0x541, 'RTL8168H/8111H'), fast: 'RTL8107E' },
  { ...dropped(0x7cf, 0x540, 'RTL8168H/8111H'), fast: 'RTL8107E' },
  x(0x7cf, 0x6c0, 'RTL8168M'),
  x(0x7cf, 0x5c8, 'RTL8411B'),
  { ...x(0x7cf, 0x509, 'RTL8168GU/8111GU'), fast: 'RTL8106EUS' },
  dropped(0x7cf, 0x4c1, 'RTL8168G/8111G'),
  x(0x7cf, 0x4c0, 'RTL8168G/8111G'),
  x(0x7c8, 0x488, 'RTL8411'),
  x(0x7cf, 0x481, 'RTL8168F/8111F'),
  x(0x7cf, 0x480, 'RTL8168F/8111F'),
  x(0x7c8, 0x2c8, 'RTL8168EVL/8111EVL'),
  x(0x7cf, 0x2c1, 'RTL8168E/8111E'),
  x(0x7c8, 0x2c0, 'RTL8168E/8111E'),
  x(0x7cf, 0x281, 'RTL8168D/8111D'),
  x(0x7c8, 0x280, 'RTL8168D/8111D'),
  dropped(0x7cf, 0x288, 'RTL8168DP/8111DP'),
  x(0x7cf, 0x28a, 'RTL8168DP/8111DP'),
  x(0x7cf, 0x28b, 'RTL8168DP/8111DP'),
  x(0x7cf, 0x3c9, 'RTL8168CP/8111CP'),
  x(0x7cf, 0x3c8, 'RTL8168CP/8111CP'),
  x(0x7c8, 0x3c8, 'RTL8168CP/8111CP'),
  x(0x7cf, 0x3c0, 'RTL8168C/8111C'),
  x(0x7cf, 0x3c2, 'RTL8168C/8111C'),
  x(0x7cf, 0x3c3, 'RTL8168C/8111C'),
  x(0x7c8, 0x3c0, 'RTL8168C/8111C'),
  x(0x7c8, 0x380, 'RTL8168B/8111B'),
  dropped(0x7c8, 0x300, 'RTL8168B/8111B'),
  x(0x7c8, 0x448, 'RTL8106E'),
  x(0x7c8, 0x440, 'RTL8402'),
  x(0x7cf, 0x409, 'RTL8105E'),
  x(0x7c8, 0x408, 'RTL8105E'),
  x(0x7cf, 0x349, 'RTL8102E'),
  x(0x7cf, 0x249, 'RTL8102E'),
  x(0x7cf, 0x348, 'RTL8102E'),
  x(0x7cf, 0x248, 'RTL8102E'),
  x(0x7cf, 0x240, 'RTL8401'),
  x(0x7c8, 0x348, 'RTL8102E/RTL8103E'),
  x(0x7c8, 0x248, 'RTL8102E/RTL8103E'),
  x(0x7c8, 0x340, 'RTL8101E/RTL8100E'),
  x(0xfc8, 0x980, 'RTL8169SC/8110SC'),
  x(0xfc8, 0x180, 'RTL8169SC/8110SC'),
  x(0xfc8, 0x100, 'RTL8169SB/8110SB'),
  x(0xfc8, 0x040, 'RTL8110S'),
  x(0xfc8, 0x008, 'RTL8169S'),
  dropped(0xfc8, 0x000, 'RTL8169'),
];

/** What TXCFG, which every chip of the family has at 40h, says of the chip. */
export function xidOf(txConfig: number): number {
  return (txConfig >>> XID_SHIFT) & XID_MASK;
}

/** The row of a chip, or undefined. */
export function chipOf(xid: number): Xid | undefined {
  return XIDS.find((row) => (xid & row.mask) === row.value);
}

/** A PCI function that drivers of this family claim. */
export interface RealtekPciId {
  readonly vendor: number;
  readonly device: number;
  /** Required subsystem device, when the identity alone is shared with something else. */
  readonly subsystem?: number;
  /** Short, for tables of drivers and command lines. */
  readonly slug: string;
  /** What sits behind it; the XID says which one. */
  readonly name: string;
}

/** PCI identities of the family, from r8169's table. */
export const PCI_IDS: readonly RealtekPciId[] = [
  { vendor: 0x10ec, device: 0x2502, slug: 'rtl8168-killer-e2500', name: 'RTL8168 family, Killer E2500' },
  { vendor: 0x10ec, device: 0x2600, slug: 'rtl8168-killer-e2600', name: 'RTL8168 family, Killer E2600' },
  { vendor: 0x10ec, device: 0x8129, slug: 'rtl8169-no-eeprom', name: 'RTL8169 without EEPROM' },
  { vendor: 0x10ec, device: 0x8136, slug: 'rtl810xe', name: 'RTL810xE, 100 Mb/s' },
  { vendor: 0x10ec, device: 0x8161, slug: 'rtl8168-8161', name: 'RTL8168 family' },
  { vendor: 0x10ec, device: 0x8162, slug: 'rtl8125-8162', name: 'RTL8125 family' },
  { vendor: 0x10ec, device: 0x8167, slug: 'rtl8169sc', name: 'RTL8169SC/8110SC' },
  { vendor: 0x10ec, device: 0x8168, slug: 'rtl8168', name: 'RTL8168/8111 family' },
  { vendor: 0x10ff, device: 0x8168, slug: 'rtl8168-ncube', name: 'RTL8168 of nCUBE' },
  { vendor: 0x10ec, device: 0x8169, slug: 'rtl8169', name: 'RTL8169 family' },
  { vendor: 0x1186, device: 0x4300, slug: 'rtl8169-dge528t', name: 'RTL8169 of D-Link, DGE-528T' },
  { vendor: 0x1186, device: 0x4302, slug: 'rtl8169-dge530t', name: 'RTL8169 of D-Link, DGE-530T' },
  { vendor: 0x1259, device: 0xc107, slug: 'rtl8169-allied-telesis', name: 'RTL8169 of Allied Telesis' },
  { vendor: 0x16ec, device: 0x0116, slug: 'rtl8169-usr997902', name: 'RTL8169 of US Robotics, USR997902' },
  { vendor: 0x1737, device: 0x1032, subsystem: 0x0024, slug: 'rtl8169-eg1032', name: 'RTL8169 of Linksys, EG1032 v3' },
  { vendor: 0x0001, device: 0x8168, subsystem: 0x2410, slug: 'rtl8168-no-vendor', name: 'RTL8168 without a vendor' },
  { vendor: 0x10ec, device: 0x8125, slug: 'rtl8125', name: 'RTL8125 family' },
  { vendor: 0x10ec, device: 0x8126, slug: 'rtl8126', name: 'RTL8126 family' },
  { vendor: 0x10ec, device: 0x8127, slug: 'rtl8127', name: 'RTL8127 family' },
  { vendor: 0x10ec, device: 0x3000, slug: 'rtl8125-killer-e3000', name: 'RTL8125 family, Killer E3000' },
  { vendor: 0x10ec, device: 0x5000, slug: 'rtl8126-killer-e5000', name: 'RTL8126 family, Killer E5000' },
  { vendor: 0x10ec, device: 0x0e10, slug: 'rtl8127-0e10', name: 'RTL8127 family' },
];
