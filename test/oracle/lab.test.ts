/** The whole path with something foreign at one end: QEMU's models, QEMU's user network, a Linux kernel's TCP. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NICS } from '../../src/lab/index.js';
import { labJson } from '../support/cli.js';
import { need } from '../support/fetch.js';
import { qemuBinary } from '../support/qemu-binary.js';
import { proved } from '../support/results.js';
import { orSkip } from '../support/skips.js';
import { Unavailable } from '../support/unavailable.js';

const names = NICS.map((nic) => nic.name);
const qemu = await orSkip(qemuBinary);
const tshark = await orSkip(() => need('tshark'));
const namespaces = await orSkip(async () => {
  const name = `nicforge-try-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    execFileSync('test', ['-c', '/dev/net/tun']);
    return true;
  } catch (error) {
    throw new Unavailable('network namespace', 'privilege', error instanceof Error ? error.message : String(error));
  }
});

/** QEMU's models: it has none of Realtek's newer chips (r8169.test.ts runs the rings of one on an older one). */
const MODES: Readonly<Record<string, readonly string[]>> = {
  '82540em': ['polled', 'intx'],
  '82574l': ['polled', 'intx', 'msi', 'msix'],
  'virtio-net': ['polled', 'intx', 'msix'],
};

describe.skipIf(!qemu)("our drivers on QEMU's models, slirp behind them", () => {
  for (const [nic, modes] of Object.entries(MODES)) {
    for (const mode of modes) {
      test(`${nic} ${mode}: lease, 10 MiB down and up`, async () => {
        const { report, result } = await labJson([
          '--host',
          'qemu',
          '--peer',
          'slirp',
          '--nic',
          nic,
          '--interrupts',
          mode,
          '--mib',
          '10',
          '--upload',
        ]);
        expect(report.ok, JSON.stringify(report) + result.stderr).toBe(true);
        const device = report.devices[0]!;
        expect(device).toMatchObject({
          nic,
          interrupts: mode,
          bytes: 10_485_760,
          sha256Ok: true,
          uploaded: 10_485_760,
          uploadOk: true,
        });
        expect(device.ipv4).toMatch(/^10\.0\.2\./);
        proved({ nic, side: 'driver', stranger: "QEMU's model, slirp", what: `${mode}: lease, 10 MiB each way` });
      });
    }
  }
});

describe.skipIf(!qemu)('our models and stack against slirp', () => {
  for (const nic of names) {
    test(`${nic}: lease, 10 MiB down and up`, async () => {
      const { report, result } = await labJson(['--peer', 'slirp', '--nic', nic, '--mib', '10', '--upload']);
      expect(report.ok, JSON.stringify(report) + result.stderr).toBe(true);
      expect(report.devices[0]).toMatchObject({ sha256Ok: true, uploadOk: true });
      proved({ nic, side: 'stack', stranger: 'slirp', what: 'DHCP, TCP 10 MiB each way' });
    });
  }
});

describe.skipIf(!namespaces)("our stack against a Linux kernel's TCP", () => {
  for (const [nic, loss] of [
    ['82540em', '0'],
    ['82540em', '0.005'],
    ['virtio-net', '0.005'],
    ['rtl8168h', '0.005'],
    ['rtl8125b', '0'],
  ] as const) {
    test(`${nic}, loss ${loss}: 32 MiB down and up, and a capture that tshark finds no fault in`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nicforge-peer-'));
      try {
        const file = join(folder, 'wire.pcapng');
        const { report, result } = await labJson([
          '--peer',
          'linux',
          '--nic',
          nic,
          '--mib',
          '32',
          '--upload',
          '--loss',
          loss,
          '--pcapng',
          file,
        ]);
        expect(report.ok, JSON.stringify(report) + result.stderr).toBe(true);
        expect(report.devices[0]).toMatchObject({
          bytes: 33_554_432,
          sha256Ok: true,
          uploaded: 33_554_432,
          uploadOk: true,
        });
        if (tshark) expect(complaints(tshark.program, file)).toBe('');
        proved({ nic, side: 'stack', stranger: 'Linux TCP over TAP', what: `32 MiB each way, loss ${loss}` });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

describe.skipIf(!tshark)('captures', () => {
  test.each(names)(
    '%s: tshark reads what the lab captured without a malformed frame or a bad checksum',
    async (nic) => {
      const folder = mkdtempSync(join(tmpdir(), 'nicforge-capture-'));
      try {
        const file = join(folder, 'wire.pcapng');
        const { report } = await labJson(['--nic', nic, '--mib', '4', '--upload', '--pcapng', file]);
        expect(report.ok, JSON.stringify(report)).toBe(true);
        expect(complaints(tshark!.program, file)).toBe('');
        proved({ nic, side: 'model', stranger: 'tshark', what: 'captures without a malformed frame or bad checksum' });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

/**
 * Frames that tshark finds malformed or wrongly summed, every checksum looked at. A TCP checksum of FFFFh is the other zero of
 * ones complement arithmetic (RFC 1071): Linux sends it, tshark calls it bad.
 */
function complaints(
  program: { file: string; args: readonly string[]; env: Readonly<Record<string, string>> },
  file: string,
): string {
  const args = [
    ...program.args,
    '-r',
    file,
    '-o',
    'ip.check_checksum:TRUE',
    '-o',
    'tcp.check_checksum:TRUE',
    '-o',
    'udp.check_checksum:TRUE',
    '-Y',
    '_ws.malformed || ip.checksum.status == "Bad" || (tcp.checksum.status == "Bad" && tcp.checksum != 0xffff) || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad"',
  ];
  return execFileSync(program.file, args, {
    env: { ...process.env, ...program.env },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
