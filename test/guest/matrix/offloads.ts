/** Offloads, each switched by `ethtool -K`; what they do is judged on the wire and in the guest's memory. */
import type { Bench } from '../../support/matrix/bench.js';
import {
  frameTo,
  Listener,
  sawMark,
  sumsRight,
  type TcpFacts,
  tcpFacts,
  udpFrame,
} from '../../support/matrix/frames.js';
import { MIRROR_ADDRESS } from '../../support/matrix/mirror.js';
import { check, type Row } from '../../support/matrix/rows.js';

const BYTES = 512 << 10;
const MSS = 1460;

/** What an upload looked like on the wire and, for models, in guest memory. */
interface Sent {
  /** Frames with payload. */
  readonly wire: readonly TcpFacts[];
  /** Headers of packets with payload as the driver laid them down; undefined for the control. */
  readonly memory: readonly (TcpFacts & { readonly bytes: number })[] | undefined;
}

/** Uploads and checks what must hold whatever is switched on. */
async function upload(bench: Bench): Promise<Sent> {
  const wireEnd = bench.wire.keep();
  const memoryEnd = bench.dma?.keep();
  await bench.upload(BYTES);
  const memory = memoryEnd?.();
  const frames = wireEnd().filter((frame) => frame.out);
  const wire: TcpFacts[] = [];
  for (const { bytes } of frames) {
    check(bytes.length <= 1518, `a frame of ${bytes.length} bytes on the wire`);
    const facts = tcpFacts(bytes);
    if (facts === undefined) continue;
    check(sumsRight(bytes), `a wrong checksum on the wire: ${bytes.subarray(0, 60).toString('hex')}`);
    if (facts.payload > 0) wire.push(facts);
  }
  const sum = wire.reduce((all, facts) => all + facts.payload, 0);
  check(sum >= BYTES, `${sum} bytes of payload on the wire, ${BYTES} were sent`);
  return {
    wire,
    memory: memory
      ?.filter((piece) => piece.out)
      .map(({ bytes }) => ({ facts: tcpFacts(bytes), bytes: bytes.length }))
      .filter((each) => each.facts !== undefined && each.facts.payload > 0)
      .map(({ facts, bytes }) => ({ ...facts!, bytes })),
  };
}

/** How many packets had in memory the checksum that their (first) frame has on the wire. */
function finished(sent: Sent): { same: number; all: number } {
  const wire = new Map(sent.wire.map((facts) => [facts.sequence, facts.checksum]));
  let same = 0;
  let all = 0;
  for (const facts of sent.memory ?? []) {
    const on = wire.get(facts.sequence);
    if (on === undefined) continue;
    all++;
    if (on === facts.checksum) same++;
  }
  return { same, all };
}

/** Switches features; @throws unless the driver says they are so */
async function features(bench: Bench, wanted: Readonly<Record<string, boolean>>): Promise<void> {
  const words = Object.entries(wanted).map(([name, on]) => `${name} ${on ? 'on' : 'off'}`);
  await bench.guest.run(`ethtool -K $N ${words.join(' ')}`);
  const long: Record<string, string> = {
    tx: 'tx-checksumming',
    rx: 'rx-checksumming',
    sg: 'scatter-gather',
    tso: 'tcp-segmentation-offload',
    gso: 'generic-segmentation-offload',
    gro: 'generic-receive-offload',
    rxvlan: 'rx-vlan-offload',
    txvlan: 'tx-vlan-offload',
    rxhash: 'receive-hashing',
  };
  const shown = await bench.sh('ethtool -k $N');
  for (const [name, on] of Object.entries(wanted)) {
    const line = new RegExp(`^\\s*${long[name] ?? name}: (on|off)`, 'm').exec(shown);
    check(line?.[1] === (on ? 'on' : 'off'), `ethtool -K ${words.join(' ')}: ${name} is ${line?.[0]}`);
  }
  // Some changes restart the receiver or the link.
  await bench.carrier(true);
}

const STATION = (bench: Bench): Buffer => Buffer.from(bench.macBytes);

/** Receives a datagram with a right and one with a wrong checksum; says for which the driver vouched. */
async function vouched(bench: Bench): Promise<{ good: boolean; bad: boolean }> {
  // Receive aggregation sums by itself.
  await features(bench, { gro: false });
  const seen = await Listener.open(bench);
  bench.wire.inject(udpFrame(STATION(bench), 1));
  bench.wire.inject(udpFrame(STATION(bench), 2, true));
  const all = await seen.stop();
  await features(bench, { gro: true });
  const frames = all.filter((frame) => frame.bytes.readUInt16BE(12) === 0x0800 && frame.bytes[23] === 17);
  const find = (mark: number): (typeof frames)[number] | undefined =>
    frames.find((frame) => frame.bytes.length >= 46 && frame.bytes.readUInt32BE(42) === mark);
  const good = find(1);
  const bad = find(2);
  check(good !== undefined && bad !== undefined, 'the datagrams did not come through');
  return { good: good.valid, bad: bad.valid };
}

