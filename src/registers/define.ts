/**
 * How a register is declared: once, for the driver (plain masks), the emulator (behaviour by table), the trace, the
 * documentation, the generated contract tests and the coverage of hardware. Declarations have no behaviour.
 */

/**
 * What a field does when software touches it.
 * - `rw` keeps what is written; `ro` ignores writes; `wo` accepts writes and reads 0
 * - `rc` is read-only and cleared by the read; `w1c` is cleared by writing 1
 * - `sc` accepts a 1, starts something, and clears itself; `latched` is read-only, holds an event until it is read
 */
export type Access = 'rw' | 'ro' | 'wo' | 'rc' | 'w1c' | 'sc' | 'latched';

/** Width of a register in bits. Wider fields are two registers. */
export type Width = 8 | 16 | 32;

/** Names of a field's values. */
export type Values = Readonly<Record<number, string>>;

/** One field of a register. */
export interface Field {
  /** Lowest bit. */
  readonly lo: number;
  /** Number of bits. */
  readonly bits: number;
  readonly access: Access;
  /** One line. */
  readonly doc: string;
  readonly values: Values | undefined;
  /** Declared, stored and decoded, but an emulator gives it no effect; said so in documentation and trace. */
  readonly inert: boolean;
}

interface FieldOptions {
  readonly values?: Values;
  readonly inert?: boolean;
}

/** A one-bit field. @param lo its bit number */
export function bit(lo: number, access: Access, doc: string, options: FieldOptions = {}): Field {
  return bits(lo, lo, access, doc, options);
}

/** A field from bit `hi` down to bit `lo`. */
export function bits(hi: number, lo: number, access: Access, doc: string, options: FieldOptions = {}): Field {
  if (hi < lo || lo < 0 || hi > 31) throw new RangeError(`field bits ${hi}:${lo} are not a range within 31:0`);
  return { lo, bits: hi - lo + 1, access, doc, values: options.values, inert: options.inert ?? false };
}

/** What is common to a whole register. */
export interface RegSpec {
  /** One line. */
  readonly doc: string;
  /** Document and section, e.g. `8254x §13.4.1`. */
  readonly ref: string;
  /** Value after power-on; default 0. Bits that no field declares keep it for ever: they are reserved. */
  readonly reset?: number;
  /** Default 32. */
  readonly width?: Width;
  /** Number of equal registers, {@link RegSpec.stride} bytes apart. Default 1. */
  readonly count?: number;
  /** Bytes from one element to the next; default width / 8. */
  readonly stride?: number;
  /** Other offsets of the same register (element 0 when it is an array). */
  readonly alias?: readonly number[];
  /** The reset value is not fixed (loaded from an NVM, a strap, random). */
  readonly volatile?: boolean;
}

/** The key under which a {@link Reg} keeps everything that is not a mask. */
export const meta: unique symbol = Symbol('register');

/** Everything known of a register. */
export interface RegMeta {
  readonly name: string;
  readonly at: number;
  readonly doc: string;
  readonly ref: string;
  readonly reset: number;
  readonly width: Width;
  readonly count: number;
  readonly stride: number;
  readonly alias: readonly number[];
  readonly volatile: boolean;
  readonly fields: Readonly<Record<string, Field>>;
}

/** A declared register: `at` is its byte offset, every field is its mask in place, the rest is under {@link meta}. */
export type Reg<F = Record<never, never>> = { readonly at: number; readonly [meta]: RegMeta } & {
  readonly [K in keyof F]: number;
};

/** Any register, when its fields do not matter. */
export interface AnyReg {
  readonly at: number;
  readonly [meta]: RegMeta;
}

/** The mask of a field, as int32. */
export function maskOf(field: Field): number {
  return (field.bits === 32 ? -1 : ((1 << field.bits) - 1) << field.lo) | 0;
}

/**
 * Declares a register at byte offset `at`.
 * @throws RangeError when fields overlap or leave the register's width: a declaration is checked when it is loaded.
 */
export function reg<const F extends Record<string, Field>>(name: string, at: number, spec: RegSpec, fields: F): Reg<F> {
  const width = spec.width ?? 32;
  let seen = 0;
  const masks: Record<string, number> = {};
  for (const [key, field] of Object.entries<Field>(fields)) {
    const mask = maskOf(field);
    if (field.lo + field.bits > width) throw new RangeError(`${name}.${key} leaves the ${width}-bit register`);
    if ((seen & mask) !== 0) throw new RangeError(`${name}.${key} overlaps another field`);
    seen |= mask;
    masks[key] = mask;
  }
  const info: RegMeta = {
    name,
    at,
    doc: spec.doc,
    ref: spec.ref,
    reset: (spec.reset ?? 0) | 0,
    width,
    count: spec.count ?? 1,
    stride: spec.stride ?? width / 8,
    alias: spec.alias ?? [],
    volatile: spec.volatile ?? false,
    fields,
  };
  return Object.freeze({ at, ...masks, [meta]: info }) as unknown as Reg<F>;
}

/** A register that is one value: a single field `VALUE` over its whole width (or `bits` of it from bit `lo`). */
export function word(
  name: string,
  at: number,
  access: Access,
  spec: RegSpec & { readonly bits?: number; readonly lo?: number },
): Reg<{ VALUE: Field }> {
  const width = spec.width ?? 32;
  const lo = spec.lo ?? 0;
  return reg(name, at, spec, { VALUE: bits(lo + (spec.bits ?? width - lo) - 1, lo, access, spec.doc) });
}

