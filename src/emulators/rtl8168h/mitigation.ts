/** RTL8168H: how long interrupts wait, by INTRMITIGATE and CPCR. Source: r8169 rtl_set_coalesce. */
import { pick, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { Mitigation } from '../realtek/chip.js';

const { CPCR, INTRMITIGATE, MITIGATION_UNIT, MITIGATION_SCALE, MITIGATION_FRAMES } = rtl8168h;

/** Reads the two registers. @param speed Mbit/s of the link: the unit depends on it */
export class IntrMitigate implements Mitigation {
  readonly #values: Int32Array;
  readonly #register: number;
  readonly #cpcr: number;
  readonly #speed: () => number;

  constructor(regs: RegisterFile, speed: () => number) {
    this.#values = regs.values;
    this.#register = regs.slot(INTRMITIGATE);
    this.#cpcr = regs.slot(CPCR);
    this.#speed = speed;
  }

  rxTime(): number {
    return this.#time(INTRMITIGATE.RX_TIME);
  }

  rxFrames(): number {
    return this.#frames(INTRMITIGATE.RX_FRAMES);
  }

  txTime(): number {
    return this.#time(INTRMITIGATE.TX_TIME);
  }

  txFrames(): number {
    return this.#frames(INTRMITIGATE.TX_FRAMES);
  }

  #time(field: number): number {
    const units = pick(this.#values[this.#register]!, field);
    if (units === 0) return 0;
    const scale = MITIGATION_SCALE[pick(this.#values[this.#cpcr]!, CPCR.INTT)]!;
    return units * scale * MITIGATION_UNIT[this.#speed()]!;
  }

  #frames(field: number): number {
    if ((this.#values[this.#cpcr]! & CPCR.PKTCNTR_DISABLE) !== 0) return 0;
    return MITIGATION_FRAMES * pick(this.#values[this.#register]!, field);
  }
}
