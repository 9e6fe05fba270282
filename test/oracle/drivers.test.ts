/** Proof 2, frame level: our drivers on QEMU's own models, heard and answered by slirp, in every interrupt mode. */
import { describe, expect, it } from 'vitest';
import { e1000, e1000e, r8169, virtioNet } from '../../src/drivers/index.js';
import { openQemu } from '../../src/hosts/qemu/index.js';
import { MOST_TRANSMIT, Rtl8139Host } from '../support/rtl8139.js';
import * as f from './frames.js';
import { bring, Loop, type Model } from './loop.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();

const MODELS: readonly Model[] = [
  { driver: e1000, device: 'e1000', modes: ['polled', 'intx'] },
  { driver: e1000e, device: 'e1000e', modes: ['polled', 'intx', 'msi', 'msix'] },
  { driver: virtioNet, device: 'virtio-net-pci,disable-legacy=on', modes: ['polled', 'intx', 'msix'] },
  {
    driver: r8169,
    device: 'rtl8139',
    modes: ['polled', 'intx'],
    see: (host) => new Rtl8139Host(host, true),
    options: { txRing: MOST_TRANSMIT },
  },
];

describe.skipIf(!qemu)('drivers on QEMU models', () => {
  for (const model of MODELS) {
    const { driver, device } = model;
    for (const mode of model.modes) {
      it(`${driver.name}, ${mode}: link, ARP, 300 pings of all sizes, DHCP (checksum by the NIC if it can)`, async () => {
        const host = await openQemu({
          ...qemu,
          args: ['-netdev', 'user,id=n', '-device', `${device},netdev=n,mac=52:54:00:12:34:56`],
        });
        try {
          const nic = await bring(host, model, mode);
          expect(nic.interruptMode).toBe(mode);
          expect([...nic.mac]).toEqual([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
          const loop = new Loop(host, nic);
          await loop.until(() => nic.linkUp, 'link');

          loop.send((frame) => f.fill(frame, f.arpRequest(nic.mac)));
          let gateway: Uint8Array | undefined;
          await loop.until(() => {
            gateway = loop.inbox.find((bytes) => f.isArpReply(bytes, nic.mac))?.slice(6, 12);
            return gateway !== undefined;
          }, 'ARP reply');

          loop.inbox.length = 0;
          const sizes = [0, 1, 18, 56, 333, 1000, 1471, 1472];
          const answered = new Set<number>();
          for (let sequence = 1; sequence <= 300; sequence++) {
            const bytes = sizes[sequence % sizes.length]!;
            loop.send((frame) => f.fill(frame, f.ping(nic.mac, gateway!, sequence, bytes)));
            // Up to eight are under way: rings wrap, batches form.
            await loop.until(() => {
              for (const frame of loop.inbox.splice(0)) {
                const got = f.pong(frame, sizes[((frame[40]! << 8) | frame[41]!) % sizes.length]!);
                if (got >= 0) answered.add(got);
              }
              return answered.size >= sequence - (sequence === 300 ? 0 : 8);
            }, `answer to ping ${sequence} (${answered.size} so far)`);
          }
          expect(answered.size).toBe(300);

          // QEMU offers virtio-net's checksum bits only above a backend with headers, which slirp has not.
          expect(nic.capabilities.txChecksum).toBe(driver !== virtioNet);
          loop.send((frame) => f.discover(nic.mac, frame, 0x4711, nic.capabilities.txChecksum));
          let address: string | undefined;
          await loop.until(() => {
            for (const frame of loop.inbox.splice(0)) address ??= f.offered(frame, 0x4711);
            return address !== undefined;
          }, 'DHCP offer');
          expect(address).toBe('10.0.2.15');

          const statistics = nic.statistics();
          expect(statistics['txPackets']).toBe(302);
          expect(statistics['rxPackets']).toBeGreaterThanOrEqual(302);
          if (mode === 'msix' || mode === 'msi') expect(host.interrupts.counts.messages).toBeGreaterThan(10);
          if (mode === 'intx') expect(host.interrupts.counts.lines).toBeGreaterThan(10);
          if (mode === 'polled') expect(host.interrupts.counts).toEqual({ messages: 0, lines: 0, unclaimed: 0 });

          const used = host.memory.used;
          await host.run(nic.close(), 'close');
          expect(host.memory.used).toBeLessThan(used);
          expect(nic.receive(0, loop.frame)).toBe(false);
          expect(nic.reserve(0, loop.frame, 60)).toBe(false);
        } finally {
          await host.close();
        }
      });
    }
  }
});
