/**
 * The receive ring: it looks whether it owns enough descriptors for a frame, then fills their buffers and gives them back, the
 * word with OWN last. Nobody tells the ring's length: the descriptor with EOR ends it. RTL8125B has a second form of 32 bytes.
 * Source: RTL8169 specification, Rx descriptor; r8169 rtl_rx, FreeBSD re_rxeof for frames in several descriptors; for the form of
 * 32 bytes r8125 rtl8125_rx_interrupt and OpenBSD rge_rxeof.
 */
import type { LinkFrame } from '../../link/port.js';
import { meta, pick, type RegisterFile, rtl8125b, rtl8168h } from '../../registers/index.js';
import { type DeviceBus, DmaFault, type FrameDescriptor } from '../function.js';
import { FrameWriter } from '../offload/frame-writer.js';
import type { RxFormat, RxRingRegisters, Spreading } from './chip.js';

const { DESCRIPTOR_BYTES, RING_MAX } = rtl8168h;
const { RXD_COMMAND, RXD_OPTS1, RXD_OPTS2, RXD_ADDR_LO, RXD_ADDR_HI } = rtl8168h;
const { OWN, EOR, SIZE } = RXD_COMMAND;
const { FS, LS } = RXD_OPTS1;
const { RX_DESCRIPTOR_V3_BYTES, RXD3_COMMAND, RXD3_OPTS1, RXD3_OPTS2 } = rtl8125b;
const { RXD3_ADDR_LO, RXD3_ADDR_HI, RXD3_HASH, RXD3_INFO } = rtl8125b;
const REF = 'RTL8169 specification, Rx descriptor §opts';
const HIGH = 0x1_0000_0000;

/** A frame has at most so many descriptors; drivers that split frames at all use four. */
const MOST = 64;
/** Words kept of each: command, low and high address. */
const WORDS = 3;

/** Values of RXD_OPTS1.PID. */
export const Protocol = { tcp: 1, udp: 2 } as const;

/** What {@link RxRing.look} found. */
export const Room = { enough: 0, few: 1, never: 2, fault: 3 } as const;

/** The ring. */
export class RxRing {
  readonly registers: RxRingRegisters;
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #slot: FrameDescriptor;
  readonly #pieces: boolean;
  readonly #writer: FrameWriter;
  readonly #low: number;
  readonly #high: number;
  readonly #fetched: number;
  /** Descriptors that the frame under way gets. */
  readonly #found = new Int32Array(MOST * WORDS);
  #count = 0;
  #index = 0;
  #size = 0;

