/** virtio-net: frames from the driver, completed (checksum, segmentation) and sent. Source: virtio 1.2 §5.1.6.2. */
import type { LinkFrame, LinkPort } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import { pick, virtio } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor } from '../function.js';
import { insertChecksum, pseudoSum } from '../offload/checksum.js';
import { emptyPlan, patchSegment, readHeader } from '../offload/segment.js';
import type { Virtqueue } from './queue.js';

const { NET_HDR, NET_HDR_GSO, NET_HDR_BUFFERS, NET_HDR_BYTES } = virtio;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_ECN = 0x80;

const BATCH = 64;
const MIN_FRAME = 60;
const MAX_FRAME = 65_550;
/** Enough for every header that is repeated before segments. */
const HEADER_MAX = 256;
const TCP = 6;
const WIRE_OVERHEAD = 24;
const SPEED = 1000;

/** The transmit side. */
export class NetTx {
  readonly #bus: DeviceBus;
  readonly #queue: Virtqueue;
  readonly #port: LinkPort;
  readonly #slot: FrameDescriptor;
  readonly #buffer: number;
  readonly #headers: number;
  readonly #frame: LinkFrame;
  readonly #plan = emptyPlan();
  #csum = false;
  #tso4 = false;
  #tso6 = false;
  /** Timed schedule: when the wire is free again. */
  nextAt: Micros = 0;
  #wireFree = 0;

  constructor(bus: DeviceBus, queue: Virtqueue, port: LinkPort, slot: FrameDescriptor) {
    this.#slot = slot;
    this.#bus = bus;
    this.#queue = queue;
    this.#port = port;
    this.#headers = bus.allocBuffer(HEADER_MAX + 16);
    // The frame begins 2 bytes after a multiple of 4, so that IP headers are aligned.
    this.#buffer = bus.allocBuffer(MAX_FRAME + 64) + 2;
    this.#frame = { arena: bus.arena, offset: this.#buffer, length: 0, fcsOk: true };
  }

  reset(): void {
    this.#csum = this.#tso4 = this.#tso6 = false;
    this.nextAt = this.#wireFree = 0;
  }

  settle(features: { csum: boolean; tso4: boolean; tso6: boolean }): void {
    this.#csum = features.csum;
    this.#tso4 = features.tso4;
    this.#tso6 = features.tso6;
  }

