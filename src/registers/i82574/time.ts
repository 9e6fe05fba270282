/** 82574L: IEEE 1588 time stamps. Source: Intel 317694 (82574 datasheet), §7.7 and §10.2.9. */
import { bit, bits, reg, word } from '../define.js';

const S = '82574 §10.2.9';

export const SYSTIML = word('SYSTIML', 0xb600, 'rw', {
  doc: 'System time, low',
  ref: S,
  volatile: true,
});
export const SYSTIMH = word('SYSTIMH', 0xb604, 'rw', { doc: 'System time, high', ref: S, volatile: true });
export const TIMINCA = reg(
  'TIMINCA',
  0xb608,
  { doc: 'How fast system time goes; 0 stops it', ref: S },
  {
    INCVALUE: bits(23, 0, 'rw', 'What is added'),
    INCPERIOD: bits(31, 24, 'rw', 'Every so many cycles of 40 ns'),
  },
);
export const TIMADJL = word('TIMADJL', 0xb60c, 'rw', { doc: 'Adjustment of system time, low', ref: S });
export const TIMADJH = reg(
  'TIMADJH',
  0xb610,
  { doc: 'Adjustment of system time, high; writing it applies both', ref: S },
  {
    TADJH: bits(30, 0, 'rw', 'Bits 62 to 32'),
    SIGN: bit(31, 'rw', 'Subtract'),
  },
);
export const TSYNCTXCTL = reg(
  'TSYNCTXCTL',
  0xb614,
  { doc: 'Transmit time stamp', ref: S },
  {
    TXTT: bit(0, 'ro', 'A stamp is in TXSTMPL and TXSTMPH; reading TXSTMPH clears'),
    EN: bit(4, 'rw', 'Take stamps'),
  },
);
export const TXSTMPL = word('TXSTMPL', 0xb618, 'ro', { doc: 'Time of sending, low', ref: S });
export const TXSTMPH = word('TXSTMPH', 0xb61c, 'ro', { doc: 'Time of sending, high', ref: S });
export const TSYNCRXCTL = reg(
  'TSYNCRXCTL',
  0xb620,
  { doc: 'Receive time stamp', ref: S },
  {
    RXTT: bit(0, 'ro', 'A stamp is in RXSTMPL and RXSTMPH; reading RXSTMPH clears'),
    TYPE: bits(3, 1, 'rw', 'Which packets', {
      values: { 0: 'L2 V2', 1: 'L4 V1', 2: 'L2 and L4 V2', 4: 'all', 5: 'events V2' },
    }),
    EN: bit(4, 'rw', 'Take stamps'),
    SYSCFI: bit(5, 'rw', 'System clock frequency', { inert: true }),
  },
);
export const RXSTMPL = word('RXSTMPL', 0xb624, 'ro', { doc: 'Time of reception, low', ref: S });
export const RXSTMPH = word('RXSTMPH', 0xb628, 'ro', { doc: 'Time of reception, high', ref: S });
export const RXSATRL = word('RXSATRL', 0xb62c, 'ro', { doc: 'Source identity of the stamped packet, low', ref: S });
export const RXSATRH = reg(
  'RXSATRH',
  0xb630,
  { doc: 'Source identity of the stamped packet, high, and its sequence', ref: S },
  {
    SOURCE: bits(15, 0, 'ro', 'Source identity, high'),
    SEQUENCE: bits(31, 16, 'ro', 'Sequence identity'),
  },
);
export const RXCFGL = reg(
  'RXCFGL',
  0xb634,
  { doc: 'Which PTP packets (RXMTRL in drivers)', ref: S, reset: 0x0000_88f7 },
  {
    PTP_L2: bits(15, 0, 'rw', 'Ethernet type'),
    CTRLT: bits(23, 16, 'rw', 'Control field, version 1'),
    MSGT: bits(31, 24, 'rw', 'Message type, version 2'),
  },
);
export const RXUDP = reg(
  'RXUDP',
  0xb638,
  { doc: 'UDP port of PTP', ref: S, reset: 0x0000_0319 },
  { UPORT: bits(15, 0, 'rw', 'Port as on the wire: its first byte in bits 7 to 0') },
);
