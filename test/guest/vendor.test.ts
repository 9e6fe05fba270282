/**
 * Realtek's own Linux drivers, r8168 and r8125, on our models: those who made the chips judge them. They share no line with
 * Linux's r8169, which the matrix has; rows of the matrix are asked of them, too (NICFORGE_MATRIX=full: all of them). r8125 once
 * more with all its queues, which no other driver of this chip has. And r8169 with the firmware of real boards.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, Lab } from '../support/matrix/bench.js';
import { CHIPS, VENDOR_CHIPS } from '../support/matrix/chips.js';
import { judge } from '../support/matrix/judge.js';
import { unexplained } from '../support/matrix/windows.js';
import { proved } from '../support/results.js';
import { type Flow, flowFrame, hashOf, RssSettings } from '../support/rss.js';
import { piecesOrSkip } from '../support/skips.js';
import { QUEUES_MODULE } from '../support/vendor.js';
import { BASIC } from './matrix/basic.js';
import { COUNTERS } from './matrix/counters.js';
import { LIFE } from './matrix/life.js';
import { OFFLOADS } from './matrix/offloads.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'guest', 'vendor');
const full = process.env['NICFORGE_MATRIX'] === 'full';
const guestPieces = (): NonNullable<typeof pieces> => ({ ...pieces!, guest: { initrd: pieces!.vendor.initrd } });

describe.skipIf(!pieces).each(VENDOR_CHIPS)('$driver.name drives $nic', (chip) => {
  const mode = chip.modes[0]!;
  const rows = [...BASIC, ...OFFLOADS, ...COUNTERS, ...LIFE].filter(
    (row) =>
      (full || row.tier === 'short') &&
      (row.needs ?? []).every((feature) => chip.features.has(feature)) &&
      (row.applies?.(chip, mode, 'model') ?? true),
  );
  let lab: Lab;
  let bench: Bench;
  let passed = 0;

  beforeAll(async () => {
    lab = await Lab.open(guestPieces());
    bench = await Bench.plug(lab, { chip, mode, target: 'model' });
  });

  afterAll(async () => {
    if (passed === rows.length)
      proved({
        nic: chip.nic,
        side: 'model',
        stranger: `Realtek's ${chip.driver.name} ${pieces!.vendor.versions[chip.driver.name]} in QEMU over vfio-user`,
        what: `${rows.length} rows of the matrix, ${mode}`,
      });
    await lab?.close();
  });

  test.each(rows)('$name', { timeout: 180_000 }, async (row) => {
    try {
      await judge(bench, row);
      passed++;
    } catch (error) {
      await bench.restore().catch(() => undefined);
      await lab.complaints().catch(() => undefined);
      throw error;
    }
  });

  test('what it touched behind windows is known', () => {
    expect(unexplained(chip.nic, bench.dma!.spaces())).toEqual([]);
  });
});

/** Linux takes half of the processors, when there are more than two, for receive queues: four. */
const CPUS = 7;
/** Vectors of r8125's second form of interrupts. */
const RECEIVED = [0, 1, 2, 3] as const;
const SENT = [16, 18] as const;
const LINK = 21;

