/** ICMPv4 (RFC 792, RFC 1191 for the next-hop MTU). */
import { get16 } from './bytes.js';

/** Bytes of the header all messages share. */
export const ICMP_BYTES = 8;

/** Message types. */
export const IcmpType = {
  echoReply: 0,
  unreachable: 3,
  redirect: 5,
  echo: 8,
  timeExceeded: 11,
  parameter: 12,
} as const;

/** Codes of destination unreachable. */
export const Unreachable = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  adminProhibited: 13,
} as const;

/** Codes of time exceeded. */
export const TimeExceeded = { transit: 0, reassembly: 1 } as const;

/** Field offsets. */
export const Icmp = { type: 0, code: 1, checksum: 2, ident: 4, sequence: 6, mtu: 6, payload: 8 } as const;

/** True for messages that report an error: to these no error is ever sent (RFC 1122 §3.2.2). */
export function isIcmpError(type: number): boolean {
  return type === IcmpType.unreachable || type === 4 || type === 5 || type === IcmpType.timeExceeded || type === 12;
}

/** Identifier of an echo message. */
export function icmpIdent(u8: Uint8Array, at: number): number {
  return get16(u8, at + Icmp.ident);
}

/** Sequence number of an echo message. */
export function icmpSequence(u8: Uint8Array, at: number): number {
  return get16(u8, at + Icmp.sequence);
}
