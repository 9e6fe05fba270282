/** RTL8125B: receive side scaling, its four receive queues, descriptors of 32 bytes, both transmit queues, timers. Offsets are those of drivers. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/platform/random.js';
import { cases } from '../lab/support.js';
import { ethernet, MAC, tcpFrame } from './rig.js';
import { CTRL, frameOf, KEY, QueueRig, UDP } from './rtl8125b-queues-rig.js';

const TCP = 6;
const UDP_IP = 17;
const A = [10, 0, 0, 1];
const B = [10, 0, 0, 2];
const V6 = (last: number): number[] => [0xfd, ...new Array<number>(14).fill(0), last];
/** HeaderInfo of r8125: RXS_8125B_RSS_UDP, RXS_8125_RSS_IPV4, IPV6, TCP. */
const INFO = { udp: 1 << 9, ipv4: 1 << 10, ipv6: 1 << 12, tcp: 1 << 13 } as const;
/** Frames that are the same but for their source port. */
const flows = (count: number, protocol = TCP): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => frameOf({ from: A, to: B, ports: [1000 + i, 80], protocol }));

/** The hash of the suite, bit by bit: the key's window at each bit that is 1 (Microsoft, RSS hashing functions). */
function hashOf(input: readonly number[]): number {
  let hash = 0;
  input.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) {
      if (((byte >> (7 - bit)) & 1) === 0) continue;
      let window = 0;
      for (let n = 0; n < 32; n++) {
        const place = 8 * i + bit + n;
        window = (window << 1) | ((KEY[place >> 3]! >> (7 - (place & 7))) & 1);
      }
      hash ^= window;
    }
  });
  return hash >>> 0;
}
const ports = (a: number, b: number): number[] => [a >> 8, a & 255, b >> 8, b & 255];

