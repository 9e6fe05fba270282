/**
 * Proof 3: Linux 6.12 in QEMU drives our models over vfio-user with its own unmodified drivers. Models come by PCI
 * hot-plug. Behind the cable stands our gateway or, so that the network is a stranger's too, slirp.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmulatedFunction, I82540em, I82574, VirtioNet } from '../../src/emulators/index.js';
import { RealTime, serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import type { Cable } from '../../src/link/index.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { openPeer, type Peer, type PeerKind } from '../support/peer.js';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const BYTES = 10 << 20;
const LINUX = `Linux ${pieces?.kernel.version.replace(/\+.*/, '') ?? ''} in QEMU over vfio-user`;
const MAC = Uint8Array.of(0x52, 0x54, 0, 0x82, 0x54, 0x0e);
const TROUBLE = /BUG|WARN|Oops|NETDEV WATCHDOG|Call Trace|Hang|[Ff]ail|[Ee]rror/;

interface Chip {
  readonly name: string;
  readonly module: string;
  /** Parameters for {@link Chip.module}. */
  readonly parameters?: string;
  /** What stands behind the cable; both when not told. */
  readonly peers?: readonly PeerKind[];
  readonly driver: string;
  /** 1000 Mbit/s full duplex is negotiated, not only assumed. */
  readonly negotiates: boolean;
  /** Interrupts as /proc/interrupts shows them. */
  readonly interrupts: RegExp;
  readonly selfTest: boolean;
  /** QEMU 11.1.3 dies of an assertion (memory_region_del_subregion) when a vfio-user device with MSI-X is unplugged. */
  readonly unplug: boolean;
  make(): EmulatedFunction;
}

const CHIPS: readonly Chip[] = [
  {
    name: '82540em',
    module: 'e1000',
    driver: 'e1000',
    negotiates: true,
    interrupts: /IO-APIC.*fasteoi.*eth/,
    selfTest: true,
    unplug: true,
    make: () => new I82540em({ mac: MAC }),
  },
  ...[
    { mode: 2, interrupts: /PCI-MSIX.*eth\d+-rx-0/ },
    { mode: 1, interrupts: /PCI-MSI-.*eth/, peers: ['gateway'] as const },
    { mode: 0, interrupts: /IO-APIC.*fasteoi.*eth/, peers: ['gateway'] as const },
  ].map(({ mode, ...rest }) => ({
    name: '82574l',
    module: 'e1000e',
    parameters: `IntMode=${mode}`,
    driver: 'e1000e',
    negotiates: true,
    selfTest: true,
    unplug: false,
    make: () => new I82574({ mac: MAC }),
    ...rest,
  })),
  {
    name: 'virtio-net',
    module: 'virtio_pci virtio_net',
    driver: 'virtio_net',
    negotiates: false,
    interrupts: /PCI-MSIX.*virtio\d+-input/,
    selfTest: false,
    unplug: false,
    make: () => new VirtioNet({ mac: MAC }),
  },
];

const PEERS: readonly PeerKind[] = ['gateway', 'slirp'];

const CASES = CHIPS.flatMap((chip) =>
  (chip.peers ?? PEERS).map((kind) => ({
    chip,
    kind,
    title: `${[chip.name, chip.parameters].filter(Boolean).join(' ')}, ${kind} behind the cable`,
  })),
);

describe.skipIf(!pieces).each(CASES)('Linux over vfio-user: $title', ({ chip, kind }) => {
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  const fn = chip.make();
  const warnings: string[] = [];
  let guest: LinuxGuest;
  let peer: Peer;
  let cable: Cable;
  let server: VfioUserServer;

  beforeAll(async () => {
    guest = await startLinux({ pieces: pieces!, args: () => ['-device', 'pcie-root-port,id=rp,chassis=1'] });
    await guest.must(load(chip));
    await guest.must('dmesg -c > /dev/null');
    peer = await openPeer(kind, BYTES, time, pieces!.qemu);
    cable = peer.plug(fn.port!);
    const path = join(guest.folder, 'nic');
    server = serveVfioUser(fn, { time, diagnostics, path, onWarning: (text) => warnings.push(text) });
    await guest.qmp.execute('device_add', {
      driver: 'vfio-user-pci',
      id: 'nic',
      bus: 'rp',
      'x-msg-timeout': 600_000,
      socket: { type: 'unix', path },
    });
  });

  afterAll(async () => {
    await guest?.close();
    server?.close();
    await peer?.close();
    time.stop();
  });

  test('the driver binds and learns the station address', async () => {
    await guest.must(waitUntil('test -e /sys/class/net/eth0'));
    expect(await guest.must('basename $(readlink /sys/class/net/eth0/device/driver)')).toBe(chip.driver);
    expect(await guest.must('cat /sys/class/net/eth0/address')).toBe('52:54:00:82:54:0e');
  });

  test('the link comes up', async () => {
    await guest.must('ip link set eth0 up');
    await guest.must(waitUntil('test "$(cat /sys/class/net/eth0/carrier)" = 1'));
    if (chip.negotiates)
      expect(await guest.must('cat /sys/class/net/eth0/speed /sys/class/net/eth0/duplex')).toBe('1000\nfull');
  });

  test('lease, ping and 10 MiB with the right hash', async () => {
    await guest.must('udhcpc -i eth0 -n -q -t 10 -T 2');
    expect(await guest.must('ip addr show eth0')).toContain('inet 10.0.2.15/24');
    expect(await guest.must('ping -c 5 -i 0.2 10.0.2.2')).toContain(' 0% packet loss');
    const sum = await guest.must(`wget -q -O - ${peer.url} | sha256sum`, 120_000);
    expect(sum.split(' ')[0]).toBe(peer.sha256);
    expect(await guest.must('cat /proc/interrupts')).toMatch(chip.interrupts);
    proved({ nic: chip.name, side: 'model', stranger: LINUX, what: 'binds, link, DHCP, ping, 10 MiB' });
  });

  test('a pulled cable is noticed, and the link comes back', async () => {
    cable.pull();
    await guest.must(waitUntil('test "$(cat /sys/class/net/eth0/carrier)" = 0'));
    cable.plug();
    await guest.must(waitUntil('test "$(cat /sys/class/net/eth0/carrier)" = 1'));
    expect(await guest.must('ping -c 2 -i 0.2 10.0.2.2')).toContain(' 0% packet loss');
  });

  test('the driver counted no error, the kernel complained of nothing, the model reported nothing', async () => {
    const counters = await guest.must('cd /sys/class/net/eth0/statistics; grep -H . *_errors *_dropped; cd /');
    expect(counters.split('\n').filter((line) => !line.endsWith(':0'))).toEqual([]);
    expect(await guest.must('dmesg')).not.toMatch(TROUBLE);
    expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
    expect(warnings).toEqual([]);
  });

  // The self-test writes patterns into ring registers on purpose, so it earns diagnostics; it comes last.
  if (chip.selfTest)
    test('ethtool -t offline passes every test', async () => {
      const { status, output } = await guest.run('ethtool -t eth0 offline', 120_000);
      expect(output).toContain('The test result is PASS');
      expect(status).toBe(0);
      for (const name of ['Register test', 'Eeprom test', 'Interrupt test', 'Loopback test', 'Link test']) {
        expect(output).toMatch(new RegExp(`${name}.*\\s0$`, 'm'));
      }
      proved({ nic: chip.name, side: 'model', stranger: LINUX, what: '`ethtool -t` offline' });
    });

  if (chip.unplug)
    test('can be unplugged while in use', async () => {
      await guest.qmp.execute('device_del', { id: 'nic' });
      await guest.qmp.waitFor((event) => event.event === 'DEVICE_DELETED' && event.data?.['device'] === 'nic');
      expect((await guest.run('test -e /sys/class/net/eth0')).status).toBe(1);
      expect(server.connected).toBe(false);
    });
});

/** A line of shell that inserts a chip's driver; with parameters only for the driver, not for what it depends on. */
function load({ module, parameters }: Chip): string {
  if (parameters === undefined) return `ins ${module}`;
  return `for each in $(grep -v ^${module}$ /modules/${module}.order); do ins $each || insmod /modules/$each.ko; done; insmod /modules/${module}.ko ${parameters}`;
}

/** A line of shell that polls for 15 s. */
function waitUntil(condition: string): string {
  return `for i in $(seq 150); do ${condition} && break; usleep 100000; done; ${condition}`;
}
