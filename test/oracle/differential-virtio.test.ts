/**
 * Differential test of virtio-net: seeded scripts of accesses to the common structure, of chains that are sent, of commands
 * and of receptions through filters, on our model and on QEMU's virtio-net-pci. What is read, what goes on the wire and
 * what comes back in the rings must be equal, except where an entry says why not; an entry that no run needs fails.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { featureSet, VirtioPci } from '../../src/drivers/virtio-net/transport.js';
import { VirtioNet } from '../../src/emulators/index.js';
import { enumerate, type PciHost } from '../../src/pci/index.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import { Random } from '../../src/platform/random.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { type AnyReg, hex, meta, virtio as v } from '../../src/registers/index.js';
import { ethernet, MAC } from '../emulators/rig.js';
import { cases } from '../lab/support.js';
import { proved } from '../support/results.js';
import { onWires, turn, type Wires } from './frame-bench.js';
import { qemuForTests } from './support.js';

const qemu = await qemuForTests();
const { CTRL, DEVICE_STATUS, FEATURE, NET_FEATURE, NET_HDR_BYTES, VRING_DESC_FLAGS } = v;
const { NEXT, WRITE, INDIRECT } = VRING_DESC_FLAGS;
const SIZE = 64;
const [RX, TX, CONTROL] = [0, 1, 2];
const VECTORS = new VirtioNet({ mac: Uint8Array.from(MAC) }).config.msix!.vectors;
const OPTIONS = `disable-legacy=on,mq=off,rx_queue_size=256,tx_queue_size=256,vectors=${VECTORS}`;
const USED_AT = 0x800;
const TABLES_AT = 0x1000;
const STRANGER = "QEMU's virtio-net, access by access";
/** What both offer and these scripts use. */
const FEATURES = [
  FEATURE.VERSION_1,
  FEATURE.INDIRECT_DESC,
  NET_FEATURE.MAC,
  NET_FEATURE.STATUS,
  NET_FEATURE.CTRL_VQ,
  NET_FEATURE.CTRL_RX,
  NET_FEATURE.CTRL_VLAN,
  NET_FEATURE.CTRL_RX_EXTRA,
  NET_FEATURE.CTRL_MAC_ADDR,
];

/** The device of one side, with rings in its host's memory. */
class Side {
  readonly pci: VirtioPci;
  readonly rings: DmaRegion[];
  readonly data: DmaRegion;
  /** Chains made available, and used ones looked at, of each queue. */
  readonly avail = [0, 0, 0];
  readonly seen = [0, 0, 0];
  #next = [0, 0, 0];
  #place = 0;

  constructor(host: PciHost) {
    const fn = enumerate(host).functions.find((each) => each.vendor === v.VIRTIO_VENDOR)!;
    fn.enable({ memory: true, master: true });
    this.pci = new VirtioPci(fn);
    this.rings = [RX, TX, CONTROL].map(() => fn.dma.alloc(0x3000, 4096));
    this.data = fn.dma.alloc(1 << 20, 4096);
  }

  get(register: AnyReg): number {
    return readReg(this.pci.common, register);
  }

  set(register: AnyReg, value: number): void {
    writeReg(this.pci.common, register, value);
  }

  /** Initialisation of §3.1.1 with empty rings. */
  start(more: readonly number[]): void {
    this.set(DEVICE_STATUS, 0);
    this.pci.negotiate(featureSet([...FEATURES, ...more]), 'virtio-net');
    for (const [i, { address, arena, offset, bytes }] of this.rings.entries()) {
      arena.u8.fill(0, offset, offset + bytes);
      this.set(v.QUEUE_SELECT, i);
      this.set(v.QUEUE_SIZE, SIZE);
      for (const [low, high, at] of [
        [v.QUEUE_DESC_LOW, v.QUEUE_DESC_HIGH, address],
        [v.QUEUE_DRIVER_LOW, v.QUEUE_DRIVER_HIGH, address + 16 * SIZE],
        [v.QUEUE_DEVICE_LOW, v.QUEUE_DEVICE_HIGH, address + USED_AT],
      ] as const) {
        this.set(low, at | 0);
        this.set(high, Math.floor(at / 2 ** 32));
      }
      this.set(v.QUEUE_ENABLE, 1);
      this.avail[i] = this.seen[i] = this.#next[i] = 0;
    }
    this.#place = 0;
    this.pci.addStatus(DEVICE_STATUS.DRIVER_OK);
  }