describe('hash', () => {
  test.each([
    [[66, 9, 149, 187], 2794, [161, 142, 100, 80], 1766, 0x51ccc178, 0x323e8fc2],
    [[199, 92, 111, 2], 14230, [65, 69, 140, 83], 4739, 0xc626b0ea, 0xd718262a],
    [[24, 19, 198, 95], 12898, [12, 22, 207, 184], 38024, 0x5c2b394a, 0xd2d0a5de],
  ])("Microsoft's verification suite, %j port %i", (from, port, to, to_port, tcp, ip) => {
    const r = new QueueRig().spread(4);
    r.inject(frameOf({ from, to, ports: [port, to_port] }));
    r.inject(frameOf({ from, to, protocol: 1 }));
    const queues = [tcp & 3, ip & 3];
    const second = queues[0] === queues[1] ? 1 : 0;
    expect(r.wide(queues[0]!, 0)).toMatchObject({ hash: tcp, info: INFO.ipv4 | INFO.tcp });
    expect(r.wide(queues[1]!, second)).toMatchObject({ hash: ip, info: INFO.ipv4 });
    expect(r.findings).toEqual([]);
  });

  const six = { from: V6(1), to: V6(2) };
  const four = { from: A, to: B };
  const A4 = [...A, ...B];
  const A6 = [...V6(1), ...V6(2)];
  const P = ports(1, 2);
  test.each([
    ['TCP over IPv4', 0x0001, four, A4.concat(P), INFO.ipv4 | INFO.tcp],
    ['UDP over IPv4', 0x0800, { ...four, protocol: UDP_IP }, A4.concat(P), INFO.ipv4 | INFO.udp],
    ['IPv4', 0x0002, { ...four, protocol: 1 }, A4, INFO.ipv4],
    ['TCP over IPv4 as IPv4', 0x0802, four, A4, INFO.ipv4],
    ['a fragment as IPv4', 0x0803, { ...four, fragment: 0x2000 }, A4, INFO.ipv4],
    ['a fragment, and only TCP is hashed', 0x0801, { ...four, fragment: 0x2000 }, undefined, 0],
    ['IPv4 behind a tag', 0x0001, { ...four, tag: 5 }, A4.concat(P), INFO.ipv4 | INFO.tcp],
    ['UDP, and only TCP is hashed', 0x0001, { ...four, protocol: UDP_IP }, undefined, 0],
    ['TCP over IPv6', 0x0004, six, A6.concat(P), INFO.ipv6 | INFO.tcp],
    ['TCP over IPv6 by its form with extensions', 0x0020, six, A6.concat(P), INFO.ipv6 | INFO.tcp],
    ['TCP behind an extension', 0x0020, { ...six, extension: 0 }, A6.concat(P), INFO.ipv6 | INFO.tcp],
    ['TCP behind an extension, not asked for', 0x0004, { ...six, extension: 0 }, undefined, 0],
    ['UDP over IPv6', 0x1000, { ...six, protocol: UDP_IP }, A6.concat(P), INFO.ipv6 | INFO.udp],
    [
      'UDP behind an extension',
      0x2000,
      { ...six, protocol: UDP_IP, extension: 60 },
      A6.concat(P),
      INFO.ipv6 | INFO.udp,
    ],
    ['IPv6', 0x0008, { ...six, protocol: 58 }, A6, INFO.ipv6],
    ['IPv6 with an extension', 0x0010, { ...six, extension: 0 }, A6, INFO.ipv6],
    ['IPv6 with an extension, not asked for', 0x0008, { ...six, extension: 0 }, undefined, 0],
    ['IPv4, and only IPv6 is hashed', 0x003c, four, undefined, 0],
  ])('%s', (_name, kinds, flow, input, info) => {
    const r = new QueueRig().spread(2, 0x0001_0700 | kinds);
    expect(r.inject(frameOf(flow))).toBe('delivered');
    const hash = input === undefined ? 0 : hashOf(input);
    expect(r.wide(hash & 1, 0)).toMatchObject({ hash, info });
    expect(r.taken()).toEqual(hash & 1 ? [0, 1, 0, 0] : [1, 0, 0, 0]);
  });

  test('another key; as many bits of the hash as RSS_CTRL says; another table', () => {
    const r = new QueueRig().spread(4);
    const [frame] = flows(1) as [Uint8Array];
    r.inject(frame);
    const queue = hashOf([...A, ...B, ...ports(1000, 80)]) & 3;
    const { hash } = r.wide(queue, 0);
    expect(r.taken()[queue]).toBe(1);
    r.key(KEY.toReversed());
    r.inject(frame);
    const other = r.queues.map((_, i) => r.wide(i, i === queue ? 1 : 0).hash).find((value) => value !== 0);
    expect(other).not.toBe(hash);
    r.taken();
    r.key(KEY);
    r.table((i) => (i < 4 ? 3 : 1));
    r.io.write32(0x4500, (CTRL & ~0x700) | 0x200);
    for (const each of flows(16)) r.inject(each);
    expect(r.taken()).toEqual([0, 0, 0, 16]);
    r.io.write32(0x4500, CTRL);
    for (const each of flows(16)) r.inject(each);
    expect(r.taken()[3]).toBeLessThan(4);
    expect(r.findings).toEqual([]);
  });
});

