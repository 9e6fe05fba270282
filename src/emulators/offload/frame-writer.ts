/** A received frame on its way to the guest: without its tag when that is stripped, with its FCS when that is wanted. */
import { crc32 } from '../../link/crc32.js';
import type { LinkFrame } from '../../link/port.js';
import { sum16 } from '../../platform/kernels.js';
import type { DeviceBus } from '../function.js';
import type { ChecksumFindings } from './checksum.js';

const FCS = 4;
const TAG = 4;
const ADDRESSES = 12;
/** Room for what stripping overwrites, and behind it for the FCS. */
const SAVED = 16;

/** Writes pieces of one frame after the other. */
export class FrameWriter {
  /** Bytes to be written in all, FCS included when it is wanted. */
  bytes = 0;
  readonly #bus: DeviceBus;
  readonly #scratch: number;
  #frame: LinkFrame | undefined;
  #from = 0;
  #data = 0;
  #stripped = false;

  constructor(bus: DeviceBus) {
    this.#bus = bus;
    this.#scratch = bus.allocBuffer(SAVED + FCS);
  }

  /** How many bytes {@link FrameWriter.begin} will find. */
  static size(frame: LinkFrame, strip: boolean, fcs: boolean): number {
    return frame.length - (strip ? TAG : 0) + (fcs ? FCS : 0);
  }

  /** Takes a frame. @param strip its tag is left out; @param fcs its FCS follows */
  begin(frame: LinkFrame, strip: boolean, fcs: boolean): void {
    this.#frame = frame;
    this.#stripped = strip;
    this.#from = frame.offset;
    this.#data = frame.length;
    if (fcs) {
      const value = crc32(frame.arena, frame.offset, frame.length);
      this.#bus.arena.view.setInt32(this.#scratch + SAVED, frame.fcsOk ? value : ~value, true);
    }
    if (strip) {
      // The two addresses move over the tag, in the sender's buffer only until the frame is written.
      const { u8 } = frame.arena;
      this.#bus.arena.u8.set(u8.subarray(this.#from, this.#from + SAVED), this.#scratch);
      u8.copyWithin(this.#from + TAG, this.#from, this.#from + ADDRESSES);
      this.#from += TAG;
      this.#data -= TAG;
    }
    this.bytes = this.#data + (fcs ? FCS : 0);
  }

  /** Copies `bytes` bytes from byte `at` on to the guest. */
  write(address: number, at: number, bytes: number): void {
    const body = Math.max(0, Math.min(bytes, this.#data - at));
    if (body > 0) this.#bus.write(address, this.#frame!.arena, this.#from + at, body);
    if (bytes === body) return;
    const skip = Math.max(0, at - this.#data);
    this.#bus.write(address + body, this.#bus.arena, this.#scratch + SAVED + skip, bytes - body);
  }

  /** The frame is written: the sender's buffer is as it was. */
  end(): void {
    const frame = this.#frame!;
    if (this.#stripped)
      frame.arena.u8.set(this.#bus.arena.u8.subarray(this.#scratch, this.#scratch + SAVED), frame.offset);
    this.#frame = undefined;
  }
}

/**
 * Sum for the packet checksum: from byte `start` to the end of the frame (8254x §3.2.8; 82574 §7.1), partial as
 * {@link sum16} gives it.
 * @param found what was summed already, if anything was
 */
export function packetSum(frame: LinkFrame, start: number, found: ChecksumFindings): number {
  const { l4Checked, l4, end, l4Sum } = found;
  const { arena, offset, length } = frame;
  if (start >= length) return 0;
  // Most of the bytes were summed for the TCP or UDP checksum; an odd piece can only be the last one of a sum.
  const known = l4Checked && start <= l4 && ((l4 - start) & 1) === 0 && (end === length || ((end - l4) & 1) === 0);
  return known
    ? sum16(arena, offset + end, length - end, sum16(arena, offset + start, l4 - start, l4Sum))
    : sum16(arena, offset + start, length - start);
}
