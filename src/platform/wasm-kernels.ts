/**
 * The Internet checksum (RFC 1071) in WebAssembly SIMD, alone and fused with a copy, working in place in an arena.
 * 64 bytes a turn in four accumulators; neighbouring 16-bit words are added pairwise into 32-bit lanes.
 */
import { assemble, op, V128 } from './wasm-assembler.js';

/** Kernels bound to one memory. `bytes` is at most {@link WASM_LIMIT} per call, so that lanes cannot overflow. */
export interface WasmKernels {
  /** Sum of the 16-bit little-endian words at `at`; an odd last byte counts as a low half. */
  sum(at: number, bytes: number): number;
  /** Copies upward (pieces must not overlap unless `to` <= `from`) and returns the sum of what was copied. */
  copySum(to: number, from: number, bytes: number): number;
}

/** 16384 vectors of at most 2 x 65535 a lane stay below 2^32. */
export const WASM_LIMIT = 256 * 1024;

// Locals of `sum`: 0 at, 1 bytes; of `copySum`: 0 to, 1 from, 2 bytes. Then end, total and four vectors.
function kernel(copying: boolean): number[] {
  const from = copying ? 1 : 0;
  const bytes = copying ? 2 : 1;
  const end = bytes + 1;
  const total = end + 1;
  const lanes = total + 1;
  const step = (amount: number) => [
    ...[...op.get(from), ...op.i32(amount), ...op.add, ...op.set(from)],
    ...(copying ? [...op.get(0), ...op.i32(amount), ...op.add, ...op.set(0)] : []),
  ];
  const vector = (index: number) => [
    ...(copying ? [...op.get(0), ...op.get(from), ...op.vload(index * 16), ...op.vstore(index * 16)] : []),
    ...[...op.get(lanes + index), ...op.get(from), ...op.vload(index * 16), ...op.pairs, ...op.vadd],
    ...op.set(lanes + index),
  ];
  const upTo = (mask: number) => [
    ...[...op.get(from), ...op.get(bytes), ...op.i32(mask), ...op.and, ...op.add, ...op.set(end)],
  ];
  const merge = (index: number) => [...op.get(lanes), ...op.get(lanes + index), ...op.vadd, ...op.set(lanes)];
  const addLane = (index: number) => [...op.get(lanes), ...op.lane(index)];
  const tail16 = [
    ...(copying ? [...op.get(0), ...op.get(from), ...op.load16(), ...op.store16()] : []),
    ...[...op.get(total), ...op.get(from), ...op.load16(), ...op.add, ...op.set(total)],
    ...step(2),
  ];
  const tail8 = [
    ...(copying ? [...op.get(0), ...op.get(from), ...op.load8(), ...op.store8()] : []),
    ...[...op.get(total), ...op.get(from), ...op.load8(), ...op.add, ...op.set(total)],
  ];
  return [
    ...upTo(~63),
    ...op.whileBelow(from, end, [...vector(0), ...vector(1), ...vector(2), ...vector(3), ...step(64)]),
    ...[...merge(1), ...merge(2), ...merge(3)],
    ...upTo(48),
    ...op.whileBelow(from, end, [...vector(0), ...step(16)]),
    // Fold each lane to 17 bits before the four are added.
    ...[...op.get(lanes), ...op.i32(0xffff), ...op.vsplat, ...op.vand],
    ...[...op.get(lanes), ...op.i32(16), ...op.vshrU, ...op.vadd, ...op.set(lanes)],
    ...[...addLane(0), ...addLane(1), ...op.add, ...addLane(2), ...op.add, ...addLane(3), ...op.add, ...op.set(total)],
    ...upTo(14),
    ...op.whileBelow(from, end, tail16),
    ...[...op.get(bytes), ...op.i32(1), ...op.and, ...op.when(tail8)],
    ...op.get(total),
  ];
}

const LOCALS = [0x7f, 0x7f, V128, V128, V128, V128];

/** The module's bytes: what is compiled, exported so that it can be looked at. */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  return assemble([
    { name: 'sum', params: 2, locals: LOCALS, code: kernel(false) },
    { name: 'copySum', params: 3, locals: LOCALS, code: kernel(true) },
  ]);
}

let compiled: WebAssembly.Module | null | undefined;
const bound = new WeakMap<WebAssembly.Memory, WasmKernels>();

/** Kernels for `memory`, instantiated on first use; undefined where WebAssembly SIMD is missing. */
export function wasmKernels(memory: WebAssembly.Memory): WasmKernels | undefined {
  const known = bound.get(memory);
  if (known !== undefined) return known;
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(kernelModule());
    } catch {
      compiled = null;
    }
  }
  if (compiled === null) return undefined;
  const kernels = new WebAssembly.Instance(compiled, { m: { m: memory } }).exports as unknown as WasmKernels;
  bound.set(memory, kernels);
  return kernels;
}