/** A tagged interface that reaches the mirror; @returns the frames of a ping in memory and on the wire */
async function vlanPing(bench: Bench): Promise<{ memoryOut: number[]; memoryIn: number[]; wire: number[] }> {
  await bench.sh(
    'ins 8021q; ip link add link $N name vl5 type vlan id 5 && ip addr add 10.9.9.2/24 dev vl5 && ip link set vl5 up',
  );
  try {
    await bench.sh(`ping -c 1 -W 3 ${MIRROR_ADDRESS}`).catch(() => undefined);
    const wireEnd = bench.wire.keep();
    const memoryEnd = bench.dma?.keep();
    const out = await bench.sh(`ping -c 4 -i 0.05 -W 3 -s 200 ${MIRROR_ADDRESS}`);
    check(out.includes(' 0% packet loss'), out);
    const type = (bytes: Buffer): number => (bytes.length >= 14 ? bytes.readUInt16BE(12) : 0);
    const memory = memoryEnd?.() ?? [];
    const interesting = [0x8100, 0x0800];
    const types = (list: readonly { bytes: Buffer }[]): number[] =>
      list.map(({ bytes }) => type(bytes)).filter((each) => interesting.includes(each));
    return {
      memoryOut: types(memory.filter((each) => each.out)),
      memoryIn: types(memory.filter((each) => !each.out)),
      wire: types(wireEnd()),
    };
  } finally {
    await bench.guest.run('ip link del vl5');
  }
}

const NO_OFFLOADS = 'QEMU offers offloads only when its back-end has them, and a socket has none';

