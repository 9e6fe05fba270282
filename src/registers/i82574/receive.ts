/** 82574L: receive and filter registers. Source: Intel 317694 (82574 datasheet), §10.2.5. */
import { bit, bits, reg, word } from '../define.js';
import { RECEIVE_CONTROL, RECEIVE_SUMS, ringRegisters, THRESHOLDS } from '../intel/fields.js';

const S = '82574 §10.2.5';

export const RCTL = reg(
  'RCTL',
  0x0100,
  { doc: 'Receive control', ref: S },
  {
    ...RECEIVE_CONTROL,
    DTYP: bits(11, 10, 'rw', 'Descriptors', { values: { 0: 'legacy or extended', 1: 'packet split' } }),
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

const control = (name: string, at: number) =>
  reg(name, at, { doc: `Receive descriptor control ${name.at(-1)}`, ref: S, reset: 0x0001_0000 }, THRESHOLDS);

export const {
  BAL: RDBAL0,
  BAH: RDBAH0,
  LEN: RDLEN0,
  H: RDH0,
  T: RDT0,
} = ringRegisters('Receive', '0', 0x2800, 0x0110, S);
export const RXDCTL0 = control('RXDCTL0', 0x2828);
export const {
  BAL: RDBAL1,
  BAH: RDBAH1,
  LEN: RDLEN1,
  H: RDH1,
  T: RDT1,
} = ringRegisters('Receive', '1', 0x2900, undefined, S);
export const RXDCTL1 = control('RXDCTL1', 0x2928);
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
    ...RECEIVE_SUMS,
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
