/**
 * The two ends of PAUSE that every MAC has: a transmitter that stands still for some time, and the frame that asks the partner
 * for it. When to do so is the chip's to say. Source: 802.3 annex 31B.
 */
import type { LinkFrame } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import type { DeviceBus, ModelAlarm } from '../function.js';

/** Type of MAC control frames. */
export const MAC_CONTROL = 0x8808;
/** 01-80-C2-00-00-01, to which PAUSE goes (802.3 §31B.1): its first four bytes, its last two. */
export const PAUSE_LOW = 0x00c28001;
export const PAUSE_HIGH = 0x0100;

const OPCODE = 1;
const FRAME_BYTES = 60;
/** Bits of one pause quantum. */
const QUANTUM = 512;

/** What PAUSE needs of the rest of a chip. */
export interface PauseOwner {
  /** Mbit/s of the link. */
  readonly speed: number;
  emit(frame: LinkFrame): void;
  /** The transmitter may go on. */
  resume(): void;
}

/** Pause quanta that the MAC control frame at `at` asks for; -1 when it asks for something else. */
export function quantaOf(u8: Uint8Array, at: number): number {
  return ((u8[at + 14]! << 8) | u8[at + 15]!) === OPCODE ? (u8[at + 16]! << 8) | u8[at + 17]! : -1;
}

/** Obeys PAUSE and sends it. */
export class PauseUnit {
  readonly #bus: DeviceBus;
  readonly #owner: PauseOwner;
  readonly #alarm: ModelAlarm;
  readonly #frame: LinkFrame;

  constructor(bus: DeviceBus, owner: PauseOwner) {
    this.#bus = bus;
    this.#owner = owner;
    this.#alarm = bus.alarm(() => owner.resume());
    this.#frame = { arena: bus.arena, offset: bus.allocBuffer(64), length: FRAME_BYTES, fcsOk: true };
  }

  reset(): void {
    this.#alarm.cancel();
  }

  /** The transmitter is paused by the partner. */
  get paused(): boolean {
    return this.#alarm.armed;
  }

  /** The partner asks for so many quanta, 0: it takes frames again. */
  obey(quanta: number): void {
    if (quanta === 0) {
      this.#alarm.cancel();
      this.#owner.resume();
      return;
    }
    const time: Micros = Math.ceil((quanta * QUANTUM) / this.#owner.speed);
    this.#alarm.arm(this.#bus.now + time);
  }

  /** Asks the partner for `quanta` quanta. Addresses are words: bytes 0 to 3, and 4 to 5. @param type {@link MAC_CONTROL} */
  send(quanta: number, type: number, toLow: number, toHigh: number, fromLow: number, fromHigh: number): void {
    const { u8, view } = this.#bus.arena;
    const at = this.#frame.offset;
    u8.fill(0, at, at + FRAME_BYTES);
    view.setInt32(at, toLow, true);
    view.setUint16(at + 4, toHigh, true);
    view.setInt32(at + 6, fromLow, true);
    view.setUint16(at + 10, fromHigh, true);
    view.setUint16(at + 12, type);
    view.setUint16(at + 14, OPCODE);
    view.setUint16(at + 16, quanta);
    this.#owner.emit(this.#frame);
  }
}
