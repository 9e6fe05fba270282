import { describe, expect, it } from 'vitest';
import { allDrivers, type DriverOptions, type Nic } from '../../src/drivers/index.js';
import { NICS } from '../../src/lab/index.js';
import { bound, declined, type ProbeDriver, type ProbeOutcome } from '../../src/pci/index.js';
import type { Task } from '../../src/platform/task.js';
import { probeCoverage, probeCoverageText, realtekStandIns } from '../../src/testing/index.js';

describe('coverage of the probe chain', () => {
  it('is complete: every row is asked, every reason is given; chips with a model bind, known ones decline', () => {
    const coverage = probeCoverage<Nic, DriverOptions>(allDrivers, {
      options: { interrupts: ['polled'] },
      close: (nic) => nic.close(),
      models: () => NICS.map((nic) => nic.make(Uint8Array.of(2, 0, 0, 0, 0, 1), nic.name)),
      more: realtekStandIns(),
    });
    expect(coverage.complete, probeCoverageText(coverage)).toBe(true);
    expect(coverage.rows).toHaveLength(allDrivers.flatMap((driver) => driver.ids).length);
    for (const { id, model, outcome, reason } of coverage.rows) {
      if (model) expect(outcome, `${id.name}: ${reason}`).toBe('bound');
      if (id.quirks.includes('known-not-driven')) expect(outcome, id.name).toBe('declined');
    }
    expect(coverage.rows.filter((row) => row.model).length).toBe(NICS.length);
  });

  const driver = (
    declines: readonly string[],
    answer: () => ProbeOutcome<string>,
    rows: readonly number[] = [1],
  ): ProbeDriver<string, undefined> => ({
    name: 'third',
    ids: rows.map((device) => ({ vendor: 0x1234, device, name: `chip ${device}`, quirks: [] })),
    declines,
    // biome-ignore lint/correctness/useYield: it decides without waiting
    *probe(): Task<ProbeOutcome<string>> {
      return answer();
    },
  });
  const options = { options: undefined, *close() {} };

  it('finds a row that another one hides', () => {
    const coverage = probeCoverage([driver([], () => bound('x'), [1, 1])].map(renamed), options);
    expect(coverage.complete).toBe(false);
    expect(probeCoverageText(coverage)).toContain('MISSING third: row 1234:0001 second is never asked');
  });

  it('finds reasons that nobody gets, and reasons that are not declared', () => {
    const coverage = probeCoverage([driver(['too old'], () => declined('too new'))], options);
    const text = probeCoverageText(coverage);
    expect(text).toContain('MISSING third: nothing makes it decline with "too old"');
    expect(text).toContain('MISSING third: declines with "too new", which it does not declare');
    expect(text).toMatch(/not complete$/);
  });
});

/** Two rows for one device, under two names. */
function renamed(driver: ProbeDriver<string, undefined>): ProbeDriver<string, undefined> {
  return { ...driver, ids: driver.ids.map((id, i) => ({ ...id, name: i === 0 ? 'first' : 'second' })) };
}
