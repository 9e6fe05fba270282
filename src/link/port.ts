/**
 * The sixth seam: Ethernet frames between device models. What travels are finished frames: at most the MTU of the
 * medium, every checksum in place. A frame damaged on the way has a bad FCS, and the receiving MAC drops and counts it.
 */
import type { Arena } from '../platform/arena.js';

/** Why a frame ended where it did. `delivered` and `queued` are the good ends. */
export type FrameFate =
  | 'delivered'
  | 'queued'
  | 'no-carrier'
  | 'receiver-off'
  | 'ring-empty'
  | 'fifo-full'
  | 'filtered'
  | 'bad-fcs'
  | 'too-long'
  | 'too-short'
  | 'pause-frame'
  | 'vlan-filtered'
  | 'dma-fault'
  | 'lost-on-cable'
  | 'switch-full'
  | 'power-state';

/**
 * A frame on the medium, in place: from destination address to the last byte before the FCS. The bytes belong to the
 * sender and are valid only during the call that hands them over; who needs them longer copies them.
 */
export interface LinkFrame {
  /** Memory that holds the bytes. */
  arena: Arena;
  /** First byte of the destination address. */
  offset: number;
  /** Without FCS. */
  length: number;
  /** False: the FCS does not match the bytes. */
  fcsOk: boolean;
}

/** Speeds in Mbit/s. */
export type LinkSpeed = 10 | 100 | 1000 | 2500;

/** What two ends of a medium settle on, in Mbit/s and duplex. */
export interface LinkMode {
  readonly speed: LinkSpeed;
  readonly fullDuplex: boolean;
  /** PAUSE as negotiated: whether the peer obeys and sends it. */
  readonly pause: boolean;
}

/** What one end offers in auto-negotiation, or forces. */
export interface LinkAbility {
  /** Speeds offered, with full duplex; a half-duplex offer is listed in `half`. */
  readonly speeds: readonly LinkSpeed[];
  readonly half: readonly LinkSpeed[];
  readonly pause: boolean;
  readonly asymmetricPause: boolean;
  /** False: the end forces its one mode and sends no pages; the other end detects the speed and assumes half duplex. */
  readonly autoNegotiates: boolean;
  /** Speeds at which the end can fall into low power idle (energy efficient Ethernet, 802.3 §78). Default: none. */
  readonly eee?: readonly LinkSpeed[];
}

/** Full duplex 10, 100 and 1000 with PAUSE. */
export const GIGABIT: LinkAbility = {
  speeds: [10, 100, 1000],
  half: [10, 100],
  pause: true,
  asymmetricPause: false,
  autoNegotiates: true,
};

/** {@link GIGABIT} and 2500, as a switch with 2.5GBASE-T ports offers it, with energy efficient Ethernet. */
export const MULTIGIG: LinkAbility = {
  ...GIGABIT,
  speeds: [10, 100, 1000, 2500],
  eee: [100, 1000, 2500],
};

/**
 * One end of a medium, owned by a device (a NIC model, a switch, an uplink). The device sets the three hooks; the medium
 * calls them. The medium sets `medium`; the device calls `transmit` and `offer`.
 */
export class LinkPort {
  /** For traces and captures. */
  readonly name: string;
  /** What this end offers; undefined while its PHY is off. */
  #ability: LinkAbility | undefined;
  #medium: Medium | undefined;
  /** Set by the device: takes a frame during the call and says what became of it. */
  receive: (frame: LinkFrame) => FrameFate = () => 'receiver-off';
  /** Set by the device: the medium came (with the partner's offer) or went (undefined). */
  onPartner: ((partner: LinkAbility | undefined) => void) | undefined;
  /** Called with the fate of every frame that came to this port. Unset, it costs nothing. */
  onFate: ((frame: LinkFrame, fate: FrameFate) => void) | undefined;
  #partner: LinkAbility | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The partner's offer, or undefined without a partner. */
  get partner(): LinkAbility | undefined {
    return this.#partner;
  }

  /** True when a medium is plugged in. */
  get plugged(): boolean {
    return this.#medium !== undefined;
  }

  /** What this end offers. */
  get ability(): LinkAbility | undefined {
    return this.#ability;
  }

  /** Changes what this end offers; the partner learns of it. */
  offer(ability: LinkAbility | undefined): void {
    this.#ability = ability;
    this.#medium?.offered(this, ability);
  }

  /** Sends a frame. The bytes may be used again when the call returns. False: there is no carrier. */
  transmit(frame: LinkFrame): boolean {
    return this.#medium?.carry(this, frame) ?? false;
  }

  /** @internal For media: plugs this end in. */
  plug(medium: Medium): void {
    this.#medium = medium;
    medium.offered(this, this.#ability);
  }

  /** @internal For media: pulls the plug. */
  unplug(): void {
    this.#medium = undefined;
    this.heard(undefined);
  }

  /** @internal For media: the partner's offer. */
  heard(partner: LinkAbility | undefined): void {
    if (this.#partner === partner) return;
    this.#partner = partner;
    this.onPartner?.(partner);
  }

  /** @internal For media: hands a frame to the device. */
  deliver(frame: LinkFrame): FrameFate {
    const fate = this.receive(frame);
    if (this.onFate !== undefined) this.onFate(frame, fate);
    return fate;
  }
}

/** What a cable is to its ends. */
export interface Medium {
  /** Carries a frame away from `from`; it reads the bytes during the call only. False without carrier. */
  carry(from: LinkPort, frame: LinkFrame): boolean;
  /** An end changed its offer. */
  offered(from: LinkPort, ability: LinkAbility | undefined): void;
}

/** What auto-negotiation settles (802.3 §28B.3 and §28B.2): best common full duplex, then half; PAUSE when both offer it. */
export function negotiate(a: LinkAbility, b: LinkAbility): LinkMode | undefined {
  const order: readonly LinkSpeed[] = [2500, 1000, 100, 10];
  const pause = a.pause && b.pause;
  if (a.autoNegotiates && b.autoNegotiates) {
    for (const speed of order) {
      if (a.speeds.includes(speed) && b.speeds.includes(speed)) return { speed, fullDuplex: true, pause };
      if (a.half.includes(speed) && b.half.includes(speed)) return { speed, fullDuplex: false, pause: false };
    }
    return undefined;
  }
  for (const speed of order) {
    const inA = a.speeds.includes(speed) || a.half.includes(speed);
    const inB = b.speeds.includes(speed) || b.half.includes(speed);
    if (!inA || !inB || speed > 100) continue;
    // Parallel detection: who negotiates with one who does not, takes half duplex; two who force get what they force.
    const full = !a.autoNegotiates && !b.autoNegotiates && a.speeds.includes(speed) && b.speeds.includes(speed);
    return { speed, fullDuplex: full, pause: false };
  }
  return undefined;
}
