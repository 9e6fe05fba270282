/** PAUSE frames, obeyed and sent when both ends have agreed on it. Source: 802.3 annex 31B. */
import type { LinkFrame } from '../../link/port.js';
import { type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { isAddress } from '../offload/addresses.js';
import { MAC_CONTROL, PAUSE_HIGH, PAUSE_LOW, type PauseOwner, PauseUnit, quantaOf } from '../offload/pause.js';
import type { FilterUnit } from './filter.js';

const { IDR0, IDR4 } = rtl8168h;

/** The longest pause: no register has another one. */
const LONGEST = 0xffff;

/** What flow control needs of the rest of the chip. */
export interface FlowOwner extends PauseOwner {
  /** Both ends obey PAUSE. */
  agreed(): boolean;
  /** FIFO levels in bytes; `high` 0: PAUSE is never sent. */
  levels(): { readonly high: number; readonly low: number };
}

/** The flow control unit. */
export class FlowControl {
  readonly #regs: RegisterFile;
  readonly #filter: FilterUnit;
  readonly #owner: FlowOwner;
  readonly #pause: PauseUnit;
  /** We have asked the partner to pause. */
  #stopped = false;

  constructor(bus: DeviceBus, regs: RegisterFile, filter: FilterUnit, owner: FlowOwner) {
    this.#regs = regs;
    this.#filter = filter;
    this.#owner = owner;
    this.#pause = new PauseUnit(bus, owner);
  }

  reset(): void {
    this.#pause.reset();
    this.#stopped = false;
  }

  /** The partner has paused our transmitter. */
  get paused(): boolean {
    return this.#pause.paused;
  }

  /** MAC control frames to us or to their group end here, whatever was agreed. True: it was one. */
  takes(frame: LinkFrame): boolean {
    const { u8 } = frame.arena;
    const at = frame.offset;
    if (((u8[at + 12]! << 8) | u8[at + 13]!) !== MAC_CONTROL) return false;
    if (!isAddress(u8, at, PAUSE_LOW, PAUSE_HIGH) && !this.#filter.isOurs(u8, at)) return false;
    const quanta = quantaOf(u8, at);
    if (quanta >= 0 && this.#owner.agreed()) this.#pause.obey(quanta);
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

  #send(quanta: number): void {
    const regs = this.#regs;
    this.#pause.send(quanta, MAC_CONTROL, PAUSE_LOW, PAUSE_HIGH, regs.get(IDR0), regs.get(IDR4) & IDR4.VALUE);
  }
}
