/**
 * The internal PHY as GPHY_OCP sees it: clause 22 registers 0 to 15 at a400h, 16 to 23 at a420h (page a42h), 24 to 31 at a430h
 * (page a43h), and what drivers touch on other pages. Names up to register 31 are those of RTL8211F, which shares the core and
 * has a public datasheet; for the rest the two drivers that agree are named. An address that is not declared is plain storage.
 */
import { bit, bits, reg, word } from '../define.js';
import * as mii from '../mii.js';
import { placed } from './place.js';
import { PHY_BASE } from './windows.js';

const w = { width: 16 } as const;
const std = (n: number): number => PHY_BASE + 2 * n;
const F = (n: number, name: string): string => `RTL8211F datasheet, register ${n} (${name})`;

export const BMCR = placed(mii.BMCR, std(0));
export const BMSR = placed(mii.BMSR, std(1));
/** Register 2: 001Ch, Realtek. PHYSID2 differs by chip. */
export const PHYSID1 = placed(mii.PHYSID1, std(2), { reset: 0x001c, volatile: false });
export const ADVERTISE = placed(mii.ADVERTISE, std(4));
export const LPA = placed(mii.LPA, std(5));
export const EXPANSION = placed(mii.EXPANSION, std(6));
export const NPTX = placed(mii.NPTX, std(7));
/** Register 9: 1000BASE-T in full duplex only. */
export const CTRL1000 = placed(mii.CTRL1000, std(9), { reset: 0x0200, ref: F(9, 'GBCR') });
export const STAT1000 = placed(mii.STAT1000, std(10));
/** Register 15: without it drivers never offer 1000BASE-T. */
export const ESTATUS = placed(mii.ESTATUS, std(15), { reset: 0x2000, ref: F(15, 'GBESR') });

