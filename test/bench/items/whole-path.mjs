/**
 * The whole path as `nicforge lab` runs it: its world with its defaults, both NICs, one HTTP download each, from the
 * application down through stack, driver, model and cable to the gateway's and back. Every byte is compared with the stream
 * (a comparison costs what it costs the peers; `sha256` asks for the lab's own check instead).
 */
import { createHash } from 'node:crypto';
import { GATEWAY_NAME, runLab, World } from '../../../dist/lab/index.js';
import { hex, streamDigest } from '../../../dist/net/index.js';
import { OwnedArena } from '../../../dist/platform/index.js';
import { serve } from './item.mjs';
import { Comparison } from './stream.mjs';

const STEPS = 100_000_000;
const arena = new OwnedArena(192 << 20);
const digests = new Map();

function digestOf(bytes) {
  if (!digests.has(bytes)) digests.set(bytes, hex(streamDigest(bytes, () => createHash('sha256'))));
  return digests.get(bytes);
}

/** A hash that compares: its digest is the right one if every byte was. */
function comparing(bytes) {
  const comparison = new Comparison();
  return {
    update: (u8, at, count) => comparison.update(u8, at, count),
    digest() {
      comparison.check(bytes);
      return digestOf(bytes);
    },
  };
}

function sha256() {
  const hash = createHash('sha256');
  return { update: (u8, at, bytes) => hash.update(u8.subarray(at, at + bytes)), digest: () => hash.digest('hex') };
}

/** As the command's: whole microseconds. */
function realTime() {
  return Math.round(performance.now() * 1000);
}

async function drive(scheduler, done) {
  for (let i = 0; i < STEPS && !done(); i++) if (!scheduler.advance()) return;
}

/** One run of the lab. @returns its report */
export async function lab(bytes, options = {}) {
  arena.clear();
  const clock = options.untimed ? {} : { realTime };
  const world = new World({ seed: 1, arena, hash: () => createHash('sha256'), ...clock, ...options.world });
  const report = await runLab({
    host: world.machine,
    scheduler: world.scheduler,
    arena,
    random: world.random,
    diagnostics: world.diagnostics,
    drive,
    job: {
      download: { url: `http://${GATEWAY_NAME}/bytes/${bytes}`, bytes, sha256: digestOf(bytes) },
      hash: options.sha256 ? sha256 : () => comparing(bytes),
      ...clock,
    },
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  if (!report.ok) throw new Error(`the lab failed: ${JSON.stringify(report)}`);
  return report;
}

/** Bytes allocated per frame between a quarter and nine tenths of a download, counted without any collection between. */
async function allocation(bytes, untimed) {
  const windows = new Map();
  const onProgress = (record, job, received) => {
    const { stats } = job.stack;
    const window = windows.get(record.fn.name) ?? { heap: 0, frames: 0, bytes: Number.NaN, begun: false, ended: false };
    if (!window.begun && received > bytes * 0.25) {
      windows.set(record.fn.name, window);
      global.gc();
      window.begun = true;
      window.frames = stats.framesIn + stats.framesOut;
      window.heap = process.memoryUsage().heapUsed;
    } else if (window.begun && !window.ended && received > bytes * 0.9) {
      const heap = process.memoryUsage().heapUsed;
      window.ended = true;
      window.frames = stats.framesIn + stats.framesOut - window.frames;
      window.bytes = heap - window.heap;
    }
  };
  const report = await lab(bytes, { onProgress, untimed });
  const figures = {};
  for (const device of report.devices) {
    const window = windows.get(device.address);
    if (window.bytes < 0) throw new Error('a collection ran while allocation was counted');
    figures[untimed ? `${device.nic} untimed` : device.nic] = window.bytes / window.frames;
  }
  return figures;
}

/** Downloads before allocation is counted: until the compiler has settled, unoptimized code boxes numbers. */
const WARM_UP = 12;
let warm = 0;

if (process.send) {
  serve(async ({ bytes, kind }) => {
    if (kind === 'allocation') {
      for (; warm < WARM_UP; warm++) await lab(2 * bytes, { untimed: warm % 2 === 1 });
      return { ...(await allocation(4 * bytes, false)), ...(await allocation(4 * bytes, true)) };
    }
    const report = await lab(bytes, { sha256: kind === 'sha256' });
    const figures = {};
    for (const device of report.devices) {
      figures[device.nic] = device.mbitPerSecond / 1000;
      figures[`${device.nic} frames`] = device.frames;
    }
    return figures;
  });
}
