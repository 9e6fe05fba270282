/** `nicforge regs CHIP --c`: the declarations of a chip as a C header, for drivers that are not written in TypeScript. */
import { type AnyReg, hex, maskOf, meta, type RegisterMap } from '../registers/index.js';

/** An identifier for C of any text: upper case, no sign but `_`, no digit first. */
export function identifier(text: string): string {
  const name = text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  return /^[0-9]/.test(name) ? `I${name}` : name;
}

/**
 * A header for C: every register of `maps`, then those of `others` that no map has (descriptors, registers behind a window), as
 * `#define`s: `NAME` is the byte offset (`NAME(i)` of an array), `NAME_FIELD` the mask in place, `NAME_FIELD_SHIFT` how
 * far a field of several bits is shifted, `NAME_FIELD_WORD` an enumerated value in place.
 * The chip's constants (identifiers, sizes) follow.
 * @param prefix stands before every name, for programs that include several headers
 * @throws RangeError when two declarations would get one name
 */
export function cHeader(
  chip: string,
  maps: readonly RegisterMap[],
  others: Readonly<Record<string, unknown>>,
  prefix = '',
): string {
  const guard = `NICFORGE_${identifier(chip)}_H`;
  const seen = new Set<AnyReg>();
  const names = new Set<string>();
  const lines = [
    `/* ${chip}: registers and descriptors. Made by "nicforge regs ${chip} --c${prefix && ` ${prefix}`}"; do not edit. */`,
    `#ifndef ${guard}`,
    `#define ${guard}`,
  ];
  const define = (name: string, value: string, doc: string): void => {
    if (names.has(name)) throw new RangeError(`${chip}: two declarations would be called ${name}`);
    names.add(name);
    lines.push(`#define ${name.padEnd(34)} ${value.padEnd(14)} /* ${doc.replaceAll('*/', '* /')} */`);
  };
  const add = (register: AnyReg, space?: string): void => {
    if (seen.has(register)) return;
    seen.add(register);
    const info = register[meta];
    const plain = prefix + identifier(info.name);
    // The MAC and another space of the chip may share a name: the MAC has it, the other one says where it stands.
    const name =
      space !== undefined && names.has(plain) ? `${prefix}${identifier(space)}_${identifier(info.name)}` : plain;
    lines.push('');
    const what = `${info.width} bits: ${info.doc} (${info.ref})`;
    if (info.count > 1) define(`${name}(i)`, `(${hex(info.at, 16)} + ${info.stride} * (i))`, what);
    else define(name, hex(info.at, 16), what);
    for (const [key, field] of Object.entries(info.fields)) {
      const full = `${name}_${identifier(key)}`;
      define(full, `${hex(maskOf(field), info.width)}u`, `${field.access}: ${field.doc}`);
      if (field.bits === 1 || field.bits === info.width) continue;
      define(`${full}_SHIFT`, String(field.lo), field.doc);
      for (const [x, text] of Object.entries(field.values ?? {})) {
        // Two values may mean the same; the lower one is the one to write.
        const word = `${full}_${text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`;
        if (!names.has(word)) define(word, `(${x}u << ${field.lo})`, text);
      }
    }
  };
  for (const map of maps) {
    lines.push('', `/* ${map.space}, ${map.bytes} bytes; accesses of ${map.widths.join(', ')} bits. */`);
    for (const register of Object.values(map.registers)) add(register, map.space);
  }
  lines.push('', '/* Descriptors in memory, and what stands behind other windows. */');
  for (const value of Object.values(others)) if (isRegister(value)) add(value);
  lines.push('', '/* Identifiers and sizes. */');
  for (const [name, value] of Object.entries(others)) {
    if (name !== name.toUpperCase() || isRegister(value)) continue;
    const numbers = typeof value === 'object' && value !== null ? value : { '': value };
    for (const [key, number] of Object.entries(numbers)) {
      const full = prefix + identifier(key ? `${name}_${key}` : name);
      if (typeof number !== 'number') continue;
      if (names.has(full)) throw new RangeError(`${chip}: two declarations would be called ${full}`);
      names.add(full);
      lines.push(`#define ${full.padEnd(34)} ${Number.isInteger(number) ? hex(number) : number}`);
    }
  }
  lines.push('', '#endif', '');
  return lines.join('\n');
}

function isRegister(value: unknown): value is AnyReg {
  return typeof value === 'object' && value !== null && meta in value;
}
