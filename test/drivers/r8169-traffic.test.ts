/** Frames through the driver of Realtek's family and our models, seen from the other end of the cable. */
import { describe, expect, it } from 'vitest';
import { type DriverOptions, type InterruptMode, r8169 } from '../../src/drivers/index.js';
import type { Schedule } from '../../src/emulators/index.js';
import { finish, sumPlain } from '../../src/platform/kernels.js';
import { Checksum } from '../../src/platform/phy.js';
import { driverContract } from '../../src/testing/index.js';
import { carries, survivesAnyRing, tagsBothWays } from './alike.js';
import { Bench, checkTcp, FAR, plain, tcp } from './bench.js';
import { CHIPS, open as openChip } from './r8169-rig.js';

const MODES: readonly InterruptMode[] = ['polled', 'intx', 'msi', 'msix'];
const SCHEDULES: readonly Schedule[] = ['fast', 'timed', 'adversarial'];

describe.each(CHIPS)('$name', (chip) => {
  const { name, map, make, mtu } = chip;
  const open = (options: DriverOptions = {}, schedule: Schedule = 'fast'): Bench => openChip(chip, options, schedule);

  describe('traffic', () => {
    for (const each of driverContract(r8169, () => make())) it(each.name, { timeout: 60_000 }, () => each.run());

    for (const mode of MODES)
      for (const schedule of SCHEDULES)
        it(`passes both ways, ${mode}, ${schedule}; interrupts come`, () => {
          const bench = open({ interrupts: [mode] }, schedule);
          expect(bench.nic.interruptMode).toBe(mode);
          let ready = 0;
          bench.nic.onReady = () => ready++;
          for (let i = 0; i < 60; i++) {
            const out = plain(FAR, 60 + i * 23, i);
            expect(bench.send(out)).toEqual([out]);
            const into = plain(bench.nic.mac, 60 + i * 23, i + 1);
            bench.inject(into);
            expect(bench.next()).toEqual(into);
            bench.nic.step(bench.now);
          }
          if (mode === 'polled') expect(ready).toBe(0);
          else expect(ready).toBeGreaterThan(10);
          expect(bench.nic.statistics()).toMatchObject({ rxPackets: 60, txPackets: 60, rxDamaged: 0, txLost: 0 });
          expect(bench.problems()).toEqual([]);
        });

    it('strips and inserts 802.1Q tags, with and without a checksum to complete', () => {
      const bench = open();
      const tagged = tagsBothWays(bench);
      const [sent] = bench.send(tcp(4, 300, true), (frame) => {
        frame.vlan = 0x0ffe;
        frame.checksum = Checksum.partial;
        frame.csumStart = 34;
        frame.csumOffset = 16;
      });
      expect([...sent!.subarray(12, 16)]).toEqual([0x81, 0x00, 0x0f, 0xfe]);
      checkTcp(Uint8Array.from([...sent!.subarray(0, 12), ...sent!.subarray(16)]));
      const plainly = open({ vlan: false });
      plainly.inject(tagged);
      expect(plainly.next()).toEqual(tagged);
    });

    for (const version of [4, 6] as const)
      it(`completes checksums and segments TCP over IPv${version}, tagged too`, () => {
        const bench = open();
        const l4 = version === 4 ? 34 : 54;
        for (const payload of [0, 1, 2, 5, 100, 1380]) {
          const [frame] = bench.send(tcp(version, payload, true), (frame) => {
            frame.checksum = Checksum.partial;
            frame.csumStart = l4;
            frame.csumOffset = 16;
          });
          expect(checkTcp(frame!).payload.length).toBe(payload);
        }
        for (const [payload, mss] of [
          [40_001, 1440],
          [60_000, 536],
          [1441, 1440],
          [1440, 1440],
          [3, 2],
          [5, 1440],
        ] as const) {
          const whole = tcp(version, payload, true);
          const segments = bench.send(whole, (frame) => {
            frame.checksum = Checksum.partial;
            frame.csumStart = l4;
            frame.csumOffset = 16;
            frame.gsoSize = mss;
            frame.vlan = payload === 40_001 ? 5 : -1;
          });
          const bare = segments.map((each) =>
            payload === 40_001 ? Uint8Array.from([...each.subarray(0, 12), ...each.subarray(16)]) : each,
          );
          expect(bare.length).toBe(Math.ceil(payload / mss));
          const parsed = bare.map(checkTcp);
          expect(parsed.flatMap((each) => [...each.payload])).toEqual([...whole.subarray(whole.length - payload)]);
          expect(parsed.map((each) => each.sequence)).toEqual(bare.map((_, i) => 0x1000_0000 + i * mss));
        }
        expect(bench.problems()).toEqual([]);
      });

    it('completes UDP checksums; those that the chip cannot reach in software, never as 0', () => {
      const bench = open();
      /** UDP over IPv4 with `options` bytes of IP options. */
      const udp = (options: number, payload: number): Uint8Array => {
        const l4 = 34 + options;
        const frame = tcp(4, payload + options, true).slice(0, l4 + 8 + payload);
        const view = new DataView(frame.buffer);
        frame[14] = 0x40 | (5 + options / 4);
        frame[23] = 17;
        view.setUint16(16, 20 + options + 8 + payload);
        view.setUint16(24, 0);
        frame.fill(1, 34, l4);
        view.setUint16(24, finish(sumPlain(frame, 14, 20 + options, 0)));
        const pseudo = sumPlain(Uint8Array.of(0, 17, 0, 8 + payload), 0, 4, sumPlain(frame, 26, 8, 0));
        view.setUint16(l4 + 4, 8 + payload);
        view.setUint16(l4 + 6, ~finish(pseudo) & 0xffff);
        return frame;
      };
      for (const [options, payload] of [
        [0, 100],
        [0, 4],
        [40, 30],
        [0, 1],
      ] as const) {
        const l4 = 34 + options;
        const [sent] = bench.send(udp(options, payload), (frame) => {
          frame.checksum = Checksum.partial;
          frame.csumStart = l4;
          frame.csumOffset = 6;
        });
        expect(sent!.length).toBe(Math.max(60, l4 + 8 + payload));
        const pseudo = sumPlain(Uint8Array.of(0, 17, 0, 8 + payload), 0, 4, sumPlain(sent!, 26, 8, 0));
        expect(finish(sumPlain(sent!, l4, 8 + payload, pseudo))).toBe(0);
        expect(new DataView(sent!.buffer).getUint16(l4 + 6)).not.toBe(0);
      }
      expect(bench.problems()).toEqual([]);
    });

    it('fills up short frames, those with time stamps so far that the chip finds what it looks for', () => {
      const bench = open();
      const ptp = (payload: number, port: number): Uint8Array<ArrayBuffer> => {
        const frame = tcp(4, payload, true).slice(0, 42 + payload);
        const view = new DataView(frame.buffer);
        frame[23] = 17;
        view.setUint16(16, 28 + payload);
        view.setUint16(36, port);
        view.setUint16(38, 8 + payload);
        view.setUint16(24, 0);
        view.setUint16(24, finish(sumPlain(frame, 14, 20, 0)));
        return frame;
      };
      for (const [payload, port, long] of [
        [30, 319, 81],
        [38, 320, 81],
        [39, 320, 81],
        [60, 319, 102],
        [20, 321, 62],
        [4, 319, 81],
      ] as const) {
        const frame = ptp(payload, port);
        const [sent, ...rest] = bench.send(frame);
        expect(rest).toEqual([]);
        expect(sent!.subarray(0, frame.length)).toEqual(frame);
        expect(sent!.subarray(frame.length).every((byte) => byte === 0)).toBe(true);
        expect(sent!.length, `${payload} to ${port}`).toBe(name === 'rtl8125b' ? long : Math.max(60, frame.length));
      }
      for (const bytes of [14, 20, 33, 59]) {
        const out = plain(FAR, bytes);
        const [sent] = bench.send(out);
        expect(sent).toEqual(Uint8Array.from({ length: 60 }, (_, i) => out[i] ?? 0));
      }
      // What was filled up is not counted.
      expect(bench.nic.statistics()).toMatchObject({ txBytes: 6 * 42 + 191 + 126 });
    });

    it('says what it knows of the checksums of a received frame', () => {
      const bench = open();
      const good = tcp(4, 300, false, bench.nic.mac);
      bench.inject(good);
      expect(bench.next()).toEqual(good);
      expect(bench.frame.checksum).toBe(Checksum.verified);
      const bad = good.slice();
      bad[200]! ^= 1;
      bench.inject(bad);
      expect(bench.next()).toEqual(bad);
      expect(bench.frame.checksum).toBe(Checksum.none);
      bench.inject(plain(bench.nic.mac, 80));
      expect(bench.next()).toBeDefined();
      expect(bench.frame.checksum).toBe(Checksum.none);
      const off = open({ checksum: false });
      off.inject(tcp(4, 300, false, off.nic.mac));
      expect(off.next()).toBeDefined();
      expect(off.frame.checksum).toBe(Checksum.none);
      expect(off.nic.capabilities).toMatchObject({ txChecksum: false, rxChecksum: false, maxSegmentBytes: 0 });
    });

    it(`carries jumbo frames of up to ${mtu} bytes both ways, and leaves sums to the stack then`, () => {
      const bench = open({ mtu: 20_000, rxRing: 32 });
      expect(bench.nic.capabilities).toMatchObject({ mtu, txChecksum: false, maxSegmentBytes: 0 });
      carries(bench, [1514, 2046, 2047, 2048, 4096, mtu + 14]);
    });

    it('drops what is longer than its buffers, and goes on', () => {
      const bench = open();
      bench.inject(plain(bench.nic.mac, 3000));
      bench.inject(plain(bench.nic.mac, 300));
      expect(bench.next()).toEqual(plain(bench.nic.mac, 300));
    });

    it('filters exactly as the hash does', () => {
      const bench = open();
      const group = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
      const other = Uint8Array.of(0x01, 0x00, 0x5e, 0x00, 0x00, 0x02);
      const stranger = Uint8Array.of(2, 0, 0, 0, 0, 0x55);
      const broadcast = new Uint8Array(6).fill(0xff);
      const passes = (to: Uint8Array): boolean => {
        bench.inject(plain(to, 100));
        return bench.next() !== undefined;
      };
      const all = [group, other, stranger, broadcast, bench.nic.mac];
      const table: readonly [boolean, readonly Uint8Array[] | 'all', string][] = [
        [false, [], '00011'],
        [false, [group], '10011'],
        [false, [other, group], '11011'],
        [false, 'all', '11011'],
        [true, [], '11111'],
        [false, [other], '01011'],
      ];
      for (const [promiscuous, multicast, expected] of table) {
        bench.nic.setReceiveFilter(promiscuous, multicast);
        expect(all.map((to) => (passes(to) ? '1' : '0')).join('')).toBe(expected);
      }
      expect(bench.problems()).toEqual([]);
    });

    it('fills and empties rings of every size, and keeps room for one reply', () => {
      for (const size of [32, 64, 1024]) {
        const bench = open({ txRing: size, rxRing: size });
        const { frame, nic } = bench;
        let sent = 0;
        while (sent < 2000 && nic.reserve(bench.now, frame, 100)) {
          frame.arena.u8.set(plain(FAR, 100, sent), frame.offset);
          nic.commit(frame);
          sent++;
        }
        expect(sent).toBeGreaterThan(size / 2);
        expect(sent).toBeLessThanOrEqual(size);
        bench.inject(plain(nic.mac, 100));
        bench.wait(1000);
        expect(nic.receive(bench.now, frame)).toBe(false);
        bench.heard.length = 0;
        nic.flush(bench.now);
        bench.until(() => bench.heard.length === sent, 'all sent');
        expect(bench.heard).toEqual(Array.from({ length: sent }, (_, i) => plain(FAR, 100, i)));
        expect(bench.next()).toBeDefined();
        expect(nic.reserve(bench.now, frame, 1514)).toBe(true);
        expect(nic.reserve(bench.now, frame, 70_000)).toBe(false);
      }
    });

    it('refuses what it cannot send', () => {
      const bench = open();
      const { frame, nic } = bench;
      const cases: readonly [number, Partial<typeof frame>][] = [
        [5000, {}],
        [5000, { checksum: Checksum.partial, csumStart: 34, csumOffset: 60_000, gsoSize: 1460 }],
        [5000, { checksum: Checksum.partial, csumStart: 140, csumOffset: 16, gsoSize: 1460 }],
        [5000, { checksum: Checksum.partial, csumStart: 34, csumOffset: 16, gsoSize: 2048 }],
        [5000, { checksum: Checksum.partial, csumStart: 34, csumOffset: 6, gsoSize: 1460 }],
      ];
      for (const [bytes, change] of cases) {
        expect(nic.reserve(bench.now, frame, bytes)).toBe(true);
        frame.arena.u8.set(tcp(4, bytes - 54, true), frame.offset);
        Object.assign(frame, change);
        nic.commit(frame);
      }
      nic.flush(bench.now);
      bench.wait(1000);
      expect(bench.heard).toEqual([]);
      expect(nic.statistics()['txRefused']).toBe(cases.length);
      const out = plain(FAR, 1514);
      expect(bench.send(out)).toEqual([out]);
    });

    it('survives any content of the receive ring', () => {
      const off = (at: number, value: number): boolean => at === map.CR.at && (value & map.CR.RE) !== 0;
      survivesAnyRing(new Bench(r8169, make()), map.RDSAR_LO, off, 2048);
    });
  });

  describe('counters', () => {
    it('adds up what the chip counts', () => {
      const bench = open();
      for (let i = 0; i < 5; i++) {
        bench.inject(plain(bench.nic.mac, 100));
        expect(bench.next()).toBeDefined();
        bench.send(plain(FAR, 100));
      }
      const broadcast = new Uint8Array(6).fill(0xff);
      bench.inject(plain(broadcast, 100));
      expect(bench.next()).toBeDefined();
      bench.inject(plain(bench.nic.mac, 100), false);
      bench.wait(1000);
      bench.nic.statistics();
      bench.wait(1000);
      const once = { 'chip.RX_OK': 6, 'chip.RX_OK_BRD': 1, 'chip.TX_OK': 5, rxPackets: 6, txPackets: 5 };
      expect(bench.nic.statistics()).toMatchObject(once);
      bench.wait(1000);
      expect(bench.nic.statistics()).toMatchObject(once);
      expect(bench.problems()).toEqual([]);
    });
  });
});
