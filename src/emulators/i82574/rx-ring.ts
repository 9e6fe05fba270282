/** 82574L: one receive ring in its three formats: legacy, extended, packet split. Source: 82574 §7.1. */
import type { LinkFrame } from '../../link/port.js';
import { at, i82574, meta, pick, put, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor } from '../function.js';
import { FrameWriter } from '../offload/frame-writer.js';
import type { Headers } from '../offload/headers.js';
import type { RxSettings } from './rx-settings.js';
import type { RxStatus } from './rx-status.js';

const { RCTL, DESCRIPTOR_BYTES, SPLIT_BUFFERS, RXD_ADDRL, RXD_ADDRH, RXD_LENGTH, RXD_BYTES } = i82574;
const { RXDX_MRQ, RXDX_RSS, RXDX_STATERR, RXDX_BYTES, RXDX_LENGTH } = i82574;
const { RXDS_ADDRL, RXDS_ADDRH, RXDS_HEADER, RXDS_LENGTHS } = i82574;
const { RDLEN0 } = i82574;
const HIGH = 0x1_0000_0000;
const TAG = 4;

type RxRegisters = (typeof i82574.RX_QUEUES)[number];

/** What a ring is made of. */
export interface RxRingParts {
  readonly registers: RxRegisters;
  readonly index: number;
  readonly settings: RxSettings;
  readonly slot: FrameDescriptor;
}

