/** Frames of two chips of the Intel gigabit family, ours and QEMU's, side by side: rings, packets as descriptors, wires. */
import { createSocket, type Socket } from 'node:dgram';
import type { EmulatedFunction } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { openQemu, type QemuHost } from '../../src/hosts/qemu/index.js';
import { Cable, GIGABIT, LinkPort } from '../../src/link/index.js';
import { enumerate, type PciFunction, type PciHost } from '../../src/pci/index.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import type { Mmio } from '../../src/platform/mmio.js';
import type { Random } from '../../src/platform/random.js';
import { type AnyReg, i82540em as c, put } from '../../src/registers/index.js';
import { checksum, ethernet, pseudo, tcpFrame } from '../emulators/rig.js';
import type { qemuForTests } from './support.js';

const RING = 64;
const BUFFER = 2048;

/** A chip of the family, as both sides have it. */
export interface Chip {
  /** PCI device. */
  readonly device: number;
  /** Name of QEMU's device. */
  readonly qemu: string;
  make(): EmulatedFunction;
  /** Registers by the names that the 82540EM gives them. */
  readonly map: Readonly<
    Record<
      | 'CTRL'
      | 'STATUS'
      | 'RAL'
      | 'RAH'
      | 'RCTL'
      | 'TCTL'
      | 'TDBAL'
      | 'TDBAH'
      | 'TDLEN'
      | 'TDH'
      | 'TDT'
      | 'RDBAL'
      | 'RDBAH'
      | 'RDLEN'
      | 'RDH'
      | 'RDT',
      AnyReg
    >
  >;
  /** Before the units are enabled. */
  prepare?(io: Mmio): void;
  /** A received descriptor in words, or undefined when it is not done. `bytes` are those of its buffer. */
  received(view: DataView, place: number, bytes: (length: number) => string): string | undefined;
}

/** The chip of one side: rings in its host's memory. */
export class Side {
  readonly io: Mmio;
  readonly tx: DmaRegion;
  readonly rx: DmaRegion;
  readonly data: DmaRegion;
  readonly buffers: DmaRegion;
  #tail = 0;
  #used = 0;

  readonly #chip: Chip;

  constructor(host: PciHost, chip: Chip) {
    this.#chip = chip;
    const m = chip.map;
    const fn: PciFunction = enumerate(host).functions.find(
      (each) => each.vendor === 0x8086 && each.device === chip.device,
    )!;
    fn.enable({ memory: true, io: true, master: true });
    this.io = fn.mapBar(0);
    this.tx = fn.dma.alloc(4096, 4096);
    this.rx = fn.dma.alloc(4096, 4096);
    this.data = fn.dma.alloc(RING * BUFFER, 4096);
    this.buffers = fn.dma.alloc(RING * BUFFER, 4096);
    for (let i = 0; i < RING; i++) this.#post(i);
    const { io } = this;
    io.write32(m.CTRL.at, c.CTRL.SLU | c.CTRL.ASDE | c.CTRL.VME);
    for (const [region, low, high, length, head, tail, last] of [
      [this.tx, m.TDBAL, m.TDBAH, m.TDLEN, m.TDH, m.TDT, 0],
      [this.rx, m.RDBAL, m.RDBAH, m.RDLEN, m.RDH, m.RDT, RING - 1],
    ] as const) {
      io.write32(low.at, region.address | 0);
      io.write32(high.at, 0);
      io.write32(length.at, 16 * RING);
      io.write32(head.at, 0);
      io.write32(tail.at, last);
    }
    io.write32(m.RAL.at, 0x12005452);
    io.write32(m.RAH.at, c.RAH.AV | 0x5634 | 0);
    chip.prepare?.(io);
    io.write32(m.RCTL.at, c.RCTL.EN | c.RCTL.BAM | c.RCTL.SECRC);
    io.write32(m.TCTL.at, c.TCTL.EN | c.TCTL.PSP);
  }

  /** Starts a packet: the data area is used from its start again. */
  begin(): void {
    this.#used = 0;
  }

