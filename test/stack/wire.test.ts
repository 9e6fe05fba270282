import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OwnedArena } from '../../src/platform/arena.js';
import { finish, sumPlain } from '../../src/platform/kernels.js';
import { Random } from '../../src/platform/random.js';
import {
  ArpOp,
  arpOperation,
  arpSenderIp,
  arpTargetIp,
  ByteRing,
  checkArp,
  checkDhcp,
  checkIpv4,
  checkTcp,
  checkUdp,
  cidr,
  contains,
  DhcpOption,
  DhcpType,
  DhcpWriter,
  DnsType,
  dhcpOption32,
  dhcpType,
  explainFrame,
  formatIpv4,
  get16,
  get32,
  IpAddress,
  ip,
  ipv4Destination,
  ipv4Fragment,
  ipv4Id,
  ipv4Length,
  ipv4Source,
  KeyedHash,
  maskPrefix,
  normalName,
  parseDns,
  parseIpv4,
  prefixMask,
  pseudoSum4,
  RangeResult,
  Ranges,
  readDnsName,
  set16,
  set32,
  TcpOptions,
  TimerHeap,
  TupleTable,
  writeArp,
  writeDnsName,
  writeDnsQuery,
  writeIpv4,
  writeTcp,
  writeUdp,
} from '../../src/stack/index.js';

const u16 = fc.nat(0xffff);
const i32 = fc.integer();
const at = fc.nat(20);

