/** A split virtqueue as the driver sees it (virtio 1.2 §2.7), with EVENT_IDX. */
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { readReg, writeReg } from '../../platform/task.js';
import * as virtio from '../../registers/virtio.js';
import type { DmaSet } from '../ring.js';
import type { VirtioPci } from './transport.js';

const { AVAIL_NO_INTERRUPT, USED_NO_NOTIFY, VRING, VRING_DESC_ADDRH, VRING_DESC_ADDRL } = virtio;
const { VRING_DESC_FLAGS, VRING_DESC_LEN } = virtio;
const ADDRL_AT = VRING_DESC_ADDRL.at;
const ADDRH_AT = VRING_DESC_ADDRH.at;
const LEN_AT = VRING_DESC_LEN.at;
const FLAGS_AT = VRING_DESC_FLAGS.at;
const { DESC_BYTES, AVAIL_HEADER, USED_HEADER, USED_ELEM_BYTES } = VRING;
const NEXT_SHIFT = 16;

/** The descriptor goes on at the next one. */
export const DESC_NEXT: number = VRING_DESC_FLAGS.NEXT;
/** The device writes. */
export const DESC_WRITE: number = VRING_DESC_FLAGS.WRITE;
/** The buffer is a table. */
export const DESC_INDIRECT: number = VRING_DESC_FLAGS.INDIRECT;

/** One queue: descriptor table, available ring, used ring, doorbell. Indices are free-running 16-bit numbers. */
export class VirtQueue {
  readonly index: number;
  readonly size: number;
  readonly region: DmaRegion;
  readonly #mask: number;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #dma: DmaMemory;
  readonly #events: boolean;
  readonly #notify: Mmio;
  readonly #notifyAt: number;
  readonly #avail: number;
  readonly #used: number;
  readonly #usedEvent: number;
  readonly #availEvent: number;
  /** What was made available, what the device was told, what was taken back. */
  #available = 0;
  #told = 0;
  #taken = 0;
  #interrupts = false;
  /** Set when the device answered something impossible: an index that leaps, an identifier outside. */
  broken = false;
  /** Length of what {@link VirtQueue.take} took. */
  takenBytes = 0;
  /** Doorbells rung. */
  doorbells = 0;

