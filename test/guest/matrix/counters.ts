/** Rows about what a NIC lets through and counts, and about settings of rings, interrupts and PAUSE. */
import type { Bench } from '../../support/matrix/bench.js';
import { frameTo, Listener, macOf, pauseFrame, sawMark } from '../../support/matrix/frames.js';
import { MIRROR_ADDRESS } from '../../support/matrix/mirror.js';
import { check, type Row } from '../../support/matrix/rows.js';
import { difference } from '../../support/matrix/wire.js';

const STRANGER = macOf('52:54:00:de:ad:01');
const GROUP = macOf('01:00:5e:01:02:03');
const OTHER_GROUP = macOf('01:00:5e:7a:7b:7c');
const BROADCAST = macOf('ff:ff:ff:ff:ff:ff');

async function statistics(bench: Bench): Promise<Map<string, number>> {
  const text = await bench.sh(
    'ethtool -S $N; cd /sys/class/net/$N/statistics; for f in *; do echo sysfs/$f: $(cat $f); done; cd /',
  );
  return new Map([...text.matchAll(/^\s*(\S+): (\d+)$/gm)].map(([, name, value]) => [name!, Number(value)]));
}

/** Which of the marked frames come through with the filter set by `words` of `packets listen`. */
async function passing(bench: Bench, words: string): Promise<Record<string, boolean>> {
  const seen = await Listener.open(bench, words);
  const frames: [string, Buffer][] = [
    ['station', Buffer.from(bench.macBytes)],
    ['broadcast', BROADCAST],
    ['stranger', STRANGER],
    ['group', GROUP],
    ['other group', OTHER_GROUP],
  ];
  for (const [i, [, to]] of frames.entries()) bench.wire.inject(frameTo(to, 0x100 + i));
  const found = await seen.stop();
  return Object.fromEntries(frames.map(([name], i) => [name, sawMark(found, 0x100 + i) !== undefined]));
}

function expectPassing(found: Record<string, boolean>, wanted: readonly string[]): void {
  const came = Object.keys(found).filter((name) => found[name]);
  check(came.join() === wanted.join(), `came through: ${came.join(', ')}; expected: ${wanted.join(', ')}`);
}

/** Interrupts taken so far by the device. */
async function interrupts(bench: Bench): Promise<number> {
  const text = await bench.sh(
    'M=$(ls /sys/bus/pci/devices/$P/msi_irqs 2>/dev/null); test -n "$M" || M=$(cat /sys/bus/pci/devices/$P/irq); for i in $M; do grep "^ *$i:" /proc/interrupts; done',
  );
  return text.split('\n').reduce((sum, line) => sum + Number(/^\s*\d+:\s+(\d+)/.exec(line)?.[1] ?? 0), 0);
}

/** Bits for which a PAUSE frame with FFFFh quanta holds a sender, less a tenth. */
const PAUSED = 0.9 * 0xffff * 512;

