/**
 * IPv4 out: `begin` finds room for a packet (in a device frame, with a waiting neighbour, in the loopback queue or in the
 * fragmentation buffer) and writes its IP header; the caller writes the payload where it is told; `commit` sends it.
 */
import type { Arena, OwnedArena } from '../../platform/arena.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { copy, finish, sum16 } from '../../platform/kernels.js';
import { Checksum } from '../../platform/phy.js';
import type { Random } from '../../platform/random.js';
import { IpAddress } from '../wire/address.js';
import { set16 } from '../wire/bytes.js';
import { EtherType } from '../wire/ethernet.js';
import { IPV4_BYTES, Ipv4, Ipv4Flag, pseudoSum4, writeIpv4 } from '../wire/ipv4.js';
import { type AddressTable, Destination } from './addresses.js';
import type { Link } from './link.js';
import { LoopbackQueue } from './loopback.js';
import type { NeighbourCache } from './neighbours.js';
import { Path, PathKind } from './path.js';
import type { PathMtuCache } from './path-mtu.js';
import type { StackStatistics } from './statistics.js';

/** What {@link IpOutput.begin} says. */
export const Send = {
  ok: 0,
  /** No address or no route: it will not get better by waiting. */
  noRoute: 1,
  /** No transmit slot or buffer now: try again at the next egress. */
  busy: 2,
  /** More than the path carries and it must not be fragmented, or more than an IP packet can hold. */
  tooBig: 3,
  /** The neighbour is not known yet and the packet cannot be kept. */
  waiting: 4,
} as const;

const Mode = { none: 0, device: 1, pending: 2, loopback: 3, fragments: 4 } as const;

/** More than a packet can have. */
const FRAGMENTS_MOST = 65536 / 8;
/** How long a packet in fragments waits for its neighbour. */
const FRAGMENT_PATIENCE: Micros = 3_500_000;

/** The parts of the stack that output needs. */
export interface OutputParts {
  readonly link: Link;
  readonly addresses: AddressTable;
  readonly neighbours: NeighbourCache;
  readonly stats: StackStatistics;
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly pathMtu: PathMtuCache;
}

/** One packet at a time: `begin`, write, `commit`. */
export class IpOutput {
  /** Where the payload goes. */
  arena: Arena;
  /** Arena offset of the payload. */
  at = 0;
  /** The L4 checksum may be left to the device: write the pseudo-header sum and call {@link IpOutput.offload}. */
  canOffload = false;
  /** The packet does not leave this interface: its checksums are not looked at. */
  trusted = false;

  readonly loopback: LoopbackQueue;
  readonly #parts: OutputParts;
  readonly #hop = new IpAddress();
  #mode: number = Mode.none;
  #path: Path | undefined;
  #ip = 0;
  #id: number;
  // Fragmentation: one packet at a time, sent as slots allow.
  #buffer = 0;
  #fragmentBytes = 0;
  #fragmentSent = 0;
  readonly #fragmentPath = new Path();
  #fragmentSince: Micros = 0;
  #fragmentWaits = false;

  constructor(parts: OutputParts) {
    this.#parts = parts;
    this.arena = parts.arena;
    this.loopback = new LoopbackQueue(parts.arena);
    this.#id = parts.random.u32() & 0xffff;
  }

