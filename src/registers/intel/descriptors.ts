/** Descriptor words in memory that 82540EM and 82574L have alike, 16 bytes each, little-endian. */
import { bit, bits, reg, word } from '../define.js';

/** Bytes of every descriptor. */
export const DESCRIPTOR_BYTES = 16;

export const RXD_ADDRL = word('RXD_ADDRL', 0, 'rw', { doc: 'Buffer address, low', ref: '8254x §3.2.3, 82574 §7.1' });
export const RXD_ADDRH = word('RXD_ADDRH', 4, 'rw', { doc: 'Buffer address, high', ref: '8254x §3.2.3, 82574 §7.1' });
export const RXD_LENGTH = reg(
  'RXD_LENGTH',
  8,
  { doc: 'Length and packet checksum', ref: '8254x §3.2.3, 82574 §7.1' },
  {
    LENGTH: bits(15, 0, 'rw', 'Bytes in the buffer, FCS included unless RCTL.SECRC'),
    CSUM: bits(31, 16, 'rw', 'Ones complement sum from RXCSUM.PCSS on'),
  },
);

export const TXD_ADDRL = word('TXD_ADDRL', 0, 'rw', { doc: 'Buffer address, low', ref: '8254x §3.3.3, 82574 §7.2' });
export const TXD_ADDRH = word('TXD_ADDRH', 4, 'rw', { doc: 'Buffer address, high', ref: '8254x §3.3.3, 82574 §7.2' });

/** Command bits stand at the same place in all three formats. */
export const TXD_CMD = reg(
  'TXD_CMD',
  8,
  { doc: 'Legacy transmit descriptor: length and command', ref: '8254x §3.3.3, 82574 §7.2' },
  {
    LENGTH: bits(15, 0, 'rw', 'Bytes in the buffer'),
    CSO: bits(23, 16, 'rw', 'Where the checksum goes (IC)'),
    EOP: bit(24, 'rw', 'Last of its packet'),
    IFCS: bit(25, 'rw', 'Insert the FCS'),
    IC: bit(26, 'rw', 'Insert a checksum from CSS on at CSO'),
    RS: bit(27, 'rw', 'Report status: write DD'),
    RPS: bit(28, 'rw', 'Report when sent'),
    DEXT: bit(29, 'rw', 'Not a legacy descriptor'),
    VLE: bit(30, 'rw', 'Insert the tag of SPECIAL'),
    IDE: bit(31, 'rw', 'Delay the interrupt by TIDV'),
  },
);
export const TXD_STATUS = reg(
  'TXD_STATUS',
  12,
  { doc: 'Legacy transmit descriptor: status and tag', ref: '8254x §3.3.3, 82574 §7.2' },
  {
    DD: bit(0, 'rw', 'Descriptor done'),
    EC: bit(1, 'rw', 'Excess collisions'),
    LC: bit(2, 'rw', 'Late collision'),
    TU: bit(3, 'rw', 'Transmit underrun'),
    CSS: bits(15, 8, 'rw', 'Where summing starts (IC)'),
    SPECIAL: bits(31, 16, 'rw', 'Tag control information'),
  },
);

export const TXD_DATA = reg(
  'TXD_DATA',
  8,
  { doc: 'Data descriptor: length, type, command', ref: '8254x §3.3.7, 82574 §7.2' },
  {
    DTALEN: bits(19, 0, 'rw', 'Bytes in the buffer'),
    DTYP: bits(23, 20, 'rw', 'Type', { values: { 0: 'context', 1: 'data' } }),
    EOP: bit(24, 'rw', 'Last of its packet'),
    IFCS: bit(25, 'rw', 'Insert the FCS'),
    TSE: bit(26, 'rw', 'Segment'),
    RS: bit(27, 'rw', 'Report status: write DD'),
    RPS: bit(28, 'rw', 'Report when sent'),
    DEXT: bit(29, 'rw', '1'),
    VLE: bit(30, 'rw', 'Insert the tag of SPECIAL'),
    IDE: bit(31, 'rw', 'Delay the interrupt by TIDV'),
  },
);

export const CTX_IP = reg(
  'CTX_IP',
  0,
  { doc: 'Context descriptor: IP checksum', ref: '8254x §3.3.6, 82574 §7.2' },
  {
    IPCSS: bits(7, 0, 'rw', 'Start'),
    IPCSO: bits(15, 8, 'rw', 'Offset of the field'),
    IPCSE: bits(31, 16, 'rw', 'Last byte; 0 is the end of the packet'),
  },
);
export const CTX_TU = reg(
  'CTX_TU',
  4,
  { doc: 'Context descriptor: TCP or UDP checksum', ref: '8254x §3.3.6, 82574 §7.2' },
  {
    TUCSS: bits(7, 0, 'rw', 'Start'),
    TUCSO: bits(15, 8, 'rw', 'Offset of the field'),
    TUCSE: bits(31, 16, 'rw', 'Last byte; 0 is the end of the packet'),
  },
);
export const CTX_CMD = reg(
  'CTX_CMD',
  8,
  { doc: 'Context descriptor: payload length and command', ref: '8254x §3.3.6, 82574 §7.2' },
  {
    PAYLEN: bits(19, 0, 'rw', 'TCP payload bytes of the whole send'),
    DTYP: bits(23, 20, 'rw', '0'),
    TCP: bit(24, 'rw', 'TCP, not UDP'),
    IP: bit(25, 'rw', 'IPv4, not IPv6'),
    TSE: bit(26, 'rw', 'For segmentation'),
    RS: bit(27, 'rw', 'Report status: write DD'),
    DEXT: bit(29, 'rw', '1'),
    IDE: bit(31, 'rw', 'Delay the interrupt by TIDV'),
  },
);
export const CTX_MSS = reg(
  'CTX_MSS',
  12,
  { doc: 'Context descriptor: status, header length, segment size', ref: '8254x §3.3.6, 82574 §7.2' },
  {
    DD: bit(0, 'rw', 'Descriptor done'),
    HDRLEN: bits(15, 8, 'rw', 'Bytes of header repeated before each segment'),
    MSS: bits(31, 16, 'rw', 'Payload bytes of a segment'),
  },
);
