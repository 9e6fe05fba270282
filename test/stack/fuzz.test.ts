import { describe, expect, it } from 'vitest';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import { Random } from '../../src/platform/random.js';
import { DhcpClient, DnsClient, ip, parseDns } from '../../src/stack/index.js';
import { explainFrame, finish, get16, set16, sum16 } from './fuzz-support.js';
import { cases, twoStacks, type World } from './support.js';

/** Frames of ordinary life, recorded from one direction of the cable. */
function record(): Uint8Array[] {
  const world = twoStacks({ seed: 'record' });
  const frames: Uint8Array[] = [];
  const end = world.ends[0];
  const commit = end.commit.bind(end);
  end.commit = (frame: Frame) => {
    frames.push(frame.arena.u8.slice(frame.offset, frame.offset + frame.length));
    commit(frame);
  };
  const listener = world.b.listen(80);
  const client = world.a.connect('10.0.0.2', 80, { timestamps: true });
  const udp = world.a.udp({ port: 5000 });
  const dns = new DnsClient(world.a, [ip('10.0.0.2')]);
  const ping = world.a.ping();
  ping.ping(ip('10.0.0.2'), 0, 3000);
  udp.send(ip('10.0.0.2'), 7, new Uint8Array(4000));
  udp.send(ip('10.0.0.2'), 9, new Uint8Array(40));
  dns.resolve('gateway.lab');
  new DhcpClient(world.a);
  let written = false;
  world.run(
    () => false,
    3_000_000,
    () => {
      if (client.connected && !written) written = client.write(new Uint8Array(5000)) > 0;
      const socket = listener.accept();
      socket?.write(new Uint8Array(5000));
      socket?.close();
    },
  );
  client.close();
  world.idle(1_000_000);
  return frames;
}

/** Mends the checksums that the mutation broke, so that it gets past them. */
function mend(world: World, at: number, length: number): void {
  const arena = world.ends[0].arena;
  const u8 = arena.u8;
  const p = at + 14;
  if (length < 34 || get16(u8, at + 12) !== 0x0800) return;
  const header = (u8[p]! & 15) * 4;
  if (header < 20 || 14 + header > length) return;
  set16(u8, p + 10, 0);
  set16(u8, p + 10, finish(sum16(arena, p, header)));
  const total = Math.min(get16(u8, p + 2), length - 14) - header;
  const field = u8[p + 9] === 6 ? 16 : u8[p + 9] === 17 ? 6 : u8[p + 9] === 1 ? 2 : -1;
  if (field < 0 || total < field + 2) return;
  set16(u8, p + header + field, 0);
  let pseudo = 0;
  if (field !== 2) {
    pseudo = (u8[p + 9]! << 8) + ((total & 0xff) << 8) + (total >> 8);
    for (let i = 12; i < 20; i += 2) pseudo += u8[p + i]! | (u8[p + i + 1]! << 8);
  }
  set16(u8, p + header + field, finish(sum16(arena, p + header, total, pseudo)));
}

describe('frames from strangers', () => {
  const frames = record();

  it('were recorded in variety', () => {
    const kinds = frames.map((frame) => explainFrame(frame, 0, frame.length));
    for (const kind of ['ARP', 'TCP [SYN]', 'UDP', 'DHCP discover', 'DNS query', 'ICMP echo', 'fragment', 'FIN']) {
      expect(
        kinds.some((text) => text.includes(kind)),
        kind,
      ).toBe(true);
    }
  });

  it.each(Array.from({ length: cases(20) }, (_, seed) => ({ seed })))(
    'never break the stack, and it works afterwards, seed $seed',
    ({ seed }) => {
      const random = new Random(`fuzz/${seed}`);
      const world = twoStacks({ seed });
      const listener = world.b.listen(80);
      world.b.udp({ port: 7 });
      new DhcpClient(world.b, { fallback: { address: '10.0.0.2/24' } });
      new DnsClient(world.b, [ip('10.0.0.1')]).resolve('gateway.lab');
      const injector = world.ends[0];
      const frame = emptyFrame(injector.arena);
      for (let round = 0; round < 1500; round++) {
        if (injector.reserve(world.now, frame, 1514)) {
          const source = frames[random.below(frames.length)]!;
          const u8 = frame.arena.u8;
          u8.set(source, frame.offset);
          frame.length = random.chance(0.3) ? random.below(1515) : source.length;
          for (let n = random.below(6); n > 0; n--) {
            u8[frame.offset + (random.chance(0.8) ? random.below(80) : random.below(1514))] = random.u32();
          }
          if (random.chance(0.8)) mend(world, frame.offset, frame.length);
          expect(explainFrame(u8, frame.offset, frame.length).length).toBeGreaterThan(0);
          injector.commit(frame);
        }
        world.now += random.below(20_000);
        world.b.poll(world.now);
        // The other end's answers are of no interest.
        while (injector.receive(world.now, frame)) injector.sent++;
        const socket = listener.accept();
        if (socket && random.chance(0.5)) socket.release();
      }
      // Long after, when every timer has fired, an honest client is served.
      world.a.poll(world.now);
      world.idle(400_000_000);
      world.a.neighbours.clear();
      world.b.neighbours.clear();
      world.b.addresses.add('10.0.0.2/24');
      const client = world.a.connect('10.0.0.2', 80);
      for (let i = 0; i < 200; i++) listener.accept()?.abort();
      expect(world.run(() => client.connected, 30_000_000)).toBe(true);
    },
  );

  it('DNS messages of random bytes parse or not, but end', () => {
    const random = new Random('dns');
    const u8 = new Uint8Array(600);
    for (let round = 0; round < 20_000; round++) {
      const bytes = random.below(600);
      for (let i = 0; i < 40; i++) u8[random.below(600)] = random.chance(0.3) ? 0xc0 : random.u32();
      u8[4] = 0;
      u8[5] = 1;
      const message = parseDns(u8, 0, bytes);
      if (message !== undefined) expect(message.answers.length).toBeLessThanOrEqual(32);
    }
  });
});
