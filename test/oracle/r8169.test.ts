/**
 * Proof 2 for the driver of RTL8168H, as far as there is a stranger: QEMU has no such chip, but its RTL8139 has the same rings.
 * What the shim answers in the model's place is in test/support/rtl8139.ts and judges nothing.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type DriverOptions, type Nic, r8169 } from '../../src/drivers/index.js';
import { openQemu, type QemuHost } from '../../src/hosts/qemu/index.js';
import { meta } from '../../src/registers/define.js';
import { FAR, plain } from '../drivers/bench.js';
import { proved } from '../support/results.js';
import { Rtl8139Host, type Rtl8139Shim, STRANGER, TABLE } from '../support/rtl8139.js';
import { openWire, type Wire } from './frame-bench.js';
import * as f from './frames.js';
import { bring, Loop } from './loop.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();
const BROADCAST = new Uint8Array(6).fill(0xff);
/** Rows that some test used. */
const touched = new Set<string>();

interface Bench {
  readonly host: QemuHost;
  readonly wire: Wire;
  readonly nic: Nic;
  readonly loop: Loop;
  readonly shim: Rtl8139Shim;
  /** Sends and returns what came out of the model. */
  send(bytes: Uint8Array, vlan?: number): Promise<Uint8Array>;
  /** What the driver handed up of these frames, in order, when `count` have come. */
  receive(frames: readonly Uint8Array[], count: number): Promise<Uint8Array[]>;
  counter(name: string): number;
}

/** The driver, with rings shorter than the model's own end of them, on the model, and the model on a wire that the test holds the other end of. */
async function onBench(options: DriverOptions, work: (bench: Bench) => Promise<void>): Promise<void> {
  const wire = await openWire();
  const host = await openQemu({
    ...qemu,
    args: ['-netdev', wire.netdev, '-device', 'rtl8139,netdev=n,mac=52:54:00:12:34:56,romfile='],
  });
  try {
    const seen = new Rtl8139Host(host, false);
    const [mode = 'intx'] = options.interrupts ?? [];
    const nic = await bring(
      host,
      { driver: r8169, see: () => seen, options: { checksum: false, txRing: 32, ...options } },
      mode,
    );
    const loop = new Loop(host, nic);
    await loop.until(() => nic.linkUp, 'link');
    await work({
      host,
      wire,
      nic,
      loop,
      shim: seen.shim,
      async send(bytes, vlan = -1) {
        const before = wire.frames.length;
        loop.send((frame) => {
          f.fill(frame, [...bytes]);
          frame.vlan = vlan;
        });
        await loop.until(() => wire.frames.length > before, 'a frame on the wire');
        return wire.frames[before]!;
      },
      async receive(frames, count) {
        loop.inbox.length = 0;
        // Register writes go another way than frames: they come first.
        host.process.qtest.settle();
        for (const frame of frames) wire.inject(frame);
        await loop.until(() => loop.inbox.length >= count, `${count} frames`);
        return [...loop.inbox];
      },
      counter: (name) => nic.statistics()[name] ?? 0,
    });
    expect(seen.shim.problems).toEqual([]);
    for (const name of seen.shim.touched) touched.add(name);
  } finally {
    wire.close();
    await host.close();
  }
}

const padded = (bytes: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(Math.max(60, bytes.length));
  whole.set(bytes);
  return whole;
};

