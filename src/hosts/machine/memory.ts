/** RAM of the in-process machine, the IOMMU before it, and the DMA memory that drivers get. */
import { DmaFault } from '../../emulators/function.js';
import type { GuestMemory } from '../../emulators/shell.js';
import type { Arena, OwnedArena } from '../../platform/arena.js';
import type { Finding } from '../../platform/diagnostics.js';
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import { copy, sum16 } from '../../platform/kernels.js';

const PAGE = 4096;
const PAGE_SHIFT = 12;
/** What freed memory and posted receive buffers are filled with in strict mode. */
const POISON_FREED = 0xdd;
const POISON_POSTED = 0xa5;

/** RAM: a piece of the arena at a bus address. */
export interface Ram {
  readonly arena: OwnedArena;
  /** Bus address of the first byte. */
  readonly base: number;
  /** Offset of the first byte in the arena. */
  readonly offset: number;
  readonly bytes: number;
}

/** The memory as one function reaches it. With `owners`, only pages that were given to it (IOMMU). */
export class MachineMemory implements GuestMemory {
  readonly #ram: Ram;
  readonly #owners: Uint16Array | undefined;
  readonly #id: number;
  fault: DmaFault = DmaFault.none;

  constructor(ram: Ram, owners: Uint16Array | undefined, id: number) {
    this.#ram = ram;
    this.#owners = owners;
    this.#id = id;
  }

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const place = this.#place(address, bytes);
    if (place < 0) return this.fault;
    copy(arena, at, this.#ram.arena, place, bytes);
    return DmaFault.none;
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const place = this.#place(address, bytes);
    if (place < 0) return this.fault;
    copy(this.#ram.arena, place, arena, at, bytes);
    return DmaFault.none;
  }

  read32(address: number): number {
    const place = this.#place(address, 4);
    return place < 0 ? 0 : this.#ram.arena.view.getInt32(place, true);
  }

  read16(address: number): number {
    const place = this.#place(address, 2);
    return place < 0 ? 0 : this.#ram.arena.view.getUint16(place, true);
  }

  write32(address: number, value: number): DmaFault {
    const place = this.#place(address, 4);
    if (place >= 0) this.#ram.arena.view.setInt32(place, value, true);
    return this.fault;
  }

  write16(address: number, value: number): DmaFault {
    const place = this.#place(address, 2);
    if (place >= 0) this.#ram.arena.view.setInt16(place, value, true);
    return this.fault;
  }

  /** Offset in the arena, or -1 with `fault` set. */
  #place(address: number, bytes: number): number {
    const inside = address - this.#ram.base;
    if (!(inside >= 0 && inside + bytes <= this.#ram.bytes)) {
      this.fault = DmaFault.noMemory;
      return -1;
    }
    if (this.#owners !== undefined) {
      // RAM lies in a WebAssembly memory, below 4 GiB: offsets within it shift as integers.
      const last = (inside + Math.max(bytes, 1) - 1) >>> PAGE_SHIFT;
      for (let page = inside >>> PAGE_SHIFT; page <= last; page++) {
        if (this.#owners[page] !== this.#id) {
          this.fault = DmaFault.iommu;
          return -1;
        }
      }
    }
    this.fault = DmaFault.none;
    return this.#ram.offset + inside;
  }
}

/** Hands out RAM to drivers: a region allocator over the machine's RAM, shared by all functions. */
export class RamAllocator {
  readonly ram: Ram;
  readonly owners: Uint16Array | undefined;
  #holes: { at: number; bytes: number }[];
  readonly #used = new Map<number, number>();

  constructor(ram: Ram, iommu: boolean) {
    this.ram = ram;
    this.owners = iommu ? new Uint16Array(Math.ceil(ram.bytes / PAGE)) : undefined;
    this.#holes = [{ at: 0, bytes: ram.bytes }];
  }

