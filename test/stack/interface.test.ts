import { describe, expect, it } from 'vitest';
import { OwnedArena } from '../../src/platform/arena.js';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import { Random } from '../../src/platform/random.js';
import { explainFrame, get16, IpAddress, ip, Stack } from '../../src/stack/index.js';
import { Script } from './script.js';
import { twoStacks, type World } from './support.js';

const A = ip('10.0.0.1');
const B = ip('10.0.0.2');

function watch(world: World): string[] {
  const seen: string[] = [];
  for (const end of world.ends) {
    const commit = end.commit.bind(end);
    end.commit = (frame: Frame) => {
      seen.push(explainFrame(frame.arena.u8, frame.offset, frame.length).replace(/^\S+ > \S+ /, ''));
      commit(frame);
    };
  }
  return seen;
}

/** Both sides know each other's station address. */
function warm(world: World): void {
  const ping = world.a.ping();
  ping.ping(B, world.now);
  expect(world.run(() => ping.step(world.now), 1_000_000)).toBe(true);
  ping.close();
}

describe('ARP and neighbours', () => {
  it('announces its address, asks once, and keeps packets until the answer', () => {
    const world = twoStacks();
    const seen = watch(world);
    const udp = world.a.udp();
    const echo = world.b.udp({ port: 9 });
    for (let i = 0; i < 3; i++) udp.send(B, 9, Uint8Array.of(i));
    world.a.neighbours.clear();
    world.b.neighbours.clear();
    world.idle(10_000);
    expect(seen.filter((line) => line.startsWith('ARP who'))).toEqual(['ARP who has 10.0.0.2? tell 10.0.0.1']);
    expect(echo.rx.count).toBe(3);
    expect(world.a.stats.neighbourDrops).toBe(0);
  });
  it('asks once a second, three times, then reports to the socket', () => {
    const world = twoStacks();
    const seen = watch(world);
    const udp = world.a.udp();
    udp.send(ip('10.0.0.9'), 9, Uint8Array.of(1));
    world.idle(2_900_000);
    expect(seen.filter((line) => line.includes('10.0.0.9')).length).toBe(3);
    expect(udp.error).toBeUndefined();
    world.idle(200_000);
    expect(udp.error).toBe('unreachable');
    expect(world.a.stats.neighbourFailures).toBe(1);
  });
  it('ends a connection attempt to nobody as unreachable', () => {
    const world = twoStacks();
    const client = world.a.connect('10.0.0.9', 80);
    expect(world.run(() => client.ended, 10_000_000)).toBe(true);
    expect([client.end, world.now <= 3_100_000]).toEqual(['unreachable', true]);
  });
  it('keeps four packets per neighbour, the newest', () => {
    const world = twoStacks();
    const server = world.b.udp({ port: 9 });
    world.idle(1000);
    world.a.neighbours.clear();
    const udp = world.a.udp();
    for (let i = 0; i < 10; i++) udp.send(B, 9, Uint8Array.of(i));
    world.idle(10_000);
    const got: number[] = [];
    const buffer = new Uint8Array(10);
    while (server.readable) {
      server.receive(buffer);
      got.push(buffer[0]!);
    }
    expect(got).toEqual([6, 7, 8, 9]);
  });
  it('asks again after a minute while it goes on sending', () => {
    const world = twoStacks();
    const udp = world.a.udp();
    world.b.udp({ port: 9 });
    udp.send(B, 9, Uint8Array.of(1));
    world.idle(70_000_000);
    const seen = watch(world);
    udp.send(B, 9, Uint8Array.of(1));
    world.idle(1000);
    expect(seen[0]).toMatch(/who has 10.0.0.2/);
    expect(seen[1]).toMatch(/UDP len 1/);
  });
  it('does not learn from requests for others, nor from probes', () => {
    const world = twoStacks();
    world.idle(1000);
    world.b.neighbours.clear();
    world.a.neighbours.request(ip('10.0.0.50').w3, A.w3, world.now);
    world.a.neighbours.request(B.w3, 0, world.now);
    world.idle(1000);
    expect(world.b.neighbours.size).toBe(0);
    expect(world.b.stats.arpRepliesOut).toBe(1);
  });
  it('defends its address and tells of the conflict', () => {
    const world = twoStacks();
    world.idle(1000);
    let conflict = '';
    world.b.onConflict = (address) => {
      conflict = address.toString();
    };
    const before = world.b.stats.arpRequestsOut;
    world.a.neighbours.request(B.w3, B.w3, world.now);
    world.a.neighbours.request(B.w3, B.w3, world.now);
    world.idle(1000);
    expect([conflict, world.b.stats.arpConflicts, world.b.stats.arpRequestsOut - before]).toEqual(['10.0.0.2', 2, 1]);
  });
  it('probes an address before use (RFC 5227)', () => {
    const world = twoStacks();
    const free = world.a.probeAddress('10.0.0.77');
    const taken = world.a.probeAddress('10.0.0.2');
    world.idle(8_000_000);
    expect([free.state, taken.state]).toEqual(['free', 'conflict']);
  });
  it('drops the least used neighbour from a full cache', () => {
    const world = twoStacks({ stack: { neighbours: 4 } });
    const udp = world.a.udp();
    for (let i = 10; i < 30; i++) udp.send(ip(`10.0.0.${i}`), 9, Uint8Array.of(1));
    world.idle(100);
    expect(world.a.neighbours.size).toBe(4);
    expect(world.a.stats.neighbourEvictions).toBeGreaterThan(10);
    const client = world.a.connect(B, 80);
    world.b.listen(80);
    expect(world.run(() => client.connected)).toBe(true);
  });
});

