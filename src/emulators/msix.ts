/** MSI-X table and pending bits, for hosts that do not keep them themselves (PCI 3.0 §6.8.2). */
import { pci } from '../registers/index.js';

const ENTRY = pci.MSIX_ENTRY_BYTES;
const WORDS = ENTRY / 4;
const CONTROL = pci.MSIX_ENTRY_CONTROL.at / 4;

/** The vectors of one function. */
export class MsixTable {
  readonly vectors: number;
  readonly #words: Int32Array;
  readonly #pending: Int32Array;
  readonly #deliver: (vector: number, low: number, high: number, data: number) => void;
  #maskAll = true;

  constructor(vectors: number, deliver: (vector: number, low: number, high: number, data: number) => void) {
    this.vectors = vectors;
    this.#words = new Int32Array(vectors * WORDS);
    this.#pending = new Int32Array(2 * Math.ceil(vectors / 64));
    this.#deliver = deliver;
    this.reset();
  }

  get tableBytes(): number {
    return this.vectors * ENTRY;
  }

  get pbaBytes(): number {
    return this.#pending.length * 4;
  }

  /** All vectors masked, nothing pending. */
  reset(): void {
    this.#words.fill(0);
    this.#pending.fill(0);
    for (let v = 0; v < this.vectors; v++) this.#words[v * WORDS + CONTROL] = pci.MSIX_ENTRY_CONTROL.MASK;
    this.#maskAll = true;
  }

  /** The function mask, or MSI-X as a whole being off. */
  setMaskAll(on: boolean): void {
    this.#maskAll = on;
    if (!on) for (let v = 0; v < this.vectors; v++) this.#flush(v);
  }

  readTable(at: number, width: number): number {
    const word = this.#words[at >> 2]!;
    return width === 32 ? word : (word >>> (8 * (at & 3))) & (2 ** width - 1);
  }

  /** Dword accesses are defined; narrower ones change their bytes. */
  writeTable(at: number, width: number, value: number): void {
    const shift = 8 * (at & 3);
    const lanes = width === 32 ? -1 : (2 ** width - 1) << shift;
    this.#words[at >> 2] = (this.#words[at >> 2]! & ~lanes) | ((value << shift) & lanes);
    this.#flush(Math.floor(at / ENTRY));
  }

  readPending(at: number, width: number): number {
    const word = this.#pending[at >> 2]!;
    return width === 32 ? word : (word >>> (8 * (at & 3))) & (2 ** width - 1);
  }

  /** Sends a vector, or remembers it while it is masked. */
  send(vector: number): void {
    this.#pending[vector >> 5]! |= 1 << (vector & 31);
    this.#flush(vector);
  }

  /** Forgets a message that waits for its vector to be unmasked. */
  clear(vector: number): void {
    if (vector < this.vectors) this.#pending[vector >> 5]! &= ~(1 << (vector & 31));
  }

  #flush(vector: number): void {
    const bit = 1 << (vector & 31);
    const entry = vector * WORDS;
    if (
      this.#maskAll ||
      (this.#pending[vector >> 5]! & bit) === 0 ||
      (this.#words[entry + CONTROL]! & pci.MSIX_ENTRY_CONTROL.MASK) !== 0
    )
      return;
    this.#pending[vector >> 5]! &= ~bit;
    this.#deliver(vector, this.#words[entry]!, this.#words[entry + 1]!, this.#words[entry + 2]!);
  }
}
