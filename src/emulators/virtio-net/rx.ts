/** virtio-net: frames from the link into the driver's buffers. Source: virtio 1.2 §5.1.6.3 and §5.1.6.4. */
import type { FrameFate, LinkFrame } from '../../link/port.js';
import { put, virtio } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor } from '../function.js';
import { checkFrame, emptyFindings } from '../offload/checksum.js';
import { ReceiveFilter } from './control.js';
import type { Virtqueue } from './queue.js';

const { NET_HDR, NET_HDR_BUFFERS, NET_HDR_BYTES } = virtio;
/** Buffers that one frame may take. */
const MAX_BUFFERS = 64;
const MAX_FRAME = 65_535;
const NUM_BUFFERS_AT = 10;

/** The receive side. */
export class NetRx {
  readonly filter: ReceiveFilter;
  onUsed: ((queue: Virtqueue) => void) | undefined;
  readonly #bus: DeviceBus;
  readonly #queue: Virtqueue;
  readonly #header: number;
  readonly #slot: FrameDescriptor;
  readonly #found = emptyFindings();
  readonly #heads = new Int32Array(MAX_BUFFERS);
  readonly #written = new Int32Array(MAX_BUFFERS);
  #mergeable = false;
  #csum = false;
  #filtering = false;

  constructor(bus: DeviceBus, queue: Virtqueue, mac: Uint8Array, slot: FrameDescriptor) {
    this.#slot = slot;
    this.#bus = bus;
    this.#queue = queue;
    this.#header = bus.allocBuffer(64);
    this.filter = new ReceiveFilter(mac);
  }

  reset(): void {
    this.#mergeable = this.#csum = this.#filtering = false;
    this.filter.reset();
  }

  settle(features: { mergeable: boolean; csum: boolean; filter: boolean; vlan: boolean }): void {
    this.#mergeable = features.mergeable;
    this.#csum = features.csum;
    this.#filtering = features.filter || features.vlan;
    if (!features.filter) this.filter.open();
    this.filter.vlanFilter = features.vlan;
  }

  /** Takes a frame. */
  receive(frame: LinkFrame): FrameFate {
    if (!frame.fcsOk) return 'bad-fcs';
    if (frame.length > MAX_FRAME) return 'too-long';
    if (this.#filtering && !this.filter.passes(frame.arena.u8, frame.offset)) return 'filtered';
    const queue = this.#queue;
    const waiting = queue.waiting;
    if (waiting === 0) {
      queue.wantNotify(true);
      return 'ring-empty';
    }
    let flags = 0;
    if (this.#csum) {
      checkFrame(frame.arena, frame.offset, frame.length, this.#found);
      if (this.#found.l4Checked && this.#found.l4Ok && (!this.#found.ipChecked || this.#found.ipOk))
        flags = NET_HDR.DATA_VALID;
    }
    const { arena } = this.#bus;
    arena.view.setInt32(this.#header, flags, true);
    arena.view.setInt32(this.#header + 4, 0, true);
    arena.view.setInt32(this.#header + 8, put(0, NET_HDR_BUFFERS.NUM_BUFFERS, 1), true);
    return this.#spread(frame, waiting);
  }

  #spread(frame: LinkFrame, waiting: number): FrameFate {
    const queue = this.#queue;
    let done = 0;
    let buffers = 0;
    let countAt = 0;
    const most = this.#mergeable ? Math.min(waiting, MAX_BUFFERS) : 1;
    while (done < frame.length) {
      if (buffers === most) {
        for (let i = 0; i < buffers; i++) queue.untake();
        return 'ring-empty';
      }
      if (!queue.take()) return 'dma-fault';
      queue.startWriting();
      let room = queue.writableBytes;
      if (buffers === 0) {
        if (room < NET_HDR_BYTES) return this.#small(room);
        countAt = queue.firstWritable + NUM_BUFFERS_AT;
        if (queue.writeBytes(this.#bus.arena, this.#header, NET_HDR_BYTES) < 0) return 'dma-fault';
        room -= NET_HDR_BYTES;
      }
      if (room === 0 && buffers > 0) return this.#small(room);
      const n = Math.min(room, frame.length - done);
      if (n > 0 && queue.writeBytes(frame.arena, frame.offset + done, n) < 0) return 'dma-fault';
      done += n;
      this.#heads[buffers] = queue.head;
      this.#written[buffers] = n + (buffers === 0 ? NET_HDR_BYTES : 0);
      buffers++;
      if (done < frame.length && !this.#mergeable) {
        queue.untake();
        this.#mistake(
          queue.writableBytes,
          `a frame of ${frame.length} bytes does not fit in a buffer of ${queue.writableBytes}`,
        );
        return 'too-long';
      }
    }
    this.#slot.ring = 'receive queue 0';
    queue.place(this.#slot);
    if (buffers > 1) this.#bus.write16(countAt, buffers);
    for (let i = 0; i < buffers; i++) queue.put(this.#heads[i]!, this.#written[i]!);
    queue.publish();
    this.onUsed?.(queue);
    return 'delivered';
  }

  #small(room: number): FrameFate {
    this.#mistake(room, `a receive buffer of ${room} bytes holds not even the header of ${NET_HDR_BYTES}`);
    return 'dma-fault';
  }

  #mistake(value: number, message: string): void {
    this.#bus.report({
      rule: 'descriptor-length',
      register: 'receive len',
      value,
      message,
      ref: 'virtio 1.2 §5.1.6.3.1',
    });
  }
}
