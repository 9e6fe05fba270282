/** 82540EM: receive, transmit, filter and wake-up registers. Source: Intel 317453 (8254x SDM), chapter 13. */
import { bit, bits, reg, word } from '../define.js';

export const RCTL = reg(
  'RCTL',
  0x0100,
  { doc: 'Receive control', ref: '8254x §13.4.22' },
  {
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
  },
);

export const FCRTL = reg(
  'FCRTL',
  0x2160,
  { doc: 'Receive FIFO level below which XON is sent', ref: '8254x §13.4.23', alias: [0x0168] },
  {
    RTL: bits(15, 3, 'rw', 'Level, in 8 bytes'),
    XONE: bit(31, 'rw', 'Send XON'),
  },
);

export const FCRTH = reg(
  'FCRTH',
  0x2168,
  { doc: 'Receive FIFO level above which XOFF is sent', ref: '8254x §13.4.24', alias: [0x0160] },
  {
    RTH: bits(15, 3, 'rw', 'Level, in 8 bytes'),
  },
);

export const RDBAL = word('RDBAL', 0x2800, 'rw', {
  doc: 'Receive ring address, low; 16-byte aligned',
  ref: '8254x §13.4.25',
  lo: 4,
  alias: [0x0110],
});
export const RDBAH = word('RDBAH', 0x2804, 'rw', {
  doc: 'Receive ring address, high',
  ref: '8254x §13.4.26',
  alias: [0x0114],
});
export const RDLEN = reg(
  'RDLEN',
  0x2808,
  { doc: 'Receive ring length, bytes', ref: '8254x §13.4.27', alias: [0x0118] },
  {
    LEN: bits(19, 7, 'rw', 'Length, in 128 bytes'),
  },
);
export const RDH = word('RDH', 0x2810, 'rw', {
  doc: 'Receive head: next descriptor the device fills',
  ref: '8254x §13.4.28',
  bits: 16,
  alias: [0x0120],
});
export const RDT = word('RDT', 0x2818, 'rw', {
  doc: 'Receive tail: first descriptor the device may not use',
  ref: '8254x §13.4.29',
  bits: 16,
  alias: [0x0128],
});
export const RDTR = reg(
  'RDTR',
  0x2820,
  { doc: 'Receive delay timer', ref: '8254x §13.4.30', alias: [0x0108] },
  {
    DELAY: bits(15, 0, 'rw', 'From the last frame to RXT0, in 1.024 us'),
    FPD: bit(31, 'wo', 'Flush: write back and interrupt now'),
  },
);
export const RXDCTL = reg(
  'RXDCTL',
  0x2828,
  { doc: 'Receive descriptor control', ref: '8254x §13.4.46', reset: 0x0101_0000 },
  {
    PTHRESH: bits(5, 0, 'rw', 'Prefetch threshold', { inert: true }),
    HTHRESH: bits(13, 8, 'rw', 'Host threshold', { inert: true }),
    WTHRESH: bits(21, 16, 'rw', 'Write-back threshold', { inert: true }),
    GRAN: bit(24, 'rw', 'Thresholds count descriptors, not cache lines', { inert: true }),
  },
);
export const RADV = reg(
  'RADV',
  0x282c,
  { doc: 'Receive absolute delay', ref: '8254x §13.4.31' },
  {
    DELAY: bits(15, 0, 'rw', 'From the first frame to RXT0, in 1.024 us'),
  },
);
export const RSRPD = reg(
  'RSRPD',
  0x2c00,
  { doc: 'Small packet detect', ref: '8254x §13.4.32' },
  {
    SIZE: bits(11, 0, 'rw', 'Frames of at most this many bytes raise SRPD; 0 is none'),
  },
);

