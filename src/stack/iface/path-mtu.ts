/** Path MTU by destination (RFC 1191): lowered by ICMP, forgotten after ten minutes (§6.3). */
import type { Micros } from '../../platform/clock.js';
import type { IpAddress } from '../wire/address.js';

const LIFETIME = 600_000_000;
const MOST = 256;
/** Nothing below this is believed (RFC 1191 §3 allows 68; Linux's min_pmtu, which stops tiny-MTU attacks, is 552). */
export const LEAST_PMTU = 552;

interface Entry {
  mtu: number;
  expires: Micros;
}

/** What is known, bounded. */
export class PathMtuCache {
  readonly #entries = new Map<number, Entry>();

  /** The MTU to a destination, or infinity when nothing is known. */
  get(to: IpAddress, now: Micros): number {
    if (this.#entries.size === 0) return Number.POSITIVE_INFINITY;
    const entry = this.#entries.get(to.w3);
    if (entry === undefined) return Number.POSITIVE_INFINITY;
    if (now < entry.expires) return entry.mtu;
    this.#entries.delete(to.w3);
    return Number.POSITIVE_INFINITY;
  }

  /** Notes a lower MTU; true when it is news. */
  lower(to: IpAddress, mtu: number, now: Micros): boolean {
    const value = Math.max(mtu, LEAST_PMTU);
    if (value >= this.get(to, now)) return false;
    if (this.#entries.size >= MOST) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(to.w3, { mtu: value, expires: now + LIFETIME });
    return true;
  }
}
