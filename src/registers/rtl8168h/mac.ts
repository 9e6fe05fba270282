/**
 * RTL8168H: MAC registers that RTL8125B lacks or has elsewhere. Those that both have are in ../realtek/mac.ts.
 * OCPAR of RTL8168DP stands in no map: on this chip its byte b6h is COMBO_LTR.
 */
import { bit, bits, reg, word } from '../define.js';
import { causes } from '../realtek/interrupts.js';

const S = (offset: string): string => `RTL8169 specification, register ${offset}`;
const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

/** Identity on the bus. Subsystem and address are the board's. */
export const PCI_ID = { vendor: 0x10ec, device: 0x8168, revision: 0x15 } as const;
/** What TXCFG says this chip is. */
export const XID = 0x541;
/**
 * Unit of INTRMITIGATE's times in microseconds with CPCR.INTT 0, by the speed of the link in Mbit/s, and what the values of
 * CPCR.INTT multiply it by (r8169 rtl_coalesce_info_8168_8136).
 */
export const MITIGATION_UNIT: Readonly<Record<number, number>> = { 10: 40.96, 100: 2.56, 1000: 5 };
export const MITIGATION_SCALE = [1, 8, 16, 32] as const;
/** What the counts of INTRMITIGATE are multiplied by: frames. */
export const MITIGATION_FRAMES = 4;

