/** 82574L: receive and filter registers. Source: Intel 317694 (82574 datasheet), §10.2.5. */
import { bit, bits, reg, word } from '../define.js';

const S = '82574 §10.2.5';

export const RCTL = reg(
  'RCTL',
  0x0100,
  { doc: 'Receive control', ref: S },
  {
    EN: bit(1, 'rw', 'Receiver on'),
    SBP: bit(2, 'rw', 'Store bad packets'),
    UPE: bit(3, 'rw', 'Every unicast frame'),
    MPE: bit(4, 'rw', 'Every multicast frame'),
    LPE: bit(5, 'rw', 'Frames longer than 1522 bytes'),
    LBM: bits(7, 6, 'rw', 'Loopback', { values: { 0: 'none', 1: 'MAC', 3: 'PHY' } }),
    RDMTS: bits(9, 8, 'rw', 'RXDMT0 when this part of the ring is free', { values: { 0: '1/2', 1: '1/4', 2: '1/8' } }),
    DTYP: bits(11, 10, 'rw', 'Descriptors', { values: { 0: 'legacy or extended', 1: 'packet split' } }),
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
    FLXBUF: bits(30, 27, 'rw', 'Buffer size in KiB; 0: by BSIZE'),
  },
);
export const PSRCTL = reg(
  'PSRCTL',
  0x2170,
  { doc: 'Packet-split receive: buffer sizes', ref: S, reset: 0x0004_0402 },
  {
    BSIZE0: bits(6, 0, 'rw', 'Buffer 0 (headers), in 128 bytes'),
    BSIZE1: bits(13, 8, 'rw', 'Buffer 1, KiB'),
    BSIZE2: bits(21, 16, 'rw', 'Buffer 2, KiB; 0 is none'),
    BSIZE3: bits(29, 24, 'rw', 'Buffer 3, KiB; 0 is none'),
  },
);
export const FCRTL = reg(
  'FCRTL',
  0x2160,
  { doc: 'Receive FIFO level below which XON is sent', ref: S, alias: [0x0168] },
  {
    RTL: bits(15, 3, 'rw', 'Level, in 8 bytes'),
    XONE: bit(31, 'rw', 'Send XON'),
  },
);
export const FCRTH = reg(
  'FCRTH',
  0x2168,
  { doc: 'Receive FIFO level above which XOFF is sent', ref: S, alias: [0x0160] },
  { RTH: bits(15, 3, 'rw', 'Level, in 8 bytes') },
);

const base = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', { doc: `Receive ring ${name.at(-1)} address, low; 16-byte aligned`, ref: S, lo: 4, alias });
const high = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', { doc: `Receive ring ${name.at(-1)} address, high`, ref: S, alias });
const length = (name: string, at: number, alias: number[]) =>
  reg(
    name,
    at,
    { doc: `Receive ring ${name.at(-1)} length, bytes`, ref: S, alias },
    { LEN: bits(19, 7, 'rw', 'Length, in 128 bytes') },
  );
const head = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', {
    doc: `Receive head ${name.at(-1)}: next descriptor the device fills`,
    ref: S,
    bits: 16,
    alias,
  });
const tail = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', {
    doc: `Receive tail ${name.at(-1)}: first descriptor the device may not use`,
    ref: S,
    bits: 16,
    alias,
  });
const control = (name: string, at: number) =>
  reg(
    name,
    at,
    { doc: `Receive descriptor control ${name.at(-1)}`, ref: S, reset: 0x0001_0000 },
    {
      PTHRESH: bits(5, 0, 'rw', 'Prefetch threshold', { inert: true }),
      HTHRESH: bits(13, 8, 'rw', 'Host threshold', { inert: true }),
      WTHRESH: bits(21, 16, 'rw', 'Write-back threshold', { inert: true }),
      GRAN: bit(24, 'rw', 'Thresholds count descriptors, not cache lines', { inert: true }),
    },
  );

