/**
 * TCP segmentation. Payload goes from guest memory straight into the segment it belongs to. Source: 8254x §3.5;
 * 82574 §7.3.
 */
import { i82540em, pick } from '../../registers/index.js';
import { type DeviceBus, DmaFault } from '../function.js';
import { emptyPlan, patchSegment, readHeader, type SegmentPlan } from '../offload/segment.js';
import type { Sections } from './chip.js';

const { CTX_IP, CTX_TU, CTX_CMD, CTX_MSS } = i82540em;
const { IXSM, TXSM } = i82540em.TXD_POPTS;

/** Payload of one send; a hostile length stops here. */
const MAX_SEND = 256 * 1024;
const HEADER_MAX = 256;
const LEAST = { tcp: 20, udp: 8, ipv4: 20, ipv6: 40 } as const;

/** What context descriptors said last; it holds until the next one (8254x §3.3.6). */
export interface OffloadContext {
  /** A context descriptor came since the last reset. */
  known: boolean;
  ip: number;
  tu: number;
  command: number;
  mss: number;
}

/** One segmentation send after the other. */
export class TsoUnit {
  /** A send is under way. */
  active = false;
  readonly #bus: DeviceBus;
  readonly #sections: Sections;
  readonly #context: OffloadContext;
  readonly #packet: number;
  readonly #mostBytes: number;
  readonly #send: (bytes: number) => void;
  readonly #header: number;
  readonly #plan: SegmentPlan = emptyPlan();
  #failed = false;
  #mss = 0;
  #headerHave = 0;
  #index = 0;
  #sent = 0;
  #payload = 0;

  /**
   * @param packet where segments are built, with room for `mostBytes`
   * @param send takes a segment of so many bytes at `packet`
   */
  constructor(
    bus: DeviceBus,
    sections: Sections,
    context: OffloadContext,
    packet: number,
    mostBytes: number,
    send: (bytes: number) => void,
  ) {
    this.#bus = bus;
    this.#sections = sections;
    this.#context = context;
    this.#packet = packet;
    this.#mostBytes = mostBytes;
    this.#send = send;
    this.#header = bus.allocBuffer(HEADER_MAX);
  }

  reset(): void {
    this.active = this.#failed = false;
    this.#headerHave = this.#index = this.#sent = this.#payload = 0;
  }

  /** The first data descriptor with TSE. @param options its POPTS word */
  begin(options: number): void {
    const { ip, tu, command, mss, known } = this.#context;
    const plan = this.#plan;
    this.reset();
    this.active = true;
    plan.headerBytes = pick(mss, CTX_MSS.HDRLEN);
    plan.l3 = pick(ip, CTX_IP.IPCSS);
    plan.l4 = pick(tu, CTX_TU.TUCSS);
    plan.ipv4 = (command & CTX_CMD.IP) !== 0;
    plan.tcp = (command & CTX_CMD.TCP) !== 0;
    plan.ipChecksumAt = (options & IXSM) !== 0 ? pick(ip, CTX_IP.IPCSO) : 0;
    plan.l4ChecksumAt = (options & TXSM) !== 0 ? pick(tu, CTX_TU.TUCSO) : 0;
    this.#mss = pick(mss, CTX_MSS.MSS);
    const fits =
      known &&
      (command & CTX_CMD.TSE) !== 0 &&
      this.#mss > 0 &&
      plan.l3 + (plan.ipv4 ? LEAST.ipv4 : LEAST.ipv6) <= plan.l4 &&
      plan.l4 + (plan.tcp ? LEAST.tcp : LEAST.udp) <= plan.headerBytes &&
      plan.headerBytes + this.#mss <= this.#mostBytes &&
      plan.ipChecksumAt + 1 < plan.headerBytes &&
      plan.l4ChecksumAt + 1 < plan.headerBytes;
    if (fits) return;
    this.#failed = true;
    this.#bus.report({
      rule: 'offload-context',
      register: 'CTX',
      value: mss,
      message: 'segmentation asked without a context whose header length, offsets and MSS fit together',
      ref: this.#sections.segmentation,
    });
  }

  /** Takes `bytes` bytes at a guest address; full segments are sent, the last one waits for the end. */
  gather(from: number, bytes: number): void {
    if (this.#failed) return;
    if (this.#sent + this.#payload + bytes > MAX_SEND) {
      this.#failed = true;
      this.#bus.report({
        rule: 'frame-too-long',
        register: 'PAYLEN',
        value: this.#sent + this.#payload + bytes,
        message: `more than ${MAX_SEND} bytes in one send`,
        ref: this.#sections.segmentation,
      });
      return;
    }
    let address = from;
    let left = bytes;
    while (left > 0 && !this.#failed) {
      const done =
        this.#headerHave < this.#plan.headerBytes
          ? this.#gatherHeader(address, left)
          : this.#gatherPayload(address, left);
      address += done;
      left -= done;
    }
  }

  /** EOP: sends what is left. True when the send made sense. */
  end(): boolean {
    this.active = false;
    if (this.#failed || this.#headerHave < this.#plan.headerBytes) return false;
    const asked = pick(this.#context.command, CTX_CMD.PAYLEN);
    const carried = this.#sent + this.#payload;
    if (asked !== carried) {
      this.#bus.report({
        rule: 'offload-context',
        register: 'PAYLEN',
        value: asked,
        message: `PAYLEN says ${asked} bytes, the descriptors carry ${carried}`,
        ref: this.#sections.context,
      });
    }
    this.#emit(true);
    return true;
  }

  #gatherHeader(address: number, left: number): number {
    const { arena } = this.#bus;
    const plan = this.#plan;
    const piece = Math.min(left, plan.headerBytes - this.#headerHave);
    if (this.#bus.read(address, arena, this.#packet + this.#headerHave, piece) !== DmaFault.none) this.#failed = true;
    this.#headerHave += piece;
    if (this.#headerHave === plan.headerBytes) {
      arena.u8.copyWithin(this.#header, this.#packet, this.#packet + plan.headerBytes);
      readHeader(arena, this.#header, plan);
    }
    return piece;
  }

  #gatherPayload(address: number, left: number): number {
    if (this.#payload === this.#mss) this.#emit(false);
    const piece = Math.min(left, this.#mss - this.#payload);
    const place = this.#packet + this.#plan.headerBytes + this.#payload;
    if (this.#bus.read(address, this.#bus.arena, place, piece) !== DmaFault.none) this.#failed = true;
    this.#payload += piece;
    return piece;
  }

  #emit(last: boolean): void {
    const { arena } = this.#bus;
    const plan = this.#plan;
    if (this.#index > 0) arena.u8.copyWithin(this.#packet, this.#header, this.#header + plan.headerBytes);
    patchSegment(arena, this.#packet, plan, this.#index, this.#sent, this.#payload, last);
    this.#send(plan.headerBytes + this.#payload);
    this.#index++;
    this.#sent += this.#payload;
    this.#payload = 0;
  }
}
