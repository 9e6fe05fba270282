/** Coverage of the hardware: what our driver touches of the 82540EM in a whole run of the lab. */
import { expect, test } from 'vitest';
import type { I82540em } from '../../src/emulators/index.js';
import { HardwareCoverage } from '../../src/testing/index.js';
import { run } from './support.js';

test('the e1000 driver touches what bring-up needs, and nothing that the chip does not have', async () => {
  let coverage: HardwareCoverage | undefined;
  const { report, world } = await run({
    nics: ['82540em'],
    upload: true,
    with: (setup, { nics }) => {
      coverage = new HardwareCoverage((nics[0]!.model as I82540em).regs);
      return setup;
    },
  });
  expect(report.ok).toBe(true);
  const entries = new Map(coverage!.report().map((entry) => [entry.register, entry]));
  for (const name of [
    'CTRL',
    'RCTL',
    'TCTL',
    'RDBAL',
    'RDLEN',
    'RDT',
    'TDBAL',
    'TDLEN',
    'TDT',
    'IMS',
    'IMC',
    'MTA',
    'RXCSUM',
    'FCAL',
  ])
    expect(entries.get(name)?.written, name).toBe(true);
  for (const name of ['STATUS', 'ICR', 'EERD', 'MDIC']) expect(entries.get(name)?.read, name).toBe(true);
  expect(entries.get('RCTL')!.fields).toEqual(expect.arrayContaining(['EN', 'BAM', 'SECRC']));
  expect(coverage!.untouched()).toEqual(expect.arrayContaining(['PBM', 'TXCW', 'FLA']));
  expect(world.diagnostics.list().filter((d) => d.rule === 'unknown-register')).toEqual([]);
});
