/**
 * Broken hardware under Linux's drivers: what `nicforge serve --control` breaks, they survive as they do with silicon that
 * breaks so. It is also how we know that our faults are like real ones.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeviceFault } from '../../src/lab/device-faults.js';
import { ControlClient } from '../support/control.js';
import { type LinuxGuest, startLinux } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { piecesOrSkip } from '../support/skips.js';
import { temporaryFolder } from '../support/wire.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs');
const BYTES = 4 << 20;
const CARRIER = 'for i in $(seq 100); do test "$(cat /sys/class/net/$N/carrier)" = 1 && break; usleep 100000; done';
/** What its driver says of a hung transmitter, and of a PHY that does not answer. */
interface Case {
  readonly nic: string;
  readonly mac: string;
  readonly address: string;
  readonly says: RegExp;
  readonly deaf: RegExp;
  /** Times in a row that the transmitter hangs. */
  readonly rounds: number;
  /** The driver sets a hung transmitter up anew by itself. */
  readonly heals?: true;
  /** The driver waits for a lost interrupt until something else than the chip wakes it. */
  readonly waits?: true;
  /** A lost interrupt stops the driver until it is set up anew. */
  readonly stops?: true;
}
/**
 * It does not look itself; the kernel's watchdog of queues has it set the chip up anew when one has stood still for five seconds
 * (rtl8169_tx_timeout). A single hang may be over before: the next doorbell sends everything.
 * A lost message is lost for good: the chip sends one when the first cause comes, the driver never looks for itself. Only the watchdog
 * helps, and only while there is something to send. A guest that waits for a download and sends nothing would wait for ever.
 */
const r8169 = {
  says: /r8169.*NETDEV WATCHDOG/,
  deaf: /rtl_ocp_gphy_cond/,
  rounds: 3,
  heals: true,
  waits: true,
} as const;
const NICS: readonly Case[] = [
  {
    nic: '82540em',
    mac: '52:54:00:12:34:56',
    address: '10.0.2.15',
    says: /Detected Tx Unit Hang/,
    deaf: /Hardware Error/,
    rounds: 1,
  },
  {
    nic: '82574l',
    mac: '52:54:00:12:34:57',
    address: '10.0.2.16',
    // e1000e looks twice before it says anything, and the next doorbell that arrives mends it meanwhile.
    says: /^/,
    deaf: /Hardware Error/,
    rounds: 1,
    // The message of a queue masks its cause (EIAC), and only its handler unmasks it: the watchdog's write of ICS is of no use.
    stops: true,
  },
  { nic: 'rtl8168h', mac: '52:54:00:12:34:58', address: '10.0.2.17', ...r8169 },
  { nic: 'rtl8125b', mac: '52:54:00:12:34:59', address: '10.0.2.18', ...r8169 },
];

