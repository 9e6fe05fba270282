/**
 * Proof 2 above TAP: QEMU offers virtio-net's checksum and segmentation bits only above a backend that carries the header,
 * and only here are frames larger than 1514 bytes. Behind it stands the TCP of a Linux kernel in a network namespace.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startLoopbackServer } from '../../src/cli/loopback-server.js';
import { type DriverOptions, type Nic, VirtioNic } from '../../src/drivers/index.js';
import { has } from '../../src/drivers/virtio-net/transport.js';
import { findQemu, openQemu } from '../../src/hosts/qemu/index.js';
import { runLab } from '../../src/lab/index.js';
import { hex, streamDigest, writeStream } from '../../src/net/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';
import { NET_FEATURE } from '../../src/registers/virtio.js';
import { orSkip } from '../support/skips.js';
import { Unavailable } from '../support/unavailable.js';
import { qemuForTests } from './support.js';

const BYTES = 32 * 1_048_576;
const qemu = await qemuForTests();
const space = `nicforge-tap-${process.pid}`;
const usable = await orSkip(async () => {
  if (process.getuid?.() !== 0) throw new Unavailable('tun', 'privilege', 'a network namespace needs root');
  if (!existsSync('/dev/net/tun')) throw new Unavailable('tun', 'privilege', 'there is no /dev/net/tun');
  try {
    execFileSync('ip', ['netns', 'add', space], { stdio: 'pipe' });
  } catch (error) {
    throw new Unavailable('tun', 'privilege', `ip netns add: ${String(error).slice(0, 200)}`);
  }
  execFileSync('ip', ['netns', 'del', space]);
  return true;
});

const CASES: readonly { device: string; options: DriverOptions }[] = [
  { device: 'virtio-net-pci,disable-legacy=on', options: {} },
  { device: 'virtio-net-pci,disable-legacy=on,host_mtu=9000', options: { mtu: 9000 } },
  { device: 'virtio-net-pci,disable-legacy=on,mrg_rxbuf=off', options: { mtu: 9000, interrupts: ['polled'] } },
  { device: 'virtio-net-pci,disable-legacy=on', options: { segmentation: false } },
  { device: 'e1000', options: { mtu: 9000 } },
  { device: 'e1000e', options: { mtu: 9000 } },
  { device: 'e1000', options: { mtu: 9000, segmentation: false, interrupts: ['polled'] } },
];

describe.skipIf(!qemu || !usable)('above TAP, with the TCP of a Linux kernel behind it', () => {
  for (const { device, options } of CASES) {
    it(`${device} ${JSON.stringify(options)}: 32 MiB each way`, async () => {
      const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
      const prefix = ['ip', 'netns', 'exec', space];
      ip('netns', 'add', space);
      let close: (() => Promise<void>) | undefined;
      try {
        ip('netns', 'exec', space, 'ip', 'tuntap', 'add', 'tap0', 'mode', 'tap', 'vnet_hdr');
        ip('netns', 'exec', space, 'ip', 'link', 'set', 'tap0', 'mtu', String(options.mtu ?? 1500), 'up');
        ip('netns', 'exec', space, 'ip', 'addr', 'add', '10.9.0.1/24', 'dev', 'tap0');
        const server = await startLoopbackServer('10.9.0.1', prefix);
        const program = qemu!.program ?? { file: findQemu()!, args: [], env: {} };
        const host = await openQemu({
          program: { file: 'ip', args: ['netns', 'exec', space, program.file, ...program.args], env: program.env },
          args: [
            '-netdev',
            'tap,id=n,ifname=tap0,script=no,downscript=no,vhost=off',
            '-device',
            `${device},netdev=n,romfile=`,
          ],
        });
        close = async () => {
          server.close();
          await host.close();
        };
        const sha256 = hex(streamDigest(BYTES, () => createHash('sha256')));
        let nic: Nic | undefined;
        const report = await runLab({
          host,
          scheduler: host.scheduler,
          arena: new OwnedArena(64 << 20),
          random: new Random(1),
          diagnostics: new Diagnostics(),
          driverOptions: options,
          drive: (_scheduler, done) => host.until(done, 'the lab', 120_000),
          onProbed: (records) => {
            nic = records.find((record) => record.value)?.value;
          },
          job: {
            dhcp: {
              fallback: { address: '10.9.0.2/24', router: '10.9.0.1' },
              fallbackAfter: 300_000,
              firstWait: 100_000,
            },
            download: { url: `http://10.9.0.1:${server.port}/bytes/${BYTES}`, bytes: BYTES, sha256 },
            upload: { url: `http://10.9.0.1:${server.port}/upload`, bytes: BYTES, sha256, fill: writeStream },
            hash: () => {
              const hash = createHash('sha256');
              return {
                update: (u8, at, bytes) => hash.update(u8.subarray(at, at + bytes)),
                digest: () => hash.digest('hex'),
              };
            },
          },
        });
        const { capabilities } = nic!;
        expect(capabilities).toMatchObject({ mtu: options.mtu ?? 1500, txChecksum: true });
        if (nic instanceof VirtioNic) {
          expect(has(nic.features, NET_FEATURE.CSUM) && has(nic.features, NET_FEATURE.GUEST_CSUM)).toBe(true);
          expect(has(nic.features, NET_FEATURE.HOST_TSO4)).toBe(options.segmentation ?? true);
        }
        expect(report.devices[0]?.error).toBeUndefined();
        expect(report.devices[0]).toMatchObject({ sha256Ok: true, uploadOk: true });
        const { txPackets, rxMalformed, txRefused } = nic!.statistics();
        expect({ rxMalformed, txRefused }).toEqual({ rxMalformed: 0, txRefused: 0 });
        // Segmentation by the other side: far fewer frames than segments.
        const segments = BYTES / (capabilities.mtu - 40);
        if (options.segmentation ?? true) expect(txPackets).toBeLessThan(segments);
      } finally {
        await close?.();
        ip('netns', 'del', space);
      }
    });
  }
});
