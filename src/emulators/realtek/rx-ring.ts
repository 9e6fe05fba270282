/**
 * The receive ring: it looks whether it owns enough descriptors for a frame, then fills their buffers and gives them back, the
 * word with OWN last. Nobody tells the ring's length: the descriptor with EOR ends it.
 * Source: RTL8169 specification, Rx descriptor; r8169 rtl_rx, FreeBSD re_rxeof for frames in several descriptors.
 */
import type { LinkFrame } from '../../link/port.js';
import { meta, type RegisterFile, rtl8168h } from '../../registers/index.js';
import { type DeviceBus, DmaFault, type FrameDescriptor } from '../function.js';
import { FrameWriter } from '../offload/frame-writer.js';

const { DESCRIPTOR_BYTES, RING_MAX, RDSAR_LO, RDSAR_HI } = rtl8168h;
const { RXD_COMMAND, RXD_OPTS1, RXD_OPTS2, RXD_ADDR_LO, RXD_ADDR_HI } = rtl8168h;
const { OWN, EOR, SIZE } = RXD_COMMAND;
const { FS, LS } = RXD_OPTS1;
const REF = 'RTL8169 specification, Rx descriptor §opts';
const HIGH = 0x1_0000_0000;

/** A frame has at most so many descriptors; drivers that split frames at all use four. */
const MOST = 64;
/** Words kept of each: command, low and high address. */
const WORDS = 3;

/** What {@link RxRing.look} found. */
export const Room = { enough: 0, few: 1, never: 2, fault: 3 } as const;

/** The ring. */
export class RxRing {
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #slot: FrameDescriptor;
  readonly #writer: FrameWriter;
  readonly #low: number;
  readonly #high: number;
  readonly #fetched: number;
  /** Descriptors that the frame under way gets. */
  readonly #found = new Int32Array(MOST * WORDS);
  #count = 0;
  #index = 0;
  #size = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, slot: FrameDescriptor) {
    this.#bus = bus;
    this.#values = regs.values;
    this.#slot = slot;
    this.#writer = new FrameWriter(bus);
    [this.#low, this.#high] = [regs.slot(RDSAR_LO), regs.slot(RDSAR_HI)];
    this.#fetched = bus.allocBuffer(DESCRIPTOR_BYTES);
  }

  /** From the ring's beginning. */
  reset(): void {
    this.#index = this.#size = this.#count = 0;
  }

  /** Bus address of descriptor 0; 0: no ring was given. */
  get base(): number {
    return (this.#values[this.#high]! >>> 0) * HIGH + (this.#values[this.#low]! >>> 0);
  }

  get index(): number {
    return this.#index;
  }

  /** Descriptors of the ring; as many as there may be until its end was seen. */
  get entries(): number {
    return this.#size === 0 ? RING_MAX : this.#size;
  }

  /** Looks for descriptors with room for `bytes` bytes, and keeps what they say. @returns one of {@link Room} */
  look(bytes: number): number {
    const { base } = this;
    const { arena } = this.#bus;
    let index = this.#index;
    let room = 0;
    this.#count = 0;
    while (room < bytes) {
      if (this.#count === MOST) {
        this.#mistake('descriptor-length', 'SIZE', room, `${MOST} buffers have no room for a frame of ${bytes} bytes`);
        return Room.never;
      }
      const address = base + index * DESCRIPTOR_BYTES;
      if (this.#bus.read(address, arena, this.#fetched, DESCRIPTOR_BYTES) !== DmaFault.none) return Room.fault;
      const place = this.#fetched >> 2;
      let command = arena.u32[place]! | 0;
      // As in the transmit ring: size and OWN may be written as two halves.
      if ((command & OWN) !== 0) command = this.#bus.read32(address);
      if ((command & OWN) === 0) {
        if (this.#size === 0 && index > 0) this.#beyond(base, index);
        return Room.few;
      }
      if ((command & SIZE) === 0) {
        this.#mistake('descriptor-length', 'SIZE', command, 'a receive buffer of no bytes');
        return Room.never;
      }
      const at = WORDS * this.#count++;
      this.#found[at] = command;
      this.#found[at + 1] = arena.u32[place + (RXD_ADDR_LO.at >> 2)]!;
      this.#found[at + 2] = arena.u32[place + (RXD_ADDR_HI.at >> 2)]!;
      room += command & SIZE;
      index = this.#next(index, command);
    }
    return Room.enough;
  }

  /**
   * Writes the frame into what {@link RxRing.look} has found. @param strip without its tag; @param opts1, opts2 status of the
   * last descriptor, without length
   */
  write(frame: LinkFrame, strip: boolean, opts1: number, opts2: number): void {
    const { base } = this;
    const writer = this.#writer;
    writer.begin(frame, strip, true);
    const all = writer.bytes;
    this.#slot.ring = 'RX ring';
    let done = 0;
    for (let i = 0; i < this.#count; i++) {
      const command = this.#found[WORDS * i]!;
      const address = (this.#found[WORDS * i + 2]! >>> 0) * HIGH + (this.#found[WORDS * i + 1]! >>> 0);
      const bytes = Math.min(command & SIZE, all - done);
      const descriptor = base + this.#index * DESCRIPTOR_BYTES;
      const last = done + bytes === all;
      const status = (command & EOR) | (done === 0 ? FS : 0) | (last ? opts1 | LS | all : bytes);
      writer.write(address, done, bytes);
      done += bytes;
      this.#slot.index = this.#index;
      this.#slot.address = descriptor;
      this.#bus.write32(descriptor + RXD_OPTS2.at, last ? opts2 : 0);
      this.#bus.write32(descriptor + RXD_OPTS1.at, status);
      this.#index = this.#next(this.#index, command);
      // Told here, not in `look`: that may look at the same descriptor many times.
      if (this.#index === 0 && (command & EOR) === 0)
        this.#mistake('ring-length', RDSAR_LO[meta].name, RING_MAX, `none of ${RING_MAX} receive descriptors has EOR`);
    }
    writer.end();
  }

  /** As in the transmit ring: descriptor 0 is ours again, and none before `index` told us to go back to it. */
  #beyond(base: number, index: number): void {
    if ((this.#bus.read32(base) & OWN) === 0) return;
    const end = 'and none before it has EOR: the ring has no end';
    this.#mistake(
      'ring-length',
      RDSAR_LO[meta].name,
      index,
      `descriptor 0 has OWN again, descriptor ${index} has not, ${end}`,
    );
  }

  #next(index: number, command: number): number {
    if ((command & EOR) === 0 && index + 1 < RING_MAX) return index + 1;
    this.#size = index + 1;
    return 0;
  }

  #mistake(rule: 'descriptor-length' | 'ring-length', register: string, value: number, message: string): void {
    this.#bus.report({ rule, register, value, message, ref: REF });
  }
}
