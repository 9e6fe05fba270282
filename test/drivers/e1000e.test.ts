import { describe, expect, it } from 'vitest';
import { type E1000eNic, e1000e } from '../../src/drivers/index.js';
import { I82574 } from '../../src/emulators/index.js';
import * as chip from '../../src/registers/i82574/index.js';
import { Bench, plain, tcp } from './bench.js';

const read = (bench: Bench, at: number): number => bench.fn.mapBar(0).read32(at);

describe('bring-up of the 82574L', () => {
  it('asks for the PHY before it talks to it, and gives it back', () => {
    const bench = new Bench(e1000e, new I82574());
    let owned = false;
    let accesses = 0;
    bench.meddler = {
      write: (at, value) => {
        if (at === chip.EXTCNF_CTRL.at) owned = (value & chip.EXTCNF_CTRL.MDIO_SW_OWNERSHIP) !== 0;
        if (at === chip.MDIC.at) {
          accesses++;
          expect(owned).toBe(true);
        }
        return false;
      },
    };
    bench.open({ interrupts: ['polled'] });
    bench.wait(10_000);
    expect(accesses).toBeGreaterThan(5);
    expect(owned).toBe(false);
    expect(bench.nic.link).toEqual({ up: true, speed: 1000, fullDuplex: true });
    expect(bench.problems()).toEqual([]);
  });

  it('fails by name when firmware keeps the PHY, and when the NVM is damaged', () => {
    const kept = new Bench(e1000e, new I82574());
    kept.meddler = {
      read: (at, value) => (at === chip.EXTCNF_CTRL.at ? value & ~chip.EXTCNF_CTRL.MDIO_SW_OWNERSHIP : undefined),
    };
    expect(kept.probe()).toMatchObject({
      kind: 'failed',
      error: { code: 'timeout', place: { register: 'EXTCNF_CTRL', ref: '82574 §10.2.2.16' } },
    });
    const damaged = new Bench(e1000e, new I82574());
    damaged.meddler = { read: (at, value) => (at === chip.EERD.at ? value ^ 0x0001_0000 : undefined) };
    expect(damaged.probe()).toMatchObject({ kind: 'failed', error: { code: 'bad-nvm' } });
  });
});

describe('receive rings', () => {
  /** TCP frames of as many flows. */
  const flows = (bench: Bench, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => {
      const frame = tcp(4, 10 + i, false, bench.nic.mac);
      new DataView(frame.buffer).setUint16(34, 4000 + i);
      return frame;
    });
  const received = (bench: Bench): Uint8Array[] => {
    const list: Uint8Array[] = [];
    for (let frame = bench.next(); frame; frame = bench.next()) list.push(frame);
    return list;
  };
  const key = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');

  for (const mode of ['polled', 'intx', 'msi', 'msix'] as const)
    it(`two of them share flows by hash, ${mode}; none is lost`, () => {
      const bench = new Bench(e1000e, new I82574()).open({ rxQueues: 2, interrupts: [mode] });
      let ready = 0;
      bench.nic.onReady = () => ready++;
      expect(read(bench, chip.MRQC.at) & chip.MRQC.ENABLE).toBe(1);
      const sent = flows(bench, 64);
      for (const frame of sent) bench.inject(frame);
      // What has no hash goes to the first.
      bench.inject(plain(bench.nic.mac, 100));
      expect(received(bench).map(key).sort()).toEqual([...sent, plain(bench.nic.mac, 100)].map(key).sort());
      const statistics = bench.nic.statistics();
      expect(statistics['rxPackets']).toBe(65);
      expect(statistics['rxPackets.0']).toBeGreaterThan(10);
      expect(statistics['rxPackets.1']).toBeGreaterThan(10);
      if (mode !== 'polled') expect(ready).toBeGreaterThan(0);
      expect(bench.problems()).toEqual([]);
    });

  it('keep the order within a flow, over many turns of both', () => {
    const bench = new Bench(e1000e, new I82574()).open({ rxQueues: 2, rxRing: 32 });
    const list = flows(bench, 6);
    const seen = new Map<number, number>();
    for (let round = 0; round < 100; round++) {
      for (const frame of list) {
        new DataView(frame.buffer).setUint32(38, round);
        bench.inject(frame);
      }
      for (const frame of received(bench)) {
        const view = new DataView(frame.buffer, frame.byteOffset);
        const port = view.getUint16(34);
        expect(view.getUint32(38)).toBe(seen.get(port) ?? 0);
        seen.set(port, (seen.get(port) ?? 0) + 1);
      }
    }
    expect([...seen.values()]).toEqual(list.map(() => 100));
  });

  it('are one where one is asked for, and at most two', () => {
    const one = new Bench(e1000e, new I82574()).open();
    expect(read(one, chip.MRQC.at)).toBe(0);
    expect((one.nic as E1000eNic).statistics()).not.toHaveProperty('rxPackets.0');
    const many = new Bench(e1000e, new I82574()).open({ rxQueues: 9 });
    expect(many.nic.statistics()).toMatchObject({ 'rxPackets.0': 0, 'rxPackets.1': 0 });
  });
});
