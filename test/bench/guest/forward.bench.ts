/**
 * `npm run bench:guest`: iperf3 TCP between Linux in QEMU and an iperf3 server of this host, through `nicforge serve
 * --forward` over our models, against QEMU's own models with its user network: one guest, all NICs in it, in turn, over
 * several rounds. NICFORGE_ROUNDS (3) and NICFORGE_SECONDS (4) say how long.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NICS } from '../../../src/lab/index.js';
import { freePort } from '../../support/ports.js';
import { type LinuxGuest, startLinux } from '../../support/qemu.js';
import { type ServeChild, startServe } from '../../support/serve.js';
import { piecesOrSkip } from '../../support/skips.js';
import { temporaryFolder } from '../../support/wire.js';
import { median } from '../results.mjs';

/** Our models, and the device of QEMU's that each is compared with. */
const RIVALS: Readonly<Record<string, string>> = {
  'virtio-net': 'virtio-net-pci',
  '82540em': 'e1000',
  '82574l': 'e1000e',
};
const ROUNDS = Number(process.env['NICFORGE_ROUNDS'] ?? 3);
const SECONDS = Number(process.env['NICFORGE_SECONDS'] ?? 4);
const WAYS = ['from the guest', 'to the guest'] as const;

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'iperf3');
const nics = NICS.map(({ name }) => name).filter((name) => RIVALS[name] !== undefined);
const all = nics.flatMap((nic, i) => [
  { label: `our ${nic}`, mac: `52:54:00:12:34:${56 + i}` },
  { label: `QEMU's ${RIVALS[nic]}`, mac: `52:54:00:12:35:${56 + i}` },
]);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let serve: ServeChild;
let guest: LinuxGuest;
let server: ChildProcess;
let port: number;

beforeAll(async () => {
  if (!pieces) return;
  folder = await temporaryFolder('bench');
  port = await freePort();
  const { file, args, env } = pieces.iperf3.program;
  server = spawn(file, [...args, '-s', '-B', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  const way = `tcp:10.0.2.2:${port}=127.0.0.1:${port}`;
  serve = await startServe([...nics, '--socket', join(folder.path, 's'), '--forward', way]);
  guest = await startLinux({
    pieces,
    args: () => [
      ...serve.qemuArguments(),
      ...nics.flatMap((nic, i) => [
        ...['-netdev', `user,id=u${i}`],
        ...['-device', `${RIVALS[nic]},netdev=u${i},romfile=,mac=52:54:00:12:35:${56 + i}`],
      ]),
    ],
  });
  await guest.must('ins e1000 e1000e virtio_pci virtio_net');
});

afterAll(async () => {
  await guest?.close();
  if (process.env['NICFORGE_SHOW']) console.log(serve?.out.text);
  await serve?.stop();
  server?.kill();
  await folder?.remove();
});

test.skipIf(!pieces)('iperf3 TCP through the gateway, against the user network', async () => {
  const figures = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { label, mac } of all) {
      await guest.must(`N=$(basename $(dirname $(grep -l ${mac} /sys/class/net/*/address))); test -n "$N"`);
      await guest.must('ip link set $N up; udhcpc -i $N -n -q -t 10 -T 2', 60_000);
      for (const way of WAYS) {
        const reverse = way === 'to the guest' ? ' -R' : '';
        const line = `iperf3 -c 10.0.2.2 -p ${port} -t ${SECONDS}${reverse} -J`;
        const report = JSON.parse(await guest.must(line, 60_000 + SECONDS * 2000)) as {
          end: { sum_received: { bits_per_second: number } };
        };
        const key = `${label}, ${way}`;
        figures.set(key, [...(figures.get(key) ?? []), report.end.sum_received.bits_per_second / 1e9]);
      }
      await guest.must('ip addr flush dev $N; ip link set $N down');
    }
  }
  const lines = ['iperf3 TCP, Gbit/s as received, medians; ratios are medians of those within a round'];
  for (const nic of nics) {
    for (const way of WAYS) {
      const ours = figures.get(`our ${nic}, ${way}`)!;
      const theirs = figures.get(`QEMU's ${RIVALS[nic]}, ${way}`)!;
      const ratio = median(ours.map((value, i) => value / theirs[i]!));
      const spread = (values: number[]): string =>
        `${median(values).toFixed(3)} [${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}]`;
      lines.push(
        `${nic}, ${way}: ours ${spread(ours)}, QEMU's ${RIVALS[nic]} ${spread(theirs)}: x${ratio.toFixed(2)}${ratio < 0.5 ? ', MISSED: aim x0.5' : ''}`,
      );
      expect(ours.every((value) => value > 0)).toBe(true);
    }
  }
  console.log(lines.join('\n'));
});
