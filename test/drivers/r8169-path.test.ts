/** The whole path over Realtek's chips: our stack, our driver, our model; lease, name, download and upload with the right sums. */
import { describe, expect, test } from 'vitest';
import type { InterruptMode } from '../../src/drivers/index.js';
import type { Schedule } from '../../src/emulators/index.js';
import { run } from '../lab/support.js';
import { CHIPS } from './r8169-rig.js';

const SCHEDULES: readonly Schedule[] = ['fast', 'timed', 'adversarial'];
const MODES: readonly InterruptMode[] = ['polled', 'intx', 'msi', 'msix'];
const BYTES = 400_000;

describe.each(CHIPS)('$name', ({ name }) => {
  const whole = async (options: Parameters<typeof run>[0]): Promise<void> => {
    const { report } = await run({ nics: [name], bytes: BYTES, upload: true, ...options });
    expect(report, JSON.stringify(report)).toMatchObject({ ok: true, diagnostics: [] });
    expect(report.devices).toHaveLength(1);
    expect(report.devices[0]).toMatchObject({
      nic: name,
      driver: 'r8169',
      bytes: BYTES,
      sha256Ok: true,
      uploaded: BYTES,
      uploadOk: true,
      diagnostics: [],
    });
  };

  for (const schedule of SCHEDULES)
    for (const mode of MODES)
      test(`${schedule}, ${mode}`, { timeout: 60_000 }, () =>
        whole({ schedule, seed: 11, driver: { interrupts: [mode] } }),
      );

  test.each([
    ['without offloads', { checksum: false, vlan: false }],
    ['without segmentation', { segmentation: false }],
    ['with small rings', { rxRing: 32, txRing: 32 }],
    ['with small packets', { mtu: 600 }],
    ['with large buffers', { mtu: 9000 }],
    ['with energy efficient Ethernet and late interrupts', { eee: true, interruptDelay: 500 }],
  ] as const)('%s', { timeout: 60_000 }, (_what, driver) => whole({ schedule: 'adversarial', seed: 5, driver }));

  test('a lossy cable', { timeout: 60_000 }, () =>
    whole({ schedule: 'timed', seed: 3, faults: { loss: 0.02, corrupt: 0.01, duplicate: 0.01, reorder: 0.02 } }),
  );
});