describe.skipIf(!pieces)("Realtek's r8125 with four receive queues, 32-byte descriptors, two transmit queues", () => {
  const ordinary = VENDOR_CHIPS.find(({ nic }) => nic === 'rtl8125b')!;
  const hashesUdp = { line: /enabling UDP RSS/, why: 'it warns when UDP is to be hashed' };
  const driver = {
    ...ordinary.driver,
    load: () => `ins ${QUEUES_MODULE}`,
    complaints: [...ordinary.driver.complaints!, hashesUdp],
  };
  let lab: Lab;
  let bench: Bench;

  /** Interrupts taken so far, by vector. */
  const vectors = async (): Promise<number[]> => {
    const counts: number[] = [];
    for (const line of (await bench.sh('grep "$N-" /proc/interrupts')).split('\n')) {
      const name = /-(\d+)$/.exec(line)!;
      const numbers = line.split(':')[1]!.trim().split(/\s+/).slice(0, CPUS);
      counts[Number(name[1])] = numbers.reduce((all, each) => all + Number(each), 0);
    }
    return counts;
  };
  /** Frames that each processor has worked on. */
  const worked = async (): Promise<number[]> =>
    (await bench.sh('cat /proc/net/softnet_stat')).split('\n').map((line) => Number.parseInt(line, 16));
  const settings = async (): Promise<RssSettings> => RssSettings.parse(await bench.sh('ethtool -x $N'));
  /** Puts frames on the cable, and waits until the guest has worked on them. @returns what each processor and each vector got of it */
  const take = async (frames: readonly Buffer[], again = 2): Promise<{ cpus: number[]; received: number[] }> => {
    const [cpus, before] = [await worked(), await vectors()];
    for (const frame of frames) expect(bench.wire.inject(frame), 'carrier').toBe(true);
    const more = async (): Promise<number[]> => (await worked()).map((count, i) => count - cpus[i]!);
    await expect
      .poll(async () => (await more()).reduce((all, each) => all + each), { timeout: 30_000 })
      .toBeGreaterThanOrEqual(frames.length);
    const [got, after] = [await more(), await vectors()];
    // A frame of somebody else, an ARP reply perhaps, came between.
    if (again > 0 && got.reduce((all, each) => all + each) > frames.length) return take(frames, again - 1);
    return { cpus: got, received: RECEIVED.map((vector) => after[vector]! - before[vector]!) };
  };
  /** Sends frames of flows and compares queues and hashes with those that the driver's key and table mean. */
  const follow = async (flows: readonly Flow[]): Promise<void> => {
    const { key, table } = await settings();
    const hashes = flows.map((flow) => hashOf(key, flow));
    const { cpus, received } = await take(flows.map((flow) => flowFrame(bench.macBytes, flow)));
    const queues = new Set(hashes.map((hash) => table[hash % table.length]!));
    expect(received.map((count) => count > 0)).toEqual(RECEIVED.map((queue) => queues.has(queue)));
    // Receive packet steering chooses the processor by the hash that the chip has told (get_rps_cpu, reciprocal_scale).
    const expected = new Array<number>(CPUS).fill(0);
    for (const hash of hashes) expected[Math.floor((hash * CPUS) / 2 ** 32)]!++;
    expect(cpus).toEqual(expected);
  };
  const flows = (count: number, kind: Omit<Flow, 'port'>): Flow[] =>
    Array.from({ length: count }, (_, i) => ({ ...kind, port: 2000 + 7 * i }));

  beforeAll(async () => {
    lab = await Lab.open(guestPieces(), { cpus: CPUS });
    bench = await Bench.plug(lab, { chip: { ...ordinary, driver }, mode: 'msix', target: 'model' });
  });

  afterAll(() => lab?.close());

  test.each(BASIC)('$name', { timeout: 180_000 }, async (row) => void (await judge(bench, row)));

  test('each queue has its vector, each of them was taken', async () => {
    expect((await settings()).queues).toBe(4);
    const all = async (): Promise<boolean> => {
      const counts = await vectors();
      return [...SENT, LINK].every((vector) => counts[vector]! > 0);
    };
    // Linux chooses a transmit queue for each connection by chance.
    for (let i = 0; i < 20 && !(await all()); i++) await bench.download(1000);
    const counts = await vectors();
    expect(counts.flatMap((count, vector) => (count > 0 && vector > 3 ? [vector] : []))).toEqual([...SENT, LINK]);
  });

  test('flows reach the queues, and the hashes the processors, that key and table say; a flow stays in its queue', async () => {
    await bench.sh('for each in /sys/class/net/$N/queues/rx-*/rps_cpus; do echo 7f > $each; done');
    await follow(flows(64, { protocol: 'tcp' }));
    await follow(flows(32, { protocol: 'tcp', ipv6: true }));
    const { key, table } = await settings();
    for (const queue of RECEIVED) {
      const one = flows(200, { protocol: 'tcp' }).find((flow) => table[hashOf(key, flow) % table.length] === queue)!;
      const { received } = await take(new Array<Buffer>(20).fill(flowFrame(bench.macBytes, one)));
      expect(received.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([queue]);
    }
  });

  test('UDP is hashed by its ports when that is asked for; another table, another key', async () => {
    // Without them all of UDP between two addresses is one flow.
    const { key, table } = await settings();
    const { received } = await take(flows(16, { protocol: 'udp' }).map((flow) => flowFrame(bench.macBytes, flow)));
    const only = table[hashOf(key, { protocol: 'other', port: 0 }) % table.length]!;
    expect(received.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([only]);
    await bench.sh('ethtool -N $N rx-flow-hash udp4 sdfn');
    await follow(flows(32, { protocol: 'udp' }));
    await bench.sh('ethtool -X $N equal 2');
    expect(new Set((await settings()).table)).toEqual(new Set([0, 1]));
    await follow(flows(32, { protocol: 'tcp' }));
    const other = Array.from(key, (byte) => (byte ^ 0x5a).toString(16).padStart(2, '0')).join(':');
    await bench.sh(`ethtool -X $N equal 4 hkey ${other}`);
    expect([...(await settings()).key]).toEqual(Array.from(key, (byte) => byte ^ 0x5a));
    await follow(flows(32, { protocol: 'tcp' }));
  });

  test('the model, the kernel and the server have nothing to say', async () => {
    await judge(bench, { name: 'traffic on all queues', tier: 'short', run: (each) => each.download(100_000) });
    await bench.sh(`ip link set $N down && rmmod ${driver.unload}`);
    await judge(bench, { name: 'unloaded', tier: 'short', run: async () => {} });
    expect(unexplained(ordinary.nic, bench.dma!.spaces())).toEqual([]);
    proved({
      nic: ordinary.nic,
      side: 'model',
      stranger: `Realtek's r8125 ${pieces!.vendor.versions['r8125']} with RSS, in QEMU over vfio-user`,
      what: 'four receive queues by hash, 32-byte descriptors, two transmit queues, a vector each',
    });
  });
});

describe.skipIf(!pieces).each(CHIPS.filter(({ driver }) => driver.name === 'r8169'))(
  'Linux with the firmware of real boards: $nic',
  (chip) => {
    const rows = BASIC.filter((row) => row.applies?.(chip, chip.modes[0]!, 'model') ?? true);
    let lab: Lab;
    let bench: Bench;

    beforeAll(async () => {
      lab = await Lab.open(guestPieces());
      // With the firmware there, nothing about it is excused.
      const driver = { ...chip.driver, complaints: [] };
      bench = await Bench.plug(lab, { chip: { ...chip, driver }, mode: chip.modes[0]!, target: 'model' });
    });

    afterAll(() => lab?.close());

    test.each(rows)('$name', { timeout: 180_000 }, async (row) => void (await judge(bench, row)));

    test('the PHY took it', async () => {
      expect(await lab.guest.must('ethtool -i $N')).toMatch(/firmware-version: rtl8(168h-2|125b-2)_\d/);
      expect(unexplained(chip.nic, bench.dma!.spaces())).toEqual([]);
      proved({
        nic: chip.nic,
        side: 'model',
        stranger: `Linux ${pieces!.kernel.version.replace(/\+.*/, '')} in QEMU over vfio-user`,
        what: 'streams the firmware of real boards into the PHY',
      });
    });
  },
);
