/**
 * Byte kernels for the packet path: Internet checksum (RFC 1071), copy, copy with checksum.
 *
 * Sums are kept in host byte order while they are partial; {@link finish} folds, swaps and complements once.
 */
import type { Arena } from './arena.js';

/**
 * Adds the 16-bit words of `bytes` bytes at `at` to `sum` (a partial sum in host order, any 32-bit magnitude as left by
 * earlier calls) and returns the new partial sum, folded to 17 bits at most. An odd last byte counts as the first half of a
 * word, so only the last piece of a sum may be odd.
 */
export function sum16(arena: Arena, at: number, bytes: number, sum = 0): number {
  return sumPlain(arena.u8, at, bytes, sum);
}

/** The plain version of {@link sum16}: oracle for the SIMD one, and what runs on memory that is not WebAssembly's. */
export function sumPlain(u8: Uint8Array, at: number, bytes: number, sum: number): number {
  let total = sum;
  const end = at + (bytes & ~1);
  for (let i = at; i < end; i += 2) total += u8[i]! | (u8[i + 1]! << 8);
  if (bytes & 1) total += u8[end]!;
  while (total > 0x1ffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

/** Folds a partial sum, complements it, and returns the field's value as read big-endian. */
export function finish(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  const value = ~folded & 0xffff;
  return ((value << 8) | (value >>> 8)) & 0xffff;
}

/** Copies `bytes` from one arena to another or within one; overlapping pieces are copied as if through a third place. */
export function copy(to: Arena, toAt: number, from: Arena, fromAt: number, bytes: number): void {
  if (to.u8 === from.u8) to.u8.copyWithin(toAt, fromAt, fromAt + bytes);
  else to.u8.set(from.u8.subarray(fromAt, fromAt + bytes), toAt);
}