describe.skipIf(!qemu)("r8169 on QEMU's RTL8139 in C+ mode", () => {
  afterAll(() => {
    // A row that nothing uses would say something is answered, or judged, that is not there at all.
    expect([...touched].sort()).toEqual(TABLE.map(({ register }) => register[meta].name).sort());
  });

  it.each(['polled', 'intx'] as const)(
    '%s: frames of all sizes wrap both rings, and the model counts as many',
    async (mode) => {
      await onBench({ interrupts: [mode], rxRing: 32 }, async ({ nic, send, receive, counter, host }) => {
        const sizes = Array.from({ length: 150 }, (_, i) => (i % 3 === 0 ? 14 + i : i % 3 === 1 ? 1514 - i : 300 + i));
        for (const [i, bytes] of sizes.entries()) {
          const out = plain(FAR, bytes, i);
          expect(await send(out)).toEqual(padded(out));
          const back = plain(nic.mac, Math.max(60, bytes), i);
          expect(await receive([back], 1)).toEqual([back]);
        }
        expect(await receive([plain(BROADCAST, 100)], 1)).toHaveLength(1);
        const all = { 'chip.TX_OK': 150, 'chip.RX_OK': 151, 'chip.RX_OK_PHY': 150, 'chip.RX_OK_BRD': 1 };
        expect(nic.statistics()).toMatchObject({ ...all, txPackets: 150, rxPackets: 151, txLost: 0, rxDamaged: 0 });
        expect(counter('chip.RX_ER')).toBe(0);
        await host.run(nic.close(), 'close');
        proved({
          nic: nic.name,
          side: 'driver',
          stranger: STRANGER,
          what: `${mode}: frames of 14 to 1514 bytes, tally`,
        });
      });
    },
  );

  it('filters as the model hashes', async () => {
    await onBench({}, async ({ nic, receive, counter }) => {
      const groups = [
        [0x33, 0x33, 0, 0, 0, 1],
        [0x01, 0x00, 0x5e, 0x7f, 0x12, 0x34],
        [0x01, 0x80, 0xc2, 0, 0, 0x0e],
        [0x33, 0x33, 0xff, 0x12, 0x34, 0x56],
      ].map((bytes) => Uint8Array.from(bytes));
      const stranger = Uint8Array.of(2, 0, 0, 0, 0, 0x55);
      const to = [...groups, stranger, BROADCAST, nic.mac];
      /** Which of `to` pass; the station's own frame comes last and always does. */
      const passes = async (count: number): Promise<Uint8Array[]> =>
        (
          await receive(
            to.map((address) => plain(address, 100)),
            count,
          )
        ).map((frame) => frame.slice(0, 6));
      expect(await passes(2)).toEqual([BROADCAST, nic.mac]);
      for (const group of groups) {
        nic.setReceiveFilter(false, [group]);
        expect(await passes(3)).toEqual([group, BROADCAST, nic.mac]);
      }
      nic.setReceiveFilter(false, groups.slice(1, 3));
      expect(await passes(4)).toEqual([groups[1], groups[2], BROADCAST, nic.mac]);
      nic.setReceiveFilter(false, 'all');
      expect(await passes(6)).toEqual([...groups, BROADCAST, nic.mac]);
      nic.setReceiveFilter(true, []);
      expect(await passes(7)).toEqual(to);
      nic.setReceiveFilter(false, []);
      expect(await passes(2)).toEqual([BROADCAST, nic.mac]);
      // Those that did not pass: five twice, four four times, three, one.
      expect(counter('chip.RX_ER')).toBe(5 * 2 + 4 * 4 + 3 + 1);
      proved({
        nic: nic.name,
        side: 'driver',
        stranger: STRANGER,
        what: 'filters: own, broadcast, multicast, promiscuous',
      });
    });
  });

  it('has tags put in and taken out', async () => {
    await onBench({}, async ({ nic, loop, send, receive }) => {
      const tag = (bytes: Uint8Array): Uint8Array =>
        Uint8Array.from([...bytes.subarray(0, 12), 0x81, 0x00, 0x61, 0x23, ...bytes.subarray(12)]);
      const out = plain(FAR, 200);
      expect(await send(out, 0x6123)).toEqual(tag(out));
      expect(await send(out)).toEqual(out);
      const back = plain(nic.mac, 200);
      expect(await receive([tag(back)], 1)).toEqual([back]);
      expect(loop.frame.vlan).toBe(0x6123);
      expect(await receive([back], 1)).toEqual([back]);
      expect(loop.frame.vlan).toBe(-1);
      proved({ nic: nic.name, side: 'driver', stranger: STRANGER, what: 'VLAN tags in and out' });
    });
  });

  it('goes on after the receive ring was full', async () => {
    await onBench({ rxRing: 32 }, async ({ nic, host, wire, receive, counter }) => {
      for (let i = 0; i < 100; i++) wire.inject(plain(nic.mac, 100, i));
      // Nobody takes any of them until the model has seen them all.
      await host.until(() => counter('chip.RX_OK') + counter('chip.MISS_PKT') === 100, 'a hundred frames', 10_000);
      expect(counter('chip.RX_OK')).toBe(32);
      expect(await receive([], 32)).toEqual(Array.from({ length: 32 }, (_, i) => plain(nic.mac, 100, i)));
      const more = Array.from({ length: 20 }, (_, i) => plain(nic.mac, 300, i));
      expect(await receive(more, 20)).toEqual(more);
      expect(counter('chip.MISS_PKT')).toBe(68);
      proved({ nic: nic.name, side: 'driver', stranger: STRANGER, what: 'a full receive ring' });
    });
  });

  it.each(['polled', 'intx'] as const)('%s: sees the link go and come', async (mode) => {
    await onBench({ interrupts: [mode] }, async ({ nic, host, loop, send }) => {
      const states: boolean[] = [];
      nic.events.on('link', ({ up }) => states.push(up));
      await host.process.monitor('set_link n off');
      await loop.until(() => !nic.linkUp, 'link down');
      await host.process.monitor('set_link n on');
      await loop.until(() => nic.linkUp, 'link up');
      expect(states).toEqual([false, true]);
      expect(nic.link).toEqual({ up: true, speed: 100, fullDuplex: true });
      const out = plain(FAR, 100);
      expect(await send(out)).toEqual(out);
      proved({ nic: nic.name, side: 'driver', stranger: STRANGER, what: `${mode}: link down and up` });
    });
  });

  it('resets the model when doorbells got lost, and goes on', async () => {
    await onBench({}, async ({ nic, loop, shim, send, receive, wire }) => {
      const reasons: string[] = [];
      nic.events.on('recovered', (reason) => reasons.push(reason));
      nic.setReceiveFilter(false, [Uint8Array.of(0x33, 0x33, 0, 0, 0, 1)]);
      shim.deaf = true;
      for (let i = 0; i < 3; i++) loop.send((frame) => f.fill(frame, [...plain(FAR, 100)]));
      await loop.until(() => reasons.length === 1 && nic.linkUp, 'recovery');
      shim.deaf = false;
      expect(nic.statistics()).toMatchObject({ resets: 1, txLost: 3, txPackets: 0 });
      expect(wire.frames).toEqual([]);
      for (let i = 0; i < 100; i++) {
        const out = plain(FAR, 100 + i, i);
        expect(await send(out)).toEqual(out);
      }
      const group = plain(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), 100);
      expect(await receive([group, plain(nic.mac, 200)], 2)).toEqual([group, plain(nic.mac, 200)]);
      expect(nic.statistics()).toMatchObject({ 'chip.TX_OK': 100, txPackets: 100 });
      proved({ nic: nic.name, side: 'driver', stranger: STRANGER, what: 'a lost doorbell' });
    });
  });

  it('ends with one event when the device is gone', async () => {
    await onBench({}, async ({ nic, host }) => {
      const errors: string[] = [];
      nic.events.on('failed', (error) => errors.push(error.message));
      await host.process.stop();
      for (let i = 1; i <= 10; i++) nic.step(host.scheduler.now + i * 3_000_000);
      expect(errors).toEqual(['rtl8168h: TXCFG reads all ones: the device is gone, last value 0xffffffff']);
      expect(nic.linkUp).toBe(false);
    });
  });
});
