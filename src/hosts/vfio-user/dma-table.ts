/**
 * Guest memory as the client described it by DMA_MAP: pieces of bus address space, each a piece of a file. The file is
 * mapped once (by device and inode number); MAP and UNMAP edit only the table. A file that may shrink is never mapped,
 * because touching a page beyond its end kills the process: it is read and written through its descriptor instead.
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { DmaFault } from '../../emulators/function.js';
import type { GuestMemory } from '../../emulators/shell.js';
import type { Arena } from '../../platform/arena.js';
import { copyBytes } from '../native/copy.js';
import { ERRNO, type Libc, SEAL_SHRINK } from '../native/libc.js';
import { MAX_DMA_REGIONS } from './protocol.js';

/** Node aborts on external buffers above 4 GiB; pieces of 1 GiB stay clear of that. */
const CHUNK_BITS = 30;
const CHUNK = 2 ** CHUNK_BITS;

/** A mapped piece of a file, as bytes and as words. */
interface Chunk {
  readonly address: number;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
}

/** A file of the client, mapped or not, counted by the regions that use it. */
interface Backing {
  readonly key: string;
  readonly fd: number;
  readonly bytes: number;
  /** Empty: not mapped. */
  readonly chunks: Chunk[];
  /** False: the pages may only be read; writing would kill the process. */
  readonly writable: boolean;
  uses: number;
}

interface DmaRegion {
  readonly start: number;
  readonly end: number;
  readonly backing: Backing | undefined;
  readonly offset: number;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** The table of one connection. No method of {@link GuestMemory} throws. */
export class DmaTable implements GuestMemory {
  readonly #libc: Libc;
  /** Told once when DMA meets memory that came without a descriptor. */
  readonly #onUnshared: (address: number) => void;
  readonly #backings = new Map<string, Backing>();
  /** Sorted by start; regions never overlap. */
  #regions: DmaRegion[] = [];
  #last: DmaRegion | undefined;
  #fault: DmaFault = DmaFault.none;
  readonly #word = new Uint8Array(4);

  constructor(libc: Libc, onUnshared: (address: number) => void) {
    this.#libc = libc;
    this.#onUnshared = onUnshared;
  }

  /** How many regions and mapped files there are. */
  get size(): { regions: number; files: number } {
    return { regions: this.#regions.length, files: this.#backings.size };
  }

  /**
   * Adds a region. Takes `fd` over (undefined: memory that this process cannot reach) and closes it when not needed.
   * @returns 0 or an errno
   */
  map(
    start: number,
    bytes: number,
    flags: { read: boolean; write: boolean },
    fd: number | undefined,
    offset: number,
  ): number {
    const refuse = (errno: number): number => {
      if (fd !== undefined) closeSync(fd);
      return errno;
    };
    if (!(bytes > 0) || !Number.isSafeInteger(start + bytes) || !Number.isSafeInteger(offset + bytes))
      return refuse(ERRNO.EINVAL);
    if (this.#regions.length >= MAX_DMA_REGIONS) return refuse(ERRNO.ENOSPC);
    const at = this.#firstEndingAfter(start);
    const next = this.#regions[at];
    if (next && next.start < start + bytes) return refuse(ERRNO.EEXIST);
    let backing: Backing | undefined;
    if (fd !== undefined) {
      const found = this.#backingOf(fd);
      if (typeof found === 'number') return found;
      backing = found;
      if (backing.chunks.length > 0 && offset + bytes > backing.bytes) {
        this.#release(backing);
        return ERRNO.EINVAL;
      }
    }
    this.#regions.splice(at, 0, {
      start,
      end: start + bytes,
      backing,
      offset,
      readable: flags.read,
      writable: flags.write && (backing === undefined || backing.writable),
    });
    this.#last = undefined;
    return 0;
  }

