/** The Toeplitz hash of receive side scaling, by tables (Microsoft RSS; 82574 §7.1). */

/** Bytes of the longest input: two IPv6 addresses and two ports. */
const MOST = 36;
/** Bytes of the key. */
export const KEY_BYTES = 40;

/** A hash with a key. */
export class Toeplitz {
  /** For each place in the input, what each value of the byte there adds. */
  readonly #table = new Int32Array(MOST * 256);

  /** Takes a key of {@link KEY_BYTES} bytes. */
  setKey(key: Uint8Array): void {
    for (let place = 0; place < MOST; place++) {
      const row = place * 256;
      this.#table[row] = 0;
      for (let bit = 0; bit < 8; bit++) {
        const window = windowAt(key, place * 8 + bit);
        const step = 1 << (7 - bit);
        // Values whose highest bit is this one: the rest of them is in the table already when bits come from the lowest.
        this.#table[row + step] = window;
      }
      for (let value = 1; value < 256; value++) {
        const lowest = value & -value;
        this.#table[row + value] =
          this.#table[row + lowest]! ^ (value === lowest ? 0 : this.#table[row + (value ^ lowest)]!);
      }
    }
  }

  /** Continues `hash` with `bytes` bytes at `from`, the first of which is number `place` of the input. */
  add(hash: number, u8: Uint8Array, from: number, bytes: number, place: number): number {
    let result = hash;
    for (let i = 0; i < bytes; i++) result ^= this.#table[(place + i) * 256 + u8[from + i]!]!;
    return result;
  }
}

/** 32 bits of the key from bit `bit` on. */
function windowAt(key: Uint8Array, bit: number): number {
  const byte = bit >> 3;
  const shift = bit & 7;
  const word = (key[byte]! << 24) | (key[byte + 1]! << 16) | (key[byte + 2]! << 8) | key[byte + 3]!;
  return shift === 0 ? word : (word << shift) | ((key[byte + 4] ?? 0) >> (8 - shift));
}
