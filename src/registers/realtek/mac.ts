/**
 * MAC registers that RTL8168H and RTL8125B have at the same place with the same meaning. The family's only public register
 * document is RTL8169's (rev. 1.21); what came later is known from drivers, named in each `ref`.
 * Bits nobody names keep their reset value. A reset value that is "not fixed" is loaded from EEPROM or fuses, or not public.
 */
import { bit, bits, reg, word } from '../define.js';

const S = (offset: string): string => `RTL8169 specification, register ${offset}`;
const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

export const IDR0 = word('IDR0', 0x00, 'rw', {
  doc: 'Station address, bytes 0 to 3, the first in the low byte. Written as 32 bits while CFG9346 allows it',
  ref: S('00h, IDR0'),
  volatile: true,
});
export const IDR4 = reg(
  'IDR4',
  0x04,
  { doc: 'Station address, bytes 4 and 5. Drivers write it before IDR0', ref: S('04h, IDR4'), volatile: true },
  { VALUE: bits(15, 0, 'rw', 'Bytes 4 and 5'), ZERO: bits(31, 16, 'rw', 'Written as 0', { inert: true }) },
);
export const MAR0 = word('MAR0', 0x08, 'rw', {
  doc: 'Multicast hash, bits 63 to 32 with the bytes swapped (PCI Express chips). The bit is the top 6 of the CRC-32',
  ref: `${S('08h, MAR')}; r8169 rtl_set_rx_mode for the swap`,
});
export const MAR4 = word('MAR4', 0x0c, 'rw', {
  doc: 'Multicast hash, bits 31 to 0 with the bytes swapped (PCI Express chips). Written before MAR0',
  ref: `${S('0Ch, MAR')}; r8169 rtl_set_rx_mode for the swap`,
});
export const DTCCR = reg(
  'DTCCR',
  0x10,
  { doc: 'Dump tally counters: address, low, and command; the address is a multiple of 64', ref: S('10h, DTCCR') },
  {
    RESET: bit(
      0,
      'sc',
      'Clear the counters; reads 1 until done (r8169 rtl8169_do_counters, DPDK rtl_clear_tally_stats)',
    ),
    CMD: bit(3, 'sc', 'Write the counters to memory; reads 1 until done. Needs CR.RE on some chips'),
    ADDR: bits(31, 6, 'rw', 'Address bits 31 to 6'),
  },
);
export const DTCCR_HI = word('DTCCR_HI', 0x14, 'rw', {
  doc: 'Dump tally counters: address, high. Written before DTCCR',
  ref: S('14h, DTCCR'),
});
export const TNPDS_LO = reg(
  'TNPDS_LO',
  0x20,
  { doc: 'Transmit ring of normal priority, low', ref: S('20h, TNPDS') },
  { ADDR: bits(31, 8, 'rw', 'Address; the ring starts at a multiple of 256') },
);
export const TNPDS_HI = word('TNPDS_HI', 0x24, 'rw', {
  doc: 'Transmit ring of normal priority, high. r8169 writes it before TNPDS_LO, OpenBSD rge after it',
  ref: S('24h, TNPDS'),
});
export const CR = reg(
  'CR',
  0x37,
  { ...w8, doc: 'Command', ref: S('37h, CR') },
  {
    BUFE: bit(0, 'ro', 'Receive buffer empty: of the RTL8139 way of receiving'),
    TE: bit(2, 'rw', 'Transmitter on'),
    RE: bit(3, 'rw', 'Receiver on'),
    RST: bit(4, 'sc', 'Reset; reads 1 until done, at most 10 ms'),
    STOP_REQ: bit(7, 'rw', 'Stop fetching; FreeBSD re and r8169 rtl_wait_txrx_fifo_empty set it before a reset'),
  },
);
export const TCTR = word('TCTR', 0x48, 'rw', {
  doc: 'Timer count; any write makes it 0. Counts the 125 MHz clock on PCI Express (FreeBSD RL_TIMER_PCIE_CLK)',
  ref: S('48h, TCTR'),
});
export const CFG9346 = reg(
  'CFG9346',
  0x50,
  { ...w8, doc: 'EEPROM pins, and the lock of CONFIG0 to 5 and of the station address', ref: S('50h, 9346CR') },
  {
    EEDO: bit(0, 'ro', 'Data from the EEPROM'),
    EEDI: bit(1, 'rw', 'Data to the EEPROM'),
    EESK: bit(2, 'rw', 'Clock'),
    EECS: bit(3, 'rw', 'Chip select'),
    EEM: bits(7, 6, 'rw', 'Mode', { values: { 0: 'normal', 1: 'auto-load', 2: 'program', 3: 'config write' } }),
  },
);
export const CONFIG0 = reg(
  'CONFIG0',
  0x51,
  { ...w8, doc: 'Configuration 0', ref: S('51h, CONFIG0'), volatile: true },
  { BS: bits(2, 0, 'ro', 'Size of the boot ROM', { inert: true }) },
);
export const CONFIG1 = reg(
  'CONFIG1',
  0x52,
  { ...w8, doc: 'Configuration 1', ref: S('52h, CONFIG1'), reset: 0x0f, volatile: true },
  {
    PMEN: bit(0, 'rw', 'Power management capability'),
    VPD: bit(1, 'rw', 'Vital product data capability; iPXE keeps no options in the EEPROM then'),
    IOMAP: bit(2, 'ro', 'Registers stand in I/O space'),
    MEMMAP: bit(3, 'ro', 'Registers stand in memory space'),
    SPEED_DOWN: bit(4, 'rw', 'Lower the speed when idle; LWACT on RTL8169', { inert: true }),
    DRVLOAD: bit(5, 'rw', 'A driver is loaded', { inert: true }),
    LEDS0: bit(6, 'rw', 'LED pins, low bit', { inert: true }),
    LEDS1: bit(7, 'rw', 'LED pins, high bit', { inert: true }),
  },
);
export const CONFIG2 = reg(
  'CONFIG2',
  0x53,
  { ...w8, doc: 'Configuration 2', ref: `${S('53h, CONFIG2')}; r8169 and FreeBSD re for bits 5 and 7`, volatile: true },
  {
    AUX_STATUS: bit(4, 'ro', 'Auxiliary power is present'),
    PME_SIGNAL: bit(5, 'rw', 'PME# is signalled; PMSTS_En in DPDK'),
    CLKREQ_EN: bit(7, 'rw', 'The reference clock may be stopped', { inert: true }),
  },
);
export const CONFIG3 = reg(
  'CONFIG3',
  0x54,
  { ...w8, doc: 'Configuration 3', ref: `${S('54h, CONFIG3')}; r8169 and DPDK r8169 for bits 0 to 3`, volatile: true },
  {
    BEACON_EN: bit(0, 'rw', 'PCI Express beacon', { inert: true }),
    RDY_TO_L23: bit(1, 'rw', 'L2/L3 may be entered', { inert: true }),
    JUMBO_EN0: bit(2, 'rw', 'Jumbo frames, of RTL8168C to E; later chips always take them', { inert: true }),
    ECRC_EN: bit(3, 'rw', 'End-to-end CRC', { inert: true }),
    LINK_UP: bit(4, 'rw', 'Wake when the link comes'),
    MAGIC: bit(5, 'rw', 'Wake on a magic packet, up to RTL8168E; later in ERI or MAC OCP', { inert: true }),
  },
);
export const CONFIG4 = reg(
  'CONFIG4',
  0x55,
  {
    ...w8,
    doc: 'Configuration 4',
    ref: `${S('55h, CONFIG4')}; r8169 rtl_jumbo_config for bits 0 and 1`,
    volatile: true,
  },
  {
    JUMBO_EN: bit(0, 'rw', 'Jumbo frames, of RTL8168B and E', { inert: true }),
    JUMBO_EN1: bit(1, 'rw', 'Jumbo frames, of RTL8168C and D', { inert: true }),
    LWPTN: bit(2, 'rw', 'Pattern of the LAN wake pin', { inert: true }),
    LWPME: bit(4, 'rw', 'LAN wake pin only in D3cold', { inert: true }),
  },
);
export const CONFIG5 = reg(
  'CONFIG5',
  0x56,
  { ...w8, doc: 'Configuration 5', ref: `${S('56h, CONFIG5')}; r8169 and DPDK r8169 for ASPM`, volatile: true },
  {
    ASPM_EN: bit(0, 'rw', 'ASPM; PME_STS on RTL8169', { inert: true }),
    LANWAKE: bit(1, 'rw', 'LAN wake signal'),
    SPI_EN: bit(3, 'rw', 'SPI flash', { inert: true }),
    UWF: bit(4, 'rw', 'Wake on a unicast frame'),
    MWF: bit(5, 'rw', 'Wake on a multicast frame'),
    BWF: bit(6, 'rw', 'Wake on a broadcast frame'),
  },
);
export const TDFNR = reg(
  'TDFNR',
  0x57,
  {
    ...w8,
    doc: 'How many transmit descriptors are fetched at once',
    ref: 'OpenBSD rge and DPDK r8169: register TDFNR',
  },
  { NUMBER: bits(4, 0, 'rw', 'Descriptors', { inert: true }) },
);
export const TIMERINT0 = word('TIMERINT0', 0x58, 'rw', {
  doc: 'Timer interrupt 0: the count of TCTR that sets PCS timeout; 0 is off',
  ref: S('58h, TimerInt'),
});
export const TIMERINT1 = word('TIMERINT1', 0x5c, 'rw', {
  doc: 'Timer interrupt 1; drivers write 0. The cause that it sets is not public: it is stored',
  ref: 'OpenBSD rge, DPDK rtl_hw_clear_timer_int: register TimeInt1',
});
export const TIMERINT2 = word('TIMERINT2', 0x8c, 'rw', {
  doc: 'Timer interrupt 2; drivers write 0. The cause that it sets is not public: it is stored',
  ref: 'OpenBSD rge, DPDK rtl_hw_clear_timer_int: register TimeInt2',
});
export const TIMERINT3 = word('TIMERINT3', 0xf4, 'rw', {
  doc: 'Timer interrupt 3; drivers write 0. The cause that it sets is not public: it is stored',
  ref: 'OpenBSD rge, DPDK rtl_hw_clear_timer_int: register TimeInt3',
});
export const PMCH = reg(
  'PMCH',
  0x6f,
  {
    ...w8,
    doc: 'PLL in low power',
    ref: 'r8169 rtl_set_d3_pll_down, DPDK rtl_powerdown_pll: register PMCH',
    reset: 0xc0,
    volatile: true,
  },
  {
    D3HOT_NO_PLL_DOWN: bit(6, 'rw', 'The PLL runs in D3hot'),
    D3COLD_NO_PLL_DOWN: bit(7, 'rw', 'The PLL runs in D3cold; cleared when nothing shall wake'),
  },
);
export const DLLPR = reg(
  'DLLPR',
  0xd0,
  { ...w8, doc: 'Power saving', ref: 'r8169 rtl_hw_start_8168h_1, DPDK rtl8125_hw_config: register DLLPR' },
  {
    PFM_EN: bit(6, 'rw', 'PFM mode', { inert: true }),
    TX_10M_PS_EN: bit(7, 'rw', 'Power saving at 10 Mb/s', { inert: true }),
  },
);
export const DBG_REG = reg(
  'DBG_REG',
  0xd1,
  { ...w8, doc: 'Debug; only older chips need it', ref: 'r8169 rtl_hw_start_8168c_1, DPDK r8169: register DBG_reg' },
  {
    DBGPIN_E2: bit(0, 'rw', 'Debug pin', { inert: true }),
    FIX_NAK_2: bit(3, 'rw', 'Work-around for a NAK', { inert: true }),
    FIX_NAK_1: bit(4, 'rw', 'Work-around for a NAK', { inert: true }),
  },
);
export const TWSI = word('TWSI', 0xd2, 'rw', {
  ...w8,
  doc: 'Two-wire interface; meaning not public',
  ref: 'OpenBSD rge (TWICMD), DPDK r8169 (TwiCmdReg): register d2h',
});
export const MCU = reg(
  'MCU',
  0xd3,
  {
    ...w8,
    doc: 'Management processor, and whether the FIFOs are empty. After power-on NOW_IS_OOB may be set by firmware',
    ref: 'r8169 rtl_hw_init_8168g and rtl_wait_txrx_fifo_empty, DPDK rtl_wait_txrx_fifo_empty: register MCU',
    reset: 0x32,
    volatile: true,
  },
  {
    LINK_LIST_RDY: bit(
      1,
      'ro',
      'The descriptor list of the shared FIFO is ready; drivers wait for 1, OpenBSD by a word at d2h',
    ),
    EN_OOB_RESET: bit(2, 'rw', 'Reset while out of band, of RTL8105E and 8106E', { inert: true }),
    EN_NDP: bit(3, 'rw', 'Neighbour discovery while asleep, of RTL8105E and 8106E', { inert: true }),
    RX_EMPTY: bit(4, 'ro', 'Receive FIFO empty; drivers wait for 1 behind the RXDV gate'),
    TX_EMPTY: bit(5, 'ro', 'Transmit FIFO empty; drivers wait for 1 behind the RXDV gate'),
    NOW_IS_OOB: bit(7, 'rw', 'Out of band: the management processor has the receiver; drivers clear it'),
  },
);
export const RMS = word('RMS', 0xda, 'rw', {
  ...w16,
  doc: 'Longest frame received, FCS included; longer ones are dropped. All bits keep what is written: iPXE tells the 8139 by it',
  ref: S('DAh, RMS'),
});
export const CPCR = reg(
  'CPCR',
  0xe0,
  {
    ...w16,
    doc: 'C+ command. The value after power-on is not public; r8169 keeps NORMAL_MODE and INTT as found',
    ref: `${S('E0h, C+CR')}; r8169 and DPDK r8169 for bits 7 to 15`,
    reset: 0x2000,
    volatile: true,
  },
  {
    INTT: bits(1, 0, 'rw', 'Unit of the interrupt mitigation timers; receive and transmit enable of RTL8139C+', {
      values: { 0: '5 us', 1: '40 us', 2: '80 us', 3: '160 us' },
    }),
    MACDBGO_SEL: bits(4, 2, 'rw', 'Debug output; PCI multiple read/write (3) and dual address (4) of RTL8169', {
      inert: true,
    }),
    RXCHKSUM: bit(5, 'rw', 'Check IPv4, TCP and UDP checksums of received frames'),
    RXVLAN: bit(6, 'rw', 'Take 802.1Q tags out of received frames; on RTL8125 RCR does it'),
    PKTCNTR_DISABLE: bit(7, 'rw', 'Mitigation does not count packets'),
    ASF: bit(8, 'rw', 'Alert standard format', { inert: true }),
    CXPL_DBG_SEL: bit(9, 'rw', 'Debug', { inert: true }),
    FORCE_TXFLOW: bit(10, 'rw', 'Send PAUSE whatever was negotiated', { inert: true }),
    FORCE_RXFLOW: bit(11, 'rw', 'Obey PAUSE whatever was negotiated', { inert: true }),
    FORCE_HALFDUP: bit(12, 'rw', 'Half duplex whatever was negotiated', { inert: true }),
    NORMAL_MODE: bit(13, 'rw', 'Not a test mode', { inert: true }),
    MACDBGO_OE: bit(14, 'rw', 'Debug output enable', { inert: true }),
    BIST: bit(15, 'rw', 'Built-in self test', { inert: true }),
  },
);
export const RDSAR_LO = reg(
  'RDSAR_LO',
  0xe4,
  { doc: 'Receive ring, low', ref: S('E4h, RDSAR') },
  { ADDR: bits(31, 8, 'rw', 'Address; the ring starts at a multiple of 256') },
);
export const RDSAR_HI = word('RDSAR_HI', 0xe8, 'rw', {
  doc: 'Receive ring, high. r8169 writes it before RDSAR_LO, OpenBSD rge after it',
  ref: S('E8h, RDSAR'),
});
export const MISC = reg(
  'MISC',
  0xf0,
  {
    doc: 'Miscellaneous. Must come up as 0: iPXE never opens the RXDV gate. Byte f2h of it is MISC_1',
    ref: 'r8169 rtl_enable_rxdvgate and rtl_hw_start_8168h_1, DPDK rtl_enable_rxdvgate: registers f0h to f3h',
  },
  {
    FORCE_CLKREQ: bit(15, 'rw', 'Clock request of the MAC (DPDK rtl_enable_force_clkreq, OpenBSD rge)', {
      inert: true,
    }),
    EARLY_TALLY_EN: bit(16, 'rw', 'Early tally counter', { inert: true }),
    RXDV_GATED_EN: bit(19, 'rw', 'Nothing is received: the gate behind the PHY is shut'),
    PHY_DISABLE: bit(21, 'rw', 'A pin may turn the PHY off (DPDK); OpenBSD clears it while it patches the PHY', {
      inert: true,
    }),
    PFM_D3COLD_EN: bit(22, 'rw', 'PFM mode in D3cold; PWM_EN in r8169 when it writes 32 bits', { inert: true }),
    DISABLE_LAN_EN: bit(23, 'rw', 'A pin may turn the NIC off', { inert: true }),
    TXPLA_RST: bit(29, 'rw', 'Reset of the transmit FIFO pointer', { inert: true }),
  },
);
/** The byte of {@link MISC} that drivers touch alone; PPSW in OpenBSD and DPDK. It is in no map: MISC is. */
export const MISC_1 = reg(
  'MISC_1',
  0xf2,
  { ...w8, doc: 'Third byte of MISC', ref: 'r8169 rtl_hw_start_8168h_1, DPDK rtl_disable_rxdvgate: register f2h' },
  {
    RXDV_GATED_EN: bit(3, 'rw', 'MISC.RXDV_GATED_EN'),
    PHY_DISABLE: bit(5, 'rw', 'MISC.PHY_DISABLE', { inert: true }),
    PFM_D3COLD_EN: bit(6, 'rw', 'MISC.PFM_D3COLD_EN', { inert: true }),
  },
);
