/**
 * The example for OS developers, `examples/freestanding`: a kernel in C without a library brings up a NIC of
 * `nicforge serve`. Built clean it earns no diagnostic; built with one of its mistakes, exactly the one that
 * `intel-mistakes.h` or `realtek-mistakes.h` promises.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NICS } from '../../src/lab/nics.js';
import { CLI } from '../support/cli.js';
import { need } from '../support/fetch.js';
import { startQemu } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { startServe } from '../support/serve.js';
import { orSkip } from '../support/skips.js';
import { Unavailable } from '../support/unavailable.js';
import { temporaryFolder } from '../support/wire.js';

const exec = promisify(execFile);
const EXAMPLE = fileURLToPath(new URL('../../examples/freestanding', import.meta.url));
/** Chips and the driver that each has; `DRIVER-mistakes.h` lists what it can do wrong. */
const CHIPS = [
  { chip: '82540em', driver: 'intel' },
  { chip: '82574l', driver: 'intel' },
  { chip: 'rtl8168h', driver: 'realtek' },
  { chip: 'rtl8125b', driver: 'realtek' },
].filter(({ chip }) => NICS.some(({ name }) => name === chip));

const pieces = await orSkip(async () => {
  for (const tool of ['make', 'cc'])
    await exec(tool, ['--version']).catch(() => {
      throw new Unavailable(tool, 'missing', 'it is not installed');
    });
  return need('qemu');
});

/** Names in `DRIVER-mistakes.h` and the rule that each is to break; NONE breaks none. */
function mistakesOf(driver: string): { name: string; rule: string | undefined }[] {
  const text = readFileSync(join(EXAMPLE, `${driver}-mistakes.h`), 'utf8');
  return [...text.matchAll(/^ {2}([A-Z_]+),\s*\/\* (.*) \*\/$/gm)].map(([, name, rule]) => ({
    name: name!,
    rule: name === 'NONE' ? undefined : rule!,
  }));
}

async function make(folder: string, chip: string, mistake: string): Promise<string> {
  const build = join(folder, chip);
  const variables = [`CHIP=${chip}`, `MISTAKE=${mistake}`, `BUILD=${build}`, `NICFORGE=${process.execPath} ${CLI}`];
  await exec('make', ['-s', '-C', EXAMPLE, ...variables]);
  return join(build, `${mistake}.elf`);
}

/** Builds the kernel, runs it on a NIC of a server of its own: what it printed, what the server found. */
async function run(folder: string, chip: string, mistake: string) {
  const kernel = await make(folder, chip, mistake);
  const log = join(folder, `${chip}-${mistake}`);
  const serve = await startServe([
    chip,
    '--socket',
    `${log}.sock`,
    '--once',
    '--fail-on',
    'warning',
    '--json-log',
    log,
  ]);
  try {
    const qemu = await startQemu(pieces!, () => [...serve.qemuArguments(), ...['-serial', 'stdio', '-kernel', kernel]]);
    try {
      await qemu.log.expect(/PASSED|FAILED/, 30_000);
      const status = await serve.ended;
      const findings = readFileSync(log, 'utf8').split('\n').slice(0, -1);
      const problems = findings
        .map((line) => JSON.parse(line) as { severity: string; rule: string; ref: string; message: string })
        .filter(({ severity }) => severity !== 'note');
      return { printed: qemu.log.text, status, problems };
    } finally {
      await qemu.close();
    }
  } finally {
    await serve.kill();
  }
}

describe.skipIf(!pieces)('a kernel in C without a library', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeAll(async () => {
    folder = await temporaryFolder('freestanding');
  });
  afterAll(async () => {
    await folder?.remove();
  });

  test('each driver has at least ten mistakes to make and fits 200 lines; the rest is small enough to be read', async () => {
    for (const driver of ['intel', 'realtek']) {
      expect(mistakesOf(driver).length).toBeGreaterThan(10);
      expect(readFileSync(join(EXAMPLE, `${driver}.c`), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(200);
    }
    const { stdout } = await exec('sh', ['-c', 'cat *.c *.h *.S *.ld Makefile | wc -l'], { cwd: EXAMPLE });
    expect(Number(stdout)).toBeLessThan(800);
  });

  test.each([
    ['82540em', 'e1000'],
    ['82574l', 'e1000e'],
  ])("the %s driver on QEMU's own %s", async (chip, device) => {
    const kernel = await make(folder.path, chip, 'NONE');
    const qemu = await startQemu(pieces!, () => [
      ...['-machine', 'q35', '-netdev', 'user,id=net', '-device', `${device},netdev=net`],
      ...['-serial', 'stdio', '-kernel', kernel],
    ]);
    try {
      await qemu.log.expect(/PASSED|FAILED/, 30_000);
      expect(qemu.log.text).toContain('PASSED');
    } finally {
      await qemu.close();
    }
  });

  describe.each(CHIPS)('$chip', ({ chip, driver }) => {
    const mistakes = mistakesOf(driver);
    test.each(mistakes)('$name: $rule', async ({ name, rule }) => {
      const { printed, status, problems } = await run(folder.path, chip, name);
      expect(
        problems.map((each) => each.rule),
        printed,
      ).toEqual(rule === undefined ? [] : [rule]);
      expect(status).toBe(rule === undefined ? 0 : 3);
      if (rule !== undefined) return;
      expect(printed).toContain('20 pings answered');
      expect(printed).toContain('PASSED');
      proved({
        nic: chip,
        side: 'model',
        stranger: 'a driver in C without an OS, in QEMU over vfio-user',
        what: `ARP and 20 pings; each of ${mistakes.length - 1} mistakes is exactly one diagnostic`,
      });
    });
  });
});
