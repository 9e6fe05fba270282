/** 82540EM: receive, transmit, filter and wake-up registers. Source: Intel 317453 (8254x SDM), chapter 13. */
import { bit, bits, reg, word } from '../define.js';
import {
  GAP,
  RECEIVE_CONTROL,
  RECEIVE_SUMS,
  ringRegisters,
  THRESHOLDS,
  TRANSMIT_CONTROL,
  WAKE_CONTROL,
  WAKE_FILTERS,
} from '../intel/fields.js';

export const RCTL = reg('RCTL', 0x0100, { doc: 'Receive control', ref: '8254x §13.4.22' }, RECEIVE_CONTROL);

/** The receive ring. */
export const {
  BAL: RDBAL,
  BAH: RDBAH,
  LEN: RDLEN,
  H: RDH,
  T: RDT,
} = ringRegisters('Receive', '', 0x2800, 0x0110, '8254x §13.4.25 to §13.4.29');
export const RXDCTL = reg(
  'RXDCTL',
  0x2828,
  { doc: 'Receive descriptor control', ref: '8254x §13.4.46', reset: 0x0101_0000 },
  THRESHOLDS,
);

export const TCTL = reg(
  'TCTL',
  0x0400,
  { doc: 'Transmit control', ref: '8254x §13.4.33', reset: 0 },
  {
    ...TRANSMIT_CONTROL,
    NRTU: bit(25, 'rw', 'No retransmit on underrun', { inert: true }),
  },
);
export const TIPG = reg('TIPG', 0x0410, { doc: 'Inter-packet gap', ref: '8254x §13.4.34' }, GAP);
/** The transmit ring. */
export const {
  BAL: TDBAL,
  BAH: TDBAH,
  LEN: TDLEN,
  H: TDH,
  T: TDT,
} = ringRegisters('Transmit', '', 0x3800, 0x0420, '8254x §13.4.36 to §13.4.40');
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
    ...THRESHOLDS,
    LWTHRESH: bits(31, 25, 'rw', 'TXD_LOW when fewer than 8 times this many descriptors wait'),
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

export const RXCSUM = reg('RXCSUM', 0x5000, { doc: 'Receive checksum', ref: '8254x §13.4.47' }, RECEIVE_SUMS);

export const WUC = reg('WUC', 0x5800, { doc: 'Wake-up control', ref: '8254x §13.6.1' }, WAKE_CONTROL);
export const WUFC = reg(
  'WUFC',
  0x5808,
  { doc: 'Wake-up filters', ref: '8254x §13.6.2' },
  { ...WAKE_FILTERS('rw'), NOTCO: bit(15, 'rw', 'Ignore TCO packets', { inert: true }) },
);
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
export const PBM = word('PBM', 0x10000, 'rw', {
  doc: 'Packet buffer memory',
  ref: '8254x §13.8.11',
  count: 16384,
  volatile: true,
});