  constructor(
    bus: DeviceBus,
    regs: RegisterFile,
    slot: FrameDescriptor,
    registers: RxRingRegisters,
    { pieces, wide }: RxFormat,
  ) {
    this.registers = registers;
    this.#bus = bus;
    this.#values = regs.values;
    this.#slot = slot;
    this.#pieces = pieces;
    this.#writer = new FrameWriter(bus);
    const { low, high, index } = registers;
    [this.#low, this.#high] = [regs.slot(low) + index, regs.slot(high) + index];
    this.#fetched = bus.allocBuffer(wide === 0 ? DESCRIPTOR_BYTES : RX_DESCRIPTOR_V3_BYTES);
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

  /** Looks for descriptors with room for `bytes` bytes, and keeps what they say. @param wide they have 32 bytes; @returns one of {@link Room} */
  look(bytes: number, wide: boolean): number {
    const { base } = this;
    const { arena } = this.#bus;
    const each = wide ? RX_DESCRIPTOR_V3_BYTES : DESCRIPTOR_BYTES;
    const word = wide ? RXD3_COMMAND.at : RXD_COMMAND.at;
    const low = wide ? RXD3_ADDR_LO.at : RXD_ADDR_LO.at;
    const high = wide ? RXD3_ADDR_HI.at : RXD_ADDR_HI.at;
    let index = this.#index;
    let room = 0;
    this.#count = 0;
    while (room < bytes) {
      if (this.#count === MOST) {
        this.#mistake('descriptor-length', 'SIZE', room, `${MOST} buffers have no room for a frame of ${bytes} bytes`);
        return Room.never;
      }
      const address = base + index * each;
      if (this.#bus.read(address, arena, this.#fetched, each) !== DmaFault.none) return Room.fault;
      let command = arena.u32[(this.#fetched + word) >> 2]! | 0;
      // As in the transmit ring: size and OWN may be written as two halves.
      if ((command & OWN) !== 0) command = this.#bus.read32(address + word);
      if ((command & OWN) === 0) {
        if (this.#size === 0 && index > 0) this.#beyond(base + word, index);
        return Room.few;
      }
      if ((command & SIZE) === 0) {
        this.#mistake('descriptor-length', 'SIZE', command, 'a receive buffer of no bytes');
        return Room.never;
      }
      const at = WORDS * this.#count++;
      this.#found[at] = command;
      this.#found[at + 1] = arena.u32[(this.#fetched + low) >> 2]!;
      this.#found[at + 2] = arena.u32[(this.#fetched + high) >> 2]!;
      room += command & SIZE;
      index = this.#next(index, command);
    }
    return Room.enough;
  }

  /**
   * Writes the frame into what {@link RxRing.look} has found. @param strip without its tag; @param opts1, opts2 status of the
   * last descriptor in the form of 16 bytes, without length; @param wide into descriptors of 32 bytes, with this hash
   */
  write(frame: LinkFrame, strip: boolean, opts1: number, opts2: number, wide: Spreading | undefined): void {
    const { base } = this;
    const writer = this.#writer;
    writer.begin(frame, strip, true);
    const all = writer.bytes;
    this.#slot.ring = this.registers.name;
    let done = 0;
    for (let i = 0; i < this.#count; i++) {
      const command = this.#found[WORDS * i]!;
      const address = (this.#found[WORDS * i + 2]! >>> 0) * HIGH + (this.#found[WORDS * i + 1]! >>> 0);
      const bytes = Math.min(command & SIZE, all - done);
      const descriptor = base + this.#index * (wide === undefined ? DESCRIPTOR_BYTES : RX_DESCRIPTOR_V3_BYTES);
      const first = done === 0;
      writer.write(address, done, bytes);
      done += bytes;
      const last = done === all;
      this.#slot.index = this.#index;
      this.#slot.address = descriptor;
      if (wide === undefined) {
        const length = last && !this.#pieces ? all : bytes;
        const status = (command & EOR) | (first ? FS : 0) | (last ? opts1 | LS : 0) | length;
        this.#bus.write32(descriptor + RXD_OPTS2.at, last ? opts2 : 0);
        this.#bus.write32(descriptor + RXD_OPTS1.at, status);
      } else {
        const ends = (first ? RXD3_OPTS1.FS : 0) | (last ? wideStatus(opts1) | RXD3_OPTS1.LS : 0);
        this.#bus.write32(descriptor + RXD3_HASH.at, last ? wide.hash : 0);
        this.#bus.write32(descriptor + RXD3_INFO.at, last ? wide.info : 0);
        this.#bus.write32(descriptor + RXD3_OPTS2.at, last ? wideFindings(opts1, opts2) : 0);
        this.#bus.write32(descriptor + RXD3_OPTS1.at, (command & EOR) | ends | bytes);
      }
      this.#index = this.#next(this.#index, command);
      // Told here, not in `look`: that may look at the same descriptor many times.
      if (this.#index === 0 && (command & EOR) === 0)
        this.#mistake('ring-length', this.#name, RING_MAX, `none of ${RING_MAX} receive descriptors has EOR`);
    }
    writer.end();
  }

  /** As in the transmit ring: descriptor 0 is ours again, and none before `index` told us to go back to it. @param command where its word is */
  #beyond(command: number, index: number): void {
    if ((this.#bus.read32(command) & OWN) === 0) return;
    const end = 'and none before it has EOR: the ring has no end';
    this.#mistake('ring-length', this.#name, index, `descriptor 0 has OWN again, descriptor ${index} has not, ${end}`);
  }

  get #name(): string {
    return this.registers.low[meta].name;
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

/** RXD_OPTS1 as RXD3_OPTS1 has it; who the frame was for has no known place there. */
function wideStatus(opts1: number): number {
  return (
    ((opts1 & RXD_OPTS1.CRC) !== 0 ? RXD3_OPTS1.CRC : 0) |
    ((opts1 & RXD_OPTS1.RUNT) !== 0 ? RXD3_OPTS1.RUNT : 0) |
    ((opts1 & RXD_OPTS1.RES) !== 0 ? RXD3_OPTS1.RES : 0)
  );
}

/**
 * What was found out about the frame, as RXD3_OPTS2 has it. Drivers look at the bits TCP and UDP one by one: neither is set for
 * other IP, which would be vouched for (r8125 rtl8125_rx_v3_csum, OpenBSD rge_rxeof).
 */
function wideFindings(opts1: number, opts2: number): number {
  const kind = pick(opts1, RXD_OPTS1.PID);
  return (
    (opts2 & (RXD_OPTS2.VLAN_TAG | RXD_OPTS2.TAVA | RXD_OPTS2.IPV4 | RXD_OPTS2.IPV6)) |
    (kind === Protocol.tcp ? RXD3_OPTS2.TCP : kind === Protocol.udp ? RXD3_OPTS2.UDP : 0) |
    ((opts1 & RXD_OPTS1.IPF) !== 0 ? RXD3_OPTS2.IPF : 0) |
    ((opts1 & RXD_OPTS1.TCPF) !== 0 ? RXD3_OPTS2.TCPF : 0) |
    ((opts1 & RXD_OPTS1.UDPF) !== 0 ? RXD3_OPTS2.UDPF : 0)
  );
}
