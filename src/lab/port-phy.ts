/**
 * A stack's device straight on a link port: the network card of hosts that are not what is being tested (the gateway).
 * It segments and sums as a NIC does before frames enter the cable, so what travels is finished frames only.
 */
import { insertChecksum, pseudoSum } from '../emulators/offload/checksum.js';
import { emptyPlan, patchSegment, readHeader } from '../emulators/offload/segment.js';
import { type FrameFate, type LinkFrame, LinkPort, MULTIGIG } from '../link/port.js';
import type { OwnedArena } from '../platform/arena.js';
import type { Micros } from '../platform/clock.js';
import { copy } from '../platform/kernels.js';
import { Checksum, type Frame, type PhyCapabilities, type PhyDevice } from '../platform/phy.js';

const RX_SLOTS = 1024;
const TX_SLOTS = 128;
const SLOT = 2048;
const BIG_SLOTS = 32;
const BIG = 66_560;
const MIN_FRAME = 60;
const TCP = 6;

/** Options of {@link PortPhy}. */
export interface PortPhyOptions {
  readonly arena: OwnedArena;
  readonly mac: Uint8Array;
  readonly name: string;
  /** Largest IP packet. Default 1500. */
  readonly mtu?: number;
}

/** The device. Frames committed are sent by `flush`; frames received wait in a ring of 1024. */
export class PortPhy implements PhyDevice {
  readonly port: LinkPort;
  readonly mac: Uint8Array;
  readonly capabilities: PhyCapabilities;
  /** A frame came in: somebody should poll. */
  onReady: (() => void) | undefined;
  /** Frames lost because nobody polled. */
  dropped = 0;
  readonly #arena: OwnedArena;
  readonly #rx: number;
  readonly #rxLengths = new Int32Array(RX_SLOTS);
  #rxHead = 0;
  #rxTail = 0;
  readonly #tx: number;
  readonly #big: number;
  readonly #segment: number;
  readonly #queue: QueuedFrame[] = [];
  #queued = 0;
  #small = 0;
  #large = 0;
  readonly #out: LinkFrame;
  readonly #plan = emptyPlan();

  constructor(options: PortPhyOptions) {
    const arena = options.arena;
    this.#arena = arena;
    this.mac = options.mac;
    this.port = new LinkPort(options.name);
    this.#rx = arena.alloc(RX_SLOTS * SLOT);
    this.#tx = arena.alloc(TX_SLOTS * SLOT);
    this.#big = arena.alloc(BIG_SLOTS * BIG);
    this.#segment = arena.alloc(SLOT) + 2;
    for (let i = 0; i < TX_SLOTS + BIG_SLOTS; i++)
      this.#queue.push({ offset: 0, length: 0, checksum: Checksum.none, csumStart: 0, csumOffset: 0, gsoSize: 0 });
    this.#out = { arena, offset: 0, length: 0, fcsOk: true };
    this.capabilities = {
      mtu: options.mtu ?? 1500,
      maxSegmentBytes: BIG - 64,
      tso6: true,
      txChecksum: true,
      rxChecksum: false,
      vlan: false,
    };
    this.port.receive = (frame) => this.#take(frame);
    this.port.offer(MULTIGIG);
  }

  get linkUp(): boolean {
    return this.port.partner !== undefined;
  }

