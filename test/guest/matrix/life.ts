/** Rows about the life of a device: down and up, drivers that go and come, resets, sleep, removal. */
import type { LinkAbility } from '../../../src/link/index.js';
import { Bench, until } from '../../support/matrix/bench.js';
import { check, type Row } from '../../support/matrix/rows.js';

/** Everything works again. */
async function works(bench: Bench): Promise<void> {
  await bench.up();
  await bench.ping();
  await bench.download(256 << 10);
}

const FLUSHED = { line: /Reset adapter/, why: 'e1000 flushes what was queued when the link went away' } as const;

/** A download that goes on in the guest until it is stopped. */
async function traffic(bench: Bench): Promise<void> {
  const before = bench.wire.in.frames;
  await bench.sh('wget -q -O /dev/null http://10.0.2.2/bytes/4000000000 > /dev/null 2>&1 & W=$!');
  for (let i = 0; i < 100 && bench.wire.in.frames < before + 500; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  check(bench.wire.in.frames >= before + 500, 'there is no traffic');
}

const NO_CARRIER = 'a socket back-end has no carrier';

/** QEMU up to 11.1 dies when a vfio-user device with MSI-X is unplugged: hw/vfio-user/pci.c takes the PBA region down twice. */
const unpluggable = (_chip: unknown, mode: string, target: string): boolean => target === 'control' || mode !== 'msix';

/** Rows that a device survives. */
export const LIFE: readonly Row[] = [
  {
    name: 'down and up',
    tier: 'short',
    async run(bench) {
      for (let i = 0; i < 3; i++) {
        await bench.sh('ip link set $N down');
        await bench.up();
        await bench.ping();
      }
    },
  },
  {
    name: 'unload and load',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      for (let i = 0; i < 2; i++) {
        await bench.sh(`rmmod ${bench.chip.driver.unload}`);
        await bench.sh(bench.chip.driver.load(bench.mode));
        await bench.find();
        await works(bench);
      }
    },
  },
  {
    name: 'cable pulled and plugged',
    tier: 'short',
    async run(bench) {
      bench.wire.cable.pull();
      try {
        await bench.carrier(false);
      } finally {
        bench.wire.cable.plug();
      }
      await bench.carrier(true);
      await works(bench);
    },
    controlLimit: { '82540em': NO_CARRIER, '82574l': NO_CARRIER, 'virtio-net': NO_CARRIER },
  },
  {
    name: 'lower speeds, when the other end offers no more',
    tier: 'full',
    needs: ['negotiates'],
    applies: (_chip, _mode, target) => target === 'model',
    async run(bench) {
      const { b } = bench.wire.cable;
      const usual = b.ability!;
      // A link that changes its speed goes first.
      const settle = async (ability: LinkAbility, mbit: number): Promise<void> => {
        b.offer(undefined);
        await bench.carrier(false);
        b.offer(ability);
        await bench.sh(until(`test "$(cat /sys/class/net/$N/speed 2>/dev/null)" = ${mbit}`));
        await works(bench);
      };
      try {
        for (const mbit of [1000, 100, 10] as const) await settle({ ...usual, speeds: [mbit], half: [] }, mbit);
      } finally {
        await settle(usual, bench.chip.speed);
      }
    },
    complaints: [FLUSHED],
  },
  {
    name: 'cable pulled under traffic',
    tier: 'full',
    applies: (_chip, _mode, target) => target === 'model',
    async run(bench) {
      await traffic(bench);
      bench.wire.cable.pull();
      await bench.carrier(false);
      bench.wire.cable.plug();
      await bench.carrier(true);
      await bench.guest.run('kill $W; wait $W 2>/dev/null');
      await works(bench);
    },
    complaints: [FLUSHED],
  },
  {
    name: 'reset by sysfs',
    tier: 'full',
    everyMode: true,
    async run(bench) {
      const methods = (await bench.guest.run('cat /sys/bus/pci/devices/$P/reset_method')).output
        .split(/\s+/)
        .filter(Boolean);
      check(methods.length > 0, 'the kernel knows no way to reset it');
      for (const method of methods) {
        await bench.sh('V=$(readlink -f /sys/bus/pci/devices/$P/driver); echo $P > $V/unbind');
        const { output } = await bench.guest.run(
          `echo ${method} > /sys/bus/pci/devices/$P/reset_method; echo 1 > /sys/bus/pci/devices/$P/reset`,
          60_000,
        );
        await bench.sh('echo $P > $V/bind');
        // QEMU's root port sometimes does not report an active link after a bus reset, also with QEMU's own devices:
        // the kernel then gives the reset up with ENOTTY. The device must have come through it all the same.
        const noLink = method === 'bus' && output.includes('Inappropriate ioctl');
        check(output === '' || noLink, `${method}: ${output}`);
        await bench.find();
        await works(bench);
      }
      await bench.sh('echo default > /sys/bus/pci/devices/$P/reset_method');
    },
  },
  {
    name: 'suspend and resume (pm_test=devices)',
    tier: 'full',
    everyMode: true,
    async run(bench) {
      await bench.sh('echo 1 > /sys/module/suspend/parameters/pm_test_delay; echo devices > /sys/power/pm_test');
      await bench.sh('echo mem > /sys/power/state', 60_000);
      await bench.sh('echo none > /sys/power/pm_test');
      await works(bench);
    },
    complaints: [
      { line: /serial|i8042|rtc|clocksource|hpet|PM: suspend debug/, why: 'not the NIC' },
      { line: /\] done\.$/, why: 'the end of "Freezing ...", when something else was said in between' },
    ],
  },
  {
    name: 'two NICs at once',
    tier: 'full',
    async run(bench) {
      const other = await Bench.plug(bench.lab, {
        chip: bench.chip,
        mode: bench.mode,
        target: bench.target,
        hide: ['msix'],
      });
      try {
        await other.up();
        await other.sh('O=$N; OP=$P');
        await bench.find();
        // Each carries its own echo requests at the same time.
        const [mine, its] = [bench.wire.out.frames, other.wire.out.frames];
        const out = await bench.sh(
          'ping -I $O -c 20 -i 0.05 -W 3 10.0.2.2 > /tmp/other 2>&1 & Q=$!; ping -I $N -c 20 -i 0.05 -W 3 10.0.2.2; wait $Q; cat /tmp/other',
        );
        check((out.match(/ 0% packet loss/g) ?? []).length === 2, out);
        check(bench.wire.out.frames - mine >= 20, 'the first sent too little');
        check(other.wire.out.frames - its >= 20, 'the second sent too little');
        const { unexplained } = other.findings(bench.chip.explained);
        check(unexplained.length === 0, unexplained.join('; '));
      } finally {
        await other.find().catch(() => undefined);
        await other.close();
        await bench.find();
      }
      await works(bench);
    },
    complaints: [{ line: /Falling back to MSI/, why: 'the second comes without MSI-X, so that QEMU can unplug it' }],
  },
  {
    name: 'guest reboot',
    tier: 'short',
    everyMode: true,
    async run(bench) {
      await bench.guest.reboot();
      await bench.lab.prepare();
      await bench.sh(bench.chip.driver.load(bench.mode));
      await bench.find();
      await works(bench);
    },
  },
];

