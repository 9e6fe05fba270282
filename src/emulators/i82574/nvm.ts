/**
 * 82574L: the flash, through its shadow RAM: EERD and EEWR reach words, EEC tells the type, EEC.FLUPD keeps what was
 * written. Source: 82574 §3.3, chapter 6 and §10.2.2.
 */
import type { Micros } from '../../platform/clock.js';
import { i82574, meta, pick, put, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';

const { EEC, EERD, EEWR, NVM_SUM, NVM_SUM_WORDS, NVM_WORDS } = i82574;
const { NVM_MAC, NVM_ID_LED, NVM_VERSION, NVM_PBA, NVM_INIT1, NVM_INIT2, NVM_INIT3, NVM_CHECKSUM } = i82574;
const { NVM_COMPAT, NVM_SUBSYSTEM, NVM_SUBVENDOR, NVM_DEVICE, NVM_VENDOR, NVM_CHECKSUM_FIX } = i82574;

/** One word of the shadow RAM. */
const ACCESS_TIME = 2;
/** The whole NVM after reset. */
const LOAD_TIME = 1_500;
/** Erasing and writing a sector of the flash. */
const UPDATE_TIME = 40_000;
const NVADDS_FLASH = 3;

type Word = { readonly at: number };
const place = (word: Word, i = 0): number => word.at / 2 + i;

/** The image of a card with station address `mac` (6 bytes). Words that mean nothing here are FFFFh. */
export function nvmImage(mac: Uint8Array): Uint16Array {
  const words = new Uint16Array(NVM_WORDS).fill(0xffff);
  const set = (word: Word, value: number, i = 0): void => {
    words[place(word, i)] = value;
  };
  for (let i = 0; i < 3; i++) set(NVM_MAC, mac[2 * i]! | (mac[2 * i + 1]! << 8), i);
  set(NVM_COMPAT, 0x0420);
  set(NVM_ID_LED, 0xf746); // Drivers then take their own LED settings.
  set(NVM_VERSION, 0x1060);
  set(NVM_PBA, 0xe462, 0);
  set(NVM_PBA, 0x6303, 1);
  set(NVM_INIT1, 0x026b);
  set(NVM_SUBSYSTEM, 0xa01f);
  set(NVM_SUBVENDOR, 0x8086);
  set(NVM_DEVICE, 0x10d3);
  set(NVM_VENDOR, 0x8086);
  set(NVM_INIT2, put(0, NVM_INIT2.PAUSE, 3)); // PAUSE advertised both ways, no management.
  set(NVM_CHECKSUM_FIX, NVM_CHECKSUM_FIX.FIXED);
  set(NVM_INIT3, NVM_INIT3.APME);
  return withNvmChecksum(words);
}

/** The image with a right checksum. */
export function withNvmChecksum(words: Uint16Array): Uint16Array {
  let sum = 0;
  for (let i = 0; i < NVM_SUM_WORDS; i++) if (i !== place(NVM_CHECKSUM)) sum += words[i]!;
  words[place(NVM_CHECKSUM)] = (NVM_SUM - sum) & 0xffff;
  return words;
}

/** The NVM and its registers. */
export class NvmUnit {
  /** The shadow RAM. */
  readonly words = new Uint16Array(NVM_WORDS).fill(0xffff);
  readonly #flash: Uint16Array;
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  #readAt: Micros = 0;
  #writtenAt: Micros = 0;
  #loadedAt: Micros = 0;
  #updatedAt: Micros = 0;

  /** @param flash what is kept; changed in place by EEC.FLUPD */
  constructor(bus: DeviceBus, regs: RegisterFile, flash: Uint16Array) {
    this.#bus = bus;
    this.#regs = regs;
    this.#flash = flash;
    this.words.set(flash.subarray(0, NVM_WORDS));
    regs.on(EEC, { read: (stored) => this.#state(stored), write: (value) => this.#control(value) });
    regs.on(EERD, { read: (stored) => this.#result(stored), write: (value) => this.#read(value) });
    regs.on(EEWR, { read: (stored) => this.#done(stored, this.#writtenAt), write: (value) => this.#write(value) });
  }

  /** After any reset of the MAC: the NVM is read again. What was written and not kept is lost only with the power. */
  reset(): void {
    this.#loadedAt = this.#bus.now + this.#time(LOAD_TIME);
    this.#readAt = this.#writtenAt = this.#updatedAt = this.#bus.now;
    this.#regs.set(EEC, put(put(0, EEC.FWE, 1), EEC.NVADDS, NVADDS_FLASH) | EEC.EE_PRES | EEC.NVMTYP);
  }

  /** Power-on: the shadow RAM is what the flash holds. */
  powerOn(): void {
    this.words.set(this.#flash.subarray(0, NVM_WORDS));
  }

  /** A byte of the flash, for its BAR. */
  byte(at: number): number {
    const word = this.#flash[at >> 1] ?? 0xffff;
    return (at & 1) === 0 ? word & 0xff : word >> 8;
  }

  #time(most: Micros): Micros {
    return this.#bus.schedule === 'timed' ? most : this.#bus.delay(most);
  }

  #state(stored: number): number {
    return (
      (this.#bus.now >= this.#loadedAt ? stored | EEC.AUTO_RD : stored) |
      (this.#bus.now < this.#updatedAt ? EEC.FLUPD : 0)
    );
  }

  #control(value: number): void {
    if ((value & EEC.EE_REQ) !== 0) this.#regs.raise(EEC, EEC.EE_GNT);
    else {
      this.#regs.lower(EEC, EEC.EE_GNT);
      if ((value & (EEC.EE_SK | EEC.EE_CS | EEC.EE_DI)) !== 0)
        this.#mistake(EEC, value, 'the NVM pins were driven without EE_REQ');
    }
    if ((value & EEC.FLUPD) === 0) return;
    this.#regs.lower(EEC, EEC.FLUPD);
    this.#flash.set(this.words.subarray(0, this.#flash.length));
    this.#updatedAt = this.#bus.now + this.#time(UPDATE_TIME);
  }

  #read(value: number): void {
    if ((value & EERD.START) === 0) return;
    const address = pick(value, EERD.ADDR);
    this.#inside(EERD, address, value);
    this.#readAt = this.#bus.now + this.#time(ACCESS_TIME);
    this.#regs.set(EERD, put(put(0, EERD.ADDR, address), EERD.DATA, this.words[address] ?? 0xffff));
  }

  #result(stored: number): number {
    return this.#bus.now < this.#readAt ? stored & ~EERD.DATA : this.#done(stored, this.#readAt);
  }

  #done(stored: number, at: Micros): number {
    return this.#bus.now < at ? stored & ~EERD.DONE : stored | EERD.DONE;
  }

  #write(value: number): void {
    if ((value & EEWR.START) === 0) return;
    this.#regs.lower(EEWR, EEWR.START);
    const address = pick(value, EEWR.ADDR);
    if (this.#inside(EEWR, address, value)) this.words[address] = pick(value, EEWR.DATA);
    this.#writtenAt = this.#bus.now + this.#time(ACCESS_TIME);
  }

  #inside(register: typeof EERD | typeof EEWR, address: number, value: number): boolean {
    if (address < NVM_WORDS) return true;
    this.#mistake(register, value, `word ${address} is outside the NVM`);
    return false;
  }

  #mistake(register: typeof EEC | typeof EERD | typeof EEWR, value: number, message: string): void {
    this.#bus.report({
      rule: 'nvm-access',
      register: register[meta].name,
      value,
      message,
      ref: register[meta].ref,
    });
  }
}
