/**
 * The frame check sequence: CRC-32 of IEEE 802.3 §3.2.9, sixteen bytes at a time: a table says for each byte value and each of
 * its distances from the end of the sixteen what it adds.
 */
import type { Arena } from '../platform/arena.js';

const POLYNOMIAL = 0xedb88320;
const STEP = 16;
const tables = buildTables();

function buildTables(): Int32Array {
  const all = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    all[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let t = 1; t < STEP; t++) {
      const previous = all[(t - 1) * 256 + byte]!;
      all[t * 256 + byte] = (previous >>> 8) ^ all[previous & 0xff]!;
    }
  }
  return all;
}

/** CRC-32 of `bytes` bytes at `at`, as int32; on the wire and in memory its low byte comes first. */
export function crc32(arena: Arena, at: number, bytes: number): number {
  const { u8, view } = arena;
  const t = tables;
  let crc = -1;
  let i = at;
  const end = at + bytes;
  for (const whole = at + (bytes & -STEP); i < whole; i += STEP) {
    const a = crc ^ view.getInt32(i, true);
    const b = view.getInt32(i + 4, true);
    const c = view.getInt32(i + 8, true);
    const d = view.getInt32(i + 12, true);
    crc =
      t[0xf00 + (a & 0xff)]! ^
      t[0xe00 + ((a >>> 8) & 0xff)]! ^
      t[0xd00 + ((a >>> 16) & 0xff)]! ^
      t[0xc00 + (a >>> 24)]! ^
      t[0xb00 + (b & 0xff)]! ^
      t[0xa00 + ((b >>> 8) & 0xff)]! ^
      t[0x900 + ((b >>> 16) & 0xff)]! ^
      t[0x800 + (b >>> 24)]! ^
      t[0x700 + (c & 0xff)]! ^
      t[0x600 + ((c >>> 8) & 0xff)]! ^
      t[0x500 + ((c >>> 16) & 0xff)]! ^
      t[0x400 + (c >>> 24)]! ^
      t[0x300 + (d & 0xff)]! ^
      t[0x200 + ((d >>> 8) & 0xff)]! ^
      t[0x100 + ((d >>> 16) & 0xff)]! ^
      t[d >>> 24]!;
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ t[(crc ^ u8[i]!) & 0xff]!;
  return ~crc;
}
