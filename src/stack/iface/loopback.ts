/** Packets from this interface to itself: a bounded queue that ingress takes from. The device never sees them. */
import type { OwnedArena } from '../../platform/arena.js';

const SLOTS = 64;
const SLOT_BYTES = 16384;

/** First in, first out. Memory is taken on first use. */
export class LoopbackQueue {
  /** Largest packet. */
  readonly mtu = SLOT_BYTES;
  readonly #arena: OwnedArena;
  readonly #lengths = new Int32Array(SLOTS);
  #base = 0;
  #head = 0;
  #count = 0;
  #reserved = 0;

  constructor(arena: OwnedArena) {
    this.#arena = arena;
  }

  get count(): number {
    return this.#count;
  }

  /** Arena offset for a packet of `bytes`, or 0 when the queue is full. */
  reserve(bytes: number): number {
    if (this.#count === SLOTS || bytes > SLOT_BYTES) return 0;
    if (this.#base === 0) {
      try {
        this.#base = this.#arena.alloc(SLOTS * SLOT_BYTES);
      } catch {
        return 0;
      }
    }
    this.#reserved = bytes;
    return this.#base + ((this.#head + this.#count) % SLOTS) * SLOT_BYTES;
  }

  /** Queues the packet reserved last. */
  commit(): void {
    this.#lengths[(this.#head + this.#count) % SLOTS] = this.#reserved;
    this.#count++;
  }

  /** Arena offset of the oldest packet. Only when `count` is above 0. */
  get at(): number {
    return this.#base + this.#head * SLOT_BYTES;
  }

  /** Length of the oldest packet. */
  get length(): number {
    return this.#lengths[this.#head]!;
  }

  /** Forgets the oldest packet. */
  pop(): void {
    this.#head = (this.#head + 1) % SLOTS;
    this.#count--;
  }
}
