/** Runs of the lab inside the test process, on a virtual clock, bounded in steps. */
import { createHash } from 'node:crypto';
import type { DriverOptions } from '../../src/drivers/index.js';
import {
  GATEWAY_NAME,
  type Hash,
  type LabReport,
  type LabSetup,
  runLab,
  World,
  type WorldOptions,
} from '../../src/lab/index.js';
import { hex, streamDigest, writeStream } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import type { Scheduler } from '../../src/platform/clock.js';

/** Number of cases that a test of `usual` cases runs: NICFORGE_CASES scales it (1 is the usual number). */
export function cases(usual: number): number {
  const scale = Number(process.env.NICFORGE_CASES ?? '1');
  return Math.max(1, Math.round(usual * (Number.isFinite(scale) && scale > 0 ? scale : 1)));
}

/** Drives a virtual clock; gives up after `most` steps, which a bounded run never needs. */
export function bounded(most = 20_000_000): (scheduler: Scheduler, done: () => boolean) => Promise<void> {
  return (scheduler, done) => {
    for (let i = 0; i < most; i++) {
      if (done() || !scheduler.advance()) return Promise.resolve();
    }
    return Promise.reject(new Error(`not done after ${most} steps at ${scheduler.now} us`));
  };
}

export function nodeHash(): Hash {
  const hash = createHash('sha256');
  return { update: (u8, at, bytes) => hash.update(u8.subarray(at, at + bytes)), digest: () => hash.digest('hex') };
}

export interface RunOptions extends WorldOptions {
  readonly bytes?: number;
  readonly upload?: boolean;
  readonly driver?: DriverOptions;
  /** Looks at, or changes, what the run works on. */
  readonly with?: (setup: LabSetup, world: World) => LabSetup;
}

const arena = new OwnedArena(192 << 20);

/** One run: a world, all its NICs, `bytes` bytes each. */
export async function run(options: RunOptions = {}): Promise<{ report: LabReport; world: World }> {
  const bytes = options.bytes ?? 256 * 1024;
  // One memory for all runs: every WebAssembly memory reserves gigabytes of addresses until it is collected.
  arena.clear();
  const world = new World({ hash: () => createHash('sha256'), arena, ...options });
  const sha256 = hex(streamDigest(bytes, () => createHash('sha256')));
  const setup: LabSetup = {
    host: world.machine,
    scheduler: world.scheduler,
    arena: world.arena,
    random: world.random,
    diagnostics: world.diagnostics,
    drive: bounded(),
    ...(options.driver ? { driverOptions: options.driver } : {}),
    job: {
      download: { url: `http://${GATEWAY_NAME}/bytes/${bytes}`, bytes, sha256 },
      ...(options.upload ? { upload: { url: `http://${GATEWAY_NAME}/upload`, bytes, sha256, fill: writeStream } } : {}),
      hash: nodeHash,
    },
  };
  return { report: await runLab(options.with?.(setup, world) ?? setup), world };
}
