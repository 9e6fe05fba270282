/**
 * The neighbour cache: ARP (RFC 826), a short queue of packets per unresolved neighbour (RFC 1122 §2.3.2.2), one request a
 * second per neighbour (§2.3.2.1), expiry with revalidation, and failures that are told to those who wait.
 */
import type { Arena, OwnedArena } from '../../platform/arena.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { copy } from '../../platform/kernels.js';
import { IpAddress } from '../wire/address.js';
import { ARP_BYTES, Arp, ArpOp, writeArp } from '../wire/arp.js';
import { copyBytes } from '../wire/bytes.js';
import { EtherType } from '../wire/ethernet.js';
import type { Link } from './link.js';
import type { StackStatistics } from './statistics.js';

/** Packets kept per unresolved neighbour; the oldest goes first. */
const PENDING = 4;
/** Slots shared by all neighbours. */
const POOL = 32;
/** Requests before giving up. */
const PROBES = 3;
const SECOND = 1_000_000;
/** How long an answer is believed. */
const LIFETIME = 60 * SECOND;
/** How long a failure is believed: no request is sent meanwhile. */
const FAILED_FOR = SECOND;

const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
const ZERO_MAC = new Uint8Array(6);

/** One neighbour. */
export class Neighbour {
  readonly address = new IpAddress();
  readonly mac = new Uint8Array(6);
  /** `mac` may be used. */
  usable = false;
  /** Until when it is believed; later it is used while it is asked for again. */
  expires: Micros = 0;
  /** Requests sent without an answer. */
  probes = 0;
  /** When the next request is due, or {@link NEVER}. */
  nextProbe: Micros = NEVER;
  /** Set after the last request went unanswered, until this time. */
  failedUntil: Micros = 0;
  /** Pool slots of waiting packets, oldest first, and their lengths. */
  readonly slots = new Int32Array(PENDING);
  readonly lengths = new Int32Array(PENDING);
  pending = 0;
  used: Micros = 0;
}

/** What the cache tells its owner. Rare. */
export interface NeighbourEvents {
  /** A waiting packet (IP header first) will not be sent: its neighbour does not answer. */
  unreachable(arena: Arena, at: number, bytes: number): void;
  /** Something was resolved or given up: those who wait may look again. */
  changed(): void;
  /** A neighbour was dropped from a full cache. */
  evicted(): void;
}

/** All neighbours of one interface, bounded. */
export class NeighbourCache {
  readonly #entries = new Map<number, Neighbour>();
  readonly #capacity: number;
  readonly #arena: OwnedArena;
  readonly #link: Link;
  readonly #stats: StackStatistics;
  readonly #events: NeighbourEvents;
  readonly #free: number[] = [];
  #pool = 0;
  readonly #slotBytes: number;
  /** Nearest time something is due. */
  deadline: Micros = NEVER;
  /** Resolved neighbours may still have packets waiting for a transmit slot. */
  #flushing = false;

