/**
 * HalfSipHash-2-4 (Aumasson and Bernstein): a keyed hash of 32-bit words. It hides initial sequence numbers
 * (RFC 6528) and keeps strangers from choosing tuples that collide in the socket table.
 */
import type { Random } from '../../platform/random.js';
import type { IpAddress } from '../wire/address.js';

/** A secret key and the hash under it. */
export class KeyedHash {
  readonly #k0: number;
  readonly #k1: number;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  constructor(random: Random) {
    this.#k0 = random.u32() | 0;
    this.#k1 = random.u32() | 0;
  }

  #start(): void {
    this.#a = this.#k0;
    this.#b = this.#k1;
    this.#c = 0x6c796765 ^ this.#k0;
    this.#d = 0x74656462 ^ this.#k1;
  }

  #round(): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  #word(word: number): void {
    this.#d ^= word;
    this.#round();
    this.#round();
    this.#a ^= word;
  }

  #finish(bytes: number): number {
    this.#word(bytes << 24);
    this.#c ^= 0xff;
    this.#round();
    this.#round();
    this.#round();
    this.#round();
    return this.#b ^ this.#d;
  }

  /** Hash of a connection's four values, int32. */
  tuple(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    this.#start();
    this.#word((localPort << 16) | remotePort);
    if (local.family === 6) {
      this.#word(local.w0);
      this.#word(local.w1);
      this.#word(local.w2);
      this.#word(remote.w0);
      this.#word(remote.w1);
      this.#word(remote.w2);
    }
    this.#word(local.w3);
    this.#word(remote.w3);
    return this.#finish(local.family === 6 ? 36 : 12);
  }
}
