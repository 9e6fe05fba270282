/** 82540EM: device, EEPROM, PHY access, flow control and interrupt registers. Source: Intel 317453 (8254x SDM), chapter 13. */
import { type Access, bit, bits, reg } from '../define.js';
import { COMMON_CAUSES, DEVICE_CONTROL, DEVICE_STATUS, EXTENDED_CONTROL, FLASH_PINS, LEDS } from '../intel/fields.js';

export const CTRL = reg(
  'CTRL',
  0x0000,
  { doc: 'Device control', ref: '8254x §13.4.1', reset: 0x0000_0241, volatile: true },
  {
    ...DEVICE_CONTROL,
    LRST: bit(3, 'rw', 'Link reset (TBI parts)', { inert: true }),
    SDP1_DATA: bit(19, 'rw', 'Software-defined pin 1', { inert: true }),
    EN_PHY_PWR_MGMT: bit(21, 'rw', 'PHY power management'),
    SDP1_IODIR: bit(23, 'rw', 'Pin 1 is an output', { inert: true }),
  },
);

export const STATUS = reg(
  'STATUS',
  0x0008,
  { doc: 'Device status', ref: '8254x §13.4.2', volatile: true },
  {
    ...DEVICE_STATUS,
    FUNCTION: bits(3, 2, 'ro', 'Port of a dual-port part'),
    TBIMODE: bit(5, 'ro', 'TBI instead of GMII'),
    PCI66: bit(11, 'ro', 'Bus runs at 66 MHz'),
    BUS64: bit(12, 'ro', 'Bus is 64 bits wide'),
    PCIX_MODE: bit(13, 'ro', 'Bus is PCI-X'),
    PCIXSPD: bits(15, 14, 'ro', 'PCI-X speed'),
  },
);

export const EECD = reg(
  'EECD',
  0x0010,
  { doc: 'EEPROM pins (Microwire, bit by bit) and flash control', ref: '8254x §13.4.3', reset: 0x0000_0110 },
  {
    SK: bit(0, 'rw', 'Clock'),
    CS: bit(1, 'rw', 'Chip select'),
    DI: bit(2, 'rw', 'Data to the EEPROM'),
    DO: bit(3, 'ro', 'Data from the EEPROM'),
    FWE: bits(5, 4, 'rw', 'Flash writes: 1 disabled, 2 enabled', { values: { 1: 'off', 2: 'on' } }),
    EE_REQ: bit(6, 'rw', 'Software asks for the pins'),
    EE_GNT: bit(7, 'ro', 'Software has the pins'),
    EE_PRES: bit(8, 'ro', 'An EEPROM is present'),
    EE_SIZE: bit(9, 'ro', '0: 64 words, 6 address bits; 1: 256 words, 8 address bits'),
  },
);

export const EERD = reg(
  'EERD',
  0x0014,
  { doc: 'EEPROM read', ref: '8254x §13.4.4' },
  {
    START: bit(0, 'sc', 'Read the word at ADDR'),
    DONE: bit(4, 'ro', 'DATA is valid'),
    ADDR: bits(15, 8, 'rw', 'Word address'),
    DATA: bits(31, 16, 'ro', 'The word'),
  },
);

export const CTRL_EXT = reg(
  'CTRL_EXT',
  0x0018,
  { doc: 'Extended device control', ref: '8254x §13.4.6', volatile: true },
  {
    ...EXTENDED_CONTROL,
    PHYINT: bit(5, 'ro', 'PHY interrupt pin'),
    SDP6_DATA: bit(6, 'rw', 'Software-defined pin 6', { inert: true }),
    SDP7_DATA: bit(7, 'rw', 'Software-defined pin 7', { inert: true }),
    SDP6_IODIR: bit(10, 'rw', 'Pin 6 is an output', { inert: true }),
    SDP7_IODIR: bit(11, 'rw', 'Pin 7 is an output', { inert: true }),
    EE_RST: bit(13, 'sc', 'Reload from the EEPROM'),
    LINK_MODE: bits(23, 22, 'rw', 'Interface to the PHY', { values: { 0: 'GMII', 2: 'TBI' } }),
  },
);

export const FLA = reg('FLA', 0x001c, { doc: 'Flash pins', ref: '8254x §13.4.5' }, FLASH_PINS);

export const TXCW = reg(
  'TXCW',
  0x0178,
  { doc: 'TBI transmit configuration word', ref: '8254x §13.4.13' },
  {
    CONFIG: bits(15, 0, 'rw', 'Word sent in auto-negotiation (TBI only)', { inert: true }),
    TXC: bit(30, 'rw', 'Send the configuration word', { inert: true }),
    ANE: bit(31, 'rw', 'Auto-negotiation (TBI only)', { inert: true }),
  },
);