export const RDBAL0 = base('RDBAL0', 0x2800, [0x0110]);
export const RDBAH0 = high('RDBAH0', 0x2804, [0x0114]);
export const RDLEN0 = length('RDLEN0', 0x2808, [0x0118]);
export const RDH0 = head('RDH0', 0x2810, [0x0120]);
export const RDT0 = tail('RDT0', 0x2818, [0x0128]);
export const RXDCTL0 = control('RXDCTL0', 0x2828);
export const RDBAL1 = base('RDBAL1', 0x2900, []);
export const RDBAH1 = high('RDBAH1', 0x2904, []);
export const RDLEN1 = length('RDLEN1', 0x2908, []);
export const RDH1 = head('RDH1', 0x2910, []);
export const RDT1 = tail('RDT1', 0x2918, []);
export const RXDCTL1 = control('RXDCTL1', 0x2928);

export const RDTR = reg(
  'RDTR',
  0x2820,
  { doc: 'Receive delay timer', ref: S, alias: [0x0108] },
  {
    DELAY: bits(15, 0, 'rw', 'From the last frame to RXT0, in 1.024 us'),
    FPD: bit(31, 'wo', 'Flush: write back and interrupt now'),
  },
);
export const RADV = reg(
  'RADV',
  0x282c,
  { doc: 'Receive absolute delay', ref: S },
  { DELAY: bits(15, 0, 'rw', 'From the first frame to RXT0, in 1.024 us') },
);
export const RSRPD = reg(
  'RSRPD',
  0x2c00,
  { doc: 'Small packet detect', ref: S },
  { SIZE: bits(11, 0, 'rw', 'Frames of at most this many bytes raise SRPD; 0 is none') },
);
export const RAID = reg(
  'RAID',
  0x2c08,
  { doc: 'Receive ACK interrupt delay', ref: S },
  { ACK_DELAY: bits(15, 0, 'rw', 'From a TCP ACK to the interrupt, in 1.024 us') },
);
export const RXCSUM = reg(
  'RXCSUM',
  0x5000,
  { doc: 'Receive checksum', ref: S, reset: 0x0000_0300 },
  {
    PCSS: bits(7, 0, 'rw', 'Byte at which the packet checksum starts'),
    IPOFL: bit(8, 'rw', 'Check IPv4 headers'),
    TUOFL: bit(9, 'rw', 'Check TCP and UDP'),
    CRCOFL: bit(11, 'rw', 'Check SCTP CRC32', { inert: true }),
    IPPCSE: bit(12, 'rw', 'Checksum of the IP payload of UDP fragments'),
    PCSD: bit(13, 'rw', 'RSS hash in the descriptor instead of the packet checksum'),
  },
);
export const RFCTL = reg(
  'RFCTL',
  0x5008,
  { doc: 'Receive filter control', ref: S },
  {
    ISCSI_DIS: bit(0, 'rw', 'No iSCSI filter', { inert: true }),
    ISCSI_DWC: bits(5, 1, 'rw', 'iSCSI header dwords', { inert: true }),
    NFSW_DIS: bit(6, 'rw', 'No NFS write filter', { inert: true }),
    NFSR_DIS: bit(7, 'rw', 'No NFS read filter', { inert: true }),
    NFS_VER: bits(9, 8, 'rw', 'NFS version', { inert: true }),
    IPV6_DIS: bit(10, 'rw', 'IPv6 is not taken apart'),
    IPV6_XSUM_DIS: bit(11, 'rw', 'No TCP and UDP check in IPv6'),
    ACKDIS: bit(12, 'rw', 'TCP ACKs do not interrupt at once'),
    ACKD_DIS: bit(13, 'rw', 'A TCP ACK with data is no ACK'),
    IPFRSP_DIS: bit(14, 'rw', 'IP fragments are not split'),
    EXSTEN: bit(15, 'rw', 'Extended receive descriptors'),
    IPV6_EX_DIS: bit(16, 'rw', 'IPv6 extension headers are not taken apart'),
    NEW_IPV6_EXT_DIS: bit(17, 'rw', 'Newer IPv6 extension headers are not taken apart'),
  },
);