export const TCTL = reg(
  'TCTL',
  0x0400,
  { doc: 'Transmit control', ref: '8254x §13.4.33', reset: 0 },
  {
    EN: bit(1, 'rw', 'Transmitter on'),
    PSP: bit(3, 'rw', 'Pad short packets to 64 bytes'),
    CT: bits(11, 4, 'rw', 'Collision threshold', { inert: true }),
    COLD: bits(21, 12, 'rw', 'Collision distance', { inert: true }),
    SWXOFF: bit(22, 'sc', 'Send a PAUSE frame now'),
    PBE: bit(23, 'rw', 'Packet bursts (half duplex)', { inert: true }),
    RTLC: bit(24, 'rw', 'Retransmit on late collision', { inert: true }),
    NRTU: bit(25, 'rw', 'No retransmit on underrun', { inert: true }),
  },
);
export const TIPG = reg(
  'TIPG',
  0x0410,
  { doc: 'Inter-packet gap', ref: '8254x §13.4.34' },
  {
    IPGT: bits(9, 0, 'rw', 'Gap between frames', { inert: true }),
    IPGR1: bits(19, 10, 'rw', 'Gap part 1', { inert: true }),
    IPGR2: bits(29, 20, 'rw', 'Gap part 2', { inert: true }),
  },
);
export const AIT = word('AIT', 0x0458, 'rw', { doc: 'Adaptive gap', ref: '8254x §13.4.35', bits: 16 });
export const TDBAL = word('TDBAL', 0x3800, 'rw', {
  doc: 'Transmit ring address, low; 16-byte aligned',
  ref: '8254x §13.4.36',
  lo: 4,
  alias: [0x0420],
});
export const TDBAH = word('TDBAH', 0x3804, 'rw', {
  doc: 'Transmit ring address, high',
  ref: '8254x §13.4.37',
  alias: [0x0424],
});
export const TDLEN = reg(
  'TDLEN',
  0x3808,
  { doc: 'Transmit ring length, bytes', ref: '8254x §13.4.38', alias: [0x0428] },
  {
    LEN: bits(19, 7, 'rw', 'Length, in 128 bytes'),
  },
);
export const TDH = word('TDH', 0x3810, 'rw', {
  doc: 'Transmit head: next descriptor the device sends',
  ref: '8254x §13.4.39',
  bits: 16,
  alias: [0x0430],
});
export const TDT = word('TDT', 0x3818, 'rw', {
  doc: 'Transmit tail: first descriptor that is not ready',
  ref: '8254x §13.4.40',
  bits: 16,
  alias: [0x0438],
});
export const TIDV = reg(
  'TIDV',
  0x3820,
  { doc: 'Transmit interrupt delay', ref: '8254x §13.4.41', alias: [0x0440] },
  {
    IDV: bits(15, 0, 'rw', 'From the last write-back with IDE to TXDW, in 1.024 us'),
  },
);
export const TXDMAC = reg(
  'TXDMAC',
  0x3000,
  { doc: 'Transmit DMA control', ref: '8254x §13.4.42' },
  {
    DPP: bit(0, 'rw', 'Disable packet prefetch', { inert: true }),
  },
);
export const TXDCTL = reg(
  'TXDCTL',
  0x3828,
  { doc: 'Transmit descriptor control', ref: '8254x §13.4.43' },
  {
    PTHRESH: bits(5, 0, 'rw', 'Prefetch threshold', { inert: true }),
    HTHRESH: bits(13, 8, 'rw', 'Host threshold', { inert: true }),
    WTHRESH: bits(21, 16, 'rw', 'Write-back threshold', { inert: true }),
    GRAN: bit(24, 'rw', 'Thresholds count descriptors, not cache lines', { inert: true }),
    LWTHRESH: bits(31, 25, 'rw', 'TXD_LOW when fewer than 8 times this many descriptors wait'),
  },
);
export const TADV = reg(
  'TADV',
  0x382c,
  { doc: 'Transmit absolute interrupt delay', ref: '8254x §13.4.44' },
  {
    IDV: bits(15, 0, 'rw', 'From the first write-back with IDE to TXDW, in 1.024 us'),
  },
);
export const TSPMT = reg(
  'TSPMT',
  0x3830,
  { doc: 'TCP segmentation padding and threshold', ref: '8254x §13.4.45', reset: 0x0100_0400 },
  {
    TSMT: bits(15, 0, 'rw', 'Minimum to begin segmenting', { inert: true }),
    TSPBP: bits(31, 16, 'rw', 'Packet buffer padding', { inert: true }),
  },
);

export const RXCSUM = reg(
  'RXCSUM',
  0x5000,
  { doc: 'Receive checksum', ref: '8254x §13.4.47' },
  {
    PCSS: bits(7, 0, 'rw', 'Byte at which the packet checksum starts'),
    IPOFL: bit(8, 'rw', 'Check IPv4 headers'),
    TUOFL: bit(9, 'rw', 'Check TCP and UDP'),
  },
);

export const MTA = word('MTA', 0x5200, 'rw', {
  doc: 'Multicast table: 4096 bits',
  ref: '8254x §13.5.1',
  count: 128,
  alias: [0x0200],
  volatile: true,
});
export const RAL = word('RAL', 0x5400, 'rw', {
  doc: 'Receive address, bytes 0 to 3',
  ref: '8254x §13.5.2',
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
    ref: '8254x §13.5.3',
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
  ref: '8254x §13.5.4',
  count: 128,
  alias: [0x0600],
  volatile: true,
});