export const MMD_CTRL = reg(
  'MMD_CTRL',
  std(13),
  { ...w, doc: 'Access to MDIO manageable devices: stored, no device answers', ref: '802.3 §22.2.4.3.11' },
  {
    DEVAD: bits(4, 0, 'rw', 'Device', { inert: true }),
    FUNCTION: bits(15, 14, 'rw', 'Address or data', { inert: true }),
  },
);
export const MMD_DATA = word('MMD_DATA', std(14), 'wo', {
  ...w,
  doc: 'Address or data of MMD_CTRL. Reads 0 whatever was written: by that Linux knows the internal PHY from an external one',
  ref: '802.3 §22.2.4.3.12; Linux rtlgen_supports_mmd',
});
export const PHY_STATE = reg(
  'PHY_STATE',
  std(16),
  {
    ...w,
    doc: 'What the PHY is doing',
    ref: 'OpenBSD rge_set_phy_power, DPDK rtl_wait_phy_ups_resume; values as Linux r8152 PHY_STAT_*: register a420h',
    reset: 3,
  },
  {
    STATE: bits(2, 0, 'ro', 'State; drivers wait for 3 after power-up', {
      values: { 2: 'starting', 3: 'on', 5: 'powered down' },
    }),
  },
);
export const INER = reg(
  'INER',
  std(18),
  { ...w, doc: 'Interrupt enable; inside a NIC the MAC reports the link', ref: F(18, 'INER') },
  {
    LOW: bits(2, 0, 'rw', 'Causes', { inert: true }),
    BIT3: bit(3, 'rw', 'DPDK rtl_hw_phy_config_8125b_2 sets it; meaning not public', { inert: true }),
    LINK: bit(4, 'rw', 'Link changed', { inert: true }),
    MIDDLE: bits(6, 5, 'rw', 'Causes', { inert: true }),
    PME: bit(7, 'rw', 'Wake-up event', { inert: true }),
    HIGH: bits(15, 8, 'rw', 'Causes', { inert: true }),
  },
);
export const EEE_TUNE = reg(
  'EEE_TUNE',
  std(20),
  {
    ...w,
    doc: 'EEE of the PHY, and gigabit over two pairs',
    ref: 'r8169 rtl8125_common_config_eee_phy and rtl8168h_config_eee_phy: page a42h register 20',
  },
  {
    LOW: bits(6, 0, 'rw', 'Not public', { inert: true }),
    BIT7: bit(7, 'rw', 'RTL8125 clears it; meaning not public', { inert: true }),
    BIT8: bit(8, 'rw', 'Not public', { inert: true }),
    GIGA_LITE: bit(9, 'rw', '1000 Mb/s over two pairs; OpenBSD rge_ifmedia_upd clears it', { inert: true }),
    HIGH: bits(15, 10, 'rw', 'Not public', { inert: true }),
  },
);
export const RTUNE = reg(
  'RTUNE',
  std(22),
  {
    ...w,
    doc: 'Tuning of the analogue part',
    ref: 'r8169 rtl8168h_2_hw_phy_config, DPDK hw_phy_config_8168h_2: page a42h register 22',
  },
  {
    BIT0: bit(0, 'rw', 'Not public', { inert: true }),
    ENABLE: bit(1, 'rw', 'Tune the resistors', { inert: true }),
    HIGH: bits(15, 2, 'rw', 'Not public', { inert: true }),
  },
);
export const PHYCR1 = reg(
  'PHYCR1',
  std(24),
  { ...w, doc: 'PHY specific control 1', ref: `${F(24, 'PHYCR1')}; r8169 rtl8168g_disable_aldps` },
  {
    BIT0: bit(0, 'rw', 'DPDK hw_phy_config_8168h_2 sets it; meaning not public', { inert: true }),
    ALDPS_PLL_OFF: bit(1, 'rw', 'PLL off while asleep', { inert: true }),
    ALDPS: bit(2, 'rw', 'Sleep while the link is down', { inert: true }),
    MIDDLE: bits(11, 3, 'rw', 'Options', { inert: true }),
    ALDPS_XTAL_OFF: bit(12, 'rw', 'Crystal off while asleep', { inert: true }),
    HIGH: bits(15, 13, 'rw', 'Options', { inert: true }),
  },
);
export const PHYCR2 = reg(
  'PHYCR2',
  std(25),
  {
    ...w,
    doc: 'PHY specific control 2',
    ref: `${F(25, 'PHYCR2')}; r8169 rtl8168g_config_eee_phy`,
    reset: 0x0010,
    volatile: true,
  },
  {
    LOW: bits(3, 0, 'rw', 'Options', { inert: true }),
    EEE_ENABLE: bit(4, 'rw', 'Energy efficient Ethernet in a NIC'),
    EEE_PHY: bit(5, 'rw', 'Energy efficient Ethernet by the PHY alone, on RTL8211F', { inert: true }),
    BIT6: bit(6, 'rw', 'DPDK rtl_hw_phy_config_8125b_1 clears it; meaning not public', { inert: true }),
    HIGH: bits(15, 7, 'rw', 'Options', { inert: true }),
  },
);
export const PHYSR = reg(
  'PHYSR',
  std(26),
  {
    ...w,
    doc: 'PHY specific status: what was negotiated',
    ref: `${F(26, 'PHYSR')}; Linux rtlgen_decode_physr for bits 9 to 11`,
  },
  {
    JABBER: bit(0, 'ro', 'Jabber'),
    MDI: bit(1, 'ro', 'Pairs are not crossed'),
    LINK: bit(2, 'ro', 'Link, not latched'),
    DUPLEX: bit(3, 'ro', 'Full duplex'),
    SPEED: bits(5, 4, 'ro', 'Speed, low bits; SPEED_HI 0', { values: { 0: '10', 1: '100', 2: '1000' } }),
    SPEED_HI: bits(10, 9, 'ro', 'Speed, high bits: with SPEED 1, 1 is 2500; 0 up to 1000'),
    MASTER: bit(11, 'ro', 'We are master'),
  },
);
export const PARAM_ADDR = word('PARAM_ADDR', std(27), 'rw', {
  ...w,
  doc: 'Which parameter PARAM_DATA reaches',
  ref: 'r8169 r8168g_phy_param, DPDK hw_phy_config_8168h: register a436h',
});
export const PARAM_DATA = word('PARAM_DATA', std(28), 'rw', {
  ...w,
  doc: 'The parameter at PARAM_ADDR; several writes in a row go to the parameters that follow',
  ref: 'r8169 r8168g_phy_param and rtl8125a_2_hw_phy_config, DPDK hw_phy_config_8168h: register a438h',
});
export const INSR = word('INSR', std(29), 'rc', { ...w, doc: 'Interrupt status', ref: F(29, 'INSR') });
export const PAGSR = reg(
  'PAGSR',
  std(31),
  { ...w, doc: 'Page, for PHYAR; r8169 does the paging of GPHY_OCP itself', ref: F(31, 'PAGSR') },
  { PAGE: bits(11, 0, 'rw', 'Page; 0 and a42h are registers 0 to 31 as declared') },
);
export const PHY_A442 = reg(
  'PHY_A442',
  0xa442,
  {
    ...w,
    doc: 'Speeds and power saving',
    ref: 'r8169 rtl8168g_enable_gphy_10m, DPDK hw_phy_config_8168h: page a44h register 17',
    reset: 0x000c,
    volatile: true,
  },
  {
    LOW: bits(1, 0, 'rw', 'Not public', { inert: true }),
    SPEED_DOWN: bits(3, 2, 'rw', 'Lower the speed when a higher one fails', { inert: true }),
    MIDDLE: bits(6, 4, 'rw', 'Not public', { inert: true }),
    PFM: bit(7, 'rw', 'PFM mode (PPSW in DPDK)', { inert: true }),
    NEXT: bits(10, 8, 'rw', 'Not public', { inert: true }),
    GPHY_10M: bit(11, 'rw', '10 Mb/s by the gigabit part', { inert: true }),
    HIGH: bits(15, 12, 'rw', 'Not public', { inert: true }),
  },
);
export const PHY_PAIRS = reg(
  'PHY_PAIRS',
  0xa444,
  {
    ...w,
    doc: 'How the pairs are wired, as PHYSR.MDI',
    ref: 'r8125 rtl8125_get_mdi_status: register a444h',
    reset: 0x0002,
  },
  {
    LOW: bit(0, 'ro', 'Not public'),
    MDI: bit(1, 'ro', 'Pairs are not crossed'),
    HIGH: bits(15, 2, 'ro', 'Not public'),
  },
);
export const PHY_A4A2 = word('PHY_A4A2', 0xa4a2, 'rw', {
  ...w,
  doc: 'EEE; r8169 changes bit 9 (EEE plus); meaning not public',
  ref: 'r8169 rtl8125_common_config_eee_phy and rtl8168h_config_eee_phy: page a4ah register 17',
});
export const EEE_ABLE = reg(
  'EEE_ABLE',
  0xa5c4,
  { ...w, doc: 'EEE ability: MMD 3.20', ref: '802.3 §45.2.3.10; Linux RTL_MDIO_PCS_EEE_ABLE', reset: 0x0006 },
  { TX100: bit(1, 'ro', 'At 100BASE-TX'), T1000: bit(2, 'ro', 'At 1000BASE-T') },
);
export const EEE_ADV = reg(
  'EEE_ADV',
  0xa5d0,
  { ...w, doc: 'EEE advertisement: MMD 7.60', ref: '802.3 §45.2.7.13; Linux RTL_MDIO_AN_EEE_ADV', reset: 0x0006 },
  { TX100: bit(1, 'rw', 'At 100BASE-TX'), T1000: bit(2, 'rw', 'At 1000BASE-T') },
);
export const EEE_LPABLE = reg(
  'EEE_LPABLE',
  0xa5d2,
  { ...w, doc: "Partner's EEE advertisement: MMD 7.61", ref: '802.3 §45.2.7.14; Linux RTL_MDIO_AN_EEE_LPABLE' },
  { TX100: bit(1, 'ro', 'At 100BASE-TX'), T1000: bit(2, 'ro', 'At 1000BASE-T') },
);
export const PATCH_READY = reg(
  'PATCH_READY',
  0xb800,
  {
    ...w,
    doc: "Answer of the PHY's processor to PATCH_REQUEST",
    ref: 'OpenBSD rge_patch_phy_mcu, DPDK rtl_set_phy_mcu_patch_request: register b800h',
  },
  {
    READY: bit(
      6,
      'ro',
      'DPDK waits for 1 after the request and for 0 after its end, OpenBSD for 1 after both; what the chip does then is not public',
    ),
  },
);
export const PATCH_REQUEST = reg(
  'PATCH_REQUEST',
  0xb820,
  {
    ...w,
    doc: "Stops the PHY's processor so that its memory may be written",
    ref: 'OpenBSD rge_patch_phy_mcu, DPDK rtl_set_phy_mcu_patch_request: register b820h',
  },
  {
    LOW: bits(3, 0, 'rw', 'Not public', { inert: true }),
    REQUEST: bit(4, 'rw', 'Stop'),
    HIGH: bits(15, 5, 'rw', 'Not public', { inert: true }),
  },
);
export const PHY_PWRSAVE = word('PHY_PWRSAVE', 0xc416, 'rw', {
  ...w,
  doc: 'Power saving: off when it reads 500h, which drivers write',
  ref: 'r8168 rtl8168_disable_ocp_phy_power_saving, OpenBSD rge_disable_phy_ocp_pwrsave: register c416h',
  volatile: true,
});
