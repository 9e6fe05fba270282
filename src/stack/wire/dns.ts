/** DNS messages (RFC 1035): A and CNAME records of class IN. */
import { get16, get32, set16 } from './bytes.js';

/** Header bytes. */
export const DNS_BYTES = 12;
/** UDP port. */
export const DNS_PORT = 53;
/** Record types. */
export const DnsType = { a: 1, ns: 2, cname: 5, soa: 6, aaaa: 28 } as const;
/** Response codes. */
export const DnsCode = { ok: 0, format: 1, server: 2, name: 3, notImplemented: 4, refused: 5 } as const;
/** Flag bits of the second header word. */
export const DnsFlag = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080 };

/** Labels of at most 63 bytes, 253 in all; letters, digits, hyphen and underscore. Lower case, without the last dot. */
export function normalName(name: string): string | undefined {
  const plain = name.toLowerCase().replace(/\.$/, '');
  if (plain.length === 0 || plain.length > 253) return undefined;
  return plain.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? plain : undefined;
}

/** Writes a normalised name as labels at `at`; returns the offset after it. The caller has room for 255 bytes. */
export function writeDnsName(u8: Uint8Array, at: number, name: string): number {
  let p = at;
  for (const label of name.split('.')) {
    u8[p++] = label.length;
    for (let i = 0; i < label.length; i++) u8[p++] = label.charCodeAt(i);
  }
  u8[p++] = 0;
  return p;
}

/** Writes a query for one name; returns its length. `u8` has room for 272 bytes. */
export function writeDnsQuery(u8: Uint8Array, id: number, name: string, type: number): number {
  u8.fill(0, 0, DNS_BYTES);
  set16(u8, 0, id);
  set16(u8, 2, DnsFlag.recursionDesired);
  set16(u8, 4, 1);
  const p = writeDnsName(u8, DNS_BYTES, name);
  set16(u8, p, type);
  set16(u8, p + 2, 1);
  return p + 4;
}

/**
 * Reads a possibly compressed name. `next` is the offset after it in the record. Pointers must go backwards, so a loop
 * cannot happen; anything malformed gives undefined.
 */
export function readDnsName(u8: Uint8Array, message: number, bytes: number, at: number): DnsName | undefined {
  const end = message + bytes;
  let p = at;
  let next = 0;
  let lowest = at;
  let name = '';
  while (p < end) {
    const length = u8[p]!;
    if (length === 0) return { name, next: next === 0 ? p + 1 : next };
    if (length >= 0xc0) {
      if (p + 1 >= end) return undefined;
      const target = message + (((length & 0x3f) << 8) | u8[p + 1]!);
      if (next === 0) next = p + 2;
      if (target >= lowest) return undefined;
      p = lowest = target;
      continue;
    }
    if (length > 63 || p + 1 + length > end || name.length + length > 253) return undefined;
    let label = '';
    for (let i = 0; i < length; i++) label += String.fromCharCode(u8[p + 1 + i]!);
    name += `${name === '' ? '' : '.'}${label.toLowerCase()}`;
    p += 1 + length;
  }
  return undefined;
}

/** A name read from a message. */
export interface DnsName {
  readonly name: string;
  /** Offset of what follows it. */
  readonly next: number;
}

/** One record of a message. */
export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** A: the address, int32. */
  readonly address: number;
  /** CNAME: the other name. */
  readonly target: string;
  /** SOA: the negative caching time (RFC 2308 §4), seconds. */
  readonly minimum: number;
}

/** A message taken apart. */
export interface DnsMessage {
  readonly id: number;
  readonly flags: number;
  readonly code: number;
  readonly question: string;
  readonly questionType: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
}

const MOST_RECORDS = 32;

/** Takes a message of one question apart; undefined when it is malformed. Unknown records keep only name, type and TTL. */
export function parseDns(u8: Uint8Array, at: number, bytes: number): DnsMessage | undefined {
  if (bytes < DNS_BYTES || get16(u8, at + 4) !== 1) return undefined;
  const question = readDnsName(u8, at, bytes, at + DNS_BYTES);
  if (question === undefined || question.next + 4 > at + bytes || get16(u8, question.next + 2) !== 1) return undefined;
  const answers: DnsRecord[] = [];
  const authority: DnsRecord[] = [];
  const answerCount = get16(u8, at + 6);
  const count = Math.min(answerCount + get16(u8, at + 8), MOST_RECORDS);
  let p = question.next + 4;
  for (let i = 0; i < count; i++) {
    const name = readDnsName(u8, at, bytes, p);
    if (name === undefined || name.next + 10 > at + bytes) return undefined;
    const length = get16(u8, name.next + 8);
    const data = name.next + 10;
    if (data + length > at + bytes) return undefined;
    (i < answerCount ? answers : authority).push(record(u8, at, bytes, name, data, length));
    p = data + length;
  }
  return {
    id: get16(u8, at),
    flags: get16(u8, at + 2),
    code: u8[at + 3]! & 15,
    question: question.name,
    questionType: get16(u8, question.next),
    answers,
    authority,
  };
}

function record(u8: Uint8Array, at: number, bytes: number, name: DnsName, data: number, length: number): DnsRecord {
  const type = get16(u8, name.next);
  // A TTL with the top bit set counts as 0 (RFC 2181 §8).
  const ttl = Math.max(get32(u8, name.next + 4), 0);
  const target = type === DnsType.cname ? (readDnsName(u8, at, bytes, data)?.name ?? '') : '';
  return {
    name: name.name,
    type: get16(u8, name.next + 2) === 1 ? type : 0,
    ttl,
    address: type === DnsType.a && length === 4 ? get32(u8, data) : 0,
    target,
    minimum: type === DnsType.soa && length >= 20 ? Math.max(get32(u8, data + length - 4), 0) : 0,
  };
}