  /** Works out (or confirms) the way to `path.destination`. A value of {@link Send}: `ok` or `noRoute`. */
  resolve(path: Path, now: Micros): number {
    const { addresses, link, neighbours } = this.#parts;
    if (path.generation === addresses.generation) return path.kind === PathKind.none ? Send.noRoute : Send.ok;
    path.generation = addresses.generation;
    path.neighbour = undefined;
    path.mtu = link.mtu;
    const to = path.destination;
    const kind = addresses.classify(to);
    if (kind === Destination.own || kind === Destination.loopback) {
      path.kind = PathKind.loopback;
      path.source.copy(to);
      path.mtu = this.loopback.mtu;
    } else if (link.device === undefined) {
      path.kind = PathKind.none;
    } else if (kind === Destination.broadcast || to.multicast) {
      path.kind = PathKind.group;
      addresses.sourceFor(to, path.source);
      if (to.multicast) multicastMac(to, path.mac);
      else path.mac.fill(0xff);
    } else if (!to.unspecified && addresses.nextHop(to, this.#hop)) {
      path.kind = PathKind.neighbour;
      addresses.sourceFor(this.#hop, path.source);
      path.neighbour = neighbours.entry(this.#hop, now);
      // Making an entry can drop another one, which moves the generation.
      path.generation = addresses.generation;
      path.mtu = Math.min(link.mtu, this.#parts.pathMtu.get(to, now));
      if (path.source.unspecified) path.kind = PathKind.none;
    } else path.kind = PathKind.none;
    if (path.kind === PathKind.none) {
      this.#parts.stats.ipNoRoute++;
      return Send.noRoute;
    }
    return Send.ok;
  }

  /** True when frames may be sent along a resolved path now; otherwise asks the neighbour. */
  ready(path: Path, now: Micros): boolean {
    return path.kind !== PathKind.neighbour || this.#parts.neighbours.ready(path.neighbour!, now);
  }

  /**
   * Finds room for `bytes` of payload and writes the IP header; on `ok` the payload goes to `arena` at `at`, then `commit`.
   * @param source our address, int32. @param df don't fragment. @param segment TCP: the device will cut it into MTUs.
   */
  begin(
    now: Micros,
    path: Path,
    source: number,
    protocol: number,
    bytes: number,
    ttl: number,
    tos: number,
    df: boolean,
    segment: boolean,
  ): number {
    const { link, neighbours, stats } = this.#parts;
    if (path.generation !== this.#parts.addresses.generation && this.resolve(path, now) !== Send.ok)
      return Send.noRoute;
    if (path.kind === PathKind.none) return Send.noRoute;
    const total = IPV4_BYTES + bytes;
    if (total > 65535) return Send.tooBig;
    if (total > path.mtu && !segment) {
      if (df) return Send.tooBig;
      return this.#beginFragments(now, path, source, protocol, bytes, ttl, tos);
    }
    this.canOffload = this.trusted = false;
    if (path.kind === PathKind.loopback) {
      const slot = this.loopback.reserve(total);
      if (slot === 0) {
        stats.loopbackDrops++;
        return Send.busy;
      }
      this.#mode = Mode.loopback;
      this.arena = this.#parts.arena;
      this.#ip = slot;
      this.trusted = true;
    } else if (path.kind === PathKind.group || neighbours.ready(path.neighbour!, now)) {
      if (!link.reserve(now, total)) return Send.busy;
      this.#mode = Mode.device;
      this.arena = link.frame.arena;
      this.#ip = link.frame.offset + link.headerBytes;
      this.canOffload = link.device!.capabilities.txChecksum;
    } else {
      const slot = neighbours.keep(path.neighbour!, total);
      if (slot === 0) return Send.waiting;
      this.#mode = Mode.pending;
      this.arena = this.#parts.arena;
      this.#ip = slot;
    }
    this.#path = path;
    this.at = this.#ip + IPV4_BYTES;
    // RFC 6864: an atomic datagram's identification means nothing, but old receivers and TSO like it to count.
    this.#id = (this.#id + 1) & 0xffff;
    const flags = df ? Ipv4Flag.dontFragment : 0;
    const to = path.destination.w3;
    writeIpv4(this.arena.u8, this.#ip, tos, total, this.#id, flags, ttl, protocol, source, to);
    if (!this.trusted) this.#sumHeader(this.arena, this.#ip);
    return Send.ok;
  }

  #sumHeader(arena: Arena, at: number): void {
    set16(arena.u8, at + Ipv4.checksum, 0);
    set16(arena.u8, at + Ipv4.checksum, finish(sum16(arena, at, IPV4_BYTES)));
  }

  /** Leaves the checksum to the device: the field at `fieldOffset` of the payload gets the pseudo-header sum. */
  offload(pseudo: number, fieldOffset: number, gsoSize: number): void {
    const frame = this.#parts.link.frame;
    frame.checksum = Checksum.partial;
    frame.csumStart = this.at - frame.offset;
    frame.csumOffset = fieldOffset;
    frame.gsoSize = gsoSize;
    set16(this.arena.u8, this.at + fieldOffset, ~finish(pseudo) & 0xffff);
  }

  /** Sums `bytes` of payload with the pseudo-header into the field at `fieldOffset`, or offloads it. UDP and the like. */
  sumPayload(source: number, path: Path, protocol: number, bytes: number, fieldOffset: number): void {
    if (this.trusted) return;
    const pseudo = pseudoSum4(source, path.destination.w3, protocol, bytes);
    if (this.canOffload) {
      this.offload(pseudo, fieldOffset, 0);
      return;
    }
    const value = finish(sum16(this.arena, this.at, bytes, pseudo));
    // RFC 768: a computed zero goes out as all ones.
    set16(this.arena.u8, this.at + fieldOffset, value === 0 ? 0xffff : value);
  }

  /** Sends what `begin` made room for. */
  commit(): void {
    const { link, stats } = this.#parts;
    stats.ipOut++;
    if (this.#mode === Mode.device) {
      const path = this.#path!;
      link.commit(path.kind === PathKind.group ? path.mac : path.neighbour!.mac, 0, EtherType.ipv4);
    } else if (this.#mode === Mode.loopback) this.loopback.commit();
    this.#mode = Mode.none;
  }

  // The packet is staged whole; egress cuts and sends it as slots allow.
  #beginFragments(
    now: Micros,
    path: Path,
    source: number,
    protocol: number,
    bytes: number,
    ttl: number,
    tos: number,
  ): number {
    // One packet is staged at a time. What is left of the last one goes now if it can: an answer that finds no room is lost.
    this.continueFragments(now, FRAGMENTS_MOST);
    if (this.#fragmentBytes > 0) return Send.busy;
    if (this.#buffer === 0) {
      try {
        this.#buffer = this.#parts.arena.alloc(65536);
      } catch {
        return Send.busy;
      }
    }
    this.#fragmentPath.destination.copy(path.destination);
    this.#fragmentPath.generation = 0;
    if (this.resolve(this.#fragmentPath, now) !== Send.ok) return Send.noRoute;
    this.#id = (this.#id + 1) & 0xffff;
    this.arena = this.#parts.arena;
    this.#ip = this.#buffer;
    this.at = this.#buffer + IPV4_BYTES;
    this.canOffload = this.trusted = false;
    this.#mode = Mode.fragments;
    const to = path.destination.w3;
    writeIpv4(this.arena.u8, this.#ip, tos, IPV4_BYTES + bytes, this.#id, 0, ttl, protocol, source, to);
    this.#fragmentBytes = bytes;
    this.#fragmentSent = 0;
    this.#fragmentSince = now;
    this.#fragmentWaits = false;
    return Send.ok;
  }

  /** A fragmented packet is waiting for slots. */
  get fragmenting(): boolean {
    return this.#fragmentBytes > 0;
  }

  /** When to look at the staged packet again: at once, or at the latest when it is given up if its neighbour is unknown. */
  get fragmentDeadline(): Micros {
    if (this.#fragmentBytes === 0) return NEVER;
    return this.#fragmentWaits ? this.#fragmentSince + FRAGMENT_PATIENCE : 0;
  }

  /** Sends up to `budget` fragments of the staged packet; returns how many. Gives up on it after three seconds. */
  continueFragments(now: Micros, budget: number): number {
    let sent = 0;
    const { link, stats, arena, neighbours } = this.#parts;
    const path = this.#fragmentPath;
    while (this.#fragmentBytes > 0 && sent < budget) {
      const stale = now - this.#fragmentSince >= FRAGMENT_PATIENCE;
      if (stale || this.resolve(path, now) !== Send.ok) {
        this.#fragmentBytes = 0;
        return sent;
      }
      this.#fragmentWaits = path.kind === PathKind.neighbour && !neighbours.ready(path.neighbour!, now);
      if (this.#fragmentWaits) return sent;
      const left = this.#fragmentBytes - this.#fragmentSent;
      const room = (path.mtu - IPV4_BYTES) & ~7;
      const bytes = Math.min(left, room);
      let to: Arena = arena;
      let at: number;
      if (path.kind === PathKind.loopback) {
        at = this.loopback.reserve(IPV4_BYTES + bytes);
        if (at === 0) return sent;
      } else {
        if (!link.reserve(now, IPV4_BYTES + bytes)) return sent;
        to = link.frame.arena;
        at = link.frame.offset + link.headerBytes;
      }
      copy(to, at, arena, this.#buffer, IPV4_BYTES);
      copy(to, at + IPV4_BYTES, arena, this.#buffer + IPV4_BYTES + this.#fragmentSent, bytes);
      set16(to.u8, at + Ipv4.totalLength, IPV4_BYTES + bytes);
      set16(to.u8, at + Ipv4.fragment, (this.#fragmentSent >> 3) | (left > bytes ? Ipv4Flag.moreFragments : 0));
      this.#sumHeader(to, at);
      if (path.kind === PathKind.loopback) this.loopback.commit();
      else link.commit(path.kind === PathKind.group ? path.mac : path.neighbour!.mac, 0, EtherType.ipv4);
      stats.fragmentsOut++;
      sent++;
      this.#fragmentSent += bytes;
      if (this.#fragmentSent >= this.#fragmentBytes) this.#fragmentBytes = 0;
    }
    return sent;
  }
}

/** RFC 1112 §6.4: 01:00:5e and the low 23 bits of the group. */
function multicastMac(group: IpAddress, mac: Uint8Array): void {
  mac[0] = 1;
  mac[1] = 0;
  mac[2] = 0x5e;
  mac[3] = (group.w3 >>> 16) & 0x7f;
  mac[4] = group.w3 >>> 8;
  mac[5] = group.w3;
}
