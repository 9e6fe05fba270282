/** RTL8125B: registers of its PHY beside those of ../realtek/phy.ts. Linux binds "Realtek Internal NBASE-T PHY" to it. */
import { bit, bits, reg, word } from '../define.js';
import * as mii from '../mii.js';
import { placed } from '../realtek/place.js';
import { PHY_BASE } from '../realtek/windows.js';

const w = { width: 16 } as const;
const tuned = (name: string, at: number, doc: string) =>
  word(name, at, 'rw', {
    ...w,
    doc: `${doc}; meaning not public`,
    ref: `r8169 rtl8125b_hw_phy_config, DPDK rtl_hw_phy_config_8125b_2: register ${at.toString(16)}h`,
  });

/** PHYSID1 and PHYSID2. */
export const PHY_ID = 0x001c_c840;
/** Register 3. */
export const PHYSID2 = placed(mii.PHYSID2, PHY_BASE + 6, { reset: 0xc840, volatile: false });

export const PMA_SPEED = reg(
  'PMA_SPEED',
  0xa616,
  {
    ...w,
    doc: 'Speed ability: MMD 1.4. 2500 must be 1, or Linux takes it for another PHY',
    ref: '802.3 §45.2.1.4; Linux rtlgen_supports_2_5gbps',
    reset: 0x2070,
  },
  {
    S1000: bit(4, 'ro', '1000 Mb/s'),
    S100: bit(5, 'ro', '100 Mb/s'),
    S10: bit(6, 'ro', '10 Mb/s'),
    S2500: bit(13, 'ro', '2500 Mb/s'),
  },
);
export const FORCE_MODE = reg(
  'FORCE_MODE',
  0xa5b4,
  {
    ...w,
    doc: 'How a forced speed is set',
    ref: 'r8169 rtl8125_legacy_force_mode: page a5bh register 18',
    reset: 0x8000,
    volatile: true,
  },
  { LOW: bits(14, 0, 'rw', 'Not public', { inert: true }), NEW: bit(15, 'rw', '0: by BMCR as ever', { inert: true }) },
);
export const MGBT_CTRL = reg(
  'MGBT_CTRL',
  0xa5d4,
  {
    ...w,
    doc: 'Multi-gigabit advertisement: MMD 7.32',
    ref: '802.3 §45.2.7.10; Linux RTL_MDIO_AN_10GBT_CTRL, DPDK register a5d4h',
    reset: 0x0080,
  },
  {
    LOW: bits(6, 0, 'rw', 'Options', { inert: true }),
    ADV2500: bit(7, 'rw', 'Advertise 2.5GBASE-T'),
    ADV5000: bit(8, 'rw', 'Advertise 5GBASE-T; this PHY cannot', { inert: true }),
    MIDDLE: bits(11, 9, 'rw', 'Options', { inert: true }),
    ADV10000: bit(12, 'rw', 'Advertise 10GBASE-T; this PHY cannot', { inert: true }),
    HIGH: bits(15, 13, 'rw', 'Options', { inert: true }),
  },
);
export const MGBT_STAT = reg(
  'MGBT_STAT',
  0xa5d6,
  { ...w, doc: 'Multi-gigabit status: MMD 7.33', ref: '802.3 §45.2.7.11; Linux RTL_MDIO_AN_10GBT_STAT' },
  {
    LP2500: bit(5, 'ro', 'Partner can do 2.5GBASE-T'),
    LP5000: bit(6, 'ro', 'Partner can do 5GBASE-T'),
    LP10000: bit(11, 'ro', 'Partner can do 10GBASE-T'),
    REMOTE_OK: bit(12, 'ro', 'Remote receiver is well'),
    LOCAL_OK: bit(13, 'ro', 'Local receiver is well'),
    MASTER: bit(14, 'ro', 'We are master'),
    MSFAIL: bit(15, 'latched', 'Master and slave could not be settled'),
  },
);
export const EEE_LPABLE2 = reg(
  'EEE_LPABLE2',
  0xa6d0,
  { ...w, doc: "Partner's EEE advertisement 2: MMD 7.63", ref: '802.3 §45.2.7.14b; Linux RTL_MDIO_AN_EEE_LPABLE2' },
  { T2500: bit(0, 'ro', 'At 2.5GBASE-T') },
);
export const EEE_ADV2 = reg(
  'EEE_ADV2',
  0xa6d4,
  { ...w, doc: 'EEE advertisement 2: MMD 7.62', ref: '802.3 §45.2.7.14a; Linux RTL_MDIO_AN_EEE_ADV2', reset: 0x0001 },
  { T2500: bit(0, 'rw', 'At 2.5GBASE-T') },
);
export const EEE_ABLE2 = reg(
  'EEE_ABLE2',
  0xa6ec,
  { ...w, doc: 'EEE ability 2: MMD 3.21', ref: '802.3 §45.2.3.11; Linux RTL_MDIO_PCS_EEE_ABLE2', reset: 0x0001 },
  { T2500: bit(0, 'ro', 'At 2.5GBASE-T') },
);
export const PHY_A4CA = tuned('PHY_A4CA', 0xa4ca, 'Drivers set bit 6');
export const PHY_A6D8 = word('PHY_A6D8', 0xa6d8, 'rw', {
  ...w,
  doc: 'EEE; r8169 clears bit 4; meaning not public',
  ref: 'r8169 rtl8125_common_config_eee_phy: page a6dh register 20',
});
export const PHY_AC46 = tuned('PHY_AC46', 0xac46, 'Drivers write 9 to bits 7 to 4');
export const PHY_AD30 = tuned('PHY_AD30', 0xad30, 'Drivers write 1 to bits 1 and 0');
export const PHY_BF00 = tuned('PHY_BF00', 0xbf00, 'Drivers write 5 to bits 15 to 13');
export const PHY_BF46 = tuned('PHY_BF46', 0xbf46, 'Drivers write 3 to bits 11 to 8');
export const PHY_BF84 = tuned('PHY_BF84', 0xbf84, 'Drivers write 5 to bits 15 to 13');
export const PHY_A468 = word('PHY_A468', 0xa468, 'rw', {
  ...w,
  doc: 'OpenBSD clears bits 3 and 1 after a resume; meaning not public',
  ref: 'OpenBSD rge_exit_oob: register a468h',
});
export const PHY_A5EA = word('PHY_A5EA', 0xa5ea, 'rw', {
  ...w,
  doc: '2500 Mb/s over two pairs: OpenBSD clears bit 0',
  ref: 'OpenBSD rge_ifmedia_upd: register a5eah',
});
export const PHY_B844 = word('PHY_B844', 0xb844, 'rw', {
  ...w,
  doc: "ffffh is written with the program of the PHY's processor, among its parameters; meaning not public",
  ref: 'r8125 rtl8125_set_phy_mcu_8125b_2: register b844h',
});
export const PARAM2_ADDR = word('PARAM2_ADDR', 0xb87c, 'rw', {
  ...w,
  doc: 'Which parameter PARAM2_DATA reaches',
  ref: 'r8169 rtl8125_phy_param, OpenBSD rge, DPDK rtl_hw_phy_config_8125b_2: register b87ch',
});
export const PARAM2_DATA = word('PARAM2_DATA', 0xb87e, 'rw', {
  ...w,
  doc: 'The parameter at PARAM2_ADDR',
  ref: 'r8169 rtl8125_phy_param, OpenBSD rge, DPDK rtl_hw_phy_config_8125b_2: register b87eh',
});
