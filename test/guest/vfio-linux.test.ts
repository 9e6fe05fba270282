/**
 * Linux 6.12 in QEMU drives our models over vfio-user, and the network behind the cable is a stranger's, too: slirp. With
 * our gateway behind it the matrix (matrix.test.ts) judges them row by row.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RealTime, serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { NICS, nicKind } from '../../src/lab/nics.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { until } from '../support/matrix/bench.js';
import { CHIPS } from '../support/matrix/chips.js';
import { openPeer, type Peer } from '../support/peer.js';
import { type LinuxGuest, startLinux, vfioUserDevice } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const BYTES = 10 << 20;
const LINUX = `Linux ${pieces?.kernel.version.replace(/\+.*/, '') ?? ''} in QEMU over vfio-user`;
const MAC = Uint8Array.of(0x52, 0x54, 0, 0x82, 0x54, 0x0e);
const TROUBLE = /BUG|WARN|Oops|NETDEV WATCHDOG|Call Trace|Hang|[Ff]ail|[Ee]rror/;
const CASES = CHIPS.filter(({ nic }) => NICS.some(({ name }) => name === nic));

describe.skipIf(!pieces).each(CASES)('Linux over vfio-user, slirp behind the cable: $nic', ({ nic, driver, modes }) => {
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  const warnings: string[] = [];
  let guest: LinuxGuest;
  let peer: Peer;
  let server: VfioUserServer;

  beforeAll(async () => {
    guest = await startLinux({ pieces: pieces!, args: () => ['-device', 'pcie-root-port,id=rp,chassis=1'] });
    await guest.must(driver.load(modes[0]!));
    await guest.must('dmesg -c > /dev/null');
    peer = await openPeer('slirp', BYTES, time, pieces!.qemu);
    const fn = nicKind(nic).make(MAC, nic);
    peer.plug(fn.port!);
    const path = join(guest.folder, 'nic');
    server = serveVfioUser(fn, { time, diagnostics, path, onWarning: (text) => warnings.push(text) });
    await guest.qmp.execute('device_add', { ...vfioUserDevice(path), id: 'nic', bus: 'rp' });
  });

  afterAll(async () => {
    await guest?.close();
    server?.close();
    await peer?.close();
    time.stop();
  });

  test('lease, ping and 10 MiB with the right hash', async () => {
    await guest.must(until('test -e /sys/class/net/eth0'));
    await guest.must('ip link set eth0 up');
    await guest.must(until('test "$(cat /sys/class/net/eth0/carrier)" = 1'));
    await guest.must('udhcpc -i eth0 -n -q -t 10 -T 2');
    expect(await guest.must('ip addr show eth0')).toContain('inet 10.0.2.15/24');
    expect(await guest.must('ping -c 5 -i 0.2 10.0.2.2')).toContain(' 0% packet loss');
    const sum = await guest.must(`wget -q -O - ${peer.url} | sha256sum`, 120_000);
    expect(sum.split(' ')[0]).toBe(peer.sha256);
    proved({ nic, side: 'model', stranger: LINUX, what: 'with slirp behind the cable: DHCP, ping, 10 MiB' });
  });

  test('the driver counted no error, the kernel complained of nothing, the model reported nothing', async () => {
    const counters = await guest.must('cd /sys/class/net/eth0/statistics; grep -H . *_errors *_dropped; cd /');
    expect(counters.split('\n').filter((line) => !line.endsWith(':0'))).toEqual([]);
    const log = (await guest.must('dmesg')).split('\n');
    const known = driver.complaints ?? [];
    expect(log.filter((line) => TROUBLE.test(line) && !known.some((each) => each.line.test(line)))).toEqual([]);
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
    expect(warnings).toEqual([]);
  });
});
