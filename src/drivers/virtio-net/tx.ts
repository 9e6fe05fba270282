/** virtio-net: sending. Header and frame lie in one buffer; a segmentation uses an indirect table when there is one (§5.1.6.2). */
import type { DmaRegion } from '../../platform/dma.js';
import { Checksum, type Frame } from '../../platform/phy.js';
import { put } from '../../registers/define.js';
import * as virtio from '../../registers/virtio.js';
import { BIG_SLOT, type DmaSet, FRAME_LEAD, highOf } from '../ring.js';
import { TxSlots } from '../tx-slots.js';
import { DESC_INDIRECT, DESC_NEXT, type VirtQueue } from './queue.js';

const { NET_HDR, NET_HDR_BUFFERS, NET_HDR_BYTES, NET_HDR_GSO, VRING } = virtio;
const { NEEDS_CSUM } = NET_HDR;
const GSO_AT = NET_HDR_GSO.at;
const BUFFERS_AT = NET_HDR_BUFFERS.at;
const GSO_TCPV4 = put(0, NET_HDR.GSO_TYPE, 1);
const GSO_TCPV6 = put(0, NET_HDR.GSO_TYPE, 4);
const UPPER = 16;
/** Two bytes, the header, then the frame: 2 modulo 4. */
const LEAD = FRAME_LEAD + NET_HDR_BYTES;
/** Entries of an indirect table: header, frame. */
const TABLE_ENTRIES = 2;
const ETHERTYPE_AT = 12;
const TAG_BYTES = 4;
const VLAN_TYPE = 0x8100;
const IPV4_TYPE = 0x0800;
const TCP_OFFSET_AT = 12;

/** The largest frame that may be handed over for segmentation. */
export const MAX_SEGMENT_BYTES = BIG_SLOT - LEAD;

/** The transmit queue with its buffers. */
export class VirtioNetTx {
  readonly slots: TxSlots;
  readonly #queue: VirtQueue;
  readonly #tables: DmaRegion | undefined;
  readonly #view: DataView;
  /** Free descriptors, last in, first out; one for each frame. */
  readonly #free: Int32Array;
  #left: number;

  constructor(queue: VirtQueue, set: DmaSet, mtu: number, segmentation: boolean, indirect: boolean) {
    this.#queue = queue;
    this.slots = new TxSlots(set, queue.size, mtu, segmentation, NET_HDR_BYTES);
    this.#tables = indirect ? set.alloc(queue.size * TABLE_ENTRIES * VRING.DESC_BYTES, 4096) : undefined;
    this.#view = this.slots.arena.view;
    this.#free = Int32Array.from({ length: queue.size }, (_, i) => queue.size - 1 - i);
    this.#left = queue.size;
  }

  /** True when a frame of at most the MTU can be reserved. */
  get ready(): boolean {
    return this.#left > 0 && this.slots.ready;
  }

  /** Frames that the device has. */
  get pending(): number {
    return this.#queue.size - this.#left;
  }

  reserve(frame: Frame, bytes: number): boolean {
    return this.#left > 0 && this.slots.reserve(frame, bytes);
  }

  commit(frame: Frame): void {
    const slot = this.slots.committed(frame);
    if (slot < 0) return;
    if (!this.#header(frame)) {
      this.slots.refused++;
      return;
    }
    const { low: base, high } = this.slots.pool(slot);
    const { length } = frame;
    const head = this.#free[--this.#left]!;
    const low = (slot + FRAME_LEAD + base) | 0;
    if (frame.gsoSize > 0 && this.#tables) this.#indirect(head, low, high, length);
    else this.#queue.describe(head, low, high, NET_HDR_BYTES + length, 0);
    this.#queue.offer(head);
    this.slots.take(slot, head, length, NET_HDR_BYTES + length);
  }

  /** Header and frame as two entries of a table: one descriptor of the ring (§2.7.5.3). */
  #indirect(head: number, low: number, high: number, length: number): void {
    const tables = this.#tables!;
    const inside = head * TABLE_ENTRIES * VRING.DESC_BYTES;
    const at = tables.offset + inside;
    this.#queue.describeAt(at, low, high, NET_HDR_BYTES, DESC_NEXT, 1);
    this.#queue.describeAt(at + VRING.DESC_BYTES, (low + NET_HDR_BYTES) | 0, high, length, 0, 0);
    const address = tables.address + inside;
    this.#queue.describe(head, address | 0, highOf(address), TABLE_ENTRIES * VRING.DESC_BYTES, DESC_INDIRECT);
  }

  /** The 12 bytes before the frame (§5.1.6). False when what is asked cannot be described. */
  #header(frame: Frame): boolean {
    const view = this.#view;
    const { offset: at, length, csumStart, csumOffset, gsoSize } = frame;
    const header = at - NET_HDR_BYTES;
    let flags = 0;
    let gso = 0;
    let tail = 0;
    if (frame.checksum === Checksum.partial) {
      flags = NEEDS_CSUM;
      gso = csumStart << UPPER;
      tail = csumOffset;
      if (gsoSize > 0) {
        if (gsoSize > 0xffff || csumStart + TCP_OFFSET_AT >= length) return false;
        const headers = csumStart + (view.getUint8(at + csumStart + TCP_OFFSET_AT) >> 4) * 4;
        const type = view.getUint16(at + ETHERTYPE_AT);
        const inner = type === VLAN_TYPE ? view.getUint16(at + ETHERTYPE_AT + TAG_BYTES) : type;
        flags |= (inner === IPV4_TYPE ? GSO_TCPV4 : GSO_TCPV6) | (headers << UPPER);
        gso |= gsoSize;
      }
    } else if (gsoSize > 0) {
      return false;
    }
    view.setInt32(header, flags, true);
    view.setInt32(header + GSO_AT, gso, true);
    view.setInt32(header + BUFFERS_AT, tail, true);
    return true;
  }

  /** Tells the device about everything committed: at most one doorbell. */
  flush(): void {
    if (this.#queue.untold) this.#queue.publish();
  }

  /** Takes back what the device has sent. Returns the number of frames; at most the ring's size. */
  reclaim(): number {
    let frames = 0;
    for (let i = 0; i < this.#queue.size; i++) {
      const head = this.#queue.take();
      if (head < 0) break;
      // A descriptor that is not out: the device gave it back twice.
      if (!this.slots.carries(head)) {
        this.#queue.broken = true;
        break;
      }
      this.slots.sent(head);
      this.#free[this.#left++] = head;
      frames++;
    }
    return frames;
  }
}
