/** The device's side of a split virtqueue. Everything in it comes from the guest and is checked. Source: virtio 1.2 §2.7. */
import type { Arena } from '../../platform/arena.js';
import { virtio } from '../../registers/index.js';
import { type DeviceBus, DmaFault, type FrameDescriptor, type RingState } from '../function.js';

const { VRING, VRING_DESC_FLAGS } = virtio;
const { NEXT, WRITE, INDIRECT, NEXT_INDEX } = VRING_DESC_FLAGS;
const NEXT_SHIFT = 31 - Math.clz32(NEXT_INDEX & -NEXT_INDEX);

const FENCE = new Int32Array(1);

/**
 * A full memory barrier: what was stored is visible before what follows is read. Where the guest runs beside this thread (QEMU over
 * vfio-user), both sides write an index and then look at the other's; without a barrier both may miss (virtio 1.2 §2.7.7 and §2.7.10).
 */
function barrier(): void {
  Atomics.exchange(FENCE, 0, 0);
}

/** Descriptors of one chain that are looked at, indirect ones included. */
const MAX_CHAIN = 1024;

/** One virtqueue. Addresses are bus addresses. */
export class Virtqueue {
  readonly index: number;
  /** Largest size offered. */
  readonly maxSize: number;
  readonly #bus: DeviceBus;
  size: number;
  enabled = false;
  vector = 0xffff;
  descLow = 0;
  descHigh = 0;
  driverLow = 0;
  driverHigh = 0;
  deviceLow = 0;
  deviceHigh = 0;
  /** EVENT_IDX was negotiated. */
  eventIdx = false;
  /** INDIRECT_DESC was negotiated. */
  indirect = false;

  // The chain that was taken last: readable pieces first.
  readonly #addresses = new Float64Array(MAX_CHAIN);
  readonly #lengths = new Int32Array(MAX_CHAIN);
  #pieces = 0;
  #readable = 0;
  /** Head descriptor of the chain. */
  head = 0;
  /** Bytes the device may read and may write in the chain. */
  readableBytes = 0;
  writableBytes = 0;
  #piece = 0;
  #inPiece = 0;

  #lastAvail = 0;
  #seen = 0;
  #usedIndex = 0;
  #signalled = 0;
  #desc = 0;
  #avail = 0;
  #used = 0;

  constructor(bus: DeviceBus, index: number, maxSize: number) {
    this.#bus = bus;
    this.index = index;
    this.maxSize = maxSize;
    this.size = maxSize;
  }

  reset(): void {
    this.size = this.maxSize;
    this.enabled = false;
    this.vector = 0xffff;
    this.descLow = this.descHigh = this.driverLow = this.driverHigh = this.deviceLow = this.deviceHigh = 0;
    this.#seen = this.#lastAvail = this.#usedIndex = this.#signalled = 0;
    this.eventIdx = this.indirect = false;
  }

  /** The driver wrote queue_enable. */
  enable(): void {
    const address = (low: number, high: number): number => (high >>> 0) * 0x1_0000_0000 + (low >>> 0);
    this.#desc = address(this.descLow, this.descHigh);
    this.#avail = address(this.driverLow, this.driverHigh);
    this.#used = address(this.deviceLow, this.deviceHigh);
    this.enabled = true;
  }

