/** What registers of 82540EM and 82574L share although they differ in other fields, and the registers of a ring, wherever it stands. */
import { type Access, bit, bits, reg, word } from '../define.js';

/** CTRL. */
export const DEVICE_CONTROL = {
  FD: bit(0, 'rw', 'Full duplex when forced'),
  ASDE: bit(5, 'rw', 'Detect speed automatically'),
  SLU: bit(6, 'rw', 'Set link up'),
  ILOS: bit(7, 'rw', 'Invert loss of signal', { inert: true }),
  SPEED: bits(9, 8, 'rw', 'Speed when forced', { values: { 0: '10', 1: '100', 2: '1000' } }),
  FRCSPD: bit(11, 'rw', 'Force speed'),
  FRCDPX: bit(12, 'rw', 'Force duplex'),
  SDP0_DATA: bit(18, 'rw', 'Software-defined pin 0', { inert: true }),
  ADVD3WUC: bit(20, 'rw', 'Advertise wake-up from D3cold'),
  SDP0_IODIR: bit(22, 'rw', 'Pin 0 is an output', { inert: true }),
  RST: bit(26, 'sc', 'Reset the MAC; clears within a microsecond'),
  RFCE: bit(27, 'rw', 'Obey PAUSE frames'),
  TFCE: bit(28, 'rw', 'Send PAUSE frames'),
  VME: bit(30, 'rw', 'VLAN mode: strip and insert tags'),
  PHY_RST: bit(31, 'rw', 'Hold the PHY in reset'),
};

/** STATUS. */
export const DEVICE_STATUS = {
  FD: bit(0, 'ro', 'Full duplex'),
  LU: bit(1, 'ro', 'Link up'),
  TXOFF: bit(4, 'ro', 'Transmitter paused by a PAUSE frame'),
  SPEED: bits(7, 6, 'ro', 'Speed', { values: { 0: '10', 1: '100', 2: '1000', 3: '1000' } }),
  ASDV: bits(9, 8, 'ro', 'Speed found automatically', { values: { 0: '10', 1: '100', 2: '1000', 3: '1000' } }),
};

/** CTRL_EXT. */
export const EXTENDED_CONTROL = {
  GPI_EN: bits(3, 0, 'rw', 'Pins that interrupt', { inert: true }),
  ASDCHK: bit(12, 'sc', 'Look for the speed now'),
  SPD_BYPS: bit(15, 'rw', 'Bypass speed selection', { inert: true }),
  RO_DIS: bit(17, 'rw', 'No relaxed ordering', { inert: true }),
};

/** FLA. */
export const FLASH_PINS = {
  FL_NVM_SK: bit(0, 'rw', 'Clock', { inert: true }),
  FL_CE: bit(1, 'rw', 'Chip select', { inert: true }),
  FL_SI: bit(2, 'rw', 'Data to the flash', { inert: true }),
  FL_SO: bit(3, 'ro', 'Data from the flash', { inert: true }),
  FL_REQ: bit(4, 'rw', 'Software asks for the pins', { inert: true }),
  FL_GNT: bit(5, 'ro', 'Software has the pins', { inert: true }),
};

/** LEDCTL. */
export const LEDS = {
  LED0_MODE: bits(3, 0, 'rw', 'What LED 0 shows', { inert: true }),
  LED0_IVRT: bit(6, 'rw', 'Invert LED 0', { inert: true }),
  LED0_BLINK: bit(7, 'rw', 'Blink LED 0', { inert: true }),
  LED1_MODE: bits(11, 8, 'rw', 'What LED 1 shows', { inert: true }),
  LED1_IVRT: bit(14, 'rw', 'Invert LED 1', { inert: true }),
  LED1_BLINK: bit(15, 'rw', 'Blink LED 1', { inert: true }),
  LED2_MODE: bits(19, 16, 'rw', 'What LED 2 shows', { inert: true }),
  LED2_IVRT: bit(22, 'rw', 'Invert LED 2', { inert: true }),
  LED2_BLINK: bit(23, 'rw', 'Blink LED 2', { inert: true }),
};

