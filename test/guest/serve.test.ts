/**
 * The command `nicforge serve` as a stranger uses it: its own words for QEMU's command line, Linux 6.12 with its own
 * drivers on two NICs, and the end by Ctrl-C while the guest still runs.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nicforge } from '../support/cli.js';
import { ControlClient } from '../support/control.js';
import { freePort } from '../support/ports.js';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { piecesOrSkip } from '../support/skips.js';
import { temporaryFolder } from '../support/wire.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const BYTES = 10 << 20;
const LINUX = `Linux ${pieces?.kernel.version.replace(/\+.*/, '') ?? ''} in QEMU over vfio-user`;
/** Lines of a trace without what depends on when a poll was told. */
function unfolded(lines: readonly string[]): string[] {
  return lines
    .map((line) => line.replace(/ read \d+ times( in \d+ us)?, unchanged/, ''))
    .filter((line, i, all) => line !== all[i - 1]);
}

const NICS = [
  { nic: '82540em', driver: 'e1000', mac: '52:54:00:12:34:56' },
  { nic: 'virtio-net', driver: 'virtio_net', mac: '52:54:00:12:34:57' },
  { nic: '82574l', driver: 'e1000e', mac: '52:54:00:12:34:58' },
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
      ...['--control', join(folder.path, 'control'), '--trace', join(folder.path, 'trace')],
      ...['--pcapng', join(folder.path, 'capture'), '--record', join(folder.path, 'run')],
    ]);
    guest = await startLinux({ pieces: pieces!, args: () => serve.qemuArguments() });
    await guest.must('ins e1000 e1000e virtio_pci virtio_net');
  });

  afterAll(async () => {
    await guest?.close();
    await serve?.kill();
    await folder?.remove();
  });

  test.each(NICS)('$nic behind a root port: bound, lease, 10 MiB with the right hash', async ({ nic, driver, mac }) => {
    const found = 'for i in eth0 eth1 eth2; do';
    const name = await guest.must(
      `N=; for t in $(seq 150); do ${found} test "$(cat /sys/class/net/$i/address)" = ${mac} && N=$i; done; test -n "$N" && break; usleep 100000; done; echo $N`,
    );
    expect(name).toMatch(/^eth[012]$/);
    expect(await guest.must('basename $(readlink /sys/class/net/$N/device/driver)')).toBe(driver);
    await guest.must('ip link set $N up');
    await guest.must('udhcpc -i $N -n -q -t 10 -T 2');
    expect(await guest.must('ip addr show $N')).toMatch(/inet 10\.0\.2\.1[567]\/24/);
    const sum = await guest.must(`wget -q -O - http://10.0.2.2/bytes/${BYTES} | sha256sum`, 120_000);
    const told = await guest.must(`wget -q -O - http://10.0.2.2/sha256/${BYTES}`);
    expect(told).toMatch(/^[0-9a-f]{64}$/);
    expect(sum.split(' ')[0]).toBe(told);
    // The next NIC must not answer for this one.
    await guest.must('ip addr flush dev $N; ip link set $N down');
    proved({ nic, side: 'model', stranger: LINUX, what: '`nicforge serve`: cold-plugged, DHCP, 10 MiB' });
  });

  test.each(NICS)(
    '$nic: --control pulls and plugs the cable, drops frames, shows rings that the driver made',
    async (each) => {
      const { nic, mac } = each;
      const control = await ControlClient.open(join(folder.path, 'control'));
      await guest.must(`N=$(basename $(dirname $(grep -l ${mac} /sys/class/net/*/address))); test -n "$N"`);
      await guest.must('ip link set $N up; udhcpc -i $N -n -q -t 10 -T 2');
      const carrier = (wanted: number): Promise<string> =>
        guest.must(
          `for t in $(seq 100); do test "$(cat /sys/class/net/$N/carrier)" = ${wanted} && break; usleep 100000; done; cat /sys/class/net/$N/carrier`,
        );
      await control.must({ do: 'pull', nic });
      expect(await carrier(0)).toBe('0');
      await control.must({ do: 'plug', nic });
      expect(await carrier(1)).toBe('1');
      await control.must({ do: 'faults', nic, loss: 1 });
      expect((await guest.run('ping -c 1 -W 1 10.0.2.2')).status).not.toBe(0);
      await control.must({ do: 'faults', nic });
      await guest.must('ping -c 3 -W 2 10.0.2.2');
      if (nic === '82540em') {
        await control.must({ do: 'speed', nic, mbit: 100 });
        const speed =
          'for t in $(seq 100); do test "$(cat /sys/class/net/$N/speed)" = 100 && break; usleep 100000; done';
        expect(await guest.must(`${speed}; cat /sys/class/net/$N/speed`)).toBe('100');
      }
      const rings = (await control.must({ do: 'rings', nic })) as {
        ring: string;
        entries: number;
        descriptors: { words: string }[];
      }[];
      for (const wanted of [/^(TX ring 0|transmit queue)/, /^(RX ring 0|receive queue)/]) {
        const ring = rings.find((one) => wanted.test(one.ring))!;
        expect(ring.entries).toBe(256);
        expect(ring.descriptors.some(({ words }) => /[1-9a-f]/.test(words))).toBe(true);
      }
      // An ARP request for the guest, from the other end of the cable: its answer shows on the cable.
      const before = (await control.must({ do: 'counters', nic })) as { sent: number };
      const [address] = /10\.0\.2\.\d+/.exec(await guest.must('ip addr show $N'))!;
      const target = Buffer.from(address.split('.').map(Number)).toString('hex');
      const arp = `${'ff'.repeat(6)}5255020000010806000108000604000152550200000${'1'}0a000209${'00'.repeat(6)}${target}`;
      expect(await control.must({ do: 'inject', nic, hex: arp.padEnd(120, '0') })).toEqual({ fate: 'delivered' });
      await control.until({ do: 'counters', nic }, new RegExp(`"sent":(?!${before.sent},)`));
      await guest.must('ip addr flush dev $N; ip link set $N down');
      control.close();
    },
  );

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
    const trace = readFileSync(join(folder.path, 'trace'), 'utf8');
    for (const wanted of [
      /^\[\d+\.\d{6}\] 82540em W CTRL = .*SLU.* \(changed: /m,
      / 82540em W TDT = 0x[0-9a-f]{8} \(was /,
      / 82540em sends \d+ bytes: .* DHCP discover .*\(TX ring 0 descriptor /,
      / 82540em delivered: .* DHCP offer .*\(RX ring 0 descriptor /,
      / virtio-net W DEVICE_STATUS = .*DRIVER_OK/,
      / virtio-net message, vector 1$/m,
      / virtio-net W NOTIFY\[1\] = 0x0001/,
    ])
      expect(trace).toMatch(wanted);
    expect(existsSync(join(folder.path, "it's a nic.0"))).toBe(false);
    expect(existsSync(join(folder.path, "it's a nic.1"))).toBe(false);
  });

  test.each(NICS)('$nic: the recorded run once more without QEMU: the same', async ({ nic }) => {
    const file = join(folder.path, `run.${NICS.findIndex((each) => each.nic === nic)}`);
    const replayed = await nicforge(['replay', file, '--trace', join(folder.path, 'replayed')]);
    expect(replayed.stdout).toMatch(/the model did as it did then\n$/);
    expect(replayed.stdout).toContain('the guest made no mistake that the models know');
    expect(replayed.status, replayed.stderr).toBe(0);
    const told = (text: string): string[] =>
      [...text.matchAll(new RegExp(`^\\[[\\d.]+\\] ${nic} ([RW] .*)$`, 'gm'))].map((match) => match[1]!);
    // Descriptors apart, the trace says what the first one said.
    const before = told(readFileSync(join(folder.path, 'trace'), 'utf8'));
    const after = told(readFileSync(join(folder.path, 'replayed'), 'utf8'));
    expect(unfolded(after).slice(0, 400)).toEqual(unfolded(before).slice(0, 400));
    proved({ nic, side: 'model', stranger: LINUX, what: '`--record`, `nicforge replay`: the same run once more' });
  });
});