describe('queues', () => {
  test.each([
    [1, 0],
    [2, 1],
    [4, 2],
  ])('%i: flows are spread, and each stays in its queue', (queues, log) => {
    const r = new QueueRig({ entries: 64 }).spread(queues);
    expect(r.io.read16(0x4800)).toBe(log << 2);
    const sent = flows(32);
    for (const frame of sent) expect(r.inject(frame)).toBe('delivered');
    const spread = r.taken();
    expect(spread.reduce((all, one) => all + one)).toBe(32);
    expect(spread.filter((count) => count > 0)).toHaveLength(queues);
    for (let i = 0; i < 8; i++) r.inject(sent[5]!);
    expect(r.taken().toSorted((a, b) => b - a)).toEqual([8, 0, 0, 0]);
    expect(r.findings).toEqual([]);
  });

  test('what is no IP, and what is damaged, goes to queue 0 and has no hash', () => {
    const r = new QueueRig().spread(4);
    r.io.write32(0x44, 0x4100_0c2f);
    r.inject(ethernet(MAC));
    for (const frame of flows(6)) r.inject(frame, false);
    expect(r.wide(0, 3)).toMatchObject({ hash: 0, info: 0 });
    // CRC and RES, first and last, FCS counted.
    expect(r.wide(0, 3).opts1).toBe(0x0312_0000 | (flows(1)[0]!.length + 4));
    expect(r.taken()).toEqual([7, 0, 0, 0]);
  });

  test('descriptors of 16 bytes are spread as well; RSS_CTRL 0 turns it off', () => {
    const r = new QueueRig({ wide: false, entries: 64 }).spread(4);
    for (const frame of flows(32)) r.inject(frame);
    expect(r.taken().every((count) => count > 0)).toBe(true);
    r.io.write32(0x4500, 0);
    for (const frame of flows(32)) r.inject(frame);
    expect(r.taken()).toEqual([32, 0, 0, 0]);
    expect(r.findings).toEqual([]);
  });

  test('a queue without a descriptor loses its frames, is told of once, and the others go on', () => {
    const r = new QueueRig({ entries: 2 }).spread(2);
    r.table(() => 1);
    const [frame] = flows(1) as [Uint8Array];
    expect([1, 2, 3, 4].map(() => r.inject(frame))).toEqual(['delivered', 'delivered', 'ring-empty', 'ring-empty']);
    expect(r.inject(ethernet(MAC))).toBe('delivered');
    expect([r.io.read32(0x3c) & 0x11, r.io.read16(0x802)]).toEqual([1, 3]);
    r.io.write16(0x802, 3);
    r.inject(frame);
    expect(r.io.read16(0x802)).toBe(0);
    r.taken();
    expect([1, 2, 3].map(() => r.inject(frame))).toEqual(['delivered', 'delivered', 'ring-empty']);
    expect(r.io.read16(0x802)).toBe(3);
    r.io.write32(0x14, 0);
    r.io.write32(0x10, r.data.address | 8);
    // Frames missed: 16 bits at 28 of the dump.
    expect(r.data.arena.view.getUint16(r.data.offset + 28, true)).toBe(4);
    expect(r.findings).toEqual([]);
  });

  test('with one queue frames wait for a descriptor', () => {
    const r = new QueueRig({ entries: 2 }).spread(1);
    expect(flows(3).map((frame) => r.inject(frame))).toEqual(['delivered', 'delivered', 'queued']);
    expect(r.io.read32(0x3c) & 0x10).toBe(0x10);
    expect(r.taken()).toEqual([2, 0, 0, 0]);
    r.wait(200);
    expect(r.taken()).toEqual([1, 0, 0, 0]);
  });

  test.each(['adversarial', 'timed'] as const)('all of it under the schedule %s', (schedule) => {
    const r = new QueueRig({ entries: 64, schedule }).spread(4);
    for (const frame of flows(32)) r.inject(frame);
    r.wait(20_000);
    expect(r.taken().reduce((all, one) => all + one)).toBe(32);
    expect(r.findings).toEqual([]);
  });

  test('CR.RST forgets the rings and keeps the hash; a power cycle forgets both', () => {
    const r = new QueueRig().spread(4);
    r.io.write8(0x37, 0x10);
    r.wait(1_000);
    expect([0xe4, 0x4000, 0x4008, 0x4010].map((at) => r.io.read32(at))).toEqual([0, 0, 0, 0]);
    expect([r.io.read32(0x4500), r.io.read16(0x4800), r.io.read32(0x4600)]).toEqual([CTRL, 8, 0xda565a6d | 0]);
    // Of the kinds of reset the one that leaves the BARs where they are.
    r.model.reset('d3hot');
    expect([0x4500, 0x4600, 0x4700, 0x4000].map((at) => r.io.read32(at))).toEqual([0, 0, 0, 0]);
    // Four queues again, and nothing to hash.
    r.spread(4, 0);
    for (const frame of flows(8)) r.inject(frame);
    expect([r.taken(), r.findings]).toEqual([[8, 0, 0, 0], []]);
  });

  test('rings are told of, with their form', () => {
    const r = new QueueRig().spread(4);
    r.inject(flows(1)[0]!);
    const rings = r.model.rings().filter(({ ring }) => ring.startsWith('RX'));
    expect(rings.map(({ ring, entryBytes, address }) => [ring, entryBytes, address])).toEqual(
      ['RX ring', 'RX ring 1', 'RX ring 2', 'RX ring 3'].map((name, i) => [name, 32, r.queues[i]!.address]),
    );
    expect(rings.reduce((all, { head }) => all + head, 0)).toBe(1);
  });
});

