/** How a stack is made, and what can be driven by one. */
import type { OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import type { PhyDevice } from '../../platform/phy.js';
import type { Random } from '../../platform/random.js';

/** Something the stack drives in its protocol phase: DHCP, DNS. */
export interface StackService {
  /** When it next has something to do without an event, or `NEVER`. */
  readonly deadline: Micros;
  /** An event of its socket waits. */
  readonly pending: boolean;
  step(now: Micros): void;
}

/** How a stack is made. */
export interface StackOptions {
  /** Absent: only the loopback works. */
  readonly device?: PhyDevice;
  /** For ports, sequence numbers, jitter. */
  readonly random: Random;
  /** Where rings and pools lie. Default: a new one of 128 MiB (touched as it is used). */
  readonly arena?: OwnedArena;
  /** Neighbours kept at most, default 256. */
  readonly neighbours?: number;
  /** 802.1Q identifier all frames carry, default -1: untagged. */
  readonly vlan?: number;
  /** Take packets for any unicast address as our own. */
  readonly anyIp?: boolean;
  /**
   * Stand in for the rest of the world, as a router with a proxy does: packets that were sent to this station for other
   * addresses reach TCP listeners and UDP sockets that name such an address. All else is refused: TCP by a reset, the rest
   * as administratively prohibited (RFC 1812 §5.2.7.1). ARP is answered for own addresses only.
   */
  readonly proxy?: boolean;
}
