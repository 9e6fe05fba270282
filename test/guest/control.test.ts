/**
 * The control of every guest proof: the same guest, the same commands, QEMU's own 82540EM and QEMU's own network. When
 * this fails, the laboratory is broken, not a model of ours.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FileServer, serveBytes } from '../support/http.js';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');

describe.skipIf(!pieces)("Linux with QEMU's own e1000 and slirp", () => {
  let guest: LinuxGuest;
  let server: FileServer;

  beforeAll(async () => {
    server = await serveBytes(10 << 20);
    guest = await startLinux({
      pieces: pieces!,
      args: () => ['-netdev', 'user,id=n', '-device', 'e1000,netdev=n', '-device', 'pcie-root-port,id=rp,chassis=1'],
    });
  });

  afterAll(async () => {
    await guest?.close();
    await server?.close();
  });

  test('e1000 binds', async () => {
    await guest.must('ins e1000');
    expect(await guest.must('readlink /sys/class/net/eth0/device/driver')).toMatch(/\/e1000$/);
  });

  test('lease, ping and 10 MiB with the right hash', async () => {
    await guest.must('udhcpc -i eth0 -n -q -t 10 -T 2');
    expect(await guest.must('ip addr show eth0')).toContain('10.0.2.15/24');
    expect(await guest.must('ping -c 3 10.0.2.2')).toContain('0% packet loss');
    const sum = await guest.must(`wget -q -O - http://10.0.2.2:${server.port}/ | sha256sum`, 120_000);
    expect(sum.split(' ')[0]).toBe(server.sha256);
  });

  test('a second NIC comes and goes through the monitor', async () => {
    const { qmp } = guest;
    await qmp.execute('netdev_add', { type: 'user', id: 'n2' });
    await qmp.execute('device_add', { driver: 'e1000e', id: 'd2', bus: 'rp', netdev: 'n2' });
    await guest.must(
      'ins e1000e; for i in $(seq 50); do test -e /sys/class/net/eth1 && break; usleep 100000; done; test -e /sys/class/net/eth1',
    );
    await qmp.execute('device_del', { id: 'd2' });
    await qmp.waitFor((event) => event.event === 'DEVICE_DELETED' && event.data?.['device'] === 'd2');
    expect((await guest.run('test -e /sys/class/net/eth1')).status).toBe(1);
  });
});