/** Rows after which the device is gone; each gets a device of its own. */
export const DEATHS: readonly Row[] = [
  {
    name: 'hot plug and unplug',
    tier: 'short',
    applies: unpluggable,
    async run(bench) {
      await works(bench);
      await bench.unplug();
      check((await bench.guest.run('test -e /sys/class/net/$N')).status === 1, 'the interface is still there');
    },
  },
  {
    name: 'unplug under traffic',
    tier: 'full',
    applies: unpluggable,
    async run(bench) {
      await bench.up();
      await traffic(bench);
      await bench.unplug();
      await bench.guest.run('kill $W; wait $W 2>/dev/null');
      check((await bench.guest.run('test -e /sys/class/net/$N')).status === 1, 'the interface is still there');
    },
  },
  {
    name: 'surprise removal under traffic',
    tier: 'full',
    applies: (_chip, _mode, target) => target === 'model',
    async run(bench) {
      await bench.up();
      await traffic(bench);
      bench.surprise();
      // The guest lives and gets rid of the device.
      await bench.sh('sleep 3; kill $W; wait $W 2>/dev/null; true');
      if (bench.chip.driver.holdsOn !== undefined) return;
      await bench.sh('ip link set $N down; true; echo 1 > /sys/bus/pci/devices/$P/remove', 60_000);
      check((await bench.guest.run('test -e /sys/class/net/$N')).status === 1, 'the interface is still there');
    },
    complaints: [{ line: /./, why: 'the device answers with ones' }],
  },
];
