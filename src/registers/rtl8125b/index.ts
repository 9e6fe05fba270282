/**
 * Realtek RTL8125B (XID 641h): registers of its BARs, what stands behind each indirect window, its PHY, EEPROM, descriptors and
 * tally counters. Registers that RTL8168H has too are the same objects in both namespaces. It has no ERI window: what RTL8168H keeps
 * there is in MAC OCP (magic packet, EEE) or a register of its own (the board's address).
 */
import { registerMap, word } from '../define.js';
import { eepromMap } from '../realtek/eeprom.js';
import * as common from '../realtek/mac.js';
import * as commonOcp from '../realtek/ocp.js';
import * as commonPhy from '../realtek/phy.js';
import { TALLY, TALLY_BYTES } from '../realtek/tally.js';
import { CSI_ASPM, CSIAR, CSIDR, GPHY_OCP, OCPDR, PHYAR, type Window } from '../realtek/windows.js';
import * as mac from './mac.js';
import * as ocp from './ocp.js';
import * as phy from './phy.js';
import * as queues from './queues.js';
import { TALLY_EXTENDED, TALLY_EXTENDED_BYTES } from './tally.js';

export * from '../realtek/descriptors.js';
export * from '../realtek/eeprom.js';
export * from '../realtek/mac.js';
export * from '../realtek/ocp.js';
export * from '../realtek/phy.js';
export * from '../realtek/tally.js';
export * from '../realtek/windows.js';
export * from './descriptors.js';
export * from './mac.js';
export * from './ocp.js';
export * from './phy.js';
export * from './queues.js';
export * from './tally.js';

const { MISC_1: _misc1, ...shared } = common;
const { PCI_ID: _pci, XID: _xid, ...own } = mac;
const { RX_QUEUES: _rx, TX_QUEUES: _tx, TX_DESCRIPTOR_NEW_BYTES: _bytes, INT_MITI_UNIT: _unit, ...rest } = queues;
const { INT_MITI_STEP: _step, ...upper } = rest;
const { PHY_ID: _phyId, ...ownPhy } = phy;
const lower = { ...shared, ...own, PHYAR, CSIDR, CSIAR, OCPDR, GPHY_OCP };

/** Memory BAR 2, 64 KiB; accesses of 8, 16 and 32 bits at any byte they are aligned to. */
export const bar2Map = registerMap('rtl8125b', 'BAR2', 0x1_0000, [8, 16, 32], { ...lower, ...upper });
/** I/O BAR 0: the first 256 bytes. */
export const ioMap = registerMap('rtl8125b', 'IO', 0x100, [8, 16, 32], lower);
/** MSI-X BAR 4, 16 KiB: 32 vectors at 0, the pending bits at 800h. Its words are those of PCI's MSI-X. */
export const MSIX_BAR = { bytes: 0x4000, table: 0, pending: 0x800, vectors: 32 } as const;

/** Behind OCPDR. */
export const ocpMap = registerMap('rtl8125b', 'OCP', 0x1_0000, [16], { ...commonOcp, ...ocp });
/** Behind GPHY_OCP; its registers 0 to 31 also behind PHYAR. */
export const phyMap = registerMap('rtl8125b', 'PHY', 0x1_0000, [16], { ...commonPhy, ...ownPhy });

export const EPHY_REG = word('EPHY_REG', 0, 'rw', {
  width: 16,
  doc: 'Register of the PCI Express PHY, from 40h on those of its second generation; drivers tune some; meaning not public',
  ref: 'r8169 rtl_hw_start_8125b (e_info_8125b), DPDK hw_ephy_config_8125b: registers 00h to 7fh',
  count: 128,
  volatile: true,
});
/** Behind EPHYAR: register n at 2n. */
export const ephyMap = registerMap('rtl8125b', 'EPHY', 256, [16], { EPHY_REG });

/** Behind CSIAR: the function's configuration space, whose standard part `pci` declares. */
export const csiMap = registerMap('rtl8125b', 'CSI', 0x1000, [32], { CSI_ASPM });

/** The tally counters in memory, without TALLY_CTRL.EXTENDED. */
export const tallyMap = registerMap('rtl8125b', 'TALLY', TALLY_BYTES, [16, 32], TALLY);
/** The tally counters in memory, with TALLY_CTRL.EXTENDED. */
export const tallyExtendedMap = registerMap('rtl8125b', 'TALLY extended', TALLY_EXTENDED_BYTES, [16, 32], {
  ...TALLY,
  ...TALLY_EXTENDED,
});

/** The indirect windows, and the polarity of each one's flag. */
export const WINDOWS = {
  phyar: { command: PHYAR, data: PHYAR, flag: PHYAR.FLAG, writeDone: 0, readDone: 1, map: phyMap },
  gphy: { command: GPHY_OCP, data: GPHY_OCP, flag: GPHY_OCP.FLAG, writeDone: 0, readDone: 1, map: phyMap },
  ocp: { command: OCPDR, data: OCPDR, flag: OCPDR.WRITE, writeDone: undefined, readDone: undefined, map: ocpMap },
  ephy: { command: mac.EPHYAR, data: mac.EPHYAR, flag: mac.EPHYAR.FLAG, writeDone: 0, readDone: 1, map: ephyMap },
  csi: { command: CSIAR, data: CSIDR, flag: CSIAR.FLAG, writeDone: 0, readDone: 1, map: csiMap },
} as const satisfies Record<string, Window>;

/** Every map of the chip; BAR 2 first. */
export const MAPS = [bar2Map, ioMap, ocpMap, phyMap, ephyMap, csiMap, eepromMap, tallyMap, tallyExtendedMap] as const;
