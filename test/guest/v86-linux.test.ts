/**
 * Proof 3: Linux 6.1, woken from a snapshot inside v86, finds our models on the bus and drives them with its own drivers:
 * bound, lease, 4 MiB with the right hash, cable pulled and plugged, with INTx and with MSI.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmulatedFunction, I82540em, I82574, Rtl8125b, Rtl8168h, VirtioNet } from '../../src/emulators/index.js';
import { RealTime } from '../../src/hosts/v86/index.js';
import { type Hideable, hideCapabilities } from '../../src/lab/hide.js';
import { Diagnostics, diagnosticText } from '../../src/platform/diagnostics.js';
import { type LinuxV86, linux32, snapshot32, startLinuxV86 } from '../support/linux32.js';
import { openPeer, type Peer } from '../support/peer.js';
import { proved } from '../support/results.js';
import { orSkip, piecesOrSkip } from '../support/skips.js';

const BYTES = 4 << 20;
const linux = await orSkip(linux32);
const pieces = linux && (await piecesOrSkip('qemu', 'seabios'));

interface Case {
  readonly make: () => EmulatedFunction;
  /** Shell that loads the driver. */
  readonly load: string;
  readonly driver: string;
  /** What /proc/interrupts calls it. */
  readonly interrupts: RegExp;
  readonly mode: string;
}

const e1000e = (mode: number): string => `insmod /modules/e1000e.ko IntMode=${mode}`;
/** Linux takes the best kind of interrupt that the device shows. */
const r8169 = (make: () => EmulatedFunction, mode: string, hide: readonly Hideable[]): Case => ({
  make: () => hideCapabilities(make(), hide),
  driver: 'r8169',
  load: 'ins realtek r8169',
  interrupts: mode === 'INTx' ? /IO-APIC.*eth0/ : /PCI-MSI.*eth0$/m,
  mode,
});
const CASES: readonly Case[] = [
  { make: () => new I82540em(), driver: 'e1000', load: 'ins e1000', interrupts: /IO-APIC.*eth0/, mode: 'INTx' },
  { make: () => new I82574(), driver: 'e1000e', load: e1000e(0), interrupts: /IO-APIC.*eth0/, mode: 'INTx' },
  { make: () => new I82574(), driver: 'e1000e', load: e1000e(1), interrupts: /PCI-MSI.*eth0$/m, mode: 'MSI' },
  { make: () => new I82574(), driver: 'e1000e', load: e1000e(2), interrupts: /PCI-MSI.*eth0-rx-0/, mode: 'MSI-X' },
  {
    make: () => new VirtioNet(),
    driver: 'virtio_net',
    load: 'ins virtio_pci virtio_net',
    interrupts: /PCI-MSI.*virtio0/,
    mode: 'MSI-X',
  },
  ...[() => new Rtl8168h(), () => new Rtl8125b()].flatMap((make) => [
    r8169(make, 'INTx', ['msix', 'msi']),
    r8169(make, 'MSI', ['msix']),
    r8169(make, 'MSI-X', []),
  ]),
];
/** Kernel messages of level warning and above that have nothing to do with a NIC: the clock of a busy host slips. Or that firmware is missing. */
const HARMLESS = /hrtimer: interrupt took|clocksource|loading out-of-tree|taint|irmware.*rtl_nic|firmware_class: See/;

describe.skipIf(!pieces)('Linux in v86', () => {
  let state: ArrayBuffer;

  beforeAll(async () => {
    state = await snapshot32(linux!, pieces!.seabios);
  }, 300_000);

  describe.each(CASES.map((each) => ({ ...each, name: each.make().name })))(
    '$driver with $mode: $name',
    ({ name, make, load, interrupts, mode }) => {
      const time = new RealTime();
      const diagnostics = new Diagnostics();
      let guest: LinuxV86;
      let peer: Peer;

      beforeAll(async () => {
        peer = await openPeer('gateway', BYTES, time, pieces!.qemu);
        const fn = make();
        peer.plug(fn.port!);
        const { seabios } = pieces!;
        guest = await startLinuxV86({ linux: linux!, seabios, slots: [{ device: 10, fn }], time, diagnostics, state });
      }, 120_000);

      afterAll(async () => {
        await guest?.close();
        await peer?.close();
        time.stop();
      });

      test('is found, bound and moves 4 MiB with the right hash', async () => {
        await guest.must('echo 1 > /sys/bus/pci/rescan');
        await guest.must(`dmesg -c > /dev/null; ${load}`);
        await guest.must('ip link set eth0 up');
        await guest.must('udhcpc -i eth0 -n -q -t 10 -T 2');
        expect(await guest.must('ip addr show eth0')).toContain('inet 10.0.2.15/24');
        expect(await guest.must('cat /proc/interrupts')).toMatch(interrupts);
        await guest.must('ping -c 3 -i 0.2 -s 1400 10.0.2.2');
        const sum = await guest.must(`wget -q -O - ${peer.url} | sha256sum`, 120_000);
        expect(sum.split(' ')[0]).toBe(peer.sha256);
        const kernel = await guest.must('dmesg -r');
        // Levels 0 to 4: emergency to warning.
        const complaints = kernel.split('\n').filter((line) => /^<[0-4]>/.test(line) && !HARMLESS.test(line));
        expect(complaints).toEqual([]);
        expect(diagnostics.problems().map(diagnosticText)).toEqual([]);
        const stranger = `Linux ${linux!.version.replace(/-.*/, '')} in v86`;
        proved({ nic: name, side: 'model', stranger, what: `${mode}: DHCP, ping, 4 MiB` });
      }, 200_000);
    },
  );
});
