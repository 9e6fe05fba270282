/**
 * RTL8125B: MAC registers below 100h that RTL8168H lacks or has elsewhere. Those that both have are in ../realtek/mac.ts.
 * No document of this chip is public: "r8169" is Linux's driver, "rge" OpenBSD's, "DPDK" the vendor's own r8169.
 */
import { bit, bits, reg, word } from '../define.js';
import { causes } from '../realtek/interrupts.js';

const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

/** Identity on the bus. Subsystem and address are the board's. */
export const PCI_ID = { vendor: 0x10ec, device: 0x8125, revision: 0x05 } as const;
/** What TXCFG says this chip is. */
export const XID = 0x641;

const led = (name: string, at: number, index: number) =>
  reg(
    name,
    at,
    { ...w16, doc: `What LED ${index} shows`, ref: `r8169 rtl8125_set_led_mode: register ${name}`, volatile: true },
    {
      LINK_10: bit(0, 'rw', 'Link at 10 Mb/s', { inert: true }),
      LINK_100: bit(1, 'rw', 'Link at 100 Mb/s', { inert: true }),
      BIT2: bit(2, 'rw', 'Not public', { inert: true }),
      LINK_1000: bit(3, 'rw', 'Link at 1000 Mb/s', { inert: true }),
      BIT4: bit(4, 'rw', 'Not public', { inert: true }),
      LINK_2500: bit(5, 'rw', 'Link at 2500 Mb/s', { inert: true }),
      MIDDLE: bits(8, 6, 'rw', 'Not public', { inert: true }),
      ACT: bit(9, 'rw', 'Activity', { inert: true }),
      HIGH: bits(15, 10, 'rw', 'Not public', { inert: true }),
    },
  );
export const LEDSEL0 = led('LEDSEL0', 0x18, 0);
export const LEDSEL1 = led('LEDSEL1', 0x86, 1);
export const LEDSEL2 = led('LEDSEL2', 0x84, 2);
export const LEDSEL3 = led('LEDSEL3', 0x96, 3);

export const TCTR1 = word('TCTR1', 0x4c, 'rw', {
  doc: 'Timer count 1: as TCTR, any write starts it at 0. TIMERINT1 compares it, but which cause that sets is not public',
  ref: 'DPDK TCTR1_8125: register 4ch',
});
export const TCTR2 = word('TCTR2', 0x88, 'rw', {
  doc: 'Timer count 2: as TCTR, any write starts it at 0. TIMERINT2 compares it, but which cause that sets is not public',
  ref: 'DPDK TCTR2_8125: register 88h',
});
export const TCTR3 = word('TCTR3', 0x1c, 'rw', {
  doc: 'Timer count 3: as TCTR, any write starts it at 0. TIMERINT3 compares it, but which cause that sets is not public',
  ref: 'DPDK TCTR3_8125: register 1ch',
});

