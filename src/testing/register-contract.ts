/** What every register of a map must do in a {@link RegisterFile}: reset value, frozen bits, write-1-to-clear, clear on read, partial accesses. */
import { Random } from '../platform/random.js';
import {
  type AnyReg,
  hex,
  maskOf,
  meta,
  offsets,
  pick,
  put,
  RegisterFile,
  type RegisterMap,
  registerAt,
} from '../registers/index.js';

/** One case of a suite. `run` throws an Error that says what is wrong. */
export interface ContractCase {
  readonly name: string;
  run(): void | Promise<void>;
}

/** @throws Error when the two differ, naming what was looked at */
function same(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: found ${hex(found)}, expected ${hex(expected)}`);
}

/** A case for each register of the map, and one for its holes. */
export function registerContract(map: RegisterMap, seed: number | string = 1): ContractCase[] {
  const random = new Random(seed);
  const values = [0, -1, 0x5a5a5a5a, 0xa5a5a5a5 | 0, ...Array.from({ length: 8 }, () => random.u32() | 0)];
  const cases = Object.values(map.registers).map((register) => ({
    name: `${map.chip} ${map.space} ${register[meta].name}`,
    run: () => checkRegister(map, register, values),
  }));
  return [...cases, { name: `${map.chip} ${map.space} holes`, run: () => checkHoles(map) }];
}

function masks(register: AnyReg, ...access: string[]): number {
  return Object.values(register[meta].fields)
    .filter((field) => access.includes(field.access))
    .reduce((all, field) => all | maskOf(field), 0);
}

function checkRegister(map: RegisterMap, register: AnyReg, values: readonly number[]): void {
  const info = register[meta];
  const { width } = info;
  const all = width === 32 ? -1 : 2 ** width - 1;
  if (info.doc.length < 3) throw new Error('a register needs a line that says what it is');
  if (!/§|register/.test(info.ref)) throw new Error(`"${info.ref}" names no section`);
  const rw = masks(register, 'rw', 'sc', 'wo');
  const wo = masks(register, 'wo');
  const w1c = masks(register, 'w1c');
  const rc = masks(register, 'rc');
  const places = offsets(register);
  const file = new RegisterFile(map);
  for (const place of new Set([0, places.length - 1])) {
    const index = place % info.count;
    const at = places[place]!;
    file.reset();
    same('reset value', file.read(at, width), info.reset & all & ~wo);
    const found = registerAt(map, at);
    if (found?.register !== register || found.index !== index) throw new Error(`offset ${hex(at, 16)} leads elsewhere`);
    for (const value of values) {
      file.reset();
      file.set(register, info.reset | w1c | rc, index);
      const before = file.get(register, index);
      file.write(at, width, value);
      const expected = ((before & ~rw) | (value & rw)) & ~(value & w1c);
      same(`stored after writing ${hex(value, width)}`, file.get(register, index), expected);
      same('read back', file.read(at, width), expected & ~wo);
      same('bits that a read clears', file.get(register, index) & rc, 0);
      file.reset();
      file.set(register, before, index);
      for (let i = 0; i < width / 8; i++) file.write(at + i, 8, (value >>> (8 * i)) & 0xff);
      same('written byte by byte', file.get(register, index), expected);
    }
    file.reset();
    file.write(at, width, -1);
    for (const other of Object.values(map.registers)) {
      if (other !== register) same(`${other[meta].name} beside it`, file.get(other), other[meta].reset);
    }
  }
  for (const field of Object.values(info.fields)) {
    const mask = maskOf(field);
    for (const value of values)
      same('pick after put', pick(put(value, mask, pick(value, mask)), mask), pick(value, mask));
  }
}

/** Where no register is, reads give 0, writes vanish, and both are reported; outside the space nothing happens. */
function checkHoles(map: RegisterMap): void {
  const file = new RegisterFile(map);
  let reported = 0;
  file.onFault = (fault) => {
    if (fault.kind === 'unknown-register') reported++;
  };
  const known = new Set<number>();
  for (const register of Object.values(map.registers)) {
    for (const at of offsets(register)) for (let i = 0; i < register[meta].width / 8; i++) known.add(at + i);
  }
  let holes = 0;
  for (let at = 0; at < Math.min(map.bytes, 0x10000); at += 4) {
    if ([0, 1, 2, 3].some((i) => known.has(at + i))) continue;
    holes++;
    same(`offset ${hex(at, 16)}`, file.read(at, 32), 0);
    file.write(at, 32, -1);
  }
  same('reports of holes', reported, 2 * holes);
  for (const at of [-4, map.bytes, map.bytes + 4, 0x7fff_ffff]) {
    same(`outside, ${at}`, file.read(at, 32), 0);
    file.write(at, 32, -1);
  }
}
