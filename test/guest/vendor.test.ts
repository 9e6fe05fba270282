/**
 * Realtek's own Linux drivers, r8168 and r8125, on our models: those who made the chips judge them. They share no line with
 * Linux's r8169, which the matrix has; rows of the matrix are asked of them, too (NICFORGE_MATRIX=full: all of them). And r8169 with the firmware of real boards.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, Lab } from '../support/matrix/bench.js';
import { CHIPS, VENDOR_CHIPS } from '../support/matrix/chips.js';
import { judge } from '../support/matrix/judge.js';
import { unexplained } from '../support/matrix/windows.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';
import { BASIC } from './matrix/basic.js';
import { COUNTERS } from './matrix/counters.js';
import { LIFE } from './matrix/life.js';
import { OFFLOADS } from './matrix/offloads.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'guest', 'vendor');
const full = process.env['NICFORGE_MATRIX'] === 'full';
const guestPieces = (): NonNullable<typeof pieces> => ({ ...pieces!, guest: { initrd: pieces!.vendor.initrd } });

describe.skipIf(!pieces).each(VENDOR_CHIPS)('$driver.name drives $nic', (chip) => {
  const mode = chip.modes[0]!;
  const rows = [...BASIC, ...OFFLOADS, ...COUNTERS, ...LIFE].filter(
    (row) =>
      (full || row.tier === 'short') &&
      (row.needs ?? []).every((feature) => chip.features.has(feature)) &&
      (row.applies?.(chip, mode, 'model') ?? true),
  );
  let lab: Lab;
  let bench: Bench;
  let passed = 0;

  beforeAll(async () => {
    lab = await Lab.open(guestPieces());
    bench = await Bench.plug(lab, { chip, mode, target: 'model' });
  });

  afterAll(async () => {
    if (passed === rows.length)
      proved({
        nic: chip.nic,
        side: 'model',
        stranger: `Realtek's ${chip.driver.name} ${pieces!.vendor.versions[chip.driver.name]} in QEMU over vfio-user`,
        what: `${rows.length} rows of the matrix, ${mode}`,
      });
    await lab?.close();
  });

  test.each(rows)('$name', { timeout: 180_000 }, async (row) => {
    try {
      await judge(bench, row);
      passed++;
    } catch (error) {
      await bench.restore().catch(() => undefined);
      await lab.complaints().catch(() => undefined);
      throw error;
    }
  });

  test('what it touched behind windows is known', () => {
    expect(unexplained(chip.nic, bench.dma!.spaces())).toEqual([]);
  });
});

describe.skipIf(!pieces).each(CHIPS.filter(({ driver }) => driver.name === 'r8169'))(
  'Linux with the firmware of real boards: $nic',
  (chip) => {
    const rows = BASIC.filter((row) => row.applies?.(chip, chip.modes[0]!, 'model') ?? true);
    let lab: Lab;
    let bench: Bench;

    beforeAll(async () => {
      lab = await Lab.open(guestPieces());
      // With the firmware there, nothing about it is excused.
      const driver = { ...chip.driver, complaints: [] };
      bench = await Bench.plug(lab, { chip: { ...chip, driver }, mode: chip.modes[0]!, target: 'model' });
    });

    afterAll(() => lab?.close());

    test.each(rows)('$name', { timeout: 180_000 }, async (row) => void (await judge(bench, row)));

    test('the PHY took it', async () => {
      expect(await lab.guest.must('ethtool -i $N')).toMatch(/firmware-version: rtl8(168h-2|125b-2)_\d/);
      expect(unexplained(chip.nic, bench.dma!.spaces())).toEqual([]);
      proved({
        nic: chip.nic,
        side: 'model',
        stranger: `Linux ${pieces!.kernel.version.replace(/\+.*/, '')} in QEMU over vfio-user`,
        what: 'streams the firmware of real boards into the PHY',
      });
    });
  },
);