describe('ICMP', () => {
  it('answers pings of any size', () => {
    const world = twoStacks();
    const ping = world.a.ping();
    for (const bytes of [0, 1, 56, 1472, 1473, 9000, 60_000]) {
      ping.ping(B, world.now, bytes);
      expect(world.run(() => ping.step(world.now), 1_000_000)).toBe(true);
      expect(ping.replies.pop()!.bytes).toBe(bytes);
    }
  });
  it('says port unreachable, and the socket hears it', () => {
    const world = twoStacks();
    const udp = world.a.udp();
    udp.send(B, 99, Uint8Array.of(1));
    world.idle(1000);
    expect([udp.error, world.b.stats.icmpErrorsOut]).toEqual(['refused', 1]);
  });
  it('limits how many errors it sends', () => {
    const world = twoStacks();
    warm(world);
    const udp = world.a.udp({ sendPackets: 256, sendBytes: 65536 });
    for (let i = 0; i < 200; i++) udp.send(B, 99, Uint8Array.of(1));
    world.idle(0);
    expect(world.b.stats.icmpErrorsOut).toBe(50);
    expect(world.b.stats.icmpRateLimited).toBe(150);
  });
  it('sends no error about a broadcast', () => {
    const world = twoStacks();
    const udp = world.a.udp({ broadcast: true });
    udp.send(ip('10.0.0.255'), 99, Uint8Array.of(1));
    udp.send(ip('255.255.255.255'), 99, Uint8Array.of(1));
    world.idle(1000);
    expect([world.b.stats.udpNoPort, world.b.stats.icmpErrorsOut]).toEqual([2, 0]);
  });
  it('says protocol unreachable unless a raw socket takes it', () => {
    const world = twoStacks();
    const raw = world.a.raw(200);
    raw.send(B, Uint8Array.of(1, 2, 3));
    world.idle(1000);
    expect(world.b.stats.ipUnknownProtocol).toBe(1);
    const other = world.b.raw(200);
    raw.send(B, Uint8Array.of(1, 2, 3));
    world.idle(1000);
    const buffer = new Uint8Array(100);
    expect([other.receive(buffer), world.b.stats.ipUnknownProtocol]).toEqual([23, 1]);
    expect([...buffer.subarray(20, 23)]).toEqual([1, 2, 3]);
  });
  it('refuses a connection by TCP, not ICMP', () => {
    const world = twoStacks();
    const client = world.a.connect(B, 81);
    expect(world.run(() => client.ended)).toBe(true);
    expect([client.end, world.b.stats.icmpErrorsOut]).toEqual(['refused', 0]);
  });
});