  /** Places bytes and returns their bus address; what was placed long ago is written over. */
  put(bytes: Uint8Array): number {
    if (this.#place + bytes.length > this.data.bytes) this.#place = 0;
    const at = this.#place;
    this.#place += bytes.length;
    this.data.arena.u8.set(bytes, this.data.offset + at);
    return this.data.address + at;
  }

  at(address: number, bytes: number): Uint8Array {
    const from = this.data.offset + (address - this.data.address);
    return this.data.arena.u8.slice(from, from + bytes);
  }

  /** Makes a chain available: direct, or one descriptor with a table behind it. */
  chain(queue: number, pieces: readonly { address: number; bytes: number; flags: number }[], indirect: boolean): void {
    const { arena, offset, address } = this.rings[queue]!;
    const { view } = arena;
    const head = this.#next[queue]!;
    const write = (place: number, at: number, bytes: number, flags: number, next: number): void => {
      view.setBigUint64(place, BigInt(at), true);
      view.setUint32(place + 8, bytes, true);
      view.setUint32(place + 12, (flags | (next << 16)) >>> 0, true);
    };
    // Each head has a place of its own for a table of up to 8.
    const table = TABLES_AT + head * 128;
    pieces.forEach(({ address: at, bytes, flags }, i) => {
      const more = i + 1 < pieces.length ? NEXT : 0;
      if (indirect) write(offset + table + 16 * i, at, bytes, flags | more, i + 1);
      else write(offset + 16 * ((head + i) % SIZE), at, bytes, flags | more, (head + i + 1) % SIZE);
    });
    if (indirect) write(offset + 16 * head, address + table, 16 * pieces.length, INDIRECT, 0);
    this.#next[queue] = (head + (indirect ? 1 : pieces.length)) % SIZE;
    const ring = offset + 16 * SIZE;
    view.setUint16(ring + 4 + 2 * (this.avail[queue]! % SIZE), head, true);
    view.setUint16(ring + 2, ++this.avail[queue]!, true);
  }

  notify(queue: number): void {
    this.pci.notify.write16(this.pci.notifyMultiplier * queue, queue);
  }

  get idle(): boolean {
    return [TX, CONTROL].every((queue) => this.used(queue) === (this.avail[queue]! & 0xffff));
  }

  used(queue: number): number {
    const { arena, offset } = this.rings[queue]!;
    return arena.view.getUint16(offset + USED_AT + 2, true);
  }

  /** What came back since the last look. */
  taken(queue: number): { id: number; bytes: number }[] {
    const { arena, offset } = this.rings[queue]!;
    const list: { id: number; bytes: number }[] = [];
    while ((this.seen[queue]! & 0xffff) !== this.used(queue)) {
      const place = offset + USED_AT + 4 + 8 * (this.seen[queue]!++ % SIZE);
      list.push({ id: arena.view.getUint32(place, true), bytes: arena.view.getUint32(place + 4, true) });
    }
    return list;
  }
}

/**
 * A received piece: its length and its digest. Without MRG_RXBUF the device sets num_buffers to 1 (§5.1.6.4.1); QEMU
 * leaves it 0, so `merged` says whether the field is compared.
 */
function piece(bytes: Uint8Array, merged: boolean): string {
  const copy = Uint8Array.from(bytes);
  if (!merged) copy.fill(0, v.NET_HDR_BUFFERS.at + 2, NET_HDR_BYTES);
  return `${copy.length} ${createHash('sha256').update(copy).digest('hex').slice(0, 16)}`;
}

/** A difference that is allowed. */
interface Known {
  readonly register: AnyReg;
  readonly when: (side: Side) => boolean;
  readonly why: string;
  used: boolean;
}

const KNOWN: Known[] = [
  {
    register: v.DEVICE_FEATURE,
    when: () => true,
    why: 'a device offers what it has (virtio 1.2 §2.2)',
    used: false,
  },
];

const SELECTORS: readonly AnyReg[] = [v.DEVICE_FEATURE_SELECT, v.DRIVER_FEATURE_SELECT, v.QUEUE_SELECT];
/** Those that show the selected queue, beside its size, which is 0 when there is none. */
const OF_QUEUE: readonly AnyReg[] = [
  v.QUEUE_MSIX_VECTOR,
  v.QUEUE_ENABLE,
  v.QUEUE_NOTIFY_OFF,
  v.QUEUE_DESC_LOW,
  v.QUEUE_DESC_HIGH,
  v.QUEUE_DRIVER_LOW,
  v.QUEUE_DRIVER_HIGH,
  v.QUEUE_DEVICE_LOW,
  v.QUEUE_DEVICE_HIGH,
];
const READ: readonly AnyReg[] = Object.values(v.commonMap.registers);

function onBench(work: (bench: Wires<Side>) => Promise<void>): Promise<void> {
  const model = new VirtioNet({ mac: Uint8Array.from(MAC) });
  const device = `virtio-net-pci,${OPTIONS}`;
  return onWires(qemu, { device, model, ramBytes: 8 << 20, side: (host) => new Side(host) }, work);
}

/** Values worth writing to a register. */
function valueFor(register: AnyReg, random: Random): number {
  switch (register) {
    case v.DEVICE_FEATURE_SELECT:
    case v.DRIVER_FEATURE_SELECT:
      return random.below(4);
    case v.QUEUE_SELECT:
      return random.below(5);
    case v.QUEUE_SIZE:
      // The control queue has 64 entries at most; a larger number than the device told is a mistake (§4.1.4.3.2).
      return 1 << random.below(7);
    case v.CONFIG_MSIX_VECTOR:
    case v.QUEUE_MSIX_VECTOR:
      return random.chance(0.2) ? 0xffff : random.below(VECTORS + 2);
    default:
      return random.u32() | 0;
  }
}

describe.skipIf(!qemu)("virtio-net against QEMU's virtio-net-pci", () => {
  test(`${cases(300)} scripts of accesses to the common structure read the same`, async () => {
    const written = [
      v.DEVICE_FEATURE_SELECT,
      v.DRIVER_FEATURE_SELECT,
      v.CONFIG_MSIX_VECTOR,
      v.QUEUE_SELECT,
      v.QUEUE_SIZE,
      v.QUEUE_MSIX_VECTOR,
      v.QUEUE_DESC_LOW,
      v.QUEUE_DESC_HIGH,
      v.QUEUE_DRIVER_LOW,
      v.QUEUE_DRIVER_HIGH,
      v.QUEUE_DEVICE_LOW,
      v.QUEUE_DEVICE_HIGH,
    ];
    await onBench(async ({ ours, theirs }) => {
      for (let seed = 0; seed < cases(300); seed++) {
        const random = new Random(`virtio ${seed}`);
        const script: string[] = [];
        const both = (register: AnyReg, value: number): void => {
          script.push(`${register[meta].name} = ${hex(value)}`);
          for (const side of [ours, theirs]) side.set(register, value);
        };
        both(DEVICE_STATUS, 0);
        // What a reset leaves in the selectors is not said (§4.1.4.3); QEMU keeps them.
        for (const selector of SELECTORS) both(selector, 0);
        // Status bits in the order of §3.1.1, each after a few other accesses.
        const steps = [DEVICE_STATUS.ACKNOWLEDGE, DEVICE_STATUS.DRIVER];
        let status = 0;
        for (let i = 0; i < 30; i++) {
          if (random.chance(0.1) && steps.length > 0) both(DEVICE_STATUS, (status |= steps.shift()!));
          else if (random.chance(0.5)) {
            const register = written[random.below(written.length)]!;
            // Registers of a queue that does not exist mean nothing; QEMU stores what is written to them.
            if (OF_QUEUE.includes(register) && ours.get(v.QUEUE_SIZE) === 0) continue;
            both(register, valueFor(register, random));
          }
          const register = READ[random.below(READ.length)]!;
          const [a, b] = [ours.get(register), theirs.get(register)];
          if (a === b || (OF_QUEUE.includes(register) && ours.get(v.QUEUE_SIZE) === 0)) continue;
          const entry = KNOWN.find((each) => each.register === register && each.when(ours));
          if (entry) entry.used = true;
          else
            expect
              .soft(
                `${register[meta].name}: ours ${hex(a)}, QEMU ${hex(b)}`,
                `seed ${seed} after\n${script.join('\n')}`,
              )
              .toBe('');
        }
      }
    });
    expect(KNOWN.filter((entry) => !entry.used).map((entry) => `${entry.register[meta].name}: ${entry.why}`)).toEqual(
      [],
    );
    proved({ nic: 'virtio-net', side: 'model', stranger: STRANGER, what: `${cases(300)} seeded scripts` });
  });

  test(`${cases(200)} scripts of chains, sent byte for byte and used in order`, { timeout: 120_000 }, async () => {
    await onBench(async ({ ours, theirs, ourFrames, theirFrames, settle }) => {
      for (const side of [ours, theirs]) side.start([]);
      for (let seed = 0; seed < cases(200); seed++) {
        const random = new Random(`chains ${seed}`);
        ourFrames.length = theirFrames.length = 0;
        for (let packet = 0; packet < 5; packet++) {
          const frame = ethernet([2, 0, 0, 0, 0, 9], 60 + random.below(1400));
          const whole = new Uint8Array(NET_HDR_BYTES + frame.length);
          whole.set(frame, NET_HDR_BYTES);
          // Cut anywhere, also inside the header (any layout, §2.7.4).
          const cuts = [0, ...Array.from({ length: random.below(5) }, () => 1 + random.below(whole.length - 1))];
          const edges = [...new Set(cuts)].sort((a, b) => a - b);
          const indirect = random.chance(0.5);
          for (const side of [ours, theirs]) {
            const pieces = edges.map((from, i) => {
              const bytes = whole.subarray(from, edges[i + 1] ?? whole.length);
              return { address: side.put(bytes), bytes: bytes.length, flags: 0 };
            });
            side.chain(TX, pieces, indirect);
          }
        }
        for (const side of [ours, theirs]) side.notify(TX);
        settle();
        for (let i = 0; i < 3000 && (!theirs.idle || theirFrames.length < ourFrames.length); i++) await turn();
        expect(ours.idle && theirs.idle, `seed ${seed}`).toBe(true);
        expect(
          theirFrames.map((bytes) => Buffer.from(bytes).toString('hex')),
          `seed ${seed}`,
        ).toEqual(ourFrames.map((bytes) => Buffer.from(bytes).toString('hex')));
        expect(ours.taken(TX), `seed ${seed}`).toEqual(theirs.taken(TX));
      }
    });
    proved({ nic: 'virtio-net', side: 'model', stranger: STRANGER, what: `${cases(200)} scripts of chains sent` });
  });

  test.each([
    ['each frame in one buffer', []],
    ['frames over several buffers', [NET_FEATURE.MRG_RXBUF]],
  ] as const)(`%s: ${cases(60)} sets of commands, 14 receptions each`, { timeout: 120_000 }, async (_name, more) => {
    await onBench(async ({ ours, theirs, settle, inject }) => {
      for (const side of [ours, theirs]) side.start(more);
      const random = new Random(`commands ${more.length}`);
      const group = [0x01, 0x00, 0x5e, 1, 2, 3];
      const other = [2, 0, 0, 0, 0, 7];
      const table = (list: readonly (readonly number[])[]): number[] => [list.length, 0, 0, 0, ...list.flat()];
      const idOf = (id: number): number[] => [id & 0xff, id >> 8];
      for (let round = 0; round < cases(60); round++) {
        const commands = Array.from({ length: 6 }, (): number[] => {
          const on = random.below(2);
          const kind = random.below(9);
          if (kind < 6) return [CTRL.RX, kind, on];
          if (kind === 6)
            return [
              CTRL.MAC,
              CTRL.MAC_TABLE_SET,
              ...table(on ? [other] : []),
              ...table(random.below(2) ? [group] : []),
            ];
          if (kind === 7) {
            return [CTRL.VLAN, on ? CTRL.VLAN_ADD : CTRL.VLAN_DEL, ...idOf(random.below(4))];
          }
          // What nobody knows, and what is cut short.
          return [
            [9, 0, 1],
            [CTRL.RX, 17, 1],
            [CTRL.MAC, CTRL.MAC_TABLE_SET, 5, 0, 0, 0],
            [CTRL.VLAN, 7, 1, 0],
          ][random.below(4)]!;
        });
        // Whether a device is promiscuous after its reset is not said; QEMU is.
        commands.unshift([CTRL.RX, CTRL.RX_PROMISC, random.below(4) === 0 ? 1 : 0]);
        // A frame that gets in whatever the filters are must be left: it marks the end of a round.
        const last = (command: number): boolean =>
          commands.findLast(([kind, which]) => kind === CTRL.RX && which === command)?.[2] === 1;
        if (last(CTRL.RX_NOUNI) && last(CTRL.RX_NOBCAST)) commands.push([CTRL.RX, CTRL.RX_NOBCAST, 0]);
        for (const command of commands) {
          const answers = [ours, theirs].map((side) => {
            const [head, rest] = [command.slice(0, 2), command.slice(2)].map((part) => Uint8Array.from(part));
            const answer = side.put(Uint8Array.of(0xaa));
            side.chain(
              CONTROL,
              [
                { address: side.put(head!), bytes: 2, flags: 0 },
                { address: side.put(rest!), bytes: rest!.length, flags: 0 },
                { address: answer, bytes: 1, flags: WRITE },
              ],
              false,
            );
            side.notify(CONTROL);
            return answer;
          });
          settle();
          for (let i = 0; i < 3000 && !theirs.idle; i++) await turn();
          const text = `round ${round}, command ${command}`;
          expect(ours.taken(CONTROL), text).toEqual(theirs.taken(CONTROL));
          expect([...ours.at(answers[0]!, 1)], text).toEqual([...theirs.at(answers[1]!, 1)]);
        }
        // Buffers: larger than any frame, or small ones of which a frame takes several.
        const bytes = more.length > 0 ? 700 : 1600;
        const places = [ours, theirs].map((side) => {
          const list = Array.from({ length: SIZE - (side.avail[RX]! - side.seen[RX]!) }, () => {
            const address = side.put(new Uint8Array(bytes));
            side.chain(RX, [{ address, bytes, flags: WRITE }], false);
            return address;
          });
          side.notify(RX);
          return list;
        });
        settle();
        for (let i = 0; i < 12; i++) {
          const to = [MAC, [255, 255, 255, 255, 255, 255], group, other][random.below(4)]!;
          const frame = ethernet(to, 64 + random.below(1400), random.chance(0.3) ? 0x8100 : 0x88b5);
          if (frame[12] === 0x81) frame.set([random.below(16), random.below(4), 0x88, 0xb5], 14);
          inject(frame);
        }
        inject(ethernet(MAC, 99));
        inject(ethernet([255, 255, 255, 255, 255, 255], 98));
        settle();
        const lines = (side: Side, list: readonly number[]): string[] =>
          side
            .taken(RX)
            .map(({ id, bytes: length }, i) => `${id} ${piece(side.at(list[i]!, length), more.length > 0)}`);
        const expected = lines(ours, places[0]!);
        for (let i = 0; i < 1000 && theirs.used(RX) !== ours.used(RX); i++) await turn();
        await turn();
        expect(lines(theirs, places[1]!), `round ${round}, after ${commands.join('; ')}`).toEqual(expected);
        // Start anew so that every round knows where its buffers are.
        for (const side of [ours, theirs]) side.start(more);
      }
    });
    proved({
      nic: 'virtio-net',
      side: 'model',
      stranger: STRANGER,
      what: `${cases(60)} sets of commands and receptions`,
    });
  });
});
