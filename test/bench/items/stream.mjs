/** The stream of the lab's servers, as something to compare with: every byte that arrives is looked at. */
import { STREAM_PERIOD, writeStream } from '../../../dist/net/index.js';

/** Largest piece that is compared at once. */
const MOST = 262_144;
const table = Buffer.alloc(STREAM_PERIOD + MOST);
writeStream(table, 0, 0, table.length);

/** One period of the stream. */
export const period = table.subarray(0, STREAM_PERIOD);

/** Piece of the stream from `position` on: at most `bytes`, at most to the end of its period. */
export function piece(position, bytes) {
  const at = position % STREAM_PERIOD;
  return period.subarray(at, Math.min(at + bytes, STREAM_PERIOD));
}

/** Compares a stream as it arrives. */
export class Comparison {
  position = 0;
  wrong = 0;
  #u8;
  #buffer;

  /** Takes the next `bytes` bytes, at `at` of `u8`. */
  update(u8, at, bytes) {
    if (u8 !== this.#u8) {
      this.#u8 = u8;
      this.#buffer = Buffer.from(u8.buffer, u8.byteOffset, u8.byteLength);
    }
    for (let done = 0; done < bytes; ) {
      const run = Math.min(bytes - done, MOST);
      const from = (this.position + done) % STREAM_PERIOD;
      const begin = at + done;
      if (this.#buffer.compare(table, from, from + run, begin, begin + run) !== 0) this.wrong += run;
      done += run;
    }
    this.position += bytes;
  }

  /** @throws Error unless exactly the stream's first `bytes` bytes came */
  check(bytes) {
    if (this.wrong > 0 || this.position !== bytes)
      throw new Error(`${this.position} bytes came, ${this.wrong} of them wrong; ${bytes} were sent`);
  }
}
