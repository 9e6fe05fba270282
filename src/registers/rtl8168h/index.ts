/**
 * Realtek RTL8168H/8111H (XID 541h): registers of its BARs, what stands behind each indirect window, its PHY, EEPROM, descriptors and
 * tally counters. Registers that RTL8125B has too are the same objects in both namespaces.
 */
import { registerMap, word } from '../define.js';
import { eepromMap } from '../realtek/eeprom.js';
import * as common from '../realtek/mac.js';
import * as commonOcp from '../realtek/ocp.js';
import * as commonPhy from '../realtek/phy.js';
import { TALLY, TALLY_BYTES } from '../realtek/tally.js';
import { CSI_ASPM, CSIAR, CSIDR, GPHY_OCP, OCPDR, PHYAR, type Window } from '../realtek/windows.js';
import { eriMap } from './eri.js';
import * as mac from './mac.js';
import * as ocp from './ocp.js';
import * as phy from './phy.js';

export * from '../realtek/descriptors.js';
export * from '../realtek/eeprom.js';
export * from '../realtek/mac.js';
export * from '../realtek/ocp.js';
export * from '../realtek/phy.js';
export * from '../realtek/tally.js';
export * from '../realtek/windows.js';
export * from './eri.js';
export * from './mac.js';
export * from './ocp.js';
export * from './phy.js';

const { MISC_1: _misc1, ...shared } = common;
const {
  PCI_ID: _pci,
  XID: _xid,
  OCPAR: _ocpar,
  MITIGATION_UNIT: _unit,
  MITIGATION_SCALE: _scale,
  MITIGATION_FRAMES: _frames,
  ...own
} = mac;
const { PHY_ID: _phyId, ...ownPhy } = phy;
const registers = { ...shared, ...own, PHYAR, CSIDR, CSIAR, OCPDR, GPHY_OCP };

/** Memory BAR 2, 4 KiB of which 256 bytes are used; accesses of 8, 16 and 32 bits at any byte they are aligned to. */
export const bar2Map = registerMap('rtl8168h', 'BAR2', 0x1000, [8, 16, 32], registers);
/** I/O BAR 0: the same 256 bytes. */
export const ioMap = registerMap('rtl8168h', 'IO', 0x100, [8, 16, 32], registers);
/** MSI-X BAR 4, 16 KiB: four vectors at 0, the pending bits at 800h. Its words are those of PCI's MSI-X. */
export const MSIX_BAR = { bytes: 0x4000, table: 0, pending: 0x800, vectors: 4 } as const;

/** Behind OCPDR. */
export const ocpMap = registerMap('rtl8168h', 'OCP', 0x1_0000, [16], { ...commonOcp, ...ocp });
/** Behind GPHY_OCP; its registers 0 to 31 also behind PHYAR. */
export const phyMap = registerMap('rtl8168h', 'PHY', 0x1_0000, [16], { ...commonPhy, ...ownPhy });

export const EPHY_REG = word('EPHY_REG', 0, 'rw', {
  width: 16,
  doc: 'Register of the PCI Express PHY: drivers tune 01h, 04h to 06h, 1dh and 1eh; meaning not public',
  ref: 'r8169 rtl_hw_start_8168h_1 (e_info_8168h_1), DPDK hw_ephy_config_8168h: registers 00h to 3fh',
  count: 64,
  volatile: true,
});
/** Behind EPHYAR: register n at 2n. */
export const ephyMap = registerMap('rtl8168h', 'EPHY', 128, [16], { EPHY_REG });

/** Behind CSIAR: the function's configuration space, whose standard part `pci` declares. */
export const csiMap = registerMap('rtl8168h', 'CSI', 0x1000, [32], { CSI_ASPM });

/** The tally counters in memory. */
export const tallyMap = registerMap('rtl8168h', 'TALLY', TALLY_BYTES, [16, 32], TALLY);

/** The indirect windows, and the polarity of each one's flag. */
export const WINDOWS = {
  eri: { command: mac.ERIAR, data: mac.ERIDR, flag: mac.ERIAR.FLAG, writeDone: 0, readDone: 1, map: eriMap },
  phyar: { command: PHYAR, data: PHYAR, flag: PHYAR.FLAG, writeDone: 0, readDone: 1, map: phyMap },
  gphy: { command: GPHY_OCP, data: GPHY_OCP, flag: GPHY_OCP.FLAG, writeDone: 0, readDone: 1, map: phyMap },
  ocp: { command: OCPDR, data: OCPDR, flag: OCPDR.WRITE, writeDone: undefined, readDone: undefined, map: ocpMap },
  ephy: { command: mac.EPHYAR, data: mac.EPHYAR, flag: mac.EPHYAR.FLAG, writeDone: 0, readDone: 1, map: ephyMap },
  csi: { command: CSIAR, data: CSIDR, flag: CSIAR.FLAG, writeDone: 0, readDone: 1, map: csiMap },
} as const satisfies Record<string, Window>;

/** Every map of the chip; BAR 2 first. */
export const MAPS = [bar2Map, ioMap, eriMap, ocpMap, phyMap, ephyMap, csiMap, eepromMap, tallyMap] as const;