export const RXCW = reg(
  'RXCW',
  0x0180,
  { doc: 'TBI receive configuration word', ref: '8254x §13.4.14' },
  {
    CONFIG: bits(15, 0, 'ro', 'Word received (TBI only)', { inert: true }),
    NC: bit(26, 'ro', 'No carrier', { inert: true }),
    IV: bit(27, 'ro', 'Invalid symbols', { inert: true }),
    CC: bit(28, 'ro', 'CONFIG changed', { inert: true }),
    C: bit(29, 'ro', 'Configuration words come in', { inert: true }),
    SYNCH: bit(30, 'ro', 'Synchronised', { inert: true }),
    ANC: bit(31, 'ro', 'Auto-negotiation complete', { inert: true }),
  },
);

const CAUSES = (access: Access) => ({
  ...COMMON_CAUSES(access),
  RXSEQ: bit(3, access, 'Receive sequence error'),
  RXCFG: bit(10, access, 'Configuration words come in (TBI)'),
  PHYINT: bit(12, access, 'PHY interrupt'),
  GPI: bits(14, 13, access, 'Software-defined pins 6 and 7'),
});

export const ICR = reg('ICR', 0x00c0, { doc: 'Interrupt causes; reading clears', ref: '8254x §13.4.17' }, CAUSES('rc'));

export const ICS = reg('ICS', 0x00c8, { doc: 'Interrupt cause set', ref: '8254x §13.4.19' }, CAUSES('wo'));
export const IMS = reg(
  'IMS',
  0x00d0,
  { doc: 'Interrupt mask: causes that interrupt; writing 1 adds', ref: '8254x §13.4.20' },
  CAUSES('sc'),
);
export const IMC = reg(
  'IMC',
  0x00d8,
  { doc: 'Interrupt mask clear: writing 1 removes', ref: '8254x §13.4.21' },
  CAUSES('wo'),
);

export const LEDCTL = reg(
  'LEDCTL',
  0x0e00,
  { doc: 'LED control', ref: '8254x §13.4.15', reset: 0x0706_8302 | 0 },
  {
    ...LEDS,
    LED3_MODE: bits(27, 24, 'rw', 'What LED 3 shows', { inert: true }),
    LED3_IVRT: bit(30, 'rw', 'Invert LED 3', { inert: true }),
    LED3_BLINK: bit(31, 'rw', 'Blink LED 3', { inert: true }),
  },
);

export const PBA = reg(
  'PBA',
  0x1000,
  { doc: 'Packet buffer: KiB for receive, the rest of 64 for transmit', ref: '8254x §13.4.16', reset: 0x0010_0030 },
  {
    RXA: bits(6, 0, 'rw', 'Receive, KiB'),
    TXA: bits(22, 16, 'ro', 'Transmit, KiB'),
  },
);

export const MANC = reg(
  'MANC',
  0x5820,
  { doc: 'Management control', ref: '8254x §13.6.6', volatile: true },
  {
    SMBUS_EN: bit(0, 'rw', 'SMBus enabled', { inert: true }),
    ASF_EN: bit(1, 'rw', 'ASF enabled', { inert: true }),
    R_ON_FORCE: bit(2, 'rw', 'Reset on force TCO', { inert: true }),
    RMCP_EN: bit(8, 'rw', 'Take RMCP 026F', { inert: true }),
    A0298_EN: bit(9, 'rw', 'Take RMCP 0298', { inert: true }),
    ARP_EN: bit(13, 'rw', 'Answer ARP requests', { inert: true }),
    NEIGHBOR_EN: bit(14, 'rw', 'Answer neighbour solicitations', { inert: true }),
    ARP_RES_EN: bit(15, 'rw', 'Answer ARP with the own address', { inert: true }),
    TCO_RESET: bit(16, 'rw', 'TCO reset occurred', { inert: true }),
    RCV_TCO_EN: bit(17, 'rw', 'Receive TCO packets', { inert: true }),
    REPORT_STATUS: bit(18, 'rw', 'Report status', { inert: true }),
    EN_MAC_ADDR_FILTER: bit(20, 'rw', 'Filter management frames by address', { inert: true }),
    EN_MNG2HOST: bit(21, 'rw', 'Hand management frames to the host', { inert: true }),
    EN_IP_ADDR_FILTER: bit(22, 'rw', 'Filter management frames by IP address', { inert: true }),
    EN_XSUM_FILTER: bit(23, 'rw', 'Check management frames', { inert: true }),
    BR_EN: bit(24, 'rw', 'Take broadcasts', { inert: true }),
  },
);