export const MTA = word('MTA', 0x5200, 'rw', {
  doc: 'Multicast table: 4096 bits',
  ref: S,
  count: 128,
  alias: [0x0200],
  volatile: true,
});
export const RAL = word('RAL', 0x5400, 'rw', {
  doc: 'Receive address, bytes 0 to 3',
  ref: S,
  count: 16,
  stride: 8,
  alias: [0x0040],
  volatile: true,
});
export const RAH = reg(
  'RAH',
  0x5404,
  { doc: 'Receive address, bytes 4 and 5', ref: S, count: 16, stride: 8, alias: [0x0044], volatile: true },
  {
    RAH: bits(15, 0, 'rw', 'Bytes 4 and 5'),
    ASEL: bits(17, 16, 'rw', 'Compared with', { values: { 0: 'destination', 1: 'source' } }),
    AV: bit(31, 'rw', 'The address is valid'),
  },
);
export const VFTA = word('VFTA', 0x5600, 'rw', {
  doc: 'VLAN filter table: 4096 bits',
  ref: S,
  count: 128,
  alias: [0x0600],
  volatile: true,
});

export const MRQC = reg(
  'MRQC',
  0x5818,
  { doc: 'Multiple receive queues', ref: S },
  {
    ENABLE: bits(1, 0, 'rw', 'Queues', { values: { 0: 'one', 1: 'by RSS' } }),
    TCP_IPV4: bit(16, 'rw', 'Hash TCP over IPv4 with ports'),
    IPV4: bit(17, 'rw', 'Hash IPv4'),
    TCP_IPV6_EX: bit(18, 'rw', 'Hash TCP over IPv6 with ports'),
    IPV6_EX: bit(19, 'rw', 'Hash IPv6 with extension headers'),
    IPV6: bit(20, 'rw', 'Hash IPv6'),
    TCP_IPV6: bit(21, 'rw', 'Hash TCP over IPv6 with ports, no extension headers'),
  },
);
/** Four entries of a byte each; an entry's bit 7 is the queue. */
export const RETA = reg(
  'RETA',
  0x5c00,
  { doc: 'RSS redirection: entry 4 i to 4 i + 3', ref: S, count: 32, volatile: true },
  {
    ENTRY0: bits(7, 0, 'rw', 'Entry 4 i'),
    ENTRY1: bits(15, 8, 'rw', 'Entry 4 i + 1'),
    ENTRY2: bits(23, 16, 'rw', 'Entry 4 i + 2'),
    ENTRY3: bits(31, 24, 'rw', 'Entry 4 i + 3'),
  },
);
/** Queue bit of an entry of RETA, at its own place. */
export const RETA_QUEUE = 0x80;
export const RSSRK = word('RSSRK', 0x5c80, 'rw', {
  doc: 'RSS key: bytes 4 i to 4 i + 3, the first in the lowest byte',
  ref: S,
  count: 10,
  volatile: true,
});

export const RDFH = word('RDFH', 0x2410, 'rw', {
  doc: 'Receive FIFO head, in 8 bytes',
  ref: '82574 §10.2.11',
  bits: 13,
  alias: [0x8000],
});
export const RDFT = word('RDFT', 0x2418, 'rw', {
  doc: 'Receive FIFO tail, in 8 bytes',
  ref: '82574 §10.2.11',
  bits: 13,
  alias: [0x8008],
});
export const RDFHS = word('RDFHS', 0x2420, 'rw', { doc: 'Receive FIFO saved head', ref: '82574 §10.2.11', bits: 13 });
export const RDFTS = word('RDFTS', 0x2428, 'rw', { doc: 'Receive FIFO saved tail', ref: '82574 §10.2.11', bits: 13 });
export const RDFPC = word('RDFPC', 0x2430, 'ro', {
  doc: 'Frames in the receive FIFO',
  ref: '82574 §10.2.11',
  bits: 13,
});
export const PBM = word('PBM', 0x10000, 'rw', {
  doc: 'Packet buffer memory',
  ref: '82574 §10.2.11',
  count: 10240,
  volatile: true,
});

/** Registers of each receive queue. */
export const RX_QUEUES = [
  { RDBAL: RDBAL0, RDBAH: RDBAH0, RDLEN: RDLEN0, RDH: RDH0, RDT: RDT0, RXDCTL: RXDCTL0 },
  { RDBAL: RDBAL1, RDBAH: RDBAH1, RDLEN: RDLEN1, RDH: RDH1, RDT: RDT1, RXDCTL: RXDCTL1 },
] as const;
