/** A chip on a bench: registers poked directly, descriptors written by hand, frames seen and injected at its port. */
import type { EmulatedFunction, Schedule } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { Cable, type FrameFate, GIGABIT, LinkPort } from '../../src/link/index.js';
import { enumerate, type PciFunction } from '../../src/pci/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import type { AnyReg } from '../../src/registers/index.js';
import { at, i82540em } from '../../src/registers/index.js';

const { TCTL, RCTL, CTRL, RXD_ADDRL, RXD_LENGTH, RXD_STATUS } = i82540em;
const arena = new OwnedArena(64 << 20);

export class Rig<F extends EmulatedFunction> {
  readonly machine: Machine;
  readonly model: F;
  readonly fn: PciFunction;
  readonly far = new LinkPort('far');
  readonly cable: Cable;
  /** Frames that came out of the chip. */
  readonly sent: Uint8Array[] = [];
  /** What became of frames that went in. */
  readonly fates: FrameFate[] = [];
  interrupts = 0;

  constructor(model: F, options: { schedule?: Schedule } = {}) {
    arena.clear();
    this.machine = new Machine({ arena, ramBytes: 16 << 20, seed: 1, ...options });
    this.model = model;
    this.machine.bus.add(model);
    this.fn = enumerate(this.machine).functions.find(
      (fn) => fn.vendor === model.config.vendor && fn.device === model.config.device,
    )!;
    this.far.offer(GIGABIT);
    this.far.receive = (frame) => {
      this.sent.push(frame.arena.u8.slice(frame.offset, frame.offset + frame.length));
      return 'delivered';
    };
    model.port!.onFate = (_frame, fate) => this.fates.push(fate);
    this.cable = new Cable(model.port!, this.far, { scheduler: this.machine.scheduler, arena: this.machine.arena });
    this.fn.enable({ memory: true, io: true, master: true });
  }

  /** Lets time pass, in microseconds; by default enough for everything that is under way. */
  run(time = 5_000): void {
    const { scheduler } = this.machine;
    const end = scheduler.now + time;
    for (let i = 0; i < 100_000 && scheduler.advance(end); i++);
    if (scheduler.now < end) scheduler.advance(end);
  }

  /** Lets exactly `time` microseconds pass, also when nothing happens in them. */
  wait(time: number): void {
    const { scheduler } = this.machine;
    scheduler.at(scheduler.now + time, () => {});
    this.run(time);
  }

  /** Puts a frame on the cable towards the chip. */
  inject(bytes: Uint8Array, fcsOk = true): FrameFate {
    const place = this.machine.arena.alloc(bytes.length + 64);
    this.machine.arena.u8.set(bytes, place);
    this.far.transmit({ arena: this.machine.arena, offset: place, length: bytes.length, fcsOk });
    this.machine.arena.free(place);
    return this.fates.at(-1)!;
  }

  /** Rules of the findings so far that are errors or warnings. */
  problems(): string[] {
    return this.machine.diagnostics.problems().map((d) => d.rule);
  }
}

/** An 82540EM with rings, ready for frames. */
export class IntelRig extends Rig<import('../../src/emulators/index.js').I82540em> {
  readonly io: Mmio;
  readonly rx: DmaRegion;
  readonly tx: DmaRegion;
  readonly buffers: DmaRegion;
  readonly entries: number;
  readonly bufferBytes = 2048;
  #tail = 0;
  #next = 0;

  constructor(
    model: import('../../src/emulators/index.js').I82540em,
    options: { schedule?: Schedule; entries?: number } = {},
  ) {
    super(model, options);
    this.entries = options.entries ?? 8;
    this.io = this.fn.mapBar(0);
    this.rx = this.fn.dma.alloc(4096, 4096);
    this.tx = this.fn.dma.alloc(4096, 4096);
    this.buffers = this.fn.dma.alloc(this.entries * this.bufferBytes + 65536, 4096);
  }

  read(register: AnyReg, index = 0): number {
    return readReg(this.io, register, index);
  }

  write(register: AnyReg, value: number, index = 0): void {
    writeReg(this.io, register, value, index);
  }

  /** Link up, rings set, both units on. @param control more bits of RCTL */
  start(control: number = RCTL.BAM | RCTL.SECRC): this {
    this.write(CTRL, CTRL.SLU | CTRL.ASDE);
    this.run();
    this.rings();
    this.write(RCTL, RCTL.EN | control);
    this.write(TCTL, TCTL.EN | TCTL.PSP);
    return this;
  }

