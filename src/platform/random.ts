/** Seeded randomness: every run is a function of its seed. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any number or text; equal seeds give equal sequences. */
  constructor(seed: number | string) {
    // FNV-1a spreads the seed; sfc32 (PractRand's small fast counter) generates.
    let hash = 0x811c9dc5;
    const text = String(seed);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#a = hash | 0;
    this.#b = Math.imul(hash, 0x9e3779b1) | 0;
    this.#c = 0x243f6a88;
    this.#d = 1;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** 32 random bits as an unsigned number. */
  u32(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** A whole number from 0 to `below` - 1; 0 when `below` is not positive. */
  below(below: number): number {
    return below > 0 ? Math.floor((this.u32() / 0x1_0000_0000) * below) : 0;
  }

  /** True with probability `p` (0 to 1). */
  chance(p: number): boolean {
    return p > 0 && this.u32() < p * 0x1_0000_0000;
  }

  /** An independent generator for the part called `name`, so that adding one consumer does not shift another's. */
  fork(name: string): Random {
    return new Random(`${this.u32()}/${name}`);
  }
}
