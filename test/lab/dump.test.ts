/** Looking at a model's registers changes nothing: what a guest finds afterwards is what it would have found without. */
import { expect, test } from 'vitest';
import { Machine } from '../../src/hosts/machine/index.js';
import { dumpRegisters, NICS } from '../../src/lab/index.js';
import { OwnedArena } from '../../src/platform/arena.js';

test.each(NICS)('a dump of $name twice is the same, and stores nothing', ({ name, make }) => {
  const machine = new Machine({ arena: new OwnedArena(32 << 20), ramBytes: 4 << 20, seed: 1 });
  const model = make(Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56), name);
  machine.bus.add(model);
  const stored = (): number[][] => (model.maps ?? []).map(({ file }) => [...(file?.values ?? [])]);
  const before = stored();
  const first = dumpRegisters(model);
  expect(first.length).toBeGreaterThan(10);
  expect(stored()).toEqual(before);
  expect(dumpRegisters(model)).toEqual(first);
  expect(machine.diagnostics.list()).toEqual([]);
});
