/** Address conflict detection before an address is used (RFC 5227 §2.1.1). */
import { type Micros, NEVER } from '../../platform/clock.js';
import type { Random } from '../../platform/random.js';
import type { IpAddress } from '../wire/address.js';
import { Arp, arpSenderIp, arpTargetIp } from '../wire/arp.js';
import { sameBytes } from '../wire/bytes.js';
import type { NeighbourCache } from './neighbours.js';

const PROBES = 3;
const SECOND = 1_000_000;

/** One address being probed: three ARP probes one to two seconds apart, then two seconds of listening. */
export class ConflictProbe {
  readonly address: IpAddress;
  state: 'probing' | 'free' | 'conflict' = 'probing';
  deadline: Micros;
  #sent = 0;
  readonly #neighbours: NeighbourCache;
  readonly #random: Random;

  constructor(address: IpAddress, neighbours: NeighbourCache, random: Random, now: Micros) {
    this.address = address;
    this.#neighbours = neighbours;
    this.#random = random;
    this.deadline = now + random.below(SECOND);
  }

  /** @internal The deadline passed. */
  step(now: Micros): void {
    if (this.#sent === PROBES) {
      this.state = 'free';
      this.deadline = NEVER;
      return;
    }
    this.#neighbours.request(this.address.w3, 0, now);
    this.#sent++;
    this.deadline = now + (this.#sent === PROBES ? 2 * SECOND : SECOND + this.#random.below(SECOND));
  }

  /** @internal An ARP packet came by: does somebody else use or probe our address? */
  heard(u8: Uint8Array, at: number, mac: Uint8Array): void {
    if (this.state !== 'probing' || sameBytes(u8, at + Arp.senderMac, mac, 0, 6)) return;
    const sender = arpSenderIp(u8, at);
    const probing = sender === 0 && arpTargetIp(u8, at) === this.address.w3;
    if (sender !== this.address.w3 && !probing) return;
    this.state = 'conflict';
    this.deadline = NEVER;
  }
}
