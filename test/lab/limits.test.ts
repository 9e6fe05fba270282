/** The limits that the seeds set, in time on the run's clock; and a run that can be had again byte for byte. */
import { expect, test } from 'vitest';
import { NICS } from '../../src/lab/index.js';
import { run } from './support.js';

/** Milliseconds of models that negotiate at the pace of silicon under every schedule, see their page of docs/faithfulness. */
const NEGOTIATION: Readonly<Record<string, number>> = { rtl8125b: 1_500 };
const names = NICS.map((nic) => nic.name);

test.each(names)('%s: bring-up to lease within 500 ms, name within 100 ms, connection within 50 ms', async (nic) => {
  const { report } = await run({ nics: [nic] });
  expect(report.ok, JSON.stringify(report)).toBe(true);
  const { probe, link, lease, dns, connect } = report.devices[0]!.times;
  expect(probe + link + lease - (NEGOTIATION[nic] ?? 0)).toBeLessThan(500);
  expect(dns).toBeLessThan(100);
  expect(connect).toBeLessThan(50);
});

test.each(names)('%s: a lease within 10 s at the pace of silicon', async (nic) => {
  const { report } = await run({ nics: [nic], schedule: 'timed', bytes: 1_000_000 });
  expect(report.ok, JSON.stringify(report)).toBe(true);
  const { probe, link, lease, transfer } = report.devices[0]!.times;
  expect(probe + link + lease).toBeLessThan(10_000);
  // A gigabit carries 1 MB in 8 ms at best; headers and start take some more.
  expect(transfer).toBeGreaterThan(8);
  expect(transfer).toBeLessThan(40);
});

test('the same seed gives the same bytes in the capture, another seed others', async () => {
  const capture = async (seed: number): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    const { report } = await run({
      seed,
      schedule: 'adversarial',
      faults: { loss: 0.01, reorder: 0.02 },
      bytes: 60_000,
      pcapng: (bytes) => parts.push(bytes.slice()),
    });
    expect(report.ok, JSON.stringify(report)).toBe(true);
    return Buffer.concat(parts);
  };
  const [first, again, other] = [await capture(7), await capture(7), await capture(8)];
  expect(first.length).toBeGreaterThan(60_000);
  expect(again.equals(first)).toBe(true);
  expect(other.equals(first)).toBe(false);
});
