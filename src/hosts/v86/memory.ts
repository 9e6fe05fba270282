/** v86's guest memory: a piece of its WebAssembly memory, whose buffer changes when it grows. */
import { DmaFault } from '../../emulators/function.js';
import type { GuestMemory } from '../../emulators/shell.js';
import type { Arena } from '../../platform/arena.js';
import { copyBytes } from '../native/copy.js';

/** What of v86's exports memory needs. */
export interface V86MemoryExports {
  readonly memory: WebAssembly.Memory;
  /** Compiled code from these guest addresses is stale. */
  jit_dirty_cache(start: number, end: number): void;
}

/** VGA's window in the first megabyte: no DMA there. */
const HOLE_START = 0xa0000;
const HOLE_END = 0xc0000;

/** Guest memory as devices see it. Nothing throws. */
export class V86Memory implements GuestMemory {
  readonly #exports: V86MemoryExports;
  readonly #base: number;
  readonly #bytes: number;
  #u8: Uint8Array;
  #fault: DmaFault = DmaFault.none;

  /** @param base offset of guest address 0 in the WebAssembly memory; @param bytes size of guest memory */
  constructor(exports: V86MemoryExports, base: number, bytes: number) {
    this.#exports = exports;
    this.#base = base;
    this.#bytes = bytes;
    this.#u8 = new Uint8Array(exports.memory.buffer);
  }

  /** Size of guest memory in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The guest's bytes, valid until the memory grows: for looking at, not for keeping. */
  snapshotView(): Uint8Array {
    return this.#memory().subarray(this.#base, this.#base + this.#bytes);
  }

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (!this.#inside(address, bytes)) return DmaFault.noMemory;
    copyBytes(this.#memory(), this.#base + address, arena.u8, at, bytes);
    return DmaFault.none;
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (!this.#inside(address, bytes)) return DmaFault.noMemory;
    copyBytes(arena.u8, at, this.#memory(), this.#base + address, bytes);
    this.#exports.jit_dirty_cache(address, address + bytes);
    return DmaFault.none;
  }

  read32(address: number): number {
    if (!this.#inside(address, 4)) return this.#failed();
    const u8 = this.#memory();
    const at = this.#base + address;
    this.#fault = DmaFault.none;
    return u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24);
  }

  read16(address: number): number {
    if (!this.#inside(address, 2)) return this.#failed();
    const u8 = this.#memory();
    const at = this.#base + address;
    this.#fault = DmaFault.none;
    return u8[at]! | (u8[at + 1]! << 8);
  }

  write32(address: number, value: number): DmaFault {
    return this.#put(address, value, 4);
  }

  write16(address: number, value: number): DmaFault {
    return this.#put(address, value, 2);
  }

  get fault(): DmaFault {
    return this.#fault;
  }

  #put(address: number, value: number, bytes: number): DmaFault {
    if (!this.#inside(address, bytes)) return DmaFault.noMemory;
    const u8 = this.#memory();
    for (let i = 0; i < bytes; i++) u8[this.#base + address + i] = value >>> (8 * i);
    this.#exports.jit_dirty_cache(address, address + bytes);
    return DmaFault.none;
  }

  #failed(): number {
    this.#fault = DmaFault.noMemory;
    return 0;
  }

  #inside(address: number, bytes: number): boolean {
    const end = address + bytes;
    return address >= 0 && bytes >= 0 && end <= this.#bytes && (end <= HOLE_START || address >= HOLE_END);
  }

  #memory(): Uint8Array {
    if (this.#u8.buffer !== this.#exports.memory.buffer) this.#u8 = new Uint8Array(this.#exports.memory.buffer);
    return this.#u8;
  }
}
