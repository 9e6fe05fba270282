/**
 * Byte kernels for the packet path: Internet checksum (RFC 1071), copy, copy with checksum.
 *
 * Sums are kept in host byte order while they are partial; {@link finish} folds, swaps and complements once.
 * On memory of WebAssembly's the SIMD kernels work in place; elsewhere, and for headers, plain code does the same.
 */
import type { Arena } from './arena.js';
import { WASM_LIMIT, type WasmKernels, wasmKernels } from './wasm-kernels.js';

/** Below this many bytes the call into WebAssembly costs more than it saves. */
const SHORT = 64;

let lastMemory: WebAssembly.Memory | undefined;
let lastKernels: WasmKernels | undefined;

function kernelsOf(memory: WebAssembly.Memory): WasmKernels | undefined {
  if (memory === lastMemory) return lastKernels;
  lastKernels = wasmKernels(memory);
  lastMemory = memory;
  return lastKernels;
}

function fold(total: number): number {
  let sum = total;
  // At most three turns: 2^53 -> 2^38 -> 2^23 -> 17 bits.
  while (sum > 0x1ffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  // As an int32: a float64 would be boxed wherever the call is not inlined.
  return sum | 0;
}

/**
 * Adds the 16-bit words of `bytes` bytes at `at` to `sum` (a partial sum in host order, any 32-bit magnitude as left by
 * earlier calls) and returns the new partial sum, folded to 17 bits at most. An odd last byte counts as the first half of a
 * word, so only the last piece of a sum may be odd.
 */
export function sum16(arena: Arena, at: number, bytes: number, sum = 0): number {
  if (bytes <= SHORT) return sumShort(arena.u8, at, bytes, sum);
  if (arena.memory !== undefined) {
    const kernels = kernelsOf(arena.memory);
    if (kernels !== undefined) {
      let total = sum;
      let done = 0;
      while (bytes - done > WASM_LIMIT) {
        total += kernels.sum(at + done, WASM_LIMIT);
        done += WASM_LIMIT;
      }
      return fold(total + kernels.sum(at + done, bytes - done));
    }
  }
  return sumWords(arena, at, bytes, sum);
}

function sumShort(u8: Uint8Array, at: number, bytes: number, sum: number): number {
  let total = sum;
  const end = at + (bytes & ~1);
  for (let i = at; i < end; i += 2) total += u8[i]! | (u8[i + 1]! << 8);
  if (bytes & 1) total += u8[end]!;
  return fold(total);
}

/** The byte-pair version of {@link sum16}: the oracle the fast ones are tested against. */
export function sumPlain(u8: Uint8Array, at: number, bytes: number, sum: number): number {
  return sumShort(u8, at, bytes, sum);
}

/**
 * {@link sum16} in plain JavaScript on any arena. The 32-bit words are added twice: as they are, wrapping at 2^32, and
 * their high halves, which cannot wrap; the sum of the low halves is the difference.
 */
export function sumWords(arena: Arena, at: number, bytes: number, sum: number): number {
  // An odd start: the rest is summed at the even byte after it and its bytes are swapped (RFC 1071 §2 B).
  if (at & 1) {
    if (bytes === 0) return fold(sum);
    let rest = sumWords(arena, at + 1, bytes - 1, 0);
    rest = (rest & 0xffff) + (rest >>> 16);
    return fold(sum + arena.u8[at]! + (((rest & 0xff) << 8) | (rest >>> 8)));
  }
  let total = sum;
  let position = at;
  let left = bytes;
  if (position & 2 && left >= 2) {
    total += arena.u8[position]! | (arena.u8[position + 1]! << 8);
    position += 2;
    left -= 2;
  }
  const words = arena.u32;
  while (left >= 32) {
    // At most 2^16 words a turn, so that neither half-sum reaches 2^32.
    const turn = Math.min(left & ~31, 0x40000);
    const end = (position + turn) >> 2;
    let wrapped = 0;
    let high = 0;
    for (let i = position >> 2; i < end; i += 8) {
      const a = words[i]!;
      const b = words[i + 1]!;
      const c = words[i + 2]!;
      const d = words[i + 3]!;
      const e = words[i + 4]!;
      const f = words[i + 5]!;
      const g = words[i + 6]!;
      const h = words[i + 7]!;
      wrapped = (wrapped + a + b + c + d + e + f + g + h) | 0;
      high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
      high = (high + (e >>> 16) + (f >>> 16) + (g >>> 16) + (h >>> 16)) | 0;
    }
    total += ((wrapped - (high << 16)) >>> 0) + (high >>> 0);
    position += turn;
    left -= turn;
  }
  return sumShort(arena.u8, position, left, fold(total));
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

/**
 * {@link copy} and {@link sum16} of what was copied, in one pass where both pieces lie in one WebAssembly memory.
 * The pieces must not overlap. Returns the new partial sum, folded to 17 bits at most.
 */
export function copySum(to: Arena, toAt: number, from: Arena, fromAt: number, bytes: number, sum = 0): number {
  if (bytes > SHORT && to.memory !== undefined && to.memory === from.memory) {
    const kernels = kernelsOf(to.memory);
    if (kernels !== undefined) {
      let total = sum;
      let done = 0;
      while (bytes - done > WASM_LIMIT) {
        total += kernels.copySum(toAt + done, fromAt + done, WASM_LIMIT);
        done += WASM_LIMIT;
      }
      return fold(total + kernels.copySum(toAt + done, fromAt + done, bytes - done));
    }
  }
  copy(to, toAt, from, fromAt, bytes);
  return sum16(to, toAt, bytes, sum);
}