export const WUC = reg(
  'WUC',
  0x5800,
  { doc: 'Wake-up control', ref: '8254x §13.6.1' },
  {
    APME: bit(0, 'rw', 'Wake on a magic packet, set by firmware'),
    PME_EN: bit(1, 'rw', 'PME#'),
    PME_STATUS: bit(2, 'w1c', 'PME# was asserted'),
    APMPME: bit(3, 'rw', 'Assert PME# on APM wake-up'),
  },
);
export const WUFC = reg(
  'WUFC',
  0x5808,
  { doc: 'Wake-up filters', ref: '8254x §13.6.2' },
  {
    LNKC: bit(0, 'rw', 'Link change'),
    MAG: bit(1, 'rw', 'Magic packet'),
    EX: bit(2, 'rw', 'Unicast to this station'),
    MC: bit(3, 'rw', 'Multicast that passes the filter'),
    BC: bit(4, 'rw', 'Broadcast'),
    ARP: bit(5, 'rw', 'ARP request for an address of IP4AT'),
    IPV4: bit(6, 'rw', 'IPv4 to an address of IP4AT'),
    IPV6: bit(7, 'rw', 'IPv6 to the address of IP6AT'),
    NOTCO: bit(15, 'rw', 'Ignore TCO packets', { inert: true }),
    FLX: bits(19, 16, 'rw', 'Flexible filters 0 to 3'),
  },
);
export const WUS = reg(
  'WUS',
  0x5810,
  { doc: 'What woke; writing 1 clears', ref: '8254x §13.6.3' },
  {
    LNKC: bit(0, 'w1c', 'Link change'),
    MAG: bit(1, 'w1c', 'Magic packet'),
    EX: bit(2, 'w1c', 'Unicast'),
    MC: bit(3, 'w1c', 'Multicast'),
    BC: bit(4, 'w1c', 'Broadcast'),
    ARP: bit(5, 'w1c', 'ARP request'),
    IPV4: bit(6, 'w1c', 'IPv4'),
    IPV6: bit(7, 'w1c', 'IPv6'),
    FLX: bits(19, 16, 'w1c', 'Flexible filter'),
  },
);
export const IPAV = reg(
  'IPAV',
  0x5838,
  { doc: 'Which IP addresses are valid', ref: '8254x §13.6.4', volatile: true },
  {
    V4: bits(3, 0, 'rw', 'IP4AT entries'),
    V6: bit(16, 'rw', 'IP6AT'),
  },
);
export const IP4AT = word('IP4AT', 0x5840, 'rw', {
  doc: 'IPv4 addresses, as in memory',
  ref: '8254x §13.6.5',
  count: 4,
  stride: 8,
  volatile: true,
});
export const IP6AT = word('IP6AT', 0x5880, 'rw', {
  doc: 'IPv6 address, as in memory',
  ref: '8254x §13.6.5',
  count: 4,
  volatile: true,
});
export const WUPL = word('WUPL', 0x5900, 'ro', {
  doc: 'Length of the frame that woke',
  ref: '8254x §13.6.7',
  bits: 12,
  volatile: true,
});
export const WUPM = word('WUPM', 0x5a00, 'ro', {
  doc: 'First 128 bytes of the frame that woke',
  ref: '8254x §13.6.8',
  count: 32,
  volatile: true,
});
export const FFLT = word('FFLT', 0x5f00, 'rw', {
  doc: 'Flexible filter lengths, bytes',
  ref: '8254x §13.6.9',
  count: 4,
  stride: 8,
  bits: 11,
  volatile: true,
});
export const FFMT = word('FFMT', 0x9000, 'rw', {
  doc: 'Flexible filter masks: bit i for filter i',
  ref: '8254x §13.6.10',
  count: 128,
  stride: 8,
  bits: 4,
  volatile: true,
});
export const FFVT = word('FFVT', 0x9800, 'rw', {
  doc: 'Flexible filter values: byte i for filter i',
  ref: '8254x §13.6.11',
  count: 128,
  stride: 8,
  volatile: true,
});

export const RDFH = word('RDFH', 0x2410, 'rw', {
  doc: 'Receive FIFO head, in 8 bytes',
  ref: '8254x §13.8.1',
  bits: 13,
  alias: [0x8000],
});
export const RDFT = word('RDFT', 0x2418, 'rw', {
  doc: 'Receive FIFO tail, in 8 bytes',
  ref: '8254x §13.8.2',
  bits: 13,
  alias: [0x8008],
});
export const RDFHS = word('RDFHS', 0x2420, 'rw', { doc: 'Receive FIFO saved head', ref: '8254x §13.8.3', bits: 13 });
export const RDFTS = word('RDFTS', 0x2428, 'rw', { doc: 'Receive FIFO saved tail', ref: '8254x §13.8.4', bits: 13 });
export const RDFPC = word('RDFPC', 0x2430, 'ro', { doc: 'Frames in the receive FIFO', ref: '8254x §13.8.5', bits: 13 });
export const TDFH = word('TDFH', 0x3410, 'rw', {
  doc: 'Transmit FIFO head, in 8 bytes',
  ref: '8254x §13.8.6',
  bits: 11,
  alias: [0x8010],
});
export const TDFT = word('TDFT', 0x3418, 'rw', {
  doc: 'Transmit FIFO tail, in 8 bytes',
  ref: '8254x §13.8.7',
  bits: 11,
  alias: [0x8018],
});
export const TDFHS = word('TDFHS', 0x3420, 'rw', { doc: 'Transmit FIFO saved head', ref: '8254x §13.8.8', bits: 13 });
export const TDFTS = word('TDFTS', 0x3428, 'rw', { doc: 'Transmit FIFO saved tail', ref: '8254x §13.8.9', bits: 13 });
export const TDFPC = word('TDFPC', 0x3430, 'ro', {
  doc: 'Frames in the transmit FIFO',
  ref: '8254x §13.8.10',
  bits: 13,
});
export const PBM = word('PBM', 0x10000, 'rw', {
  doc: 'Packet buffer memory',
  ref: '8254x §13.8.11',
  count: 16384,
  volatile: true,
});
