/**
 * The indirect windows: a command register, a data register (often the same), a flag that tells when it is done. What
 * stands behind is somebody else's. Polarity comes from the declaration of the window.
 */
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, maskOf, meta, pick, put, type RegisterFile, type rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';

/** What stands behind a window. Any address and value may come. */
export interface WindowTarget {
  /**
   * @param address in bytes: ADDR as it is, REG times 2
   * @param space which space, for windows onto several (ERIAR.TYPE, CSIAR.FUNC); otherwise 0
   */
  read(address: number, space: number): number;
  /** @param mask ones where the access carries bytes (BYTE_EN), otherwise all of them */
  write(address: number, value: number, mask: number, space: number): void;
}

/**
 * How long an access takes in the timed schedule: the 20 us that RTL8169's document asks software to leave after a command
 * (register 60h, PHYAR). Drivers wait 250 us for the fastest window (r8169, GPHY_OCP), so lateness stays below that.
 */
const ACCESS_TIME: Micros = 20;
const LATEST: Micros = 100;
/**
 * Software that does not look at the flag must wait as long as an access can take, and drivers allow for 1 ms (r8168) up to
 * 20 ms (FreeBSD re, RL_PHY_TIMEOUT polls of 10 us). On a real clock less would tell nothing: between two writes that a guest makes
 * without a pause, its host may stop it for some milliseconds.
 */
const UNSEEN: Micros = 10_000;

/** Bits of a field of the command register; 0 where it has none of that name. */
function field(register: AnyReg, name: string): number {
  const found = register[meta].fields[name];
  return found === undefined ? 0 : maskOf(found);
}

/** Byte lanes of a mask with a bit for each byte. */
function lanes(bytes: number): number {
  return (bytes & 1 ? 0xff : 0) | (bytes & 2 ? 0xff00 : 0) | (bytes & 4 ? 0xff_0000 : 0) | (bytes & 8 ? 0xff << 24 : 0);
}

/** One window. An access has its effect at the command; only its flag and its data come late. */
export class WindowUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #window: rtl8168h.Window;
  readonly #target: WindowTarget;
  readonly #address: number;
  readonly #high: number;
  readonly #number: number;
  readonly #bytes: number;
  readonly #space: number;
  readonly #data: number;
  #kind: 'none' | 'write' | 'read' = 'none';
  #startedAt: Micros = 0;
  #doneAt: Micros = 0;
  /** Software has looked at the flag since the command. */
  #looked = true;
  /** What the last read brought, until it is shown. */
  #result = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, window: rtl8168h.Window, target: WindowTarget) {
    this.#bus = bus;
    this.#regs = regs;
    this.#window = window;
    this.#target = target;
    const { command, data } = window;
    this.#address = field(command, 'ADDR');
    this.#high = field(command, 'ADDR_HI');
    this.#number = field(command, 'REG');
    this.#bytes = field(command, 'BYTE_EN');
    this.#space = field(command, 'TYPE') | field(command, 'FUNC');
    this.#data = data === command ? field(command, 'DATA') : 0;
    regs.on(command, {
      read: (stored) => this.#polled(stored),
      peek: (stored) => this.#state(stored),
      write: (value) => this.#begin(value),
    });
    if (data !== command) regs.on(data, { read: (stored) => this.#taken(stored), peek: (stored) => stored });
  }

  /** An access under way is forgotten; the registers are the register file's to reset. */
  reset(): void {
    this.#kind = 'none';
    this.#looked = true;
    this.#doneAt = 0;
  }

  /** Software cannot know yet that the last access is done: too early, or it has neither read the flag nor waited. */
  get #busy(): boolean {
    const { now } = this.#bus;
    return this.#kind !== 'none' && (now < this.#doneAt || (!this.#looked && now < this.#startedAt + UNSEEN));
  }

  #begin(value: number): void {
    const { command, data, flag, writeDone, readDone } = this.#window;
    const writes = (value & flag) !== 0;
    const polled = (writes ? writeDone : readDone) !== undefined;
    if (this.#busy) this.#mistake(value, 'a command was begun before the last one was done');
    const address =
      this.#number !== 0
        ? 2 * pick(value, this.#number)
        : pick(value, this.#address) | (this.#high === 0 ? 0 : pick(value, this.#high) << bitsOf(this.#address));
    const space = this.#space === 0 ? 0 : pick(value, this.#space);
    const combined = this.#data !== 0;
    if (writes) {
      const mask = combined ? 0xffff : this.#bytes === 0 ? -1 : lanes(pick(value, this.#bytes));
      this.#target.write(address, combined ? pick(value, this.#data) : this.#regs.get(data), mask, space);
    } else {
      this.#result = this.#target.read(address, space);
      if (combined) this.#regs.set(command, put(value, this.#data, this.#result));
    }
    this.#kind = polled ? (writes ? 'write' : 'read') : 'none';
    const { now, schedule } = this.#bus;
    this.#startedAt = now;
    this.#doneAt = now + (!polled ? 0 : schedule === 'timed' ? ACCESS_TIME : this.#bus.delay(LATEST));
    this.#looked = !polled;
  }

  /** Software reads the command register: it knows the flag now, and what a read has brought is there. */
  #polled(stored: number): number {
    const state = this.#state(stored);
    this.#looked = true;
    if (this.#data === 0 && this.#bus.now >= this.#doneAt) this.#show();
    return state;
  }

  /** The command register as it reads. */
  #state(stored: number): number {
    if (this.#kind === 'none') return stored;
    const { flag, writeDone, readDone } = this.#window;
    const done = this.#kind === 'write' ? writeDone : readDone;
    if (this.#bus.now >= this.#doneAt) return done === 1 ? stored | flag : stored & ~flag;
    const waiting = this.#kind === 'read' && this.#data !== 0 ? put(stored, this.#data, 0) : stored;
    return done === 1 ? waiting & ~flag : waiting | flag;
  }

  /** The data register is read: before the read is done it still has what it had. */
  #taken(stored: number): number {
    if (this.#kind !== 'read') return stored;
    if (this.#busy)
      this.#mistake(this.#regs.get(this.#window.command), 'its data was read before the flag said that it is there');
    return this.#bus.now < this.#doneAt ? stored : this.#show();
  }

  /** The result of a read reaches the data register, where software may write it over again. */
  #show(): number {
    const { command, data, flag, readDone } = this.#window;
    if (this.#kind === 'read') {
      this.#kind = 'none';
      this.#regs.set(data, this.#result);
      if (readDone === 1) this.#regs.raise(command, flag);
      else this.#regs.lower(command, flag);
    }
    return this.#regs.get(data);
  }

  #mistake(value: number, message: string): void {
    const { name, ref } = this.#window.command[meta];
    this.#bus.report({ rule: 'command-busy', register: name, value, message, ref });
  }
}

function bitsOf(mask: number): number {
  return 32 - Math.clz32(mask) - (31 - Math.clz32(mask & -mask));
}
