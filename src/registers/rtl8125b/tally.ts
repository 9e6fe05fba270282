/** RTL8125B: what the tally dump has beyond its first 64 bytes when TALLY_CTRL.EXTENDED is set. */
import { type AnyReg, word } from '../define.js';

const ref = 'r8169 rtl8169_counters ("new since RTL8125"), enabled by register ea84h';
const of = (name: string, at: number, doc: string, count = 1) => word(`TALLY_${name}`, at, 'ro', { doc, ref, count });
const wide = (name: string, at: number, doc: string) => of(name, at, doc, 2);

/** Bytes of the extended dump. */
export const TALLY_EXTENDED_BYTES = 192;

export const TALLY_TX_OCTETS = wide('TX_OCTETS', 0x40, 'Octets sent');
export const TALLY_RX_OCTETS = wide('RX_OCTETS', 0x48, 'Octets received');
export const TALLY_RX_MULTICAST = wide('RX_MULTICAST', 0x50, 'Frames received to multicast addresses');
export const TALLY_TX_UNICAST = wide('TX_UNICAST', 0x58, 'Frames sent to unicast addresses');
export const TALLY_TX_BROADCAST = wide('TX_BROADCAST', 0x60, 'Frames sent to the broadcast address');
export const TALLY_TX_MULTICAST = wide('TX_MULTICAST', 0x68, 'Frames sent to multicast addresses');
export const TALLY_TX_PAUSE_ON = of('TX_PAUSE_ON', 0x70, 'PAUSE frames sent to stop');
export const TALLY_TX_PAUSE_OFF = of('TX_PAUSE_OFF', 0x74, 'PAUSE frames sent to go on');
export const TALLY_TX_PAUSE_ALL = of('TX_PAUSE_ALL', 0x78, 'PAUSE frames sent');
export const TALLY_TX_DEFERRED = of('TX_DEFERRED', 0x7c, 'Frames that waited for the medium');
export const TALLY_TX_LATE_COL = of('TX_LATE_COL', 0x80, 'Late collisions');
export const TALLY_TX_ALL_COL = of('TX_ALL_COL', 0x84, 'Collisions');
export const TALLY_TX_ABORTED = of('TX_ABORTED', 0x88, 'Frames given up');
export const TALLY_ALIGN_ERRORS = of('ALIGN_ERRORS', 0x8c, 'Frame alignment errors');
export const TALLY_RX_TOO_LONG = of('RX_TOO_LONG', 0x90, 'Frames received too long');
export const TALLY_RX_RUNT = of('RX_RUNT', 0x94, 'Frames received too short');
export const TALLY_RX_PAUSE_ON = of('RX_PAUSE_ON', 0x98, 'PAUSE frames received to stop');
export const TALLY_RX_PAUSE_OFF = of('RX_PAUSE_OFF', 0x9c, 'PAUSE frames received to go on');
export const TALLY_RX_PAUSE_ALL = of('RX_PAUSE_ALL', 0xa0, 'PAUSE frames received');
export const TALLY_RX_UNKNOWN_OPCODE = of('RX_UNKNOWN_OPCODE', 0xa4, 'MAC control frames received that are not PAUSE');
export const TALLY_RX_MAC_ERROR = of('RX_MAC_ERROR', 0xa8, 'Frames received with an error of the MAC');
export const TALLY_TX_UNDERRUN = of('TX_UNDERRUN', 0xac, 'Frames for which memory was too slow');
export const TALLY_RX_MAC_MISSED = of('RX_MAC_MISSED', 0xb0, 'Frames for which there was no room');
export const TALLY_RX_TCAM_DROPPED = of('RX_TCAM_DROPPED', 0xb4, 'Frames that the TCAM dropped');
export const TALLY_TDU = of('TDU', 0xb8, 'Times that the transmit ring ran empty');
export const TALLY_RDU = of('RDU', 0xbc, 'Times that no receive descriptor was left');

/** Bytes 64 to 191. */
export const TALLY_EXTENDED: Readonly<Record<string, AnyReg>> = {
  TALLY_TX_OCTETS,
  TALLY_RX_OCTETS,
  TALLY_RX_MULTICAST,
  TALLY_TX_UNICAST,
  TALLY_TX_BROADCAST,
  TALLY_TX_MULTICAST,
  TALLY_TX_PAUSE_ON,
  TALLY_TX_PAUSE_OFF,
  TALLY_TX_PAUSE_ALL,
  TALLY_TX_DEFERRED,
  TALLY_TX_LATE_COL,
  TALLY_TX_ALL_COL,
  TALLY_TX_ABORTED,
  TALLY_ALIGN_ERRORS,
  TALLY_RX_TOO_LONG,
  TALLY_RX_RUNT,
  TALLY_RX_PAUSE_ON,
  TALLY_RX_PAUSE_OFF,
  TALLY_RX_PAUSE_ALL,
  TALLY_RX_UNKNOWN_OPCODE,
  TALLY_RX_MAC_ERROR,
  TALLY_TX_UNDERRUN,
  TALLY_RX_MAC_MISSED,
  TALLY_RX_TCAM_DROPPED,
  TALLY_TDU,
  TALLY_RDU,
};
