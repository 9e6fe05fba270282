/** RTL8125B: what stands behind OCPDR beside the registers of ../realtek/ocp.ts. */
import { bit, bits, type Field, reg, word } from '../define.js';

const w = { width: 16 } as const;
const START = 'r8169 rtl_hw_start_8125_common, DPDK rtl8125_hw_config';
const hidden = (hi: number, lo: number): Field => bits(hi, lo, 'rw', 'Not public', { inert: true });
/** A register of which drivers change bits without saying why. */
const opaque = (name: string, at: number, doc: string, ref = START) =>
  word(name, at, 'rw', { ...w, doc: `${doc}; meaning not public`, ref: `${ref}: register ${at.toString(16)}h` });

export const OCP_C01E = opaque(
  'OCP_C01E',
  0xc01e,
  'r8169 writes 5555h',
  'r8169 rtl_hw_init_8125, OpenBSD rge_exit_oob',
);
export const OCP_C0A6 = opaque('OCP_C0A6', 0xc0a6, 'r8169 writes 150h', 'r8169 rtl_hw_init_8125, OpenBSD rge_exit_oob');
export const OCP_C0AA = opaque('OCP_C0AA', 0xc0aa, 'r8169 writes 7d0h', 'r8169 rtl_hw_init_8125, OpenBSD rge_exit_oob');
export const FTR_MCU_CTRL = reg(
  'FTR_MCU_CTRL',
  0xc0b4,
  { ...w, doc: 'Features of the processor', ref: `${START}: register c0b4h` },
  {
    BIT0: bit(0, 'rw', 'The vendor driver clears and sets it', { inert: true }),
    BIT1: hidden(1, 1),
    TXPLA_VALID: bits(3, 2, 'rw', 'Drivers set both', { inert: true }),
    HIGH: hidden(15, 4),
  },
);
export const WAKE_MAGIC = reg(
  'WAKE_MAGIC',
  0xc0b6,
  { ...w, doc: 'Wake-up on a magic packet', ref: 'r8169 __rtl8169_set_wol, DPDK rtl8125_hw_config: register c0b6h' },
  { EN: bit(0, 'rw', 'On'), HIGH: hidden(15, 1) },
);
export const REALWOW = opaque('REALWOW', 0xc0bc, 'OpenBSD writes ffh to turn RealWoW off', 'OpenBSD rge_exit_oob');
export const MEDIUM = reg(
  'MEDIUM',
  0xd006,
  { ...w, doc: 'Fibre or copper', ref: 'r8169 rtl_init_one: register d006h', volatile: true },
  { TYPE: bits(7, 0, 'ro', '07h is fibre, which drivers decline'), HIGH: bits(15, 8, 'ro', 'Not public') },
);
export const OCP_D3E2 = opaque(
  'OCP_D3E2',
  0xd3e2,
  'r8169 writes 3a9h to bits 11 to 0',
  'r8169 rtl_hw_start_8125_common, OpenBSD rge_init',
);
export const OCP_D3E4 = opaque(
  'OCP_D3E4',
  0xd3e4,
  'r8169 clears bits 7 to 0',
  'r8169 rtl_hw_start_8125_common, OpenBSD rge_init',
);
export const UPS = reg(
  'UPS',
  0xd40a,
  {
    ...w,
    doc: 'Power saving of the PHY (UPS)',
    ref: 'r8169 rtl_hw_start_8125_common, OpenBSD rge_hw_init: register d40ah',
  },
  { LOW: hidden(3, 0), EN: bit(4, 'rw', 'Drivers clear it', { inert: true }), HIGH: hidden(15, 5) },
);
export const OCP_D408 = opaque(
  'OCP_D408',
  0xd408,
  'OpenBSD clears bit 8 after OCP_D42C said so',
  'OpenBSD rge_exit_oob',
);
export const OCP_D42C = reg(
  'OCP_D42C',
  0xd42c,
  { ...w, doc: 'State of power saving', ref: 'OpenBSD rge_exit_oob: register d42ch' },
  { RESUMED: bit(8, 'ro', '1: the PHY came out of UPS, OpenBSD then waits for PHY_STATE 2') },
);
export const OCP_D430 = opaque('OCP_D430', 0xd430, 'r8169 writes 47fh, DPDK 45fh to bits 11 to 0');
export const MCU_PME = reg(
  'MCU_PME',
  0xe00a,
  {
    ...w,
    doc: 'What wakes the processor',
    ref: 'DPDK rtl_dev_stop and rtl_dev_set_link_down (mcu_pme_setting): register e00ah',
    volatile: true,
  },
  {
    LOW: hidden(10, 0),
    BIT11: bit(11, 'rw', 'DPDK clears it while the link is off', { inert: true }),
    MIDDLE: hidden(13, 12),
    BIT14: bit(14, 'rw', 'DPDK clears it while the link is off', { inert: true }),
    HIGH: hidden(15, 15),
  },
);
export const OCP_E00E = reg(
  'OCP_E00E',
  0xe00e,
  { ...w, doc: 'State of the processor', ref: 'r8169 rtl_mac_ocp_e00e_cond, OpenBSD rge_init: register e00eh' },
  { BUSY: bit(13, 'ro', 'Drivers wait 10 ms for 0') },
);
export const EEE_CR = reg(
  'EEE_CR',
  0xe040,
  {
    ...w,
    doc: 'Energy efficient Ethernet of the MAC',
    ref: 'r8169 rtl8125b_config_eee_mac, DPDK rtl8125_hw_config (EEE_CR): register e040h',
  },
  {
    ENABLE: bits(1, 0, 'rw', 'Both set: low power idle is sent and understood'),
    LOW: hidden(11, 2),
    BIT12: bit(12, 'rw', 'Drivers clear it; meaning not public', { inert: true }),
    HIGH: hidden(15, 13),
  },
);
export const EEE_PLUS = reg(
  'EEE_PLUS',
  0xe080,
  { ...w, doc: 'Another way of saving power', ref: 'DPDK rtl8125_disable_eee_plus: register e080h' },
  { BIT0: hidden(0, 0), EN: bit(1, 'rw', 'Drivers clear it', { inert: true }), HIGH: hidden(15, 2) },
);
export const MAC_PWRDWN_CR0 = opaque('MAC_PWRDWN_CR0', 0xe0c0, 'r8169 writes 4403h to bits of 4f0fh, DPDK 4000h');
export const WAKE_LINK = reg(
  'WAKE_LINK',
  0xe0c6,
  { ...w, doc: 'Wake-up when the link comes, beside CONFIG3.LINK_UP', ref: 'r8169 __rtl8169_set_wol: register e0c6h' },
  { EVENTS: bits(5, 0, 'rw', '13h to wake, 0 not to'), HIGH: hidden(15, 6) },
);
export const OCP_E614 = opaque(
  'OCP_E614',
  0xe614,
  'r8169 writes 2 to bits 10 to 8',
  'r8169 rtl_hw_start_8125_common, OpenBSD rge_init',
);
export const OCP_E63E = opaque(
  'OCP_E63E',
  0xe63e,
  'r8169 clears, DPDK writes 2 to bits 5 and 4; r8125 (rtl8125_set_tx_q_num) puts the logarithm of the number of transmit queues into bits 11 and 10',
);
export const OCP_E84C = opaque('OCP_E84C', 0xe84c, 'OpenBSD sets bits 7 and 6', 'OpenBSD rge_init');
export const OCP_E860 = opaque(
  'OCP_E860',
  0xe860,
  'r8169 sets bit 7',
  'r8169 rtl_hw_start_8125_common, OpenBSD rge_init',
);
export const OCP_EA1C = opaque('OCP_EA1C', 0xea1c, 'Drivers write 1 to bits 1 and 0 and clear bit 2');
export const TALLY_CTRL = reg(
  'TALLY_CTRL',
  0xea84,
  { ...w, doc: 'How much DTCCR dumps', ref: 'r8169 rtl_hw_start_8125: register ea84h' },
  { EXTENDED: bits(1, 0, 'rw', 'Both set: 192 bytes instead of 64'), HIGH: hidden(15, 2) },
);
export const OCP_EB50 = opaque('OCP_EB50', 0xeb50, 'Drivers write 2 to bits 9 to 5');
export const TCAM_CLEAR = reg(
  'TCAM_CLEAR',
  0xeb54,
  { ...w, doc: 'Entries of the TCAM', ref: `${START}: register eb54h` },
  { CLEAR: bit(0, 'rw', 'Set for a microsecond: all go', { inert: true }), HIGH: hidden(15, 1) },
);
export const TX_FORMAT = reg(
  'TX_FORMAT',
  0xeb58,
  { ...w, doc: 'Form of transmit descriptors', ref: `${START}, OpenBSD rge_init: register eb58h` },
  { NEW: bit(0, 'rw', '1: 32 bytes each (OpenBSD); 0: 16 bytes (Linux, DPDK)'), HIGH: hidden(15, 1) },
);
export const EEE_CR2 = reg(
  'EEE_CR2',
  0xeb62,
  { ...w, doc: 'EEE of RTL8125A', ref: 'r8169 rtl8125a_config_eee_mac, OpenBSD rge_phy_config: register eb62h' },
  { BIT0: hidden(0, 0), ENABLE: bits(2, 1, 'rw', 'OpenBSD clears both', { inert: true }), HIGH: hidden(15, 3) },
);
export const OCP_EB6A = opaque('OCP_EB6A', 0xeb6a, 'Drivers write 33h to bits 7 to 0');
export const MCU_BREAK = word('MCU_BREAK', 0xfc28, 'rw', {
  ...w,
  doc: "Addresses at which the MAC's processor goes to the patch program",
  ref: 'OpenBSD rge_hw_init, DPDK rtl_hw_disable_mac_mcu_bps: registers fc28h to fc46h',
  count: 16,
});
export const MCU_BREAK_EN = word('MCU_BREAK_EN', 0xfc48, 'rw', {
  ...w,
  doc: 'Which of MCU_BREAK are on',
  ref: 'DPDK rtl_hw_disable_mac_mcu_bps: register fc48h',
});
