/** PAUSE frames, obeyed and sent when both ends have agreed on it. Source: 802.3 annex 31B. */
import type { LinkFrame } from '../../link/port.js';
import { type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { FilterUnit } from './filter.js';

const { IDR0, IDR4 } = rtl8168h;

const MAC_CONTROL = 0x8808;
const PAUSE_OPCODE = 1;
const FRAME_BYTES = 60;
/** 01-80-C2-00-00-01, to which PAUSE goes (802.3 §31B.1): its first four bytes, its last two. */
const GROUP_LOW = 0x00c28001;
const GROUP_HIGH = 0x0100;
/** Bits of one pause quantum. */
const QUANTUM = 512;
const LONGEST = 0xffff;

/** What flow control needs of the rest of the chip. */
export interface FlowOwner {
  /** Mbit/s. */
  speed(): number;
  /** Both ends obey PAUSE. */
  agreed(): boolean;
  /** FIFO levels in bytes; `high` 0: PAUSE is never sent. */
  levels(): { readonly high: number; readonly low: number };
  emit(frame: LinkFrame): void;
  /** The transmitter may go on. */
  resume(): void;
}

/** The flow control unit. */
export class FlowControl {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #filter: FilterUnit;
  readonly #owner: FlowOwner;
  readonly #alarm: ModelAlarm;
  readonly #frame: LinkFrame;
  #stopped = false;

  constructor(bus: DeviceBus, regs: RegisterFile, filter: FilterUnit, owner: FlowOwner) {
    this.#bus = bus;
    this.#regs = regs;
    this.#filter = filter;
    this.#owner = owner;
    this.#alarm = bus.alarm(() => owner.resume());
    this.#frame = { arena: bus.arena, offset: bus.allocBuffer(64), length: FRAME_BYTES, fcsOk: true };
  }

  reset(): void {
    this.#alarm.cancel();
    this.#stopped = false;
  }

  /** The partner has paused our transmitter. */
  get paused(): boolean {
    return this.#alarm.armed;
  }

  /** MAC control frames to us or to their group end here, whatever was agreed. True: it was one. */
  takes(frame: LinkFrame): boolean {
    const { u8 } = frame.arena;
    const at = frame.offset;
    if (((u8[at + 12]! << 8) | u8[at + 13]!) !== MAC_CONTROL) return false;
    const low = u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24);
    const high = u8[at + 4]! | (u8[at + 5]! << 8);
    if (!(low === GROUP_LOW && high === GROUP_HIGH) && !this.#filter.isOurs(u8, at)) return false;
    if (((u8[at + 14]! << 8) | u8[at + 15]!) === PAUSE_OPCODE && this.#owner.agreed())
      this.#obey((u8[at + 16]! << 8) | u8[at + 17]!);
    return true;
  }

  /** The receive FIFO holds `used` bytes. */
  level(used: number): void {
    if (!this.#stopped && used === 0) return;
    const { high, low } = this.#owner.levels();
    if (!this.#stopped && high > 0 && used > high && this.#owner.agreed()) {
      this.#stopped = true;
      this.#send(LONGEST);
    } else if (this.#stopped && used <= low) {
      this.#stopped = false;
      if (this.#owner.agreed()) this.#send(0);
    }
  }

  #obey(quanta: number): void {
    if (quanta === 0) {
      this.#alarm.cancel();
      this.#owner.resume();
    } else this.#alarm.arm(this.#bus.now + Math.ceil((quanta * QUANTUM) / this.#owner.speed()));
  }

  #send(quanta: number): void {
    const { u8, view } = this.#bus.arena;
    const at = this.#frame.offset;
    u8.fill(0, at, at + FRAME_BYTES);
    view.setInt32(at, GROUP_LOW, true);
    view.setUint16(at + 4, GROUP_HIGH, true);
    view.setInt32(at + 6, this.#regs.get(IDR0), true);
    view.setUint16(at + 10, this.#regs.get(IDR4) & IDR4.VALUE, true);
    view.setUint16(at + 12, MAC_CONTROL);
    view.setUint16(at + 14, PAUSE_OPCODE);
    view.setUint16(at + 16, quanta);
    this.#owner.emit(this.#frame);
  }
}
