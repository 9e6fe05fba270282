/** PAUSE frames, obeyed (CTRL.RFCE) and sent (CTRL.TFCE). Source: 802.3 annex 31B; 8254x §3.7.5; 82574 §3.2. */
import { i82540em, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { isAddress } from '../offload/addresses.js';
import { type PauseOwner, PauseUnit, quantaOf } from '../offload/pause.js';
import type { IntelRegisters } from './chip.js';
import type { StatisticsUnit } from './statistics.js';

const { CTRL, FCRTL, FCRTH, STATUS } = i82540em;
/** The bytes of an address in RAH. */
const OURS = i82540em.RAH.RAH;

/** The flow control unit. */
export class FlowControl {
  readonly #regs: RegisterFile;
  readonly #map: IntelRegisters;
  readonly #statistics: StatisticsUnit;
  readonly #pause: PauseUnit;
  readonly #fct: number;
  readonly #ctrl: number;
  #stopped = false;

  constructor(bus: DeviceBus, regs: RegisterFile, map: IntelRegisters, statistics: StatisticsUnit, owner: PauseOwner) {
    this.#regs = regs;
    this.#map = map;
    this.#fct = regs.slot(map.FCT);
    this.#ctrl = regs.slot(map.CTRL);
    this.#statistics = statistics;
    this.#pause = new PauseUnit(bus, owner);
  }

  reset(): void {
    this.#pause.reset();
    this.#stopped = false;
  }

  /** The transmitter is paused by the partner. */
  get paused(): boolean {
    return this.#pause.paused;
  }

  /** Bits of STATUS that show the pause. */
  get status(): number {
    return this.paused ? STATUS.TXOFF : 0;
  }

  /** Is the frame at `at` a PAUSE frame to the address in FCAL and FCAH, or to our own? */
  isPause(u8: Uint8Array, at: number): boolean {
    const type = this.#regs.values[this.#fct]!;
    if (u8[at + 12] !== type >> 8 || u8[at + 13] !== (type & 0xff)) return false;
    const regs = this.#regs;
    const { FCAL, FCAH, RAL, RAH } = this.#map;
    return isAddress(u8, at, regs.get(FCAL), regs.get(FCAH)) || isAddress(u8, at, regs.get(RAL), regs.get(RAH) & OURS);
  }

  /** Takes a MAC control frame. */
  received(u8: Uint8Array, at: number): void {
    const quanta = quantaOf(u8, at);
    if (quanta < 0) {
      this.#statistics.count(this.#map.FCRUC);
      return;
    }
    this.#statistics.count(quanta === 0 ? this.#map.XONRXC : this.#map.XOFFRXC);
    if ((this.#regs.get(this.#map.CTRL) & CTRL.RFCE) !== 0) this.#pause.obey(quanta);
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
    const regs = this.#regs;
    const { FCT, FCAL, FCAH, RAL, RAH } = this.#map;
    const type = regs.get(FCT);
    this.#pause.send(quanta, type, regs.get(FCAL), regs.get(FCAH), regs.get(RAL), regs.get(RAH) & OURS);
  }
}
