/** The tally counters as DTCCR writes them to memory, little-endian. A counter of 64 bits is two words, the low one first. */
import { type AnyReg, word } from '../define.js';

const ref = 'RTL8169 specification §DTCCR, register 10h; r8169 rtl8169_counters, OpenBSD rge_stats';
const of = (width: 16 | 32, name: string, at: number, doc: string, count = 1) =>
  word(`TALLY_${name}`, at, 'ro', { doc, ref, width, count });
const wide = (name: string, at: number, doc: string) => of(32, name, at, doc, 2);

/** Bytes of the dump of RTL8168H, and of RTL8125B as it comes up. */
export const TALLY_BYTES = 64;

export const TALLY_TX_OK = wide('TX_OK', 0x00, 'Frames sent');
export const TALLY_RX_OK = wide('RX_OK', 0x08, 'Frames received');
export const TALLY_TX_ER = wide('TX_ER', 0x10, 'Frames not sent');
export const TALLY_RX_ER = of(32, 'RX_ER', 0x18, 'Frames received with an error');
export const TALLY_MISS_PKT = of(16, 'MISS_PKT', 0x1c, 'Frames for which there was no descriptor or FIFO room');
export const TALLY_FAE = of(16, 'FAE', 0x1e, 'Frame alignment errors');
export const TALLY_TX_1COL = of(32, 'TX_1COL', 0x20, 'Frames sent after one collision');
export const TALLY_TX_MCOL = of(32, 'TX_MCOL', 0x24, 'Frames sent after several collisions');
export const TALLY_RX_OK_PHY = wide('RX_OK_PHY', 0x28, 'Frames received to the station address');
export const TALLY_RX_OK_BRD = wide('RX_OK_BRD', 0x30, 'Frames received to the broadcast address');
export const TALLY_RX_OK_MUL = of(32, 'RX_OK_MUL', 0x38, 'Frames received to multicast addresses');
export const TALLY_TX_ABT = of(16, 'TX_ABT', 0x3c, 'Frames given up');
export const TALLY_TX_UNDRUN = of(16, 'TX_UNDRUN', 0x3e, 'Frames for which memory was too slow');

/** The first 64 bytes. */
export const TALLY: Readonly<Record<string, AnyReg>> = {
  TALLY_TX_OK,
  TALLY_RX_OK,
  TALLY_TX_ER,
  TALLY_RX_ER,
  TALLY_MISS_PKT,
  TALLY_FAE,
  TALLY_TX_1COL,
  TALLY_TX_MCOL,
  TALLY_RX_OK_PHY,
  TALLY_RX_OK_BRD,
  TALLY_RX_OK_MUL,
  TALLY_TX_ABT,
  TALLY_TX_UNDRUN,
};
