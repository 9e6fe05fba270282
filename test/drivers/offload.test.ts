/** What all drivers promise in their capabilities, seen from the other end of the cable. */
import { describe, expect, it } from 'vitest';
import { e1000, type NicDriver, r8169, virtioNet } from '../../src/drivers/index.js';
import { type EmulatedFunction, I82540em, Rtl8125b, Rtl8168h, VirtioNet } from '../../src/emulators/index.js';
import { finish, sumPlain } from '../../src/platform/kernels.js';
import { Checksum } from '../../src/platform/phy.js';
import { carries } from './alike.js';
import { Bench, checkTcp, FAR, plain, tcp } from './bench.js';

interface Chip {
  readonly name: string;
  readonly driver: NicDriver;
  readonly make: () => EmulatedFunction;
  readonly big: () => EmulatedFunction;
  /** Where received frames begin modulo 4, if not so that IP headers are aligned. */
  readonly rxAt?: number;
}

const CHIPS: readonly Chip[] = [
  { name: '82540em', driver: e1000, make: () => new I82540em(), big: () => new I82540em() },
  { name: 'virtio-net', driver: virtioNet, make: () => new VirtioNet(), big: () => new VirtioNet({ mtu: 9000 }) },
  { name: 'rtl8168h', driver: r8169, make: () => new Rtl8168h(), big: () => new Rtl8168h(), rxAt: 0 },
  { name: 'rtl8125b', driver: r8169, make: () => new Rtl8125b(), big: () => new Rtl8125b(), rxAt: 0 },
];

