/**
 * One arena: a block of memory, sized once, out of which RAM, DMA buffers, socket rings and packet pools are handed
 * out as offsets. Bytes inside one arena move by `copyWithin`, and the SIMD kernels work on it in place.
 */

/** A piece of memory with views that live as long as it does. Offsets are bytes from its start. */
export interface Arena {
  /** The bytes. Never keep a `subarray` of it per packet: pass the arena and an offset. */
  readonly u8: Uint8Array;
  /** Little- or big-endian access at any alignment. */
  readonly view: DataView;
  /** Host-order words; index is offset >> 2, so the offset must be a multiple of 4. */
  readonly u32: Int32Array;
  /** The WebAssembly memory behind the arena, when it is one: the kernels then work in place. */
  readonly memory: WebAssembly.Memory | undefined;
  /** Size in bytes. */
  readonly bytes: number;
}

/** Wraps memory that somebody else owns (a mapping of QEMU's, v86's memory) as an arena without an allocator. */
export function arenaOver(buffer: ArrayBufferLike, offset = 0, bytes = buffer.byteLength - offset): Arena {
  return {
    u8: new Uint8Array(buffer, offset, bytes),
    view: new DataView(buffer, offset, bytes),
    u32: new Int32Array(buffer, offset, bytes >> 2),
    memory: undefined,
    bytes,
  };
}

const GRAIN = 64;

interface Hole {
  at: number;
  bytes: number;
}

/** An arena with an allocator: first fit over a sorted list of holes, so freed pieces are used again. */
export class OwnedArena implements Arena {
  readonly u8: Uint8Array;
  readonly view: DataView;
  readonly u32: Int32Array;
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  #holes: Hole[];
  #used = new Map<number, number>();

  /** @param bytes size, rounded up to 64 KiB; pages are committed by the system only when first touched. */
  constructor(bytes: number) {
    const pages = Math.ceil(bytes / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const buffer = this.memory.buffer;
    this.bytes = buffer.byteLength;
    this.u8 = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.u32 = new Int32Array(buffer);
    // Offset 0 is never handed out, so 0 can mean "none".
    this.#holes = [{ at: GRAIN, bytes: this.bytes - GRAIN }];
  }

  /**
   * Takes `bytes` (at least one) aligned to `align` (a power of two; default 64). The content is whatever was there.
   * @throws RangeError naming what was asked and the largest hole, when it does not fit.
   */
  alloc(bytes: number, align = GRAIN): number {
    const want = Math.max(GRAIN, Math.ceil(bytes / GRAIN) * GRAIN);
    const step = Math.max(GRAIN, align);
    for (let i = 0; i < this.#holes.length; i++) {
      const hole = this.#holes[i]!;
      const at = Math.ceil(hole.at / step) * step;
      const lead = at - hole.at;
      if (hole.bytes < lead + want) continue;
      const rest = hole.bytes - lead - want;
      const left: Hole[] = [];
      if (lead > 0) left.push({ at: hole.at, bytes: lead });
      if (rest > 0) left.push({ at: at + want, bytes: rest });
      this.#holes.splice(i, 1, ...left);
      this.#used.set(at, want);
      return at;
    }
    const largest = this.#holes.reduce((most, hole) => Math.max(most, hole.bytes), 0);
    throw new RangeError(
      `arena of ${this.bytes} bytes is full: asked ${bytes} aligned to ${align}, largest hole ${largest}`,
    );
  }

  /** Gives a piece back. @throws RangeError when `at` was not handed out. */
  free(at: number): void {
    const bytes = this.#used.get(at);
    if (bytes === undefined) throw new RangeError(`arena: nothing is allocated at ${at}`);
    this.#used.delete(at);
    let i = 0;
    while (i < this.#holes.length && this.#holes[i]!.at < at) i++;
    this.#holes.splice(i, 0, { at, bytes });
    this.#merge(i);
    if (i > 0) this.#merge(i - 1);
  }

  /** Takes everything back: who still holds a piece must not use it. For runs one after the other in the same memory. */
  clear(): void {
    this.#used.clear();
    this.#holes = [{ at: GRAIN, bytes: this.bytes - GRAIN }];
  }

  /** Size of the piece at `at` as handed out, or 0 when nothing is allocated there. */
  sizeOf(at: number): number {
    return this.#used.get(at) ?? 0;
  }

  #merge(i: number): void {
    const hole = this.#holes[i]!;
    const next = this.#holes[i + 1];
    if (next && hole.at + hole.bytes === next.at) {
      hole.bytes += next.bytes;
      this.#holes.splice(i + 1, 1);
    }
  }
}
