/** The interface's own addresses and groups, its routes, and the question of what a destination is. */
import { type AddressLike, type Cidr, cidr, contains, type IpAddress, ip, prefixMask } from '../wire/address.js';

/** What a destination address means to this interface. */
export const Destination = { other: 0, own: 1, broadcast: 2, multicast: 3, loopback: 4 } as const;

/** A way to a network. */
export interface Route {
  readonly net: Cidr;
  /** The router on the link; undefined when the network is on the link itself. */
  readonly via: IpAddress | undefined;
}

/** Addresses, groups and routes. Changing them moves {@link AddressTable.generation}, which invalidates cached paths. */
export class AddressTable {
  /** Changes whenever a cached path may have become wrong. */
  generation = 1;
  #addresses: readonly Cidr[] = [];
  #routes: readonly Route[] = [];
  #groups: readonly IpAddress[] = [];

  get addresses(): readonly Cidr[] {
    return this.#addresses;
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  get groups(): readonly IpAddress[] {
    return this.#groups;
  }

  /** Adds an address with its prefix, e.g. `10.0.0.2/24`; one already there gets the new prefix. @throws RangeError */
  add(text: string | Cidr): Cidr {
    const entry = cidr(text);
    this.remove(entry.address);
    this.#addresses = [...this.#addresses, entry];
    return entry;
  }

  /** Removes an address; false when it was not there. */
  remove(address: AddressLike): boolean {
    const gone = ip(address);
    const left = this.#addresses.filter((entry) => !entry.address.equals(gone));
    this.generation++;
    const found = left.length !== this.#addresses.length;
    this.#addresses = left;
    return found;
  }

  /** Adds or replaces the route to a network. `0.0.0.0/0` is the default route. @throws RangeError */
  addRoute(net: string | Cidr, via?: AddressLike): void {
    const entry = cidr(net);
    this.removeRoute(entry);
    this.#routes = [...this.#routes, { net: entry, via: via === undefined ? undefined : ip(via) }];
  }

  removeRoute(net: string | Cidr): void {
    const gone = cidr(net);
    this.#routes = this.#routes.filter((r) => r.net.prefix !== gone.prefix || !r.net.address.equals(gone.address));
    this.generation++;
  }

  /** Receives a multicast group from now on. No IGMP report is sent. */
  join(group: AddressLike): void {
    this.leave(group);
    this.#groups = [...this.#groups, ip(group)];
  }

  leave(group: AddressLike): void {
    const gone = ip(group);
    this.#groups = this.#groups.filter((entry) => !entry.equals(gone));
    this.generation++;
  }

  /** What `address` is to us, as a destination. */
  classify(address: IpAddress): number {
    const own = this.#addresses;
    const word = address.w3;
    for (let i = 0; i < own.length; i++) if (own[i]!.address.w3 === word) return Destination.own;
    if (word === -1) return Destination.broadcast;
    const top = word >>> 24;
    if (top === 127) return Destination.loopback;
    if (top >= 224 && top < 240) {
      // All-hosts is always joined (RFC 1112 §7.2).
      if ((word | 0) === (0xe0000001 | 0)) return Destination.multicast;
      for (const group of this.#groups) if (group.w3 === word) return Destination.multicast;
      return Destination.other;
    }
    return this.subnetBroadcast(address) ? Destination.broadcast : Destination.other;
  }

  /** The all-ones (or, RFC 1122 §3.3.6, all-zeros) address of one of our networks of at most 30 bits. */
  subnetBroadcast(address: IpAddress): boolean {
    const own = this.#addresses;
    for (let i = 0; i < own.length; i++) {
      const { address: mine, prefix } = own[i]!;
      if (prefix > 30) continue;
      const mask = prefixMask(prefix);
      if (((address.w3 ^ mine.w3) & mask) !== 0) continue;
      const host = address.w3 & ~mask;
      if (host === ~mask || host === 0) return true;
    }
    return false;
  }

  /** Writes the next hop towards `to` into `hop`; false when there is no route. The longest prefix wins. */
  nextHop(to: IpAddress, hop: IpAddress): boolean {
    let best = -1;
    const own = this.#addresses;
    for (let i = 0; i < own.length; i++) {
      const entry = own[i]!;
      if (entry.prefix > best && entry.prefix < 32 && contains(entry, to)) {
        best = entry.prefix;
        hop.copy(to);
      }
    }
    const routes = this.#routes;
    for (let i = 0; i < routes.length; i++) {
      const { net, via } = routes[i]!;
      if (net.prefix > best && contains(net, to)) {
        best = net.prefix;
        hop.copy(via ?? to);
      }
    }
    return best >= 0;
  }

  /** Writes the address to send from when the next hop is `hop`: ours on that network, else our first; else 0.0.0.0. */
  sourceFor(hop: IpAddress, source: IpAddress): void {
    source.set4(0);
    const own = this.#addresses;
    if (own.length > 0) source.copy(own[0]!.address);
    let best = -1;
    for (let i = 0; i < own.length; i++) {
      const entry = own[i]!;
      if (entry.prefix > best && contains(entry, hop)) {
        best = entry.prefix;
        source.copy(entry.address);
      }
    }
  }
}
