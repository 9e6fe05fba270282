/**
 * Just enough of a WebAssembly assembler to emit the byte kernels: one imported memory, functions over i32 and v128.
 * Encodings: WebAssembly Core Specification 2.0, chapter 5, and its vector instructions (prefix 0xFD).
 */

/** Value types as encoded. */
export const I32 = 0x7f;
/** The 128-bit vector type as encoded. */
export const V128 = 0x7b;

/** One function to be emitted: parameters are i32, the result is one i32. */
export interface WasmFunction {
  readonly name: string;
  readonly params: number;
  /** Locals beyond the parameters, by type, in order. */
  readonly locals: readonly number[];
  /** Instructions without the closing `end`. */
  readonly code: readonly number[];
}

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
  return out;
}

/** Signed LEB128 of an int32. */
export function sleb(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  let more = true;
  while (more) {
    const low = rest & 0x7f;
    rest >>= 7;
    more = !((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0));
    out.push(more ? low | 0x80 : low);
  }
  return out;
}

/** Instructions, one function each, so that the kernels read like assembly. */
export const op = {
  get: (local: number) => [0x20, ...leb(local)],
  set: (local: number) => [0x21, ...leb(local)],
  i32: (value: number) => [0x41, ...sleb(value)],
  add: [0x6a],
  and: [0x71],
  geU: [0x4f],
  /** `block { loop { break when (a >= b unsigned); body; again } }` */
  whileBelow: (a: number, b: number, body: readonly number[]) => [
    ...[0x02, 0x40, 0x03, 0x40],
    ...op.get(a),
    ...op.get(b),
    ...op.geU,
    ...[0x0d, 0x01],
    ...body,
    ...[0x0c, 0x00, 0x0b, 0x0b],
  ],
  when: (body: readonly number[]) => [0x04, 0x40, ...body, 0x0b],
  load8: (offset = 0) => [0x2d, 0, ...leb(offset)],
  load16: (offset = 0) => [0x2f, 0, ...leb(offset)],
  store8: (offset = 0) => [0x3a, 0, ...leb(offset)],
  store16: (offset = 0) => [0x3b, 0, ...leb(offset)],
  vload: (offset = 0) => [0xfd, 0x00, 0, ...leb(offset)],
  vstore: (offset = 0) => [0xfd, 0x0b, 0, ...leb(offset)],
  /** Adds neighbouring unsigned 16-bit lanes into 32-bit lanes: i32x4.extadd_pairwise_i16x8_u. */
  pairs: [0xfd, 0x7f],
  vadd: [0xfd, 0xae, 0x01],
  vand: [0xfd, 0x4e],
  vshrU: [0xfd, 0xad, 0x01],
  vsplat: [0xfd, 0x11],
  lane: (index: number) => [0xfd, 0x1b, index],
};

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...leb(body.length), ...body];
}

function text(value: string): number[] {
  const bytes = [...value].map((c) => c.charCodeAt(0));
  return [...leb(bytes.length), ...bytes];
}

/** A whole module importing memory `m.m` and exporting each function by its name. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [0x60, ...vector(Array.from({ length: f.params }, () => [I32])), 1, I32]);
  const bodies = functions.map((f) => {
    const body = [...vector(f.locals.map((type) => [1, type])), ...f.code, 0x0b];
    return [...leb(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('m'), ...text('m'), 2, 0, 1]])),
    ...section(3, vector(functions.map((_, i) => leb(i)))),
    ...section(7, vector(functions.map((f, i) => [...text(f.name), 0, ...leb(i)]))),
    ...section(10, vector(bodies)),
  ]);
}
