import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type VirtioNic, virtioNet } from '../../src/drivers/index.js';
import { has } from '../../src/drivers/virtio-net/transport.js';
import { VirtioNet } from '../../src/emulators/index.js';
import * as virtio from '../../src/registers/virtio.js';
import { Bench, FAR, plain } from './bench.js';

const { FEATURE, NET_FEATURE } = virtio;

describe('bring-up', () => {
  it('takes what is offered and nothing else', () => {
    const nic = new Bench(virtioNet, new VirtioNet()).open().nic as VirtioNic;
    for (const bit of [FEATURE.VERSION_1, FEATURE.EVENT_IDX, NET_FEATURE.MRG_RXBUF, NET_FEATURE.CTRL_RX])
      expect(has(nic.features, bit), String(bit)).toBe(true);
    expect(has(nic.features, NET_FEATURE.MQ)).toBe(false);
    expect(nic.interruptMode).toBe('msix');
  });

  it('fails where VERSION_1 is missing', () => {
    const bench = new Bench(virtioNet, new VirtioNet({ without: [FEATURE.VERSION_1] }));
    expect(bench.probe()).toMatchObject({ kind: 'failed', error: { code: 'unsupported' } });
  });

  it('declines a function with the legacy interface only', () => {
    const bench = new Bench(virtioNet, new VirtioNet());
    const legacy = Object.create(bench.fn, { capability: { value: () => undefined } });
    expect(bench.run(virtioNet.probe(legacy, virtioNet.ids[1]!, {}))).toMatchObject({ kind: 'declined' });
  });

  const lacking: readonly (readonly number[])[] = [
    [FEATURE.EVENT_IDX],
    [FEATURE.INDIRECT_DESC],
    [NET_FEATURE.MRG_RXBUF],
    [NET_FEATURE.CTRL_VQ, NET_FEATURE.CTRL_RX],
    [NET_FEATURE.STATUS],
    [NET_FEATURE.MTU],
    [NET_FEATURE.MAC],
    [NET_FEATURE.CSUM, NET_FEATURE.HOST_TSO4, NET_FEATURE.HOST_TSO6, NET_FEATURE.HOST_ECN],
    [FEATURE.EVENT_IDX, FEATURE.INDIRECT_DESC, NET_FEATURE.MRG_RXBUF, NET_FEATURE.STATUS],
  ];
  for (const without of lacking) {
    for (const mode of ['polled', 'intx', 'msix'] as const) {
      it(`works without features ${without.join(', ')}, ${mode}, adversarial`, () => {
        const bench = new Bench(virtioNet, new VirtioNet({ without }), 'adversarial').open({
          interrupts: [mode],
          rxRing: 16,
          txRing: 16,
        });
        for (let i = 0; i < 100; i++) {
          const out = plain(FAR, 60 + i * 14, i);
          expect(bench.send(out)).toEqual([out]);
          const back = plain(bench.nic.mac, 60 + i * 14, i + 1);
          bench.inject(back);
          expect(bench.next()).toEqual(back);
        }
        expect(bench.problems()).toEqual([]);
      });
    }
  }
});

describe('a full transmit ring', () => {
  it('lets a received frame wait without calling that progress', () => {
    const bench = new Bench(virtioNet, new VirtioNet()).open({ interrupts: ['msix'], txRing: 8 });
    const { frame, nic } = bench;
    let sent = 0;
    for (; nic.reserve(bench.now, frame, 100); sent++) {
      frame.arena.u8.set(plain(FAR, 100, sent), frame.offset);
      nic.commit(frame);
    }
    bench.inject(plain(nic.mac, 100));
    bench.wait(1000);
    expect(nic.receive(bench.now, frame)).toBe(false);
    for (let i = 0; i < 5; i++) expect(nic.step(bench.now)).toBe(0);
    let ready = 0;
    nic.onReady = () => ready++;
    nic.flush(bench.now);
    bench.wait(1000);
    // The transmit queue tells that there is room again.
    expect(ready).toBeGreaterThan(0);
    expect(bench.next()).toEqual(plain(nic.mac, 100));
    expect(bench.heard).toHaveLength(sent);
  });
});