describe('descriptors of 32 bytes', () => {
  test('length, findings, tag, bytes; the rest as r8125 and OpenBSD read them', () => {
    const r = new QueueRig().spread(1, 0);
    r.io.write16(0xe0, 0x20);
    r.io.write32(0x44, 0x41c0_0c0f);
    const good = tcpFrame(100);
    const bad = tcpFrame(100);
    bad[60]! ^= 1;
    const header = tcpFrame(100);
    header[22] = 63;
    const tagged = frameOf({ from: A, to: B, tag: 0x2005, protocol: UDP_IP });
    for (const frame of [good, bad, header, tagged, ethernet(MAC, 100)]) r.inject(frame);
    const words = [0, 1, 2, 3, 4].map((i) => r.wide(0, i)).map(({ opts1, opts2 }) => [opts1 >>> 0, opts2 >>> 0]);
    const [TCPT, UDPT, V4, TCPF, IPF, TAVA] = [1 << 28, 1 << 29, 1 << 30, 1 << 24, 1 << 26, 1 << 16];
    expect(words).toEqual([
      [0x0300_0000 | 158, V4 | TCPT],
      [0x0300_0000 | 158, V4 | TCPT | TCPF],
      [0x0300_0000 | 158, V4 | TCPT | IPF],
      // A UDP checksum of 0 is none, and not wrong.
      [0x0300_0000 | (tagged.length - 4 + 4), V4 | UDPT | TAVA | 0x0520],
      [0x0300_0000 | 104, 0],
    ]);
    expect(r.bytes(0, 0, good.length)).toEqual(good);
    expect(r.bytes(0, 3, 60).subarray(0, 12)).toEqual(tagged.subarray(0, 12));
    expect(r.findings).toEqual([]);
  });
});

describe('descriptors of 32 bytes, more', () => {
  test('a frame over several: each tells of its own bytes, the last one of the hash; also in those of 16 bytes', () => {
    const wide = new QueueRig({ buffer: 256, entries: 8 }).spread(1);
    const frame = tcpFrame(500);
    wide.inject(frame);
    const words = [0, 1, 2].map((i) => wide.wide(0, i));
    expect(words.map(({ opts1 }) => opts1)).toEqual([0x0200_0100, 0x100, 0x0100_0000 | (558 - 512)]);
    expect(words.map(({ hash }) => hash !== 0)).toEqual([false, false, true]);
    const pieces = [256, 256, 42].flatMap((bytes, i) => [...wide.bytes(0, i, bytes)]);
    expect(Uint8Array.from(pieces)).toEqual(frame);
    const narrow = new QueueRig({ buffer: 256, entries: 8, wide: false }).spread(1);
    narrow.inject(frame);
    const { view } = narrow.queues[0]!.arena;
    const lengths = [0, 1, 2].map((i) => view.getInt32(narrow.queues[0]!.offset + 16 * i, true) & 0x3fff);
    expect(lengths).toEqual([256, 256, 46]);
  });

  test('runts that RCR accepts; other IP is neither TCP nor UDP; the end of the ring stays', () => {
    const r = new QueueRig({ entries: 2 }).spread(1);
    r.io.write16(0xe0, 0x20);
    r.io.write32(0x44, 0x4100_0c1f);
    r.inject(ethernet(MAC, 40));
    expect(r.wide(0, 0).opts1).toBe(0x0318_0000 | 44);
    r.inject(frameOf({ from: A, to: B, protocol: 1 }));
    expect(r.wide(0, 1)).toMatchObject({ opts2: 1 << 30, opts1: 0x4300_0000 | (74 + 4) });
    const narrow = new QueueRig({ wide: false }).spread(1);
    narrow.io.write16(0xe0, 0x20);
    narrow.inject(frameOf({ from: A, to: B, protocol: 1 }));
    // PID 0: r8125, DPDK and OpenBSD take its bits one by one.
    expect(narrow.queues[0]!.arena.view.getInt32(narrow.queues[0]!.offset, true) & 0x6_0000).toBe(0);
  });
});

