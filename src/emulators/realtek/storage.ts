/**
 * Registers behind a window: declared ones behave as declared, every other address is plain storage. Firmware streams through
 * hundreds of addresses whose meaning is not public, and reads some of them back.
 */
import { type AnyReg, meta, offsets, RegisterFile, type RegisterMap } from '../../registers/index.js';
import type { IndirectSpace, UndeclaredAddress } from '../function.js';
import type { WindowTarget } from './windows.js';

const READ = 1;
const WRITTEN = 2;
const DECLARED = 4;

/** A space of registers of one width, 16 or 32 bits. Addresses beyond its end wrap. */
export class StorageSpace implements WindowTarget, IndirectSpace {
  /** The declared registers. */
  readonly regs: RegisterFile;
  readonly #width: 16 | 32;
  readonly #bytes: number;
  readonly #words: Uint16Array | Int32Array;
  readonly #marks: Uint8Array;
  readonly #declared = new Map<number, { register: AnyReg; index: number }>();

  /**
   * @param map declares some of its registers, all of one width
   * @param regs their storage, when somebody else has it already
   */
  constructor(map: RegisterMap, regs: RegisterFile = new RegisterFile(map)) {
    this.regs = regs;
    this.#width = map.widths[0] === 32 ? 32 : 16;
    this.#bytes = map.bytes;
    const count = map.bytes / (this.#width / 8);
    this.#words = this.#width === 32 ? new Int32Array(count) : new Uint16Array(count);
    this.#marks = new Uint8Array(count);
    for (const register of Object.values(map.registers)) {
      offsets(register).forEach((at, i) => {
        this.#marks[this.#place(at)] = DECLARED;
        this.#declared.set(this.#place(at), { register, index: i % register[meta].count });
      });
    }
  }

  read(address: number): number {
    const place = this.#place(address);
    if (this.#marks[place]! & DECLARED) return this.regs.read(place * (this.#width / 8), this.#width);
    this.#marks[place]! |= READ;
    return this.#words[place]!;
  }

  /** @param mask ones where bytes are written; the others keep their state */
  write(address: number, value: number, mask = -1): void {
    const place = this.#place(address);
    if (this.#marks[place]! & DECLARED) {
      const { register, index } = this.#declared.get(place)!;
      // The byte enables of the window are merged here: behind it accesses are as wide as the registers.
      const merged = (this.regs.get(register, index) & ~mask) | (value & mask);
      this.regs.write(place * (this.#width / 8), this.#width, merged & (this.#width === 32 ? -1 : 0xffff));
    } else {
      this.#marks[place]! |= WRITTEN;
      this.#words[place] = (this.#words[place]! & ~mask) | (value & mask);
    }
  }

  /** Everything back to its value after power-on: declared ones to theirs, the others to 0. What was touched stays known. */
  reset(): void {
    this.regs.reset();
    this.#words.fill(0);
  }

  get file(): RegisterFile {
    return this.regs;
  }

  undeclared(): UndeclaredAddress[] {
    const found: UndeclaredAddress[] = [];
    this.#marks.forEach((mark, place) => {
      if (mark !== 0 && (mark & DECLARED) === 0)
        found.push({
          address: place * (this.#width / 8),
          read: (mark & READ) !== 0,
          written: (mark & WRITTEN) !== 0,
        });
    });
    return found;
  }

  #place(address: number): number {
    return Math.trunc((address % this.#bytes) / (this.#width / 8));
  }
}
