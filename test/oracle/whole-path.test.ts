/**
 * Proof 2, whole path: application, stack and driver of ours; NIC, DHCP server and NAT of QEMU; a server of Node's on
 * loopback. 10 MiB down and 10 MiB up with equal SHA-256 in every interrupt mode.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriverOptions, Nic } from '../../src/drivers/index.js';
import { openQemu, type QemuHost } from '../../src/hosts/qemu/index.js';
import { runLab } from '../../src/lab/index.js';
import { hex, streamDigest, writeStream } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';
import { proved } from '../support/results.js';
import { MOST_TRANSMIT, Rtl8139Host, STRANGER } from '../support/rtl8139.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();
const BYTES = 10 * 1_048_576;
const CHUNK = 65_536;
/** slirp's name for this machine's loopback. */
const LOOPBACK = '10.0.2.2';

interface Case {
  readonly device: string;
  readonly name: string;
  readonly options: DriverOptions;
  /** Another way to look at QEMU's machine. */
  readonly see?: typeof seenAsRtl8168h;
}

const seenAsRtl8168h = (host: QemuHost, { checksum = true }: DriverOptions): Rtl8139Host =>
  new Rtl8139Host(host, checksum);
const txRing = MOST_TRANSMIT;
const RTL8139 = { device: 'rtl8139', name: 'rtl8168h', see: seenAsRtl8168h } as const;

const CASES: readonly Case[] = [
  { device: 'e1000', name: '82540em', options: { interrupts: ['polled'] } },
  { device: 'e1000', name: '82540em', options: { interrupts: ['intx'] } },
  { device: 'e1000', name: '82540em', options: { interrupts: ['intx'], checksum: false, rxRing: 32, txRing: 32 } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['polled'] } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['intx'] } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['msi'], checksum: false, rxRing: 32, txRing: 32 } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['msix'] } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['msix'], rxQueues: 2 } },
  { device: 'e1000e', name: '82574l', options: { interrupts: ['intx'], rxQueues: 2 } },
  { device: 'virtio-net-pci,disable-legacy=on', name: 'virtio-net', options: { interrupts: ['polled'] } },
  { device: 'virtio-net-pci,disable-legacy=on', name: 'virtio-net', options: { interrupts: ['intx'] } },
  { device: 'virtio-net-pci,disable-legacy=on', name: 'virtio-net', options: { interrupts: ['msix'] } },
  { device: 'virtio-net-pci,disable-legacy=on,vectors=2', name: 'virtio-net', options: { interrupts: ['msix'] } },
  {
    device: 'virtio-net-pci,disable-legacy=on,event_idx=off,indirect_desc=off,mrg_rxbuf=off,ctrl_vq=off',
    name: 'virtio-net',
    options: { interrupts: ['msix'], rxRing: 16, txRing: 16 },
  },
  { device: 'virtio-net-pci', name: 'virtio-net', options: { interrupts: ['intx'] } },
  { ...RTL8139, options: { interrupts: ['polled'], checksum: false, txRing } },
  { ...RTL8139, options: { interrupts: ['intx'], checksum: false, txRing, rxRing: 32 } },
  { ...RTL8139, options: { interrupts: ['intx'], segmentation: false, txRing } },
  { ...RTL8139, options: { interrupts: ['intx'], txRing } },
];

describe.skipIf(!qemu)('whole path through QEMU and slirp', () => {
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      const hash = createHash('sha256');
      let length = 0;
      request.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        length += chunk.length;
      });
      request.on('end', () => response.end(JSON.stringify({ length, sha256: hash.digest('hex') })));
      return;
    }
    response.setHeader('Content-Length', BYTES);
    let at = 0;
    const more = (): void => {
      while (at < BYTES) {
        const chunk = new Uint8Array(Math.min(CHUNK, BYTES - at));
        writeStream(chunk, 0, at, chunk.length);
        at += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  let base = '';
  const sha256 = hex(streamDigest(BYTES, () => createHash('sha256')));

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  for (const { device, name, options, see } of CASES) {
    it(`${device}: ${JSON.stringify(options)}`, async () => {
      const mac = '52:54:00:12:34:56';
      const host = await openQemu({
        ...qemu,
        args: ['-netdev', 'user,id=n', '-device', `${device},netdev=n,mac=${mac},romfile=`],
      });
      const seen = see?.(host, options);
      let nic: Nic | undefined;
      let statistics: Readonly<Record<string, number>> = {};
      try {
        const report = await runLab({
          host: seen ?? host,
          scheduler: host.scheduler,
          arena: new OwnedArena(64 << 20),
          random: new Random(1),
          diagnostics: new Diagnostics(),
          drive: (_scheduler, done) => host.until(done, 'the lab', 120_000),
          driverOptions: options,
          onProbed: (records) => {
            nic = records.find((record) => record.value)?.value;
          },
          onProgress: () => {
            if (Object.keys(statistics).length === 0) statistics = nic!.statistics();
          },
          job: {
            download: { url: `${base}/bytes`, bytes: BYTES, sha256 },
            upload: { url: `${base}/upload`, bytes: BYTES, sha256, fill: writeStream },
            hash: () => {
              const hash = createHash('sha256');
              return {
                update: (u8, at, bytes) => hash.update(u8.subarray(at, at + bytes)),
                digest: () => hash.digest('hex'),
              };
            },
          },
        });
        expect(report.diagnostics).toEqual([]);
        expect(report.devices).toHaveLength(1);
        expect(report.devices[0]).toMatchObject({
          nic: name,
          ipv4: '10.0.2.15/24',
          bytes: BYTES,
          sha256Ok: true,
          uploaded: BYTES,
          uploadOk: true,
          interrupts: options.interrupts![0],
        });
        expect(report.devices[0]!.error).toBeUndefined();
        expect(report.ok).toBe(true);
        expect(statistics['rxPackets']).toBeGreaterThan(0);
        const after = nic!.statistics();
        expect(after['resets']).toBe(0);
        expect(after['txRefused']).toBe(0);
        expect(after['rxMalformed']).toBe(0);
        if (seen) {
          expect(seen.shim.problems).toEqual([]);
          const { interrupts, checksum = true, segmentation = true } = options;
          const sums = checksum ? `, sums${segmentation ? ' and segments' : ''} told in the old layout` : '';
          const what = `${interrupts![0]}: lease, 10 MiB each way${sums}`;
          proved({ nic: name, side: 'driver', stranger: STRANGER, what });
        }
      } finally {
        await host.close();
      }
    });
  }
});