describe('mistakes, each one diagnostic', () => {
  test.each<[string, string, (r: QueueRig) => void, number?]>([
    [
      'a ring of queue 2 that is not aligned',
      'ring-alignment RDSAR_Q1_LO',
      (r) => {
        r.io.write8(0x37, 0);
        r.io.write32(0x4008, 0x80);
      },
    ],
    ['a ring changed while the receiver is on', 'ring-while-enabled RDSAR_Q1_LO', (r) => r.io.write32(0x4000, 0x100)],
    ['its upper half too', 'ring-while-enabled RDSAR_Q1_HI', (r) => r.io.write32(0x4014, 7)],
    [
      'the form of descriptors changed while the receiver is on',
      'ring-while-enabled RCR',
      (r) => r.io.write8(0x47, 0x40),
    ],
    ['eight queues', 'queue-state Q_NUM_CTRL', (r) => r.io.write16(0x4800, 0x0c)],
    [
      'a table that names a queue that is not on',
      'queue-state RSS_TABLE',
      (r) => {
        r.io.write16(0x4800, 4);
        r.table(() => 3);
        for (const frame of flows(4)) expect(r.inject(frame)).toBe('ring-empty');
        r.table(() => 1);
        expect(r.inject(flows(1)[0]!)).toBe('delivered');
      },
    ],
    [
      'a queue that is on and has no ring',
      'use-before-ready RDSAR_Q1_LO',
      (r) => {
        r.io.write8(0x37, 0);
        r.io.write32(0x4008, 0);
        r.io.write32(0x400c, 0);
        r.io.write8(0x37, 0x0c);
        r.table(() => 2);
        for (const frame of flows(4)) expect(r.inject(frame)).toBe('ring-empty');
        expect(r.inject(ethernet(MAC))).toBe('delivered');
      },
    ],
    [
      'a buffer of no bytes in a ring of queue 1',
      'descriptor-length SIZE',
      (r) => {
        r.table(() => 1);
        r.give(1, 0, 0);
        expect(r.inject(flows(1)[0]!)).toBe('ring-empty');
      },
    ],
    [
      'a ring of queue 1 without an end',
      'ring-length RDSAR_Q1_LO',
      (r) => {
        r.table(() => 1);
        const { view } = r.queues[1]!.arena;
        view.setInt32(r.queues[1]!.offset + 32 + 28, 2048 | (0x8000_0000 | 0), true);
        for (const frame of flows(2)) r.inject(frame);
        r.give(1, 0);
        expect(r.inject(flows(1)[0]!)).toBe('ring-empty');
      },
      2,
    ],
    ['bits of RSS_CTRL that nobody names', 'reserved-bits RSS_CTRL', (r) => r.io.write32(0x4500, 1 << 20)],
    ['a mask of queue 1 that nobody names', 'reserved-bits IMR1', (r) => r.io.write16(0x800, 4)],
  ])('%s', (_name, finds, make, entries = 16) => {
    const r = new QueueRig({ entries }).spread(4);
    make(r);
    r.wait(100);
    expect(r.findings).toEqual([finds]);
    expect(r.machine.diagnostics.problems().map(({ count }) => count)).toEqual([1]);
  });

  test('descriptors of a queue where no memory is: SERR, and nothing more', () => {
    const r = new QueueRig().spread(4);
    r.io.write8(0x37, 0);
    r.io.write32(0x4004, 7);
    r.io.write8(0x37, 0x0c);
    r.table(() => 1);
    for (const frame of flows(3)) r.inject(frame);
    expect(r.io.read32(0x3c) & 0x8000).toBe(0x8000);
    expect(r.findings).toEqual(['dma-fault DMA']);
  });
});

