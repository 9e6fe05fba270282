/** What a frame asks of the transmitter, in descriptor bits, and what the chip cannot do (r8169 rtl8169_tso_csum_v2). */
import { finish, sum16 } from '../../platform/kernels.js';
import type { Frame } from '../../platform/phy.js';
import * as format from '../../registers/realtek/descriptors.js';

const { TXD_OPTS1, TXD_OPTS2, TXD_OPTS2_GTS } = format;
const { GTSENV4, GTSENV6, GTS_TCPHO } = TXD_OPTS1;
const { TCPHO, IPV4_CS, IPV6_CS, TCP_CS, UDP_CS } = TXD_OPTS2;
const shiftOf = (mask: number): number => 31 - Math.clz32(mask & -mask);
const TCPHO_SHIFT = shiftOf(TCPHO);
const TCPHO_MOST = TCPHO >>> TCPHO_SHIFT;
const GTS_SHIFT = shiftOf(GTS_TCPHO);
const GTS_MOST = GTS_TCPHO >>> GTS_SHIFT;
const MSS_SHIFT = shiftOf(TXD_OPTS2_GTS.MSS);
/** Largest segment that the chip can cut. */
const MSS_MOST = TXD_OPTS2_GTS.MSS >>> MSS_SHIFT;

const ETHERTYPE_AT = 12;
const ETHERNET_BYTES = 14;
const TAG_BYTES = 4;
const VLAN_TYPE = 0x8100;
const IPV4_TYPE = 0x0800;
const IPV6_TYPE = 0x86dd;
const IPV4_PROTOCOL_AT = 9;
const IPV6_NEXT_AT = 6;
const IPV6_LENGTH_AT = 4;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP = 6;
const UDP = 17;
const TCP_CHECKSUM_AT = 16;
const UDP_CHECKSUM_AT = 6;
const TCP_OFFSET_AT = 12;

/** Bytes to the IP header; its type stands before it. */
function ipAt(view: DataView, at: number): number {
  return view.getUint16(at + ETHERTYPE_AT) === VLAN_TYPE ? ETHERNET_BYTES + TAG_BYTES : ETHERNET_BYTES;
}

/** Bits of TXD_OPTS2 with which the chip completes the checksum; 0 when it cannot: then {@link sumInSoftware}. */
export function checksumBits(view: DataView, frame: Frame): number {
  const { offset: at, length, csumStart: l4, csumOffset } = frame;
  const l3 = ipAt(view, at);
  if (l4 > TCPHO_MOST || l4 <= l3 || length < l3 + IPV6_BYTES) return 0;
  const type = view.getUint16(at + l3 - 2);
  let bits = l4 << TCPHO_SHIFT;
  let protocol: number;
  if (type === IPV4_TYPE) {
    // The chip takes the header's length from the header.
    if (l4 - l3 !== (view.getUint8(at + l3) & 0xf) * 4) return 0;
    protocol = view.getUint8(at + l3 + IPV4_PROTOCOL_AT);
    bits |= IPV4_CS;
  } else if (type === IPV6_TYPE) {
    // Behind extension headers it does not look.
    if (l4 - l3 !== IPV6_BYTES) return 0;
    protocol = view.getUint8(at + l3 + IPV6_NEXT_AT);
    bits |= IPV6_CS;
  } else {
    return 0;
  }
  if (protocol === TCP && csumOffset === TCP_CHECKSUM_AT) return bits | TCP_CS;
  if (protocol === UDP && csumOffset === UDP_CHECKSUM_AT) return bits | UDP_CS;
  return 0;
}

/** Ports of the precision time protocol (IEEE 1588, annex D). */
const PTP_EVENT = 319;
const PTP_GENERAL = 320;
const UDP_BYTES = 8;
const UDP_PORT_AT = 2;
const UDP_LENGTH_AT = 4;
/** UDP header and payload that a frame to these ports needs (r8169 RTL_MIN_PATCH_LEN). */
const PTP_LEAST = 47;
const PTP_LOOK = 128 + PTP_LEAST;

/**
 * Bytes to which a frame must be filled up for a chip that looks for time stamps in short UDP frames, and stops when it finds
 * fewer than it expects (r8169 rtl8125_quirk_udp_padto); its own length when nothing is to be done.
 */
export function timeStampLength(view: DataView, frame: Frame): number {
  const { offset: at, length } = frame;
  const l3 = ipAt(view, at);
  if (length >= PTP_LOOK || length < l3 + IPV4_BYTES) return length;
  const type = view.getUint16(at + l3 - 2);
  let l4 = l3;
  if (type === IPV4_TYPE && view.getUint8(at + l3 + IPV4_PROTOCOL_AT) === UDP) l4 += (view.getUint8(at + l3) & 0xf) * 4;
  else if (type === IPV6_TYPE && view.getUint8(at + l3 + IPV6_NEXT_AT) === UDP) l4 += IPV6_BYTES;
  else return length;
  const left = length - l4;
  if (left < UDP_LENGTH_AT) return length;
  const port = view.getUint16(at + l4 + UDP_PORT_AT);
  if (left < PTP_LEAST && (port === PTP_EVENT || port === PTP_GENERAL)) return l4 + PTP_LEAST;
  return Math.max(length, l4 + UDP_BYTES);
}

/** Completes the checksum here. */
export function sumInSoftware(view: DataView, frame: Frame): void {
  const { arena, offset, length, csumStart, csumOffset } = frame;
  const value = finish(sum16(arena, offset + csumStart, length - csumStart));
  // RFC 768: a sum of 0 is sent as all ones.
  view.setUint16(offset + csumStart + csumOffset, csumOffset === UDP_CHECKSUM_AT && value === 0 ? 0xffff : value);
}

/** Bits of TXD_OPTS1 with which the chip cuts a TCP frame into segments; 0 when it cannot. */
export function segmentBits(view: DataView, frame: Frame): number {
  const { offset: at, length, csumStart: l4, csumOffset, gsoSize } = frame;
  const l3 = ipAt(view, at);
  if (csumOffset !== TCP_CHECKSUM_AT || l4 <= l3 || l4 > GTS_MOST || l4 + TCP_CHECKSUM_AT + 2 > length) return 0;
  if (gsoSize <= 0 || gsoSize > MSS_MOST) return 0;
  const header = l4 + (view.getUint8(at + l4 + TCP_OFFSET_AT) >> 4) * 4;
  if (header >= length) return 0;
  const type = view.getUint16(at + l3 - 2);
  if (type === IPV4_TYPE) return GTSENV4 | (l4 << GTS_SHIFT);
  if (type !== IPV6_TYPE) return 0;
  // For IPv6 the sum is to be of a pseudo header without length, and the length to be 0 (r8169, tcp_v6_gso_csum_prep).
  let sum = view.getUint16(at + l4 + csumOffset) + (~(length - l4) & 0xffff);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at + l4 + csumOffset, sum);
  view.setUint16(at + l3 + IPV6_LENGTH_AT, 0);
  return GTSENV6 | (l4 << GTS_SHIFT);
}

/** Bits of TXD_OPTS2 beside {@link segmentBits}. */
export function segmentSize(frame: Frame): number {
  return frame.gsoSize << MSS_SHIFT;
}
