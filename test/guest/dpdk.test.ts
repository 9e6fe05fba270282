/**
 * DPDK drives our models: its poll-mode drivers (for Realtek's chips written from the vendor's own) share no line with Linux's.
 * testpmd in the guest sends back what comes on the cable, as it is, with checksums by the chip, cut by the chip, with tags.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmulatedFunction } from '../../src/emulators/index.js';
import { RealTime, serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { NICS, nicKind } from '../../src/lab/nics.js';
import { GIGABIT, LinkPort } from '../../src/link/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Diagnostics, diagnosticText, type RuleName } from '../../src/platform/diagnostics.js';
import { HUGE_PAGES, Testpmd } from '../support/dpdk.js';
import { until } from '../support/matrix/bench.js';
import { frameTo, packetFrame, sumsRight } from '../support/matrix/frames.js';
import { unexplained as unexplainedBehindWindows } from '../support/matrix/windows.js';
import { Wire, type WireFrame } from '../support/matrix/wire.js';
import { type LinuxGuest, startLinux, vfioUserDevice } from '../support/qemu.js';
import { proved } from '../support/results.js';
import { piecesOrSkip } from '../support/skips.js';

const pieces = await piecesOrSkip('qemu', 'kernel', 'initramfs', 'dpdk');
const DPDK = `DPDK's testpmd (ABI ${pieces?.dpdk.version ?? ''}) in QEMU over vfio-user`;
const MAC = Uint8Array.of(0x52, 0x54, 0, 0xdd, 0xbd, 0x01);
const OWN = Buffer.from(MAC);
/** What a chip's poll-mode driver offers. */
interface Case {
  readonly nic: string;
  readonly driver: string;
  /**
   * TCP segmentation by the chip, of these versions of IP. net_r8169 leaves the sum of the pseudo header, which Realtek's own drivers
   * write first, to the caller; with IPv6 testpmd's is then wrong.
   */
  readonly tso: readonly (4 | 6)[];
  /** Checksums by the chip, in words of testpmd's `csum set`. */
  readonly sums: readonly string[];
  readonly ipv6: boolean;
  /** Tags are put in and taken out by the chip. net_r8169 overwrites RTL8125B's RCR after it has turned stripping on. */
  readonly vlan: 'both' | 'insert' | undefined;
  /** The driver has the chip judge TCP and UDP checksums, and tells of those that are good, or bad. */
  readonly judges?: 'good' | 'bad';
  /** Frames longer than a buffer: the driver adds up what the descriptors of one tell. */
  readonly scatters?: true;
  /** Mbit/s; 0: not told. */
  readonly speed: number;
  /** Findings of the model that are right. */
  readonly explained?: { readonly rule: RuleName; readonly register: RegExp; readonly why: string };
}
/** The driver is one for the whole family. */
const YOUNGER = {
  rule: 'unknown-register',
  register: /^offset 0x0000(4148|414c|5008)$/,
  why: 'counters, and RFCTL, that only younger chips of the family have',
} as const;
const CASES = (
  [
    {
      nic: '82540em',
      driver: 'net_e1000_em',
      tso: [],
      sums: ['ip', 'udp', 'tcp'],
      ipv6: false,
      vlan: 'both',
      speed: 1000,
      explained: YOUNGER,
    },
    {
      nic: '82574l',
      driver: 'net_e1000_em',
      tso: [],
      sums: ['ip', 'udp', 'tcp'],
      ipv6: true,
      vlan: 'both',
      speed: 1000,
      judges: 'bad',
      explained: YOUNGER,
    },
    {
      nic: 'virtio-net',
      driver: 'net_virtio',
      tso: [4, 6],
      sums: ['udp', 'tcp'],
      ipv6: true,
      vlan: undefined,
      speed: 0,
    },
    {
      nic: 'rtl8168h',
      driver: 'net_r8169',
      tso: [4],
      sums: ['ip', 'udp', 'tcp'],
      ipv6: true,
      vlan: 'both',
      speed: 1000,
      judges: 'good',
    },
    {
      nic: 'rtl8125b',
      driver: 'net_r8169',
      tso: [4],
      sums: ['ip', 'udp', 'tcp'],
      ipv6: true,
      vlan: 'insert',
      speed: 2500,
      scatters: true,
      judges: 'good',
    },
  ] as readonly Case[]
).filter(({ nic }) => NICS.some(({ name }) => name === nic));

