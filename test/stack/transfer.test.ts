import { describe, expect, it } from 'vitest';
import { Random } from '../../src/platform/random.js';
import type { TcpSettings, TcpSocket } from '../../src/stack/index.js';
import { cases, type PipeOptions, twoStacks } from './support.js';

/** Sends `bytes` each way over one connection, closes both sides, and compares. */
function exchange(options: PipeOptions, bytes: number, settings: TcpSettings = {}, limit = 3_600_000_000) {
  const world = twoStacks(options);
  const random = new Random(`${options.seed}/data`);
  const data = Uint8Array.from({ length: bytes }, () => random.u32());
  const listener = world.b.listen(80, settings);
  const client = world.a.connect('10.0.0.2', 80, settings);
  let server: TcpSocket | undefined;
  const got = [new Uint8Array(bytes + 1), new Uint8Array(bytes + 1)];
  const read = [0, 0];
  const written = [0, 0];
  const step = () => {
    server ??= listener.accept();
    for (const [i, socket] of [client, server].entries()) {
      if (socket === undefined) continue;
      if (socket.connected && written[i]! < bytes) written[i]! += socket.write(data, written[i]!);
      if (written[i] === bytes && socket.connected) socket.close();
      read[i]! += socket.read(got[i]!, read[i]!);
    }
  };
  const done = world.run(() => client.ended && server?.ended === true, limit, step);
  return { world, client, server, read, got, data, done };
}

describe('TCP between two stacks', () => {
  it.each([{ bytes: 0 }, { bytes: 1 }, { bytes: 1460 }, { bytes: 100_000 }, { bytes: 3_000_000 }])(
    'carries $bytes bytes each way',
    ({ bytes }) => {
      const r = exchange({ seed: 1, delay: 100 }, bytes);
      expect([r.done, r.client.end, r.server?.end]).toEqual([true, 'closed', 'closed']);
      expect(r.read).toEqual([bytes, bytes]);
      for (const got of r.got) expect(Buffer.compare(got.subarray(0, bytes), r.data)).toBe(0);
      expect(r.world.a.stats.tcpRetransmits + r.world.b.stats.tcpRetransmits).toBe(0);
    },
  );

  it('carries data over a device that segments and sums', () => {
    const r = exchange({ seed: 1, delay: 100, offload: true, slots: 64 }, 3_000_000);
    expect(r.done).toBe(true);
    for (const got of r.got) expect(Buffer.compare(got.subarray(0, 3_000_000), r.data)).toBe(0);
    expect(r.world.ends[0].sent).toBeLessThan(1000);
  });

  const variants: TcpSettings[] = [
    {},
    { sack: false },
    { timestamps: true },
    { sendBytes: 4096, receiveBytes: 2048, nagle: false, delayedAck: 0 },
  ];
  it.each(Array.from({ length: cases(60) }, (_, seed) => ({ seed })))(
    'delivers every byte over a bad cable, seed $seed',
    ({ seed }) => {
      const faults = { loss: 0.05, reorder: 0.1, duplicate: 0.05, corrupt: 0.03, delay: 500 };
      const r = exchange({ seed, ...faults }, 60_000, variants[seed % variants.length]);
      expect([r.done, r.client.end, r.server?.end]).toEqual([true, 'closed', 'closed']);
      expect(r.read).toEqual([60_000, 60_000]);
      for (const got of r.got) expect(Buffer.compare(got.subarray(0, 60_000), r.data)).toBe(0);
    },
  );
});
