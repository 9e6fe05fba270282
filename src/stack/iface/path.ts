/** How to reach one destination: worked out once and kept until addresses, routes or neighbours change. */
import { IpAddress } from '../wire/address.js';
import type { Neighbour } from './neighbours.js';

/** Ways of delivery. */
export const PathKind = { none: 0, loopback: 1, neighbour: 2, group: 3 } as const;

/** A cached way to `destination`. */
export class Path {
  readonly destination = new IpAddress();
  /** The address to send from unless the sender has one. */
  readonly source = new IpAddress();
  kind: number = PathKind.none;
  /** The generation it was worked out in. */
  generation = 0;
  neighbour: Neighbour | undefined;
  /** Destination MAC of a broadcast or multicast. */
  readonly mac = new Uint8Array(6);
  /** Largest IP packet to this destination: the link's, or less by path MTU discovery. */
  mtu = 0;
}
