/** 82540EM: what the 64-word EEPROM holds, and its two ways of access. Source: 8254x §5.6 and §13.4.3-4. */

import { NEVER } from '../../platform/clock.js';
import { i82540em, pick, put, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { MicrowireEeprom } from '../nvm/microwire.js';

const { EECD, EERD } = i82540em;

/** Sum of words 0 to 3Fh. */
const CHECKSUM = 0xbaba;
const WORDS = 64;
/** A read by EERD: command, address and 16 data bits at 1 MHz. */
const EERD_TIME = 32;

/** The EEPROM image of a board with station address `mac` (6 bytes). Words that mean nothing here are FFFFh. */
export function eepromImage(mac: Uint8Array): Uint16Array {
  const words = new Uint16Array(WORDS).fill(0xffff);
  words[0] = mac[0]! | (mac[1]! << 8);
  words[1] = mac[2]! | (mac[3]! << 8);
  words[2] = mac[4]! | (mac[5]! << 8);
  words[0x03] = 0x0000; // Compatibility.
  words[0x04] = 0xffff; // LED defaults.
  words[0x08] = 0x0000; // PBA number.
  words[0x09] = 0x0000;
  words[0x0a] = 0x4408; // Initialization control 1: PCI identity from words Bh to Eh.
  words[0x0b] = 0x001e; // Subsystem.
  words[0x0c] = 0x8086;
  words[0x0d] = 0x100e; // Device.
  words[0x0e] = 0x8086;
  words[0x0f] = 0x1000; // Initialization control 2: PAUSE advertised both ways.
  words[0x20] = 0x0000; // Software-defined pins.
  words[0x21] = 0x7061; // Circuit control, D0 power.
  words[0x22] = 0x280c; // D0 and D3 power.
  words[0x24] = 0x0400; // Initialization control 3: APM wake-up enabled.
  words[0x2f] = 0x0602; // LED configuration.
  return withChecksum(words);
}

/** The image with a right checksum in word 3Fh. */
export function withChecksum(words: Uint16Array): Uint16Array {
  let sum = 0;
  for (let i = 0; i < WORDS - 1; i++) sum += words[i]!;
  words[WORDS - 1] = (CHECKSUM - sum) & 0xffff;
  return words;
}

/** Connects an EEPROM to EECD and EERD. */
export class EepromUnit {
  readonly eeprom: MicrowireEeprom;
  readonly #regs: RegisterFile;
  readonly #bus: DeviceBus;
  /** When the read under way is done; never while none was begun. */
  #doneAt = NEVER;

  constructor(bus: DeviceBus, regs: RegisterFile, words: Uint16Array) {
    this.eeprom = new MicrowireEeprom(words);
    this.#regs = regs;
    this.#bus = bus;
    regs.on(EECD, { read: (stored) => this.#pins(stored), write: (value) => this.#drive(value) });
    regs.on(EERD, { read: (stored) => this.#result(stored), write: (value) => this.#start(value) });
  }

  /** Bits that the size of the part decides. */
  reset(): void {
    this.#doneAt = NEVER;
    const size = this.eeprom.words.length > WORDS ? EECD.EE_SIZE : 0;
    this.#regs.set(EECD, put(0, EECD.FWE, 1) | EECD.EE_PRES | size);
  }

  #pins(stored: number): number {
    return (stored & ~EECD.DO) | (this.eeprom.data ? EECD.DO : 0);
  }

  #drive(value: number): void {
    const request = (value & EECD.EE_REQ) !== 0;
    if (request) this.#regs.raise(EECD, EECD.EE_GNT);
    else {
      this.#regs.lower(EECD, EECD.EE_GNT);
      if ((value & (EECD.SK | EECD.CS | EECD.DI)) !== 0) {
        this.#bus.report({
          rule: 'nvm-access',
          register: 'EECD',
          value,
          message: 'the EEPROM pins were driven without EE_REQ',
          ref: '8254x §13.4.3',
        });
      }
    }
    this.eeprom.drive(request && (value & EECD.CS) !== 0, (value & EECD.SK) !== 0, (value & EECD.DI) !== 0);
  }

  #start(value: number): void {
    if ((value & EERD.START) === 0) return;
    this.#doneAt = this.#bus.now + (this.#bus.schedule === 'timed' ? EERD_TIME : this.#bus.delay(EERD_TIME));
    const address = pick(value, EERD.ADDR);
    if (address >= this.eeprom.words.length) {
      this.#bus.report({
        rule: 'nvm-access',
        register: 'EERD',
        value,
        message: `word ${address} is outside the EEPROM`,
        ref: '8254x §13.4.4',
      });
    }
    const word = this.eeprom.words[address] ?? 0xffff;
    this.#regs.set(EERD, put(put(0, EERD.ADDR, address), EERD.DATA, word));
  }

  #result(stored: number): number {
    if (this.#bus.now < this.#doneAt) return stored & ~(EERD.DONE | EERD.DATA);
    return stored | EERD.DONE;
  }
}
