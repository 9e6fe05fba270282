/** The built command as a user runs it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LabReport } from '../../src/lab/index.js';

/** The built command. */
export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** What a run printed and how it ended. */
export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `nicforge` with `args`; killed after `withinMs`. */
export function nicforge(args: readonly string[], withinMs = 120_000): Promise<CliResult> {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: npm run build first (npm test does)');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: withinMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs `nicforge lab --json` and reads its one document. */
export async function labJson(
  args: readonly string[],
  withinMs?: number,
): Promise<{ report: LabReport; result: CliResult }> {
  const result = await nicforge(['lab', '--json', ...args], withinMs);
  if (!result.stdout.startsWith('{'))
    throw new Error(
      `no JSON from nicforge lab ${args.join(' ')}: status ${result.status}\n${result.stdout}\n${result.stderr}`,
    );
  return { report: JSON.parse(result.stdout) as LabReport, result };
}
