/** virtio-net: the control queue, for receive filters (virtio 1.2 §5.1.6.5). Commands are posted; answers come later. */
import type { DmaRegion } from '../../platform/dma.js';
import * as virtio from '../../registers/virtio.js';
import { type DmaSet, highOf } from '../ring.js';
import { DESC_NEXT, DESC_WRITE, type VirtQueue } from './queue.js';

const { CTRL } = virtio;
/** Room for one command: class, command, and a table of addresses. */
const COMMAND_BYTES = 2048;
const ACK_AT = COMMAND_BYTES - 4;
const HEADER_BYTES = 2;
const NOT_ANSWERED = 0xff;
const MAC_BYTES = 6;
/** Addresses that fit into a command; more than that: all multicast. */
export const MOST_ADDRESSES = 256;
/** Commands under way at a time; each takes two descriptors. */
const SLOTS = 4;

/** The control queue. */
export class VirtioNetControl {
  /** Commands that the device refused. */
  refused = 0;
  sent = 0;
  readonly #queue: VirtQueue;
  readonly #region: DmaRegion;
  readonly #view: DataView;
  readonly #busy: boolean[];
  readonly #waiting: number[][] = [];

  constructor(queue: VirtQueue, set: DmaSet) {
    this.#queue = queue;
    const slots = Math.max(1, Math.min(SLOTS, queue.size >> 1));
    this.#region = set.alloc(slots * COMMAND_BYTES, 4096);
    this.#view = this.#region.arena.view;
    this.#busy = new Array<boolean>(slots).fill(false);
  }

  /** What the device is to let through: replaces wishes that have not been sent yet. */
  setFilter(promiscuous: boolean, allMulticast: boolean, multicast: readonly Uint8Array[], mac: Uint8Array): void {
    const table = [1, 0, 0, 0, ...mac, multicast.length & 0xff, multicast.length >> 8, 0, 0];
    for (const address of multicast) table.push(...address.subarray(0, MAC_BYTES));
    const others = this.#waiting.filter(
      ([kind, command]) => kind !== CTRL.RX && !(kind === CTRL.MAC && command === CTRL.MAC_TABLE_SET),
    );
    this.#waiting.splice(0, this.#waiting.length, ...others);
    this.#waiting.push([CTRL.RX, CTRL.RX_PROMISC, promiscuous ? 1 : 0]);
    this.#waiting.push([CTRL.RX, CTRL.RX_ALLMULTI, allMulticast ? 1 : 0]);
    this.#waiting.push([CTRL.MAC, CTRL.MAC_TABLE_SET, ...table]);
    this.#pump();
  }

  /** Gives the device its address, for devices that have none of their own. */
  setMac(mac: Uint8Array): void {
    this.#waiting.push([CTRL.MAC, CTRL.MAC_ADDR_SET, ...mac]);
    this.#pump();
  }

  /** Tells the device that its wish for an announcement was heard. */
  announced(): void {
    this.#waiting.push([CTRL.ANNOUNCE, CTRL.ANNOUNCE_ACK]);
    this.#pump();
  }

  /** Commands not answered yet. */
  get pending(): boolean {
    return this.#waiting.length > 0 || this.#busy.includes(true);
  }

  /** Collects answers and sends what waits. Returns the number of answers. */
  step(): number {
    let answers = 0;
    for (let i = 0; i < this.#busy.length; i++) {
      const head = this.#queue.take();
      if (head < 0) break;
      const slot = head >> 1;
      if (!this.#busy[slot]) {
        this.#queue.broken = true;
        break;
      }
      this.#busy[slot] = false;
      answers++;
      if (this.#view.getUint8(this.#region.offset + slot * COMMAND_BYTES + ACK_AT) !== CTRL.OK) this.refused++;
    }
    if (answers > 0) this.#pump();
    return answers;
  }

  #pump(): void {
    for (let slot = 0; slot < this.#busy.length && this.#waiting.length > 0; slot++) {
      if (this.#busy[slot]) continue;
      const command = this.#waiting.shift()!;
      const at = slot * COMMAND_BYTES;
      const { offset, address, arena } = this.#region;
      arena.u8.set(command, offset + at);
      this.#view.setUint8(offset + at + ACK_AT, NOT_ANSWERED);
      const head = slot * 2;
      const high = highOf(address);
      const low = (address + at) | 0;
      this.#queue.describe(head, low, high, Math.max(HEADER_BYTES, command.length), DESC_NEXT, head + 1);
      this.#queue.describe(head + 1, (low + ACK_AT) | 0, high, 1, DESC_WRITE);
      this.#queue.offer(head);
      this.#busy[slot] = true;
      this.sent++;
    }
    if (this.#queue.untold) this.#queue.publish();
  }
}
