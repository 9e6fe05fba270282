/** Recordings: a run of each NIC under our driver, replayed; a model that does something else; files that are damaged. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { drive } from '../../src/cli/drive.js';
import { nodeHash } from '../../src/cli/lab.js';
import { Machine } from '../../src/hosts/machine/index.js';
import {
  Gateway,
  NICS,
  nicKind,
  RecordingError,
  type RecordingHeader,
  type RecordSource,
  recordFunction,
  replay,
  runLab,
} from '../../src/lab/index.js';
import { Cable } from '../../src/link/index.js';
import { hex, streamDigest } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Scheduler } from '../../src/platform/clock.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';

const SCHEDULES = ['fast', 'timed', 'adversarial'] as const;

function source(bytes: Uint8Array): RecordSource {
  return {
    bytes: bytes.length,
    read: (from, into, count) => {
      const part = bytes.subarray(from, from + count);
      into.set(part);
      return part.length;
    },
  };
}

/** A download over one NIC, recorded. */
async function record(
  nic: string,
  schedule: (typeof SCHEDULES)[number],
): Promise<{ bytes: Buffer; frames: number; problems: number }> {
  const scheduler = new Scheduler();
  const arena = new OwnedArena(192 << 20);
  const diagnostics = new Diagnostics();
  const random = new Random(`record ${nic}`);
  const machine = new Machine({ scheduler, arena, ramBytes: 48 << 20, diagnostics, schedule, seed: 5 });
  const header: RecordingHeader = {
    nicforge: 'recording',
    version: 1,
    nic,
    label: nic,
    mac: '525400123456',
    schedule,
    fates: [
      'delivered',
      'queued',
      'no-carrier',
      'receiver-off',
      'filtered',
      'ring-empty',
      'fifo-full',
      'bad-fcs',
      'too-short',
    ],
  };
  const parts: Uint8Array[] = [];
  const recorded = recordFunction(
    nicKind(nic).make(Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56), nic),
    header,
    (part) => parts.push(part.slice()),
  );
  machine.bus.add(recorded.model, { device: 3 });
  const gateway = new Gateway({ scheduler, arena, random: random.fork('gateway'), hash: () => createHash('sha256') });
  new Cable(recorded.model.port!, gateway.port, { scheduler, arena, ...(schedule === 'timed' ? { rate: 1000 } : {}) });
  const size = 300_000;
  const report = await runLab({
    host: machine,
    scheduler,
    arena,
    random,
    diagnostics,
    drive,
    job: {
      download: {
        url: `http://gateway.lab/bytes/${size}`,
        bytes: size,
        sha256: hex(streamDigest(size, () => createHash('sha256'))),
      },
      hash: nodeHash,
    },
  });
  expect(report.devices[0]!.sha256Ok, JSON.stringify(report)).toBe(true);
  recorded.flush();
  return { bytes: Buffer.concat(parts), frames: report.devices[0]!.frames, problems: diagnostics.list().length };
}

describe.each(NICS.map(({ name }) => name))('%s', (nic) => {
  test.each(SCHEDULES)('%s: the model does the same once more', async (schedule) => {
    const { bytes, frames, problems } = await record(nic, schedule);
    const lines: string[] = [];
    const result = replay(source(bytes), { trace: (line) => lines.push(line) });
    expect(result.divergence).toBeUndefined();
    expect(result.truncated).toBe(false);
    expect(result.events).toBeGreaterThan(300);
    expect(result.sent + result.received).toBeGreaterThanOrEqual(frames);
    expect(result.diagnostics.list().length).toBe(problems);
    expect(lines.filter((line) => / (delivered|queued): .* TCP /.test(line)).length).toBeGreaterThan(200);
    expect(lines.some((line) => / W COMMAND = .*MASTER/.test(line))).toBe(true);
  });

  test('what differs is told with its place; damage is told; a cut is no damage', async () => {
    const { bytes } = await record(nic, 'fast');
    // Another station address: the model answers otherwise from the first read of it on, or filters.
    const at = bytes.indexOf(10);
    const other = Buffer.from(bytes.toString('latin1', 0, at).replace('525400123456', '525400123499'), 'latin1');
    const { divergence } = replay(source(Buffer.concat([other, bytes.subarray(at)])));
    expect(divergence?.text).toMatch(/recorded/);
    expect(divergence!.offset).toBeGreaterThan(at);

    for (const cut of [bytes.length - 1, bytes.length >> 1, bytes.length >> 2, at + 1]) {
      const result = replay(source(bytes.subarray(0, cut)));
      expect(result.divergence, `cut at ${cut}`).toBeUndefined();
    }
    expect(replay(source(bytes.subarray(0, bytes.length - 1))).truncated).toBe(true);

    // Bytes flipped anywhere: a result or a RecordingError, nothing else.
    const seed = `damage ${nic}`;
    const random = new Random(seed);
    for (let i = 0; i < 150; i++) {
      const bad = Buffer.from(bytes.subarray(0, 40_000));
      for (let n = 0; n < 3; n++) bad[random.below(bad.length)] = random.below(256);
      try {
        replay(source(bad));
      } catch (error) {
        expect(error, `seed ${seed}, case ${i}: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(
          RecordingError,
        );
      }
    }
  });
});

test.each([
  ['', /ends within a record/],
  ['{}\n', /no recording of nicforge/],
  ['not json\n', /not JSON/],
  ['{"nicforge":"recording","version":2}\n', /version 2 cannot be read/],
  ['{"nicforge":"recording","version":1,"nic":"82540em"}\n', /header of the recording is damaged/],
  [
    '{"nicforge":"recording","version":1,"nic":"ne2000","label":"x","mac":"525400123456","schedule":"fast","fates":[]}\n',
    /there is no NIC ne2000/,
  ],
  ['x'.repeat(70_000), /first line does not end/],
])('%j is refused', (text, message) => {
  expect(() => replay(source(Buffer.from(text)))).toThrow(message);
});
