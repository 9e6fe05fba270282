import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FrameCutter, openStream, openUdp, RealTime, type Uplink } from '../../src/hosts/uplinks/index.js';
import { Gateway } from '../../src/lab/gateway.js';
import { Cable, GIGABIT, type LinkFrame, LinkPort } from '../../src/link/index.js';
import { writeStream } from '../../src/net/index.js';
import { arenaOver, OwnedArena } from '../../src/platform/arena.js';
import { Random } from '../../src/platform/random.js';
import { orSkip } from '../support/skips.js';
import { openTapNamespace } from '../support/tap.js';
import { temporaryFolder } from '../support/wire.js';

let time: RealTime;
let arena: OwnedArena;
const closers: (() => Promise<void>)[] = [];

beforeEach(() => {
  time = new RealTime();
  arena = new OwnedArena(64 << 20);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  time.stop();
});

/** A station at the near end of a cable to `uplink`: sends texts, collects what comes. */
function station(uplink: Uplink): { send: (payload: Buffer) => boolean; got: Buffer[]; port: LinkPort } {
  const port = new LinkPort('station');
  const got: Buffer[] = [];
  port.receive = (frame) => {
    got.push(Buffer.from(frame.arena.u8.subarray(frame.offset, frame.offset + frame.length)));
    return 'delivered';
  };
  port.offer(GIGABIT);
  new Cable(port, uplink.port, { scheduler: time.scheduler, arena });
  const out: LinkFrame = { arena: arenaOver(new ArrayBuffer(16_384)), offset: 2, length: 0, fcsOk: true };
  return {
    port,
    got,
    send: (payload) => {
      out.arena.u8.set(payload, 2);
      out.length = payload.length;
      return port.transmit(out);
    },
  };
}

async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > end) throw new Error('did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const frameOf = (bytes: number, fill: number): Buffer => Buffer.alloc(bytes, fill);

test('frames are cut out of a stream however it is split', () => {
  const frames = [60, 1514, 0, 9234, 61].map((bytes, i) => frameOf(bytes, i + 1));
  const stream = Buffer.concat(
    frames.map((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return Buffer.concat([length, frame]);
    }),
  );
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed);
    const inbox = new Uint8Array(16_384);
    const got: Buffer[] = [];
    const cutter = new FrameCutter(inbox, (length) => got.push(Buffer.from(inbox.subarray(6, 6 + length))));
    for (let at = 0; at < stream.length; ) {
      const count = 1 + random.below(random.chance(0.3) ? 6 : 3000);
      expect(cutter.push(stream.subarray(at, at + count))).toBe(true);
      at += count;
    }
    expect(got.map((frame, i) => frame.equals(frames[i]!))).toEqual(frames.map(() => true));
  }
});

test('an impossible length ends the stream', () => {
  const cutter = new FrameCutter(new Uint8Array(16_384), () => undefined);
  expect(cutter.push(Buffer.from([0, 1, 0, 0]))).toBe(false);
});

describe('two uplinks of this process', () => {
  const exchange = async (a: Uplink, b: Uplink): Promise<void> => {
    const left = station(a);
    const right = station(b);
    for (let i = 0; i < 50; i++) expect(left.send(frameOf(60 + i * 20, i))).toBe(true);
    await until(() => right.got.length === 50);
    right.got.forEach((frame, i) => {
      expect(frame.equals(frameOf(60 + i * 20, i))).toBe(true);
    });
    // What is shorter than Ethernet's minimum is padded with zeros.
    right.send(frameOf(42, 7));
    await until(() => left.got.length === 1);
    expect(left.got[0]!.equals(Buffer.concat([frameOf(42, 7), Buffer.alloc(18)]))).toBe(true);
    expect(a.counters).toMatchObject({ sent: 50, received: 1, sendDropped: 0, receiveDropped: 0 });
  };

  test('over a stream; without a peer frames are dropped and counted', async () => {
    const folder = await temporaryFolder('uplink');
    closers.push(folder.remove);
    const path = join(folder.path, 's');
    const listening = await openStream({ time, path });
    closers.push(listening.close);
    station(listening).send(frameOf(60, 1));
    expect(listening.counters.sendDropped).toBe(1);
    listening.counters.sendDropped = 0;
    const connecting = await openStream({ time, path, connect: true });
    closers.push(connecting.close);
    await until(() => listening.connected);
    await exchange(listening, connecting);
  });

  test('over UDP', async () => {
    const b = await openUdp({ time });
    closers.push(b.close);
    const a = await openUdp({ time, peer: { address: '127.0.0.1', port: b.localPort } });
    closers.push(a.close);
    await exchange(a, b);
  });
});

const tapWorks = await orSkip(async () => {
  const probe = new RealTime();
  await (await openTapNamespace(probe, '10.0.2.50/24')).close();
  probe.stop();
  return true;
});

describe.skipIf(!tapWorks)('TAP', () => {
  test("the kernel's TCP fetches 8 MiB from our gateway", async () => {
    const bytes = 8 << 20;
    const space = await openTapNamespace(time, '10.0.2.50/24');
    closers.push(space.close);
    const gateway = new Gateway({ scheduler: time.scheduler, arena, random: new Random('tap') });
    new Cable(space.uplink.port, gateway.port, { scheduler: time.scheduler, arena });
    const program = `const h = require('node:crypto').createHash('sha256');
      require('node:http').get('http://10.0.2.2/bytes/${bytes}', (r) => r.on('data', (d) => h.update(d)).on('end', () => console.log(h.digest('hex'))));`;
    const sum = (await space.run(process.execPath, ['-e', program])).trim();
    const body = Buffer.alloc(bytes);
    writeStream(body, 0, 0, bytes);
    expect(sum).toBe(createHash('sha256').update(body).digest('hex'));
    expect(space.uplink.counters.sendDropped).toBe(0);
  });
});
