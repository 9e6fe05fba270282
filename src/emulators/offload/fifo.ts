/** The receive FIFO: a ring of bytes in which frames wait for descriptors, each behind 8 bytes of length and flags, never split. */
import type { LinkFrame } from '../../link/port.js';
import type { DeviceBus } from '../function.js';

const HEADER = 8;
/** Stands in the place of a length: the next frame is at the beginning. */
const WRAP = -1;

/** Frames in the order in which they came. */
export class RxFifo {
  /** Frames that wait. */
  frames = 0;
  /** Bytes they take, with what is wasted at the end of the ring. */
  used = 0;
  readonly #bus: DeviceBus;
  readonly #at: number;
  readonly #bytes: number;
  #head = 0;
  #tail = 0;

  /** @param bytes its size, a multiple of 8 */
  constructor(bus: DeviceBus, bytes: number) {
    this.#bus = bus;
    this.#bytes = bytes;
    this.#at = bus.allocBuffer(bytes);
  }

  reset(): void {
    this.#head = this.#tail = this.frames = this.used = 0;
  }

  /** Copies a frame in. False: it does not fit below `limit` bytes, and nothing was done. */
  push(frame: LinkFrame, flags: number, limit: number): boolean {
    const need = HEADER + ((frame.length + 7) & ~7);
    let at = this.#tail;
    // What does not fit before the end starts at the beginning again.
    const wraps = at + need > this.#bytes;
    const waste = wraps ? this.#bytes - at : 0;
    if (this.used + waste + need > Math.min(limit, this.#bytes)) return false;
    const arena = this.#bus.arena;
    // Also when the last frame ended exactly at the end: nothing is wasted then.
    if (wraps) {
      if (waste >= HEADER) arena.u32[(this.#at + at) >> 2] = WRAP;
      this.used += waste;
      at = 0;
    }
    arena.u32[(this.#at + at) >> 2] = frame.length;
    arena.u32[(this.#at + at + 4) >> 2] = flags;
    if (frame.arena.u8 === arena.u8)
      arena.u8.copyWithin(this.#at + at + HEADER, frame.offset, frame.offset + frame.length);
    else arena.u8.set(frame.arena.u8.subarray(frame.offset, frame.offset + frame.length), this.#at + at + HEADER);
    this.#tail = at + need;
    this.used += need;
    this.frames++;
    return true;
  }

  /** Points `frame` at the oldest one, which stays, and returns its flags. Only while there are {@link RxFifo.frames}. */
  peek(frame: LinkFrame): number {
    const arena = this.#bus.arena;
    if (this.#head + HEADER > this.#bytes || arena.u32[(this.#at + this.#head) >> 2] === WRAP) {
      this.used -= this.#bytes - this.#head;
      this.#head = 0;
    }
    const at = this.#at + this.#head;
    frame.arena = arena;
    frame.length = arena.u32[at >> 2]!;
    frame.offset = at + HEADER;
    return arena.u32[(at + 4) >> 2]!;
  }

  /** Drops the frame that {@link RxFifo.peek} has shown. */
  pop(frame: LinkFrame): void {
    const need = HEADER + ((frame.length + 7) & ~7);
    this.#head += need;
    this.used -= need;
    this.frames--;
  }
}
