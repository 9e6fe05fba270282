/** 82574L: receive side scaling: which fields are hashed, and which queue a hash means. Source: 82574 §7.1 and §10.2.5. */
import type { Arena } from '../../platform/arena.js';
import { i82574, pick, type RegisterFile } from '../../registers/index.js';
import type { Headers } from '../offload/headers.js';
import { KEY_BYTES, Toeplitz } from '../offload/toeplitz.js';

const { MRQC, RETA, RETA_QUEUE, RSSRK, RFCTL } = i82574;

/** Values of RXDX_MRQ.RSS_TYPE. */
const Type = { none: 0, tcpIpv4: 1, ipv4: 2, tcpIpv6: 3, ipv6Ex: 4, ipv6: 5 } as const;
const BY_RSS = 1;
const ENTRIES = 128;
/** Addresses in the headers: source, then destination. */
const IPV4_ADDRESSES = { at: 12, bytes: 8 } as const;
const IPV6_ADDRESSES = { at: 8, bytes: 32 } as const;
const PORT_BYTES = 4;

/** The hash unit; its results hold until the next frame. */
export class RssUnit {
  type = 0;
  hash = 0;
  queue = 0;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #mrqc: number;
  readonly #rfctl: number;
  readonly #reta: number;
  readonly #toeplitz = new Toeplitz();
  readonly #key = new Uint8Array(KEY_BYTES);
  #stale = true;

  constructor(regs: RegisterFile) {
    this.#regs = regs;
    this.#values = regs.values;
    this.#mrqc = regs.slot(MRQC);
    this.#rfctl = regs.slot(RFCTL);
    this.#reta = regs.slot(RETA);
    regs.on(RSSRK, {
      write: () => {
        this.#stale = true;
      },
    });
  }

  reset(): void {
    this.#stale = true;
    this.type = this.hash = this.queue = 0;
  }

  /** MRQC asks for more than one queue. */
  get enabled(): boolean {
    return pick(this.#values[this.#mrqc]!, MRQC.ENABLE) === BY_RSS;
  }

  /** Hashes a frame. */
  classify(arena: Arena, at: number, headers: Headers): void {
    this.type = this.hash = this.queue = 0;
    if (!this.enabled) return;
    this.type = this.#type(headers);
    if (this.type === Type.none) return;
    if (this.#stale) this.#takeKey();
    const { u8 } = arena;
    const addresses = headers.ipv4 ? IPV4_ADDRESSES : IPV6_ADDRESSES;
    let hash = this.#toeplitz.add(0, u8, at + headers.l3 + addresses.at, addresses.bytes, 0);
    if (this.type === Type.tcpIpv4 || this.type === Type.tcpIpv6)
      hash = this.#toeplitz.add(hash, u8, at + headers.l4, PORT_BYTES, addresses.bytes);
    this.hash = hash;
    const entry = hash & (ENTRIES - 1);
    const word = this.#values[this.#reta + (entry >> 2)]!;
    this.queue = ((word >>> (8 * (entry & 3))) & RETA_QUEUE) !== 0 ? 1 : 0;
  }

  #type(headers: Headers): number {
    const wanted = this.#values[this.#mrqc]!;
    const ports = headers.tcp && !headers.fragment;
    if (headers.ipv4) {
      if (ports && (wanted & MRQC.TCP_IPV4) !== 0) return Type.tcpIpv4;
      return (wanted & MRQC.IPV4) !== 0 ? Type.ipv4 : Type.none;
    }
    if (!headers.ipv6) return Type.none;
    const closed = headers.extensions && (this.#values[this.#rfctl]! & RFCTL.IPV6_EX_DIS) !== 0;
    if (!closed) {
      if (ports && (wanted & (MRQC.TCP_IPV6_EX | (headers.extensions ? 0 : MRQC.TCP_IPV6))) !== 0) return Type.tcpIpv6;
      if ((wanted & MRQC.IPV6_EX) !== 0) return Type.ipv6Ex;
    }
    return (wanted & MRQC.IPV6) !== 0 ? Type.ipv6 : Type.none;
  }

  #takeKey(): void {
    for (let i = 0; i < KEY_BYTES; i++) this.#key[i] = this.#regs.get(RSSRK, i >> 2) >>> (8 * (i & 3));
    this.#toeplitz.setKey(this.#key);
    this.#stale = false;
  }
}
