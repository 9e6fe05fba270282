/** Adversarial schedule with loss, damage, reordering and duplication on the cable: every byte is delivered, seed by seed. */
import { expect, test } from 'vitest';
import { NICS } from '../../src/lab/index.js';
import { Random } from '../../src/platform/random.js';
import { cases, run } from './support.js';

const MODES = ['polled', 'intx', 'msi', 'msix'] as const;

test.each(NICS.map((nic) => nic.name))('%s delivers every byte', { timeout: 600_000 }, async (nic) => {
  const count = cases(300);
  for (let seed = 0; seed < count; seed++) {
    const random = new Random(`seeds ${nic} ${seed}`);
    const rate = (most: number): number => random.below(1000) * (most / 1000);
    const options = {
      nics: [nic],
      seed,
      schedule: 'adversarial' as const,
      faults: { loss: rate(0.03), corrupt: rate(0.02), reorder: rate(0.03), duplicate: rate(0.02) },
      bytes: 1 + random.below(200_000),
      upload: random.chance(0.5),
      strict: true,
      driver: {
        interrupts: [MODES[random.below(4)]!, 'intx' as const],
        rxRing: 8 << random.below(6),
        txRing: 8 << random.below(6),
      },
    };
    const { report, world } = await run(options);
    const told = `seed ${seed}: ${JSON.stringify(options)}\n${JSON.stringify(report, null, 1)}\n${JSON.stringify(world.diagnostics.list())}`;
    expect(report.ok, told).toBe(true);
  }
});

test('every schedule and interrupt mode without faults', { timeout: 300_000 }, async () => {
  for (const schedule of ['fast', 'timed', 'adversarial'] as const) {
    for (const interrupts of MODES) {
      const { report, world } = await run({
        schedule,
        upload: true,
        bytes: 300_000,
        driver: { interrupts: [interrupts, 'intx'] },
        strict: true,
      });
      expect(
        report.ok,
        `${schedule} ${interrupts} ${JSON.stringify(report)} ${JSON.stringify(world.diagnostics.list())}`,
      ).toBe(true);
      expect(report.devices).toHaveLength(NICS.length);
    }
  }
});