/** A frame with an ICMP error about the last segment, from the peer of a script. */
function icmpAbout(s: Script, type: number, code: number, seq: number, mtu = 0): void {
  const frame = emptyFrame(s.peer.arena);
  expect(s.peer.reserve(s.now, frame, 14 + 56)).toBe(true);
  const u8 = frame.arena.u8;
  const at = frame.offset;
  const put16 = (p: number, value: number) => {
    u8[p] = value >> 8;
    u8[p + 1] = value;
  };
  u8.fill(0, at, at + 70);
  u8.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 56], at);
  u8.set([64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, type, code], at + 22);
  put16(at + 40, mtu);
  u8.set([0x45, 0, 2, 0], at + 42);
  u8.set([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], at + 50);
  put16(at + 62, 80);
  put16(at + 64, 4000);
  const word = (s.iss! + seq) | 0;
  put16(at + 66, word >>> 16);
  put16(at + 68, word & 0xffff);
  const sum = (from: number, bytes: number) => {
    let total = 0;
    for (let i = 0; i < bytes; i += 2) total += get16(u8, from + i);
    while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
    return ~total & 0xffff;
  };
  put16(at + 24, sum(at + 14, 20));
  put16(at + 36, sum(at + 34, 36));
  s.peer.commit(frame);
  s.stack.ingress(s.now, 4);
}

describe('ICMP errors and TCP (RFC 5927)', () => {
  it('end an attempt', () => {
    const s = new Script().connect();
    icmpAbout(s, 3, 1, 0);
    expect(s.socket.end).toBe('unreachable');
    const t = new Script().connect();
    icmpAbout(t, 3, 3, 0);
    expect(t.socket.end).toBe('refused');
  });
  it('about nothing in flight are ignored', () => {
    const s = new Script().connect();
    icmpAbout(s, 3, 1, 5000);
    expect([s.socket.end, s.stack.stats.icmpIgnored]).toEqual([undefined, 1]);
  });
  it('never end an established connection', () => {
    const s = new Script().establish();
    s.write(100);
    s.drain();
    icmpAbout(s, 3, 3, 1);
    expect([s.socket.end, s.socket.softError]).toEqual([undefined, 'refused']);
    s.in('. 1:1(0) ack 101').quiet();
    expect(s.socket.softError).toBeUndefined();
  });
  it('lower the path MTU, and what was too big goes again', () => {
    const s = new Script().establish(8192, 'mss 1460');
    s.write(1460);
    s.out('P. 1:1461(1460) ack 1');
    icmpAbout(s, 3, 4, 1, 1000);
    s.out('. 1:961(960) ack 1', '. 961:1461(500) ack 1'.replace('. ', 'P. '));
    icmpAbout(s, 3, 4, 1, 68);
    expect(s.drain()[0]).toBe('. 1:513(512) ack 1');
  });
});

