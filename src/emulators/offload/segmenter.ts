/**
 * One TCP segmentation send after the other. Payload goes from guest memory straight into the segment it belongs to; what the
 * headers are and where their fields stand is the chip's to say.
 */
import { type DeviceBus, DmaFault } from '../function.js';
import { emptyPlan, patchSegment, readHeader, type SegmentPlan } from './segment.js';

/** Payload of one send; a hostile length stops here. */
export const MAX_SEND = 256 * 1024;
const HEADER_MAX = 256;

/** What a segmenter needs of its chip. */
export interface SegmenterOwner {
  /** Where segments are built. */
  readonly packet: number;
  /** Takes a segment of so many bytes at `packet`. */
  send(bytes: number): void;
  /**
   * `plan.headerBytes` bytes of header stand at `packet`. The chip may change them, and ask for more by a larger
   * `plan.headerBytes`, at most 256. False: they make no sense.
   */
  header?(plan: SegmentPlan): boolean;
  /** The send carries more than {@link MAX_SEND} bytes. */
  tooLong(bytes: number): void;
}

/** The segmenter. */
export class Segmenter {
  /** A send is under way. */
  active = false;
  /** The chip fills it before {@link Segmenter.begin}, or when it is shown the header. */
  readonly plan: SegmentPlan = emptyPlan();
  readonly #bus: DeviceBus;
  readonly #owner: SegmenterOwner;
  readonly #header: number;
  #failed = false;
  #mss = 0;
  #headerHave = 0;
  #whole = false;
  #index = 0;
  #sent = 0;
  #payload = 0;

  constructor(bus: DeviceBus, owner: SegmenterOwner) {
    this.#bus = bus;
    this.#owner = owner;
    this.#header = bus.allocBuffer(HEADER_MAX);
  }

  reset(): void {
    this.active = this.#failed = this.#whole = false;
    this.#headerHave = this.#index = this.#sent = this.#payload = 0;
  }

  /** A send begins. @param mss bytes of payload in a segment, at least 1 */
  begin(mss: number): void {
    this.reset();
    this.active = true;
    this.#mss = mss;
  }

  /** The send makes no sense: what follows of it is ignored. */
  fail(): void {
    this.#failed = true;
  }

  /** Bytes of payload so far; -1 when the send failed or its header is not whole. */
  get carried(): number {
    return this.#failed || !this.#whole ? -1 : this.#sent + this.#payload;
  }

  /** Takes `bytes` bytes at a guest address; full segments are sent, the last one waits for the end. */
  gather(from: number, bytes: number): void {
    if (this.#failed) return;
    if (this.#sent + this.#payload + bytes > MAX_SEND) {
      this.#failed = true;
      this.#owner.tooLong(this.#sent + this.#payload + bytes);
      return;
    }
    let address = from;
    let left = bytes;
    while (left > 0 && !this.#failed) {
      const done = this.#whole ? this.#gatherPayload(address, left) : this.#gatherHeader(address, left);
      address += done;
      left -= done;
    }
  }

  /** Sends what is left. True when the send made sense. */
  end(): boolean {
    this.active = false;
    if (this.#failed || !this.#whole) return false;
    this.#emit(true);
    return true;
  }

  #gatherHeader(address: number, left: number): number {
    const { arena } = this.#bus;
    const { packet } = this.#owner;
    const { plan } = this;
    const piece = Math.min(left, plan.headerBytes - this.#headerHave);
    if (this.#bus.read(address, arena, packet + this.#headerHave, piece) !== DmaFault.none) this.#failed = true;
    this.#headerHave += piece;
    if (this.#headerHave < plan.headerBytes || this.#failed) return piece;
    if (this.#owner.header?.(plan) === false) this.#failed = true;
    else if (this.#headerHave === plan.headerBytes) {
      this.#whole = true;
      arena.u8.copyWithin(this.#header, packet, packet + plan.headerBytes);
      readHeader(arena, this.#header, plan);
    }
    return piece;
  }

  #gatherPayload(address: number, left: number): number {
    if (this.#payload === this.#mss) this.#emit(false);
    const piece = Math.min(left, this.#mss - this.#payload);
    const place = this.#owner.packet + this.plan.headerBytes + this.#payload;
    if (this.#bus.read(address, this.#bus.arena, place, piece) !== DmaFault.none) this.#failed = true;
    this.#payload += piece;
    return piece;
  }

  #emit(last: boolean): void {
    const { arena } = this.#bus;
    const { plan } = this;
    const { packet } = this.#owner;
    if (this.#index > 0) arena.u8.copyWithin(packet, this.#header, this.#header + plan.headerBytes);
    patchSegment(arena, packet, plan, this.#index, this.#sent, this.#payload, last);
    this.#owner.send(plan.headerBytes + this.#payload);
    this.#index++;
    this.#sent += this.#payload;
    this.#payload = 0;
  }
}
