/** MDIC: how software reaches the registers of the PHY. Source: 8254x §13.4.7; 82574 §10.2.2. */
import type { Micros } from '../../platform/clock.js';
import { i82540em, meta, pick, put, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { IntelRegisters } from './chip.js';

const { MDIC } = i82540em;

const PHY_ADDRESS = 1;
const WRITE = 1;
const READ = 2;
/** One MDI transfer at 2.5 MHz: 64 bits. */
const MDI_TIME = 26;

/** Registers of a PHY by number. */
export interface PhyRegisters {
  read(register: number): number;
  write(register: number, value: number): void;
}

/** The MDI unit. */
export class MdiUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #map: IntelRegisters;
  readonly #phy: PhyRegisters;
  readonly #alarm: ModelAlarm;
  #doneAt: Micros = 0;

  /** @param done an access with MDIC.I has ended */
  constructor(bus: DeviceBus, regs: RegisterFile, map: IntelRegisters, phy: PhyRegisters, done: () => void) {
    this.#bus = bus;
    this.#regs = regs;
    this.#map = map;
    this.#phy = phy;
    this.#alarm = bus.alarm(done);
    regs.on(map.MDIC, { read: (stored) => this.#state(stored), write: (value) => this.#access(value) });
  }

  reset(): void {
    this.#alarm.cancel();
  }

  #access(value: number): void {
    if (this.#bus.now < this.#doneAt) {
      this.#bus.report({
        rule: 'phy-busy',
        register: 'MDIC',
        value,
        message: 'an access was begun before READY of the last one',
        ref: this.#map.MDIC[meta].ref,
      });
    }
    const register = pick(value, MDIC.REGADD);
    const operation = pick(value, MDIC.OP);
    let result = value & ~(MDIC.R | MDIC.E);
    if (pick(value, MDIC.PHYADD) !== PHY_ADDRESS) {
      result |= MDIC.E;
      this.#bus.report({
        rule: 'phy-address',
        register: 'MDIC',
        value: pick(value, MDIC.PHYADD),
        message: `the PHY is at address ${PHY_ADDRESS}`,
        ref: this.#map.MDIC[meta].ref,
      });
    } else if (operation !== WRITE && operation !== READ) result |= MDIC.E;
    else if (operation === WRITE) this.#phy.write(register, value & MDIC.DATA);
    else result = put(result, MDIC.DATA, this.#phy.read(register));
    this.#regs.set(this.#map.MDIC, result);
    this.#doneAt = this.#bus.now + (this.#bus.schedule === 'timed' ? MDI_TIME : this.#bus.delay(MDI_TIME));
    if ((value & MDIC.I) !== 0) this.#alarm.arm(this.#doneAt);
  }

  #state(stored: number): number {
    return this.#bus.now >= this.#doneAt && pick(stored, MDIC.OP) !== 0 ? stored | MDIC.R : stored;
  }
}
