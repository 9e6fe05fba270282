/**
 * The command `nicforge serve` as a stranger uses it: its own words for QEMU's command line, Linux 6.12 with its own
 * drivers on two NICs, and the end by Ctrl-C while the guest still runs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { piecesOrSkip } from '../support/skips.js';
import { temporaryFolder } from '../support/wire.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const BYTES = 10 << 20;
const LINUX = `Linux ${pieces?.kernel.version.replace(/\+.*/, '') ?? ''} in QEMU over vfio-user`;
const NICS = [
  { nic: '82540em', driver: 'e1000', mac: '52:54:00:12:34:56' },
  { nic: 'virtio-net', driver: 'virtio_net', mac: '52:54:00:12:34:57' },
] as const;

describe.skipIf(!pieces)('nicforge serve', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let serve: ServeChild;
  let guest: LinuxGuest;

  beforeAll(async () => {
    folder = await temporaryFolder('serve');
    serve = await startServe([
      ...NICS.map(({ nic }) => nic),
      '--socket',
      join(folder.path, "it's a nic"),
      '--root-ports',
      '--fail-on',
      'warning',
      '--json-log',
      join(folder.path, 'findings'),
    ]);
    guest = await startLinux({ pieces: pieces!, args: () => serve.qemuArguments() });
    await guest.must('ins e1000; ins virtio_pci virtio_net');
  });

  afterAll(async () => {
    await guest?.close();
    await serve?.kill();
    await folder?.remove();
  });

  test.each(NICS)('$nic behind a root port: bound, lease, 10 MiB with the right hash', async ({ nic, driver, mac }) => {
    const found = 'for i in eth0 eth1; do';
    const name = await guest.must(
      `N=; for t in $(seq 150); do ${found} test "$(cat /sys/class/net/$i/address)" = ${mac} && N=$i; done; test -n "$N" && break; usleep 100000; done; echo $N`,
    );
    expect(name).toMatch(/^eth[01]$/);
    expect(await guest.must('basename $(readlink /sys/class/net/$N/device/driver)')).toBe(driver);
    await guest.must('ip link set $N up');
    await guest.must('udhcpc -i $N -n -q -t 10 -T 2');
    expect(await guest.must('ip addr show $N')).toMatch(/inet 10\.0\.2\.1[56]\/24/);
    const sum = await guest.must(`wget -q -O - http://10.0.2.2/bytes/${BYTES} | sha256sum`, 120_000);
    const told = await guest.must(`wget -q -O - http://10.0.2.2/sha256/${BYTES}`);
    expect(told).toMatch(/^[0-9a-f]{64}$/);
    expect(sum.split(' ')[0]).toBe(told);
    // The next NIC must not answer for this one.
    await guest.must('ip addr flush dev $N; ip link set $N down');
    proved({ nic, side: 'model', stranger: LINUX, what: '`nicforge serve`: cold-plugged, DHCP, 10 MiB' });
  });

  test('Ctrl-C while the guest runs: summary, status 0, nothing left behind', async () => {
    expect(await serve.stop('SIGINT'), serve.out.text + serve.err.text).toBe(0);
    const { text } = serve.out;
    for (const { nic } of NICS) {
      expect(text).toContain(`${nic}: a client has connected`);
      const [, sent, delivered] = new RegExp(`^${nic}: sent (\\d+), came \\d+: .*?(\\d+) delivered`, 'm').exec(text)!;
      expect(Number(sent)).toBeGreaterThan(20);
      expect(Number(delivered)).toBeGreaterThanOrEqual(BYTES / 1460);
    }
    expect(text).toContain('the guest made no mistake that the models know');
    const findings = readFileSync(join(folder.path, 'findings'), 'utf8').split('\n').slice(0, -1);
    expect(findings.filter((line) => (JSON.parse(line) as { severity: string }).severity !== 'note')).toEqual([]);
    expect(existsSync(join(folder.path, "it's a nic.0"))).toBe(false);
    expect(existsSync(join(folder.path, "it's a nic.1"))).toBe(false);
  });
});

describe.skipIf(!pieces)('nicforge serve --hide msi,msix, late models, on the first bus', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let serve: ServeChild;
  let guest: LinuxGuest | undefined;

  beforeAll(async () => {
    folder = await temporaryFolder('serve');
    serve = await startServe([
      ...NICS.map(({ nic }) => nic),
      ...['--socket', join(folder.path, 'nic'), '--hide', 'msi,msix', '--schedule', 'adversarial', '--seed', '7'],
    ]);
  });

  afterAll(async () => {
    await guest?.close();
    await serve?.kill();
    await folder?.remove();
  });

  test.each(['a virtual machine', 'another one after the first was killed'])('%s: both NICs with INTx', async () => {
    guest = await startLinux({ pieces: pieces!, args: () => serve.qemuArguments() });
    await guest.must('ins e1000; ins virtio_pci virtio_net');
    for (const { mac } of NICS) {
      await guest.must(`N=$(basename $(dirname $(grep -l ${mac} /sys/class/net/*/address))); test -n "$N"`);
      await guest.must('ip link set $N up; udhcpc -i $N -n -q -t 10 -T 2');
      const sum = await guest.must('wget -q -O - http://10.0.2.2/bytes/100000 | sha256sum', 60_000);
      expect(sum.split(' ')[0]).toBe(await guest.must('wget -q -O - http://10.0.2.2/sha256/100000'));
      await guest.must('ip addr flush dev $N; ip link set $N down');
    }
    const interrupts = await guest.must('cat /proc/interrupts');
    expect(interrupts).toMatch(/IO-APIC/);
    expect(interrupts).not.toMatch(/MSI.*(eth|virtio)/);
    await guest.close();
    guest = undefined;
  });

  test('SIGTERM: what the models saw of both', async () => {
    expect(await serve.stop('SIGTERM'), serve.err.text).toBe(0);
    expect(serve.out.text.match(/82540em: a client has connected/g)).toHaveLength(2);
    expect(serve.out.text.match(/virtio-net: the client has gone/g)).toHaveLength(2);
    expect(serve.out.text).not.toContain('turned away');
    expect(serve.out.text).toContain('the guest made no mistake that the models know');
  });
});