describe.skipIf(!pieces).each(CASES)('DPDK over vfio-user: $nic', (chip) => {
  const { nic } = chip;
  const time = new RealTime();
  const diagnostics = new Diagnostics();
  const arena = new OwnedArena(8 << 20);
  const far = new LinkPort('far');
  const pmd = new Testpmd();
  const warnings: string[] = [];
  let guest: LinuxGuest;
  let wire: Wire;
  let server: VfioUserServer;
  let fn: EmulatedFunction;

  /** Puts frames on the cable and waits for as many to come back as `count` says. */
  const exchange = async (frames: readonly Buffer[], count = frames.length): Promise<Buffer[]> => {
    const stop = wire.keep();
    let kept: WireFrame[];
    try {
      const all = (): number => wire.out.frames + wire.out.long;
      const before = all();
      for (const frame of frames) expect(wire.inject(frame), 'carrier').toBe(true);
      await expect.poll(() => all() - before, { timeout: 30_000, interval: 5 }).toBeGreaterThanOrEqual(count);
    } finally {
      kept = stop();
    }
    return kept.filter((frame) => frame.out).map((frame) => frame.bytes);
  };
  /** Gives commands while the port is stopped, then forwards again. */
  const arrange = async (mode: string, ...commands: string[]): Promise<void> => {
    await pmd.say('stop');
    await pmd.say('port stop 0');
    for (const command of commands)
      expect(await pmd.say(command)).not.toMatch(/[Bb]ad arg|not found|not supported|[Ff]ailed/);
    expect(await pmd.say(`set fwd ${mode}`)).toContain(`Set ${mode} packet forwarding mode`);
    expect(await pmd.say('port start 0')).toContain('Done');
    await expect.poll(() => pmd.say('show port info 0'), { timeout: 30_000 }).toContain('Link status: up');
    await pmd.say('start');
  };

  beforeAll(async () => {
    fn = nicKind(nic).make(MAC, nic);
    far.offer({ ...GIGABIT, speeds: [10, 100, 1000, 2500] });
    wire = new Wire(fn.port!, far, time.scheduler, arena);
    guest = await startLinux({
      pieces: pieces!,
      initrd: pieces!.dpdk.initrd,
      memory: 768,
      append: HUGE_PAGES,
      args: (folder) => [...pmd.args(folder), '-device', 'pcie-root-port,id=rp,chassis=1'],
      prepare: pmd.prepare,
    });
    await pmd.ready(guest);
    const path = join(guest.folder, 'nic');
    server = serveVfioUser(fn, { time, diagnostics, path, onWarning: (text) => warnings.push(text) });
    await guest.qmp.execute('device_add', { ...vfioUserDevice(path), id: 'nic', bus: 'rp' });
    await guest.must(`${until('ls -d /sys/bus/pci/devices/*:01:00.0')} && cd /sys/bus/pci/devices/*:01:00.0`);
    await guest.must(
      'echo uio_pci_generic > driver_override; echo 0000:01:00.0 > driver/unbind 2> /dev/null; echo 0000:01:00.0 > /sys/bus/pci/drivers_probe; test -e /dev/uio0; cd /',
    );
    // r8169 acknowledges an interrupt of uio_pci_generic never: without them it looks at the link when it is asked.
    const lsc = chip.driver === 'net_r8169' ? '--no-lsc-interrupt' : '';
    await pmd.start(`--disable-link-check ${chip.judges ? '--enable-rx-cksum' : ''} ${lsc}`);
  });

  afterAll(async () => {
    await guest?.close();
    server?.close();
    time.stop();
  });

  test('probes, reads the station address, sees the link', async () => {
    await expect.poll(() => pmd.say('show port info 0'), { timeout: 30_000 }).toContain('Link status: up');
    const info = await pmd.say('show port info 0');
    expect(info).toContain(`Driver name: ${chip.driver}`);
    expect(info.toLowerCase()).toContain('mac address: 52:54:00:dd:bd:01');
    if (chip.speed > 0) expect(info).toContain(`Link speed: ${chip.speed === 2500 ? '2.5' : chip.speed / 1000} Gbps`);
    proved({ nic, side: 'model', stranger: DPDK, what: 'probe, station address, link' });
  });

  test('600 frames of every length from 60 to 1514 come back whole', async () => {
    await arrange('macswap');
    const sent = Array.from({ length: 600 }, (_, i) => frameTo(OWN, i, 60 + ((i * 727) % 1455)));
    const back: Buffer[] = [];
    for (let i = 0; i < sent.length; i += 100) back.push(...(await exchange(sent.slice(i, i + 100))));
    const swapped = sent.map((frame) => {
      const copy = Buffer.from(frame);
      frame.copy(copy, 0, 6, 12);
      frame.copy(copy, 6, 0, 6);
      return copy.toString('hex');
    });
    expect(back.map((frame) => frame.toString('hex'))).toEqual(swapped);
    proved({ nic, side: 'model', stranger: DPDK, what: '600 frames of 60 to 1514 bytes there and back' });
  });

  test('the chip puts checksums in, and tells which that came were wrong', async () => {
    await arrange('csum', ...chip.sums.map((layer) => `csum set ${layer} hw 0`));
    const versions = chip.ipv6 ? [false, true] : [false];
    const frames = versions.flatMap((ipv6) =>
      (['tcp', 'udp'] as const).flatMap((protocol) =>
        [false, true].map((damage, i) => packetFrame({ to: OWN, mark: i, protocol, ipv6, payload: 301 + i, damage })),
      ),
    );
    const back = await exchange(frames);
    expect(back.map(sumsRight)).toEqual(frames.map(() => true));
    if (chip.judges) {
      await arrange('rxonly');
      await pmd.say('set verbose 1');
      const from = pmd.said.text.length;
      for (const frame of frames) wire.inject(frame);
      const flags = /ol_flags: (.*RX_L4_CKSUM.*)/g;
      const told = (): string[] => [...pmd.said.text.slice(from).matchAll(flags)].map((match) => match[1]!);
      await expect.poll(() => told().length, { timeout: 30_000 }).toBe(frames.length);
      const wrong = chip.judges === 'good' ? /^(?!.*L4_CKSUM_GOOD)/ : /L4_CKSUM_BAD/;
      expect(told().map((text) => wrong.test(text))).toEqual(frames.map((_, i) => i % 2 === 1));
      await pmd.say('set verbose 0');
    }
    proved({ nic, side: 'model', stranger: DPDK, what: 'checksums put in and judged by the chip' });
  });

  const testIf = (has: boolean): typeof test | undefined => (has ? test : undefined);

  testIf(chip.tso.length > 0)?.('the chip cuts TCP segments', async () => {
    await arrange(
      'csum',
      'csum set tcp hw 0',
      ...(chip.sums.includes('ip') ? ['csum set ip hw 0'] : []),
      'tso set 500 0',
    );
    for (const version of chip.tso) {
      const ipv6 = version === 6;
      const whole = packetFrame({ to: OWN, mark: 5, protocol: 'tcp', ipv6, payload: 1201 });
      const parts = await exchange([whole], 3);
      expect(parts.map(sumsRight)).toEqual([true, true, true]);
      const header = 14 + (ipv6 ? 40 : 20) + 20;
      expect(parts.map((part) => part.length - header)).toEqual([500, 500, 201]);
      expect(parts.map((part) => part.readUInt32BE(header - 16))).toEqual([1_000_000, 1_000_500, 1_001_000]);
      expect(Buffer.concat(parts.map((part) => part.subarray(header)))).toEqual(whole.subarray(header));
    }
    await arrange('csum', 'tso set 0 0');
    proved({ nic, side: 'model', stranger: DPDK, what: `TSO over IPv${chip.tso.join(' and IPv')}` });
  });

  testIf(chip.vlan !== undefined)?.('the chip takes tags out and puts others in', async () => {
    await arrange('macswap', 'tx_vlan set 0 291', 'port config 0 rx_offload vlan_strip on');
    const [back] = await exchange([frameTo(OWN, 77, 100, 5)]);
    expect(back!.readUInt32BE(12)).toBe(0x8100_0000 + 291);
    expect(back!.length).toBe(chip.vlan === 'both' ? 100 : 104);
    expect(back!.readUInt32BE(chip.vlan === 'both' ? 18 : 22)).toBe(77);
    await arrange('macswap', 'tx_vlan reset 0', 'port config 0 rx_offload vlan_strip off');
    const [plain] = await exchange([frameTo(OWN, 78, 100, 5)]);
    expect(plain!.readUInt32BE(12)).toBe(0x8100_0005);
    proved({ nic, side: 'model', stranger: DPDK, what: 'VLAN tags in and out' });
  });

  testIf(chip.scatters === true)?.('frames over several descriptors come back whole', async () => {
    const mtu = 4000;
    await arrange('macswap', `port config mtu 0 ${mtu}`, 'port config 0 tx_offload multi_segs on');
    // Buffers have 2048 bytes: with the FCS one fits, in some it stands partly or wholly in the next one.
    const sent = [1600, 2044, 2045, 2047, 2048, 2049, 3000, mtu + 14].map((bytes, i) => frameTo(OWN, i, bytes));
    const back = await exchange(sent);
    expect(back.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
    expect(back.map((frame) => frame.subarray(12))).toEqual(sent.map((frame) => frame.subarray(12)));
    await arrange('macswap', 'port config mtu 0 1500', 'port config 0 tx_offload multi_segs off');
    proved({ nic, side: 'model', stranger: DPDK, what: 'frames over several receive descriptors' });
  });

  test('the filter lets through what it is told', async () => {
    await arrange('macswap');
    await pmd.say('set promisc 0 off');
    // r8169 leaves the hash full of ones when promiscuous mode ends.
    await pmd.say('set allmulti 0 on');
    await pmd.say('set allmulti 0 off');
    const foreign = Buffer.from('525400998877', 'hex');
    const group = Buffer.from('01005e090909', 'hex');
    const marks = async (frames: Buffer[], count: number): Promise<number[]> => {
      // The prompt may overtake what was written to the chip before it; for this the driver reads the link from the chip.
      await pmd.say('show port info 0');
      return (await exchange(frames, count)).map((frame) => frame.readUInt32BE(14));
    };
    // The last is for the station: once it is back, the others have come or will not.
    const all = [frameTo(foreign, 1), frameTo(group, 2), frameTo(Buffer.alloc(6, 0xff), 3), frameTo(OWN, 4)];
    expect(await marks(all, 2)).toEqual([3, 4]);
    await pmd.say('set allmulti 0 on');
    expect(await marks(all, 3)).toEqual([2, 3, 4]);
    await pmd.say('set promisc 0 on');
    expect(await marks(all, 4)).toEqual([1, 2, 3, 4]);
    proved({ nic, side: 'model', stranger: DPDK, what: 'filters: own, broadcast, multicast, promiscuous' });
  });

  test('counters of the chip agree with the cable', async () => {
    await arrange('macswap');
    await pmd.say('clear port stats 0');
    await exchange(Array.from({ length: 40 }, (_, i) => frameTo(OWN, i, 200)));
    const stats = await pmd.say('show port stats 0');
    expect(stats).toMatch(/RX-packets: 40\s/);
    expect(stats).toMatch(/TX-packets: 40\s/);
    expect(stats).toMatch(/RX-errors: 0\s/);
    proved({ nic, side: 'model', stranger: DPDK, what: 'statistics' });
  });

  test('the cable is pulled and comes back', async () => {
    wire.cable.pull();
    await expect.poll(() => pmd.say('show port info 0'), { timeout: 30_000 }).toContain('Link status: down');
    wire.cable.plug();
    await expect.poll(() => pmd.say('show port info 0'), { timeout: 30_000 }).toContain('Link status: up');
    expect(await exchange([frameTo(OWN, 9, 90)])).toHaveLength(1);
    proved({ nic, side: 'model', stranger: DPDK, what: 'link down and up' });
  });

  test('it goes without a trace, and the model had nothing to say', async () => {
    expect(await pmd.quit()).toContain('Port 0 is closed');
    const known = chip.explained;
    const unexplained = diagnostics
      .problems()
      .filter(({ rule, register }) => rule !== known?.rule || !known.register.test(register ?? ''));
    expect(unexplained.map(diagnosticText)).toEqual([]);
    expect(warnings).toEqual([]);
    expect(unexplainedBehindWindows(nic, fn.spaces?.() ?? [])).toEqual([]);
  });
});
