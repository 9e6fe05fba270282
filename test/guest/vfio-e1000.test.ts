/**
 * Proof 3: Linux 6.12 in QEMU drives our 82540EM over vfio-user with its own unmodified `e1000`. Behind the cable stands
 * slirp, so the network is a stranger's too.
 */
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { I82540em } from '../../src/emulators/i82540em/index.js';
import { openStream, RealTime, type StreamUplink } from '../../src/hosts/uplinks/index.js';
import { serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { join } from '../support/cable.js';
import { type FileServer, serveBytes } from '../support/http.js';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const MAC = Uint8Array.of(0x52, 0x54, 0, 0x82, 0x54, 0x0e);

describe.skipIf(!pieces)('Linux e1000 on our 82540EM over vfio-user', () => {
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  const chip = new I82540em({ mac: MAC });
  let uplink: StreamUplink;
  let server: VfioUserServer;
  let guest: LinuxGuest;
  let http: FileServer;

  beforeAll(async () => {
    http = await serveBytes(10 << 20);
    guest = await startLinux({
      pieces: pieces!,
      prepare: async (folder) => {
        uplink = await openStream({ time, path: joinPath(folder, 'wire') });
        join(chip.port, uplink.port);
        server = serveVfioUser(chip, {
          time,
          diagnostics,
          path: joinPath(folder, 'nic'),
          onWarning: (text) => process.stderr.write(`${text}\n`),
        });
      },
      args: (folder) => [
        '-device',
        JSON.stringify({
          driver: 'vfio-user-pci',
          addr: '3',
          'x-msg-timeout': 600_000,
          socket: { type: 'unix', path: joinPath(folder, 'nic') },
        }),
        '-netdev',
        'user,id=u',
        '-netdev',
        'hubport,id=h1,hubid=0,netdev=u',
        '-netdev',
        `stream,id=s,server=off,addr.type=unix,addr.path=${joinPath(folder, 'wire')}`,
        '-netdev',
        'hubport,id=h2,hubid=0,netdev=s',
      ],
    });
  });

  afterAll(async () => {
    await guest?.close();
    server?.close();
    await uplink?.close();
    await http?.close();
    time.stop();
  });

  test('the driver binds and reads our EEPROM', async () => {
    await guest.must('ins e1000');
    expect(await guest.must('readlink /sys/class/net/eth0/device/driver')).toMatch(/\/e1000$/);
    expect(await guest.must('cat /sys/class/net/eth0/address')).toBe('52:54:00:82:54:0e');
  });

  test('link comes up at 1000 Mbit/s full duplex', async () => {
    await guest.must(
      'ip link set eth0 up; for i in $(seq 100); do test "$(cat /sys/class/net/eth0/carrier)" = 1 && break; usleep 100000; done; test "$(cat /sys/class/net/eth0/carrier)" = 1',
    );
    expect(await guest.must('cat /sys/class/net/eth0/speed /sys/class/net/eth0/duplex')).toBe('1000\nfull');
  });

  test('lease, ping and 10 MiB with the right hash', async () => {
    await guest.must('udhcpc -i eth0 -n -q -t 10 -T 2');
    expect(await guest.must('ping -c 5 -i 0.2 10.0.2.2')).toContain(' 0% packet loss');
    const sum = await guest.must(`wget -q -O - http://10.0.2.2:${http.port}/ | sha256sum`, 120_000);
    expect(sum.split(' ')[0]).toBe(http.sha256);
  });

  test('the driver counted no error and the kernel complained of nothing', async () => {
    const statistics = await guest.must('ethtool -S eth0');
    for (const name of ['rx_errors', 'tx_errors', 'rx_crc_errors', 'rx_csum_offload_errors', 'tx_timeout_count']) {
      expect(statistics).toMatch(new RegExp(`^\\s*${name}: 0$`, 'm'));
    }
    const log = await guest.must("dmesg | sed -n '/e1000: Intel/,$p'");
    expect(log).toContain('NIC Link is Up 1000 Mbps Full Duplex');
    expect(log).not.toMatch(/BUG|WARN|Oops|NETDEV WATCHDOG|Call Trace|Hang|[Ff]ail|[Ee]rror/);
  });

  test('no diagnostic so far', () => {
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
  });

  // The self-test writes patterns into ring registers on purpose, so it earns diagnostics; it comes last.
  test('ethtool -t offline passes every test', async () => {
    const { status, output } = await guest.run('ethtool -t eth0 offline', 120_000);
    expect(output).toContain('PASS');
    expect(status).toBe(0);
    for (const name of ['Register test', 'Eeprom test', 'Interrupt test', 'Loopback test', 'Link test']) {
      expect(output).toMatch(new RegExp(`${name}.*\\s0$`, 'm'));
    }
  });
});
