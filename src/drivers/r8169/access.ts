/**
 * Ways to the registers of RTL8168H and RTL8125B: the BAR, and the windows behind which the rest stands. Also lists of writes
 * as data, which is how these chips are set up: most of their registers have no public meaning.
 */
import type { Mmio } from '../../platform/mmio.js';
import { readReg, sleep, type Task, until, writeReg } from '../../platform/task.js';
import { type AnyReg, at, meta, pick, put } from '../../registers/define.js';
import type * as rtl8125b from '../../registers/rtl8125b/index.js';
import type * as rtl8168h from '../../registers/rtl8168h/index.js';

/** The register map of a chip that this driver drives. */
export type RtlMap = typeof rtl8168h | typeof rtl8125b;

/** Where a register stands: the BAR, behind ERIAR, OCPDR or GPHY_OCP, or the PCI Express PHY behind EPHYAR. */
export type Space = 'mac' | 'eri' | 'ocp' | 'phy' | 'ephy';

/** One write of a list: bits under `clear` go, those of `set` come. */
export interface Step {
  readonly space: Space;
  readonly register: AnyReg;
  /** Element of an array. */
  readonly index: number;
  readonly clear: number;
  readonly set: number;
  /** PHY parameters: this register is written first and says which one `register` is. */
  readonly select?: { readonly register: AnyReg; readonly value: number };
}

/** Writes that belong together, and who does them so. */
export interface StepList {
  readonly source: string;
  readonly steps: readonly Step[];
}

/** Changes bits of a register. */
export function change(space: Space, register: AnyReg, clear: number, set: number, index = 0): Step {
  return { space, register, index, clear, set };
}

/** Writes a whole register. */
export function write(space: Space, register: AnyReg, value: number, index = 0): Step {
  return { space, register, index, clear: wholeOf(register), set: value };
}

/** Changes the PHY parameter `number`, which `data` reaches once `address` holds the number. */
export function parameter(address: AnyReg, data: AnyReg, number: number, clear: number, set: number): Step {
  return { space: 'phy', register: data, index: 0, clear, set, select: { register: address, value: number } };
}

function wholeOf(register: AnyReg): number {
  const { width } = register[meta];
  return width === 32 ? -1 : 2 ** width - 1;
}

const ALL_BYTES = 0xf;
/** r8169 _rtl_eri_read, _rtl_eri_write: 100 looks, 100 us apart. */
const ERI_US = 10_000;
/** r8169 r8168_phy_ocp_read: 10 looks, 25 us apart; ten times as much, as the error ends everything. */
const GPHY_US = 2_500;
const GPHY_LOOK_US = 25;
/** r8169 rtl_ephy_read: 100 looks, 10 us apart. */
const EPHY_US = 1_000;
const EPHY_REST_US = 10;

/** One chip's registers. What waits is a task; two tasks must not use the same window at once. */
export class Access {
  readonly io: Mmio;
  readonly map: RtlMap;
  /** Name of the chip, for errors. */
  readonly device: string;

  constructor(io: Mmio, map: RtlMap, device: string) {
    this.io = io;
    this.map = map;
    this.device = device;
  }

  /** Waits for bits of a register of the BAR. @throws NicError `timeout`, `gone` */
  until(register: AnyReg, mask: number, value: number, within: number, every?: number): Task<number> {
    const { ref } = register[meta];
    const { device } = this;
    return until(this.io, register, mask, value, { within, ref, device, ...(every ? { every } : {}) });
  }

  /** Reads a register behind OCPDR. The answer is there at once. */
  readOcp(register: AnyReg, index = 0): number {
    const { OCPDR } = this.map;
    this.io.write32(OCPDR.at, put(0, OCPDR.REG, at(register, index) >> 1));
    return pick(this.io.read32(OCPDR.at), OCPDR.DATA);
  }

  /** Writes a register behind OCPDR, at once. */
  writeOcp(register: AnyReg, value: number, index = 0): void {
    const { OCPDR } = this.map;
    this.io.write32(OCPDR.at, put(put(OCPDR.WRITE, OCPDR.REG, at(register, index) >> 1), OCPDR.DATA, value));
  }

  /** Reads a register of the PHY. @throws NicError `timeout`, `gone` */
  *readPhy(register: AnyReg): Task<number> {
    const { GPHY_OCP } = this.map;
    this.io.write32(GPHY_OCP.at, put(0, GPHY_OCP.REG, register.at >> 1));
    return pick(yield* this.until(GPHY_OCP, GPHY_OCP.FLAG, GPHY_OCP.FLAG, GPHY_US, GPHY_LOOK_US), GPHY_OCP.DATA);
  }