  constructor(arena: OwnedArena, link: Link, stats: StackStatistics, events: NeighbourEvents, capacity: number) {
    this.#arena = arena;
    this.#link = link;
    this.#stats = stats;
    this.#events = events;
    this.#capacity = capacity;
    this.#slotBytes = Math.ceil(link.mtu / 64) * 64;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries, for tools. */
  list(): Neighbour[] {
    return [...this.#entries.values()];
  }

  /** The entry of an address, made when there is none. */
  entry(address: IpAddress, now: Micros): Neighbour {
    const known = this.#entries.get(address.w3);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#capacity) this.#evict();
    const made = new Neighbour();
    made.address.copy(address);
    made.used = now;
    this.#entries.set(address.w3, made);
    return made;
  }

  #evict(): void {
    let oldest: Neighbour | undefined;
    for (const entry of this.#entries.values()) {
      if (oldest === undefined || (entry.usable === oldest.usable ? entry.used < oldest.used : !entry.usable)) {
        oldest = entry;
      }
    }
    if (oldest === undefined) return;
    while (oldest.pending > 0) this.#dropOldest(oldest);
    this.#entries.delete(oldest.address.w3);
    this.#stats.neighbourEvictions++;
    this.#events.evicted();
  }

  /** Sets an answer by hand; it never expires. */
  setStatic(address: IpAddress, mac: Uint8Array, now: Micros): void {
    const entry = this.entry(address, now);
    this.#learn(entry, mac, 0, now);
    entry.expires = NEVER;
  }

  /** Forgets everything (link lost, address changed); waiting packets are dropped. */
  clear(): void {
    for (const entry of this.#entries.values()) while (entry.pending > 0) this.#dropOldest(entry);
    this.#entries.clear();
    this.#events.evicted();
  }

  /** True when a frame may be sent to it now. Starts or repeats asking when that is due. */
  ready(entry: Neighbour, now: Micros): boolean {
    entry.used = now;
    if (entry.usable && now < entry.expires) return true;
    if (entry.nextProbe === NEVER && now >= entry.failedUntil) this.#probe(entry, now);
    return entry.usable;
  }

  /** Upper layers hear nothing from it: it is asked again, and used meanwhile. */
  suspect(entry: Neighbour, now: Micros): void {
    if (entry.usable && entry.expires !== NEVER && entry.expires > now) entry.expires = now;
  }

  #probe(entry: Neighbour, now: Micros): void {
    entry.probes++;
    entry.nextProbe = now + SECOND;
    if (entry.nextProbe < this.deadline) this.deadline = entry.nextProbe;
    this.request(entry.address.w3, this.sourceFor(entry.address), now);
  }

  /** Our address to ask from. Set by the stack. */
  sourceFor: (target: IpAddress) => number = () => 0;

  /** Broadcasts a request for `target` from `source`: 0 for a probe, `target` itself for an announcement (RFC 5227). */
  request(target: number, source: number, now: Micros): boolean {
    if (!this.#link.reserve(now, ARP_BYTES)) return false;
    const { arena, offset } = this.#link.frame;
    const at = offset + this.#link.headerBytes;
    writeArp(arena.u8, at, ArpOp.request, source, target);
    copyBytes(arena.u8, at + Arp.senderMac, this.#link.mac, 0, 6);
    copyBytes(arena.u8, at + Arp.targetMac, ZERO_MAC, 0, 6);
    this.#link.commit(BROADCAST, 0, EtherType.arp);
    this.#stats.arpRequestsOut++;
    return true;
  }

  /** Answers a request with our address. */
  reply(target: number, source: number, mac: Uint8Array, macAt: number, now: Micros): void {
    if (!this.#link.reserve(now, ARP_BYTES)) return;
    const { arena, offset } = this.#link.frame;
    const at = offset + this.#link.headerBytes;
    writeArp(arena.u8, at, ArpOp.reply, source, target);
    copyBytes(arena.u8, at + Arp.senderMac, this.#link.mac, 0, 6);
    copyBytes(arena.u8, at + Arp.targetMac, mac, macAt, 6);
    this.#link.commit(mac, macAt, EtherType.arp);
    this.#stats.arpRepliesOut++;
  }

  /** A valid ARP packet said that `address` has this MAC. Only `create` (it was meant for us) makes new entries. */
  heard(address: IpAddress, mac: Uint8Array, at: number, create: boolean, now: Micros): void {
    const known = this.#entries.get(address.w3);
    if (known === undefined && !create) return;
    const entry = known ?? this.entry(address, now);
    if (entry.expires === NEVER) return;
    this.#learn(entry, mac, at, now);
  }

  #learn(entry: Neighbour, mac: Uint8Array, at: number, now: Micros): void {
    copyBytes(entry.mac, 0, mac, at, 6);
    entry.usable = true;
    entry.expires = now + LIFETIME;
    entry.probes = 0;
    entry.nextProbe = NEVER;
    entry.failedUntil = 0;
    if (entry.pending > 0) this.#flush(entry, now);
    this.#events.changed();
  }

  /** Keeps a packet of `bytes` until the neighbour answers: the arena offset to write it to, or 0 when there is no room. */
  keep(entry: Neighbour, bytes: number): number {
    if (bytes > this.#slotBytes) return 0;
    if (this.#pool === 0) {
      try {
        this.#pool = this.#arena.alloc(this.#slotBytes * POOL);
      } catch {
        return 0;
      }
      for (let i = 0; i < POOL; i++) this.#free.push(this.#pool + i * this.#slotBytes);
    }
    if (entry.pending === PENDING) this.#dropOldest(entry);
    const slot = this.#free.pop();
    if (slot === undefined) {
      this.#stats.neighbourDrops++;
      return 0;
    }
    entry.slots[entry.pending] = slot;
    entry.lengths[entry.pending] = bytes;
    entry.pending++;
    return slot;
  }

  #dropOldest(entry: Neighbour): void {
    this.#free.push(entry.slots[0]!);
    entry.slots.copyWithin(0, 1);
    entry.lengths.copyWithin(0, 1);
    entry.pending--;
    this.#stats.neighbourDrops++;
  }

  #flush(entry: Neighbour, now: Micros): void {
    let sent = 0;
    while (sent < entry.pending && this.#link.reserve(now, entry.lengths[sent]!)) {
      const frame = this.#link.frame;
      const slot = entry.slots[sent]!;
      copy(frame.arena, frame.offset + this.#link.headerBytes, this.#arena, slot, entry.lengths[sent]!);
      this.#link.commit(entry.mac, 0, EtherType.ipv4);
      this.#free.push(slot);
      sent++;
    }
    entry.slots.copyWithin(0, sent);
    entry.lengths.copyWithin(0, sent);
    entry.pending -= sent;
    if (entry.pending > 0) this.#flushing = true;
  }

  /** Sends what resolved neighbours still have waiting. */
  egress(now: Micros): void {
    if (!this.#flushing) return;
    this.#flushing = false;
    for (const entry of this.#entries.values()) if (entry.usable && entry.pending > 0) this.#flush(entry, now);
  }

  /** Requests and failures that are due. */
  maintain(now: Micros): void {
    if (now < this.deadline) return;
    this.deadline = NEVER;
    for (const entry of this.#entries.values()) {
      if (entry.nextProbe <= now) {
        if (entry.probes < PROBES) this.#probe(entry, now);
        else this.#fail(entry, now);
      }
      if (entry.nextProbe < this.deadline) this.deadline = entry.nextProbe;
    }
  }

  #fail(entry: Neighbour, now: Micros): void {
    entry.nextProbe = NEVER;
    entry.usable = false;
    entry.probes = 0;
    entry.failedUntil = now + FAILED_FOR;
    this.#stats.neighbourFailures++;
    while (entry.pending > 0) {
      const slot = entry.slots[0]!;
      const bytes = entry.lengths[0]!;
      this.#events.unreachable(this.#arena, slot, bytes);
      this.#dropOldest(entry);
    }
    this.#events.changed();
  }
}