  receive(_now: Micros, frame: Frame): boolean {
    if (this.#rxHead === this.#rxTail) return false;
    const slot = this.#rxHead & (RX_SLOTS - 1);
    this.#rxHead = (this.#rxHead + 1) | 0;
    frame.arena = this.#arena;
    frame.offset = this.#rx + slot * SLOT + 2;
    frame.length = this.#rxLengths[slot]!;
    frame.checksum = Checksum.none;
    frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  reserve(_now: Micros, frame: Frame, bytes: number): boolean {
    const big = bytes > SLOT - 64;
    if (bytes > BIG - 64 || (big ? this.#large === BIG_SLOTS : this.#small === TX_SLOTS)) return false;
    frame.arena = this.#arena;
    frame.offset = big ? this.#big + this.#large * BIG + 2 : this.#tx + this.#small * SLOT + 2;
    frame.length = bytes;
    frame.checksum = Checksum.none;
    frame.csumStart = frame.csumOffset = frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  commit(frame: Frame): void {
    const queued = this.#queue[this.#queued++]!;
    queued.offset = frame.offset;
    queued.length = frame.length;
    queued.checksum = frame.checksum;
    queued.csumStart = frame.csumStart;
    queued.csumOffset = frame.csumOffset;
    queued.gsoSize = frame.gsoSize;
    if (frame.offset >= this.#big && frame.offset < this.#big + BIG_SLOTS * BIG) this.#large++;
    else this.#small++;
  }

  flush(_now: Micros): void {
    const count = this.#queued;
    for (let i = 0; i < count; i++) this.#send(this.#queue[i]!);
    this.#queued = this.#small = this.#large = 0;
  }

  #take(frame: LinkFrame): FrameFate {
    if (!frame.fcsOk) return 'bad-fcs';
    if (frame.length > SLOT - 2) return 'too-long';
    if (((this.#rxTail - this.#rxHead) | 0) >= RX_SLOTS - 1) {
      this.dropped++;
      return 'ring-empty';
    }
    const slot = this.#rxTail & (RX_SLOTS - 1);
    copy(this.#arena, this.#rx + slot * SLOT + 2, frame.arena, frame.offset, frame.length);
    this.#rxLengths[slot] = frame.length;
    this.#rxTail = (this.#rxTail + 1) | 0;
    this.onReady?.();
    return 'queued';
  }

  #send(queued: QueuedFrame): void {
    if (queued.gsoSize > 0) {
      this.#sendSegments(queued);
      return;
    }
    const { u8 } = this.#arena;
    if (queued.checksum === Checksum.partial) {
      const start = queued.offset + queued.csumStart;
      insertChecksum(
        this.#arena,
        start,
        queued.offset + queued.length,
        start + queued.csumOffset,
        queued.csumOffset === 6,
      );
    }
    let length = queued.length;
    if (length < MIN_FRAME) {
      u8.fill(0, queued.offset + length, queued.offset + MIN_FRAME);
      length = MIN_FRAME;
    }
    this.#out.offset = queued.offset;
    this.#out.length = length;
    this.port.transmit(this.#out);
  }

  #sendSegments(queued: QueuedFrame): void {
    const arena = this.#arena;
    const { u8 } = arena;
    const at = queued.offset;
    const plan = this.#plan;
    plan.l3 = 14;
    plan.ipv4 = u8[at + 14]! >> 4 === 4;
    plan.l4 = queued.csumStart;
    plan.headerBytes = queued.csumStart + (u8[at + queued.csumStart + 12]! >> 4) * 4;
    plan.ipChecksumAt = plan.ipv4 ? 24 : 0;
    plan.l4ChecksumAt = queued.csumStart + 16;
    plan.tcp = true;
    if (plan.ipv4) u8.fill(0, at + 24, at + 26);
    // Segments carry their own length in the pseudo header: start from a sum without one.
    const pseudo = pseudoSum(arena, at + plan.l3, plan.ipv4, TCP);
    const folded = (pseudo & 0xffff) + (pseudo >>> 16);
    u8[at + plan.l4ChecksumAt] = folded;
    u8[at + plan.l4ChecksumAt + 1] = folded >> 8;
    readHeader(arena, at, plan);
    const payload = queued.length - plan.headerBytes;
    // Each header is laid before its piece of the payload, over what has been sent already: no piece is copied.
    u8.copyWithin(this.#segment, at, at + plan.headerBytes);
    for (let sent = 0, index = 0; sent < payload; index++) {
      const bytes = Math.min(queued.gsoSize, payload - sent);
      const start = at + sent;
      if (index > 0) u8.copyWithin(start, this.#segment, this.#segment + plan.headerBytes);
      patchSegment(arena, start, plan, index, sent, bytes, sent + bytes === payload);
      const length = plan.headerBytes + bytes;
      this.#out.offset = start;
      this.#out.length = length;
      if (length < MIN_FRAME) {
        // Padded elsewhere: behind it may be payload that is still to be sent.
        const short = this.#segment + SLOT / 2;
        u8.copyWithin(short, start, start + length);
        u8.fill(0, short + length, short + MIN_FRAME);
        this.#out.offset = short;
        this.#out.length = MIN_FRAME;
      }
      this.port.transmit(this.#out);
      sent += bytes;
    }
  }
}

interface QueuedFrame {
  offset: number;
  length: number;
  checksum: Checksum;
  csumStart: number;
  csumOffset: number;
  gsoSize: number;
}