describe.skipIf(!pieces)('nicforge serve: ways to sockets of this host and back', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let serve: ServeChild;
  let guest: LinuxGuest;
  let server: Server;
  let asked: string[];
  const body = randomBytes(BYTES);
  const sum = createHash('sha256').update(body).digest('hex');

  beforeAll(async () => {
    folder = await temporaryFolder('serve');
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host} ${request.url}`);
      if (request.method === 'GET') return response.end(body);
      const hash = createHash('sha256');
      request.on('data', (bytes: Buffer) => hash.update(bytes));
      return request.on('end', () => response.end(hash.digest('hex')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    serve = await startServe([
      ...['virtio-net', '--socket', join(folder.path, 'nic'), '--fail-on', 'warning'],
      ...['--forward', `tcp:10.0.2.2:8080=127.0.0.1:${port}`, '--allow', `localhost:${port}`],
      ...['--publish', `${await freePort()}=tcp:10.0.2.15:2222`],
    ]);
    guest = await startLinux({ pieces: pieces!, args: () => serve.qemuArguments() });
    await guest.must('ins virtio_pci virtio_net; ip link set eth0 up; udhcpc -i eth0 -n -q -t 10 -T 2');
  });

  afterAll(async () => {
    await guest?.close();
    await serve?.kill();
    server?.close();
    await folder?.remove();
  });

  test('--forward: 10 MiB from a server of this host, right hash', async () => {
    expect((await guest.must('wget -q -O - http://10.0.2.2:8080/x | sha256sum', 60_000)).split(' ')[0]).toBe(sum);
    expect(asked.at(-1)).toBe('GET 10.0.2.2:8080 /x');
  });

  test('--allow: by a name that our DNS answers; any other port, address and ping are refused at once', async () => {
    const { port } = server.address() as AddressInfo;
    // busybox asks /etc/hosts and names of the loopback itself; nslookup asks the server.
    expect(await guest.must('nslookup localhost 10.0.2.2')).toContain('198.18.0.1');
    expect((await guest.must(`wget -q -O - http://198.18.0.1:${port}/y | sha256sum`, 60_000)).split(' ')[0]).toBe(sum);
    for (const url of [`http://198.18.0.1:${port + 1}/`, 'http://192.0.2.1/'])
      expect((await guest.run(`wget -T 5 -O - ${url}`, 20_000)).output).toMatch(/refused/i);
    expect((await guest.run('ping -c 1 -W 2 192.0.2.1')).status).not.toBe(0);
    expect(await guest.must('ping -c 1 -W 2 10.0.2.2')).toContain(' 0% packet loss');
  });

  test('--publish: this host connects to a server in the guest', async () => {
    const published = Number(/^way: 127\.0\.0\.1:(\d+) of this host/m.exec(serve.out.text)![1]);
    await guest.must('(nc -l -p 2222 -e sha256sum > /dev/null 2>&1 &) ; usleep 200000');
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect({ port: published, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('data', (bytes) => {
        text += bytes.toString();
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
      socket.end(body);
    });
    expect(answer.split(' ')[0]).toBe(sum);
    expect(await serve.stop(), serve.err.text).toBe(0);
    expect(serve.out.text).toMatch(
      /^way: 127\.0\.0\.1:\d+ of this host leads to tcp 10\.0\.2\.15:2222: 1 connections/m,
    );
    proved({
      nic: 'virtio-net',
      side: 'stack',
      stranger: LINUX,
      what: '`--forward`, `--allow`, `--publish`, 10 MiB each',
    });
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
    await guest.must('ins e1000 e1000e virtio_pci virtio_net');
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
