/** A received IP packet, described in place. One object per stack, written again for each packet. */
import type { Arena } from '../../platform/arena.js';
import { IpAddress } from '../wire/address.js';

/** What the upper layers need to know about a packet. */
export class Packet {
  arena!: Arena;
  /** Arena offset of the IP header. */
  ip = 0;
  /** Bytes of the IP header. */
  header = 0;
  /** Arena offset of the payload. */
  at = 0;
  /** Bytes of the payload. */
  bytes = 0;
  protocol = 0;
  ttl = 0;
  readonly source = new IpAddress();
  readonly destination = new IpAddress();
  /** The transport checksum need not be looked at. */
  verified = false;
  /** Sent to many, by IP or by Ethernet: nothing may be answered with an error or a reset. */
  group = false;
  /** For an address that is not ours; only sockets that name it may have it. */
  foreign = false;
}