describe.each(CHIPS)('$name', ({ driver, make, big, rxAt = 2 }) => {
  for (const version of [4, 6] as const) {
    it(`completes a TCP checksum over IPv${version}`, () => {
      const bench = new Bench(driver, make()).open();
      const offset = version === 4 ? 34 : 54;
      for (const payload of [0, 1, 100, 1380]) {
        const [frame, ...rest] = bench.send(tcp(version, payload, true), (frame) => {
          frame.checksum = Checksum.partial;
          frame.csumStart = offset;
          frame.csumOffset = 16;
        });
        expect(rest).toEqual([]);
        expect(checkTcp(frame!).payload.length).toBe(payload);
      }
      expect(bench.problems()).toEqual([]);
    });

    it(`segments TCP over IPv${version}`, () => {
      const bench = new Bench(driver, make()).open();
      const mss = version === 4 ? 1460 : 1440;
      const payload = 40_001;
      const whole = tcp(version, payload, true);
      const segments = bench.send(whole, (frame) => {
        frame.checksum = Checksum.partial;
        frame.csumStart = version === 4 ? 34 : 54;
        frame.csumOffset = 16;
        frame.gsoSize = mss;
      });
      expect(segments.length).toBe(Math.ceil(payload / mss));
      const got: number[] = [];
      let sequence = 0x1000_0000;
      for (const [i, segment] of segments.entries()) {
        const parsed = checkTcp(segment);
        expect(parsed.sequence).toBe(sequence);
        // PSH only on the last one.
        expect(parsed.flags).toBe(i === segments.length - 1 ? 0x18 : 0x10);
        sequence += parsed.payload.length;
        got.push(...parsed.payload);
      }
      expect(Uint8Array.from(got)).toEqual(whole.slice(whole.length - payload));
      expect(bench.problems()).toEqual([]);
    });
  }

  it('mixes plain, summed and segmented frames', () => {
    const bench = new Bench(driver, make()).open();
    for (let i = 0; i < 60; i++) {
      if (i % 3 === 0) {
        const frame = plain(FAR, 60 + i * 7, i);
        expect(bench.send(frame)).toEqual([frame]);
        continue;
      }
      const heard = bench.send(tcp(4, i % 3 === 1 ? 700 : 6000, true), (frame) => {
        frame.checksum = Checksum.partial;
        frame.csumStart = 34;
        frame.csumOffset = 16;
        frame.gsoSize = i % 3 === 1 ? 0 : 1460;
      });
      expect(heard.map((frame) => checkTcp(frame).payload.length).reduce((a, b) => a + b)).toBe(
        i % 3 === 1 ? 700 : 6000,
      );
    }
    expect(bench.problems()).toEqual([]);
  });

  it('says what it knows of the checksums of a received frame', () => {
    const bench = new Bench(driver, make()).open();
    const good = tcp(4, 300, false, bench.nic.mac);
    bench.inject(good);
    expect(bench.next()).toEqual(good);
    expect(bench.frame.checksum).toBe(Checksum.verified);
    expect(bench.frame.offset % 4).toBe(rxAt);
    const bad = good.slice();
    bad[200]! ^= 1;
    bench.inject(bad);
    expect(bench.next()).toEqual(bad);
    expect(bench.frame.checksum).not.toBe(Checksum.verified);
    bench.inject(plain(bench.nic.mac, 80));
    expect(bench.next()).toBeDefined();
    expect(bench.frame.checksum).toBe(Checksum.none);
  });

  it('asks for no offload when it is told not to', () => {
    const bench = new Bench(driver, make()).open({ checksum: false, vlan: false });
    expect(bench.nic.capabilities).toMatchObject({
      txChecksum: false,
      rxChecksum: false,
      maxSegmentBytes: 0,
      vlan: false,
    });
    bench.inject(tcp(4, 300, false, bench.nic.mac));
    expect(bench.next()).toBeDefined();
    expect(bench.frame.checksum).toBe(Checksum.none);
  });

  it('carries jumbo frames both ways', () => {
    const bench = new Bench(driver, big()).open({ mtu: 9000 });
    expect(bench.nic.capabilities.mtu).toBe(9000);
    carries(bench, [1514, 2034, 2046, 2047, 2048, 4096, 9014]);
  });

  it('filters multicast as asked', () => {
    const bench = new Bench(driver, make()).open();
    const group = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
    const other = Uint8Array.of(0x01, 0x00, 0x5e, 0x7f, 0x12, 0x34);
    const stranger = Uint8Array.of(2, 0, 0, 0, 0, 0x55);
    const passes = (to: Uint8Array): boolean => {
      bench.inject(plain(to, 100));
      return bench.next() !== undefined;
    };
    const apply = (promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void => {
      bench.nic.setReceiveFilter(promiscuous, multicast);
      for (let i = 0; i < 20; i++) {
        bench.wait(100);
        bench.nic.step(bench.now);
      }
    };
    apply(false, [group]);
    expect([group, other, stranger].map(passes)).toEqual([true, false, false]);
    apply(false, 'all');
    expect([group, other, stranger].map(passes)).toEqual([true, true, false]);
    apply(true, []);
    expect([group, other, stranger].map(passes)).toEqual([true, true, true]);
    apply(false, []);
    expect([group, other, stranger, bench.nic.mac].map(passes)).toEqual([false, false, false, true]);
    expect(bench.problems()).toEqual([]);
  });

  it('keeps room for one reply, and gives slots back', () => {
    const bench = new Bench(driver, make()).open({ txRing: 32, rxRing: 32 });
    const { frame, nic } = bench;
    let sent = 0;
    while (sent < 1000 && nic.reserve(bench.now, frame, 100)) {
      frame.arena.u8.set(plain(FAR, 100, sent), frame.offset);
      nic.commit(frame);
      sent++;
    }
    expect(sent).toBeGreaterThan(10);
    expect(sent).toBeLessThanOrEqual(32);
    // The ring is full of frames that were never flushed: a received frame has to wait, as no reply could be sent.
    bench.inject(plain(nic.mac, 100));
    bench.wait(1000);
    expect(nic.receive(bench.now, frame)).toBe(false);
    bench.heard.length = 0;
    nic.flush(bench.now);
    bench.until(() => bench.heard.length === sent, 'all sent');
    expect(bench.next()).toBeDefined();
    expect(nic.reserve(bench.now, frame, 1514)).toBe(true);
    expect(nic.reserve(bench.now, frame, 70_000)).toBe(false);
  });

  it('completes a checksum far into the frame', () => {
    const bench = new Bench(driver, make()).open();
    const [frame] = bench.send(tcp(6, 1000, true), (frame) => {
      // Not TCP's own field: one beyond what 8 bits reach.
      frame.checksum = Checksum.partial;
      frame.csumStart = 300;
      frame.csumOffset = 20;
    });
    const before = new DataView(tcp(6, 1000, true).buffer).getUint16(320);
    // RFC 1071: what was in the field counts as the pseudo-header's sum, so it is what the rest lacks now.
    const rest = ~finish(sumPlain(frame!, 300, frame!.length - 300, 0)) & 0xffff;
    expect(rest % 0xffff).toBe((0xffff - before) % 0xffff);
  });

  it('refuses what it cannot send', () => {
    const bench = new Bench(driver, make()).open();
    const { frame, nic } = bench;
    // Larger than the MTU, and not to be segmented.
    expect(nic.reserve(bench.now, frame, 5000)).toBe(true);
    nic.commit(frame);
    // To be segmented, with a checksum field that is not TCP's or lies outside.
    for (const csumStart of [34, 4990]) {
      expect(nic.reserve(bench.now, frame, 5000)).toBe(true);
      frame.checksum = Checksum.partial;
      frame.csumStart = csumStart;
      frame.csumOffset = 60_000;
      frame.gsoSize = 1460;
      nic.commit(frame);
    }
    nic.flush(bench.now);
    bench.wait(1000);
    expect(bench.heard).toEqual([]);
    expect(nic.statistics()['txRefused']).toBe(3);
    const small = new Bench(driver, make()).open({ segmentation: false });
    expect(small.nic.reserve(small.now, small.frame, 1518)).toBe(true);
    expect(small.nic.reserve(small.now, small.frame, 1519)).toBe(false);
    const out = plain(FAR, 1514);
    expect(small.send(out)).toEqual([out]);
  });
});
