/** IPv4 header (RFC 791). Check once with {@link checkIpv4}; then no accessor can fail. */
import { get16, get32, set16, set32 } from './bytes.js';

/** Header bytes without options. */
export const IPV4_BYTES = 20;

/** Protocol numbers (IANA). */
export const IpProtocol = { icmp: 1, igmp: 2, tcp: 6, udp: 17 } as const;

/** Flags and offset field. */
export const Ipv4Flag = { dontFragment: 0x4000, moreFragments: 0x2000, offsetMask: 0x1fff } as const;

/** Field offsets. */
export const Ipv4 = {
  versionLength: 0,
  tos: 1,
  totalLength: 2,
  id: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;

/** Header length in bytes, or 0 when version, header length or total length do not fit into `bytes`. */
export function checkIpv4(u8: Uint8Array, at: number, bytes: number): number {
  if (bytes < IPV4_BYTES || u8[at]! >> 4 !== 4) return 0;
  const header = (u8[at]! & 15) * 4;
  const total = get16(u8, at + Ipv4.totalLength);
  return header >= IPV4_BYTES && total >= header && total <= bytes ? header : 0;
}

/** Header and payload, 20 to 65535. */
export function ipv4Length(u8: Uint8Array, at: number): number {
  return get16(u8, at + Ipv4.totalLength);
}

/** Identification. */
export function ipv4Id(u8: Uint8Array, at: number): number {
  return get16(u8, at + Ipv4.id);
}

/** Flags and fragment offset as one field. */
export function ipv4Fragment(u8: Uint8Array, at: number): number {
  return get16(u8, at + Ipv4.fragment);
}

/** Source address, int32. */
export function ipv4Source(u8: Uint8Array, at: number): number {
  return get32(u8, at + Ipv4.source);
}

/** Destination address, int32. */
export function ipv4Destination(u8: Uint8Array, at: number): number {
  return get32(u8, at + Ipv4.destination);
}

/** Partial sum of the pseudo-header of RFC 9293 §3.1, host order, to be added to the sum of the segment. */
export function pseudoSum4(source: number, destination: number, protocol: number, bytes: number): number {
  return swap(source) + swap(destination) + (((protocol & 0xff) << 8) + (((bytes & 0xff) << 8) | (bytes >>> 8)));
}

// A big-endian 32-bit field as the sum of its two 16-bit words read in little-endian order.
function swap(value: number): number {
  return (
    (((value >>> 24) | ((value >>> 8) & 0xff00)) & 0xffff) +
    ((((value >>> 8) & 0xff) | ((value << 8) & 0xff00)) & 0xffff)
  );
}

/** Writes a header without options and with a zero checksum. `fragment` is flags and offset as one field. */
export function writeIpv4(
  u8: Uint8Array,
  at: number,
  tos: number,
  totalLength: number,
  id: number,
  fragment: number,
  ttl: number,
  protocol: number,
  source: number,
  destination: number,
): void {
  u8[at] = 0x45;
  u8[at + Ipv4.tos] = tos;
  set16(u8, at + Ipv4.totalLength, totalLength);
  set16(u8, at + Ipv4.id, id);
  set16(u8, at + Ipv4.fragment, fragment);
  u8[at + Ipv4.ttl] = ttl;
  u8[at + Ipv4.protocol] = protocol;
  set16(u8, at + Ipv4.checksum, 0);
  set32(u8, at + Ipv4.source, source);
  set32(u8, at + Ipv4.destination, destination);
}
