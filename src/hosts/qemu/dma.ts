/** DMA memory in guest RAM that this process has mapped: the device sees what is written here at once. */
import { type Arena, arenaOver } from '../../platform/arena.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';

/** The first MiB of a PC has holes and shadows: nothing is handed out there. */
export const LOW_MEMORY = 0x10_0000;
const GRAIN = 64;

interface Hole {
  at: number;
  bytes: number;
}

/** Hands out guest RAM from 1 MiB on, first fit. */
export class GuestMemory implements DmaMemory {
  readonly arena: Arena;
  readonly #holes: Hole[];
  readonly #used = new Map<number, number>();

  /** @param ram the whole RAM, mapped. */
  constructor(ram: ArrayBuffer) {
    this.arena = arenaOver(ram, LOW_MEMORY);
    this.#holes = [{ at: LOW_MEMORY, bytes: ram.byteLength - LOW_MEMORY }];
  }

  alloc(bytes: number, align: number, below = 2 ** 53): DmaRegion {
    const want = Math.max(GRAIN, Math.ceil(bytes / GRAIN) * GRAIN);
    const step = Math.max(GRAIN, align);
    for (let i = 0; i < this.#holes.length; i++) {
      const hole = this.#holes[i]!;
      const address = Math.ceil(hole.at / step) * step;
      const lead = address - hole.at;
      if (hole.bytes < lead + want || address + want > below) continue;
      const rest = hole.bytes - lead - want;
      const left: Hole[] = [];
      if (lead > 0) left.push({ at: hole.at, bytes: lead });
      if (rest > 0) left.push({ at: address + want, bytes: rest });
      this.#holes.splice(i, 1, ...left);
      this.#used.set(address, want);
      const offset = address - LOW_MEMORY;
      this.arena.u8.fill(0, offset, offset + want);
      return { address, arena: this.arena, offset, bytes };
    }
    throw new RangeError(`guest RAM is full: asked ${bytes} bytes aligned to ${align} below 0x${below.toString(16)}`);
  }

  free(region: DmaRegion): void {
    const bytes = this.#used.get(region.address);
    if (bytes === undefined) throw new RangeError(`no DMA memory is allocated at 0x${region.address.toString(16)}`);
    this.#used.delete(region.address);
    let i = 0;
    while (i < this.#holes.length && this.#holes[i]!.at < region.address) i++;
    this.#holes.splice(i, 0, { at: region.address, bytes });
    this.#merge(i);
    if (i > 0) this.#merge(i - 1);
  }

  /** x86 keeps the order of stores, and QEMU runs the doorbell after it has come through the socket. */
  publish(): void {}

  syncForCpu(): void {}

  /** Bytes handed out. */
  get used(): number {
    let sum = 0;
    for (const bytes of this.#used.values()) sum += bytes;
    return sum;
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