describe('fragments', () => {
  it('carry the largest datagram, whatever their order', () => {
    const world = twoStacks({ reorder: 0.5, delay: 100, seed: 3 });
    const server = world.b.udp({ port: 9, receiveBytes: 131072 });
    const client = world.a.udp({ sendBytes: 131072 });
    const data = Uint8Array.from({ length: 65507 }, (_, i) => i * 7);
    const buffer = new Uint8Array(65507);
    for (let i = 0; i < 5; i++) {
      client.send(B, 9, data);
      expect(world.run(() => server.readable, 1_000_000)).toBe(true);
      expect(server.receive(buffer)).toBe(65507);
      expect(Buffer.compare(buffer, data)).toBe(0);
    }
    expect(world.b.stats.reassembled).toBe(5);
  });
  it('of several echo requests at once: each is answered', () => {
    const world = twoStacks();
    warm(world);
    const ping = world.a.ping();
    const before = world.b.stats.icmpEchoIn;
    for (let i = 0; i < 5; i++) ping.ping(B, world.now, 4000);
    // Nobody looks at them on the other side before all are there.
    while (world.a.poll(world.now) > 0);
    world.run(() => ping.step(world.now) && ping.replies.length === 5, 1_000_000);
    expect([world.b.stats.icmpEchoIn - before, ping.replies.length]).toEqual([5, 5]);
  });
  it('for a neighbour that does not answer make nobody spin', () => {
    const world = twoStacks();
    const client = world.a.udp();
    for (let i = 0; i < 3; i++) client.send(ip('10.0.0.9'), 9, new Uint8Array(4000));
    const before = world.turns;
    world.idle(20_000_000);
    expect(client.unsent).toBe(0);
    expect(world.turns - before).toBeLessThan(20_000);
  });
  it('of datagrams that never complete are given up after 30 s', () => {
    const world = twoStacks();
    world.idle(1000);
    const seen = watch(world);
    const client = world.a.udp();
    let count = 0;
    const end = world.ends[0];
    const commit = end.commit.bind(end);
    end.commit = (frame: Frame) => {
      if (++count === 3) frame.arena.u8[frame.offset] = 9;
      commit(frame);
    };
    client.send(B, 9, new Uint8Array(4000));
    world.idle(29_900_000);
    expect(world.b.stats.reassemblyTimeouts).toBe(0);
    world.idle(200_000);
    expect([world.b.stats.reassemblyTimeouts, world.b.reassembly.deadline]).toEqual([1, Number.POSITIVE_INFINITY]);
    expect(seen.some((line) => line.includes('timeExceeded code 1'))).toBe(true);
  });
  it('come eight datagrams at a time: the oldest gives way', () => {
    const world = twoStacks();
    world.idle(1000);
    const end = world.ends[0];
    const commit = end.commit.bind(end);
    end.commit = (frame: Frame) => {
      if (frame.length < 200) frame.arena.u8[frame.offset] = 9;
      commit(frame);
    };
    const client = world.a.udp();
    for (let i = 0; i < 12; i++) client.send(B, 9, new Uint8Array(1500));
    world.idle(10_000);
    expect(world.b.stats.reassemblyDrops).toBe(4);
    end.commit = commit;
    const server = world.b.udp({ port: 9 });
    client.send(B, 9, new Uint8Array(1500));
    expect(world.run(() => server.readable, 10_000)).toBe(true);
    expect(world.b.stats.reassemblyDrops).toBe(5);
  });
});

describe('addresses', () => {
  it('of its own are looped inside, without the device', () => {
    const world = twoStacks();
    world.idle(1000);
    const before = world.ends[0].sent;
    for (const [i, address] of ['10.0.0.1', '127.0.0.1', '127.9.9.9'].entries()) {
      const port = 80 + i;
      const listener = world.a.listen(port);
      const client = world.a.connect(address, port);
      let got = 0;
      client.onEvent = () => {};
      const data = new Uint8Array(100_000).fill(3);
      let put = 0;
      const done = world.run(
        () => got === 100_000,
        1_000_000,
        () => {
          if (client.connected) put += client.write(data, put);
          const server = listener.queue[0];
          if (server) got += server.read(new Uint8Array(100_000));
        },
      );
      expect([done, client.local.toString()]).toEqual([true, address]);
    }
    expect(world.ends[0].sent).toBe(before);
  });
  it('work without any device', () => {
    const stack = new Stack({ random: new Random(1), arena: new OwnedArena(16 << 20) });
    const udp = stack.udp({ port: 7 });
    udp.send(ip('127.0.0.1'), 7, Uint8Array.of(42));
    for (let i = 0; i < 3; i++) stack.poll(i);
    const buffer = new Uint8Array(4);
    expect([udp.receive(buffer), buffer[0], udp.from.toString()]).toEqual([1, 42, '127.0.0.1']);
    expect(stack.connect('10.0.0.1', 80).end).toBe('unreachable');
  });
  it('of the loopback network are refused from the wire', () => {
    const world = twoStacks();
    world.a.addresses.addRoute('127.0.0.0/8');
    const raw = world.a.raw(6);
    raw.send(B, new Uint8Array(20));
    const end = world.ends[0];
    const commit = end.commit.bind(end);
    end.commit = (frame: Frame) => {
      if (get16(frame.arena.u8, frame.offset + 12) === 0x0800) {
        // 127.0.0.1 instead of 10.0.0.1, and the header's sum with it.
        const p = frame.offset + 14;
        frame.arena.u8[p + 12] = 127;
        const sum = get16(frame.arena.u8, p + 10) - 0x7500;
        frame.arena.u8[p + 10] = (sum < 0 ? sum - 1 : sum) >> 8;
        frame.arena.u8[p + 11] = sum < 0 ? sum - 1 : sum;
      }
      commit(frame);
    };
    world.idle(1000);
    expect(world.b.stats.ipMartian + world.b.stats.badChecksum).toBe(1);
  });
  it('go by the longest prefix', () => {
    const { addresses } = twoStacks().a;
    addresses.addRoute('0.0.0.0/0', '10.0.0.254');
    addresses.addRoute('10.1.0.0/16', '10.0.0.253');
    addresses.addRoute('10.1.2.0/24', '10.0.0.252');
    const hop = new IpAddress();
    const via = (to: string) => (addresses.nextHop(ip(to), hop) ? hop.toString() : 'none');
    expect(['8.8.8.8', '10.1.9.9', '10.1.2.3', '10.0.0.7'].map(via)).toEqual([
      '10.0.0.254',
      '10.0.0.253',
      '10.0.0.252',
      '10.0.0.7',
    ]);
  });
  it('of anybody are taken with any-ip', () => {
    const world = twoStacks();
    world.b.anyIp = true;
    world.a.addresses.addRoute('0.0.0.0/0', '10.0.0.2');
    world.b.listen(80);
    const client = world.a.connect('8.8.8.8', 80);
    expect(world.run(() => client.connected, 5_000_000)).toBe(true);
    const probe = world.a.probeAddress('10.0.0.77');
    world.idle(8_000_000);
    expect(probe.state).toBe('free');
  });
  it('that are removed end their connections', () => {
    const world = twoStacks();
    world.b.listen(80);
    const client = world.a.connect(B, 80);
    world.run(() => client.connected);
    world.a.removeAddress('10.0.0.1');
    expect(client.end).toBe('aborted');
  });
  it('of groups are received when joined', () => {
    const world = twoStacks();
    const server = world.b.udp({ port: 9 });
    const client = world.a.udp();
    client.send(ip('239.1.2.3'), 9, Uint8Array.of(1));
    world.idle(1000);
    expect(server.readable).toBe(false);
    world.b.addresses.join('239.1.2.3');
    client.send(ip('239.1.2.3'), 9, Uint8Array.of(1));
    world.idle(1000);
    expect(server.readable).toBe(true);
  });
});

