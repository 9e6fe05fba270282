/** virtio-net: the control queue and the receive filter it sets. Source: virtio 1.2 §5.1.6.5. */
import { virtio } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import type { Virtqueue } from './queue.js';

const { CTRL } = virtio;
const MAX_COMMAND = 4096;
const MAX_MACS = 64;
const BATCH = 16;

/** Which frames get in. */
export class ReceiveFilter {
  readonly #own: Uint8Array;
  readonly mac = new Uint8Array(6);
  promiscuous = true;
  allMulticast = false;
  allUnicast = false;
  noMulticast = false;
  noUnicast = false;
  noBroadcast = false;
  /** Pairs of address words. */
  readonly #macs = new Int32Array(2 * MAX_MACS);
  #count = 0;
  readonly #vlans = new Int32Array(128);
  /** Only frames with a tag that was added get in; from the start, once CTRL_VLAN is negotiated (§5.1.6.5.3). */
  vlanFilter = false;

  constructor(own: Uint8Array) {
    this.#own = own;
    this.reset();
  }

  reset(): void {
    this.mac.set(this.#own);
    // A device starts promiscuous unless told otherwise (§5.1.6.5.1.1 lets it); ours starts with its own address only.
    this.promiscuous =
      this.allMulticast =
      this.allUnicast =
      this.noMulticast =
      this.noUnicast =
      this.noBroadcast =
        false;
    this.#count = 0;
    this.#vlans.fill(0);
    this.vlanFilter = false;
  }

  /** Without CTRL_RX nothing is filtered by address. */
  open(): void {
    this.allMulticast = true;
    this.allUnicast = true;
  }

  passes(u8: Uint8Array, at: number): boolean {
    if (this.promiscuous) return true;
    const low = u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24);
    const high = u8[at + 4]! | (u8[at + 5]! << 8);
    if (this.vlanFilter && u8[at + 12] === 0x81 && u8[at + 13] === 0) {
      const id = ((u8[at + 14]! << 8) | u8[at + 15]!) & 0xfff;
      if (((this.#vlans[id >> 5]! >>> (id & 31)) & 1) === 0) return false;
    }
    if ((u8[at]! & 1) !== 0) {
      if (low === -1 && high === 0xffff) return !this.noBroadcast;
      if (this.noMulticast) return false;
      return this.allMulticast || this.#listed(low, high);
    }
    if (this.noUnicast) return false;
    if (this.allUnicast) return true;
    const m = this.mac;
    const own = low === (m[0]! | (m[1]! << 8) | (m[2]! << 16) | (m[3]! << 24)) && high === (m[4]! | (m[5]! << 8));
    return own || this.#listed(low, high);
  }

  /** Replaces the table by the two lists of a MAC_TABLE_SET command. False: it makes no sense. */
  setTable(data: Uint8Array, from: number, end: number): boolean {
    let at = from;
    let count = 0;
    for (let list = 0; list < 2; list++) {
      if (at + 4 > end) return false;
      const entries = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
      at += 4;
      if (entries < 0 || entries > MAX_MACS - count || at + 6 * entries > end) return false;
      for (let i = 0; i < entries; i++, at += 6, count++) {
        this.#macs[2 * count] = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
        this.#macs[2 * count + 1] = data[at + 4]! | (data[at + 5]! << 8);
      }
    }
    this.#count = count;
    return true;
  }

  setVlan(id: number, on: boolean): void {
    const bit = 1 << (id & 31);
    if (on) this.#vlans[id >> 5]! |= bit;
    else this.#vlans[id >> 5]! &= ~bit;
  }

  #listed(low: number, high: number): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#macs[2 * i] === low && this.#macs[2 * i + 1] === high) return true;
    return false;
  }
}

/** Answers commands. */
export class ControlQueue {
  readonly #bus: DeviceBus;
  readonly #queue: Virtqueue;
  readonly #filter: ReceiveFilter;
  readonly #at: number;

  constructor(bus: DeviceBus, queue: Virtqueue, filter: ReceiveFilter) {
    this.#bus = bus;
    this.#queue = queue;
    this.#filter = filter;
    this.#at = bus.allocBuffer(MAX_COMMAND + 8);
  }

  /**
   * Answers what waits, at most one batch. Returns how many chains may be left, so that it is run again, or -1 when the
   * queue makes no sense. A driver that polls for the answer adds its next command while this runs, and does not notify
   * before it is asked to: so the wish is written first, and then it is looked once more (§2.7.7.2, §2.7.10).
   */
  run(used: (queue: Virtqueue) => void): number {
    const queue = this.#queue;
    const { arena } = this.#bus;
    if (!queue.enabled) return 0;
    let waiting = queue.waiting;
    if (waiting === 0) {
      queue.wantNotify(true);
      waiting = queue.waiting;
      if (waiting === 0) return 0;
    }
    const batch = Math.min(waiting, BATCH);
    for (let left = batch; left > 0; left--) {
      if (!queue.take()) return -1;
      const bytes = Math.min(queue.readableBytes, MAX_COMMAND);
      const got = queue.readBytes(arena, this.#at, bytes);
      const ok = got >= 2 && queue.readableBytes <= MAX_COMMAND && this.#command(arena.u8, this.#at, this.#at + got);
      arena.u8[this.#at] = ok ? CTRL.OK : CTRL.ERR;
      queue.startWriting();
      const answered = queue.writeBytes(arena, this.#at, 1);
      queue.put(queue.head, answered === 1 ? 1 : 0);
    }
    queue.publish();
    used(queue);
    // Once more, even if nothing is left now: the next run asks for a notification.
    return Math.max(1, waiting - batch);
  }

  #command(u8: Uint8Array, at: number, end: number): boolean {
    const kind = u8[at]!;
    const command = u8[at + 1]!;
    const data = at + 2;
    const filter = this.#filter;
    if (kind === CTRL.RX && data < end) {
      const on = u8[data] !== 0;
      if (command === CTRL.RX_PROMISC) filter.promiscuous = on;
      else if (command === CTRL.RX_ALLMULTI) filter.allMulticast = on;
      else if (command === CTRL.RX_ALLUNI) filter.allUnicast = on;
      else if (command === CTRL.RX_NOMULTI) filter.noMulticast = on;
      else if (command === CTRL.RX_NOUNI) filter.noUnicast = on;
      else if (command === CTRL.RX_NOBCAST) filter.noBroadcast = on;
      else return false;
      return true;
    }
    if (kind === CTRL.MAC && command === CTRL.MAC_TABLE_SET) return filter.setTable(u8, data, end);
    if (kind === CTRL.MAC && command === CTRL.MAC_ADDR_SET && data + 6 <= end) {
      for (let i = 0; i < 6; i++) filter.mac[i] = u8[data + i]!;
      return true;
    }
    if (kind === CTRL.VLAN && data + 2 <= end && (command === CTRL.VLAN_ADD || command === CTRL.VLAN_DEL)) {
      filter.setVlan((u8[data]! | (u8[data + 1]! << 8)) & 0xfff, command === CTRL.VLAN_ADD);
      return true;
    }
    return false;
  }
}