export const LEDSEL = reg(
  'LEDSEL',
  0x18,
  {
    ...w16,
    doc: 'What the three LEDs show',
    ref: 'r8169 rtl8168_led_mod_ctrl, DPDK r8169 (CustomLED): register 18h',
    volatile: true,
  },
  {
    LED0: bits(3, 0, 'rw', 'Bits 0 to 3: 10, 100, 1000 Mb/s, activity', { inert: true }),
    LED1: bits(7, 4, 'rw', 'The same for LED 1', { inert: true }),
    LED2: bits(11, 8, 'rw', 'The same for LED 2', { inert: true }),
    FEATURE: bits(14, 12, 'rw', 'Not public', { inert: true }),
    OPTION2: bit(15, 'rw', 'The second way of showing', { inert: true }),
  },
);
export const LED_FREQ = word('LED_FREQ', 0x1a, 'rw', {
  ...w8,
  doc: 'How fast LEDs blink; meaning of the bits not public',
  ref: 'r8169 (rtl8168_registers): register LED_FREQ',
});
export const EEE_LED = reg(
  'EEE_LED',
  0x1b,
  {
    ...w8,
    doc: 'How fast LEDs blink during EEE',
    ref: 'r8169 rtl8168_config_eee_mac, DPDK hw_config_8168h: register 1bh',
    reset: 0x07,
    volatile: true,
  },
  {
    FREQUENCY: bits(2, 0, 'rw', 'Drivers write 0', { inert: true }),
    HIGH: bits(7, 3, 'rw', 'Not public', { inert: true }),
  },
);
export const THPDS_LO = reg(
  'THPDS_LO',
  0x28,
  { doc: 'Transmit ring of high priority, low', ref: S('28h, THPDS') },
  { ADDR: bits(31, 8, 'rw', 'Address; the ring starts at a multiple of 256') },
);
export const THPDS_HI = word('THPDS_HI', 0x2c, 'rw', {
  doc: 'Transmit ring of high priority, high',
  ref: S('2Ch, THPDS'),
});
export const FLASH = word('FLASH', 0x30, 'rw', { doc: 'Access to the boot ROM; stored', ref: S('30h, FLASH') });
export const ERSR = word('ERSR', 0x36, 'ro', {
  ...w8,
  doc: 'Early receive status, of the RTL8139',
  ref: S('36h, ERSR'),
});
export const TPPOLL = reg(
  'TPPOLL',
  0x38,
  { ...w8, doc: 'Transmit polling: the doorbell', ref: S('38h, TPPoll') },
  {
    FSWINT: bit(0, 'sc', 'Raise ISR.SWINT'),
    NPQ: bit(6, 'sc', 'Look at the ring of normal priority; reads 1 until it is empty'),
    HPQ: bit(7, 'sc', 'Look at the ring of high priority; reads 1 until it is empty'),
  },
);
export const IMR = reg('IMR', 0x3c, { ...w16, doc: 'Interrupt mask', ref: S('3Ch, IMR') }, causes('rw'));
export const ISR = reg('ISR', 0x3e, { ...w16, doc: 'Interrupt status', ref: S('3Eh, ISR') }, causes('w1c'));
export const TXCFG = reg(
  'TXCFG',
  0x40,
  {
    doc: 'Transmit configuration, and which chip it is. FFFFFFFFh means that the device is gone',
    ref: `${S('40h, TCR')}; r8169 rtl_init_one and rtl_wait_txrx_fifo_empty`,
    reset: 0x5410_0800,
  },
  {
    AUTO_FIFO: bit(7, 'rw', 'Share the FIFO automatically', { inert: true }),
    MXDMA: bits(10, 8, 'rw', 'Longest burst: 16 shifted left by this; 7 is unlimited', { inert: true }),
    EMPTY: bit(11, 'ro', 'Nothing waits in the transmit FIFO'),
    NOCRC: bit(16, 'rw', 'Append no FCS'),
    LBK: bits(18, 17, 'rw', 'Loopback in the MAC', { values: { 0: 'off', 1: 'on', 3: 'on' } }),
    IFG2: bit(19, 'rw', 'Inter-frame gap, high bit', { inert: true }),
    XID_LO: bits(23, 20, 'ro', 'Low digit of the XID'),
    IFG: bits(25, 24, 'rw', 'Inter-frame gap; 3 is 96 bit times', { inert: true }),
    XID_HI: bits(31, 26, 'ro', 'High bits of the XID'),
  },
);
export const RCR = reg(
  'RCR',
  0x44,
  { doc: 'Receive configuration', ref: `${S('44h, RCR')}; r8169 rtl_init_rxcfg for bits 11, 14, 15` },
  {
    AAP: bit(0, 'rw', 'Accept everything'),
    APM: bit(1, 'rw', 'Accept the station address'),
    AM: bit(2, 'rw', 'Accept multicast whose hash bit is set'),
    AB: bit(3, 'rw', 'Accept broadcast'),
    AR: bit(4, 'rw', 'Accept frames shorter than 64 bytes'),
    AER: bit(5, 'rw', 'Accept frames with a bad FCS'),
    EE9356: bit(6, 'ro', 'The EEPROM is a 93C56'),
    WRAP: bit(7, 'rw', 'Of the RTL8139; iPXE sets it', { inert: true }),
    MXDMA: bits(10, 8, 'rw', 'Longest burst: 16 shifted left by this; 7 is unlimited', { inert: true }),
    EARLY_OFF: bit(11, 'rw', 'No early receive', { inert: true }),
    BIT12: bit(12, 'rw', 'Buffer length of the RTL8139, high bit; FreeBSD re sets it', { inert: true }),
    RXFTH: bit(13, 'rw', 'Receive FIFO threshold, low bit, on RTL8169', { inert: true }),
    MULTI_EN: bit(14, 'rw', 'Single fetch in the vendor driver, RX_MULTI_EN in r8169', { inert: true }),
    RX128_INT_EN: bit(15, 'rw', 'Fetches of 128 bytes', { inert: true }),
    MULERINT: bit(24, 'rw', 'Several early interrupts, on RTL8169; iPXE keeps it 0', { inert: true }),
  },
);
export const RXMISSED = reg(
  'RXMISSED',
  0x4c,
  {
    doc: 'Frames that found no descriptor, on RTL8169; r8169 does not read it on PCI Express chips and what it counts there is not public',
    ref: S('4Ch, MPC'),
  },
  { COUNT: bits(23, 0, 'rw', 'Frames; any write clears', { inert: true }) },
);
export const PHYSTATUS = reg(
  'PHYSTATUS',
  0x6c,
  { ...w8, doc: 'What the link is', ref: `${S('6Ch, PHYStatus')}; iPXE RTL_PHYSTATUS, FreeBSD RL_GMEDIASTAT` },
  {
    FULLDUP: bit(0, 'ro', 'Full duplex'),
    LINKSTS: bit(1, 'ro', 'Link'),
    M10: bit(2, 'ro', '10 Mb/s'),
    M100: bit(3, 'ro', '100 Mb/s'),
    M1000: bit(4, 'ro', '1000 Mb/s'),
    RXFLOW: bit(5, 'ro', 'PAUSE is obeyed'),
    TXFLOW: bit(6, 'ro', 'PAUSE is sent'),
    POWER_SAVE: bit(7, 'ro', 'The PHY saves power (DPDK); TBI on RTL8169'),
  },
);
export const MACDBG = word('MACDBG', 0x6d, 'rw', {
  ...w8,
  doc: 'Debug; meaning not public',
  ref: 'FreeBSD RL_MACDBG, DPDK MACDBG: register 6dh',
});
export const GPIO = reg(
  'GPIO',
  0x6e,
  { ...w8, doc: 'Pins', ref: 'FreeBSD RL_GPIO, DPDK GPIO: register 6eh' },
  { EN: bit(0, 'rw', 'Enable', { inert: true }), HIGH: bits(7, 1, 'rw', 'Not public', { inert: true }) },
);
export const ERIDR = word('ERIDR', 0x70, 'rw', {
  doc: 'Data of ERIAR',
  ref: 'r8169 _rtl_eri_read, DPDK rtl_eri_read: register ERIDR',
});
export const ERIAR = reg(
  'ERIAR',
  0x74,
  { doc: 'Extended registers of the MAC', ref: 'r8169 _rtl_eri_read, DPDK rtl_eri_read: register ERIAR' },
  {
    ADDR: bits(11, 0, 'rw', 'Offset, a multiple of 4'),
    BYTE_EN: bits(15, 12, 'rw', 'Byte enables'),
    TYPE: bits(17, 16, 'rw', 'Space', { values: { 0: 'MAC', 1: 'MSI-X', 2: 'OOB' } }),
    ADDR_HI: bits(23, 20, 'rw', 'Offset, bits 15 to 12 (DPDK)'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
export const EPHYAR = reg(
  'EPHYAR',
  0x80,
  { doc: 'Registers of the PCI Express PHY', ref: 'r8169 rtl_ephy_read, DPDK _rtl_ephy_read: register EPHYAR' },
  {
    DATA: bits(15, 0, 'rw', 'Data'),
    REG: bits(21, 16, 'rw', 'Register; r8169 uses five bits, DPDK six'),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done'),
  },
);
/** Of RTL8168DP. In no map: no driver of RTL8168H touches it, and {@link COMBO_LTR} is its third byte. */
export const OCPAR = reg(
  'OCPAR',
  0xb4,
  { doc: 'OCP of RTL8168DP, data in OCPDR', ref: 'r8169 r8168dp_ocp_read, DPDK rtl8168_real_ocp_read: register OCPAR' },
  {
    ADDR: bits(11, 0, 'rw', 'Offset', { inert: true }),
    BYTE_EN: bits(15, 12, 'rw', 'Byte enables', { inert: true }),
    FLAG: bit(31, 'rw', '1 asks for a write and reads 0 when done; 0 asks for a read and reads 1 when done', {
      inert: true,
    }),
  },
);
export const COMBO_LTR = reg(
  'COMBO_LTR',
  0xb6,
  { ...w8, doc: 'Latency messages', ref: 'r8169 rtl_enable_ltr: register COMBO_LTR_EXTEND' },
  { EN: bit(0, 'rw', 'Extended', { inert: true }), HIGH: bits(7, 1, 'rw', 'Not public', { inert: true }) },
);
export const EFUSEAR = reg(
  'EFUSEAR',
  0xdc,
  {
    doc: 'Fuses. Two polarities are known: RTL8168D reads FLAG 1 when the data is there, a later version in DPDK FLAG 0. Which one this chip has is not public; no driver reads its fuses',
    ref: 'r8169 rtl8168d_efuse_read, DPDK EFUSE_*: register EFUSEAR',
  },
  {
    DATA: bits(7, 0, 'rw', 'Data', { inert: true }),
    ADDR: bits(17, 8, 'rw', 'Address', { inert: true }),
    WRITE_V3: bit(30, 'rw', 'Asks for a write in the later version', { inert: true }),
    FLAG: bit(31, 'rw', 'Command and answer', { inert: true }),
  },
);
export const INTRMITIGATE = reg(
  'INTRMITIGATE',
  0xe2,
  {
    ...w16,
    doc: 'Interrupt mitigation: an interrupt comes after the time, or after the frames',
    ref: `${S('E2h, IntrMitigate')}; r8169 rtl_set_coalesce`,
  },
  {
    RX_FRAMES: bits(3, 0, 'rw', 'Received frames, in 4'),
    RX_TIME: bits(7, 4, 'rw', 'Time after a received frame, in units of CPCR.INTT; 0 is at once'),
    TX_FRAMES: bits(11, 8, 'rw', 'Sent frames, in 4'),
    TX_TIME: bits(15, 12, 'rw', 'Time after a sent frame, in units of CPCR.INTT; 0 is at once'),
  },
);
export const MTPS = reg(
  'MTPS',
  0xec,
  { ...w8, doc: 'Longest frame to send', ref: `${S('ECh')}; r8169 rtl_hw_start_8168, FreeBSD RL_EARLY_TX_THRESH` },
  { SIZE: bits(5, 0, 'rw', 'In 128 bytes; 27h where the FIFO is shared') },
);

const V = 'r8168 IntrMask1 to IntrMask3, IntrStatus1 to IntrStatus3: registers 84h to 87h, c0h and c1h';
export const IMR1 = word('IMR1', 0x84, 'rw', {
  ...w8,
  doc: 'Mask of MSI-X vectors 1 and 2, with several receive queues; r8168 writes 0. Stored: the model has one queue',
  ref: V,
  count: 2,
});
export const ISR1 = word('ISR1', 0x86, 'w1c', { ...w8, doc: 'Causes of MSI-X vectors 1 and 2', ref: V, count: 2 });
export const IMR3 = word('IMR3', 0xc0, 'rw', { ...w8, doc: 'Mask of MSI-X vector 3; with one queue 0', ref: V });
export const ISR3 = word('ISR3', 0xc1, 'w1c', { ...w8, doc: 'Causes of MSI-X vector 3', ref: V });
