/** Captures in the pcapng format: one interface per port, time stamps of the run's clock. Source: draft-ietf-opsawg-pcapng. */
import type { Micros } from '../platform/clock.js';
import type { LinkFrame } from './port.js';

const SHB = 0x0a0d0d0a;
const IDB = 1;
const EPB = 6;
const MAGIC = 0x1a2b3c4d;
const ETHERNET = 1;
const OPT_COMMENT = 1;
const IF_NAME = 2;
const EPB_FLAGS = 2;
const INBOUND = 1;
const OUTBOUND = 2;
const SNAP = 0x40000;

/** Writes blocks to a sink. Nothing in a file depends on the machine or the time of day: equal runs give equal bytes. */
export class PcapngWriter {
  readonly #sink: (bytes: Uint8Array) => void;
  #interfaces = 0;

  /** @param sink takes each block; the array is the caller's to keep */
  constructor(sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
    const block = new Block(SHB);
    block.u32(MAGIC);
    block.u16(1);
    block.u16(0);
    block.u32(-1);
    block.u32(-1);
    sink(block.end());
  }

  /** Declares an interface and returns its number. */
  addInterface(name: string): number {
    const block = new Block(IDB);
    block.u16(ETHERNET);
    block.u16(0);
    block.u32(SNAP);
    block.option(IF_NAME, new TextEncoder().encode(name));
    block.endOptions();
    this.#sink(block.end());
    return this.#interfaces++;
  }

  /** Writes a frame. @param direction as the port's owner sees it */
  frame(port: number, time: Micros, frame: LinkFrame, direction: 'in' | 'out', comment?: string): void {
    const block = new Block(EPB, frame.length + 96 + (comment?.length ?? 0) * 3);
    block.u32(port);
    block.u32(Math.floor(time / 0x1_0000_0000));
    block.u32((time % 0x1_0000_0000) | 0);
    block.u32(frame.length);
    block.u32(frame.length);
    block.bytes(frame.arena.u8, frame.offset, frame.length);
    if (comment !== undefined) block.option(OPT_COMMENT, new TextEncoder().encode(comment));
    const flags = new Uint8Array(4);
    // Bit 24: CRC error.
    new DataView(flags.buffer).setInt32(
      0,
      (direction === 'in' ? INBOUND : OUTBOUND) | (frame.fcsOk ? 0 : 1 << 24),
      true,
    );
    block.option(EPB_FLAGS, flags);
    block.endOptions();
    this.#sink(block.end());
  }
}

/** One block under construction. */
class Block {
  #data: Uint8Array;
  #view: DataView;
  #at = 8;

  constructor(type: number, room = 256) {
    this.#data = new Uint8Array(room + 64);
    this.#view = new DataView(this.#data.buffer);
    this.#view.setInt32(0, type, true);
  }

  u16(value: number): void {
    this.#view.setInt16(this.#at, value, true);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  /** Bytes, padded to a multiple of four. */
  bytes(from: Uint8Array, at: number, length: number): void {
    this.#data.set(from.subarray(at, at + length), this.#at);
    this.#at += (length + 3) & ~3;
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code);
    this.u16(value.length);
    this.bytes(value, 0, value.length);
  }

  endOptions(): void {
    this.u32(0);
  }

  end(): Uint8Array {
    const total = this.#at + 4;
    this.#view.setInt32(4, total, true);
    this.#view.setInt32(this.#at, total, true);
    return this.#data.subarray(0, total);
  }
}
