/** An 82574L on a bench: two rings each way, in any of the three receive formats. */
import { I82574 } from '../../src/emulators/index.js';
import type { DmaRegion } from '../../src/platform/dma.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { readReg, writeReg } from '../../src/platform/task.js';
import { type AnyReg, at, i82574 as c, pick, put } from '../../src/registers/index.js';
import { MAC, Rig } from './rig.js';

export type Format = 'legacy' | 'extended' | 'split';
export type RigOptions = ConstructorParameters<typeof Rig>[1] & { format?: Format; entries?: number };

const ENTRIES = 16;
const BUFFER = 2048;
/** Four buffers of a split descriptor. */
const SPLIT_BUFFER = 4096;

/** A frame as the guest finds it. */
export interface Got {
  readonly bytes: Uint8Array;
  readonly status: number;
  readonly tag: number;
  readonly second: number;
  readonly mrq: number;
  /** Bytes in each buffer of a split descriptor. */
  readonly lengths: readonly number[];
  readonly header: number;
}

export class Rig574 extends Rig<I82574> {
  readonly io: Mmio;
  readonly format: Format;
  readonly entries: number;
  readonly rx: DmaRegion[];
  readonly tx: DmaRegion[];
  readonly buffers: DmaRegion[];
  readonly data: DmaRegion;
  readonly #tails = [0, 0];
  readonly #next = [0, 0];

  constructor(options: RigOptions = {}) {
    super(new I82574({ mac: Uint8Array.from(MAC) }), options);
    this.format = options.format ?? 'extended';
    this.entries = options.entries ?? ENTRIES;
    this.io = this.fn.mapBar(0);
    const region = (bytes: number): DmaRegion[] => [0, 1].map(() => this.fn.dma.alloc(bytes, 4096));
    this.rx = region(4096);
    this.tx = region(4096);
    this.buffers = region(this.entries * 4 * SPLIT_BUFFER);
    this.data = this.fn.dma.alloc(65536, 4096);
  }

  read(register: AnyReg, index = 0): number {
    return readReg(this.io, register, index);
  }

  write(register: AnyReg, value: number, index = 0): void {
    writeReg(this.io, register, value, index);
  }

  set(register: AnyReg, bits: number): void {
    this.write(register, this.read(register) | bits);
  }

