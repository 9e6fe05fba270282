/** `nicforge serve` as a child process, and what it printed. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { CLI } from './cli.js';
import { Capture } from './wire.js';

/** A running server. */
export interface ServeChild {
  /** Everything it printed on stdout. */
  readonly out: Capture;
  readonly err: Capture;
  /** Exit status once it has ended; null: killed. */
  readonly ended: Promise<number | null>;
  /** The arguments for QEMU that it printed, as a shell splits them. */
  qemuArguments(): string[];
  /** Asks it to end and waits. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
  /** Ends it in any case. */
  kill(): Promise<void>;
}

/** Starts `nicforge serve` with `args`; resolves when it waits for QEMU. */
export async function startServe(args: readonly string[]): Promise<ServeChild> {
  if (!existsSync(CLI)) throw new Error('dist/cli.js is missing: npm run build first (npm test does)');
  const child = spawn(process.execPath, [CLI, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const out = new Capture();
  const err = new Capture();
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      out.end(`serve ended with ${status}: ${err.text}`);
      resolve(status);
    });
  });
  const serve: ServeChild = {
    out,
    err,
    ended,
    qemuArguments() {
      const printed = /^Add to the command line.*\n\n([\s\S]*?)\n\n/m.exec(out.text)?.[1];
      if (printed === undefined) throw new Error(`no arguments for QEMU in: ${out.text}`);
      const split = execFileSync('sh', ['-c', `printf '%s\\0' ${printed.trimStart()}`], { encoding: 'utf8' });
      return split.split('\0').slice(0, -1);
    },
    async stop(signal = 'SIGINT') {
      child.kill(signal);
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  try {
    await out.expect(/waiting for QEMU/, 30_000);
    return serve;
  } catch (error) {
    await serve.kill();
    throw error;
  }
}
