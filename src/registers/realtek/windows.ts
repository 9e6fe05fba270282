/**
 * The indirect windows that both chips have. A command goes to an address register, whose bit 31 tells when it is done.
 * Polarity: writing 1 to the flag asks for a write, and the flag reads 0 when it is done; writing 0 asks for a read, and the
 * flag reads 1 when the data is there. MAC OCP has no flag to wait for. A wrong polarity costs drivers their whole time-out.
 */
import { type AnyReg, bit, bits, type RegisterMap, reg, word } from '../define.js';

/** An indirect window. */
export interface Window {
  /** Takes the command. */
  readonly command: AnyReg;
  /** Holds the data; the command register itself when it has a DATA field. */
  readonly data: AnyReg;
  /** Mask of the flag in the command register. */
  readonly flag: number;
  /** What the flag reads when a write is done; undefined when software may not wait for it. */
  readonly writeDone: 0 | 1 | undefined;
  /** What the flag reads when the data of a read is there; undefined when it is there at the next read. */
  readonly readDone: 0 | 1 | undefined;
  /** What stands behind the window. */
  readonly map: RegisterMap;
}

export const PHYAR = reg(
  'PHYAR',
  0x60,
  {
    doc: 'Clause 22 registers of the internal PHY: the same registers as behind GPHY_OCP at a400h. After a command 20 us of rest',
    ref: 'RTL8169 specification, register 60h, PHYAR; r8169 r8169_mdio_read, iPXE realtek_mii_read',
  },
  {
    DATA: bits(15, 0, 'rw', 'Data'),
    REG: bits(20, 16, 'rw', 'Register'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
export const CSIDR = word('CSIDR', 0x64, 'rw', {
  doc: 'Data of CSIAR',
  ref: 'r8169 rtl_csi_read, DPDK rtl_csi_other_fun_read: register CSIDR',
});
export const CSIAR = reg(
  'CSIAR',
  0x68,
  {
    doc: "The function's own configuration space, for hosts that reach only 256 bytes of it",
    ref: 'r8169 rtl_csi_read, DPDK rtl_csi_other_fun_read: register CSIAR',
  },
  {
    ADDR: bits(11, 0, 'rw', 'Offset, a multiple of 4'),
    BYTE_EN: bits(15, 12, 'rw', 'Byte enables'),
    FUNC: bits(18, 16, 'rw', 'Function; OpenBSD rge writes 1 whatever its number, Linux and DPDK 0'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
export const OCPDR = reg(
  'OCPDR',
  0xb0,
  {
    doc: 'MAC OCP; data of OCPAR on RTL8168DP. No flag: a write is done at once, the next read has the data',
    ref: 'r8169 __r8168_mac_ocp_read, DPDK rtl_mac_ocp_read: register OCPDR',
  },
  {
    DATA: bits(15, 0, 'rw', 'Data'),
    REG: bits(30, 16, 'rw', 'OCP address divided by 2'),
    WRITE: bit(31, 'rw', '1 writes, 0 reads; nothing to wait for'),
  },
);
export const GPHY_OCP = reg(
  'GPHY_OCP',
  0xb8,
  {
    doc: 'OCP of the internal PHY: clause 22 register n is at a400h + 2n, register r of page p at 16p + 2(r - 16)',
    ref: 'r8169 r8168_phy_ocp_read, DPDK rtl_mdio_real_direct_read_phy_ocp: register GPHY_OCP',
  },
  {
    DATA: bits(15, 0, 'rw', 'Data'),
    REG: bits(30, 16, 'rw', 'OCP address divided by 2'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
/** Byte offset of clause 22 register 0 behind {@link GPHY_OCP}. */
export const PHY_BASE = 0xa400;
export const CSI_ASPM = word('CSI_ASPM', 0x70c, 'rw', {
  doc: 'Byte 70fh: time until L0s (bits 2 to 0, 7 us at most) and L1 (bits 5 to 3, 64 us at most), 1 us shifted left by each',
  ref: 'r8169 rtl_set_aspm_entry_latency, OpenBSD rge_init: register 70ch of configuration space',
  volatile: true,
});