/** RCTL. */
export const RECEIVE_CONTROL = {
  EN: bit(1, 'rw', 'Receiver on'),
  SBP: bit(2, 'rw', 'Store bad packets'),
  UPE: bit(3, 'rw', 'Every unicast frame'),
  MPE: bit(4, 'rw', 'Every multicast frame'),
  LPE: bit(5, 'rw', 'Frames longer than 1522 bytes'),
  LBM: bits(7, 6, 'rw', 'Loopback', { values: { 0: 'none', 1: 'MAC', 3: 'PHY' } }),
  RDMTS: bits(9, 8, 'rw', 'RXDMT0 when this part of the ring is free', { values: { 0: '1/2', 1: '1/4', 2: '1/8' } }),
  MO: bits(13, 12, 'rw', 'Bits of the address that index MTA', {
    values: { 0: '47:36', 1: '46:35', 2: '45:34', 3: '43:32' },
  }),
  BAM: bit(15, 'rw', 'Broadcast frames'),
  BSIZE: bits(17, 16, 'rw', 'Buffer size', { values: { 0: '2048', 1: '1024', 2: '512', 3: '256' } }),
  VFE: bit(18, 'rw', 'Filter by VFTA'),
  CFIEN: bit(19, 'rw', 'Filter by CFI'),
  CFI: bit(20, 'rw', 'CFI value that passes'),
  DPF: bit(22, 'rw', 'Discard PAUSE frames'),
  PMCF: bit(23, 'rw', 'Pass MAC control frames'),
  BSEX: bit(25, 'rw', 'Buffer size times 16'),
  SECRC: bit(26, 'rw', 'Strip the FCS'),
};

/** RXCSUM. */
export const RECEIVE_SUMS = {
  PCSS: bits(7, 0, 'rw', 'Byte at which the packet checksum starts'),
  IPOFL: bit(8, 'rw', 'Check IPv4 headers'),
  TUOFL: bit(9, 'rw', 'Check TCP and UDP'),
};

/** TCTL. */
export const TRANSMIT_CONTROL = {
  EN: bit(1, 'rw', 'Transmitter on'),
  PSP: bit(3, 'rw', 'Pad short packets to 64 bytes'),
  CT: bits(11, 4, 'rw', 'Collision threshold', { inert: true }),
  COLD: bits(21, 12, 'rw', 'Collision distance', { inert: true }),
  SWXOFF: bit(22, 'sc', 'Send a PAUSE frame now'),
  PBE: bit(23, 'rw', 'Packet bursts (half duplex)', { inert: true }),
  RTLC: bit(24, 'rw', 'Retransmit on late collision', { inert: true }),
};

/** TIPG. */
export const GAP = {
  IPGT: bits(9, 0, 'rw', 'Gap between frames', { inert: true }),
  IPGR1: bits(19, 10, 'rw', 'Gap part 1', { inert: true }),
  IPGR2: bits(29, 20, 'rw', 'Gap part 2', { inert: true }),
};

/** RXDCTL and TXDCTL. */
export const THRESHOLDS = {
  PTHRESH: bits(5, 0, 'rw', 'Prefetch threshold', { inert: true }),
  HTHRESH: bits(13, 8, 'rw', 'Host threshold', { inert: true }),
  WTHRESH: bits(21, 16, 'rw', 'Write-back threshold', { inert: true }),
  GRAN: bit(24, 'rw', 'Thresholds count descriptors, not cache lines', { inert: true }),
};

/** WUC. */
export const WAKE_CONTROL = {
  APME: bit(0, 'rw', 'Wake on a magic packet, set by firmware'),
  PME_EN: bit(1, 'rw', 'PME#'),
  PME_STATUS: bit(2, 'w1c', 'PME# was asserted'),
  APMPME: bit(3, 'rw', 'Assert PME# on APM wake-up'),
};

/** Legacy receive descriptor: status and errors. */
export const RECEIVED = {
  DD: bit(0, 'rw', 'Descriptor done'),
  EOP: bit(1, 'rw', 'Last of its packet'),
  IXSM: bit(2, 'rw', 'Checksum bits mean nothing'),
  VP: bit(3, 'rw', 'Had an 802.1Q tag, now in SPECIAL'),
  TCPCS: bit(5, 'rw', 'TCP or UDP checksum was looked at'),
  IPCS: bit(6, 'rw', 'IPv4 header checksum was looked at'),
  PIF: bit(7, 'rw', 'Passed an inexact filter'),
  CE: bit(8, 'rw', 'Bad FCS or alignment'),
  SE: bit(9, 'rw', 'Symbol error'),
  SEQ: bit(10, 'rw', 'Sequence error'),
  CXE: bit(12, 'rw', 'Carrier extension error'),
  TCPE: bit(13, 'rw', 'TCP or UDP checksum wrong'),
  IPE: bit(14, 'rw', 'IPv4 header checksum wrong'),
  RXE: bit(15, 'rw', 'RX data error'),
  SPECIAL: bits(31, 16, 'rw', 'Tag control information'),
};

