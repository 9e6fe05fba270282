/** 82574L: transmit registers. Source: Intel 317694 (82574 datasheet), §10.2.6. */
import { bit, bits, reg, word } from '../define.js';
import { GAP, ringRegisters, THRESHOLDS, TRANSMIT_CONTROL } from '../intel/fields.js';

const S = '82574 §10.2.6';

export const TCTL = reg(
  'TCTL',
  0x0400,
  { doc: 'Transmit control', ref: S },
  {
    ...TRANSMIT_CONTROL,
    UNORTX: bit(25, 'rw', 'Retransmit on underrun', { inert: true }),
    TXDSCMT: bits(27, 26, 'rw', 'Descriptor minimum threshold', { inert: true }),
    MULR: bit(28, 'rw', 'Several read requests at once', { inert: true }),
    RRTHRESH: bits(30, 29, 'rw', 'Read request threshold', { inert: true }),
  },
);
export const TIPG = reg('TIPG', 0x0410, { doc: 'Inter-packet gap', ref: S, reset: 0x0060_2008 }, GAP);

const control = (name: string, at: number) =>
  reg(
    name,
    at,
    { doc: `Transmit descriptor control ${name.at(-1)}`, ref: S },
    {
      ...THRESHOLDS,
      COUNT_DESC: bit(22, 'rw', 'Software sets it', { inert: true }),
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

export const {
  BAL: TDBAL0,
  BAH: TDBAH0,
  LEN: TDLEN0,
  H: TDH0,
  T: TDT0,
} = ringRegisters('Transmit', '0', 0x3800, 0x0420, S);
export const TXDCTL0 = control('TXDCTL0', 0x3828);
export const TARC0 = arbitration('TARC0', 0x3840);
export const {
  BAL: TDBAL1,
  BAH: TDBAH1,
  LEN: TDLEN1,
  H: TDH1,
  T: TDT1,
} = ringRegisters('Transmit', '1', 0x3900, undefined, S);
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

/** Registers of each transmit queue. */
export const TX_QUEUES = [
  { TDBAL: TDBAL0, TDBAH: TDBAH0, TDLEN: TDLEN0, TDH: TDH0, TDT: TDT0, TXDCTL: TXDCTL0 },
  { TDBAL: TDBAL1, TDBAH: TDBAH1, TDLEN: TDLEN1, TDH: TDH1, TDT: TDT1, TXDCTL: TXDCTL1 },
] as const;
