/** Vital product data: a few bytes that software reads and writes through configuration space. Source: PCI 3.0 §6.4 and appendix I. */
import { VPD_AT } from './config.js';

/** Address and flag, then data: what stands behind the capability's header. */
const FIRST = VPD_AT + 2;
const BYTES = 6;
const DATA = 2;
/** Bit 7 of the second byte: 0 asks for a read and is 1 when it is done; 1 asks for a write and is 0 when it is done. */
const FLAG = 0x80;
const SPACE = 256;
/** Tags: identifier string (large), end (small). */
const STRING_TAG = 0x82;
const END_TAG = 0x78;

/** The data, with the name of the product in it. */
export class VpdUnit {
  readonly #space = new Uint8Array(SPACE);
  readonly #registers = new Uint8Array(BYTES);

  constructor(product: string) {
    const text = new TextEncoder().encode(product);
    this.#space.set([STRING_TAG, text.length, 0, ...text, END_TAG]);
  }

  /** The capability's registers; what was written stays. */
  reset(): void {
    this.#registers.fill(0);
  }

  /** A read of configuration space; undefined when it is no place of the unit's. */
  read(at: number, width: number): number | undefined {
    if (at < FIRST || at + width / 8 > FIRST + BYTES) return undefined;
    let value = 0;
    for (let i = 0; i < width / 8; i++) value |= this.#registers[at - FIRST + i]! << (8 * i);
    return value;
  }

  /** A write to configuration space. */
  write(at: number, width: number, value: number): void {
    let command = false;
    for (let i = 0; i < width / 8; i++) {
      const place = at + i - FIRST;
      if (place < 0 || place >= BYTES) continue;
      this.#registers[place] = value >>> (8 * i);
      if (place === 1) command = true;
    }
    if (command) this.#run();
  }

  /** Done at once. Addresses beyond the end wrap. */
  #run(): void {
    const r = this.#registers;
    const address = (r[0]! | ((r[1]! & ~FLAG) << 8)) & (SPACE - 4);
    if ((r[1]! & FLAG) !== 0) this.#space.set(r.subarray(DATA, BYTES), address);
    else r.set(this.#space.subarray(address, address + 4), DATA);
    r[1]! ^= FLAG;
  }
}
