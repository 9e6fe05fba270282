/** 82574L: transmit registers. Source: Intel 317694 (82574 datasheet), §10.2.6. */
import { bit, bits, reg, word } from '../define.js';

const S = '82574 §10.2.6';

export const TCTL = reg(
  'TCTL',
  0x0400,
  { doc: 'Transmit control', ref: S },
  {
    EN: bit(1, 'rw', 'Transmitter on'),
    PSP: bit(3, 'rw', 'Pad short packets to 64 bytes'),
    CT: bits(11, 4, 'rw', 'Collision threshold', { inert: true }),
    COLD: bits(21, 12, 'rw', 'Collision distance', { inert: true }),
    SWXOFF: bit(22, 'sc', 'Send a PAUSE frame now'),
    PBE: bit(23, 'rw', 'Packet bursts (half duplex)', { inert: true }),
    RTLC: bit(24, 'rw', 'Retransmit on late collision', { inert: true }),
    UNORTX: bit(25, 'rw', 'Retransmit on underrun', { inert: true }),
    TXDSCMT: bits(27, 26, 'rw', 'Descriptor minimum threshold', { inert: true }),
    MULR: bit(28, 'rw', 'Several read requests at once', { inert: true }),
    RRTHRESH: bits(30, 29, 'rw', 'Read request threshold', { inert: true }),
  },
);
export const TIPG = reg(
  'TIPG',
  0x0410,
  { doc: 'Inter-packet gap', ref: S, reset: 0x0060_2008 },
  {
    IPGT: bits(9, 0, 'rw', 'Gap between frames', { inert: true }),
    IPGR1: bits(19, 10, 'rw', 'Gap part 1', { inert: true }),
    IPGR2: bits(29, 20, 'rw', 'Gap part 2', { inert: true }),
  },
);
export const AIT = word('AIT', 0x0458, 'rw', { doc: 'Adaptive gap', ref: S, bits: 16 });

const base = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', { doc: `Transmit ring ${name.at(-1)} address, low; 16-byte aligned`, ref: S, lo: 4, alias });
const high = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', { doc: `Transmit ring ${name.at(-1)} address, high`, ref: S, alias });
const length = (name: string, at: number, alias: number[]) =>
  reg(
    name,
    at,
    { doc: `Transmit ring ${name.at(-1)} length, bytes`, ref: S, alias },
    { LEN: bits(19, 7, 'rw', 'Length, in 128 bytes') },
  );
const head = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', {
    doc: `Transmit head ${name.at(-1)}: next descriptor the device sends`,
    ref: S,
    bits: 16,
    alias,
  });
const tail = (name: string, at: number, alias: number[]) =>
  word(name, at, 'rw', {
    doc: `Transmit tail ${name.at(-1)}: first descriptor that is not ready`,
    ref: S,
    bits: 16,
    alias,
  });
const control = (name: string, at: number) =>
  reg(
    name,
    at,
    { doc: `Transmit descriptor control ${name.at(-1)}`, ref: S },
    {
      PTHRESH: bits(5, 0, 'rw', 'Prefetch threshold', { inert: true }),
      HTHRESH: bits(13, 8, 'rw', 'Host threshold', { inert: true }),
      WTHRESH: bits(21, 16, 'rw', 'Write-back threshold', { inert: true }),
      COUNT_DESC: bit(22, 'rw', 'Software sets it', { inert: true }),
      GRAN: bit(24, 'rw', 'Thresholds count descriptors, not cache lines', { inert: true }),
      LWTHRESH: bits(31, 25, 'rw', 'TXD_LOW when fewer than 8 times this many descriptors wait'),
    },
  );
const arbitration = (name: string, at: number) =>
  reg(
    name,
    at,
    { doc: `Transmit arbitration ${name.at(-1)}`, ref: S, reset: 0x0000_0403 },
    {
      COUNT: bits(6, 0, 'rw', 'Packets in turn', { inert: true }),
      COMP: bit(7, 'rw', 'Compensate for the length', { inert: true }),
      RATIO: bits(9, 8, 'rw', 'Ratio of the compensation', { inert: true }),
      ENABLE: bit(10, 'rw', 'The queue takes part'),
      ERRATA: bits(26, 11, 'rw', 'Storage: drivers set bits here for the errata', { inert: true }),
      REQUESTS: bits(30, 27, 'rw', 'Read requests', { inert: true }),
      BIT31: bit(31, 'rw', 'Storage', { inert: true }),
    },
  );

export const TDBAL0 = base('TDBAL0', 0x3800, [0x0420]);
export const TDBAH0 = high('TDBAH0', 0x3804, [0x0424]);
export const TDLEN0 = length('TDLEN0', 0x3808, [0x0428]);
export const TDH0 = head('TDH0', 0x3810, [0x0430]);
export const TDT0 = tail('TDT0', 0x3818, [0x0438]);
export const TXDCTL0 = control('TXDCTL0', 0x3828);
export const TARC0 = arbitration('TARC0', 0x3840);
export const TDBAL1 = base('TDBAL1', 0x3900, []);
export const TDBAH1 = high('TDBAH1', 0x3904, []);
export const TDLEN1 = length('TDLEN1', 0x3908, []);
export const TDH1 = head('TDH1', 0x3910, []);
export const TDT1 = tail('TDT1', 0x3918, []);
export const TXDCTL1 = control('TXDCTL1', 0x3928);
export const TARC1 = arbitration('TARC1', 0x3940);

export const TIDV = reg(
  'TIDV',
  0x3820,
  { doc: 'Transmit interrupt delay', ref: S, alias: [0x0440] },
  {
    IDV: bits(15, 0, 'rw', 'From the last write-back with IDE to TXDW, in 1.024 us'),
    FPD: bit(31, 'wo', 'Flush: write back and interrupt now'),
  },
);
export const TADV = reg(
  'TADV',
  0x382c,
  { doc: 'Transmit absolute interrupt delay', ref: S },
  { IDV: bits(15, 0, 'rw', 'From the first write-back with IDE to TXDW, in 1.024 us') },
);

export const TDFH = word('TDFH', 0x3410, 'rw', {
  doc: 'Transmit FIFO head, in 8 bytes',
  ref: '82574 §10.2.11',
  bits: 13,
  reset: 0x600,
  alias: [0x8010],
});
export const TDFT = word('TDFT', 0x3418, 'rw', {
  doc: 'Transmit FIFO tail, in 8 bytes',
  ref: '82574 §10.2.11',
  bits: 13,
  reset: 0x600,
  alias: [0x8018],
});
export const TDFHS = word('TDFHS', 0x3420, 'rw', {
  doc: 'Transmit FIFO saved head',
  ref: '82574 §10.2.11',
  bits: 13,
  reset: 0x600,
});
export const TDFTS = word('TDFTS', 0x3428, 'rw', {
  doc: 'Transmit FIFO saved tail',
  ref: '82574 §10.2.11',
  bits: 13,
  reset: 0x600,
});
export const TDFPC = word('TDFPC', 0x3430, 'ro', {
  doc: 'Frames in the transmit FIFO',
  ref: '82574 §10.2.11',
  bits: 13,
});

/** Registers of each transmit queue. */
export const TX_QUEUES = [
  { TDBAL: TDBAL0, TDBAH: TDBAH0, TDLEN: TDLEN0, TDH: TDH0, TDT: TDT0, TXDCTL: TXDCTL0 },
  { TDBAL: TDBAL1, TDBAH: TDBAH1, TDLEN: TDLEN1, TDH: TDH1, TDT: TDT1, TXDCTL: TXDCTL1 },
] as const;
