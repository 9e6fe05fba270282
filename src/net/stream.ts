/**
 * The fixed pseudo-random stream that test servers send: the same bytes everywhere, copied rather than computed. Its period
 * is a prime, so bytes lost, repeated or displaced by any usual amount show.
 */
import { Random } from '../platform/random.js';
import type { HashFactory, StreamingHash } from './hash.js';
import type { BodySource } from './http-client.js';

/** Bytes before the stream repeats itself: the largest prime below 1 MiB. */
export const STREAM_PERIOD = 1048573;

let table: Uint8Array | undefined;

function period(): Uint8Array {
  if (table === undefined) {
    const random = new Random('nicforge stream');
    table = new Uint8Array(STREAM_PERIOD);
    for (let i = 0; i < STREAM_PERIOD; i += 4) {
      const word = random.u32();
      table[i] = word;
      table[i + 1] = word >>> 8;
      table[i + 2] = word >>> 16;
      table[i + 3] = word >>> 24;
    }
  }
  return table;
}

/** Bytes of the pieces that {@link writeStream} copies whole. */
const LARGE = 16_384;
const SMALL = 1024;
/** Views of all whole pieces of the period, made once: one made for each call would be garbage for each packet. */
const large: Uint8Array[] = [];
const small: Uint8Array[] = [];

function cut(into: Uint8Array[], bytes: number): void {
  const from = period();
  for (let start = 0; start + bytes <= STREAM_PERIOD; start += bytes) into.push(from.subarray(start, start + bytes));
}

/** Writes the stream's bytes from `position` on into `u8` at `at`. */
export function writeStream(u8: Uint8Array, at: number, position: number, bytes: number): void {
  const from = period();
  if (small.length === 0) {
    cut(large, LARGE);
    cut(small, SMALL);
  }
  let start = position % STREAM_PERIOD;
  const end = at + bytes;
  for (let to = at; to < end; ) {
    const left = Math.min(end - to, STREAM_PERIOD - start);
    let run = SMALL;
    if (left >= LARGE && start % LARGE === 0) {
      run = LARGE;
      u8.set(large[start / LARGE]!, to);
    } else if (left >= SMALL && start % SMALL === 0) u8.set(small[start / SMALL]!, to);
    else {
      run = Math.min(left, SMALL - (start % SMALL));
      for (let i = 0; i < run; i++) u8[to + i] = from[start + i]!;
    }
    to += run;
    start = start + run === STREAM_PERIOD ? 0 : start + run;
  }
}

/** Offset of the first byte of `u8` that differs from the stream at `position`, or -1. */
export function checkStream(u8: Uint8Array, at: number, position: number, bytes: number): number {
  const from = period();
  let p = position % STREAM_PERIOD;
  for (let i = 0; i < bytes; i++) {
    if (u8[at + i] !== from[p]) return i;
    if (++p === STREAM_PERIOD) p = 0;
  }
  return -1;
}

/** A body of the stream's first `bytes` bytes. */
export function streamBody(bytes: number): BodySource {
  let position = 0;
  return {
    length: bytes,
    pull(u8, at, most) {
      const count = Math.min(most, bytes - position);
      if (count <= 0) return -1;
      writeStream(u8, at, position, count);
      position += count;
      return count;
    },
  };
}

const SLICE = 1 << 20;

/** Hashes the stream's first `bytes` bytes, a slice per step. */
export class StreamHash {
  readonly #hash: StreamingHash;
  #left: number;
  #digest: Uint8Array | undefined;

  constructor(bytes: number, createHash: HashFactory) {
    this.#hash = createHash();
    this.#left = bytes;
  }

  /** The digest when all is hashed; undefined when another step is needed. */
  step(): Uint8Array | undefined {
    if (this.#digest !== undefined) return this.#digest;
    const count = Math.min(this.#left, SLICE, STREAM_PERIOD);
    // Each slice begins where the last one ended; slices are one period long, so they all begin at its start.
    this.#hash.update(period().subarray(0, count));
    this.#left -= count;
    if (this.#left > 0) return undefined;
    this.#digest = this.#hash.digest();
    return this.#digest;
  }
}

/** SHA-256 of the stream's first `bytes` bytes, at once. */
export function streamDigest(bytes: number, createHash: HashFactory): Uint8Array {
  const hash = new StreamHash(bytes, createHash);
  let digest = hash.step();
  while (digest === undefined) digest = hash.step();
  return digest;
}
