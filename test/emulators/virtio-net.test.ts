/** virtio-net: negotiation, queues, offloads and the control queue, with rings written by hand; and a driver's mistakes. */
import { describe, expect, test, vi } from 'vitest';
import { PciShell, VirtioNet } from '../../src/emulators/index.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { type AnyReg, pci, virtio as v } from '../../src/registers/index.js';
import { BROADCAST, checksum, ethernet, MAC, pseudo, Rig, tcpFrame } from './rig.js';

const { DEVICE_STATUS, FEATURE, NET_FEATURE, VRING_DESC_FLAGS, NET_HDR_BYTES, CTRL } = v;
const { NEXT, WRITE, INDIRECT } = VRING_DESC_FLAGS;
const SIZE = 16;
const RX = 0;
const TX = 1;
const CONTROL = 2;
const OK = DEVICE_STATUS.ACKNOWLEDGE | DEVICE_STATUS.DRIVER;

interface Piece {
  readonly address: number;
  readonly bytes: number;
  readonly flags?: number;
}

class VirtioRig extends Rig<VirtioNet> {
  readonly io: Mmio;
  readonly rings: DmaRegion[] = [];
  readonly memory: DmaRegion;
  readonly avail = [0, 0, 0];
  readonly used = [0, 0, 0];
  #desc = [0, 0, 0];

  constructor() {
    super(new VirtioNet({ mac: Uint8Array.from(MAC) }));
    this.io = this.fn.mapBar(4);
    for (let i = 0; i < 3; i++) this.rings.push(this.fn.dma.alloc(4096, 4096));
    this.memory = this.fn.dma.alloc(65536 * 2, 4096);
  }

  get(register: AnyReg): number {
    return readReg(this.io, register);
  }

  set(register: AnyReg, value: number): void {
    writeReg(this.io, register, value);
  }

  features(numbers: readonly number[]): void {
    for (const select of [0, 1]) {
      this.set(v.DRIVER_FEATURE_SELECT, select);
      this.set(
        v.DRIVER_FEATURE,
        numbers.filter((n) => n >> 5 === select).reduce((all, n) => all | (1 << (n & 31)), 0),
      );
    }
  }

  /** The whole initialisation of §3.1.1. */
  start(features: readonly number[] = []): this {
    this.set(DEVICE_STATUS, 0);
    this.set(DEVICE_STATUS, OK);
    this.features([FEATURE.VERSION_1, ...features]);
    this.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK);
    expect(this.get(DEVICE_STATUS) & DEVICE_STATUS.FEATURES_OK).not.toBe(0);
    for (let queue = 0; queue < 3; queue++) this.queue(queue);
    this.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK | DEVICE_STATUS.DRIVER_OK);
    this.run(100);
    return this;
  }

  queue(queue: number): void {
    const at = this.rings[queue]!.address;
    this.set(v.QUEUE_SELECT, queue);
    this.set(v.QUEUE_SIZE, SIZE);
    this.set(v.QUEUE_DESC_LOW, at);
    this.set(v.QUEUE_DRIVER_LOW, at + 1024);
    this.set(v.QUEUE_DEVICE_LOW, at + 2048);
    this.set(v.QUEUE_ENABLE, 1);
  }

  /** Bytes at an offset of the buffers; returns their bus address. */
  put(offset: number, bytes: ArrayLike<number>): number {
    this.memory.arena.u8.set(bytes, this.memory.offset + offset);
    return this.memory.address + offset;
  }

  bytes(offset: number, length: number): Uint8Array {
    return this.memory.arena.u8.slice(this.memory.offset + offset, this.memory.offset + offset + length);
  }

  /** Writes a chain of descriptors and makes it available. */
  chain(queue: number, pieces: readonly Piece[]): number {
    const { view } = this.rings[queue]!.arena;
    const base = this.rings[queue]!.offset;
    const head = this.#desc[queue]!;
    pieces.forEach((piece, i) => {
      const index = (head + i) % SIZE;
      const next = (head + i + 1) % SIZE;
      const place = base + 16 * index;
      view.setBigUint64(place, BigInt(piece.address), true);
      view.setUint32(place + 8, piece.bytes, true);
      view.setUint32(place + 12, ((piece.flags ?? 0) | (i + 1 < pieces.length ? NEXT : 0) | (next << 16)) >>> 0, true);
    });
    this.#desc[queue] = (head + pieces.length) % SIZE;
    view.setUint16(base + 1024 + 4 + 2 * (this.avail[queue]! % SIZE), head, true);
    view.setUint16(base + 1024 + 2, ++this.avail[queue]!, true);
    return head;
  }

  notify(queue: number): void {
    this.io.write16(0x3000 + 4 * queue, queue);
    this.run(100);
  }

  /** The next used element. */
  done(queue: number): { id: number; bytes: number } | undefined {
    const { view } = this.rings[queue]!.arena;
    const base = this.rings[queue]!.offset + 2048;
    if (view.getUint16(base + 2, true) === this.used[queue]! % 65536) return undefined;
    const place = base + 4 + 8 * (this.used[queue]!++ % SIZE);
    return { id: view.getUint32(place, true), bytes: view.getUint32(place + 4, true) };
  }

  /** A receive buffer at an offset. */
  post(offset: number, bytes: number): void {
    this.chain(RX, [{ address: this.memory.address + offset, bytes, flags: WRITE }]);
  }
}

