/** A bounded queue of datagrams with their addresses: payload in an arena ring, the rest in typed arrays. */
import type { Arena, OwnedArena } from '../../platform/arena.js';
import type { IpAddress } from '../wire/address.js';
import { ByteRing } from './byte-ring.js';

/** First in, first out; a datagram that does not fit is refused whole. */
export class PacketRing {
  readonly bytes: ByteRing;
  readonly #mask: number;
  readonly #remote: Int32Array;
  readonly #local: Int32Array;
  readonly #ports: Int32Array;
  readonly #lengths: Int32Array;
  #head = 0;
  #count = 0;

  /**
   * @param packets datagrams kept at most, rounded up to a power of two.
   * @param bytes payload bytes kept at most, rounded up to a power of two.
   * @throws RangeError when the arena has no room.
   */
  constructor(arena: OwnedArena, packets: number, bytes: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(packets, 1)));
    this.bytes = new ByteRing(arena);
    if (!this.bytes.open(bytes)) throw new RangeError(`packet ring: no ${bytes} bytes left in the arena`);
    this.#mask = slots - 1;
    this.#remote = new Int32Array(slots * 4);
    this.#local = new Int32Array(slots * 4);
    this.#ports = new Int32Array(slots);
    this.#lengths = new Int32Array(slots);
  }

  get count(): number {
    return this.#count;
  }

  /** A datagram of `length` bytes would fit. */
  fits(length: number): boolean {
    return this.#count <= this.#mask && length <= this.bytes.free;
  }

  /** Keeps a datagram; the payload comes from an arena. False when it does not fit. */
  push(remote: IpAddress, port: number, local: IpAddress, from: Arena, at: number, length: number): boolean {
    if (!this.fits(length)) return false;
    if (length > 0) this.bytes.put(this.bytes.used, from, at, length);
    this.bytes.used += length;
    this.#note(remote, port, local, length);
    return true;
  }

  /** Keeps a datagram; the payload comes from an array. False when it does not fit. */
  write(remote: IpAddress, port: number, local: IpAddress, u8: Uint8Array, at: number, length: number): boolean {
    if (!this.fits(length)) return false;
    this.bytes.write(u8, at, length);
    this.#note(remote, port, local, length);
    return true;
  }

  #note(remote: IpAddress, port: number, local: IpAddress, length: number): void {
    const slot = (this.#head + this.#count++) & this.#mask;
    store(this.#remote, slot, remote);
    store(this.#local, slot, local);
    this.#ports[slot] = port;
    this.#lengths[slot] = length;
  }

  /** Length of the first datagram, or -1 when there is none; writes its addresses into the objects given. */
  first(remote: IpAddress, local: IpAddress): number {
    if (this.#count === 0) return -1;
    load(this.#remote, this.#head, remote);
    load(this.#local, this.#head, local);
    return this.#lengths[this.#head]!;
  }

  /** Port of the first datagram. */
  get port(): number {
    return this.#ports[this.#head]!;
  }

  /** Forgets the first datagram. */
  pop(): void {
    if (this.#count === 0) return;
    this.bytes.drop(this.#lengths[this.#head]!);
    this.#head = (this.#head + 1) & this.#mask;
    this.#count--;
  }

  /** Gives the memory back. */
  close(): void {
    this.bytes.close();
    this.#count = 0;
  }
}

function store(words: Int32Array, slot: number, address: IpAddress): void {
  words[slot * 4] = address.w0;
  words[slot * 4 + 1] = address.w1;
  words[slot * 4 + 2] = address.w2;
  words[slot * 4 + 3] = address.w3;
}

function load(words: Int32Array, slot: number, address: IpAddress): void {
  address.w0 = words[slot * 4]!;
  address.w1 = words[slot * 4 + 1]!;
  address.w2 = words[slot * 4 + 2]!;
  address.w3 = words[slot * 4 + 3]!;
  // IPv4 keeps its upper words zero; an IPv6 address never does but for ::/96, which is not used on the wire.
  address.family = (address.w0 | address.w1 | address.w2) === 0 ? 4 : 6;
}
