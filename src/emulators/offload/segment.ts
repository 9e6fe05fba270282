/** TCP segmentation as NICs do it: the header is repeated before each piece of payload and patched. */
import type { Arena } from '../../platform/arena.js';
import { insertChecksum, wordInSum } from './checksum.js';

/** Where the headers of a send are, from the start of the frame, and what to patch. One object is used for all sends. */
export interface SegmentPlan {
  /** IP header; its length ends at `l4`. */
  l3: number;
  /** TCP header. */
  l4: number;
  /** All headers, in bytes. */
  headerBytes: number;
  ipv4: boolean;
  /** TCP; otherwise UDP, whose length field is patched instead of the sequence number. */
  tcp: boolean;
  /** Field of the IP checksum, or 0: not asked. */
  ipChecksumAt: number;
  /** Field of the TCP checksum, or 0: not asked. In the header it holds the pseudo-header sum without the length. */
  l4ChecksumAt: number;
  /** Of the header as the guest gave it. */
  ident: number;
  sequence: number;
  flags: number;
}

/** A plan for nothing. */
export function emptyPlan(): SegmentPlan {
  return { l3: 0, l4: 0, headerBytes: 0, ipv4: true, tcp: true, ipChecksumAt: 0, l4ChecksumAt: 0, ident: 0, sequence: 0, flags: 0 };
}

const FIN_PSH = 0x09;
const CWR = 0x80;

/** Remembers the fields that change from the header at `at`. */
export function readHeader(arena: Arena, at: number, plan: SegmentPlan): void {
  const u8 = arena.u8;
  plan.ident = (u8[at + plan.l3 + 4]! << 8) | u8[at + plan.l3 + 5]!;
  plan.sequence = arena.view.getInt32(at + plan.l4 + 4);
  plan.flags = u8[at + plan.l4 + 13]!;
}

/**
 * Patches the copy of the header at `at` for the segment number `index` that carries `payload` bytes from byte `sent` of
 * the send on: IP length and identification, TCP sequence number and flags, checksums.
 */
export function patchSegment(arena: Arena, at: number, plan: SegmentPlan, index: number, sent: number, payload: number, last: boolean): void {
  const u8 = arena.u8;
  const ip = at + plan.l3;
  const l4 = at + plan.l4;
  const end = at + plan.headerBytes + payload;
  if (plan.ipv4) {
    put16(u8, ip + 2, end - ip);
    put16(u8, ip + 4, plan.ident + index);
  } else put16(u8, ip + 4, end - ip - 40);
  if (plan.tcp) {
    arena.view.setInt32(l4 + 4, (plan.sequence + sent) | 0);
    u8[l4 + 13] = plan.flags & ~((last ? 0 : FIN_PSH) | (index > 0 ? CWR : 0));
  } else put16(u8, l4 + 4, end - l4);
  if (plan.ipChecksumAt > 0) insertChecksum(arena, ip, l4, at + plan.ipChecksumAt, false);
  if (plan.l4ChecksumAt > 0) insertChecksum(arena, l4, end, at + plan.l4ChecksumAt, !plan.tcp, wordInSum(end - l4));
}

function put16(u8: Uint8Array, place: number, value: number): void {
  u8[place] = value >> 8;
  u8[place + 1] = value;
}
