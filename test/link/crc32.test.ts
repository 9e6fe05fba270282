import { crc32 as zlib } from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32 } from '../../src/link/index.js';
import { OwnedArena } from '../../src/platform/arena.js';

test('the CRC-32 is that of zlib, for every length and alignment', () => {
  const arena = new OwnedArena(1 << 16);
  for (let i = 0; i < arena.bytes; i++) arena.u8[i] = Math.imul(i + 1, 0x9e37_79b1) >>> 13;
  for (let length = 0; length < 80; length++)
    for (let at = 0; at < 20; at++)
      expect(crc32(arena, at, length) >>> 0, `${length} bytes at ${at}`).toBe(zlib(arena.u8.subarray(at, at + length)));
  for (const length of [1514, 1518, 9216, 16_384])
    expect(crc32(arena, 2, length) >>> 0).toBe(zlib(arena.u8.subarray(2, 2 + length)));
});
