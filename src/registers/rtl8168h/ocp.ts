/** RTL8168H: what stands behind OCPDR beside the registers of ../realtek/ocp.ts. */
import { bit, bits, reg, word } from '../define.js';

const w = { width: 16 } as const;
const START = 'r8169 rtl_hw_start_8168h_1';

export const OCP_C094 = word('OCP_C094', 0xc094, 'rw', {
  ...w,
  doc: 'r8169 writes 0; meaning not public',
  ref: `${START}: register c094h`,
});
export const OCP_C09E = word('OCP_C09E', 0xc09e, 'rw', {
  ...w,
  doc: 'r8169 writes 0; meaning not public',
  ref: `${START}: register c09eh`,
});
export const STEP = reg(
  'STEP',
  0xd006,
  {
    ...w,
    doc: 'Step of the chip among those of one XID',
    ref: 'r8168 rtl8168_get_mac_version: register d006h',
    volatile: true,
  },
  {
    LOW: bits(7, 0, 'ro', 'Not public'),
    STEP: bits(15, 8, 'ro', '0 for the first; 1 and 3 are later ones, which are given other parameters'),
  },
);
export const UPS = reg(
  'UPS',
  0xd400,
  { ...w, doc: 'Power saving of the PHY (UPS)', ref: 'r8168 rtl8168_hw_init: register d400h' },
  {
    EN: bit(0, 'rw', 'The vendor driver clears it', { inert: true }),
    HIGH: bits(15, 1, 'rw', 'Not public', { inert: true }),
  },
);
export const UPS_STATE = reg(
  'UPS_STATE',
  0xd408,
  { ...w, doc: 'What UPS did', ref: 'r8168 rtl8168_is_ups_resume: register d408h' },
  {
    RESUMED: bit(0, 'rw', '1: the PHY came out of UPS; the vendor driver clears it', { inert: true }),
    HIGH: bits(15, 1, 'rw', 'Not public', { inert: true }),
  },
);
export const SW_CNT_1MS = reg(
  'SW_CNT_1MS',
  0xd412,
  { ...w, doc: 'Clocks of a millisecond', ref: `${START} (sw_cnt_1ms_ini): register d412h` },
  {
    COUNT: bits(11, 0, 'rw', '16,000,000 divided by PHY SAW_CNT', { inert: true }),
    HIGH: bits(15, 12, 'rw', 'Not public', { inert: true }),
  },
);
export const OCP_D420 = word('OCP_D420', 0xd420, 'rw', {
  ...w,
  doc: 'r8169 writes 47fh to bits 11 to 0; meaning not public',
  ref: `${START}: register d420h`,
});
export const OCP_D438 = word('OCP_D438', 0xd438, 'rw', {
  ...w,
  doc: 'The vendor driver changes bits 2 to 0 on later steps; meaning not public',
  ref: 'DPDK hw_ephy_config_8168h: register d438h',
});
export const PIN_STATUS = reg(
  'PIN_STATUS',
  0xdc04,
  { ...w, doc: 'Pins', ref: 'DPDK rtl_is_gpio_low: register dc04h', volatile: true, reset: 0xffff },
  { PINS: bits(15, 0, 'ro', 'Bit 9 low with MISC.PHY_DISABLE: the PHY is off') },
);
export const ADC_BIAS = reg(
  'ADC_BIAS',
  0xdd00,
  {
    ...w,
    doc: 'Bias of the ADC as measured in the factory; all bits used 1 mean none',
    ref: 'r8169 rtl8168h_2_get_adc_bias_ioffset, DPDK rtl8168h_require_adc_bias_patch_check: register dd00h',
    reset: 0xffff,
    volatile: true,
  },
  { VALUE: bits(15, 0, 'ro', 'Bias; bit 3 is not used') },
);
export const ADC_BIAS_SELECT = reg(
  'ADC_BIAS_SELECT',
  0xdd02,
  {
    ...w,
    doc: 'Written 807dh, it makes ADC_BIAS show the value; bit 7 then is its highest bit',
    ref: 'r8169 rtl8168h_2_get_adc_bias_ioffset, DPDK rtl8168h_require_adc_bias_patch_check: register dd02h',
    reset: 0x0080,
    volatile: true,
  },
  {
    SELECT: bits(6, 0, 'rw', 'What'),
    TOP: bit(7, 'ro', 'Highest bit of the bias'),
    HIGH: bits(15, 8, 'rw', 'Command'),
  },
);
export const EPHY_PAGE = reg(
  'EPHY_PAGE',
  0xde28,
  {
    ...w,
    doc: 'Bits 6 and 5 of the register of EPHYAR, on later steps',
    ref: 'DPDK rtl8168_check_ephy_addr: register de28h',
  },
  { PAGE: bits(1, 0, 'rw', 'Page', { inert: true }), HIGH: bits(15, 2, 'rw', 'Not public', { inert: true }) },
);
export const OCP_E02C = word('OCP_E02C', 0xe02c, 'rw', {
  ...w,
  doc: 'r8169 writes it when it turns latency messages on; meaning not public',
  ref: 'r8169 rtl_enable_ltr: register e02ch',
});
export const OCP_E054 = word('OCP_E054', 0xe054, 'rw', {
  ...w,
  doc: 'The vendor driver writes 0; meaning not public',
  ref: 'r8168 rtl8168_hw_config: register e054h',
});
export const OCP_E428 = word('OCP_E428', 0xe428, 'rw', {
  ...w,
  doc: 'The vendor driver writes 10h after ERI_174; meaning not public',
  ref: 'r8168 rtl8168_hw_init: register e428h',
});
export const EEE_TXIDLE_TIMER = word('EEE_TXIDLE_TIMER', 0xe048, 'rw', {
  ...w,
  doc: 'How long the transmitter is idle before low power idle, in byte times; drivers write MTU + 46',
  ref: 'r8169 rtl_set_eee_txidle_timer: register e048h',
});
export const OCP_E0D6 = reg(
  'OCP_E0D6',
  0xe0d6,
  { ...w, doc: 'Mask of errors of the PCI Express PHY', ref: `${START}, DPDK hw_config_8168h: register e0d6h` },
  {
    MASK: bits(8, 0, 'rw', 'Drivers write 17fh', { inert: true }),
    HIGH: bits(15, 9, 'rw', 'Not public', { inert: true }),
  },
);
export const OCP_E63E = word('OCP_E63E', 0xe63e, 'rw', {
  ...w,
  doc: 'r8169 writes 1, then 0; meaning not public',
  ref: `${START}: register e63eh`,
});
export const MCU_BREAK = word('MCU_BREAK', 0xfc28, 'rw', {
  ...w,
  doc: "Addresses at which the MAC's processor goes to the patch program",
  ref: 'DPDK rtl_hw_disable_mac_mcu_bps: registers fc28h to fc36h',
  count: 8,
});
export const MCU_BREAK_EN = word('MCU_BREAK_EN', 0xfc38, 'rw', {
  ...w,
  doc: 'Which of MCU_BREAK are on',
  ref: 'DPDK rtl_hw_disable_mac_mcu_bps: register fc38h',
});
