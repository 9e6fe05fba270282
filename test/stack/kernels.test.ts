import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arenaOver, OwnedArena } from '../../src/platform/arena.js';
import { copySum, finish, sum16, sumPlain, sumWords } from '../../src/platform/kernels.js';
import { wasmKernels } from '../../src/platform/wasm-kernels.js';

const folded = (sum: number) => {
  let value = sum;
  while (value > 0xffff) value = (value & 0xffff) + Math.floor(value / 0x10000);
  return value;
};

describe('checksum kernels', () => {
  it('uses WebAssembly SIMD on this machine', () => {
    expect(wasmKernels(new OwnedArena(65536).memory)).toBeDefined();
  });

  it('agree with the byte-pair version at any offset and length', () => {
    const owned = new OwnedArena(1 << 20);
    const foreign = arenaOver(new ArrayBuffer(1 << 20));
    for (let i = 0; i < owned.bytes; i++) owned.u8[i] = foreign.u8[i] = (i * 2654435761) >>> 24;
    fc.assert(
      fc.property(fc.nat(300000), fc.nat(300000), fc.nat(0xffffffff), (at, bytes, seed) => {
        const want = folded(sumPlain(owned.u8, at, bytes, seed));
        expect(folded(sum16(owned, at, bytes, seed))).toBe(want);
        expect(folded(sum16(foreign, at, bytes, seed))).toBe(want);
        expect(folded(sumWords(foreign, at, bytes, seed))).toBe(want);
        expect(sum16(owned, at, bytes, seed)).toBeLessThan(0x20000);
        const to = 700000;
        const fused = copySum(owned, to, owned, at, bytes, seed);
        expect(folded(fused)).toBe(want);
        expect(Buffer.compare(owned.u8.subarray(to, to + bytes), owned.u8.subarray(at, at + bytes))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('survive all-ones data, the worst case for overflow', () => {
    const arena = new OwnedArena(2 << 20);
    arena.u8.fill(0xff);
    for (const bytes of [64, 65, 4096, 262144, 262145, 1 << 20]) {
      const want = folded(sumPlain(arena.u8, 2, bytes, 0));
      expect(folded(sum16(arena, 2, bytes))).toBe(want);
      expect(folded(sumWords(arena, 2, bytes, 0))).toBe(want);
    }
  });

  it('finishes the example of RFC 1071 §3', () => {
    const bytes = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
    expect(finish(sumPlain(bytes, 0, 8, 0))).toBe(~0xddf2 & 0xffff);
  });
});
