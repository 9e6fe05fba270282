/** Proof 2, frame level: our drivers on QEMU's own models, heard and answered by slirp, in every interrupt mode. */
import { describe, expect, it } from 'vitest';
import { e1000, e1000e, type InterruptMode, type Nic, type NicDriver, virtioNet } from '../../src/drivers/index.js';
import { openQemu, type QemuHost } from '../../src/hosts/qemu/index.js';
import { enumerate, issuesText, type ProbeOutcome, score } from '../../src/pci/index.js';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import * as f from './frames.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();

interface Model {
  readonly driver: NicDriver;
  readonly device: string;
  readonly modes: readonly InterruptMode[];
}

const MODELS: readonly Model[] = [
  { driver: e1000, device: 'e1000', modes: ['polled', 'intx'] },
  { driver: e1000e, device: 'e1000e', modes: ['polled', 'intx', 'msi', 'msix'] },
  { driver: virtioNet, device: 'virtio-net-pci,disable-legacy=on', modes: ['polled', 'intx', 'msix'] },
];

async function bring(host: QemuHost, driver: NicDriver, mode: InterruptMode, more = {}): Promise<Nic> {
  const topology = enumerate(host);
  expect(issuesText(topology.issues)).toBe('');
  for (const fn of topology.functions) {
    const id = driver.ids.find((row) => score(row, fn) > 0);
    if (!id) continue;
    const outcome: ProbeOutcome<Nic> = await host.run(
      driver.probe(fn, id, { interrupts: [mode], ...more }),
      'bring-up',
    );
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'declined') throw new Error(outcome.reason);
    return outcome.value;
  }
  throw new Error('nothing to drive');
}

/** A loop around a NIC: in interrupt modes it looks only when told to, or when the driver asked for a time. */
class Loop {
  readonly frame: Frame;
  readonly inbox: Uint8Array[] = [];
  ready = true;
  rounds = 0;
  readonly host: QemuHost;
  readonly nic: Nic;

  constructor(host: QemuHost, nic: Nic) {
    this.host = host;
    this.nic = nic;
    this.frame = emptyFrame(host.memory.arena);
    nic.onReady = () => {
      this.ready = true;
    };
  }

  poll(): void {
    const now = this.host.scheduler.now;
    if (this.nic.interruptMode !== 'polled' && !this.ready && now < this.nic.nextStep) return;
    this.ready = false;
    this.rounds++;
    for (let i = 0; i < 64 && this.nic.receive(now, this.frame); i++) this.inbox.push(f.bytesOf(this.frame));
    this.nic.step(now);
    this.nic.flush(now);
  }

  send(write: (frame: Frame) => void): void {
    expect(this.nic.reserve(this.host.scheduler.now, this.frame, 1514)).toBe(true);
    write(this.frame);
    this.nic.commit(this.frame);
    this.nic.flush(this.host.scheduler.now);
  }

  async until(done: () => boolean, what: string): Promise<void> {
    await this.host.until(
      () => {
        this.poll();
        return done();
      },
      what,
      10_000,
    );
  }
}

describe.skipIf(!qemu)('drivers on QEMU models', () => {
  for (const { driver, device, modes } of MODELS) {
    for (const mode of modes) {
      it(`${driver.name}, ${mode}: link, ARP, 300 pings of all sizes, DHCP (checksum by the NIC if it can)`, async () => {
        const host = await openQemu({
          ...qemu,
          args: ['-netdev', 'user,id=n', '-device', `${device},netdev=n,mac=52:54:00:12:34:56`],
        });
        try {
          const nic = await bring(host, driver, mode);
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