describe.skipIf(!pieces)('Linux on broken NICs', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let serve: ServeChild;
  let guest: LinuxGuest;
  let control: ControlClient;

  beforeAll(async () => {
    folder = await temporaryFolder('faults');
    const at = (name: string): string => join(folder.path, name);
    const names = NICS.map(({ nic }) => nic);
    serve = await startServe([...names, '--socket', at('nic'), '--control', at('control'), '--root-ports']);
    control = await ControlClient.open(at('control'));
    guest = await startLinux({ pieces: pieces!, args: () => serve.qemuArguments() });
    await guest.must('ins e1000; ins e1000e; ins r8169');
  });

  afterAll(async () => {
    control?.close();
    await guest?.close();
    await serve?.kill();
    await folder?.remove();
  });

  describe.each(NICS)('$nic', ({ nic, mac, address, says, deaf, rounds, heals, waits, stops }) => {
    /** The line that downloads. @param patience seconds without a byte after which it gives up */
    const download = (patience: number): string =>
      `wget -T ${patience} -q -O - http://10.0.2.2/bytes/${BYTES} | sha256sum`;
    const everyByteIsRight = async (sum: string): Promise<void> =>
      expect(sum).toBe(`${await guest.must(`wget -q -O - http://10.0.2.2/sha256/${BYTES}`, 60_000)}  -`);
    const downloads = async (): Promise<void> => everyByteIsRight(await guest.must(download(60), 120_000));

    beforeAll(async () => {
      await guest.must(`N=$(basename $(dirname $(grep -l ${mac} /sys/class/net/*/address))); test -n "$N"`);
      await guest.must(`ip link set $N up; ip addr add ${address}/24 dev $N`);
      await guest.must(CARRIER);
      // Otherwise requests that went unanswered while the NIC stood still can be why the next download gives up at once.
      await guest.must(
        'ping -c 1 10.0.2.2; arp -i $N -s 10.0.2.2 $(arp -n -i $N 10.0.2.2 | grep -o "..:..:..:..:..:..")',
      );
      expect(await guest.must('arp -n -i $N 10.0.2.2')).toContain('PERM');
    });
    afterAll(async () => {
      await guest.run('ip addr flush dev $N; ip link set $N down');
    });

    const survived: readonly (readonly [DeviceFault, number])[] = [
      ['late-dma', 300],
      ['lost-interrupt', 20],
      ['link-flap', 3],
    ];
    test.each(survived.filter(([fault]) => !stops || fault !== 'lost-interrupt'))(
      '%s while it downloads: every byte is right',
      async (fault, times) => {
        await guest.must('dmesg -c > /dev/null');
        await control.must({ do: 'break', nic, fault, rounds: times });
        const sum = await guest.must(
          waits && fault === 'lost-interrupt'
            ? `ping -s 1400 10.0.2.2 > /dev/null & ${download(60)}; kill $!`
            : download(60),
          120_000,
        );
        await control.must({ do: 'mend', nic });
        await everyByteIsRight(sum);
        expect(await guest.must('dmesg')).not.toMatch(/BUG|Oops|Call Trace/);
        proved({ nic, side: 'model', stranger: 'Linux on broken hardware', what: `${fault} survived` });
      },
      200_000,
    );

    if (stops)
      test('lost-interrupt while it downloads: works once it is set up anew', async () => {
        await guest.must('dmesg -c > /dev/null');
        await control.must({ do: 'break', nic, fault: 'lost-interrupt', rounds: 20 });
        await guest.run(download(5), 60_000);
        await control.must({ do: 'mend', nic });
        await guest.must('ip link set $N down; ip link set $N up');
        await guest.must(CARRIER);
        await downloads();
        expect(await guest.must('dmesg')).not.toMatch(/BUG|Oops|Call Trace/);
        const what = 'lost-interrupt survived when set up anew';
        proved({ nic, side: 'model', stranger: 'Linux on broken hardware', what });
      }, 200_000);

    test('hung-transmitter: noticed, and it works once it is set up anew', async () => {
      await guest.must('dmesg -c > /dev/null');
      await control.must({ do: 'break', nic, fault: 'hung-transmitter', rounds });
      // Doorbells of the first seconds get lost. Frames this long soon fill what the kernel lets wait in a queue (BQL).
      await guest.run('ping -c 15 -s 1400 -W 1 10.0.2.2', 60_000);
      expect(await guest.must('dmesg')).toMatch(says);
      await control.must({ do: 'mend', nic });
      if (!heals) await guest.must('ip link set $N down; ip link set $N up');
      await guest.must(CARRIER);
      await downloads();
      proved({ nic, side: 'model', stranger: 'Linux on broken hardware', what: 'hung-transmitter noticed' });
    }, 200_000);

    test('silent-phy: setting it up ends without link, and it works once the PHY answers again', async () => {
      await guest.must('dmesg -c > /dev/null; ip link set $N down');
      await control.must({ do: 'break', nic, fault: 'silent-phy' });
      expect(await guest.must('ip link set $N up; sleep 3; cat /sys/class/net/$N/carrier; ip link set $N down')).toBe(
        '0',
      );
      const log = await guest.must('dmesg');
      expect(log).toMatch(deaf);
      expect(log).not.toMatch(/BUG|Oops/);
      await control.must({ do: 'mend', nic });
      await guest.must('ip link set $N up');
      await guest.must(CARRIER);
      await downloads();
      proved({ nic, side: 'model', stranger: 'Linux on broken hardware', what: 'silent-phy survived' });
    }, 200_000);

    test('removal: the driver gives up, the kernel lives', async () => {
      await guest.must('dmesg -c > /dev/null');
      await control.must({ do: 'break', nic, fault: 'removal' });
      await guest.run('ping -c 2 -W 1 10.0.2.2', 30_000);
      await guest.must('ip link set $N down', 60_000);
      expect(await guest.must('dmesg')).not.toMatch(/BUG|Oops/);
      await control.must({ do: 'mend', nic });
      await guest.must('true');
    }, 120_000);
  });
});