/** One ring. Head and tail count 16-byte units; a packet-split descriptor is two of them. */
export class RxRing {
  /** The guest has moved the tail. */
  onTail: () => void = () => {};
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #registers: RxRegisters;
  readonly #settings: RxSettings;
  readonly #slot: FrameDescriptor;
  readonly #name: string;
  readonly #writer: FrameWriter;
  readonly #rdh: number;
  readonly #rdt: number;
  readonly #rdlen: number;
  readonly #rdbal: number;
  readonly #rdbah: number;
  readonly #lengths = new Int32Array(SPLIT_BUFFERS);
  #header = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, parts: RxRingParts) {
    const { registers } = parts;
    this.#bus = bus;
    this.#regs = regs;
    this.#values = regs.values;
    this.#registers = registers;
    this.#settings = parts.settings;
    this.#slot = parts.slot;
    this.#name = `RX ring ${parts.index}`;
    this.#writer = new FrameWriter(bus);
    [this.#rdh, this.#rdt, this.#rdlen] = [
      regs.slot(registers.RDH),
      regs.slot(registers.RDT),
      regs.slot(registers.RDLEN),
    ];
    [this.#rdbal, this.#rdbah] = [regs.slot(registers.RDBAL), regs.slot(registers.RDBAH)];
    regs.on(registers.RDT, { write: (value) => this.#doorbell(value & 0xffff) });
    regs.on(registers.RDLEN, { write: (value, _index, old) => this.#checkLength(value, old) });
  }

  /** Name of its length register. */
  get lengthName(): string {
    return this.#registers.RDLEN[meta].name;
  }

  /** 16-byte units of the ring. */
  get size(): number {
    return (this.#values[this.#rdlen]! & RDLEN0.LEN) / DESCRIPTOR_BYTES;
  }

  /** 16-byte units that the device may use. */
  get free(): number {
    const { size } = this;
    const head = this.#values[this.#rdh]!;
    const tail = this.#values[this.#rdt]!;
    return size === 0 || head >= size || tail >= size ? 0 : (tail - head + size) % size;
  }

  /** Is there room for the frame? {@link RxRing.write} must follow. */
  fits(frame: LinkFrame, strip: boolean, headers: Headers): boolean {
    const { free } = this;
    const settings = this.#settings;
    if (free === 0 || !settings.usable) return false;
    const bytes = FrameWriter.size(frame, strip, settings.fcs);
    this.#header = settings.split ? this.#splitAt(headers, strip) : 0;
    const descriptors =
      this.#header > 0
        ? Math.max(1, Math.ceil((bytes - this.#header) / settings.behind))
        : Math.ceil(bytes / settings.capacity);
    return descriptors * settings.units <= free;
  }

  /** Writes the frame. True: the ring has reached its threshold. */
  write(frame: LinkFrame, strip: boolean, status: RxStatus): boolean {
    const settings = this.#settings;
    const { size } = this;
    const before = this.free;
    const base = (this.#values[this.#rdbah]! >>> 0) * HIGH + ((this.#values[this.#rdbal]! & ~15) >>> 0);
    let head = this.#values[this.#rdh]!;
    this.#writer.begin(frame, strip, settings.fcs);
    const all = this.#writer.bytes;
    this.#slot.ring = this.#name;
    let done = 0;
    while (done < all) {
      const descriptor = base + head * DESCRIPTOR_BYTES;
      this.#slot.index = head / settings.units;
      this.#slot.address = descriptor;
      const bytes = settings.split ? this.#split(descriptor, done, all) : this.#plain(descriptor, done, all);
      done += bytes;
      const last = done === all;
      if (settings.split) this.#finishSplit(descriptor, last, status);
      else if (settings.extended) this.#finishExtended(descriptor, bytes, last, status);
      else this.#finishLegacy(descriptor, bytes, last, status);
      head = head + settings.units >= size ? 0 : head + settings.units;
    }
    this.#writer.end();
    this.#values[this.#rdh] = head;
    const threshold = settings.threshold(size);
    return before > threshold && this.free <= threshold;
  }

  #address(descriptor: number, low: number, high: number): number {
    return (this.#bus.read32(descriptor + high) >>> 0) * HIGH + (this.#bus.read32(descriptor + low) >>> 0);
  }

  #plain(descriptor: number, done: number, all: number): number {
    const bytes = Math.min(this.#settings.buffer, all - done);
    this.#writer.write(this.#address(descriptor, RXD_ADDRL.at, RXD_ADDRH.at), done, bytes);
    return bytes;
  }

  /** Fills the buffers of one packet-split descriptor; headers alone in buffer 0 of the first (82574 §7.1). */
  #split(descriptor: number, from: number, all: number): number {
    const lengths = this.#lengths;
    let done = from;
    for (let i = 0; i < SPLIT_BUFFERS; i++) {
      const room = i === 0 && this.#header > 0 ? (from === 0 ? this.#header : 0) : this.#settings.buffers[i]!;
      const bytes = Math.min(room, all - done);
      lengths[i] = bytes;
      if (bytes === 0) continue;
      this.#writer.write(this.#address(descriptor, at(RXDS_ADDRL, i), at(RXDS_ADDRH, i)), done, bytes);
      done += bytes;
    }
    return done - from;
  }

  #finishLegacy(descriptor: number, bytes: number, last: boolean, status: RxStatus): void {
    const csum = put(bytes, RXD_LENGTH.CSUM, last ? status.checksum : 0);
    const flags = last ? status.status : RXDX_STATERR.DD;
    const word = put(
      put(put(0, RXD_BYTES.STATUS, pick(flags, RXDX_BYTES.STATUS)), RXD_BYTES.ERRORS, pick(flags, RXDX_BYTES.ERRORS)),
      RXD_BYTES.SPECIAL,
      last ? status.tag : 0,
    );
    this.#bus.write32(descriptor + RXD_LENGTH.at, csum);
    this.#bus.write32(descriptor + RXD_BYTES.at, word);
  }

  #finishExtended(descriptor: number, bytes: number, last: boolean, status: RxStatus): void {
    this.#bus.write32(descriptor + RXDX_MRQ.at, last ? status.mrq : 0);
    this.#bus.write32(descriptor + RXDX_RSS.at, last ? status.second : 0);
    this.#bus.write32(descriptor + RXDX_LENGTH.at, put(bytes, RXDX_LENGTH.VLAN, last ? status.tag : 0));
    // The word with DD comes last.
    this.#bus.write32(descriptor + RXDX_STATERR.at, last ? status.status : RXDX_STATERR.DD);
  }

  #finishSplit(descriptor: number, last: boolean, status: RxStatus): void {
    const lengths = this.#lengths;
    const header = this.#header > 0 ? put(RXDS_HEADER.HDRSP, RXDS_HEADER.HDR_LEN, this.#header) : 0;
    this.#bus.write32(descriptor + RXDS_HEADER.at, put(header, RXDS_HEADER.LENGTH1, lengths[1]!));
    this.#bus.write32(descriptor + RXDS_LENGTHS.at, put(lengths[2]!, RXDS_LENGTHS.LENGTH3, lengths[3]!));
    this.#finishExtended(descriptor, lengths[0]!, last, status);
  }

  /** Bytes of headers that go into buffer 0 alone; 0: the frame is not split. */
  #splitAt(headers: Headers, strip: boolean): number {
    if (headers.l4 === 0 || (headers.fragment && this.#settings.keepsFragments)) return 0;
    const header = (headers.payload > 0 ? headers.payload : headers.l4) - (strip ? TAG : 0);
    return header <= this.#settings.buffers[0]! ? header : 0;
  }

  #doorbell(tail: number): void {
    const { size } = this;
    if (size > 0 && tail >= size) {
      this.#bus.report({
        rule: 'tail-beyond-ring',
        register: this.#registers.RDT[meta].name,
        value: tail,
        message: `the ring has ${size} descriptors`,
        ref: this.#registers.RDT[meta].ref,
      });
    }
    this.onTail();
  }

  #checkLength(value: number, old: number): void {
    const { name, ref } = this.#registers.RDLEN[meta];
    if ((value & ~RDLEN0.LEN) !== 0) {
      this.#bus.report({
        rule: 'ring-length',
        register: name,
        value,
        message: 'the length must be a multiple of 128 bytes below 1 MiB',
        ref,
      });
    }
    // Giving a unit that was enabled without a ring one is the end of that mistake, no second one.
    if (old !== 0 && (this.#regs.get(RCTL) & RCTL.EN) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: name,
        value,
        message: 'the ring was changed while RCTL.EN is set',
        ref: '82574 §4.6',
      });
    }
  }
}