  buffer(bytes: Uint8Array): number {
    this.data.arena.u8.set(bytes, this.data.offset + this.#used);
    const address = this.data.address + this.#used;
    this.#used += bytes.length;
    return address;
  }

  descriptor(words: readonly number[]): void {
    words.forEach((word, i) => {
      this.tx.arena.view.setInt32(this.tx.offset + 16 * this.#tail + 4 * i, word, true);
    });
    this.#tail = (this.#tail + 1) % RING;
  }

  doorbell(): void {
    this.io.write32(this.#chip.map.TDT.at, this.#tail);
  }

  get idle(): boolean {
    return this.io.read32(this.#chip.map.TDH.at) === this.#tail;
  }

  /** Gives all but one receive descriptor to the chip again and clears what was written. */
  repost(): void {
    const head = this.io.read32(this.#chip.map.RDH.at);
    for (let i = 0; i < RING; i++) this.#post(i);
    this.io.write32(this.#chip.map.RDT.at, (head + RING - 1) % RING);
  }

  /** A descriptor as software gives it: extended ones lose their address when they are written back. */
  #post(i: number): void {
    const place = this.rx.offset + 16 * i;
    this.rx.arena.view.setBigUint64(place, BigInt(this.buffers.address + BUFFER * i), true);
    this.rx.arena.view.setBigInt64(place + 8, 0n, true);
  }

  /** Where the chip will write next. */
  get rxHead(): number {
    return this.io.read32(this.#chip.map.RDH.at);
  }

  /** What was received since the last repost, from descriptor `from` on. */
  received(from: number): string[] {
    const { view, u8 } = this.rx.arena;
    const list: string[] = [];
    for (let n = 0; n < RING; n++) {
      const i = (from + n) % RING;
      const start = this.buffers.offset + BUFFER * i;
      const text = this.#chip.received(view, this.rx.offset + 16 * i, (length) =>
        Buffer.from(u8.subarray(start, start + length)).toString('hex'),
      );
      if (text === undefined) break;
      list.push(text);
    }
    return list;
  }

  /** Status words of all transmit descriptors. */
  statuses(): number[] {
    return Array.from(
      { length: RING },
      (_, i) => this.tx.arena.view.getInt32(this.tx.offset + 16 * i + 12, true) & c.TXD_STATUS.DD,
    );
  }
}

/** One packet as descriptors, the same for both sides but for the addresses. */
export type Packet = (side: Side) => void;

/** Six packets. @param kinds 2: sent as they are, or summed; 3: or segmented */
export function packets(random: Random, kinds: 2 | 3 = 3): Packet[] {
  return Array.from({ length: 6 }, () => {
    // The checksum of legacy descriptors (IC, 8254x §3.3.3) is not among them: QEMU's e1000 does not insert it.
    const kind = random.below(kinds);
    const rs = random.chance(0.7) ? c.TXD_CMD.RS : 0;
    const tag = random.chance(0.3) ? random.below(4096) : -1;
    const vle = tag >= 0 ? c.TXD_CMD.VLE : 0;
    const special = tag >= 0 ? put(0, c.TXD_STATUS.SPECIAL, tag) : 0;
    const last = c.TXD_CMD.EOP | c.TXD_CMD.IFCS | rs | vle;
    if (kind === 0) {
      const frame = ethernet([2, 0, 0, 0, 0, 9], 60 + random.below(1400));
      const cut = 1 + random.below(frame.length - 1);
      return (side) => {
        // The tag is told with the first descriptor and with the last: the datasheet and QEMU read it from different ones.
        side.descriptor([side.buffer(frame.subarray(0, cut)) | 0, 0, c.TXD_CMD.IFCS | vle | cut, special]);
        side.descriptor([side.buffer(frame.subarray(cut)) | 0, 0, last | (frame.length - cut), special]);
      };
    }
    const payload = 1 + random.below(kind === 2 ? 9000 : 1400);
    const mss = kind === 2 ? 200 + random.below(1200) : 0;
    const frame = tcpFrame(payload, random.below(64));
    const view = new DataView(frame.buffer);
    view.setUint16(50, 0);
    view.setUint16(50, ~checksum(frame, 0, 0, pseudo(frame, mss === 0)) & 0xffff);
    view.setUint16(24, 0);
    const tse = mss > 0 ? c.TXD_DATA.TSE : 0;
    const data = put(c.TXD_DATA.DEXT | c.TXD_DATA.IFCS | vle | tse, c.TXD_DATA.DTYP, 1);
    const cut = 54 + random.below(payload);
    return (side) => {
      side.descriptor([
        put(put(put(0, c.CTX_IP.IPCSS, 14), c.CTX_IP.IPCSO, 24), c.CTX_IP.IPCSE, 33),
        put(put(0, c.CTX_TU.TUCSS, 34), c.CTX_TU.TUCSO, 50),
        put(
          c.CTX_CMD.DEXT | c.CTX_CMD.TCP | c.CTX_CMD.IP | (mss > 0 ? c.CTX_CMD.TSE : 0),
          c.CTX_CMD.PAYLEN,
          mss > 0 ? payload : 0,
        ),
        put(put(0, c.CTX_MSS.HDRLEN, 54), c.CTX_MSS.MSS, mss),
      ]);
      const options = c.TXD_POPTS.IXSM | c.TXD_POPTS.TXSM | special;
      side.descriptor([side.buffer(frame.subarray(0, cut)) | 0, 0, data | cut, options]);
      side.descriptor([
        side.buffer(frame.subarray(cut)) | 0,
        0,
        data | c.TXD_DATA.EOP | rs | (frame.length - cut),
        options,
      ]);
    };
  });
}

function bound(socket: Socket): Promise<number> {
  return new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)));
}

const MIN_FRAME = 60;

/**
 * Where our frame and QEMU's differ: empty, or offset and bytes for the first few. QEMU leaves short frames short though TCTL.PSP
 * asks for padding (8254x §13.4.33): zeros are added to compare.
 */
export function difference(a: Uint8Array, short: Uint8Array): string {
  const b = new Uint8Array(Math.max(short.length, MIN_FRAME));
  b.set(short);
  if (a.length !== b.length) return `${a.length} bytes, QEMU ${b.length}`;
  const list: string[] = [];
  a.forEach((byte, i) => {
    if (byte !== b[i] && list.length < 8) list.push(`${i}: ${byte.toString(16)}, QEMU ${b[i]!.toString(16)}`);
  });
  return list.join('; ');
}

export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Both sides, and what is needed to talk to their wires. */
export interface Wires<S> {
  readonly ours: S;
  readonly theirs: S;
  readonly ourFrames: Uint8Array[];
  readonly theirFrames: Uint8Array[];
  /** Lets our machine come to rest. */
  settle(): void;
  /** Puts a frame on both wires. */
  inject(bytes: Uint8Array): void;
}

/** What is compared on two wires. */
export interface WiredPair<S> {
  /** QEMU's device with its options. */
  readonly device: string;
  /** Ours. */
  readonly model: EmulatedFunction;
  readonly ramBytes: number;
  /** What a test does with the function of a host. */
  side(host: PciHost): S;
}

/** A wire to a device of QEMU's: datagrams are frames. */
export interface Wire {
  /** The netdev, whose id is `n`. */
  readonly netdev: string;
  /** What the device sent. */
  readonly frames: Uint8Array[];
  inject(bytes: Uint8Array): void;
  close(): void;
}

/** A wire on ports that are free. */
export async function openWire(): Promise<Wire> {
  const socket = createSocket('udp4');
  const probe = createSocket('udp4');
  const port = await bound(socket);
  const far = await bound(probe);
  probe.close();
  const frames: Uint8Array[] = [];
  socket.on('message', (bytes) => frames.push(new Uint8Array(bytes)));
  return {
    netdev: `socket,id=n,udp=127.0.0.1:${port},localaddr=127.0.0.1:${far}`,
    frames,
    inject: (bytes) => socket.send(bytes, far, '127.0.0.1'),
    close: () => socket.close(),
  };
}

/** Plugs our model and QEMU's in, each with a wire that is heard and spoken on. */
export async function onWires<S>(
  qemu: Awaited<ReturnType<typeof qemuForTests>>,
  pair: WiredPair<S>,
  work: (wires: Wires<S>) => Promise<void>,
): Promise<void> {
  const wire = await openWire();
  let host: QemuHost | undefined;
  try {
    const device = `${pair.device},netdev=n,mac=52:54:00:12:34:56`;
    host = await openQemu({ ...qemu, args: ['-netdev', wire.netdev, '-device', device] });
    const machine = new Machine({ ramBytes: pair.ramBytes });
    const { model } = pair;
    machine.bus.add(model);
    const end = new LinkPort('end');
    end.offer(GIGABIT);
    const ourFrames: Uint8Array[] = [];
    end.receive = (frame) => {
      ourFrames.push(frame.arena.u8.slice(frame.offset, frame.offset + frame.length));
      return 'delivered';
    };
    new Cable(model.port!, end, { scheduler: machine.scheduler, arena: machine.arena });
    const ours = pair.side(machine);
    const theirs = pair.side(host);
    const settle = (): void => {
      while (machine.scheduler.advance());
    };
    settle();
    const place = machine.arena.alloc(BUFFER);
    const inject = (bytes: Uint8Array): void => {
      machine.arena.u8.set(bytes, place);
      end.transmit({ arena: machine.arena, offset: place, length: bytes.length, fcsOk: true });
      wire.inject(bytes);
    };
    await work({ ours, theirs, ourFrames, theirFrames: wire.frames, settle, inject });
  } finally {
    wire.close();
    await host?.close();
  }
}

/** Both chips of the family, ready. */
export function onBench(
  qemu: Awaited<ReturnType<typeof qemuForTests>>,
  chip: Chip,
  work: (bench: Wires<Side>) => Promise<void>,
): Promise<void> {
  const side = (host: PciHost): Side => new Side(host, chip);
  return onWires(qemu, { device: chip.qemu, model: chip.make(), ramBytes: 4 << 20, side }, async (bench) => {
    // QEMU's link comes after its own negotiation, on its own clock.
    const linked = (): boolean => (bench.theirs.io.read32(chip.map.STATUS.at) & c.STATUS.LU) !== 0;
    for (let i = 0; i < 5000 && !linked(); i++) await turn();
    await work(bench);
  });
}
