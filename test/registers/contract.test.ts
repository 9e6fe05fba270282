/** For every register of every map: what the declaration says is what the register file does. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/platform/random.js';
import {
  type AnyReg,
  explain,
  i82540em,
  maskOf,
  meta,
  offsets,
  pci,
  pick,
  put,
  RegisterFile,
  type RegisterMap,
  registerAt,
  virtio,
} from '../../src/registers/index.js';

const maps: RegisterMap[] = [
  i82540em.bar0Map,
  i82540em.ioMap,
  i82540em.phyMap,
  pci.type0Map,
  pci.type1Map,
  virtio.commonMap,
  virtio.isrMap,
  virtio.netConfigMap,
];

const masksOf = (register: AnyReg, ...access: string[]): number =>
  Object.values(register[meta].fields)
    .filter((field) => access.includes(field.access))
    .reduce((all, field) => all | maskOf(field), 0);

describe.each(maps.map((map) => [`${map.chip} ${map.space}`, map] as const))('%s', (_name, map) => {
  const random = new Random(map.chip + map.space);
  const values = [0, -1, 0x5a5a5a5a, 0xa5a5a5a5 | 0, ...Array.from({ length: 8 }, () => random.u32() | 0)];

  test.each(Object.entries(map.registers))('%s', (_key, register) => {
    const info = register[meta];
    const all = info.width === 32 ? -1 : 2 ** info.width - 1;
    expect(info.doc.length).toBeGreaterThan(3);
    expect(info.ref).toMatch(/§|register/);
    for (const field of Object.values(info.fields)) expect(field.doc.length).toBeGreaterThan(0);
    const rw = masksOf(register, 'rw', 'sc');
    const wo = masksOf(register, 'wo');
    const w1c = masksOf(register, 'w1c');
    const rc = masksOf(register, 'rc');
    const places = offsets(register);
    const last = places.length - 1;
    for (const place of [0, last]) {
      const index = place % info.count;
      const file = new RegisterFile(map);
      // Reset value, and where it is found.
      expect(file.read(places[place]!, info.width)).toBe(info.reset & all & ~wo);
      expect(registerAt(map, places[place]!)).toEqual({ register, index });
      for (const value of values) {
        // Written: only read-write bits take the value; write-1-to-clear bits clear; the rest stays.
        file.reset();
        file.set(register, info.reset | w1c | rc, index);
        const before = file.get(register, index);
        file.write(places[place]!, info.width, value);
        const expected = ((before & ~(rw | wo)) | (value & (rw | wo))) & ~(value & w1c);
        expect(file.get(register, index)).toBe(expected);
        // Read: write-only bits read 0, clear-on-read bits are gone afterwards.
        expect(file.read(places[place]!, info.width)).toBe(expected & ~wo);
        expect(file.get(register, index) & rc).toBe(0);
        // Byte by byte gives the same as at once.
        const bytes = new RegisterFile(map);
        bytes.set(register, before, index);
        for (let i = 0; i < info.width / 8; i++) bytes.write(places[place]! + i, 8, (value >>> (8 * i)) & 0xff);
        expect(bytes.get(register, index)).toBe(expected);
        expect(explain(register, value)).toContain(info.name);
      }
      // Its neighbours are left alone.
      const other = new RegisterFile(map);
      other.write(places[place]!, info.width, -1);
      for (const neighbour of Object.values(map.registers)) {
        if (neighbour !== register) expect(other.get(neighbour)).toBe(neighbour[meta].reset);
      }
    }
    for (const field of Object.values(info.fields)) {
      const mask = maskOf(field);
      for (const value of values) expect(pick(put(value, mask, pick(value, mask)), mask)).toBe(pick(value, mask));
    }
  });

  test('every other offset reads 0 and is reported, whatever the width', () => {
    const file = new RegisterFile(map);
    const faults: string[] = [];
    file.onFault = (fault) => faults.push(fault.kind);
    const known = new Set<number>();
    for (const register of Object.values(map.registers)) {
      for (const at of offsets(register)) for (let i = 0; i < register[meta].width / 8; i++) known.add(at + i);
    }
    let holes = 0;
    for (let at = 0; at < Math.min(map.bytes, 0x10000); at += 4) {
      if ([0, 1, 2, 3].some((i) => known.has(at + i))) continue;
      holes++;
      expect(file.read(at, 32)).toBe(0);
      file.write(at, 32, -1);
    }
    expect(faults.filter((kind) => kind === 'unknown-register').length).toBe(2 * holes);
    for (const at of [-4, -1, map.bytes - 1, map.bytes, map.bytes + 4, 0x7fffffff]) {
      file.read(at, 32);
      file.write(at, 32, -1);
    }
  });
});
