/** RTL8125B with four receive rings of either form, and frames of flows. Offsets are those of drivers. */
import type { DmaRegion } from '../../src/platform/dma.js';
import { RealtekRig, type RigOptions } from './realtek-rig.js';
import { checksum, ethernet, MAC } from './rig.js';

const OWN = 0x8000_0000 | 0;
const EOR = 0x4000_0000;

/** The key of Microsoft's verification suite for RSS. */
export const KEY = Uint8Array.from(
  Buffer.from('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa', 'hex'),
);
/** RSS_CTRL as r8125 writes it: TCP, IPv4, IPv6, all 128 entries; with UDP when asked. */
export const CTRL = 0x0002_073f;
export const UDP = 0x3800;

/** What stands in a descriptor of 32 bytes. */
export interface Wide {
  readonly hash: number;
  readonly info: number;
  readonly opts2: number;
  readonly opts1: number;
}

export class QueueRig extends RealtekRig {
  /** Bytes of a receive descriptor. */
  readonly each: 16 | 32;
  readonly queues: DmaRegion[];
  readonly memory: DmaRegion;
  readonly #next = [0, 0, 0, 0];

  constructor(options: RigOptions & { wide?: boolean } = {}) {
    super('rtl8125b', options);
    this.each = options.wide === false ? 16 : 32;
    this.queues = Array.from({ length: 4 }, () => this.fn.dma.alloc(this.each * this.entries, 256));
    this.memory = this.fn.dma.alloc(4 * this.entries * this.buffer, 4096);
  }

  /** Ring `queue` from its beginning, every descriptor the NIC's. @param at writes its address there */
  ring(queue: number, at = queue === 0 ? 0xe4 : 0x4000 + 8 * (queue - 1)): void {
    const region = this.queues[queue]!;
    this.#next[queue] = 0;
    for (let i = 0; i < this.entries; i++) this.give(queue, i);
    this.io.write32(at, region.address | 0);
    this.io.write32(at + 4, Math.floor(region.address / 2 ** 32));
  }

  give(queue: number, i: number, size = this.buffer): void {
    const { view } = this.queues[queue]!.arena;
    const place = this.queues[queue]!.offset + this.each * i;
    for (let at = 0; at < this.each; at += 4) view.setInt32(place + at, 0, true);
    view.setBigUint64(place + this.each / 2, BigInt(this.#buffer(queue, i)), true);
    const command = OWN | (i === this.entries - 1 ? EOR : 0) | size;
    view.setInt32(place + (this.each === 32 ? 28 : 0), command, true);
  }

  #buffer(queue: number, i: number): number {
    return this.memory.address + (queue * this.entries + i) * this.buffer;
  }

  /** Everything on, `queues` receive queues, elements of the table by turns. @param ctrl RSS_CTRL */
  spread(queues: number, ctrl = CTRL): this {
    this.wait(2_000_000);
    for (let queue = 0; queue < queues; queue++) this.ring(queue);
    this.io.write16(0xda, 0x3fff);
    this.key(KEY);
    this.table((i) => i % queues);
    this.io.write32(0x4500, ctrl);
    this.io.write16(0x4800, Math.log2(queues) << 2);
    this.io.write32(0x44, (this.each === 32 ? 0x4100_0c0f : 0x4000_0c0f) | 0);
    this.io.write8(0x37, 0x0c);
    // Writes are posted.
    this.io.read8(0x37);
    return this;
  }

  key(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < 40; i += 4) this.io.write32(0x4600 + i, view.getInt32(i, true));
  }

  table(queue: (entry: number) => number): void {
    for (let i = 0; i < 128; i += 4)
      this.io.write32(
        0x4700 + i,
        [0, 1, 2, 3].reduce((word, n) => word | (queue(i + n) << (8 * n)), 0),
      );
  }

  /** Descriptor `i` of a ring of 32 bytes. */
  wide(queue: number, i: number): Wide {
    const { view } = this.queues[queue]!.arena;
    const place = this.queues[queue]!.offset + 32 * i;
    const word = (at: number): number => view.getInt32(place + at, true);
    return { hash: word(8) >>> 0, info: word(12) >>> 16, opts2: word(24), opts1: word(28) };
  }

  /** How many frames each queue has got since the last call; their descriptors are the NIC's again. */
  taken(): number[] {
    return this.queues.map((region, queue) => {
      let count = 0;
      const at = this.each === 32 ? 28 : 0;
      for (let i = this.#next[queue]!; ; i = this.#next[queue] = (i + 1) % this.entries) {
        if (region.arena.view.getInt32(region.offset + this.each * i + at, true) <= 0 || count === this.entries) break;
        this.give(queue, i);
        count++;
      }
      return count;
    });
  }

  /** Bytes in the buffer of descriptor `i`. */
  bytes(queue: number, i: number, bytes: number): Uint8Array {
    const from = this.memory.offset + (queue * this.entries + i) * this.buffer;
    return this.memory.arena.u8.slice(from, from + bytes);
  }
}

/** Bytes behind the IP header. */
const SEGMENT = 40;

/** A packet of a flow. */
export interface Flow {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly ports?: readonly [number, number];
  /** Default TCP. */
  readonly protocol?: number;
  /** Offset word of IPv4, or an extension header of IPv6 before the transport header. */
  readonly fragment?: number;
  readonly extension?: number;
  readonly tag?: number;
}

/** A frame of `flow`; its TCP checksum is wrong, that of IPv4 right. */
export function frameOf({ from, to, ports = [1, 2], protocol = 6, fragment = 0, extension, tag }: Flow): Uint8Array {
  const ipv6 = from.length === 16;
  const l3 = tag === undefined ? 14 : 18;
  const options = extension === undefined ? 0 : 8;
  const l4 = l3 + (ipv6 ? 40 + options : 20);
  const frame = ethernet(MAC, l4 + SEGMENT);
  const view = new DataView(frame.buffer);
  if (tag !== undefined) view.setUint32(12, 0x8100_0000 + tag);
  view.setUint16(l3 - 2, ipv6 ? 0x86dd : 0x0800);
  frame.fill(0, l3);
  if (ipv6) {
    frame[l3] = 0x60;
    view.setUint16(l3 + 4, options + SEGMENT);
    frame.set([extension ?? protocol, 64, ...from, ...to], l3 + 6);
    if (extension !== undefined) frame.set([protocol, 0], l3 + 40);
  } else {
    frame.set([0x45, 0, 0, 20 + SEGMENT, 0, 1, fragment >> 8, fragment & 255, 64, protocol, 0, 0, ...from, ...to], l3);
    view.setUint16(l3 + 10, checksum(frame, l3, l3 + 20));
  }
  view.setUint16(l4, ports[0]);
  view.setUint16(l4 + 2, ports[1]);
  if (protocol === 6) frame[l4 + 12] = 0x50;
  else view.setUint16(l4 + 4, SEGMENT);
  return frame;
}