  /** @returns offset within RAM. @throws RangeError when it does not fit */
  take(bytes: number, align: number, below: number, id: number): number {
    const grain = this.owners ? PAGE : 64;
    const step = Math.max(align, grain);
    const want = Math.ceil(Math.max(bytes, 1) / grain) * grain;
    for (let i = 0; i < this.#holes.length; i++) {
      const hole = this.#holes[i]!;
      const at = Math.ceil((this.ram.base + hole.at) / step) * step - this.ram.base;
      const lead = at - hole.at;
      if (hole.bytes < lead + want || this.ram.base + at + want > below) continue;
      const left: { at: number; bytes: number }[] = [];
      if (lead > 0) left.push({ at: hole.at, bytes: lead });
      if (hole.bytes > lead + want) left.push({ at: at + want, bytes: hole.bytes - lead - want });
      this.#holes.splice(i, 1, ...left);
      this.#used.set(at, want);
      this.owners?.fill(id, at / PAGE, (at + want) / PAGE);
      return at;
    }
    const largest = this.#holes.reduce((most, hole) => Math.max(most, hole.bytes), 0);
    throw new RangeError(
      `no DMA memory: asked ${bytes} bytes aligned to ${align} below 0x${below.toString(16)}, largest hole ${largest}`,
    );
  }

  give(at: number): number {
    const bytes = this.#used.get(at);
    if (bytes === undefined) throw new RangeError(`no DMA region at 0x${(this.ram.base + at).toString(16)}`);
    this.#used.delete(at);
    this.owners?.fill(0, at / PAGE, (at + bytes) / PAGE);
    this.#holes.push({ at, bytes });
    this.#holes.sort((a, b) => a.at - b.at);
    this.#holes = this.#holes.reduce<{ at: number; bytes: number }[]>((merged, hole) => {
      const last = merged.at(-1);
      if (last && last.at + last.bytes === hole.at) last.bytes += hole.bytes;
      else merged.push({ ...hole });
      return merged;
    }, []);
    return bytes;
  }
}

/** DMA memory of one function. In strict mode freed and posted memory is poisoned and sent buffers are watched. */
export class MachineDma implements DmaMemory {
  readonly #allocator: RamAllocator;
  readonly #id: number;
  readonly #strict: boolean;
  readonly #report: (finding: Finding) => void;
  readonly #watched = new Map<number, number>();

  constructor(allocator: RamAllocator, id: number, strict: boolean, report: (finding: Finding) => void) {
    this.#allocator = allocator;
    this.#id = id;
    this.#strict = strict;
    this.#report = report;
  }

  alloc(bytes: number, align: number, below = Number.MAX_SAFE_INTEGER): DmaRegion {
    const { ram } = this.#allocator;
    const at = this.#allocator.take(bytes, align, below, this.#id);
    ram.arena.u8.fill(0, ram.offset + at, ram.offset + at + bytes);
    return { address: ram.base + at, arena: ram.arena, offset: ram.offset + at, bytes };
  }

  free(region: DmaRegion): void {
    const { ram } = this.#allocator;
    const at = region.address - ram.base;
    const bytes = this.#allocator.give(at);
    if (this.#strict) ram.arena.u8.fill(POISON_FREED, ram.offset + at, ram.offset + at + bytes);
  }

  publish(): void {}

  syncForCpu(): void {}

  handOver(region: DmaRegion, at: number, bytes: number, use: 'tx' | 'rx', own: boolean): void {
    if (!this.#strict) return;
    const place = region.offset + at;
    if (use === 'rx') {
      if (own) region.arena.u8.fill(POISON_POSTED, place, place + bytes);
      return;
    }
    const sum = sum16(region.arena, place, bytes);
    if (own) this.#watched.set(place, sum);
    else if (this.#watched.has(place)) {
      if (this.#watched.get(place) !== sum) {
        this.#report({
          rule: 'buffer-watch',
          register: 'transmit buffer',
          value: region.address + at,
          message: `a buffer of ${bytes} bytes was changed between doorbell and completion`,
          ref: 'DMA ownership',
        });
      }
      this.#watched.delete(place);
    }
  }
}
