/** What a MAC finds out about the checksums of a frame it receives, and how it completes those it sends. */
import type { Arena } from '../../platform/arena.js';
import { finish, sum16 } from '../../platform/kernels.js';

const ETHER_VLAN = 0x8100;
const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const TCP = 6;
const UDP = 17;

/** What was found in a received frame. The object is used again for each frame. */
export interface ChecksumFindings {
  /** Offset of the IP header from the start of the frame, 0 when there is none. */
  l3: number;
  ipv4: boolean;
  /** IPv4 header checksum was looked at, and was right. */
  ipChecked: boolean;
  ipOk: boolean;
  /** TCP or UDP checksum was looked at, and was right. */
  l4Checked: boolean;
  l4Ok: boolean;
  /** TCP 6 or UDP 17; 0 for anything else. */
  protocol: number;
  /** When `l4Checked`: where its header begins and ends what was summed, from the start of the frame, and that partial sum. */
  l4: number;
  end: number;
  l4Sum: number;
}

/** Findings about nothing. */
export function emptyFindings(): ChecksumFindings {
  return {
    l3: 0,
    ipv4: false,
    ipChecked: false,
    ipOk: false,
    l4Checked: false,
    l4Ok: false,
    protocol: 0,
    l4: 0,
    end: 0,
    l4Sum: 0,
  };
}

/** Sum of addresses and protocol of an IP header at `l3`: the pseudo header without its length. */
export function pseudoSum(arena: Arena, l3: number, ipv4: boolean, protocol: number): number {
  return ipv4 ? sum16(arena, l3 + 12, 8, protocol << 8) : sum16(arena, l3 + 8, 32, protocol << 8);
}

/** A 16-bit number as it stands in memory, for adding to a partial sum (which is in host order). */
export function wordInSum(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

/**
 * Looks at the IPv4 header checksum and, in unfragmented packets, at the TCP or UDP checksum.
 * Every length is checked against the frame; nothing outside it is read.
 */
export function checkFrame(arena: Arena, at: number, length: number, found: ChecksumFindings): void {
  const u8 = arena.u8;
  found.l3 = 0;
  found.ipv4 = found.ipChecked = found.ipOk = found.l4Checked = found.l4Ok = false;
  found.protocol = 0;
  let l3 = 14;
  if (length < 34) return;
  let type = (u8[at + 12]! << 8) | u8[at + 13]!;
  if (type === ETHER_VLAN) {
    type = (u8[at + 16]! << 8) | u8[at + 17]!;
    l3 = 18;
  }
  const ip = at + l3;
  let l4: number;
  let end: number;
  let protocol: number;
  if (type === ETHER_IPV4) {
    const header = (u8[ip]! & 15) * 4;
    const total = (u8[ip + 2]! << 8) | u8[ip + 3]!;
    if (u8[ip]! >> 4 !== 4 || header < 20 || total < header || l3 + total > length) return;
    found.l3 = l3;
    found.ipv4 = true;
    found.ipChecked = true;
    found.ipOk = finish(sum16(arena, ip, header)) === 0;
    // A fragment carries only a part of what the TCP or UDP checksum covers.
    if ((((u8[ip + 6]! << 8) | u8[ip + 7]!) & 0x3fff) !== 0) return;
    protocol = u8[ip + 9]!;
    l4 = ip + header;
    end = ip + total;
  } else if (type === ETHER_IPV6) {
    if (length < l3 + 40) return;
    const payload = (u8[ip + 4]! << 8) | u8[ip + 5]!;
    if (u8[ip]! >> 4 !== 6 || l3 + 40 + payload > length) return;
    found.l3 = l3;
    protocol = u8[ip + 6]!;
    l4 = ip + 40;
    end = l4 + payload;
  } else return;
  if (protocol === TCP ? end - l4 < 20 : protocol !== UDP || end - l4 < 8) return;
  found.protocol = protocol;
  if (protocol === UDP) {
    const udpLength = (u8[l4 + 4]! << 8) | u8[l4 + 5]!;
    if (udpLength < 8 || l4 + udpLength > end) return;
    end = l4 + udpLength;
    // A UDP checksum of zero means "none" (RFC 768).
    if (found.ipv4 && u8[l4 + 6] === 0 && u8[l4 + 7] === 0) return;
  }
  found.l4Checked = true;
  const pseudo = pseudoSum(arena, ip, found.ipv4, protocol) + wordInSum(end - l4);
  found.l4 = l4 - at;
  found.end = end - at;
  found.l4Sum = sum16(arena, l4, end - l4);
  found.l4Ok = finish(found.l4Sum + pseudo) === 0;
}

/** Stores the checksum of the bytes from `start` to `end` (whose field at `field` holds what is to be added) at `field`. */
export function insertChecksum(
  arena: Arena,
  start: number,
  end: number,
  field: number,
  zeroIsNone: boolean,
  extra = 0,
): void {
  let value = finish(sum16(arena, start, end - start, extra));
  if (zeroIsNone && value === 0) value = 0xffff;
  arena.u8[field] = value >> 8;
  arena.u8[field + 1] = value;
}