test('two transmit queues by counters: each one stops where its own tail is', () => {
  const r = new QueueRig().spread(1);
  r.set(r.chip.TXCFG, 0x40);
  const ring = r.fn.dma.alloc(4096, 256);
  const { view } = ring.arena;
  r.io.write8(0x37, 0);
  r.io.write32(0x2104, Math.floor(ring.address / 2 ** 32));
  r.io.write32(0x2100, ring.address | 0);
  r.rings();
  r.io.write8(0x37, 0x0c);
  for (let i = 0; i < 3; i++) {
    view.setBigUint64(ring.offset + 16 * i + 8, BigInt(r.place(ethernet(MAC, 60 + i), 256 * i)), true);
    view.setInt32(ring.offset + 16 * i, (0xb000_0000 | 0) + 60 + i, true);
  }
  r.io.write16(0x2804, 2);
  r.wait(500);
  expect([0x2800, 0x2802, 0x2804, 0x2806].map((at) => r.io.read16(at))).toEqual([0, 0, 2, 2]);
  expect(r.sent.map(({ length }) => length)).toEqual([60, 61]);
  expect(r.findings).toEqual([]);
});

describe('timers 1 to 3', () => {
  test.each([
    [1, 0x4c, 0x5c],
    [2, 0x88, 0x8c],
    [3, 0x1c, 0xf4],
  ])(
    'timer %i counts in 8 ns from its last write; what it is compared with is stored, and a note',
    (_n, count, compare) => {
      const r = new QueueRig();
      r.io.write32(count, 1);
      r.wait(8);
      expect(r.io.read32(count)).toBe(1000);
      r.io.write32(0x48, 1);
      r.wait(8);
      expect([r.io.read32(count), r.io.read32(0x48)]).toEqual([2000, 1000]);
      r.io.write32(compare, 0);
      expect(r.machine.diagnostics.list()).toEqual([]);
      r.io.write32(compare, 3000);
      expect(r.io.read32(compare)).toBe(3000);
      r.io.write32(0x38, -1);
      r.wait(100);
      expect([r.io.read32(0x3c) & 0xff00, r.io.read32(0xd04)]).toEqual([0, 0]);
      expect(r.machine.diagnostics.list().map(({ rule, count }) => [rule, count])).toEqual([['unmodelled', 1]]);
    },
  );
});

test(`${cases(40)} seeds of rings, tables and hashes: nothing throws, nothing runs away`, () => {
  for (let seed = 0; seed < cases(40); seed++) {
    const random = new Random(`queues ${seed}`);
    const schedule = (['fast', 'adversarial', 'timed'] as const)[seed % 3]!;
    const r = new QueueRig({ schedule, entries: 8, buffer: 256 }).spread(4, CTRL | UDP);
    r.fn.enableMsix(Array.from({ length: 4 }, () => () => {}));
    for (let round = 0; round < 20; round++) {
      for (const at of [0x44, 0x4500, 0x4600, 0x4700, 0x4704, 0x4008, 0x34, 0xd0c, 0x800, 0xa08])
        if (random.chance(0.1)) r.io.write32(at, random.u32() | 0);
      if (random.chance(0.2)) r.io.write16(0x4800, random.u32() & 0xffff);
      if (random.chance(0.3)) r.io.write32(0x44, random.chance(0.5) ? 0x4100_0c3f : 0x4000_0c3f);
      for (const { arena, offset } of r.queues)
        if (random.chance(0.3)) arena.view.setInt32(offset + 4 * random.below(64), random.u32() | 0, true);
      if (random.chance(0.2)) r.io.write8(0x37, 0);
      r.io.write8(0x37, 0x0c);
      if (random.chance(0.5)) r.taken();
      for (let i = 0; i < 6; i++) {
        const ipv6 = random.chance(0.5);
        const [from, to] = ipv6 ? [V6(1), V6(2)] : [A, B];
        const frame = frameOf({
          from,
          to,
          ports: [random.below(65536), 2],
          protocol: random.chance(0.5) ? TCP : UDP_IP,
        });
        for (let n = random.below(4); n > 0; n--) frame[12 + random.below(frame.length - 12)] = random.below(256);
        r.inject(frame.subarray(0, 14 + random.below(frame.length - 13)), random.chance(0.9));
      }
      const end = r.machine.scheduler.now + 5_000;
      let steps = 0;
      while (r.machine.scheduler.advance(end)) expect(++steps).toBeLessThan(10_000);
    }
  }
});
