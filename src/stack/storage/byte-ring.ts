/** A ring of bytes in an arena: what a TCP socket sends from and receives into. */
import type { Arena, OwnedArena } from '../../platform/arena.js';
import { copy, copySum } from '../../platform/kernels.js';

/** Positions are relative to the ring's first kept byte; capacity is a power of two. */
export class ByteRing {
  readonly arena: OwnedArena;
  /** Where the ring lies in the arena; 0 when it has no memory. */
  base = 0;
  capacity = 0;
  /** Index of the first kept byte. */
  head = 0;
  /** Kept bytes. */
  used = 0;

  constructor(arena: OwnedArena) {
    this.arena = arena;
  }

  /** Takes memory. False when the arena has none left. @param bytes rounded up to a power of two, at least 64. */
  open(bytes: number): boolean {
    const capacity = ringCapacity(bytes);
    try {
      this.base = this.arena.alloc(capacity);
    } catch {
      return false;
    }
    this.capacity = capacity;
    this.head = this.used = 0;
    return true;
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    if (this.base !== 0) this.arena.free(this.base);
    this.base = this.capacity = this.head = this.used = 0;
  }

  get free(): number {
    return this.capacity - this.used;
  }

  /** Arena offset of the byte `position` bytes after the first kept one. */
  at(position: number): number {
    return this.base + ((this.head + position) & (this.capacity - 1));
  }

  /** Bytes from `position` to the ring's seam. */
  run(position: number): number {
    return this.capacity - ((this.head + position) & (this.capacity - 1));
  }

  /** Stores bytes at a position, which may lie beyond what is kept. The caller has checked that they fit. */
  put(position: number, from: Arena, fromAt: number, bytes: number): void {
    const run = this.run(position);
    if (bytes <= run) {
      copy(this.arena, this.at(position), from, fromAt, bytes);
      return;
    }
    copy(this.arena, this.at(position), from, fromAt, run);
    copy(this.arena, this.base, from, fromAt + run, bytes - run);
  }

  /** Stores bytes of an array after what is kept and keeps them; returns how many fitted. */
  write(u8: Uint8Array, at: number, bytes: number): number {
    const count = Math.min(bytes, this.free);
    const run = Math.min(count, this.run(this.used));
    if (count === 0) return 0;
    this.#store(this.at(this.used), u8, at, run);
    if (count > run) this.#store(this.base, u8, at + run, count - run);
    this.used += count;
    return count;
  }

  #store(to: number, u8: Uint8Array, at: number, bytes: number): void {
    if (u8.buffer === this.arena.u8.buffer) {
      this.arena.u8.copyWithin(to, u8.byteOffset + at, u8.byteOffset + at + bytes);
    } else this.arena.u8.set(at === 0 && bytes === u8.length ? u8 : u8.subarray(at, at + bytes), to);
  }

  /** Copies kept bytes out. */
  peek(position: number, to: Arena, toAt: number, bytes: number): void {
    const run = this.run(position);
    if (bytes <= run) {
      copy(to, toAt, this.arena, this.at(position), bytes);
      return;
    }
    copy(to, toAt, this.arena, this.at(position), run);
    copy(to, toAt + run, this.arena, this.base, bytes - run);
  }

  /** {@link peek} that also adds what was copied to a checksum. */
  peekSum(position: number, to: Arena, toAt: number, bytes: number, sum: number): number {
    const run = this.run(position);
    if (bytes <= run) return copySum(to, toAt, this.arena, this.at(position), bytes, sum);
    const part = copySum(to, toAt, this.arena, this.at(position), run, sum);
    // Capacity is even, so an odd run means an odd start: the second piece then begins in the middle of a word.
    if ((run & 1) === 0) return copySum(to, toAt + run, this.arena, this.base, bytes - run, part);
    const rest = copySum(to, toAt + run, this.arena, this.base, bytes - run, 0);
    const folded = (rest & 0xffff) + (rest >>> 16);
    return part + (((folded & 0xff) << 8) | ((folded >>> 8) & 0xff)) + (folded >>> 16 ? 0x100 : 0);
  }

  /** Copies kept bytes into an array, without dropping them. */
  read(position: number, u8: Uint8Array, at: number, bytes: number): void {
    const run = Math.min(bytes, this.run(position));
    const from = this.at(position);
    u8.set(this.arena.u8.subarray(from, from + run), at);
    if (bytes > run) u8.set(this.arena.u8.subarray(this.base, this.base + bytes - run), at + run);
  }

  /** Drops the first `bytes` kept bytes. */
  drop(bytes: number): void {
    this.head = (this.head + bytes) & (this.capacity - 1);
    this.used -= bytes;
  }
}

/** The capacity that {@link ByteRing.open} gives for a wish. */
export function ringCapacity(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, 64)));
}