/** A header of 12 bytes. */
function header(flags = 0, gso = 0, hdrLen = 0, gsoSize = 0, start = 0, offset = 0): Uint8Array {
  const bytes = new Uint8Array(NET_HDR_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = flags;
  bytes[1] = gso;
  for (const [i, value] of [hdrLen, gsoSize, start, offset].entries()) view.setUint16(2 + 2 * i, value, true);
  return bytes;
}

const rig = (): VirtioRig => new VirtioRig();
const send = (r: VirtioRig, head: Uint8Array, frame: Uint8Array): void => {
  r.chain(TX, [
    { address: r.put(0, head), bytes: head.length },
    { address: r.put(64, frame), bytes: frame.length },
  ]);
  r.notify(TX);
};

describe('negotiation', () => {
  test('offers in words, 0 beyond; FEATURES_OK stays when the set is right', () => {
    const r = rig();
    r.set(v.DEVICE_FEATURE_SELECT, 1);
    expect(r.get(v.DEVICE_FEATURE) & 1).toBe(1);
    for (const select of [2, 3, 77]) {
      r.set(v.DEVICE_FEATURE_SELECT, select);
      expect(r.get(v.DEVICE_FEATURE)).toBe(0);
    }
    r.start([NET_FEATURE.MAC]);
    expect(r.problems()).toEqual([]);
    r.set(DEVICE_STATUS, 0);
    expect(r.get(DEVICE_STATUS)).toBe(0);
    r.set(v.QUEUE_SELECT, 0);
    expect(r.get(v.QUEUE_ENABLE)).toBe(0);
  });

  test('a queue that does not exist has size 0; notify offsets are the queue numbers', () => {
    const r = rig();
    r.set(v.QUEUE_SELECT, 3);
    expect(r.get(v.QUEUE_SIZE)).toBe(0);
    for (const queue of [0, 1, 2]) {
      r.set(v.QUEUE_SELECT, queue);
      expect(r.get(v.QUEUE_NOTIFY_OFF)).toBe(queue);
    }
  });

  test('the pci-cfg window reaches the structures', () => {
    const r = rig();
    const at = r.fn.capabilities
      .filter((cap) => cap.id === pci.CAP.VENDOR)
      .map((cap) => cap.at)
      .find((place) => r.fn.read8(place + 3) === 5)!;
    r.fn.write8(at + 4, 4);
    r.fn.write32(at + 8, v.NUM_QUEUES.at);
    r.fn.write32(at + 12, 2);
    expect(r.fn.read16(at + 16)).toBe(3);
    r.fn.write32(at + 8, v.DEVICE_STATUS.at);
    r.fn.write32(at + 12, 1);
    r.fn.write8(at + 16, OK);
    expect(r.get(DEVICE_STATUS)).toBe(OK);
  });
});

describe('transmit', () => {
  test('frames of one and of several buffers, direct and indirect; short ones are padded', () => {
    const r = rig().start([FEATURE.INDIRECT_DESC]);
    send(r, header(), ethernet(BROADCAST, 42));
    expect(r.sent[0]).toHaveLength(60);
    const frame = ethernet(BROADCAST, 300);
    const table = 2048;
    const view = new DataView(new ArrayBuffer(48));
    [
      [r.put(0, header()), 12],
      [r.put(64, frame.subarray(0, 100)), 100],
      [r.put(512, frame.subarray(100)), 200],
    ].forEach(([address, bytes], i) => {
      view.setBigUint64(16 * i, BigInt(address!), true);
      view.setUint32(16 * i + 8, bytes!, true);
      view.setUint32(16 * i + 12, i < 2 ? NEXT | ((i + 1) << 16) : 0, true);
    });
    r.chain(TX, [{ address: r.put(table, new Uint8Array(view.buffer)), bytes: 48, flags: INDIRECT }]);
    r.notify(TX);
    expect(r.sent[1]).toEqual(frame);
    expect([r.done(TX)?.bytes, r.done(TX)?.bytes, r.done(TX)]).toEqual([0, 0, undefined]);
    expect(r.problems()).toEqual([]);
  });

  test('a partial checksum is completed', () => {
    const r = rig().start([NET_FEATURE.CSUM]);
    const frame = tcpFrame(77);
    new DataView(frame.buffer).setUint16(50, ~checksum(frame, 0, 0, pseudo(frame)) & 0xffff);
    send(r, header(1, 0, 0, 0, 34, 16), frame);
    expect(r.sent[0]).toEqual(tcpFrame(77));
  });

  test.each([1460, 100, 7])('segmentation with gso_size %i', (mss) => {
    const r = rig().start([NET_FEATURE.CSUM, NET_FEATURE.HOST_TSO4]);
    const payload = mss === 7 ? 100 : 4000;
    const frame = tcpFrame(payload, 0x19);
    new DataView(frame.buffer).setUint16(50, ~checksum(frame, 0, 0, pseudo(frame)) & 0xffff);
    send(r, header(1, 1, 54, mss, 34, 16), frame);
    expect(r.sent).toHaveLength(Math.ceil(payload / mss));
    let carried = 0;
    for (const [i, bytes] of r.sent.entries()) {
      const total = new DataView(bytes.buffer).getUint16(16);
      const packet = bytes.subarray(0, 14 + total);
      expect(checksum(packet, 14, 34)).toBe(0);
      expect(checksum(packet, 34, packet.length, pseudo(packet))).toBe(0);
      expect([...packet.subarray(54)]).toEqual([...frame.subarray(54 + carried, 54 + carried + mss)]);
      carried += packet.length - 54;
      expect((bytes[47]! & 1) === 1).toBe(i === r.sent.length - 1);
    }
    expect(carried).toBe(payload);
  });

  test('EVENT_IDX: an interrupt only for the element that was asked for', () => {
    const r = rig().start([FEATURE.EVENT_IDX]);
    let interrupts = 0;
    r.machine.interrupts.attachPin(r.fn.address, 1, () => {
      interrupts++;
      return r.io.read8(0x1000) !== 0;
    });
    const { view } = r.rings[TX]!.arena;
    const usedEvent = r.rings[TX]!.offset + 1024 + 4 + 2 * SIZE;
    view.setUint16(usedEvent, 1, true);
    send(r, header(), ethernet(BROADCAST));
    expect(interrupts).toBe(0);
    send(r, header(), ethernet(BROADCAST));
    expect(interrupts).toBe(1);
    send(r, header(), ethernet(BROADCAST));
    expect(interrupts).toBe(1);
  });
});

describe('receive', () => {
  test('one buffer, with the header', () => {
    const r = rig().start([NET_FEATURE.GUEST_CSUM]);
    r.post(0, 2048);
    r.post(4096, 2048);
    expect(r.inject(tcpFrame(10))).toBe('delivered');
    expect(r.done(RX)).toEqual({ id: 0, bytes: 12 + 64 });
    expect(r.bytes(12, 64)).toEqual(tcpFrame(10));
    expect([...r.bytes(0, 12)]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    const broken = tcpFrame(10);
    broken[60]! ^= 1;
    r.inject(broken);
    expect(r.bytes(4096, 1)[0]).toBe(0);
    expect(r.inject(tcpFrame(10))).toBe('ring-empty');
  });

  test('mergeable buffers: one frame over three', () => {
    const r = rig().start([NET_FEATURE.MRG_RXBUF]);
    for (let i = 0; i < 4; i++) r.post(4096 * i, 256);
    const frame = ethernet(MAC, 700);
    expect(r.inject(frame)).toBe('delivered');
    expect([r.done(RX)!.bytes, r.done(RX)!.bytes, r.done(RX)!.bytes, r.done(RX)]).toEqual([256, 256, 200, undefined]);
    expect(r.bytes(10, 1)[0]).toBe(3);
    expect([...r.bytes(12, 244), ...r.bytes(4096, 256), ...r.bytes(8192, 200)]).toEqual([...frame]);
    expect(r.inject(ethernet(MAC, 700))).toBe('ring-empty');
    expect(r.inject(ethernet(MAC, 200))).toBe('delivered');
  });

  test('link state and its interrupt', () => {
    const r = rig().start([NET_FEATURE.STATUS]);
    const status = (): number => r.io.read16(0x2000 + v.NET_STATUS.at);
    expect(status() & v.NET_STATUS.LINK_UP).toBe(1);
    let isr = 0;
    r.machine.interrupts.attachPin(r.fn.address, 1, () => {
      isr = r.io.read8(0x1000);
      return true;
    });
    const generation = r.get(v.CONFIG_GENERATION);
    r.cable.pull();
    r.run(100);
    expect([status() & 1, isr]).toEqual([0, v.ISR.CONFIG]);
    expect(r.get(v.CONFIG_GENERATION)).not.toBe(generation);
  });
});

describe('control queue', () => {
  const command = (r: VirtioRig, bytes: readonly number[]): number => {
    r.put(8192, [0xee]);
    r.chain(CONTROL, [
      { address: r.put(4096, bytes), bytes: bytes.length },
      { address: r.memory.address + 8192, bytes: 1, flags: WRITE },
    ]);
    r.notify(CONTROL);
    return r.bytes(8192, 1)[0]!;
  };

  test('receive modes, addresses, VLANs, and an error for what does not exist', () => {
    const r = rig().start([NET_FEATURE.CTRL_VQ, NET_FEATURE.CTRL_RX, NET_FEATURE.CTRL_VLAN, NET_FEATURE.CTRL_MAC_ADDR]);
    for (let i = 0; i < 8; i++) r.post(16384 + 2048 * i, 2048);
    const other = [2, 0, 0, 0, 0, 7];
    const group = [1, 0, 0x5e, 1, 2, 3];
    expect(r.inject(ethernet(other))).toBe('filtered');
    expect(command(r, [CTRL.RX, CTRL.RX_PROMISC, 1])).toBe(CTRL.OK);
    expect(r.inject(ethernet(other))).toBe('delivered');
    expect(command(r, [CTRL.RX, CTRL.RX_PROMISC, 0])).toBe(CTRL.OK);
    expect(command(r, [CTRL.MAC, CTRL.MAC_TABLE_SET, 0, 0, 0, 0, 1, 0, 0, 0, ...group])).toBe(CTRL.OK);
    expect(r.inject(ethernet(group))).toBe('delivered');
    expect(r.inject(ethernet([1, 0, 0x5e, 9, 9, 9]))).toBe('filtered');
    expect(command(r, [CTRL.MAC, CTRL.MAC_ADDR_SET, ...other])).toBe(CTRL.OK);
    expect(r.inject(ethernet(other))).toBe('delivered');
    expect(command(r, [CTRL.VLAN, CTRL.VLAN_ADD, 5, 0])).toBe(CTRL.OK);
    const tagged = ethernet(other, 64, 0x8100);
    tagged.set([0, 6], 14);
    expect(r.inject(tagged)).toBe('filtered');
    tagged.set([0, 5], 14);
    expect(r.inject(tagged)).toBe('delivered');
    expect(command(r, [99, 0])).toBe(CTRL.ERR);
    expect(command(r, [CTRL.MAC, CTRL.MAC_TABLE_SET, 255, 255, 0, 0])).toBe(CTRL.ERR);
  });

  test('a command added while the one before is answered needs no notification that nobody asked for', () => {
    const r = rig().start([NET_FEATURE.CTRL_VQ, NET_FEATURE.CTRL_RX, FEATURE.EVENT_IDX]);
    const used = r.rings[CONTROL]!.address + 2048 + 2;
    const write16 = PciShell.prototype.write16;
    // A processor beside the device: it sees the first answer at once, and avail_event does not yet ask for more.
    const spy = vi.spyOn(PciShell.prototype, 'write16').mockImplementation(function (this: PciShell, address, value) {
      const fault = write16.call(this, address, value);
      if (address === used && value === 1) {
        r.chain(CONTROL, [
          { address: r.put(4200, [CTRL.RX, CTRL.RX_PROMISC, 0]), bytes: 3 },
          { address: r.put(8200, [0xee]), bytes: 1, flags: WRITE },
        ]);
      }
      return fault;
    });
    try {
      expect(command(r, [CTRL.RX, CTRL.RX_PROMISC, 1])).toBe(CTRL.OK);
    } finally {
      spy.mockRestore();
    }
    expect(r.bytes(8200, 1)[0]).toBe(CTRL.OK);
  });
});

describe("a driver's mistakes", () => {
  const direct = (r: VirtioRig, pieces: readonly Piece[], queue = TX): void => {
    r.chain(queue, pieces);
    r.notify(queue);
  };
  const mistakes: readonly (readonly [string, string, (r: VirtioRig) => void])[] = [
    [
      'features that were not offered',
      'feature-not-negotiated',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.features([FEATURE.VERSION_1, FEATURE.RING_PACKED]);
      },
    ],
    [
      'no VERSION_1',
      'feature-not-negotiated',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.features([]);
        r.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK);
      },
    ],
    [
      'segmentation without checksums',
      'feature-not-negotiated',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.features([FEATURE.VERSION_1, NET_FEATURE.HOST_TSO4]);
        r.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK);
      },
    ],
    [
      'features after FEATURES_OK',
      'negotiation-order',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.features([FEATURE.VERSION_1]);
        r.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK);
        r.set(v.DRIVER_FEATURE, 0);
      },
    ],
    ['DRIVER_OK without FEATURES_OK', 'negotiation-order', (r) => r.set(DEVICE_STATUS, OK | DEVICE_STATUS.DRIVER_OK)],
    [
      'queue before FEATURES_OK',
      'negotiation-order',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.queue(0);
      },
    ],
    ['notify before DRIVER_OK', 'use-before-ready', (r) => r.io.write16(0x3000, 0)],
    [
      'notify of a queue that is not there',
      'queue-state',
      (r) => {
        r.start();
        r.io.write16(0x3000 + 4 * 9, 9);
      },
    ],
    ['queue size no power of two', 'ring-length', (r) => r.set(v.QUEUE_SIZE, 100)],
    [
      'queue changed while enabled',
      'queue-state',
      (r) => {
        r.start();
        r.set(v.QUEUE_SELECT, 0);
        r.set(v.QUEUE_SIZE, 8);
      },
    ],
    [
      'misaligned ring',
      'ring-alignment',
      (r) => {
        r.set(DEVICE_STATUS, OK);
        r.features([FEATURE.VERSION_1]);
        r.set(DEVICE_STATUS, OK | DEVICE_STATUS.FEATURES_OK);
        r.set(v.QUEUE_DESC_LOW, 0x1000_0004);
        r.set(v.QUEUE_ENABLE, 1);
      },
    ],
    [
      'available index runs away',
      'queue-state',
      (r) => {
        r.start();
        r.rings[TX]!.arena.view.setUint16(r.rings[TX]!.offset + 1026, 1000, true);
        r.notify(TX);
      },
    ],
    [
      'chain that loops',
      'descriptor-chain',
      (r) => {
        r.start();
        r.chain(TX, [{ address: r.put(0, header()), bytes: 12 }]);
        r.rings[TX]!.arena.view.setUint32(r.rings[TX]!.offset + 12, NEXT, true);
        r.notify(TX);
      },
    ],
    [
      'descriptor outside the table',
      'descriptor-chain',
      (r) => {
        r.start();
        r.chain(TX, [{ address: r.put(0, header()), bytes: 12 }]);
        r.rings[TX]!.arena.view.setUint32(r.rings[TX]!.offset + 12, (NEXT | (500 << 16)) >>> 0, true);
        r.notify(TX);
      },
    ],
    [
      'indirect without the feature',
      'feature-not-negotiated',
      (r) => {
        r.start();
        direct(r, [{ address: r.put(0, header()), bytes: 16, flags: INDIRECT }]);
      },
    ],
    [
      'indirect table of an odd length',
      'descriptor-chain',
      (r) => {
        r.start([FEATURE.INDIRECT_DESC]);
        direct(r, [{ address: r.put(0, header()), bytes: 17, flags: INDIRECT }]);
      },
    ],
    [
      'readable after writable',
      'descriptor-direction',
      (r) => {
        r.start();
        direct(r, [
          { address: r.put(0, header()), bytes: 12, flags: WRITE },
          { address: r.put(64, ethernet(BROADCAST)), bytes: 60 },
        ]);
      },
    ],
    [
      'frame of no bytes',
      'descriptor-length',
      (r) => {
        r.start();
        direct(r, [{ address: r.put(0, header()), bytes: 12 }]);
      },
    ],
    [
      'receive buffer smaller than the header',
      'descriptor-length',
      (r) => {
        r.start();
        r.post(0, 8);
        r.inject(ethernet(MAC));
      },
    ],
    [
      'receive buffer smaller than the frame',
      'descriptor-length',
      (r) => {
        r.start();
        r.post(0, 100);
        r.inject(ethernet(MAC, 200));
      },
    ],
    [
      'checksum that was not negotiated',
      'feature-not-negotiated',
      (r) => {
        r.start();
        send(r, header(1, 0, 0, 0, 34, 16), tcpFrame(10));
      },
    ],
    [
      'segmentation that was not negotiated',
      'feature-not-negotiated',
      (r) => {
        r.start([NET_FEATURE.CSUM]);
        send(r, header(1, 1, 54, 100, 34, 16), tcpFrame(200));
      },
    ],
    [
      'checksum outside the frame',
      'offload-context',
      (r) => {
        r.start([NET_FEATURE.CSUM]);
        send(r, header(1, 0, 0, 0, 500, 16), tcpFrame(10));
      },
    ],
    [
      'segment size zero',
      'offload-context',
      (r) => {
        r.start([NET_FEATURE.CSUM, NET_FEATURE.HOST_TSO4]);
        send(r, header(1, 1, 54, 0, 34, 16), tcpFrame(200));
      },
    ],
    [
      'DMA with mastering off',
      'dma-disabled',
      (r) => {
        r.start();
        r.fn.write16(pci.COMMAND.at, pci.COMMAND.MEMORY);
        r.chain(TX, [{ address: 0, bytes: 12 }]);
        r.notify(TX);
      },
    ],
    [
      'DMA outside memory',
      'dma-fault',
      (r) => {
        r.start();
        direct(r, [{ address: 0x7000_0000, bytes: 72 }]);
      },
    ],
    [
      'access where nothing is',
      'unknown-register',
      (r) => {
        r.io.read32(0x800);
      },
    ],
  ];

  test.each(mistakes)('%s', (_name, rule, make) => {
    const r = rig();
    make(r);
    expect(r.problems()).toEqual([rule]);
    expect(r.machine.diagnostics.problems()[0]!.ref).toMatch(/§/);
  });

  test('after a chain that makes no sense the device asks for a reset, and works after it', () => {
    const r = rig().start();
    r.rings[TX]!.arena.view.setUint16(r.rings[TX]!.offset + 1026, 1000, true);
    r.notify(TX);
    r.chain(TX, [
      { address: r.put(0, header()), bytes: 12, flags: WRITE },
      { address: r.put(64, ethernet(BROADCAST)), bytes: 60 },
    ]);
    r.rings[TX]!.arena.view.setUint16(r.rings[TX]!.offset + 1026, 1, true);
    r.notify(TX);
    expect(r.get(DEVICE_STATUS) & DEVICE_STATUS.NEEDS_RESET).not.toBe(0);
    r.set(DEVICE_STATUS, 0);
    expect(r.get(DEVICE_STATUS)).toBe(0);
  });
});