describe('the device', () => {
  it('carries VLAN tags, and frames of other VLANs are not heard', () => {
    const world = twoStacks({ stack: { vlan: 42 } });
    world.b.listen(80);
    const client = world.a.connect(B, 80);
    const seen = watch(world);
    expect(world.run(() => client.connected)).toBe(true);
    expect(seen.every((line) => line.startsWith('vlan 42'))).toBe(true);
    world.b.link.vlan = 43;
    const other = world.a.connect(B, 80);
    world.idle(1_000_000);
    expect([other.connected, world.b.stats.ethernetOther > 0]).toEqual([false, true]);
  });
  it('is told once per batch', () => {
    const world = twoStacks();
    warm(world);
    world.b.udp({ port: 9 });
    const client = world.a.udp();
    for (let i = 0; i < 50; i++) client.send(B, 9, Uint8Array.of(i));
    const before = world.ends[0].flushes;
    world.a.egress(world.now, 64);
    expect(world.ends[0].flushes - before).toBe(1);
  });
  it('without free slots stops the egress, and the rest goes later', () => {
    const world = twoStacks({ slots: 8 });
    world.b.udp({ port: 9, receivePackets: 64 });
    const client = world.a.udp({ sendPackets: 64 });
    warm(world);
    for (let i = 0; i < 40; i++) client.send(B, 9, Uint8Array.of(i));
    world.a.egress(world.now, 64);
    expect([world.a.blocked, client.unsent > 0]).toEqual([true, true]);
    for (let i = 0; i < 20; i++) {
      world.b.ingress(world.now, 64);
      world.a.egress(world.now, 64);
    }
    expect([client.unsent, world.b.stats.udpIn]).toEqual([0, 40]);
  });
  it('gets at most the budget in one call', () => {
    const world = twoStacks();
    warm(world);
    const client = world.a.udp({ sendPackets: 64 });
    for (let i = 0; i < 40; i++) client.send(B, 9, Uint8Array.of(i));
    const before = world.ends[0].sent;
    world.a.egress(world.now, 10);
    expect(world.ends[0].sent - before).toBeLessThanOrEqual(10);
    expect(world.b.ingress(world.now, 3)).toBe(3);
  });
});
