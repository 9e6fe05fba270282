/**
 * MAC OCP: registers of the MAC's inner bus that both chips have, 16 bits wide. None is in a public document: the drivers that
 * write it are named. Those without a name of their own are called by their address. An undeclared address is plain storage.
 */
import { bit, bits, reg, word } from '../define.js';

const w = { width: 16 } as const;
const MASKED = 'Bits that drivers change; meaning not public';

export const DMY_PWR0 = reg(
  'DMY_PWR0',
  0xc0ac,
  {
    ...w,
    doc: 'What wakes the link out of ASPM L1',
    ref: 'r8169 rtl_enable_exit_l1, DPDK rtl8125_hw_config: register c0ach',
  },
  {
    LOW: bits(6, 0, 'rw', 'Not public', { inert: true }),
    TXPLA: bit(7, 'rw', 'Transmit FIFO', { inert: true }),
    PKTAVI: bit(8, 'rw', 'Packet available', { inert: true }),
    XADM: bit(9, 'rw', 'DMA', { inert: true }),
    TXDMA_POLL: bit(10, 'rw', 'Transmit polling', { inert: true }),
    LTR_MSG: bit(11, 'rw', 'Latency message', { inert: true }),
    RXDV: bit(12, 'rw', 'Receive data', { inert: true }),
    HIGH: bits(15, 13, 'rw', 'Not public', { inert: true }),
  },
);
export const ASPM_SAFE = reg(
  'ASPM_SAFE',
  0xc0b2,
  {
    ...w,
    doc: 'Set by the maker of a board that was tested with ASPM',
    ref: 'r8169 rtl_aspm_is_safe: register c0b2h',
    volatile: true,
  },
  {
    SAFE: bits(3, 0, 'rw', 'Not 0: drivers leave ASPM L1 on', { inert: true }),
    HIGH: bits(15, 4, 'rw', 'Not public', { inert: true }),
  },
);
export const CRC_WAKE_DISABLE = word('CRC_WAKE_DISABLE', 0xc140, 'rw', {
  ...w,
  doc: 'Wake-up patterns that are off, a bit each; drivers write all ones',
  ref: 'r8169 rtl_hw_start_8125_common, DPDK rtl8125_hw_config and hw_config_8168h: registers c140h and c142h',
  count: 2,
});
export const LTR = word('LTR', 0xcdd0, 'rw', {
  ...w,
  doc: 'Latencies told to the host in several states; stored',
  ref: 'r8169 rtl_enable_ltr: registers cdd0h to cdeeh',
  count: 16,
});
export const PACKAGE = reg(
  'PACKAGE',
  0xdc00,
  {
    ...w,
    doc: 'Package of the chip, by how pins are bonded',
    ref: 'r8168 rtl8168_init_one, r8125 rtl8125_init_software_variable (HwPkgDet): register dc00h',
    volatile: true,
  },
  {
    LOW: bits(2, 0, 'rw', 'Not public', { inert: true }),
    KIND: bits(5, 3, 'rw', 'Package; bit 3 of RTL8168H is 1 without an EEPROM', { inert: true }),
    CLOCK: bit(6, 'rw', 'RTL8125: time stamps by the clock of the MAC, 0: of the PHY', { inert: true }),
    HIGH: bits(15, 7, 'rw', 'Not public', { inert: true }),
  },
);
export const OCP_E052 = word('OCP_E052', 0xe052, 'rw', {
  ...w,
  doc: MASKED,
  ref: 'r8169 rtl_hw_start_8168h_1 and rtl_hw_start_8125_common, DPDK rtl8125_hw_config: register e052h',
});
export const OCP_E056 = word('OCP_E056', 0xe056, 'rw', {
  ...w,
  doc: `${MASKED} (7 to 4)`,
  ref: 'r8169 rtl_hw_start_8168h_1 and rtl_hw_start_8125_common, DPDK rtl8125_hw_config: register e056h',
});
export const LTR_OBFF_LOCK = reg(
  'LTR_OBFF_LOCK',
  0xe032,
  { ...w, doc: 'Lock of the latency messages', ref: 'r8169 rtl_enable_ltr: register e032h' },
  {
    EN: bit(0, 'rw', 'Lock', { inert: true }),
    LOW: bits(13, 1, 'rw', 'Not public', { inert: true }),
    SPEED_CHANGE: bit(14, 'rw', 'At a change of the speed', { inert: true }),
    HIGH: bit(15, 'rw', 'Not public', { inert: true }),
  },
);
export const LTR_SNOOP = reg(
  'LTR_SNOOP',
  0xe034,
  { ...w, doc: 'Latency messages for snooped requests', ref: 'r8169 rtl_enable_ltr: register e034h' },
  { LOW: bits(13, 0, 'rw', 'Not public', { inert: true }), EN: bits(15, 14, 'rw', 'Enable', { inert: true }) },
);
export const OCP_E092 = reg(
  'OCP_E092',
  0xe092,
  { ...w, doc: 'L1 substates', ref: 'r8169 rtl_hw_aspm_clkreq_enable: register e092h' },
  {
    L12: bits(7, 0, 'rw', 'Bit 2: the chip may ask for L1.2', { inert: true }),
    HIGH: bits(15, 8, 'rw', 'Not public', { inert: true }),
  },
);
export const OCP_E094 = reg(
  'OCP_E094',
  0xe094,
  { ...w, doc: 'PCI Express PHY timer', ref: 'r8169 rtl_hw_aspm_clkreq_enable: register e094h' },
  {
    LOW: bits(7, 0, 'rw', 'Not public', { inert: true }),
    DISABLE_TIMER: bits(15, 8, 'rw', 'Time until its receiver and transmitter go off', { inert: true }),
  },
);
export const OCP_E098 = word('OCP_E098', 0xe098, 'rw', {
  ...w,
  doc: 'RTL8125: c302h, RTL8168H: 0aa2h (vendor only); meaning not public',
  ref: 'r8169 rtl_hw_start_8125_common, DPDK rtl8125_hw_config and rtl8168_hw_config: register e098h',
});
export const ALDPS_LTR = reg(
  'ALDPS_LTR',
  0xe0a2,
  { ...w, doc: 'Latency messages while the PHY sleeps', ref: 'r8169 rtl_enable_ltr: register e0a2h' },
  { EN: bit(0, 'rw', 'Enable', { inert: true }), HIGH: bits(15, 1, 'rw', 'Not public', { inert: true }) },
);
export const MCU_PAGE = reg(
  'MCU_PAGE',
  0xe446,
  { ...w, doc: 'Page of MCU_RAM', ref: 'DPDK rtl_switch_mac_mcu_ram_code_page: register e446h' },
  { PAGE: bits(1, 0, 'rw', 'Page of 256 words'), HIGH: bits(15, 2, 'rw', 'Not public', { inert: true }) },
);
export const FIFO_CTRL = reg(
  'FIFO_CTRL',
  0xe8de,
  {
    ...w,
    doc: 'Descriptor list of the shared FIFO',
    ref: 'r8169 rtl_hw_init_8168g and rtl_hw_init_8125, OpenBSD rge_exit_oob: register e8deh',
  },
  {
    LOW: bits(13, 0, 'rw', 'Not public', { inert: true }),
    BIT14: bit(14, 'rw', 'Drivers clear it, then wait for MCU.LINK_LIST_RDY'),
    BIT15: bit(15, 'rw', 'RTL8168G and H: set then, and waited for again'),
  },
);
export const MCU_RAM = word('MCU_RAM', 0xf800, 'rw', {
  ...w,
  doc: "Program of the MAC's processor: firmware patches write it",
  ref: 'OpenBSD rge (rtl8125_mac_bps), DPDK rtl_write_mac_mcu_ram_code: registers f800h to f9feh',
  count: 256,
});
export const MCU_BASE = word('MCU_BASE', 0xfc26, 'rw', {
  ...w,
  doc: 'Base of the patch program, 8000h when it is there; 0 turns it off',
  ref: 'r8169 rtl_hw_start_8411_2, DPDK rtl_hw_disable_mac_mcu_bps: register fc26h',
});