describe('headers round trip', () => {
  it('integers', () => {
    fc.assert(
      fc.property(u16, i32, at, (a, b, p) => {
        const u8 = new Uint8Array(64);
        set16(u8, p, a);
        set32(u8, p + 2, b);
        expect([get16(u8, p), get32(u8, p + 2)]).toEqual([a, b]);
      }),
    );
  });
  it('IPv4', () => {
    fc.assert(
      fc.property(u16, u16, i32, i32, fc.nat(255), at, (id, fragment, from, to, ttl, p) => {
        const u8 = new Uint8Array(100);
        writeIpv4(u8, p, 7, 40, id, fragment, ttl, 17, from, to);
        expect(checkIpv4(u8, p, 40)).toBe(20);
        expect(checkIpv4(u8, p, 39)).toBe(0);
        expect([ipv4Length(u8, p), ipv4Id(u8, p), ipv4Fragment(u8, p)]).toEqual([40, id, fragment]);
        expect([ipv4Source(u8, p), ipv4Destination(u8, p), u8[p + 8], u8[p + 9]]).toEqual([from, to, ttl, 17]);
      }),
    );
  });
  it('ARP', () => {
    fc.assert(
      fc.property(i32, i32, at, (from, to, p) => {
        const u8 = new Uint8Array(64);
        writeArp(u8, p, ArpOp.reply, from, to);
        expect(checkArp(u8, p, 28) && !checkArp(u8, p, 27)).toBe(true);
        expect([arpOperation(u8, p), arpSenderIp(u8, p), arpTargetIp(u8, p)]).toEqual([2, from, to]);
      }),
    );
  });
  it('UDP and TCP', () => {
    const u8 = new Uint8Array(100);
    writeUdp(u8, 3, 1, 2, 30);
    expect([checkUdp(u8, 3, 30), checkUdp(u8, 3, 29), checkUdp(u8, 3, 7)]).toEqual([30, 0, 0]);
    writeTcp(u8, 3, 1, 2, -5, 6, 24, 0x12, 700);
    expect([checkTcp(u8, 3, 24), checkTcp(u8, 3, 23), get32(u8, 7), get16(u8, 17)]).toEqual([24, 0, -5, 700]);
  });
  it('the pseudo-header', () => {
    fc.assert(
      fc.property(i32, i32, fc.nat(255), u16, (from, to, protocol, bytes) => {
        const u8 = new Uint8Array(12);
        set32(u8, 0, from);
        set32(u8, 4, to);
        u8[9] = protocol;
        set16(u8, 10, bytes);
        expect(finish(pseudoSum4(from, to, protocol, bytes))).toBe(finish(sumPlain(u8, 0, 12, 0)));
      }),
    );
  });
  it('TCP options, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (bytes) => {
        const u8 = new Uint8Array(60);
        u8.set(bytes, 20);
        const options = new TcpOptions();
        options.parse(u8, 0, 60);
        expect(options.sackCount).toBeLessThanOrEqual(4);
        expect(options.windowScale).toBeLessThanOrEqual(14);
      }),
    );
  });
  it('DHCP options', () => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
    const writer = new DhcpWriter().start(1, 0x12345678, mac, DhcpType.request).word(DhcpOption.requestedIp, -7);
    const bytes = writer.bytes(DhcpOption.hostName, [65, 66]).finish();
    expect(bytes).toBe(300);
    expect([checkDhcp(writer.u8, 0, bytes), checkDhcp(writer.u8, 0, 239)]).toEqual([true, false]);
    expect(dhcpType(writer.u8, 0, bytes)).toBe(DhcpType.request);
    expect(dhcpOption32(writer.u8, 0, bytes, DhcpOption.requestedIp, 0)).toBe(-7);
    expect(dhcpOption32(writer.u8, 0, bytes, DhcpOption.server, 5)).toBe(5);
  });
  it('DNS names, also compressed, never in circles', () => {
    const u8 = new Uint8Array(300);
    const end = writeDnsName(u8, 12, 'www.lab');
    set16(u8, end, 0xc000 | 16);
    expect(readDnsName(u8, 0, 300, 12)).toEqual({ name: 'www.lab', next: end });
    expect(readDnsName(u8, 0, 300, end)).toEqual({ name: 'lab', next: end + 2 });
    set16(u8, 100, 0xc000 | 100);
    expect(readDnsName(u8, 0, 300, 100)).toBeUndefined();
    set16(u8, 100, 0xc000 | 102);
    set16(u8, 102, 0xc000 | 100);
    expect(readDnsName(u8, 0, 300, 102)).toBeUndefined();
    expect(parseDns(u8, 0, 11)).toBeUndefined();
    const query = new Uint8Array(512);
    const bytes = writeDnsQuery(query, 77, 'gateway.lab', DnsType.a);
    const message = parseDns(query, 0, bytes)!;
    expect([message.id, message.question, message.questionType]).toEqual([77, 'gateway.lab', 1]);
    expect([normalName('A.b.'), normalName('a..b'), normalName(''), normalName('x'.repeat(64))]).toEqual([
      'a.b',
      undefined,
      undefined,
      undefined,
    ]);
  });
  it('addresses', () => {
    fc.assert(
      fc.property(i32, (value) => {
        expect(parseIpv4(formatIpv4(value))).toBe(value);
      }),
    );
    for (const bad of ['1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', 'a.b.c.d', '', '1.2.3.4 ']) {
      expect(parseIpv4(bad)).toBeUndefined();
    }
    expect(() => ip('nobody')).toThrow(RangeError);
    expect(() => cidr('1.2.3.4/33')).toThrow(RangeError);
    for (let prefix = 0; prefix <= 32; prefix++) expect(maskPrefix(prefixMask(prefix))).toBe(prefix);
    expect(maskPrefix(0x00ff00ff)).toBe(-1);
    expect(contains(cidr('10.0.0.1/8'), ip('10.200.0.1')) && !contains(cidr('10.0.0.1/8'), ip('11.0.0.1'))).toBe(true);
  });
  it('explanations', () => {
    expect(explainFrame(new Uint8Array(5), 0, 5)).toMatch(/too short/);
    const u8 = new Uint8Array(60);
    set16(u8, 12, 0x0806);
    writeArp(u8, 14, 1, 0, ip('10.0.0.1').w3);
    expect(explainFrame(u8, 0, 60)).toBe('00:00:00:00:00:00 > 00:00:00:00:00:00 ARP probe for 10.0.0.1');
  });
});

describe('ranges', () => {
  it('agree with a set of bytes', () => {
    const piece = fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 30 }), fc.nat(10));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const ranges = new Ranges(64);
        let model = new Set<number>();
        for (const [from, bytes, shift] of pieces) {
          const wanted = Array.from({ length: bytes }, (_, i) => from + i);
          const known = wanted.filter((p) => model.has(p)).length;
          const result = ranges.add(from, from + bytes);
          const right = known === 0 ? RangeResult.added : known === bytes ? RangeResult.duplicate : RangeResult.overlap;
          expect(result).toBe(right);
          for (const p of wanted) model.add(p);
          if (shift > 5) {
            ranges.shift(shift);
            model = new Set([...model].map((p) => p - shift).filter((p) => p >= 0));
          }
          expect(ranges.total).toBe(model.size);
          for (let p = 0; p < 140; p++) expect(ranges.has(p)).toBe(model.has(p));
        }
      }),
    );
  });
  it('refuse what they have no room for', () => {
    const ranges = new Ranges(2);
    expect([ranges.add(0, 1), ranges.add(5, 6), ranges.add(10, 11), ranges.add(1, 5)]).toEqual([0, 0, 3, 0]);
    expect([ranges.count, ranges.takeFront(), ranges.count]).toEqual([1, 6, 0]);
  });
});

