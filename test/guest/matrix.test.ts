/**
 * The matrix: Linux 6.12 with its own drivers judges our models, row by row, in every interrupt mode a driver can use.
 * The short tier always runs. NICFORGE_MATRIX=full runs every row, and the same rows on QEMU's own devices as control.
 * NICFORGE_MATRIX_NICS=a,b keeps to some NICs.
 */
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NICS } from '../../src/lab/nics.js';
import { Bench, Lab, type Target, UNDECLARED } from '../support/matrix/bench.js';
import { CHIPS, type Chip, type Mode } from '../support/matrix/chips.js';
import { judge } from '../support/matrix/judge.js';
import type { Row, RowResult } from '../support/matrix/rows.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';
import { BASIC } from './matrix/basic.js';
import { COUNTERS } from './matrix/counters.js';
import { DEATHS, LIFE } from './matrix/life.js';
import { OFFLOADS } from './matrix/offloads.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'guest');
const full = process.env['NICFORGE_MATRIX'] === 'full';
const wanted = process.env['NICFORGE_MATRIX_NICS']?.split(',');
const only = process.env['NICFORGE_MATRIX_ROWS'];
const LINUX = `Linux ${pieces?.kernel.version.replace(/\+.*/, '') ?? ''} in QEMU over vfio-user`;
const PLUGGED = [...BASIC, ...OFFLOADS, ...COUNTERS, ...LIFE];

function rowsFor(rows: readonly Row[], chip: Chip, mode: Mode, target: Target): Row[] {
  return rows.filter(
    (row) =>
      (full || row.tier === 'short') &&
      (mode === chip.modes[0] || row.everyMode) &&
      (row.needs ?? []).every((feature) => chip.features.has(feature)) &&
      (row.applies?.(chip, mode, target) ?? true) &&
      (only === undefined || BASIC.includes(row) || new RegExp(only).test(row.name)),
  );
}

/** As {@link judge}; undefined and a tidy bench when it failed. */
async function attempt(bench: Bench, row: Row): Promise<string[] | undefined> {
  try {
    return await judge(bench, row);
  } catch {
    await bench.restore().catch(() => undefined);
    await bench.lab.complaints();
    return undefined;
  }
}

/** Writes lines into the file of results, if there is one. */
function keep(lines: readonly unknown[]): void {
  const file = process.env['NICFORGE_MATRIX_RESULTS'];
  if (file) for (const line of lines) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

const TARGETS: readonly Target[] = full ? ['model', 'control'] : ['model'];
const CASES = CHIPS.filter(({ nic }) => wanted?.includes(nic) ?? NICS.some(({ name }) => name === nic)).flatMap(
  (chip) =>
    TARGETS.filter((target) => target === 'model' || chip.control).map((target) => ({
      chip,
      target,
      title: target === 'model' ? chip.nic : `${chip.nic}, control: QEMU's ${chip.control!.device.driver}`,
    })),
);

describe.skipIf(!pieces).each(CASES)('matrix: $title', ({ chip, target }) => {
  const results: RowResult[] = [];
  let lab: Lab;

  /** A row as a test; its result is kept whatever comes of it. */
  function rowTest(row: Row, mode: Mode, make: () => Bench | Promise<Bench>): void {
    const limit = target === 'control' ? row.controlLimit?.[chip.nic] : undefined;
    test(row.name, { timeout: 180_000 }, async () => {
      const began = performance.now();
      const note = (status: RowResult['status'], detail?: string, explained: readonly string[] = []): void => {
        const milliseconds = Math.round(performance.now() - began);
        results.push({
          nic: chip.nic,
          target,
          mode,
          row: row.name,
          status,
          ...(detail ? { detail } : {}),
          ...(explained.length > 0 ? { explained } : {}),
          milliseconds,
        });
      };
      let bench: Bench | undefined;
      try {
        bench = await make();
        // Whether QEMU loses a frame while the host is busy is not what the control is for: it may try again.
        const tried = target === 'control' && limit === undefined ? await attempt(bench, row) : undefined;
        note('passed', undefined, tried ?? (await judge(bench, row)));
      } catch (error) {
        note(limit === undefined ? 'failed' : 'limit', limit ?? String(error).slice(0, 500));
        await bench?.restore().catch(() => undefined);
        await lab.complaints().catch(() => undefined);
        if (limit !== undefined) return;
        const log = (await lab.guest.run('dmesg | tail -60').catch(() => undefined))?.output;
        console.error(
          `${chip.nic} ${target} ${mode}, ${row.name}: ${error}\n--- console:\n${lab.guest.console.text.slice(-3000)}\n--- dmesg:\n${log}\n--- QEMU:\n${lab.guest.log.text.slice(-1000)}`,
        );
        throw error;
      }
    });
  }

  afterAll(() => {
    keep(results);
    if (target !== 'model' || only !== undefined || full) return;
    const passed = results.filter(({ status }) => status === 'passed').length;
    if (passed === results.length)
      proved({
        nic: chip.nic,
        side: 'model',
        stranger: LINUX,
        what: `rows of the matrix, short tier: ${chip.modes.join(', ')}`,
      });
  });

  // A guest for each mode: what cannot be unplugged from QEMU would be there again after a restart.
  describe.each(chip.modes)('%s', (mode) => {
    let bench: Bench;

    beforeAll(async () => {
      lab = await Lab.open(pieces!);
      bench = await Bench.plug(lab, { chip, mode, target });
    });

    afterAll(async () => {
      await lab?.close();
      if (lab && target === 'model') keep([{ nic: chip.nic, stranger: LINUX, touched: lab.touched() }]);
    });

    for (const row of rowsFor(PLUGGED, chip, mode, target)) rowTest(row, mode, () => bench);

    // Addresses in BARs are findings of the model; behind its windows they are only stored.
    test.runIf(target === 'model')('no address behind a window was touched that the model does not know', () => {
      expect(lab.touched().filter(({ register }) => register.endsWith(UNDECLARED))).toEqual([]);
    });

    // A device with MSI-X cannot be unplugged from QEMU 11.1 over vfio-user: there the last mode does it.
    if (mode !== chip.modes.at(-1)) return;
    const hide = mode === 'msix' ? [] : (['msix'] as const);
    for (const row of rowsFor(DEATHS, { ...chip, modes: [mode] }, mode, target))
      rowTest(row, mode, async () => {
        await bench.close();
        bench = await Bench.plug(lab, { chip, mode, target, hide });
        return bench;
      });
  });
});

const LARGE = full ? CHIPS.filter(({ nic }) => wanted?.includes(nic) ?? NICS.some(({ name }) => name === nic)) : [];

describe.skipIf(!pieces || !full || only !== undefined)('matrix: 3 GiB of memory, a part of it above 4 GiB', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.open(pieces!, { memory: 3072 });
  });

  afterAll(() => lab?.close());

  test.each(LARGE)('$nic', async (chip) => {
    const began = performance.now();
    const bench = await Bench.plug(lab, { chip, mode: chip.modes[0]!, target: 'model' });
    for (const row of BASIC) await judge(bench, row);
    await bench.close();
    const [mode] = chip.modes;
    const result = { nic: chip.nic, target: 'model', mode: mode!, row: '3 GiB of memory', status: 'passed' } as const;
    keep([{ ...result, milliseconds: Math.round(performance.now() - began) } satisfies RowResult]);
  });
});