  /** Sends what waits, at most one batch. Returns how many chains are left, or -1 when the queue makes no sense. */
  run(used: (queue: Virtqueue) => void): number {
    const queue = this.#queue;
    let waiting = queue.waiting;
    if (waiting === 0) {
      queue.wantNotify(true);
      waiting = queue.waiting; // The driver may have added one before it saw the wish.
      if (waiting === 0) return 0;
    }
    let left = this.#bus.slice(Math.min(waiting, BATCH));
    let done = 0;
    while (left > 0 && this.#wireFree <= this.#bus.now) {
      if (!queue.take()) return -1;
      this.#slot.ring = 'transmit queue 1';
      queue.place(this.#slot);
      this.#chain();
      queue.put(queue.head, 0);
      left--;
      done++;
    }
    this.nextAt = Math.ceil(this.#wireFree);
    if (done > 0) {
      queue.publish();
      used(queue);
    }
    // Once more, even if nothing is left now: the next run asks for a notification.
    return Math.max(1, waiting - done);
  }

  #chain(): void {
    const { arena } = this.#bus;
    const queue = this.#queue;
    const total = queue.readableBytes - NET_HDR_BYTES;
    if (total < 14 || total > MAX_FRAME) {
      this.#mistake(
        'descriptor-length',
        'len',
        queue.readableBytes,
        `a frame has 14 to ${MAX_FRAME} bytes after a header of ${NET_HDR_BYTES}`,
        '§5.1.6.2',
      );
      return;
    }
    if (queue.readBytes(arena, this.#headers, NET_HDR_BYTES) !== NET_HDR_BYTES) return;
    const first = arena.view.getInt32(this.#headers, true);
    const second = arena.view.getInt32(this.#headers + 4, true);
    const third = arena.view.getInt32(this.#headers + 8, true);
    const gso = pick(first, NET_HDR.GSO_TYPE) & ~GSO_ECN;
    const start = pick(second, NET_HDR_GSO.CSUM_START);
    const offset = pick(third, NET_HDR_BUFFERS.CSUM_OFFSET);
    const partial = (first & NET_HDR.NEEDS_CSUM) !== 0;
    if (partial && !this.#csum) {
      this.#mistake('feature-not-negotiated', 'flags', first, 'NEEDS_CSUM without VIRTIO_NET_F_CSUM', '§5.1.6.2.1');
      return;
    }
    if (gso !== 0) {
      this.#segments(gso, pick(second, NET_HDR_GSO.GSO_SIZE), start, total, partial);
      return;
    }
    if (queue.readBytes(arena, this.#buffer, total) !== total) return;
    if (partial) {
      if (start + offset + 2 > total) {
        this.#mistake(
          'offload-context',
          'csum_start',
          start,
          `start ${start} and offset ${offset} are outside the frame of ${total} bytes`,
          '§5.1.6.2',
        );
        return;
      }
      insertChecksum(arena, this.#buffer + start, this.#buffer + total, this.#buffer + start + offset, offset === 6);
    }
    this.#send(total);
  }

  #segments(gso: number, mss: number, start: number, total: number, partial: boolean): void {
    const { arena } = this.#bus;
    const { u8 } = arena;
    const allowed = gso === GSO_TCPV4 ? this.#tso4 : gso === GSO_TCPV6 ? this.#tso6 : false;
    if (!allowed || !partial) {
      this.#mistake(
        allowed ? 'offload-context' : 'feature-not-negotiated',
        'gso_type',
        gso,
        allowed ? 'segmentation needs NEEDS_CSUM' : 'this kind of segmentation was not negotiated',
        '§5.1.6.2.1',
      );
      return;
    }
    const probe = Math.min(total, HEADER_MAX);
    if (this.#queue.readBytes(arena, this.#buffer, probe) !== probe) return;
    const plan = this.#plan;
    plan.ipv4 = gso === GSO_TCPV4;
    plan.l3 = ((u8[this.#buffer + 12]! << 8) | u8[this.#buffer + 13]!) === 0x8100 ? 18 : 14;
    plan.l4 = start;
    plan.headerBytes = start + (start + 13 < probe ? (u8[this.#buffer + start + 12]! >> 4) * 4 : 0);
    plan.ipChecksumAt = plan.ipv4 ? plan.l3 + 10 : 0;
    plan.l4ChecksumAt = start + 16;
    plan.tcp = true;
    if (
      mss === 0 ||
      start < plan.l3 + (plan.ipv4 ? 20 : 40) ||
      plan.headerBytes < start + 20 ||
      plan.headerBytes > probe ||
      plan.headerBytes + mss > MAX_FRAME
    ) {
      this.#mistake(
        'offload-context',
        'gso_size',
        mss,
        `gso_size ${mss}, csum_start ${start} and the headers do not fit together`,
        '§5.1.6.2',
      );
      return;
    }
    // The pseudo header that hardware sums holds no length; what the driver left in the fields is replaced.
    if (plan.ipv4) u8.fill(0, this.#buffer + plan.ipChecksumAt, this.#buffer + plan.ipChecksumAt + 2);
    const pseudo = pseudoSum(arena, this.#buffer + plan.l3, plan.ipv4, TCP);
    const folded = (pseudo & 0xffff) + (pseudo >>> 16);
    u8[this.#buffer + plan.l4ChecksumAt] = folded;
    u8[this.#buffer + plan.l4ChecksumAt + 1] = folded >> 8;
    readHeader(arena, this.#buffer, plan);
    u8.copyWithin(this.#headers, this.#buffer, this.#buffer + plan.headerBytes);
    const payload = total - plan.headerBytes;
    let have = probe - plan.headerBytes;
    let sent = 0;
    for (let index = 0; sent < payload || index === 0; index++) {
      const bytes = Math.min(mss, payload - sent);
      if (index > 0) u8.copyWithin(this.#buffer, this.#headers, this.#headers + plan.headerBytes);
      if (have < bytes) {
        if (this.#queue.readBytes(arena, this.#buffer + plan.headerBytes + have, bytes - have) !== bytes - have) return;
        have = bytes;
      }
      const extra = have - bytes;
      // With a tiny MSS the probe holds more than one segment: keep the rest aside.
      if (extra > 0)
        u8.copyWithin(
          this.#buffer + plan.headerBytes + MAX_KEEP,
          this.#buffer + plan.headerBytes + bytes,
          this.#buffer + plan.headerBytes + have,
        );
      patchSegment(arena, this.#buffer, plan, index, sent, bytes, sent + bytes === payload);
      this.#send(plan.headerBytes + bytes);
      sent += bytes;
      if (extra > 0)
        u8.copyWithin(
          this.#buffer + plan.headerBytes,
          this.#buffer + plan.headerBytes + MAX_KEEP,
          this.#buffer + plan.headerBytes + MAX_KEEP + extra,
        );
      have = extra;
    }
  }

  #send(bytes: number): void {
    const { u8 } = this.#bus.arena;
    let length = bytes;
    if (length < MIN_FRAME) {
      u8.fill(0, this.#buffer + length, this.#buffer + MIN_FRAME);
      length = MIN_FRAME;
    }
    this.#frame.offset = this.#buffer;
    this.#frame.length = length;
    if (this.#bus.schedule === 'timed')
      this.#wireFree = Math.max(this.#wireFree, this.#bus.now) + ((length + WIRE_OVERHEAD) * 8) / SPEED;
    this.#port.transmit(this.#frame);
  }

  #mistake(
    rule: Parameters<DeviceBus['report']>[0]['rule'],
    register: string,
    value: number,
    message: string,
    section: string,
  ): void {
    this.#bus.report({ rule, register: `transmit ${register}`, value, message, ref: `virtio 1.2 ${section}` });
  }
}

/** Where bytes of the probe wait that belong to later segments: behind any segment that is smaller than the probe. */
const MAX_KEEP = 2 * HEADER_MAX;