/** Byte offset of element `i` of a register array. */
export function at(register: AnyReg, i: number): number {
  return register.at + i * register[meta].stride;
}

/** The value of a field: `pick(0x240, CTRL.SPEED)` is 2. Unsigned. */
export function pick(value: number, mask: number): number {
  return (value & mask) >>> (31 - Math.clz32(mask & -mask));
}

/** `value` with the field under `mask` set to `field`, as int32. */
export function put(value: number, mask: number, field: number): number {
  return (value & ~mask) | ((field << (31 - Math.clz32(mask & -mask))) & mask);
}

/** A chip's registers in one address space (a BAR, config space, an indirect window). */
export interface RegisterMap {
  /** Name on the command line and in reports, e.g. `82540em`. */
  readonly chip: string;
  /** Which space, e.g. `BAR0`, `PHY`, `config`. */
  readonly space: string;
  /** Size of the space in bytes. */
  readonly bytes: number;
  /** Access widths in bits that the hardware defines; others are a guest's mistake. */
  readonly widths: readonly Width[];
  /** By name, in the order of their offsets. */
  readonly registers: Readonly<Record<string, AnyReg>>;
}

/** Declares a map from a module's registers. @throws RangeError when two registers overlap or one leaves the space. */
export function registerMap(
  chip: string,
  space: string,
  bytes: number,
  widths: readonly Width[],
  registers: Readonly<Record<string, AnyReg>>,
): RegisterMap {
  const owner = new Map<number, string>();
  const sorted = Object.entries(registers).sort(([, a], [, b]) => a.at - b.at);
  for (const [, register] of sorted) {
    const info = register[meta];
    for (const offset of offsets(register)) {
      for (let i = 0; i < info.width / 8; i++) {
        const other = owner.get(offset + i);
        if (other !== undefined)
          throw new RangeError(`${chip} ${space}: ${info.name} overlaps ${other} at 0x${(offset + i).toString(16)}`);
        if (offset + i >= bytes)
          throw new RangeError(`${chip} ${space}: ${info.name} leaves the space of ${bytes} bytes`);
        owner.set(offset + i, info.name);
      }
    }
  }
  return { chip, space, bytes, widths, registers: Object.fromEntries(sorted) };
}

/** All byte offsets at which a register stands: its elements, then its aliases' elements. */
export function offsets(register: AnyReg): number[] {
  const info = register[meta];
  const all: number[] = [];
  for (const base of [info.at, ...info.alias]) for (let i = 0; i < info.count; i++) all.push(base + i * info.stride);
  return all;
}

/** `value` in hexadecimal with the digits of `width` bits: `0x00000240`. */
export function hex(value: number, width = 32): string {
  return `0x${(width === 32 ? value >>> 0 : value & (2 ** width - 1)).toString(16).padStart(width / 4, '0')}`;
}

/** A value in words: `SLU | SPEED:1000` and the reserved bits that are set, or `0`. */
export function explainFields(register: AnyReg, value: number): string {
  const info = register[meta];
  const parts: string[] = [];
  let known = 0;
  for (const [name, field] of Object.entries(info.fields)) {
    const mask = maskOf(field);
    known |= mask;
    const x = pick(value, mask);
    if (field.bits === 1) {
      if (x) parts.push(name);
    } else if (x !== 0 || field.values?.[0] !== undefined) {
      parts.push(`${name}:${field.values?.[x] ?? (field.bits > 8 ? hex(x, Math.ceil(field.bits / 4) * 4) : x)}`);
    }
  }
  const reserved = value & ~known & (info.width === 32 ? -1 : 2 ** info.width - 1);
  if (reserved !== 0) parts.push(`reserved:${hex(reserved, info.width)}`);
  return parts.length === 0 ? '0' : parts.join(' | ');
}

/** What became different from `before` to `after`: `+SLU -RST SPEED:10>1000`; empty when nothing did. */
export function explainChange(register: AnyReg, before: number, after: number): string {
  const parts: string[] = [];
  let known = 0;
  for (const [name, field] of Object.entries(register[meta].fields)) {
    const mask = maskOf(field);
    known |= mask;
    const from = pick(before, mask);
    const to = pick(after, mask);
    if (from === to) continue;
    const word = (x: number): string =>
      `${field.values?.[x] ?? (field.bits > 8 ? hex(x, Math.ceil(field.bits / 4) * 4) : x)}`;
    parts.push(field.bits === 1 ? `${to ? '+' : '-'}${name}` : `${name}:${word(from)}>${word(to)}`);
  }
  const reserved = (before ^ after) & ~known;
  if (reserved !== 0) parts.push(`reserved:${hex(reserved, register[meta].width)}`);
  return parts.join(' ');
}

/** A line of trace: `CTRL = SLU | SPEED:1000 (0x00000240)`. */
export function explain(register: AnyReg, value: number, index = 0): string {
  const info = register[meta];
  const name = info.count > 1 ? `${info.name}[${index}]` : info.name;
  return `${name} = ${explainFields(register, value)} (${hex(value, info.width)})`;
}

/** The register at a byte offset of a map and its index, or undefined. */
export function registerAt(map: RegisterMap, offset: number): { register: AnyReg; index: number } | undefined {
  for (const register of Object.values(map.registers)) {
    const info = register[meta];
    for (const base of [info.at, ...info.alias]) {
      const index = Math.floor((offset - base) / info.stride);
      if (index < 0 || index >= info.count) continue;
      const inside = offset - base - index * info.stride;
      if (inside < info.width / 8) return { register, index };
    }
  }
  return undefined;
}