  rings(): void {
    const { view } = this.rx.arena;
    for (let i = 0; i < this.entries; i++) {
      const place = this.rx.offset + 16 * i;
      view.setBigUint64(place + RXD_ADDRL.at, BigInt(this.buffers.address + i * this.bufferBytes), true);
    }
    for (const [region, base, high, length, head, tail] of [
      [this.rx, i82540em.RDBAL, i82540em.RDBAH, i82540em.RDLEN, i82540em.RDH, i82540em.RDT],
      [this.tx, i82540em.TDBAL, i82540em.TDBAH, i82540em.TDLEN, i82540em.TDH, i82540em.TDT],
    ] as const) {
      this.write(base, region.address | 0);
      this.write(high, Math.floor(region.address / 2 ** 32));
      this.write(length, 16 * this.entries);
      this.write(head, 0);
      this.write(tail, region === this.rx ? this.entries - 1 : 0);
    }
  }

  /** Writes one transmit descriptor: four words. */
  descriptor(words: readonly [number, number, number, number]): void {
    const place = this.tx.offset + 16 * this.#tail;
    words.forEach((word, i) => {
      this.tx.arena.view.setInt32(place + 4 * i, word, true);
    });
    this.#tail = (this.#tail + 1) % this.entries;
  }

  /** A place in DMA memory that holds `bytes`, behind the receive buffers. */
  place(bytes: Uint8Array, offset = 0): number {
    const inside = this.entries * this.bufferBytes + offset;
    this.buffers.arena.u8.set(bytes, this.buffers.offset + inside);
    return this.buffers.address + inside;
  }

  doorbell(): void {
    this.write(i82540em.TDT, this.#tail);
    this.run(50);
  }

  /** The next received frame and its status word, or undefined. */
  received(): { bytes: Uint8Array; status: number; csum: number } | undefined {
    const place = this.rx.offset + 16 * this.#next;
    const status = this.rx.arena.view.getInt32(place + RXD_STATUS.at, true);
    if ((status & RXD_STATUS.DD) === 0) return undefined;
    const word = this.rx.arena.view.getInt32(place + RXD_LENGTH.at, true);
    const from = this.buffers.offset + this.#next * this.bufferBytes;
    const bytes = this.buffers.arena.u8.slice(from, from + (word & RXD_LENGTH.LENGTH));
    this.rx.arena.view.setInt32(place + RXD_STATUS.at, 0, true);
    this.#next = (this.#next + 1) % this.entries;
    return { bytes, status, csum: word >>> 16 };
  }
}

export { at };

/** An Ethernet frame of `length` bytes. */
export function ethernet(to: readonly number[], length = 60, type = 0x88b5): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(to);
  bytes.set([2, 0, 0, 0, 0, 1], 6);
  bytes[12] = type >> 8;
  bytes[13] = type & 0xff;
  for (let i = 14; i < length; i++) bytes[i] = i;
  return bytes;
}

export const MAC = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
export const BROADCAST = [255, 255, 255, 255, 255, 255];

/** The ones complement sum of `bytes`, complemented: 0 when a checksum inside is right. */
export function checksum(bytes: Uint8Array, start: number, end = bytes.length, extra = 0): number {
  let sum = extra;
  for (let i = start; i < end; i += 2) sum += (bytes[i]! << 8) | (i + 1 < end ? bytes[i + 1]! : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 TCP frame with right checksums. */
export function tcpFrame(payload: number, flags = 0x18): Uint8Array {
  const bytes = ethernet(MAC, 54 + payload, 0x0800);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15], 14);
  view.setUint16(16, 40 + payload);
  view.setUint16(24, checksum(bytes, 14, 34));
  bytes.set([0x1f, 0x90, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0x20, 0, 0, 0, 0, 0], 34);
  view.setUint16(50, checksum(bytes, 34, bytes.length, pseudo(bytes)));
  return bytes;
}

/** Pseudo header sum of an IPv4 frame, with its length. */
export function pseudo(bytes: Uint8Array, withLength = true): number {
  let sum = 6 + (withLength ? bytes.length - 34 : 0);
  for (let i = 26; i < 34; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  return sum;
}
