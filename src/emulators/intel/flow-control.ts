/** PAUSE frames, obeyed (CTRL.RFCE) and sent (CTRL.TFCE). Source: 802.3 annex 31B; 8254x §3.7.5; 82574 §3.2. */
import type { LinkFrame } from '../../link/port.js';
import { i82540em, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { IntelRegisters } from './chip.js';
import type { StatisticsUnit } from './statistics.js';

const { CTRL, FCRTL, FCRTH, STATUS, RAH } = i82540em;

const PAUSE_OPCODE = 1;
const FRAME_BYTES = 60;
/** Bits of one pause quantum. */
const QUANTUM = 512;

/** What flow control needs of the rest of the chip. */
export interface FlowOwner {
  readonly speed: number;
  emit(frame: LinkFrame): void;
  /** The transmitter may go on. */
  resume(): void;
}

/** The flow control unit. */
export class FlowControl {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #map: IntelRegisters;
  readonly #statistics: StatisticsUnit;
  readonly #owner: FlowOwner;
  readonly #alarm: ModelAlarm;
  readonly #frame: LinkFrame;
  readonly #fct: number;
  readonly #ctrl: number;
  #stopped = false;

  constructor(bus: DeviceBus, regs: RegisterFile, map: IntelRegisters, statistics: StatisticsUnit, owner: FlowOwner) {
    this.#bus = bus;
    this.#regs = regs;
    this.#map = map;
    this.#fct = regs.slot(map.FCT);
    this.#ctrl = regs.slot(map.CTRL);
    this.#statistics = statistics;
    this.#owner = owner;
    this.#alarm = bus.alarm(() => owner.resume());
    this.#frame = { arena: bus.arena, offset: bus.allocBuffer(64), length: FRAME_BYTES, fcsOk: true };
  }

  reset(): void {
    this.#alarm.cancel();
    this.#stopped = false;
  }

  /** The transmitter is paused by the partner. */
  get paused(): boolean {
    return this.#alarm.armed;
  }

  /** Bits of STATUS that show the pause. */
  get status(): number {
    return this.paused ? STATUS.TXOFF : 0;
  }

  /** Is the frame at `at` a PAUSE frame to the address in FCAL and FCAH, or to our own? */
  isPause(u8: Uint8Array, at: number): boolean {
    const type = this.#regs.values[this.#fct]!;
    if (u8[at + 12] !== type >> 8 || u8[at + 13] !== (type & 0xff)) return false;
    const low = u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24);
    const high = u8[at + 4]! | (u8[at + 5]! << 8);
    const group = low === this.#regs.get(this.#map.FCAL) && high === this.#regs.get(this.#map.FCAH);
    return group || (low === this.#regs.get(this.#map.RAL) && high === (this.#regs.get(this.#map.RAH) & RAH.RAH));
  }

  /** Takes a MAC control frame. */
  received(u8: Uint8Array, at: number): void {
    if (((u8[at + 14]! << 8) | u8[at + 15]!) !== PAUSE_OPCODE) {
      this.#statistics.count(this.#map.FCRUC);
      return;
    }
    const quanta = (u8[at + 16]! << 8) | u8[at + 17]!;
    this.#statistics.count(quanta === 0 ? this.#map.XONRXC : this.#map.XOFFRXC);
    if ((this.#regs.get(this.#map.CTRL) & CTRL.RFCE) === 0) return;
    if (quanta === 0) {
      this.#alarm.cancel();
      this.#owner.resume();
    } else this.#alarm.arm(this.#bus.now + Math.ceil((quanta * QUANTUM) / this.#owner.speed));
  }

  /** The receive FIFO holds `used` bytes: sends XOFF above FCRTH and XON below FCRTL. */
  level(used: number): void {
    if ((this.#regs.values[this.#ctrl]! & CTRL.TFCE) === 0) return;
    const high = this.#regs.get(this.#map.FCRTH) & FCRTH.RTH;
    if (!this.#stopped && high > 0 && used > high) {
      this.#stopped = true;
      this.#statistics.count(this.#map.XOFFTXC);
      this.#send(this.#regs.get(this.#map.FCTTV) & 0xffff);
    } else if (this.#stopped && used < (this.#regs.get(this.#map.FCRTL) & FCRTL.RTL)) {
      this.#stopped = false;
      if ((this.#regs.get(this.#map.FCRTL) & FCRTL.XONE) === 0) return;
      this.#statistics.count(this.#map.XONTXC);
      this.#send(0);
    }
  }

  /** TCTL.SWXOFF: software asks for one XOFF. */
  sendXoff(): void {
    this.#statistics.count(this.#map.XOFFTXC);
    this.#send(this.#regs.get(this.#map.FCTTV) & 0xffff);
  }

  #send(quanta: number): void {
    const { u8, view } = this.#bus.arena;
    const at = this.#frame.offset;
    u8.fill(0, at, at + FRAME_BYTES);
    view.setInt32(at, this.#regs.get(this.#map.FCAL), true);
    view.setUint16(at + 4, this.#regs.get(this.#map.FCAH), true);
    view.setInt32(at + 6, this.#regs.get(this.#map.RAL), true);
    view.setUint16(at + 10, this.#regs.get(this.#map.RAH), true);
    view.setUint16(at + 12, this.#regs.get(this.#map.FCT));
    view.setUint16(at + 14, PAUSE_OPCODE);
    view.setUint16(at + 16, quanta);
    this.#owner.emit(this.#frame);
  }
}
