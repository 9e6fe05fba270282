/** virtio-net: receiving. Each buffer holds header and frame; with MRG_RXBUF a frame may take several (virtio 1.2 §5.1.6.4). */
import type { Arena } from '../../platform/arena.js';
import type { DmaMemory } from '../../platform/dma.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import * as virtio from '../../registers/virtio.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, highOf, SlotPool, slotFor } from '../ring.js';
import { DESC_WRITE, type VirtQueue } from './queue.js';

const { NET_HDR, NET_HDR_BUFFERS, NET_HDR_BYTES, NET_HDR_GSO } = virtio;
const { NEEDS_CSUM, DATA_VALID } = NET_HDR;
const GSO_AT = NET_HDR_GSO.at;
const BUFFERS_AT = NET_HDR_BUFFERS.at;
const UPPER = 16;
/** The frame begins 2 modulo 4, the 12 bytes of header before it. */
const LEAD = FRAME_LEAD;
const SHORTEST = 14;
const BATCH = 16;

/** The receive queue with its buffers. */
export class VirtioNetRx {
  packets = 0;
  bytes = 0;
  /** Frames too short, too long, or with an impossible number of buffers. */
  malformed = 0;
  readonly #queue: VirtQueue;
  readonly #dma: DmaMemory;
  readonly #slots: SlotPool;
  readonly #whole: SlotPool;
  readonly #arena: Arena;
  readonly #view: DataView;
  readonly #room: number;
  readonly #merge: boolean;
  readonly #checksum: boolean;
  readonly #watched: boolean;
  #held = -1;
  #returned = 0;
  /** Buffers that still belong to the frame being put together, and its bytes so far. */
  #missing = 0;
  #gathered = 0;
  #bad = false;

  constructor(queue: VirtQueue, set: DmaSet, mtu: number, merge: boolean, checksum: boolean) {
    this.#queue = queue;
    this.#dma = set.dma;
    this.#merge = merge;
    this.#checksum = checksum;
    // Without mergeable buffers each must hold the largest frame (§5.1.6.3.1).
    const slotBytes = merge ? slotFor(0, LEAD) : slotFor(mtu, LEAD + NET_HDR_BYTES);
    this.#room = slotBytes - LEAD;
    this.#slots = new SlotPool(set, slotBytes, queue.size);
    this.#whole = new SlotPool(set, BIG_SLOT, 1);
    this.#arena = this.#slots.arena;
    this.#view = this.#arena.view;
    this.#watched = set.dma.handOver !== undefined;
    const high = highOf(this.#slots.region.address);
    for (let i = 0; i < queue.size; i++) {
      const at = this.#slots.region.offset + i * slotBytes + LEAD;
      queue.describe(i, (at + this.#slots.low) | 0, high, this.#room, DESC_WRITE);
    }
  }

  /** Hands all buffers to the device; after DRIVER_OK. */
  start(): void {
    for (let i = 0; i < this.#queue.size; i++) this.#post(i);
    this.#queue.publish();
    this.#returned = 0;
  }

  /** Fills `frame` with the next good one; takes each buffer of the ring at most once. */
  receive(frame: Frame): boolean {
    if (this.#held >= 0) {
      this.#post(this.#held);
      this.#held = -1;
    }
    const queue = this.#queue;
    for (let looked = 0; looked < queue.size; looked++) {
      const head = queue.take();
      if (head < 0) break;
      const bytes = queue.takenBytes;
      const at = this.#slots.region.offset + head * this.#slots.slotBytes + LEAD;
      if (this.#watched)
        this.#dma.handOver!(this.#slots.region, at - this.#slots.region.offset, this.#room, 'rx', false);
      if (this.#missing > 0) {
        const whole = this.#more(frame, at, bytes);
        this.#post(head);
        if (whole) return true;
        continue;
      }
      const buffers = this.#merge ? this.#view.getInt32(at + BUFFERS_AT, true) >>> UPPER : 1;
      if (bytes < NET_HDR_BYTES + SHORTEST || bytes > this.#room || buffers === 0 || buffers > queue.size) {
        this.malformed++;
        this.#post(head);
        continue;
      }
      if (buffers === 1) {
        this.#held = head;
        this.#fill(frame, at, at + NET_HDR_BYTES, bytes - NET_HDR_BYTES);
        if (this.#returned >= BATCH) this.tell();
        return true;
      }
      this.#begin(at, bytes, buffers);
      this.#post(head);
    }
    this.tell();
    return false;
  }

  /** Makes buffers given back available to the device. */
  tell(): void {
    if (this.#returned === 0) return;
    this.#returned = 0;
    this.#queue.publish();
  }

  #post(head: number): void {
    this.#queue.offer(head);
    this.#returned++;
    if (this.#watched) {
      const at = head * this.#slots.slotBytes + LEAD;
      this.#dma.handOver!(this.#slots.region, at, this.#room, 'rx', true);
    }
  }

  /** The first of several buffers: header and all are copied to where the whole is put together. */
  #begin(at: number, bytes: number, buffers: number): void {
    const whole = this.#whole.region.offset + LEAD;
    this.#arena.u8.copyWithin(whole, at, at + bytes);
    this.#gathered = bytes;
    this.#missing = buffers - 1;
    this.#bad = false;
  }

  #more(frame: Frame, at: number, bytes: number): boolean {
    const whole = this.#whole.region.offset + LEAD;
    if (bytes < 0 || bytes > this.#room || this.#gathered + bytes > BIG_SLOT - LEAD) {
      this.#bad = true;
    } else if (!this.#bad) {
      this.#arena.u8.copyWithin(whole + this.#gathered, at, at + bytes);
      this.#gathered += bytes;
    }
    this.#missing--;
    if (this.#missing > 0) return false;
    if (this.#bad) {
      this.malformed++;
      return false;
    }
    this.#fill(frame, whole, whole + NET_HDR_BYTES, this.#gathered - NET_HDR_BYTES);
    return true;
  }

  #fill(frame: Frame, header: number, at: number, length: number): void {
    frame.arena = this.#arena;
    frame.offset = at;
    frame.length = length;
    frame.checksum = Checksum.none;
    frame.csumStart = 0;
    frame.csumOffset = 0;
    frame.gsoSize = 0;
    frame.vlan = -1;
    if (this.#checksum) {
      const flags = this.#view.getInt32(header, true);
      if ((flags & NEEDS_CSUM) !== 0) this.#partial(frame, header);
      else if ((flags & DATA_VALID) !== 0) frame.checksum = Checksum.verified;
    }
    this.packets++;
    this.bytes += length;
  }

  /** A frame that never was on a wire: its sum is not there yet (§5.1.6.4.1). A device may lie about where it goes. */
  #partial(frame: Frame, header: number): void {
    const start = this.#view.getInt32(header + GSO_AT, true) >>> UPPER;
    const offset = this.#view.getInt32(header + BUFFERS_AT, true) & 0xffff;
    if (start + offset + 2 > frame.length) return;
    frame.checksum = Checksum.partial;
    frame.csumStart = start;
    frame.csumOffset = offset;
  }

  statistics(): Readonly<Record<string, number>> {
    return { rxPackets: this.packets, rxBytes: this.bytes, rxMalformed: this.malformed };
  }
}