describe('storage', () => {
  it('a byte ring sums what it copies, across its seam and from odd places', () => {
    const arena = new OwnedArena(1 << 20);
    const ring = new ByteRing(arena);
    expect(ring.open(1000)).toBe(true);
    expect(ring.capacity).toBe(1024);
    const to = arena.alloc(2048);
    fc.assert(
      fc.property(fc.nat(1023), fc.integer({ min: 1, max: 1024 }), fc.nat(0xffff), (head, bytes, seed) => {
        ring.head = head;
        ring.used = 0;
        const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + seed) >> 3);
        expect(ring.write(data, 0, bytes)).toBe(bytes);
        const sum = ring.peekSum(0, arena, to, bytes, seed);
        expect(Buffer.compare(arena.u8.subarray(to, to + bytes), data)).toBe(0);
        const a = finish(sum);
        const b = finish(sumPlain(data, 0, bytes, seed));
        // One's complement has two zeros.
        expect(a === b || (a % 0xffff === 0 && b % 0xffff === 0)).toBe(true);
        const out = new Uint8Array(bytes);
        ring.read(0, out, 0, bytes);
        expect(Buffer.compare(out, data)).toBe(0);
      }),
    );
    ring.close();
    expect(new ByteRing(new OwnedArena(65536)).open(1 << 20)).toBe(false);
  });
  it('a timer heap fires in order, and early rather than late', () => {
    const heap = new TimerHeap<{ heapDeadline: number; heapSlot: number; want: number }>();
    const random = new Random(1);
    const items = Array.from({ length: 200 }, () => ({ heapDeadline: Infinity, heapSlot: -1, want: 0 }));
    for (const item of items) {
      item.want = random.below(1000);
      heap.armBy(item, item.want);
    }
    for (const item of items.slice(0, 50)) heap.cancel(item);
    let last = 0;
    let count = 0;
    for (let item = heap.due(1000); item !== undefined; item = heap.due(1000)) {
      expect(item.want).toBeGreaterThanOrEqual(last);
      last = item.want;
      count++;
    }
    expect([count, heap.size, heap.next]).toEqual([150, 0, Infinity]);
  });
  it('a tuple table finds what was added and not removed', () => {
    const table = new TupleTable<{ local: IpAddress; localPort: number; remote: IpAddress; remotePort: number }>(
      new Random(5),
    );
    const random = new Random(6);
    const items = Array.from({ length: 3000 }, (_, i) => ({
      local: IpAddress.v4(1),
      localPort: 80,
      remote: IpAddress.v4(i >> 4),
      remotePort: i & 15,
    }));
    const present = new Set<(typeof items)[0]>();
    for (let round = 0; round < 20_000; round++) {
      const item = items[random.below(items.length)]!;
      if (present.has(item)) {
        expect(table.remove(item)).toBe(true);
        present.delete(item);
      } else {
        table.add(item);
        present.add(item);
      }
    }
    expect(table.size).toBe(present.size);
    for (const item of items) {
      const found = table.find(item.local, item.localPort, item.remote, item.remotePort);
      expect(found).toBe(present.has(item) ? item : undefined);
    }
    expect(table.remove({ ...items[0]!, localPort: 81 })).toBe(false);
  });
  it('a keyed hash spreads and depends on its key', () => {
    const hash = new KeyedHash(new Random(1));
    const other = new KeyedHash(new Random(2));
    const a = IpAddress.v4(1);
    const seen = new Set<number>();
    for (let port = 0; port < 10_000; port++) seen.add(hash.tuple(a, 80, a, port));
    expect(seen.size).toBeGreaterThan(9990);
    expect(hash.tuple(a, 80, a, 1)).not.toBe(other.tuple(a, 80, a, 1));
  });
});
