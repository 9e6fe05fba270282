/** Where the headers of a frame are: what a MAC that splits headers, hashes flows or tells packet types looks at. */
import type { Arena } from '../../platform/arena.js';

const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const TCP = 6;
const UDP = 17;
/** Extension headers of IPv6 (RFC 8200 §4) that may stand before the transport header. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
/** More extension headers than this are not looked at. */
const MOST_EXTENSIONS = 8;
const TCP_ACK = 0x10;

/** What was found; the object is used again for each frame. Offsets are from the start of the frame. */
export interface Headers {
  /** Ethernet type behind any tag. */
  type: number;
  /** What follows the Ethernet header and its tag. */
  l3: number;
  ipv4: boolean;
  ipv6: boolean;
  /** An IP fragment, first or later. */
  fragment: boolean;
  /** Its first piece, or no fragment. */
  first: boolean;
  /** IPv6 with extension headers. */
  extensions: boolean;
  /** IPv4 identification. */
  ident: number;
  tcp: boolean;
  udp: boolean;
  /** Behind the IP headers; 0 without IP. */
  l4: number;
  /** Behind the TCP or UDP header of an unfragmented packet; otherwise 0. */
  payload: number;
  /** End of the IP packet. */
  end: number;
  /** TCP with the ACK flag; without data when `payload` is `end`. */
  ack: boolean;
}

/** Headers of nothing. */
export function emptyHeaders(): Headers {
  return {
    type: 0,
    l3: 14,
    ipv4: false,
    ipv6: false,
    fragment: false,
    first: true,
    extensions: false,
    ident: 0,
    tcp: false,
    udp: false,
    l4: 0,
    payload: 0,
    end: 0,
    ack: false,
  };
}

/** Looks at the frame of `length` bytes at `at`. Every length is checked against the frame. @param vlanType type of a tag */
export function parseHeaders(arena: Arena, at: number, length: number, vlanType: number, found: Headers): void {
  const { u8 } = arena;
  found.ipv4 = found.ipv6 = found.fragment = found.extensions = found.tcp = found.udp = found.ack = false;
  found.first = true;
  found.l4 = found.payload = found.end = found.ident = 0;
  found.l3 = 14;
  found.type = word(u8, at + 12);
  if (found.type === vlanType && length >= 18) {
    found.type = word(u8, at + 16);
    found.l3 = 18;
  }
  const protocol =
    found.type === ETHER_IPV4
      ? ipv4(u8, at, length, found)
      : found.type === ETHER_IPV6
        ? ipv6(u8, at, length, found)
        : -1;
  if (protocol === -1 || !found.first) return;
  const room = found.end - found.l4;
  if (protocol === TCP && room >= 20) {
    found.tcp = true;
    const header = (u8[at + found.l4 + 12]! >> 4) * 4;
    if (found.fragment || header < 20 || header > room) return;
    found.payload = found.l4 + header;
    found.ack = (u8[at + found.l4 + 13]! & TCP_ACK) !== 0;
  } else if (protocol === UDP && room >= 8) {
    found.udp = true;
    if (!found.fragment) found.payload = found.l4 + 8;
  }
}

function word(u8: Uint8Array, place: number): number {
  return (u8[place]! << 8) | u8[place + 1]!;
}

/** The protocol, or -1 when the header makes no sense. */
function ipv4(u8: Uint8Array, at: number, length: number, found: Headers): number {
  const ip = at + found.l3;
  if (length < found.l3 + 20 || u8[ip]! >> 4 !== 4) return -1;
  const header = (u8[ip]! & 15) * 4;
  const total = word(u8, ip + 2);
  if (header < 20 || total < header || found.l3 + total > length) return -1;
  const fragment = word(u8, ip + 6);
  found.ipv4 = true;
  found.ident = word(u8, ip + 4);
  found.fragment = (fragment & 0x3fff) !== 0;
  found.first = (fragment & 0x1fff) === 0;
  found.l4 = found.l3 + header;
  found.end = found.l3 + total;
  return u8[ip + 9]!;
}

function ipv6(u8: Uint8Array, at: number, length: number, found: Headers): number {
  const ip = at + found.l3;
  if (length < found.l3 + 40 || u8[ip]! >> 4 !== 6) return -1;
  const end = found.l3 + 40 + word(u8, ip + 4);
  if (end > length) return -1;
  found.ipv6 = true;
  found.end = end;
  let next = u8[ip + 6]!;
  let place = found.l3 + 40;
  for (let i = 0; i < MOST_EXTENSIONS && isExtension(next) && place + 8 <= end; i++) {
    found.extensions = true;
    const bytes = next === FRAGMENT ? 8 : (u8[at + place + 1]! + 1) * 8;
    if (place + bytes > end) break;
    if (next === FRAGMENT) {
      const fragment = word(u8, at + place + 2);
      found.fragment = (fragment & 0xfff9) !== 0;
      found.first = (fragment & 0xfff8) === 0;
    }
    next = u8[at + place]!;
    place += bytes;
  }
  found.l4 = place;
  return next;
}

function isExtension(next: number): boolean {
  return next === HOP_BY_HOP || next === ROUTING || next === FRAGMENT || next === DESTINATION;
}
