/**
 * RTL8168H: what stands behind ERIAR, type MAC: 32 bits a register, written by the bytes that BYTE_EN names. None is in a public
 * document. An address that is not declared is plain storage.
 */
import { bit, bits, reg, registerMap, word } from '../define.js';

/** Wake-up patterns that the filter has, and bytes of a frame that their masks cover. */
export const WAKE_PATTERNS = 8;
export const WAKE_PATTERN_BYTES = 128;

export const ERI_WAKE_MASK = word('ERI_WAKE_MASK', 0x00, 'rw', {
  doc: 'Masks of wake-up patterns: byte 8i + p has the bits of frame bytes 8i to 8i + 7 for pattern p; 0 everywhere is off',
  ref: "Realtek's driver of the same MAC in RTD129x (rtl_set_wol_pattern): registers 00h to 7fh",
  count: (WAKE_PATTERNS * WAKE_PATTERN_BYTES) / 8 / 4,
});
export const ERI_WAKE_CRC = word('ERI_WAKE_CRC', 0x80, 'rw', {
  doc: 'CRC-16 of the bytes that the mask chooses (11021h, start FFFFh, low bit of a byte first): two patterns a word',
  ref: "RTL8169 specification §Wake-up frame; Realtek's driver of RTD129x (rtk8168_get_pkt_crc16): registers 80h to 8fh",
  count: WAKE_PATTERNS / 2,
});
export const ERI_B8 = word('ERI_B8', 0xb8, 'rw', {
  doc: 'Receive side scaling of chips that have it; drivers write 0 here',
  ref: 'r8169 rtl_hw_start_8168h_1, r8168 rtl8168_hw_config (RSS_CTRL_8168): register b8h',
});
export const ERI_C0 = word('ERI_C0', 0xc0, 'rw', {
  doc: 'Drivers write 0 to the low half; meaning not public',
  ref: 'r8169 rtl_hw_start_8168h_1 and rtl_hw_start_8168ep: register c0h',
});
export const ERI_RX_FIFO = reg(
  'ERI_RX_FIFO',
  0xc8,
  { doc: 'Share of the receiver in the FIFO', ref: 'r8169 rtl_set_fifo_size, DPDK hw_config_8168h: register c8h' },
  {
    DYNAMIC: bits(15, 0, 'rw', 'Shared part', { inert: true }),
    STATIC: bits(31, 16, 'rw', 'Own part', { inert: true }),
  },
);
export const ERI_PAUSE_LOW = reg(
  'ERI_PAUSE_LOW',
  0xcc,
  { doc: 'PAUSE ends', ref: 'r8169 rtl8168g_set_pause_thresholds, DPDK hw_config_8168h: register cch' },
  {
    THRESHOLD: bits(7, 0, 'rw', 'FIFO level below which sending may go on'),
    HIGH: bits(31, 8, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_PAUSE_HIGH = reg(
  'ERI_PAUSE_HIGH',
  0xd0,
  { doc: 'PAUSE begins', ref: 'r8169 rtl8168g_set_pause_thresholds, DPDK hw_config_8168h: register d0h' },
  {
    THRESHOLD: bits(7, 0, 'rw', 'FIFO level above which a PAUSE frame is sent'),
    HIGH: bits(31, 8, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_L1_EXIT = reg(
  'ERI_L1_EXIT',
  0xd4,
  {
    doc: 'What wakes the link out of ASPM L1; also MAC OCP c0ach',
    ref: 'r8169 rtl_enable_exit_l1, DPDK rtl8168_hw_config: register d4h',
  },
  {
    LOW: bits(6, 0, 'rw', 'Not public', { inert: true }),
    MASK: bits(12, 7, 'rw', 'As DMY_PWR0', { inert: true }),
    HIGH: bits(31, 13, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_FILTER = reg(
  'ERI_FILTER',
  0xdc,
  {
    doc: 'Packet filter, and wake-up on a magic packet (byte deh)',
    ref: 'r8169 rtl_reset_packet_filter and __rtl8169_set_wol, DPDK hw_config_8168h: register dch',
    reset: 0x0000_0001,
  },
  {
    ENABLE: bit(0, 'rw', 'Filter on; cleared and set again to reset it'),
    BIT1: bit(1, 'rw', 'Not public', { inert: true }),
    BITS42: bits(4, 2, 'rw', 'Two drivers set them on this chip; meaning not public', { inert: true }),
    LOW: bits(15, 5, 'rw', 'Not public', { inert: true }),
    MAGIC: bit(16, 'rw', 'Wake on a magic packet'),
    HIGH: bits(31, 17, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_MAC0 = word('ERI_MAC0', 0xe0, 'rw', {
  doc: 'Station address as the board has it, bytes 0 to 3, the first in the low byte; Linux reads it before IDR0',
  ref: 'r8169 rtl_read_mac_address and rtl_rar_exgmac_set, DPDK rtl_get_mac_address: register e0h',
  volatile: true,
});
export const ERI_MAC4 = reg(
  'ERI_MAC4',
  0xe4,
  {
    doc: 'The same, bytes 4 and 5',
    ref: 'r8169 rtl_read_mac_address, DPDK rtl_get_mac_address: register e4h',
    volatile: true,
  },
  { VALUE: bits(15, 0, 'rw', 'Bytes 4 and 5'), HIGH: bits(31, 16, 'rw', 'Written as 0', { inert: true }) },
);
export const ERI_TX_FIFO = reg(
  'ERI_TX_FIFO',
  0xe8,
  { doc: 'Share of the transmitter in the FIFO', ref: 'r8169 rtl_set_fifo_size, DPDK hw_config_8168h: register e8h' },
  {
    DYNAMIC: bits(15, 0, 'rw', 'Shared part', { inert: true }),
    STATIC: bits(31, 16, 'rw', 'Own part', { inert: true }),
  },
);
export const ERI_MAC_SHIFTED = word('ERI_MAC_SHIFTED', 0xf0, 'rw', {
  doc: 'Sixteen entries of 8 bytes, a station address in the upper six: RTL8168EVL needs the first, the vendor driver turns the others off by all ones; stored',
  ref: 'r8169 rtl_rar_exgmac_set: registers f0h and f4h; r8168 rtl8168_set_rx_vlan_filter: registers f8h to 16ch',
  count: 32,
});
export const ERI_174 = word('ERI_174', 0x174, 'rw', {
  doc: 'The vendor driver clears bit 8 and sets bit 15 when it has no RealWoW; meaning not public',
  ref: 'r8168 rtl8168_hw_init: register 174h',
});
export const ERI_PME_MASK = reg(
  'ERI_PME_MASK',
  0x1a8,
  {
    doc: 'Interrupts of the management processor',
    ref: 'r8169 rtl8168g_phy_suspend_quirk, DPDK rtl_phy_power_down (1abh): register 1a8h',
  },
  {
    LOW: bits(25, 0, 'rw', 'Not public', { inert: true }),
    MASK: bits(31, 26, 'rw', 'Cleared before the PHY powers down', { inert: true }),
  },
);
export const ERI_EEE = reg(
  'ERI_EEE',
  0x1b0,
  {
    doc: 'Energy efficient Ethernet of the MAC',
    ref: 'r8169 rtl8168_config_eee_mac and rtl_hw_start_8168h_1, DPDK hw_config_8168h: register 1b0h',
  },
  {
    ENABLE: bits(1, 0, 'rw', 'Both set: low power idle is sent and understood'),
    LOW: bits(11, 2, 'rw', 'Not public', { inert: true }),
    BIT12: bit(12, 'rw', 'Two drivers clear it; meaning not public', { inert: true }),
    HIGH: bits(31, 13, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_1D0 = reg(
  'ERI_1D0',
  0x1d0,
  { doc: 'Not public', ref: 'r8169 rtl_hw_start_8168f, DPDK hw_config_8168h: register 1d0h' },
  {
    BIT0: bit(0, 'rw', 'Not public', { inert: true }),
    BIT1: bit(1, 'rw', 'Drivers set it; meaning not public', { inert: true }),
    HIGH: bits(31, 2, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_1E0 = reg(
  'ERI_1E0',
  0x1e0,
  {
    doc: 'Register 180h of configuration space, which drivers turn off',
    ref: 'r8168 rtl8168_disable_pci_offset_180: register 1e2h',
  },
  {
    LOW: bits(17, 0, 'rw', 'Not public', { inert: true }),
    BIT18: bit(18, 'rw', 'Cleared to turn it off; meaning not public', { inert: true }),
    HIGH: bits(31, 19, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_2F8 = word('ERI_2F8', 0x2f8, 'rw', {
  doc: 'Latency messages: 1d8fh on RTL8168G; not written here',
  ref: 'r8169 rtl_hw_start_8168g, DPDK rtl8168_hw_config: register 2f8h',
});
export const ERI_2FC = reg(
  'ERI_2FC',
  0x2fc,
  { doc: 'Not public', ref: 'r8169 rtl_hw_start_8168g, DPDK hw_config_8168h: register 2fch' },
  {
    LOW: bits(1, 0, 'rw', 'Not public', { inert: true }),
    BIT2: bit(2, 'rw', 'Drivers clear it; meaning not public', { inert: true }),
    HIGH: bits(31, 3, 'rw', 'Not public', { inert: true }),
  },
);
export const ERI_3F0 = word('ERI_3F0', 0x3f0, 'rw', {
  doc: 'Bits 17 and 16 follow byte 99h of configuration space, bits 31 to 24 get e6h; meaning not public',
  ref: 'r8168 rtl8168_disable_pci_offset_99 and rtl8168_init_pci_offset_99: register 3f2h',
});
export const ERI_5F0 = word('ERI_5F0', 0x5f0, 'rw', {
  doc: 'Drivers write 4f87h to the low half; meaning not public',
  ref: 'r8169 rtl_hw_start_8168h_1 and rtl_hw_start_8168ep: register 5f0h',
});

/** Behind ERIAR, type MAC. */
export const eriMap = registerMap('rtl8168h', 'ERI', 0x1000, [32], {
  ERI_WAKE_MASK,
  ERI_WAKE_CRC,
  ERI_B8,
  ERI_C0,
  ERI_RX_FIFO,
  ERI_PAUSE_LOW,
  ERI_PAUSE_HIGH,
  ERI_L1_EXIT,
  ERI_FILTER,
  ERI_MAC0,
  ERI_MAC4,
  ERI_TX_FIFO,
  ERI_MAC_SHIFTED,
  ERI_174,
  ERI_PME_MASK,
  ERI_EEE,
  ERI_1D0,
  ERI_1E0,
  ERI_2F8,
  ERI_2FC,
  ERI_3F0,
  ERI_5F0,
});