  /** How many chains the driver has made available and the device not taken; 0 also after a fault. */
  get waiting(): number {
    if (!this.enabled) return 0;
    const index = this.#bus.read16(this.#avail + 2);
    if (this.#bus.fault !== DmaFault.none) return 0;
    this.#seen = index;
    const waiting = (index - this.#lastAvail) & 0xffff;
    if (waiting <= this.size) return waiting;
    this.#mistake(
      'queue-state',
      'avail.idx',
      index,
      `the index runs ${waiting} ahead in a queue of ${this.size}`,
      '§2.7.13.3',
    );
    return 0;
  }

  /**
   * Takes the next chain. The caller has seen that one is waiting. False: the chain makes no sense (it was reported and
   * the device must stop).
   */
  take(): boolean {
    this.head = this.#bus.read16(this.#avail + VRING.AVAIL_HEADER + 2 * (this.#lastAvail & (this.size - 1)));
    if (this.#bus.fault !== DmaFault.none) return false;
    this.#lastAvail = (this.#lastAvail + 1) & 0xffff;
    this.#pieces = this.#readable = this.readableBytes = this.writableBytes = 0;
    this.#piece = this.#inPiece = 0;
    return this.#walk(this.#desc, this.size, this.head, false);
  }

  /** Gives the last taken chain back untaken: it is the next one again. */
  untake(): void {
    this.#lastAvail = (this.#lastAvail - 1) & 0xffff;
  }

  /** Place and state; `head` and `tail` are places in the available ring as seen last; its entries name descriptors. */
  state(ring: string): RingState {
    const known = this.enabled && this.size > 0;
    const tail = this.#seen;
    const address = known ? this.#desc : 0;
    const size = known ? this.size : 0;
    const place = (index: number): number => (known ? index & (this.size - 1) : 0);
    return {
      ring,
      address,
      entries: size,
      entryBytes: VRING.DESC_BYTES,
      head: place(this.#lastAvail),
      tail: place(tail),
      numbers: this.#avail + VRING.AVAIL_HEADER,
    };
  }

  /** Writes where the head of the chain taken last is. */
  place(slot: FrameDescriptor): void {
    slot.index = this.head;
    slot.address = this.#desc + this.head * VRING.DESC_BYTES;
  }

  /** Copies up to `bytes` readable bytes of the chain, from where the last call ended. Returns how many; -1 after a fault. */
  readBytes(arena: Arena, at: number, bytes: number): number {
    let done = 0;
    while (done < bytes && this.#piece < this.#readable) {
      const left = this.#lengths[this.#piece]! - this.#inPiece;
      const n = Math.min(left, bytes - done);
      if (n > 0 && this.#bus.read(this.#addresses[this.#piece]! + this.#inPiece, arena, at + done, n) !== DmaFault.none)
        return -1;
      done += n;
      this.#advance(n, left);
    }
    return done;
  }

  /** Goes to the first writable piece. */
  startWriting(): void {
    this.#piece = this.#readable;
    this.#inPiece = 0;
  }

  /** Copies up to `bytes` bytes to writable pieces, from where the last call ended. Returns how many; -1 after a fault. */
  writeBytes(arena: Arena, at: number, bytes: number): number {
    let done = 0;
    while (done < bytes && this.#piece < this.#pieces) {
      const left = this.#lengths[this.#piece]! - this.#inPiece;
      const n = Math.min(left, bytes - done);
      if (
        n > 0 &&
        this.#bus.write(this.#addresses[this.#piece]! + this.#inPiece, arena, at + done, n) !== DmaFault.none
      )
        return -1;
      done += n;
      this.#advance(n, left);
    }
    return done;
  }

  /** Where the first writable piece begins, for a field that is filled in later. */
  get firstWritable(): number {
    return this.#addresses[this.#readable]!;
  }

  /** Puts chain `head` with `written` bytes in the used ring; `publish` makes it visible. */
  put(head: number, written: number): void {
    const at = this.#used + VRING.USED_HEADER + VRING.USED_ELEM_BYTES * (this.#usedIndex & (this.size - 1));
    this.#bus.write32(at, head);
    this.#bus.write32(at + 4, written);
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
  }

  /** Makes all chains put so far visible to the driver. */
  publish(): void {
    this.#bus.write16(this.#used + 2, this.#usedIndex);
  }

  /** After `publish`: does the driver want an interrupt (§2.7.7)? */
  get wantsInterrupt(): boolean {
    barrier();
    if (!this.eventIdx) return (this.#bus.read16(this.#avail) & virtio.AVAIL_NO_INTERRUPT) === 0;
    const event = this.#bus.read16(this.#avail + VRING.AVAIL_HEADER + 2 * this.size);
    const wants = ((this.#usedIndex - event - 1) & 0xffff) < ((this.#usedIndex - this.#signalled) & 0xffff);
    this.#signalled = this.#usedIndex;
    return wants;
  }

  /** Asks to be notified (or not) of the next chain (§2.7.10). */
  wantNotify(on: boolean): void {
    if (this.eventIdx) {
      if (on) this.#bus.write16(this.#used + VRING.USED_HEADER + VRING.USED_ELEM_BYTES * this.size, this.#lastAvail);
    } else this.#bus.write16(this.#used, on ? 0 : virtio.USED_NO_NOTIFY);
    barrier();
  }

  #advance(n: number, left: number): void {
    if (n === left) {
      this.#piece++;
      this.#inPiece = 0;
    } else this.#inPiece += n;
  }

  #walk(table: number, size: number, first: number, inside: boolean): boolean {
    let index = first;
    for (let steps = 0; steps < size; steps++) {
      if (index >= size)
        return this.#mistake('descriptor-chain', 'next', index, `the table has ${size} descriptors`, '§2.7.5');
      const at = table + index * VRING.DESC_BYTES;
      const low = this.#bus.read32(at);
      const high = this.#bus.read32(at + 4);
      const bytes = this.#bus.read32(at + 8) >>> 0;
      const flags = this.#bus.read32(at + 12);
      if (this.#bus.fault !== DmaFault.none) return false;
      const address = (high >>> 0) * 0x1_0000_0000 + (low >>> 0);
      if ((flags & INDIRECT) !== 0) {
        if (!this.indirect)
          return this.#mistake(
            'feature-not-negotiated',
            'flags',
            flags,
            'an indirect descriptor without VIRTIO_F_INDIRECT_DESC',
            '§2.7.5.3',
          );
        if (inside || (flags & NEXT) !== 0 || bytes === 0 || bytes % VRING.DESC_BYTES !== 0) {
          return this.#mistake(
            'descriptor-chain',
            'flags',
            flags,
            'an indirect table may not nest, go on, or be of an odd length',
            '§2.7.5.3',
          );
        }
        return this.#walk(address, Math.min(bytes / VRING.DESC_BYTES, MAX_CHAIN), 0, true);
      }
      if (!this.#add(address, bytes, (flags & WRITE) !== 0)) return false;
      if ((flags & NEXT) === 0) return true;
      index = flags >>> NEXT_SHIFT;
    }
    return this.#mistake('descriptor-chain', 'next', index, 'the chain is longer than its table: it loops', '§2.7.5');
  }

  #add(address: number, bytes: number, writable: boolean): boolean {
    if (this.#pieces >= MAX_CHAIN)
      return this.#mistake(
        'descriptor-chain',
        'next',
        this.#pieces,
        `more than ${MAX_CHAIN} buffers in a chain`,
        '§2.7.5',
      );
    if (bytes > 0x7fff_ffff)
      return this.#mistake('descriptor-length', 'len', bytes, 'a buffer of 2 GiB or more', '§2.7.5');
    if (!writable && this.#pieces > this.#readable) {
      return this.#mistake(
        'descriptor-direction',
        'flags',
        this.#pieces,
        'a readable buffer after a writable one',
        '§2.7.4.2',
      );
    }
    this.#addresses[this.#pieces] = address;
    this.#lengths[this.#pieces] = bytes;
    this.#pieces++;
    if (writable) this.writableBytes += bytes;
    else {
      this.#readable++;
      this.readableBytes += bytes;
    }
    return true;
  }

  #mistake(
    rule: 'descriptor-chain' | 'descriptor-length' | 'descriptor-direction' | 'feature-not-negotiated' | 'queue-state',
    register: string,
    value: number,
    message: string,
    section: string,
  ): false {
    this.#bus.report({
      rule,
      register: `queue ${this.index} ${register}`,
      value,
      message,
      ref: `virtio 1.2 ${section}`,
    });
    return false;
  }
}
