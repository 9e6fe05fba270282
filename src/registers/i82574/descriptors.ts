/** 82574L: descriptor words in memory, little-endian. Source: Intel 317694 (82574 datasheet), §7.1 and §7.2. */
import { bit, bits, reg, word } from '../define.js';
import { DATA_OPTIONS, RECEIVED } from '../intel/fields.js';
export const RXD_STATUS = reg(
  'RXD_STATUS',
  12,
  { doc: 'Status, errors and tag', ref: '82574 §7.1' },
  {
    ...RECEIVED,
    UDPCS: bit(4, 'rw', 'UDP checksum was looked at'),
  },
);

/** Extended receive descriptor as the device writes it back; software gives it the buffer address in the first 8 bytes. */
export const RXDX_MRQ = reg(
  'RXDX_MRQ',
  0,
  { doc: 'Extended receive descriptor: how the queue was chosen', ref: '82574 §7.1' },
  {
    RSS_TYPE: bits(3, 0, 'rw', 'What was hashed', {
      values: { 0: 'none', 1: 'TcpIPv4', 2: 'IPv4', 3: 'TcpIPv6', 4: 'IPv6Ex', 5: 'IPv6' },
    }),
    QUEUE: bits(12, 8, 'rw', 'Queue'),
  },
);
export const RXDX_RSS = word('RXDX_RSS', 4, 'rw', {
  doc: 'Extended receive descriptor: RSS hash, with RXCSUM.PCSD',
  ref: '82574 §7.1',
});
/** The same word without RXCSUM.PCSD. */
export const RXDX_CSUM = reg(
  'RXDX_CSUM',
  4,
  { doc: 'Extended receive descriptor: packet checksum, without RXCSUM.PCSD', ref: '82574 §7.1' },
  {
    IPID: bits(15, 0, 'rw', 'IP identification of a fragment'),
    CSUM: bits(31, 16, 'rw', 'Packet or fragment checksum'),
  },
);
export const RXDX_STATERR = reg(
  'RXDX_STATERR',
  8,
  { doc: 'Extended and packet-split receive descriptor: status and errors', ref: '82574 §7.1' },
  {
    DD: bit(0, 'rw', 'Descriptor done'),
    EOP: bit(1, 'rw', 'Last of its packet'),
    IXSM: bit(2, 'rw', 'Checksum bits mean nothing'),
    VP: bit(3, 'rw', 'Had an 802.1Q tag, now in VLAN'),
    UDPCS: bit(4, 'rw', 'UDP checksum was looked at'),
    TCPCS: bit(5, 'rw', 'TCP or UDP checksum was looked at'),
    IPCS: bit(6, 'rw', 'IPv4 header checksum was looked at'),
    PIF: bit(7, 'rw', 'Passed an inexact filter'),
    TST: bit(8, 'rw', 'A time stamp was taken, in RXSTMPL and RXSTMPH'),
    IPIDV: bit(9, 'rw', 'IPID is valid: an IPv4 fragment'),
    UDPV: bit(10, 'rw', 'A fragmented UDP datagram has a checksum'),
    ACK: bit(15, 'rw', 'A TCP ACK without payload'),
    PTYPE: bits(19, 16, 'rw', 'What the packet is', {
      values: { 0: 'MAC', 1: 'IPv4', 2: 'IPv4 TCP/UDP', 5: 'IPv6', 6: 'IPv6 TCP/UDP' },
    }),
    CE: bit(24, 'rw', 'Bad FCS or alignment'),
    SE: bit(25, 'rw', 'Symbol error'),
    SEQ: bit(26, 'rw', 'Sequence error'),
    CXE: bit(28, 'rw', 'Carrier extension error'),
    TCPE: bit(29, 'rw', 'TCP or UDP checksum wrong'),
    IPE: bit(30, 'rw', 'IPv4 header checksum wrong'),
    RXE: bit(31, 'rw', 'RX data error'),
  },
);
/** The same word, with what a legacy descriptor has of it. */
export const RXDX_BYTES = reg(
  'RXDX_BYTES',
  8,
  { doc: 'Extended receive descriptor: the bytes that a legacy one shares', ref: '82574 §7.1' },
  {
    STATUS: bits(7, 0, 'rw', 'Status'),
    ERRORS: bits(31, 24, 'rw', 'Errors'),
  },
);
/** {@link RXD_STATUS} by bytes. */
export const RXD_BYTES = reg(
  'RXD_BYTES',
  12,
  { doc: 'Legacy receive descriptor: status, errors and tag by bytes', ref: '82574 §7.1' },
  {
    STATUS: bits(7, 0, 'rw', 'Status'),
    ERRORS: bits(15, 8, 'rw', 'Errors'),
    SPECIAL: bits(31, 16, 'rw', 'Tag control information'),
  },
);
export const RXDX_LENGTH = reg(
  'RXDX_LENGTH',
  12,
  { doc: 'Extended receive descriptor: length and tag; packet-split: length of buffer 0 and tag', ref: '82574 §7.1' },
  {
    LENGTH: bits(15, 0, 'rw', 'Bytes in the buffer, FCS included unless RCTL.SECRC'),
    VLAN: bits(31, 16, 'rw', 'Tag control information'),
  },
);

/** Bytes of a packet-split receive descriptor: four buffer addresses, then written back like an extended one. */
export const SPLIT_DESCRIPTOR_BYTES = 32;
/** Buffers of a packet-split descriptor: headers, then three pieces of payload. */
export const SPLIT_BUFFERS = 4;
export const RXDS_ADDRL = word('RXDS_ADDRL', 0, 'rw', {
  doc: 'Packet-split descriptor: address of buffer 0 to 3, low',
  ref: '82574 §7.1',
  count: 4,
  stride: 8,
});
export const RXDS_ADDRH = word('RXDS_ADDRH', 4, 'rw', {
  doc: 'Packet-split descriptor: address of buffer 0 to 3, high',
  ref: '82574 §7.1',
  count: 4,
  stride: 8,
});
export const RXDS_HEADER = reg(
  'RXDS_HEADER',
  16,
  { doc: 'Packet-split descriptor: header status and length of buffer 1', ref: '82574 §7.1' },
  {
    HDR_LEN: bits(9, 0, 'rw', 'Bytes of headers that were recognised'),
    HDRSP: bit(15, 'rw', 'Headers and payload are in different buffers'),
    LENGTH1: bits(31, 16, 'rw', 'Bytes in buffer 1'),
  },
);
export const RXDS_LENGTHS = reg(
  'RXDS_LENGTHS',
  20,
  { doc: 'Packet-split descriptor: lengths of buffers 2 and 3', ref: '82574 §7.1' },
  {
    LENGTH2: bits(15, 0, 'rw', 'Bytes in buffer 2'),
    LENGTH3: bits(31, 16, 'rw', 'Bytes in buffer 3'),
  },
);
export const TXD_POPTS = reg(
  'TXD_POPTS',
  12,
  { doc: 'Data descriptor: status, options, tag', ref: '82574 §7.2' },
  {
    ...DATA_OPTIONS,
    TSTAMP: bit(4, 'rw', 'Take a time stamp when it leaves (ExtCMD)'),
  },
);
