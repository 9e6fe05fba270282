#!/usr/bin/env node
/**
 * `npm run bench`: builds, then measures every item in turn over several rounds, each in a process of its own, and prints
 * medians, spreads, and ratios within rounds. Options: --rounds N (5), --mib N (64), --frames N (100000), --json.
 */
import { execFileSync, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Results } from '../test/bench/results.mjs';
import { sections } from '../test/bench/sections.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    mib: { type: 'string', default: '64' },
    frames: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Math.max(1, Number(values.rounds));
const bytes = Math.max(1, Number(values.mib)) * 1_048_576;
const count = Math.max(1000, Number(values.frames));
const log = values.json ? () => {} : console.log;

/** What runs, in the order in which it runs in each round. */
const ITEMS = [
  { name: 'hw 82540em', file: 'hardware.mjs', args: ['82540em'] },
  { name: 'hw 82574l', file: 'hardware.mjs', args: ['82574l'] },
  { name: 'hw virtio-net', file: 'hardware.mjs', args: ['virtio-net'] },
  { name: 'hw rtl8168h', file: 'hardware.mjs', args: ['rtl8168h'] },
  { name: 'hw rtl8125b', file: 'hardware.mjs', args: ['rtl8125b'] },
  { name: 'lab', file: 'whole-path.mjs', warm: 8 },
  { name: 'pair', file: 'stack-pair.mjs' },
  { name: 'lwip', file: 'lwip.mjs' },
  { name: 'kernel', file: 'kernel.mjs' },
  { name: 'runtimejs', file: 'runtimejs.mjs' },
  { name: 'lab sha256', file: 'whole-path.mjs', message: { kind: 'sha256' }, warm: 8 },
  {
    name: 'allocation',
    file: 'whole-path.mjs',
    message: { kind: 'allocation' },
    warm: 1,
    // Room for all that could be allocated, so that no collection hides any of it.
    execArgv: ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'],
  },
];
/** Runs of each item before any counts, unless it says otherwise: the compiler takes several to settle. */
const WARM_UP = 4;
/** Longest that one round of one item may take. */
const LIMIT_MS = 120_000;

function start(item) {
  const path = fileURLToPath(new URL(`../test/bench/items/${item.file}`, import.meta.url));
  const child = fork(path, item.args ?? [], {
    execArgv: item.execArgv ?? [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let told = '';
  child.stderr.on('data', (data) => {
    told += data;
  });
  const next = () =>
    new Promise((resolve) => {
      const timer = setTimeout(() => done({ unavailable: `nothing within ${LIMIT_MS / 1000} s` }), LIMIT_MS);
      const gone = (code) => done({ unavailable: `its process ended with ${code}: ${told.trim().split('\n').pop()}` });
      const done = (value) => {
        clearTimeout(timer);
        child.off('exit', gone);
        child.off('message', done);
        resolve(value);
      };
      child.once('message', done);
      child.once('exit', gone);
    });
  const ready = next();
  return {
    item,
    child,
    ready,
    round(message) {
      const answer = next();
      if (child.connected) child.send(message);
      return answer;
    },
  };
}

execFileSync(
  process.execPath,
  [fileURLToPath(new URL('../node_modules/tsup/dist/cli-default.js', import.meta.url)), '--silent'],
  {
    cwd: root,
    env: { ...process.env, NICFORGE_NO_DTS: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);

const running = [];
const results = new Results();
try {
  for (const item of ITEMS) {
    const each = start(item);
    running.push(each);
    const { unavailable } = await each.ready;
    if (unavailable) results.unavailable(item.name, unavailable);
  }
  const run = async ({ item, round }, under) => {
    if (results.reason(item.name)) return;
    const { figures, unavailable } = await round({ bytes, frames: count, ...item.message });
    if (unavailable) results.unavailable(item.name, unavailable);
    else if (under) results.add(under, figures);
  };
  for (const each of running)
    for (let i = 0; i < (each.item.warm ?? WARM_UP); i++)
      await run(each, i === 0 ? `first ${each.item.name}` : undefined);
  log('warmed up');
  for (let round = 1; round <= rounds; round++) {
    for (const each of running) await run(each, each.item.name);
    log(`round ${round} of ${rounds}`);
  }
} finally {
  for (const { child } of running) if (child.connected) child.disconnect();
}
if (values.json) console.log(JSON.stringify(results.all()));
else {
  const cpu = cpus();
  log(`\nNode ${process.version}, ${cpu.length} x ${cpu[0]?.model.trim() ?? 'unknown'}`);
  log(
    `${bytes / 1_048_576} MiB, ${count} frames, medians of ${rounds} rounds [lowest to highest]; ratios are medians of those within a round`,
  );
  log(sections(results).join('\n'));
}
process.exitCode = results.failed() ? 1 : 0;