describe('trouble', () => {
  it('starts again when the device asks for a reset', () => {
    const bench = new Bench(virtioNet, new VirtioNet()).open({ interrupts: ['polled'] });
    const reasons: string[] = [];
    bench.nic.events.on('recovered', (reason) => reasons.push(reason));
    const first = plain(FAR, 100);
    bench.send(first);
    const { NEEDS_RESET } = virtio.DEVICE_STATUS;
    const status = virtio.DEVICE_STATUS.at;
    let sick = true;
    bench.meddler = {
      read: (at, value) => (sick && at === status ? value | NEEDS_RESET : undefined),
      write: (at) => {
        if (at === status) sick = false;
        return false;
      },
    };
    bench.until(() => reasons.length > 0 && bench.nic.linkUp, 'recovery');
    expect(reasons).toEqual(['the device asked to be reset']);
    const frame = plain(FAR, 200);
    expect(bench.send(frame)).toEqual([frame]);
    bench.inject(plain(bench.nic.mac, 200));
    expect(bench.next()).toBeDefined();
    expect(bench.nic.statistics()).toMatchObject({ resets: 1, txPackets: 2, rxPackets: 1 });
    expect(bench.problems()).toEqual([]);
  });

  it('rings again when a doorbell got lost', () => {
    const bench = new Bench(virtioNet, new VirtioNet()).open({ interrupts: ['polled'] });
    // What bring-up had the device look at is over by then.
    bench.wait(10_000);
    let swallow = 1;
    bench.meddler = { write: (at, value) => at >= 0x3000 && value === 1 && swallow-- > 0 };
    bench.heard.length = 0;
    expect(bench.nic.reserve(bench.now, bench.frame, 100)).toBe(true);
    bench.nic.commit(bench.frame);
    bench.nic.flush(bench.now);
    bench.until(() => bench.heard.length === 1, 'the frame');

    expect(bench.nic.statistics()['kicks']).toBe(1);
  });

  it('ends with one event when the device is pulled', () => {
    for (const mode of ['polled', 'intx', 'msix'] as const) {
      const bench = new Bench(virtioNet, new VirtioNet()).open({ interrupts: [mode] });
      const errors: string[] = [];
      bench.nic.events.on('failed', (error) => errors.push(error.message));
      bench.machine.remove(bench.shell);
      bench.until(() => errors.length > 0, 'failed');
      for (let i = 0; i < 10; i++) bench.nic.step(bench.now + i * 3_000_000);
      expect(errors).toEqual(['virtio-net: DEVICE_STATUS reads all ones: the device is gone, last value 0xff']);
      expect(bench.nic.receive(bench.now, bench.frame)).toBe(false);
      bench.run(bench.nic.close());
    }
  });

  it('notices that the cable was pulled and plugged', () => {
    const bench = new Bench(virtioNet, new VirtioNet()).open({ interrupts: ['msix'] });
    bench.cable.pull();
    bench.until(() => !bench.nic.linkUp, 'link down', 100_000);
    bench.cable.plug();
    bench.until(() => bench.nic.linkUp, 'link up', 100_000);
  });

  it('survives any content of its queues', () => {
    const bench = new Bench(virtioNet, new VirtioNet());
    const rings: number[] = [];
    let selected = 0;
    bench.meddler = {
      write: (at, value) => {
        if (at === virtio.QUEUE_SELECT.at) selected = value;
        if (at === virtio.QUEUE_DEVICE_LOW.at) rings[selected] = value >>> 0;
        return false;
      },
    };
    bench.open({ interrupts: ['polled'], rxRing: 16, txRing: 16 });
    const { arena } = bench.machine;
    const region = bench.machine.dma(bench.fn.address).alloc(64, 64);
    const delta = region.address - region.offset;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), fc.uint8Array({ minLength: 132, maxLength: 132 }), (queue, bytes) => {
        arena.u8.set(bytes, rings[queue]! - (delta % 2 ** 32));
        for (let i = 0; i < 20; i++) {
          if (bench.nic.receive(bench.now, bench.frame)) expect(bench.frame.length).toBeLessThanOrEqual(65534);
          if (bench.nic.reserve(bench.now, bench.frame, 60)) bench.nic.commit(bench.frame);
          bench.nic.flush(bench.now);
          bench.nic.step(bench.now);
        }
        // What it could not believe made it start again, with new queues.
        bench.until(() => bench.nic.linkUp, 'recovery');
      }),
      { numRuns: 60 },
    );
    const frame = plain(FAR, 100);
    bench.until(() => bench.nic.linkUp, 'link');
    expect(bench.send(frame)).toContainEqual(frame);
  });
});