  /** Writes a register of the PHY. @throws NicError `timeout`, `gone` */
  *writePhy(register: AnyReg, value: number): Task<void> {
    const { GPHY_OCP } = this.map;
    this.io.write32(GPHY_OCP.at, put(put(GPHY_OCP.FLAG, GPHY_OCP.REG, register.at >> 1), GPHY_OCP.DATA, value));
    yield* this.until(GPHY_OCP, GPHY_OCP.FLAG, 0, GPHY_US, GPHY_LOOK_US);
  }

  /** Reads 32 bits behind ERIAR, which RTL8125B does not have. @throws NicError `timeout`, `gone` */
  *readEri(register: AnyReg, index = 0): Task<number> {
    const { ERIAR, ERIDR } = this.#eri();
    this.io.write32(ERIAR.at, put(put(0, ERIAR.BYTE_EN, ALL_BYTES), ERIAR.ADDR, at(register, index)));
    yield* this.until(ERIAR, ERIAR.FLAG, ERIAR.FLAG, ERI_US);
    return this.io.read32(ERIDR.at);
  }

  /** Writes 32 bits behind ERIAR. @throws NicError `timeout`, `gone` */
  *writeEri(register: AnyReg, value: number, index = 0): Task<void> {
    const { ERIAR, ERIDR } = this.#eri();
    this.io.write32(ERIDR.at, value);
    this.io.write32(ERIAR.at, put(put(ERIAR.FLAG, ERIAR.BYTE_EN, ALL_BYTES), ERIAR.ADDR, at(register, index)));
    yield* this.until(ERIAR, ERIAR.FLAG, 0, ERI_US);
  }

  #eri(): typeof rtl8168h {
    return this.map as typeof rtl8168h;
  }

  /** Reads a register of the PCI Express PHY. @throws NicError `timeout`, `gone` */
  *readEphy(register: AnyReg, index: number): Task<number> {
    const { EPHYAR } = this.map;
    this.io.write32(EPHYAR.at, put(0, EPHYAR.REG, at(register, index) >> 1));
    return pick(yield* this.until(EPHYAR, EPHYAR.FLAG, EPHYAR.FLAG, EPHY_US), EPHYAR.DATA);
  }

  /** Writes a register of the PCI Express PHY. @throws NicError `timeout`, `gone` */
  *writeEphy(register: AnyReg, index: number, value: number): Task<void> {
    const { EPHYAR } = this.map;
    this.io.write32(EPHYAR.at, put(put(EPHYAR.FLAG, EPHYAR.REG, at(register, index) >> 1), EPHYAR.DATA, value));
    yield* this.until(EPHYAR, EPHYAR.FLAG, 0, EPHY_US);
    yield* sleep(EPHY_REST_US);
  }

  /** Changes bits of a register of the BAR. */
  changeMac(register: AnyReg, clear: number, set: number): void {
    writeReg(this.io, register, (readReg(this.io, register) & ~clear) | set);
  }

  /** Changes bits of a register behind OCPDR. */
  changeOcp(register: AnyReg, clear: number, set: number): void {
    this.writeOcp(register, (this.readOcp(register) & ~clear) | set);
  }

  /** Changes bits of a register of the PHY. @throws NicError `timeout`, `gone` */
  *changePhy(register: AnyReg, clear: number, set: number): Task<void> {
    yield* this.writePhy(register, ((yield* this.readPhy(register)) & ~clear) | set);
  }

  /** Does what a list says, in its order. @throws NicError `timeout`, `gone` */
  *run(list: StepList): Task<void> {
    for (const step of list.steps) yield* this.#step(step);
  }

  *#step({ space, register, index, clear, set, select }: Step): Task<void> {
    // What is written as a whole is not read first: reading a PHY parameter may move on to the next.
    const whole = clear === wholeOf(register);
    if (select) yield* this.writePhy(select.register, select.value);
    switch (space) {
      case 'mac':
        writeReg(this.io, register, whole ? set : (readReg(this.io, register, index) & ~clear) | set, index);
        break;
      case 'ocp':
        this.writeOcp(register, whole ? set : (this.readOcp(register, index) & ~clear) | set, index);
        break;
      case 'eri':
        yield* this.writeEri(register, whole ? set : ((yield* this.readEri(register, index)) & ~clear) | set, index);
        break;
      case 'phy':
        yield* this.writePhy(register, whole ? set : ((yield* this.readPhy(register)) & ~clear) | set);
        break;
      case 'ephy': {
        const value = whole ? set : ((yield* this.readEphy(register, index)) & ~clear) | set;
        yield* this.writeEphy(register, index, value);
      }
    }
  }
}