export const INT_CFG0 = reg(
  'INT_CFG0',
  0x34,
  {
    ...w8,
    doc: 'How interrupts are reported',
    ref: 'r8169 rtl_hw_start_8125, DPDK rtl8125_hw_clear_int_miti: register INT_CFG0',
  },
  {
    ENABLE: bit(0, 'rw', '1: IMR_V2 and ISR_V2 instead of IMR and ISR'),
    TIMEOUT0_BYPASS: bit(1, 'rw', 'The timer is not mitigated', { inert: true }),
    MITIGATION_BYPASS: bit(2, 'rw', 'Nothing is mitigated'),
    CLKREQ_EN: bit(3, 'rw', 'Clock request, of RTL8126', { inert: true }),
    RDU_BYPASS: bit(4, 'rw', 'A lack of descriptors is not mitigated, of RTL8126', { inert: true }),
    MSIX_ENTRY_NUM: bit(5, 'rw', 'Number of vectors (DPDK)', { inert: true }),
    AVOID_MISS_INTR: bit(6, 'rw', 'Lose no interrupt (OpenBSD)', { inert: true }),
    BIT7: bit(7, 'rw', 'Not public', { inert: true }),
  },
);
export const INT_CFG1 = word('INT_CFG1', 0x7a, 'rw', {
  ...w16,
  doc: 'How interrupts are reported; drivers write 0',
  ref: 'r8169 rtl_hw_start_8125, DPDK rtl8125_hw_clear_int_miti: register INT_CFG1',
});
export const IMR = reg(
  'IMR',
  0x38,
  {
    doc: 'Interrupt mask, 32 bits and at another place than on RTL8168',
    ref: 'r8169 rtl_irq_enable, OpenBSD RGE_IMR: register 38h',
  },
  { ...causes('rw'), HIGH: bits(31, 16, 'rw', 'Not public; drivers acknowledge them with the rest', { inert: true }) },
);
export const ISR = reg(
  'ISR',
  0x3c,
  {
    doc: 'Interrupt status, 32 bits and at another place than on RTL8168',
    ref: 'r8169 rtl_get_events, OpenBSD RGE_ISR: register 3ch',
  },
  {
    ...causes('w1c'),
    HIGH: bits(31, 16, 'w1c', 'Not public; drivers acknowledge them with the rest', { inert: true }),
  },
);
export const TXCFG = reg(
  'TXCFG',
  0x40,
  {
    doc: 'Transmit configuration, and which chip it is. FFFFFFFFh means that the device is gone',
    ref: 'r8169 rtl_init_one and rtl_set_tx_config_registers, OpenBSD RGE_TXCFG: register 40h',
    reset: 0x6410_0800,
  },
  {
    TX_NO_CLOSE: bit(
      6,
      'rw',
      'Descriptors are counted by SW_TAIL_PTR and HW_CLO_PTR and not written back (r8125, DPDK)',
    ),
    BIT7: bit(7, 'rw', 'Shared FIFO of RTL8168', { inert: true }),
    MXDMA: bits(10, 8, 'rw', 'Longest burst: 16 shifted left by this; 7 is unlimited', { inert: true }),
    EMPTY: bit(11, 'ro', 'Nothing waits in the transmit FIFO, on RTL8168; no driver of this chip waits for it'),
    NOCRC: bit(16, 'rw', 'Append no FCS, on RTL8169'),
    LBK: bits(18, 17, 'rw', 'Loopback in the MAC (DPDK: bit 17)', { values: { 0: 'off', 1: 'on', 3: 'on' } }),
    IFG2: bit(19, 'rw', 'Inter-frame gap, high bit', { inert: true }),
    XID_LO: bits(23, 20, 'ro', 'Low digit of the XID'),
    IFG: bits(25, 24, 'rw', 'Inter-frame gap; 3 is 96 bit times', { inert: true }),
    XID_HI: bits(31, 26, 'ro', 'High bits of the XID'),
  },
);
export const RCR = reg(
  'RCR',
  0x44,
  {
    doc: 'Receive configuration',
    ref: 'r8169 rtl_init_rxcfg and rtl_set_rx_config_features, OpenBSD RGE_RXCFG_CONFIG_8125B, DPDK hw_init_rxcfg_8125b: register 44h',
  },
  {
    AAP: bit(0, 'rw', 'Accept everything'),
    APM: bit(1, 'rw', 'Accept the station address'),
    AM: bit(2, 'rw', 'Accept multicast whose hash bit is set'),
    AB: bit(3, 'rw', 'Accept broadcast'),
    AR: bit(4, 'rw', 'Accept frames shorter than 64 bytes'),
    AER: bit(5, 'rw', 'Accept frames with a bad FCS'),
    EE9356: bit(6, 'ro', 'The EEPROM is a 93C56'),
    MXDMA: bits(10, 8, 'rw', 'Longest burst: 16 shifted left by this; 7 is unlimited', { inert: true }),
    PAUSE_SLOT_ON: bit(11, 'rw', 'PAUSE in time slots', { inert: true }),
    HALF_REFETCH: bit(13, 'rw', 'When descriptors are fetched again (DPDK)', { inert: true }),
    CLOSE_MULTIPLE: bit(21, 'rw', 'Several descriptors are given back at once (DPDK)', { inert: true }),
    VLAN_INNER: bit(22, 'rw', 'Take the inner 802.1Q tag out'),
    VLAN_OUTER: bit(23, 'rw', 'Take the outer 802.1Q tag out'),
    RXDESC_V3: bit(24, 'rw', 'Receive descriptors of 32 bytes, in the rings of all queues (r8125, OpenBSD, FreeBSD)'),
    FETCH: bits(31, 27, 'rw', 'Descriptors fetched at once; drivers write 8', { inert: true }),
  },
);
export const PHYSTATUS = reg(
  'PHYSTATUS',
  0x6c,
  { ...w16, doc: 'What the link is', ref: 'OpenBSD RGE_PHYSTAT, DPDK PHYstatus: register 6ch' },
  {
    FULLDUP: bit(0, 'ro', 'Full duplex'),
    LINKSTS: bit(1, 'ro', 'Link'),
    M10: bit(2, 'ro', '10 Mb/s'),
    M100: bit(3, 'ro', '100 Mb/s'),
    M1000: bit(4, 'ro', '1000 Mb/s'),
    RXFLOW: bit(5, 'ro', 'PAUSE is obeyed'),
    TXFLOW: bit(6, 'ro', 'PAUSE is sent'),
    POWER_SAVE: bit(7, 'ro', 'The PHY saves power (DPDK)'),
    M2500_LITE: bit(9, 'ro', '2500 Mb/s over fewer pairs (DPDK)'),
    M2500: bit(10, 'ro', '2500 Mb/s'),
  },
);
export const PHYSTATUS_HI = reg(
  'PHYSTATUS_HI',
  0x6e,
  { ...w8, doc: 'Third byte of PHYSTATUS when 32 bits are read', ref: 'DPDK PHYstatus (_1000bpsL): register 6eh' },
  { M1000_LITE: bit(3, 'ro', '1000 Mb/s over fewer pairs') },
);
export const EPHYAR = reg(
  'EPHYAR',
  0x80,
  { doc: 'Registers of the PCI Express PHY', ref: 'r8169 rtl_ephy_read, OpenBSD rge_read_ephy: register EPHYAR' },
  {
    DATA: bits(15, 0, 'rw', 'Data'),
    REG: bits(22, 16, 'rw', 'Register; r8169 uses five bits, OpenBSD and DPDK seven'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
export const TPPOLL = reg(
  'TPPOLL',
  0x90,
  { ...w16, doc: 'Transmit polling: the doorbell', ref: 'r8169 rtl8169_doorbell, OpenBSD RGE_TXSTART: register 90h' },
  {
    Q0: bit(0, 'sc', 'Look at the ring of queue 0'),
    Q1: bit(1, 'sc', 'Look at the ring of queue 1 (DPDK)'),
  },
);
export const FIFO_STATUS = reg(
  'FIFO_STATUS',
  0xe2,
  {
    ...w16,
    doc: 'FIFOs are empty when EMPTY0, EMPTY1 and EMPTY8 are 1; which bit is which FIFO is not public. INTRMITIGATE on RTL8168',
    ref: 'r8169 rtl_rxtx_empty_cond_2, OpenBSD RGE_IM, DPDK rtl_wait_txrx_fifo_empty: register e2h',
    reset: 0x0103,
  },
  {
    EMPTY0: bit(0, 'ro', 'Empty'),
    EMPTY1: bit(1, 'ro', 'Empty'),
    EMPTY8: bit(8, 'ro', 'Empty'),
  },
);
