// The tests, tier by tier: unit (our code alone), oracle (QEMU's models, slirp, Linux TCP against us), guest (Linux and
// iPXE over our models). Prints the minutes of each tier and ends with the counts of all.
// Usage: node scripts/test.mjs [TIER...] [-- VITEST ARGUMENTS]
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TIERS = ['unit', 'oracle', 'guest'];
const words = process.argv.slice(2);
const split = words.indexOf('--');
const tiers = (split < 0 ? words : words.slice(0, split)).filter((word) => TIERS.includes(word));
const extra = split < 0 ? [] : words.slice(split + 1);
const folder = mkdtempSync(join(tmpdir(), 'nicforge-test-'));
const proofs = join(folder, 'proofs.jsonl');
writeFileSync(proofs, '');
const counts = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

try {
  if ((await run('npx', ['tsup', '--silent'], { NICFORGE_NO_DTS: '1' })) !== 0) throw new Error('the build failed');
  for (const tier of tiers.length > 0 ? tiers : TIERS) {
    const began = performance.now();
    const json = join(folder, `${tier}.json`);
    const status = await run(
      'npx',
      [
        'vitest',
        'run',
        '--project',
        tier,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${json}`,
        ...extra,
      ],
      { NICFORGE_RESULTS: proofs },
    );
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    const result = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : undefined;
    if (!result) {
      broken = true;
      console.log(`${tier}: ended with ${status} and no result after ${minutes} minutes`);
      continue;
    }
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + (result.numTodoTests ?? 0);
    if (status !== 0) broken = true;
    console.log(
      `${tier}: ${result.numPassedTests} passed, ${result.numFailedTests} failed, ${result.numPendingTests} skipped in ${minutes} minutes`,
    );
  }
  // The support matrix is made of the proofs of a whole run.
  if (tiers.length === 0 && !broken && counts.failed === 0) {
    mkdirSync('.cache', { recursive: true });
    const fresh = join('.cache', 'proofs.jsonl.new');
    writeFileSync(fresh, '');
    appendFileSync(fresh, readFileSync(proofs));
    renameSync(fresh, join('.cache', 'proofs.jsonl'));
  }
} catch (error) {
  broken = true;
  console.error(error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = broken || counts.failed > 0 || counts.passed === 0 ? 1 : 0;

function run(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