/** Rows about offloads. Each leaves everything switched on. */
export const OFFLOADS: readonly Row[] = [
  {
    name: 'tx checksum on: the NIC sums',
    tier: 'short',
    needs: ['tx'],
    async run(bench) {
      const before = (await bench.guest.run('ethtool -k $N | grep -c "segmentation-offload: on"')).output;
      if (bench.chip.features.has('tso')) await features(bench, { tso: false, gso: false });
      const sent = await upload(bench);
      if (bench.chip.features.has('tso')) await features(bench, { tso: true, gso: true });
      if (sent.memory === undefined) return;
      const { same, all } = finished(sent);
      check(all > 100 && same < all / 10, `${same} of ${all} packets were summed by the guest (${before})`);
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'tx checksum off: the guest sums',
    tier: 'full',
    needs: ['tx'],
    async run(bench) {
      await features(bench, { tx: false });
      const sent = await upload(bench);
      await features(bench, { tx: true, ...(bench.chip.features.has('tso') ? { tso: true } : {}) });
      if (sent.memory === undefined) return;
      const { same, all } = finished(sent);
      check(all > 100 && same === all, `${all - same} of ${all} packets were not summed by the guest`);
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'TSO on: the NIC segments',
    tier: 'short',
    needs: ['tso'],
    async run(bench) {
      const sent = await upload(bench);
      if (sent.memory === undefined) return;
      check(
        sent.memory.length < sent.wire.length / 2,
        `${sent.memory.length} packets in memory, ${sent.wire.length} frames on the wire`,
      );
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'TSO off, GSO on',
    tier: 'full',
    needs: ['tso'],
    async run(bench) {
      await features(bench, { tso: false });
      const sent = await upload(bench);
      await features(bench, { tso: true });
      if (sent.memory !== undefined)
        check(
          sent.memory.length >= sent.wire.length,
          `${sent.memory.length} packets in memory, ${sent.wire.length} frames on the wire`,
        );
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'TSO and GSO off',
    tier: 'full',
    needs: ['tso'],
    async run(bench) {
      await features(bench, { tso: false, gso: false });
      const sent = await upload(bench);
      await features(bench, { tso: true, gso: true });
      if (sent.memory !== undefined)
        check(
          sent.memory.length >= sent.wire.length,
          `${sent.memory.length} packets in memory, ${sent.wire.length} frames on the wire`,
        );
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'scatter-gather off: one buffer a packet',
    tier: 'full',
    needs: ['sg', 'tso'],
    async run(bench) {
      await features(bench, { sg: false });
      const sent = await upload(bench);
      await features(bench, { sg: true, tso: true, gso: true });
      const split = (sent.memory ?? []).filter((each) => each.payload > 0 && each.bytes < each.payload + 54);
      check(split.length === 0, `${split.length} of ${sent.memory?.length} packets were in more than one buffer`);
      check(Math.max(...sent.wire.map((each) => each.payload)) <= MSS, 'a segment above the MSS');
    },
    controlLimit: { 'virtio-net': NO_OFFLOADS },
  },
  {
    name: 'rx checksum on: vouched for',
    tier: 'short',
    needs: ['rx-valid'],
    async run(bench) {
      const { good, bad } = await vouched(bench);
      check(
        good && !bad,
        `right checksum: ${good ? '' : 'not '}vouched for; wrong checksum: ${bad ? '' : 'not '}vouched for`,
      );
    },
    // QEMU passes frames of a socket back-end without looking at them.
    controlLimit: {
      '82540em': "QEMU's e1000 does not look at checksums of received frames",
      'virtio-net': 'QEMU vouches for checksums only when its back-end does',
    },
  },
  {
    name: 'rx checksum off: not vouched for',
    tier: 'full',
    needs: ['rx'],
    async run(bench) {
      // e1000 sums from its start although it says "off" (its feature bit is not set then): only a change reaches the chip.
      await features(bench, { rx: true });
      await features(bench, { rx: false });
      const { good, bad } = await vouched(bench);
      await features(bench, { rx: true });
      check(!good && !bad, 'vouched for although switched off');
      await bench.download();
    },
  },
  {
    name: 'VLAN, tags by the NIC',
    tier: 'short',
    needs: ['rxvlan', 'txvlan'],
    async run(bench) {
      const { memoryOut, memoryIn, wire } = await vlanPing(bench);
      check(wire.length >= 8 && wire.every((type) => type === 0x8100), `types on the wire: ${wire.map(hex)}`);
      if (bench.dma === undefined) return;
      check(
        memoryOut.length >= 4 && memoryOut.every((type) => type === 0x0800),
        `sent from memory: ${memoryOut.map(hex)}`,
      );
      check(
        memoryIn.length >= 4 && memoryIn.every((type) => type === 0x0800),
        `received into memory: ${memoryIn.map(hex)}`,
      );
    },
  },
  {
    name: 'VLAN, tags by the guest',
    tier: 'full',
    async run(bench) {
      const { features: has } = bench.chip;
      const off = { ...(has.has('rxvlan') ? { rxvlan: false } : {}), ...(has.has('txvlan') ? { txvlan: false } : {}) };
      if (Object.keys(off).length > 0) await features(bench, off);
      const { memoryOut, memoryIn, wire } = await vlanPing(bench);
      if (Object.keys(off).length > 0)
        await features(bench, Object.fromEntries(Object.keys(off).map((name) => [name, true])));
      check(wire.length >= 8 && wire.every((type) => type === 0x8100), `types on the wire: ${wire.map(hex)}`);
      if (bench.dma === undefined) return;
      check(
        memoryOut.length >= 4 && memoryOut.every((type) => type === 0x8100),
        `sent from memory: ${memoryOut.map(hex)}`,
      );
      check(
        memoryIn.length >= 4 && memoryIn.every((type) => type === 0x8100),
        `received into memory: ${memoryIn.map(hex)}`,
      );
    },
  },
  {
    name: 'VLAN filter: only tags that are wanted',
    tier: 'full',
    needs: ['vlan-filter'],
    async run(bench) {
      await bench.sh('ins 8021q; ip link add link $N name vl7 type vlan id 7 && ip link set vl7 up');
      try {
        const seen = await Listener.open(bench);
        bench.wire.inject(frameTo(STATION(bench), 11, 64, 7));
        bench.wire.inject(frameTo(STATION(bench), 12, 64, 9));
        const frames = await seen.stop();
        check(sawMark(frames, 11)?.tag === 7, 'the frame of VLAN 7 did not come');
        check(sawMark(frames, 12) === undefined, 'a frame of VLAN 9 came, too');
      } finally {
        await bench.guest.run('ip link del vl7');
      }
    },
  },
  {
    name: 'rx-fcs: the FCS reaches the guest',
    tier: 'full',
    needs: ['rx-fcs'],
    async run(bench) {
      const length = async (): Promise<number> => {
        const seen = await Listener.open(bench);
        bench.wire.inject(frameTo(STATION(bench), 21, 100));
        return sawMark(await seen.stop(), 21)?.length ?? 0;
      };
      const without = await length();
      await features(bench, { 'rx-fcs': true });
      const with4 = await length();
      await features(bench, { 'rx-fcs': false });
      check(without === 100 && with4 === 104, `${without} bytes without, ${with4} with`);
    },
    controlLimit: { '82574l': "QEMU's e1000e delivers nothing more once the FCS is kept" },
  },
  {
    name: 'rx-all: damaged frames reach the guest',
    tier: 'full',
    needs: ['rx-all'],
    applies: (_chip, _mode, target) => target === 'model',
    async run(bench) {
      const came = async (): Promise<boolean> => {
        const seen = await Listener.open(bench);
        bench.wire.inject(frameTo(STATION(bench), 31, 100), false);
        return sawMark(await seen.stop(), 31) !== undefined;
      };
      const without = await came();
      await features(bench, { 'rx-all': true });
      const all = await came();
      await features(bench, { 'rx-all': false });
      check(!without && all, `without: ${without}, with: ${all}`);
    },
  },
  {
    name: 'receive hashing off and on',
    tier: 'full',
    needs: ['rxhash'],
    async run(bench) {
      await features(bench, { rxhash: false });
      await bench.download();
      await features(bench, { rxhash: true });
      await bench.download();
    },
  },
];

function hex(value: number): string {
  return value.toString(16);
}
