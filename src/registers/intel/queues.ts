/** Receive, transmit, filter and wake-up registers that 82540EM and 82574L have at the same place with the same meaning. */
import { bit, bits, reg, word } from '../define.js';
import { WAKE_FILTERS } from './fields.js';

export const FCRTL = reg(
  'FCRTL',
  0x2160,
  { doc: 'Receive FIFO level below which XON is sent', ref: '8254x §13.4.23, 82574 §10.2.5', alias: [0x0168] },
  {
    RTL: bits(15, 3, 'rw', 'Level, in 8 bytes'),
    XONE: bit(31, 'rw', 'Send XON'),
  },
);

export const FCRTH = reg(
  'FCRTH',
  0x2168,
  { doc: 'Receive FIFO level above which XOFF is sent', ref: '8254x §13.4.24, 82574 §10.2.5', alias: [0x0160] },
  {
    RTH: bits(15, 3, 'rw', 'Level, in 8 bytes'),
  },
);
export const RDTR = reg(
  'RDTR',
  0x2820,
  { doc: 'Receive delay timer', ref: '8254x §13.4.30, 82574 §10.2.5', alias: [0x0108] },
  {
    DELAY: bits(15, 0, 'rw', 'From the last frame to RXT0, in 1.024 us'),
    FPD: bit(31, 'wo', 'Flush: write back and interrupt now'),
  },
);
export const RADV = reg(
  'RADV',
  0x282c,
  { doc: 'Receive absolute delay', ref: '8254x §13.4.31, 82574 §10.2.5' },
  {
    DELAY: bits(15, 0, 'rw', 'From the first frame to RXT0, in 1.024 us'),
  },
);
export const RSRPD = reg(
  'RSRPD',
  0x2c00,
  { doc: 'Small packet detect', ref: '8254x §13.4.32, 82574 §10.2.5' },
  {
    SIZE: bits(11, 0, 'rw', 'Frames of at most this many bytes raise SRPD; 0 is none'),
  },
);
export const AIT = word('AIT', 0x0458, 'rw', { doc: 'Adaptive gap', ref: '8254x §13.4.35, 82574 §10.2.6', bits: 16 });
export const TADV = reg(
  'TADV',
  0x382c,
  { doc: 'Transmit absolute interrupt delay', ref: '8254x §13.4.44, 82574 §10.2.6' },
  {
    IDV: bits(15, 0, 'rw', 'From the first write-back with IDE to TXDW, in 1.024 us'),
  },
);

export const MTA = word('MTA', 0x5200, 'rw', {
  doc: 'Multicast table: 4096 bits',
  ref: '8254x §13.5.1, 82574 §10.2.5',
  count: 128,
  alias: [0x0200],
  volatile: true,
});
export const RAL = word('RAL', 0x5400, 'rw', {
  doc: 'Receive address, bytes 0 to 3',
  ref: '8254x §13.5.2, 82574 §10.2.5',
  count: 16,
  stride: 8,
  alias: [0x0040],
  volatile: true,
});
export const RAH = reg(
  'RAH',
  0x5404,
  {
    doc: 'Receive address, bytes 4 and 5',
    ref: '8254x §13.5.3, 82574 §10.2.5',
    count: 16,
    stride: 8,
    alias: [0x0044],
    volatile: true,
  },
  {
    RAH: bits(15, 0, 'rw', 'Bytes 4 and 5'),
    ASEL: bits(17, 16, 'rw', 'Compared with', { values: { 0: 'destination', 1: 'source' } }),
    AV: bit(31, 'rw', 'The address is valid'),
  },
);
export const VFTA = word('VFTA', 0x5600, 'rw', {
  doc: 'VLAN filter table: 4096 bits',
  ref: '8254x §13.5.4, 82574 §10.2.5',
  count: 128,
  alias: [0x0600],
  volatile: true,
});
export const WUS = reg(
  'WUS',
  0x5810,
  { doc: 'What woke; writing 1 clears', ref: '8254x §13.6.3, 82574 §5.4' },
  WAKE_FILTERS('w1c'),
);
export const IPAV = reg(
  'IPAV',
  0x5838,
  { doc: 'Which IP addresses are valid', ref: '8254x §13.6.4, 82574 §5.4', volatile: true },
  {
    V4: bits(3, 0, 'rw', 'IP4AT entries'),
    V6: bit(16, 'rw', 'IP6AT'),
  },
);
export const IP4AT = word('IP4AT', 0x5840, 'rw', {
  doc: 'IPv4 addresses, as in memory',
  ref: '8254x §13.6.5, 82574 §5.4',
  count: 4,
  stride: 8,
  volatile: true,
});
export const IP6AT = word('IP6AT', 0x5880, 'rw', {
  doc: 'IPv6 address, as in memory',
  ref: '8254x §13.6.5, 82574 §5.4',
  count: 4,
  volatile: true,
});
export const WUPL = word('WUPL', 0x5900, 'ro', {
  doc: 'Length of the frame that woke',
  ref: '8254x §13.6.7, 82574 §5.4',
  bits: 12,
  volatile: true,
});
export const WUPM = word('WUPM', 0x5a00, 'ro', {
  doc: 'First 128 bytes of the frame that woke',
  ref: '8254x §13.6.8, 82574 §5.4',
  count: 32,
  volatile: true,
});
export const FFLT = word('FFLT', 0x5f00, 'rw', {
  doc: 'Flexible filter lengths, bytes',
  ref: '8254x §13.6.9, 82574 §5.4',
  count: 4,
  stride: 8,
  bits: 11,
  volatile: true,
});
export const FFMT = word('FFMT', 0x9000, 'rw', {
  doc: 'Flexible filter masks: bit i for filter i',
  ref: '8254x §13.6.10, 82574 §5.4',
  count: 128,
  stride: 8,
  bits: 4,
  volatile: true,
});
export const FFVT = word('FFVT', 0x9800, 'rw', {
  doc: 'Flexible filter values: byte i for filter i',
  ref: '8254x §13.6.11, 82574 §5.4',
  count: 128,
  stride: 8,
  volatile: true,
});

export const RDFH = word('RDFH', 0x2410, 'rw', {
  doc: 'Receive FIFO head, in 8 bytes',
  ref: '8254x §13.8.1, 82574 §10.2.11',
  bits: 13,
  alias: [0x8000],
});
export const RDFT = word('RDFT', 0x2418, 'rw', {
  doc: 'Receive FIFO tail, in 8 bytes',
  ref: '8254x §13.8.2, 82574 §10.2.11',
  bits: 13,
  alias: [0x8008],
});
export const RDFHS = word('RDFHS', 0x2420, 'rw', {
  doc: 'Receive FIFO saved head',
  ref: '8254x §13.8.3, 82574 §10.2.11',
  bits: 13,
});
export const RDFTS = word('RDFTS', 0x2428, 'rw', {
  doc: 'Receive FIFO saved tail',
  ref: '8254x §13.8.4, 82574 §10.2.11',
  bits: 13,
});
export const RDFPC = word('RDFPC', 0x2430, 'ro', {
  doc: 'Frames in the receive FIFO',
  ref: '8254x §13.8.5, 82574 §10.2.11',
  bits: 13,
});
export const TDFPC = word('TDFPC', 0x3430, 'ro', {
  doc: 'Frames in the transmit FIFO',
  ref: '8254x §13.8.10, 82574 §10.2.11',
  bits: 13,
});
