/** The frame check sequence: CRC-32 of IEEE 802.3 §3.2.9, four bytes at a time. */
import type { Arena } from '../platform/arena.js';

const POLYNOMIAL = 0xedb88320;
const tables = buildTables();

function buildTables(): Int32Array {
  const all = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    all[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let t = 1; t < 4; t++) {
      const previous = all[(t - 1) * 256 + byte]!;
      all[t * 256 + byte] = (previous >>> 8) ^ all[previous & 0xff]!;
    }
  }
  return all;
}

/** CRC-32 of `bytes` bytes at `at`, as int32; on the wire and in memory its low byte comes first. */
export function crc32(arena: Arena, at: number, bytes: number): number {
  const u8 = arena.u8;
  let crc = -1;
  let i = at;
  const end = at + bytes;
  for (const whole = at + (bytes & ~3); i < whole; i += 4) {
    crc ^= u8[i]! | (u8[i + 1]! << 8) | (u8[i + 2]! << 16) | (u8[i + 3]! << 24);
    crc = tables[768 + (crc & 0xff)]! ^ tables[512 + ((crc >>> 8) & 0xff)]! ^ tables[256 + ((crc >>> 16) & 0xff)]! ^ tables[crc >>> 24]!;
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ tables[(crc ^ u8[i]!) & 0xff]!;
  return ~crc;
}