/** Data descriptor: status, options, tag. */
export const DATA_OPTIONS = {
  DD: bit(0, 'rw', 'Descriptor done'),
  IXSM: bit(8, 'rw', 'Insert the IP checksum'),
  TXSM: bit(9, 'rw', 'Insert the TCP or UDP checksum'),
  SPECIAL: bits(31, 16, 'rw', 'Tag control information'),
};

/** ICR, ICS, IMS and IMC. */
export const COMMON_CAUSES = (access: Access) => ({
  TXDW: bit(0, access, 'Transmit descriptor written back'),
  TXQE: bit(1, access, 'Transmit queue empty'),
  LSC: bit(2, access, 'Link status change'),
  RXDMT0: bit(4, access, 'Receive descriptors at the minimum threshold'),
  // Bits 5 and 8 have no cause of their own, yet latch and are masked like the others: self-tests of e1000 and e1000e raise them.
  CAUSE5: bit(5, access, 'No cause sets it; software may'),
  RXO: bit(6, access, 'Receiver overrun'),
  RXT0: bit(7, access, 'Receive timer'),
  CAUSE8: bit(8, access, 'No cause sets it; software may'),
  MDAC: bit(9, access, 'MDI access complete'),
  TXD_LOW: bit(15, access, 'Transmit descriptors at the low threshold'),
  SRPD: bit(16, access, 'Small packet received'),
});

/** WUFC and WUS. */
export const WAKE_FILTERS = (access: Access) => ({
  LNKC: bit(0, access, 'Link change'),
  MAG: bit(1, access, 'Magic packet'),
  EX: bit(2, access, 'Unicast to this station'),
  MC: bit(3, access, 'Multicast that passes the filter'),
  BC: bit(4, access, 'Broadcast'),
  ARP: bit(5, access, 'ARP request for an address of IP4AT'),
  IPV4: bit(6, access, 'IPv4 to an address of IP4AT'),
  IPV6: bit(7, access, 'IPv6 to the address of IP6AT'),
  FLX: bits(19, 16, access, 'Flexible filters 0 to 3'),
});

/**
 * The registers of a ring that say where it is and how far it is filled.
 * @param at where they stand
 * @param old where they stand, too, as on the first chips of the family
 */
export function ringRegisters(
  side: 'Receive' | 'Transmit',
  suffix: '' | '0' | '1',
  at: number,
  old: number | undefined,
  ref: string,
) {
  const own = suffix === '' ? '' : ` ${suffix}`;
  const [fills, reads] =
    side === 'Receive'
      ? ['next descriptor the device fills', 'first descriptor the device may not use']
      : ['next descriptor the device sends', 'first descriptor that is not ready'];
  const name = (register: string): string => `${side.charAt(0)}D${register}${suffix}`;
  const spec = (inside: number, doc: string) => ({ doc, ref, alias: old === undefined ? [] : [old + inside] });
  const head = { ...spec(0x10, `${side} head${own}: ${fills}`), bits: 16 };
  const tail = { ...spec(0x18, `${side} tail${own}: ${reads}`), bits: 16 };
  return {
    BAL: word(name('BAL'), at, 'rw', { ...spec(0, `${side} ring${own} address, low; 16-byte aligned`), lo: 4 }),
    BAH: word(name('BAH'), at + 0x04, 'rw', spec(0x04, `${side} ring${own} address, high`)),
    LEN: reg(name('LEN'), at + 0x08, spec(0x08, `${side} ring${own} length, bytes`), {
      LEN: bits(19, 7, 'rw', 'Length, in 128 bytes'),
    }),
    H: word(name('H'), at + 0x10, 'rw', head),
    T: word(name('T'), at + 0x18, 'rw', tail),
  };
}