/** Frames that the NIC sends within the time of a PAUSE frame; the guest sends all the time, for `milliseconds`. */
async function sentWhilePaused(bench: Bench, milliseconds: number): Promise<number> {
  await bench.sh('ping -I $N -i 0.01 -c 500 10.0.2.2 > /dev/null 2>&1 & K=$!');
  const end = bench.wire.keep();
  const began = performance.now();
  while (performance.now() - began < milliseconds) {
    bench.wire.inject(pauseFrame(0xffff));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  bench.wire.inject(pauseFrame(0));
  const frames = end();
  await bench.guest.run('kill $K; wait $K 2>/dev/null');
  const paused = PAUSED / bench.chip.speed;
  let last = Number.NEGATIVE_INFINITY;
  let sent = 0;
  for (const { out, time, bytes } of frames) {
    if (!out && bytes.readUInt16BE(12) === 0x8808) last = time;
    else if (out && time - last < paused) sent++;
  }
  return sent;
}

/** PAUSE both ways or not at all. Drivers negotiate again for it: the link goes, and what was settled shows when it is back. */
async function setPause(bench: Bench, settings: string): Promise<void> {
  const changes = 'cat /sys/class/net/$N/carrier_changes';
  await bench.sh(
    `C=$(${changes}); ethtool -A $N ${settings} 2>/dev/null; for i in $(seq 30); do test $(${changes}) -ge $((C + 2)) && break; usleep 100000; done; true`,
  );
  await bench.up();
}

const NO_FLOW_CONTROL = {
  '82540em': "QEMU's e1000 has no flow control",
  '82574l': "QEMU's e1000e has no flow control",
};

/** Rows about filters, counters and settings. */
export const COUNTERS: readonly Row[] = [
  {
    name: 'address filter, multicast, promiscuous',
    tier: 'short',
    async run(bench) {
      expectPassing(await passing(bench, ''), ['station', 'broadcast']);
      expectPassing(await passing(bench, `join 01:00:5e:01:02:03`), ['station', 'broadcast', 'group']);
      expectPassing(await passing(bench, 'allmulti'), ['station', 'broadcast', 'group', 'other group']);
      expectPassing(await passing(bench, 'promisc'), ['station', 'broadcast', 'stranger', 'group', 'other group']);
      expectPassing(await passing(bench, ''), ['station', 'broadcast']);
    },
  },
  {
    name: 'another station address',
    tier: 'full',
    async run(bench) {
      const other = '52:54:00:77:01:99';
      await bench.sh(`ip link set $N down; ip link set $N address ${other}; ip link set $N up`);
      try {
        await bench.carrier(true);
        const seen = await Listener.open(bench);
        for (let i = 0; i < 3; i++) bench.wire.inject(frameTo(macOf(other), 0x200));
        bench.wire.inject(frameTo(STRANGER, 0x201));
        bench.wire.inject(frameTo(BROADCAST, 0x202));
        await bench.sh('for i in $(seq 100); do grep -q 88b500000202 /tmp/seen* && break; usleep 20000; done');
        const text = await bench.sh('cat /tmp/seen*; kill $L; wait $L 2>/dev/null; rm -f /tmp/seen*');
        check(text.includes('88b500000200'), 'frames to the new address did not come');
        check(!text.includes('88b500000201'), 'frames to a stranger came');
        void seen;
      } finally {
        await bench.sh(`ip link set $N down; ip link set $N address ${bench.mac}; ip link set $N up`);
        await bench.carrier(true);
      }
      await bench.ping();
    },
  },
  {
    name: 'ethtool -S equals the wire',
    tier: 'short',
    async run(bench) {
      // The ARP entry is fresh, so that nothing else is sent while frames are counted.
      await bench.ping(56, 2);
      const damaged = bench.target === 'model';
      const before = await statistics(bench);
      const wire = bench.wire.counts();
      const me = Buffer.from(bench.macBytes);
      const seen = await Listener.open(bench, 'join 01:00:5e:01:02:03');
      for (let i = 0; i < 20; i++) {
        bench.wire.inject(frameTo(me, 0x300 + i, 60 + 70 * i));
        if (i % 4 === 0) bench.wire.inject(frameTo(BROADCAST, 0x340 + i));
        if (i % 5 === 0) bench.wire.inject(frameTo(GROUP, 0x360 + i, 512));
        if (!damaged) continue;
        if (i % 6 === 0) bench.wire.inject(frameTo(me, 0x380 + i, 300), false);
        if (i % 7 === 0) bench.wire.inject(frameTo(me, 0x3a0 + i, 40));
        if (i % 10 === 0) bench.wire.inject(frameTo(me, 0x3c0 + i, 3000));
      }
      const hexOf = (to: Buffer, bytes: number): string => frameTo(to, 0x3ff, bytes).toString('hex');
      await bench.sh(
        `packets send $N 7 ${hexOf(STRANGER, 60)}; packets send $N 3 ${hexOf(BROADCAST, 200)}; packets send $N 2 ${hexOf(GROUP, 1514)}`,
      );
      await seen.stop();
      const after = await statistics(bench);
      const now = bench.wire.counts();
      const out = difference(now.out, wire.out);
      const come = difference(now.in, wire.in);
      check(out.frames >= 12 && come.frames >= 29, `the wire saw ${out.frames} and ${come.frames}`);
      const wrong: string[] = [];
      for (const [name, of] of Object.entries(bench.chip.driver.statistics)) {
        if (!after.has(name)) wrong.push(`there is no ${name}`);
        const counted = after.get(name)! - before.get(name)!;
        if (counted !== of(out, come)) wrong.push(`${name}: ${counted}, on the wire ${of(out, come)}`);
      }
      check(wrong.length === 0, `${wrong.join('; ')} (wire in ${JSON.stringify(come)})`);
    },
    controlLimit: {
      '82540em': "QEMU's e1000 shows this driver octet, broadcast and multicast counters that stay 0",
    },
  },
  {
    name: 'ethtool -t offline',
    tier: 'short',
    needs: ['selftest'],
    async run(bench) {
      const { status, output } = await bench.guest.run('ethtool -t $N offline', 120_000);
      check(status === 0 && output.includes('The test result is PASS'), output);
      await bench.up();
      await bench.ping();
    },
    explained: [
      { rule: 'ring-length', register: /^[RT]DLEN/, why: 'the register test writes patterns into ring registers' },
      { rule: 'ring-alignment', register: /^[RT]DBAL/, why: 'the register test writes patterns into ring registers' },
      {
        rule: 'tail-beyond-ring',
        register: /^[RT]D[HT]/,
        why: 'the register test writes patterns into ring registers',
      },
    ],
    controlLimit: {
      '82540em': "QEMU's e1000 lacks register 178h, on which the register test stops",
      '82574l': "QEMU's e1000e fails the register, interrupt and loopback tests",
    },
  },
  {
    name: 'ring sizes: ethtool -G',
    tier: 'full',
    needs: ['rings'],
    async run(bench) {
      const least = bench.chip.driver.smallestRings ?? 64;
      for (const [rx, tx] of [
        [least, least],
        [4096, 4096],
        [256, 256],
      ] as const) {
        await bench.sh(`ethtool -G $N rx ${rx} tx ${tx} || ethtool -g $N | grep -q "^RX:.*${rx}$"`);
        await bench.carrier(true);
        const shown = await bench.sh('ethtool -g $N');
        check(
          shown.includes(`RX:			${rx}`) || new RegExp(`RX:\\s+${rx}$`, 'm').test(shown.split('Current')[1]!),
          shown,
        );
        await bench.up();
        await bench.download();
        await bench.upload();
      }
    },
  },
  {
    name: 'coalescing: ethtool -C',
    tier: 'full',
    needs: ['coalesce'],
    async run(bench) {
      const { slow: most, usual, delays = false } = bench.chip.driver.coalesce!;
      const taken = async (usecs: number): Promise<{ count: number; seconds: number; least: number }> => {
        // The interrupt of a sent frame would have the answer looked at, too.
        await bench.guest.run(`ethtool -C $N rx-usecs ${usecs}${delays ? ` tx-usecs ${usecs}` : ''}`);
        const shown = await bench.sh('ethtool -c $N');
        check(new RegExp(`^rx-usecs:\\s+${usecs}$`, 'm').test(shown), shown);
        await bench.carrier(true);
        await bench.ping();
        const before = await interrupts(bench);
        const began = performance.now();
        const out = await bench.ping(56, 60);
        const seconds = (performance.now() - began) / 1000;
        const least = Number(/min\/avg\/max\S* = ([\d.]+)/.exec(out)?.[1]);
        return { count: (await interrupts(bench)) - before, seconds, least };
      };
      const slow = await taken(most);
      const fast = await taken(0);
      await bench.guest.run(`ethtool -C $N rx-usecs ${usual}${delays ? ` tx-usecs ${usual}` : ''}`);
      const rate = 1e6 / most;
      check(slow.count <= slow.seconds * rate + 5, `${slow.count} interrupts in ${slow.seconds} s at ${rate} a second`);
      // Milliseconds.
      if (delays)
        check(
          slow.least >= most / 1000 && fast.least < most / 1000,
          `answers come after ${slow.least} and ${fast.least} ms`,
        );
      check(fast.count >= 50, `${fast.count} interrupts for 60 answers without moderation`);
    },
  },
  {
    name: 'pause: ethtool -A, PAUSE obeyed',
    tier: 'full',
    needs: ['pause'],
    async run(bench) {
      await setPause(bench, 'autoneg off rx on tx on');
      await bench.sh('ethtool -a $N | grep -q "^RX:.*on"');
      await bench.ping();
      const paused = await sentWhilePaused(bench, 400);
      await bench.ping();
      await setPause(bench, 'autoneg off rx off tx off');
      await bench.ping();
      const free = await sentWhilePaused(bench, 400);
      await setPause(bench, 'autoneg on rx on tx on');
      // A frame that was under way when the PAUSE came may still leave.
      check(paused <= 1, `${paused} frames left while paused`);
      check(free >= 5, `only ${free} frames left although PAUSE is not obeyed`);
    },
    controlLimit: NO_FLOW_CONTROL,
  },
  {
    name: 'pause: PAUSE sent when the FIFO fills',
    tier: 'full',
    needs: ['pause'],
    async run(bench) {
      // More than rings and FIFO hold, faster than the guest can take it.
      const flood = async (): Promise<number> => {
        await bench.up();
        await bench.ping();
        const before = bench.wire.out.pause;
        for (let i = 0; i < 3000; i++) bench.wire.inject(frameTo(Buffer.from(bench.macBytes), 0x500, 1500));
        await bench.ping();
        return bench.wire.out.pause - before;
      };
      await setPause(bench, 'autoneg off rx on tx on');
      await bench.sh('ethtool -a $N | grep -q "^TX:.*on"');
      const asked = await flood();
      await setPause(bench, 'autoneg off rx off tx off');
      const silent = await flood();
      await setPause(bench, 'autoneg on rx on tx on');
      check(asked > 0, 'no PAUSE frame was sent');
      check(silent === 0, `${silent} PAUSE frames were sent although switched off`);
    },
    controlLimit: NO_FLOW_CONTROL,
  },
  {
    name: 'jumbo frames',
    tier: 'full',
    needs: ['jumbo'],
    async run(bench) {
      await bench.sh('ip link set $N mtu 9000');
      try {
        await bench.carrier(true);
        await bench.sh('ip addr add 10.9.9.2/24 dev $N');
        const end = bench.wire.keep();
        await bench.ping(8900, 5, MIRROR_ADDRESS);
        await bench.ping(4000, 5, MIRROR_ADDRESS);
        await bench.ping(56, 5, MIRROR_ADDRESS);
        const long = end().filter((frame) => frame.bytes.length === 8900 + 42);
        check(long.length === 10, `${long.length} frames of 8942 bytes on the wire`);
      } finally {
        await bench.guest.run('ip addr del 10.9.9.2/24 dev $N; ip link set $N mtu 1500');
        await bench.carrier(true);
      }
      await bench.download();
    },
  },
];
