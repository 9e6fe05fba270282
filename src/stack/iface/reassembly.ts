/**
 * IPv4 reassembly (RFC 791 §3.2, RFC 815): a bounded number of datagrams at once, each in a slot of its own. Overlapping
 * fragments that are not exact repeats kill the datagram (the policy RFC 5722 made for IPv6); 30 s is the limit.
 */
import type { OwnedArena } from '../../platform/arena.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { copy } from '../../platform/kernels.js';
import { RangeResult, Ranges } from '../storage/ranges.js';
import { set16 } from '../wire/bytes.js';
import { Ipv4, Ipv4Flag, ipv4Destination, ipv4Fragment, ipv4Id, ipv4Source } from '../wire/ipv4.js';
import type { Packet } from './packet.js';
import type { StackStatistics } from './statistics.js';

const TIMEOUT = 30_000_000;
const HOLES = 64;
/** The longest header in front of the largest payload. */
const SLOT_BYTES = 64 + 65536;
const PAYLOAD = 64;

class Slot {
  base = 0;
  busy = false;
  source = 0;
  destination = 0;
  id = 0;
  protocol = 0;
  deadline: Micros = NEVER;
  /** Bytes of the first fragment's header, 0 until it came. */
  header = 0;
  /** Payload length, known with the last fragment; -1 before. */
  total = -1;
  readonly got = new Ranges(HOLES);
}

/** All datagrams in pieces. */
export class Reassembly {
  readonly #arena: OwnedArena;
  readonly #slots: Slot[];
  readonly #stats: StackStatistics;
  /** The datagram being assembled ran out of time and its first fragment is at hand: the stack reports it. */
  expired: (arena: OwnedArena, ip: number, bytes: number) => void = () => {};

  constructor(arena: OwnedArena, stats: StackStatistics, slots = 8) {
    this.#arena = arena;
    this.#stats = stats;
    this.#slots = Array.from({ length: slots }, () => new Slot());
  }

  /** Nearest timeout. */
  get deadline(): Micros {
    let nearest: Micros = NEVER;
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!;
      if (slot.busy && slot.deadline < nearest) nearest = slot.deadline;
    }
    return nearest;
  }

  /** Gives up on what is too old. */
  maintain(now: Micros): void {
    for (const slot of this.#slots) {
      if (!slot.busy || slot.deadline > now) continue;
      this.#stats.reassemblyTimeouts++;
      if (slot.header > 0) {
        const bytes = slot.got.count > 0 && slot.got.start[0] === 0 ? slot.got.end[0]! : 0;
        this.expired(this.#arena, slot.base + PAYLOAD - slot.header, slot.header + bytes);
      }
      slot.busy = false;
    }
  }

  /** Takes a fragment; true when its datagram is whole, and `packet` then describes that. */
  add(packet: Packet, now: Micros): boolean {
    const u8 = packet.arena.u8;
    const field = ipv4Fragment(u8, packet.ip);
    const from = (field & Ipv4Flag.offsetMask) * 8;
    const more = (field & Ipv4Flag.moreFragments) !== 0;
    const to = from + packet.bytes;
    this.#stats.fragmentsIn++;
    const bad = packet.bytes === 0 || (more && (packet.bytes & 7) !== 0) || to + packet.header > 65535;
    const slot = bad ? undefined : this.#find(u8, packet, now);
    if (slot === undefined) {
      this.#stats.reassemblyDrops++;
      return false;
    }
    if (!more) {
      if (slot.total >= 0 && slot.total !== to) return this.#kill(slot);
      slot.total = to;
    }
    const last = slot.got.count > 0 ? slot.got.end[slot.got.count - 1]! : 0;
    if (slot.total >= 0 && (to > slot.total || last > slot.total)) return this.#kill(slot);
    const result = slot.got.add(from, to);
    if (result === RangeResult.duplicate) return false;
    if (result !== RangeResult.added) return this.#kill(slot);
    copy(this.#arena, slot.base + PAYLOAD + from, packet.arena, packet.at, packet.bytes);
    if (from === 0) {
      slot.header = packet.header;
      copy(this.#arena, slot.base + PAYLOAD - packet.header, packet.arena, packet.ip, packet.header);
    }
    if (slot.total < 0 || slot.got.count !== 1 || slot.got.start[0] !== 0 || slot.got.end[0] !== slot.total)
      return false;
    return this.#complete(slot, packet);
  }

  #complete(slot: Slot, packet: Packet): boolean {
    slot.busy = false;
    packet.arena = this.#arena;
    packet.header = slot.header;
    packet.ip = slot.base + PAYLOAD - slot.header;
    packet.at = slot.base + PAYLOAD;
    packet.bytes = slot.total;
    packet.verified = false;
    set16(this.#arena.u8, packet.ip + Ipv4.totalLength, Math.min(slot.header + slot.total, 65535));
    set16(this.#arena.u8, packet.ip + Ipv4.fragment, 0);
    this.#stats.reassembled++;
    return true;
  }

  #kill(slot: Slot): boolean {
    slot.busy = false;
    this.#stats.reassemblyDrops++;
    return false;
  }

  #find(u8: Uint8Array, packet: Packet, now: Micros): Slot | undefined {
    const source = ipv4Source(u8, packet.ip);
    const destination = ipv4Destination(u8, packet.ip);
    const id = ipv4Id(u8, packet.ip);
    let free: Slot | undefined;
    let oldest = this.#slots[0]!;
    for (const slot of this.#slots) {
      if (slot.deadline < oldest.deadline) oldest = slot;
      if (!slot.busy) free ??= slot;
      else if (
        slot.id === id &&
        slot.source === source &&
        slot.destination === destination &&
        slot.protocol === packet.protocol
      ) {
        return slot;
      }
    }
    if (free === undefined) {
      // Otherwise a few fragments that got lost would keep all others out for as long as they are waited for.
      this.#kill(oldest);
      free = oldest;
    }
    if (free.base === 0) {
      try {
        free.base = this.#arena.alloc(SLOT_BYTES);
      } catch {
        return undefined;
      }
    }
    free.busy = true;
    free.source = source;
    free.destination = destination;
    free.id = id;
    free.protocol = packet.protocol;
    free.deadline = now + TIMEOUT;
    free.header = 0;
    free.total = -1;
    free.got.clear();
    return free;
  }
}