  get #bytes(): number {
    return this.format === 'split' ? c.SPLIT_DESCRIPTOR_BYTES : c.DESCRIPTOR_BYTES;
  }

  /** Link up, rings set, both units on. @param control more bits of RCTL */
  start(control: number = c.RCTL.BAM | c.RCTL.SECRC): this {
    this.write(c.CTRL, c.CTRL.SLU | c.CTRL.ASDE);
    this.run();
    this.rings();
    if (this.format !== 'legacy') this.set(c.RFCTL, c.RFCTL.EXSTEN);
    this.write(c.RCTL, c.RCTL.EN | control | (this.format === 'split' ? put(0, c.RCTL.DTYP, 1) : 0));
    this.write(c.TCTL, c.TCTL.EN | c.TCTL.PSP);
    return this;
  }

  rings(): void {
    for (const queue of [0, 1]) {
      for (let i = 0; i < this.entries; i++) this.#post(queue, i);
      const { TDBAL, TDBAH, TDLEN, TDH, TDT } = c.TX_QUEUES[queue]!;
      const { RDBAL, RDBAH, RDLEN, RDH, RDT } = c.RX_QUEUES[queue]!;
      const units = this.#bytes / c.DESCRIPTOR_BYTES;
      for (const [region, base, high, length, head, tail, last] of [
        [this.rx[queue]!, RDBAL, RDBAH, RDLEN, RDH, RDT, units * (this.entries - 1)],
        [this.tx[queue]!, TDBAL, TDBAH, TDLEN, TDH, TDT, 0],
      ] as const) {
        this.write(base, region.address | 0);
        this.write(high, 0);
        this.write(length, (tail === RDT ? this.#bytes : c.DESCRIPTOR_BYTES) * this.entries);
        this.write(head, 0);
        this.write(tail, last);
      }
    }
  }

  #post(queue: number, i: number): void {
    const { view } = this.rx[queue]!.arena;
    const place = this.rx[queue]!.offset + this.#bytes * i;
    const buffers = this.format === 'split' ? c.SPLIT_BUFFERS : 1;
    for (let b = 0; b < buffers; b++)
      view.setBigUint64(place + at(c.RXDS_ADDRL, b), BigInt(this.buffers[queue]!.address + this.#buffer(i, b)), true);
    if (buffers === 1) view.setBigUint64(place + 8, 0n, true);
  }

  #buffer(i: number, b: number): number {
    return this.format === 'split' ? (i * 4 + b) * SPLIT_BUFFER : i * BUFFER;
  }

  /** A place in DMA memory that holds `bytes`. */
  place(bytes: Uint8Array, offset = 0): number {
    this.data.arena.u8.set(bytes, this.data.offset + offset);
    return this.data.address + offset;
  }

  /** Writes one transmit descriptor: four words. */
  descriptor(words: readonly number[], queue = 0): void {
    const place = this.tx[queue]!.offset + c.DESCRIPTOR_BYTES * this.#tails[queue]!;
    words.forEach((word, i) => {
      this.tx[queue]!.arena.view.setInt32(place + 4 * i, word, true);
    });
    this.#tails[queue] = (this.#tails[queue]! + 1) % this.entries;
  }

  /** Sends `bytes` by a legacy descriptor. */
  legacy(bytes: Uint8Array, command: number = SEND, status = 0, queue = 0): void {
    this.descriptor([this.place(bytes) | 0, 0, command | bytes.length, status], queue);
  }

  doorbell(queue = 0): void {
    this.write(c.TX_QUEUES[queue]!.TDT, this.#tails[queue]!);
    this.run(50);
  }

  /** The next received descriptor of a queue, or undefined. */
  received(queue = 0): Got | undefined {
    const region = this.rx[queue]!;
    const { view, u8 } = region.arena;
    const i = this.#next[queue]!;
    const place = region.offset + this.#bytes * i;
    const word = (register: AnyReg): number => view.getInt32(place + register.at, true);
    const legacy = this.format === 'legacy';
    const status = legacy ? word(c.RXD_BYTES) : word(c.RXDX_STATERR);
    if ((status & c.RXDX_STATERR.DD) === 0) return undefined;
    const first = legacy ? word(c.RXD_LENGTH) & c.RXD_LENGTH.LENGTH : word(c.RXDX_LENGTH) & c.RXDX_LENGTH.LENGTH;
    const lengths =
      this.format === 'split'
        ? [
            first,
            pick(word(c.RXDS_HEADER), c.RXDS_HEADER.LENGTH1),
            pick(word(c.RXDS_LENGTHS), c.RXDS_LENGTHS.LENGTH2),
            pick(word(c.RXDS_LENGTHS), c.RXDS_LENGTHS.LENGTH3),
          ]
        : [first];
    const from = this.buffers[queue]!.offset;
    const bytes = Uint8Array.from(
      lengths.flatMap((length, b) => [...u8.subarray(from + this.#buffer(i, b), from + this.#buffer(i, b) + length)]),
    );
    const got: Got = {
      bytes,
      status,
      tag: legacy ? pick(status, c.RXD_BYTES.SPECIAL) : pick(word(c.RXDX_LENGTH), c.RXDX_LENGTH.VLAN),
      second: legacy ? pick(word(c.RXD_LENGTH), c.RXD_LENGTH.CSUM) : word(c.RXDX_RSS),
      mrq: word(c.RXDX_MRQ),
      lengths,
      header: this.format === 'split' ? word(c.RXDS_HEADER) : 0,
    };
    this.#post(queue, i);
    if (this.format === 'split') view.setBigUint64(place + 24, 0n, true);
    this.#next[queue] = (i + 1) % this.entries;
    return got;
  }
}

export const SEND = c.TXD_CMD.EOP | c.TXD_CMD.IFCS | c.TXD_CMD.RS;

/** An IPv6 TCP frame with a right checksum. */
export function tcp6Frame(payload: number): Uint8Array {
  const bytes = new Uint8Array(74 + payload);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAC, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64]);
  view.setUint16(18, 20 + payload);
  for (let i = 0; i < 32; i++) bytes[22 + i] = i * 7 + 1;
  bytes.set([0x1f, 0x90, 0x00, 0x50, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0], 54);
  for (let i = 74; i < bytes.length; i++) bytes[i] = i;
  let sum = 6 + 20 + payload;
  for (let i = 22; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (i + 1 < bytes.length ? bytes[i + 1]! : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(70, ~sum & 0xffff);
  return bytes;
}