  /**
   * Selects the queue, lays its memory out and enables it (§4.1.5.1.3).
   * @throws NicError `unsupported` when the device has no such queue, `bad-device` when it is not fit to be used
   */
  constructor(pci: VirtioPci, set: DmaSet, index: number, wanted: number, events: boolean, device: string) {
    const { common } = pci;
    this.index = index;
    writeReg(common, virtio.QUEUE_SELECT, index);
    const most = readReg(common, virtio.QUEUE_SIZE);
    if (most === 0)
      throw new NicError('unsupported', `there is no queue ${index}`, { device, ref: 'virtio 1.2 §4.1.4.3' });
    if ((most & (most - 1)) !== 0 || most > 32768)
      throw new NicError('bad-device', `queue ${index} has an impossible size`, {
        device,
        register: 'QUEUE_SIZE',
        value: most,
        ref: 'virtio 1.2 §2.7',
      });
    this.size = Math.min(most, wanted);
    this.#mask = this.size - 1;
    writeReg(common, virtio.QUEUE_SIZE, this.size);
    const availAt = this.size * DESC_BYTES;
    // Behind each ring stands the other side's event index (§2.7.6, §2.7.8).
    const usedEventAt = availAt + AVAIL_HEADER + 2 * this.size;
    const usedAt = Math.ceil((usedEventAt + 2) / 64) * 64;
    const availEventAt = usedAt + USED_HEADER + USED_ELEM_BYTES * this.size;
    this.region = set.alloc(availEventAt + 2, 4096);
    const { offset, address, arena } = this.region;
    this.#view = arena.view;
    this.#words = arena.u32;
    this.#dma = set.dma;
    this.#events = events;
    this.#avail = offset + availAt;
    this.#usedEvent = offset + usedEventAt;
    this.#used = offset + usedAt;
    this.#availEvent = offset + availEventAt;
    const place = (low: typeof virtio.QUEUE_DESC_LOW, high: typeof virtio.QUEUE_DESC_HIGH, at: number): void => {
      writeReg(common, low, (address + at) | 0);
      writeReg(common, high, Math.floor((address + at) / 0x1_0000_0000) | 0);
    };
    place(virtio.QUEUE_DESC_LOW, virtio.QUEUE_DESC_HIGH, 0);
    place(virtio.QUEUE_DRIVER_LOW, virtio.QUEUE_DRIVER_HIGH, availAt);
    place(virtio.QUEUE_DEVICE_LOW, virtio.QUEUE_DEVICE_HIGH, usedAt);
    this.#notify = pci.notify;
    this.#notifyAt = readReg(common, virtio.QUEUE_NOTIFY_OFF) * pci.notifyMultiplier;
    if (this.#notifyAt + 2 > pci.notify.bytes)
      throw new NicError('bad-device', `queue ${index} is notified outside the notify structure`, {
        device,
        register: 'QUEUE_NOTIFY_OFF',
        value: this.#notifyAt,
        ref: 'virtio 1.2 §4.1.4.4',
      });
    this.setInterrupts(false);
  }

  /** The last step of set-up, after vectors were given. */
  enable(pci: VirtioPci): void {
    writeReg(pci.common, virtio.QUEUE_SELECT, this.index);
    writeReg(pci.common, virtio.QUEUE_ENABLE, 1);
  }

  /** Fills descriptor `at`; `next` counts only with {@link DESC_NEXT}. */
  describe(at: number, low: number, high: number, bytes: number, flags: number, next = 0): void {
    this.describeAt(this.region.offset + at * DESC_BYTES, low, high, bytes, flags, next);
  }

  /** The same in a table elsewhere: `offset` is in the arena. */
  describeAt(offset: number, low: number, high: number, bytes: number, flags: number, next: number): void {
    const view = this.#view;
    view.setInt32(offset + ADDRL_AT, low, true);
    view.setInt32(offset + ADDRH_AT, high, true);
    view.setInt32(offset + LEN_AT, bytes, true);
    view.setInt32(offset + FLAGS_AT, flags | (next << NEXT_SHIFT), true);
  }

  /** Makes the chain at descriptor `head` available; the device sees it with the next {@link VirtQueue.publish}. */
  offer(head: number): void {
    this.#view.setUint16(this.#avail + AVAIL_HEADER + 2 * (this.#available & this.#mask), head, true);
    this.#available = (this.#available + 1) & 0xffff;
  }

  /** True when something was offered that the device has not been told of. */
  get untold(): boolean {
    return this.#available !== this.#told;
  }

  /** Chains that the device has. */
  get outstanding(): number {
    return (this.#available - this.#taken) & 0xffff;
  }

  /** Moves the index and rings the doorbell if the device wants it (§2.7.13.4, §2.7.10). */
  publish(): void {
    const from = this.#told;
    const to = this.#available;
    if (from === to) return;
    // The descriptors before the index, the index before the question whether to ring.
    this.#dma.publish();
    // In one store: a device on another processor must not see half an index.
    this.#words[this.#avail >> 2] = (this.#words[this.#avail >> 2]! & 0xffff) | (to << 16);
    this.#told = to;
    this.#dma.publish();
    this.#dma.syncForCpu();
    if (this.#events) {
      const event = this.#words[this.#availEvent >> 2]! & 0xffff;
      if (((to - event - 1) & 0xffff) >= ((to - from) & 0xffff)) return;
    } else if ((this.#view.getUint16(this.#used, true) & USED_NO_NOTIFY) !== 0) {
      return;
    }
    this.ring();
  }

  /** Rings the doorbell. */
  ring(): void {
    this.doorbells++;
    this.#notify.write16(this.#notifyAt, this.index);
  }

  /** True when the device has given something back. */
  get hasUsed(): boolean {
    return this.#words[this.#used >> 2]! >>> 16 !== this.#taken;
  }

  /** Takes back one chain: its head descriptor, or -1. Its length is in {@link VirtQueue.takenBytes}. */
  take(): number {
    // Flags and index in one load: never half an index.
    const index = this.#words[this.#used >> 2]! >>> 16;
    if (index === this.#taken || this.broken) return -1;
    // More given back than was ever offered: the ring cannot be trusted (§2.7.8.2).
    if (((index - this.#taken) & 0xffff) > this.outstanding) {
      this.broken = true;
      return -1;
    }
    this.#dma.syncForCpu();
    const at = this.#used + USED_HEADER + USED_ELEM_BYTES * (this.#taken & this.#mask);
    const head = this.#view.getInt32(at, true);
    this.takenBytes = this.#view.getInt32(at + 4, true);
    this.#taken = (this.#taken + 1) & 0xffff;
    if (head < 0 || head >= this.size) {
      this.broken = true;
      return -1;
    }
    return head;
  }

  /**
   * Asks for an interrupt at the next used chain, or for none. Returns true when something is already there, for which
   * no interrupt may come (§2.7.7).
   */
  setInterrupts(on: boolean): boolean {
    this.#interrupts = on;
    // With EVENT_IDX the flags stay 0 (§2.7.7.1); "none" is an index half the numbers away.
    // Nothing but padding stands behind the event index, so it goes in one store, too.
    if (this.#events) this.#words[this.#usedEvent >> 2] = (on ? this.#taken : this.#taken - 0x8000) & 0xffff;
    else this.#view.setUint16(this.#avail, on ? 0 : AVAIL_NO_INTERRUPT, true);
    if (!on) return false;
    this.#dma.publish();
    this.#dma.syncForCpu();
    return this.hasUsed;
  }

  /** What {@link VirtQueue.setInterrupts} said last. */
  get interrupts(): boolean {
    return this.#interrupts;
  }
}
