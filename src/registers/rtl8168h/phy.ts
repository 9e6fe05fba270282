/** RTL8168H: registers of its PHY beside those of ../realtek/phy.ts. Linux binds "Generic FE-GE Realtek PHY" to it. */
import { bits, reg, word } from '../define.js';
import * as mii from '../mii.js';
import { placed } from '../realtek/place.js';
import { PHY_BASE } from '../realtek/windows.js';

const w = { width: 16 } as const;
const two = (place: string): string => `r8169 rtl8168h_2_hw_phy_config, DPDK hw_phy_config_8168h_2: ${place}`;

/** PHYSID1 and PHYSID2. */
export const PHY_ID = 0x001c_c800;
/** Register 3. */
export const PHYSID2 = placed(mii.PHYSID2, PHY_BASE + 6, { reset: 0xc800, volatile: false });

export const PMA_SPEED = reg(
  'PMA_SPEED',
  0xa616,
  {
    ...w,
    doc: 'Speed ability: MMD 1.4. 2500 must be 0, or Linux takes it for another PHY',
    ref: '802.3 §45.2.1.4; Linux rtlgen_supports_2_5gbps',
    reset: 0x0070,
  },
  {
    S1000: bits(4, 4, 'ro', '1000 Mb/s'),
    S100: bits(5, 5, 'ro', '100 Mb/s'),
    S10: bits(6, 6, 'ro', '10 Mb/s'),
    S2500: bits(13, 13, 'ro', '2500 Mb/s'),
  },
);
export const PHY_FUSE = word('PHY_FUSE', 0xa460, 'rw', {
  ...w,
  doc: 'What fuses say, bits 31 to 0; those above are TAPBIN. The vendor driver keeps them and writes them back after a reset of the PHY',
  ref: 'r8168 rtl8168_init_software_variable (BackupPhyFuseDout): page a46h registers 16 and 17',
  count: 2,
  volatile: true,
});
export const TAPBIN = word('TAPBIN', 0xa464, 'ro', {
  ...w,
  doc: 'Calibration read by drivers of the first step (XID 540h), with a466h',
  ref: 'DPDK hw_phy_config_8168h_1: page a46h registers 18 and 19',
  count: 2,
  volatile: true,
});
export const PHY_B82E = word('PHY_B82E', 0xb82e, 'rw', {
  ...w,
  doc: "Bit 0 is cleared when the program of the PHY's processor has been written; meaning not public",
  ref: 'r8168 rtl8168_set_phy_mcu_8168h_2, firmware rtl8168h-2: page b82h register 23',
});
export const SAR_ADC = word('SAR_ADC', 0xbcae, 'rw', {
  ...w,
  doc: 'Performance of an ADC; bits 14 to 12 changed for XID 540h',
  ref: 'DPDK hw_phy_config_8168h_1: page bcah register 23',
});
export const RLEN_IN = reg(
  'RLEN_IN',
  0xbcdc,
  { ...w, doc: 'Length measured', ref: two('page bcdh register 22'), volatile: true },
  {
    VALUE: bits(3, 0, 'ro', 'Drivers take 3 off and write the rest to RLEN_OUT'),
    HIGH: bits(15, 4, 'ro', 'Not public'),
  },
);
export const RLEN_OUT = word('RLEN_OUT', 0xbcde, 'rw', {
  ...w,
  doc: 'The length, four times',
  ref: two('page bcdh register 23'),
});
export const ADC_IOFFSET = word('ADC_IOFFSET', 0xbcfc, 'rw', {
  ...w,
  doc: 'Bias of the ADC, from MAC OCP ADC_BIAS',
  ref: two('page bcfh register 22'),
});
export const PHY_STUCK = reg(
  'PHY_STUCK',
  0xc404,
  {
    ...w,
    doc: "Watchdogs of the PHY's processor",
    ref: 'r8168 rtl8168_test_phy_ocp_v2: page c40h register 18',
  },
  {
    STUCK: bits(1, 0, 'ro', 'Not 0: the vendor driver resets the PHY'),
    HIGH: bits(15, 2, 'ro', 'Not public'),
  },
);
export const PHY_C41A = word('PHY_C41A', 0xc41a, 'rw', {
  ...w,
  doc: 'The vendor driver clears bit 1; meaning not public',
  ref: 'DPDK hw_phy_config_8168h_2: page c41h register 21',
});
export const SAW_CNT = reg(
  'SAW_CNT',
  0xc426,
  {
    ...w,
    doc: 'Count of the saw-tooth oscillator',
    ref: 'r8169 rtl_hw_start_8168h_1 (rg_saw_cnt): page c42h register 19',
    volatile: true,
  },
  {
    COUNT: bits(13, 0, 'ro', '0: drivers leave MAC OCP SW_CNT_1MS alone'),
    HIGH: bits(15, 14, 'ro', 'Not public'),
  },
);