  /** Takes away the regions that lie wholly inside. @returns 0, or ENOENT when there is none or one is cut */
  unmap(start: number, bytes: number): number {
    const end = start + bytes;
    const at = this.#firstEndingAfter(start);
    let to = at;
    while (to < this.#regions.length && this.#regions[to]!.start < end) {
      const region = this.#regions[to]!;
      if (region.start < start || region.end > end) return ERRNO.EINVAL;
      to++;
    }
    if (to === at) return ERRNO.ENOENT;
    this.#last = undefined;
    for (const region of this.#regions.splice(at, to - at)) if (region.backing) this.#release(region.backing);
    return 0;
  }

  /** Takes everything away. */
  clear(): void {
    this.#last = undefined;
    for (const region of this.#regions.splice(0)) if (region.backing) this.#release(region.backing);
  }

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    return this.#copy(address, arena.u8, at, bytes, false);
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    return this.#copy(address, arena.u8, at, bytes, true);
  }

  read32(address: number): number {
    const chunk = this.#wordIn(address, 4, false);
    if (chunk !== undefined) return Atomics.load(chunk.i32, this.#within >> 2);
    this.#fault = this.#copy(address, this.#word, 0, 4, false);
    const word = this.#word;
    return this.#fault === DmaFault.none ? word[0]! | (word[1]! << 8) | (word[2]! << 16) | (word[3]! << 24) : 0;
  }

  read16(address: number): number {
    const chunk = this.#wordIn(address, 2, false);
    if (chunk !== undefined) return Atomics.load(chunk.u16, this.#within >> 1);
    this.#fault = this.#copy(address, this.#word, 0, 2, false);
    return this.#fault === DmaFault.none ? this.#word[0]! | (this.#word[1]! << 8) : 0;
  }

  write32(address: number, value: number): DmaFault {
    const chunk = this.#wordIn(address, 4, true);
    if (chunk !== undefined) {
      Atomics.store(chunk.i32, this.#within >> 2, value);
      return DmaFault.none;
    }
    const word = this.#word;
    word[0] = value;
    word[1] = value >>> 8;
    word[2] = value >>> 16;
    word[3] = value >>> 24;
    return this.#copy(address, word, 0, 4, true);
  }

  write16(address: number, value: number): DmaFault {
    const chunk = this.#wordIn(address, 2, true);
    if (chunk !== undefined) {
      Atomics.store(chunk.u16, this.#within >> 1, value);
      return DmaFault.none;
    }
    this.#word[0] = value;
    this.#word[1] = value >>> 8;
    return this.#copy(address, this.#word, 0, 2, true);
  }

  get fault(): DmaFault {
    return this.#fault;
  }

  // --- Inside.

  /**
   * The mapped chunk of an aligned word, its place in `#within`; undefined: copy byte by byte. The guest runs beside this process:
   * an index that is read or written in two halves is seen as neither the old nor the new one.
   */
  #wordIn(address: number, bytes: number, toGuest: boolean): Chunk | undefined {
    const region = this.#find(address);
    if (region === undefined || address + bytes > region.end || !(toGuest ? region.writable : region.readable))
      return undefined;
    const { backing } = region;
    if (backing === undefined || backing.chunks.length === 0) return undefined;
    const offset = region.offset + (address - region.start);
    if (offset % bytes !== 0) return undefined;
    this.#within = offset % CHUNK;
    this.#fault = DmaFault.none;
    return backing.chunks[(offset - this.#within) / CHUNK];
  }

  #within = 0;

  /** Copies between guest memory and `local`, across as many adjacent regions as it takes. */
  #copy(address: number, local: Uint8Array, at: number, bytes: number, toGuest: boolean): DmaFault {
    let place = address;
    let left = bytes;
    while (left > 0) {
      const region = this.#find(place);
      if (region === undefined || !(toGuest ? region.writable : region.readable)) return DmaFault.noMemory;
      const { backing } = region;
      if (backing === undefined) {
        this.#onUnshared(place);
        return DmaFault.noMemory;
      }
      const offset = region.offset + (place - region.start);
      let count = Math.min(left, region.end - place);
      if (backing.chunks.length === 0) {
        if (!transfer(backing.fd, local, at, count, offset, toGuest)) return DmaFault.noMemory;
      } else {
        const within = offset % CHUNK;
        count = Math.min(count, CHUNK - within);
        const chunk = backing.chunks[(offset - within) / CHUNK]!.u8;
        if (toGuest) copyBytes(local, at, chunk, within, count);
        else copyBytes(chunk, within, local, at, count);
      }
      place += count;
      at += count;
      left -= count;
    }
    return DmaFault.none;
  }

  #find(address: number): DmaRegion | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.start && address < last.end) return last;
    const region = this.#regions[this.#firstEndingAfter(address)];
    if (region === undefined || address < region.start) return undefined;
    this.#last = region;
    return region;
  }

  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#regions[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The file behind a descriptor, mapped if that is safe; or an errno. Takes the descriptor over. */
  #backingOf(fd: number): Backing | number {
    let key: string;
    let bytes: number;
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) {
        closeSync(fd);
        return ERRNO.EINVAL;
      }
      key = `${stat.dev}:${stat.ino}`;
      bytes = Number(stat.size);
    } catch {
      return ERRNO.EBADF;
    }
    const known = this.#backings.get(key);
    if (known) {
      closeSync(fd);
      known.uses++;
      return known;
    }
    const chunks: Chunk[] = [];
    let writable = true;
    const seals = this.#libc.seals(fd);
    if (seals >= 0 && (seals & SEAL_SHRINK) !== 0) {
      for (let offset = 0; offset < bytes; offset += CHUNK) {
        const size = Math.min(CHUNK, bytes - offset);
        let address = this.#libc.map(fd, offset, size, writable);
        if (address < 0 && offset === 0) {
          writable = false;
          address = this.#libc.map(fd, offset, size, writable);
        }
        if (address < 0) {
          for (let i = 0; i < chunks.length; i++) this.#libc.unmap(chunks[i]!.address, chunks[i]!.u8.length);
          closeSync(fd);
          return ERRNO.ENOMEM;
        }
        const buffer = this.#libc.view(address, size);
        chunks.push({
          address,
          u8: new Uint8Array(buffer),
          u16: new Uint16Array(buffer, 0, size >> 1),
          i32: new Int32Array(buffer, 0, size >> 2),
        });
      }
    }
    const backing: Backing = { key, fd, bytes, chunks, writable, uses: 1 };
    this.#backings.set(key, backing);
    return backing;
  }

  #release(backing: Backing): void {
    if (--backing.uses > 0) return;
    this.#backings.delete(backing.key);
    // Views die with the chunk list: nobody else ever held one.
    for (const { address, u8 } of backing.chunks.splice(0)) this.#libc.unmap(address, u8.length);
    closeSync(backing.fd);
  }
}

/** pread or pwrite of a whole piece; false when the file is shorter or refuses. */
function transfer(fd: number, local: Uint8Array, at: number, bytes: number, offset: number, toGuest: boolean): boolean {
  try {
    const done = toGuest ? writeSync(fd, local, at, bytes, offset) : readSync(fd, local, at, bytes, offset);
    return done === bytes;
  } catch {
    return false;
  }
}
