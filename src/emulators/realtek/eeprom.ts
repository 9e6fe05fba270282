/**
 * The EEPROM behind the pins of CFG9346, as BSD's drivers and iPXE read it: bit by bit, in program mode.
 * Source: RTL8169 specification, register 50h (9346CR) and §EEPROM contents.
 */
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, meta, pick, put, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { MicrowireEeprom } from '../nvm/microwire.js';

const { CFG9346, EEPROM_WORDS, EEPROM_MAGIC } = rtl8168h;
const { EEPROM_ID, EEPROM_VENDOR, EEPROM_DEVICE, EEPROM_SUBVENDOR, EEPROM_SUBSYSTEM, EEPROM_MAC } = rtl8168h;

/** Values of CFG9346.EEM. */
export const EepromMode = { normal: 0, autoLoad: 1, program: 2, configWrite: 3 } as const;
/** Auto-load "takes about 2 ms" (RTL8169 specification, register 50h). */
const LOAD_TIME: Micros = 2_000;

/** What a board writes into its EEPROM. */
export interface EepromContents {
  /** Station address, 6 bytes. */
  readonly mac: Uint8Array;
  readonly vendor: number;
  readonly device: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
}

/** An image of 64 words. What has no meaning here is FFFFh, as an erased word is. */
export function eepromImage(contents: EepromContents): Uint16Array {
  const { mac, vendor, device, subsystemVendor, subsystem } = contents;
  const words = new Uint16Array(EEPROM_WORDS).fill(0xffff);
  const set = (register: AnyReg, value: number, index = 0): void => {
    words[register.at / 2 + index] = value;
  };
  set(EEPROM_ID, EEPROM_MAGIC);
  set(EEPROM_VENDOR, vendor);
  set(EEPROM_DEVICE, device);
  set(EEPROM_SUBVENDOR, subsystemVendor);
  set(EEPROM_SUBSYSTEM, subsystem);
  for (let i = 0; i < 3; i++) set(EEPROM_MAC, mac[2 * i]! | (mac[2 * i + 1]! << 8), i);
  return words;
}

/** Connects an EEPROM to CFG9346. */
export class EepromUnit {
  readonly eeprom: MicrowireEeprom;
  readonly #bus: DeviceBus;
  readonly #load: () => void;
  #loadedAt: Micros = 0;

  /**
   * @param words 64 (93C46) or 256 (93C56), kept and changed in place
   * @param load software asked for an auto-load: what the EEPROM holds goes to the registers again
   */
  constructor(bus: DeviceBus, regs: RegisterFile, words: Uint16Array, load: () => void) {
    this.eeprom = new MicrowireEeprom(words);
    this.#bus = bus;
    this.#load = load;
    regs.on(CFG9346, { read: (stored) => this.#pins(stored), write: (value) => this.#drive(value) });
  }

  /** It is a 93C56: what RCR.EE9356 shows. */
  get is9356(): boolean {
    return this.eeprom.words.length > EEPROM_WORDS;
  }

  /** The station address that it holds, 6 bytes. */
  get mac(): Uint8Array {
    const first = EEPROM_MAC.at / 2;
    return Uint8Array.from({ length: 6 }, (_, i) => this.eeprom.words[first + (i >> 1)]! >> (8 * (i & 1)));
  }

  reset(): void {
    this.#loadedAt = 0;
    this.eeprom.drive(false, false, false);
  }

  #pins(stored: number): number {
    const loaded = pick(stored, CFG9346.EEM) === EepromMode.autoLoad && this.#bus.now >= this.#loadedAt;
    const mode = loaded ? put(stored, CFG9346.EEM, EepromMode.normal) : stored;
    return (mode & ~CFG9346.EEDO) | (this.eeprom.data ? CFG9346.EEDO : 0);
  }

  #drive(value: number): void {
    const mode = pick(value, CFG9346.EEM);
    const pins = value & (CFG9346.EECS | CFG9346.EESK | CFG9346.EEDI);
    if (mode !== EepromMode.program) {
      if (pins !== 0) this.#unasked(value);
      this.eeprom.drive(false, false, false);
      if (mode === EepromMode.autoLoad) {
        const late = this.#bus.schedule === 'timed' ? LOAD_TIME : this.#bus.delay(LOAD_TIME);
        this.#loadedAt = this.#bus.now + late;
        this.#load();
      }
      return;
    }
    this.eeprom.drive((value & CFG9346.EECS) !== 0, (value & CFG9346.EESK) !== 0, (value & CFG9346.EEDI) !== 0);
  }

  #unasked(value: number): void {
    const { name, ref } = CFG9346[meta];
    this.#bus.report({
      rule: 'nvm-access',
      register: name,
      value,
      message: 'the EEPROM pins were driven outside of program mode',
      ref,
    });
  }
}
