/** Which frames get in, by address and VLAN. Source: 8254x §3.2.1 and §10.1; 82574 §7.1. */
import { i82540em, pick, type RegisterFile } from '../../registers/index.js';
import type { IntelRegisters } from './chip.js';

const { RCTL, RAH } = i82540em;

/** Results of {@link FilterUnit.address}. */
export const Match = { none: 0, exact: 1, inexact: 2 } as const;

/** Entries of RAL/RAH. */
const ADDRESSES = 16;

/** The filters, over the registers. */
export class FilterUnit {
  readonly #values: Int32Array;
  readonly #rctl: number;
  readonly #ral: number;
  readonly #rah: number;
  readonly #mta: number;
  readonly #vfta: number;

  constructor(regs: RegisterFile, map: IntelRegisters) {
    this.#values = regs.values;
    this.#rctl = regs.slot(map.RCTL);
    this.#ral = regs.slot(map.RAL);
    this.#rah = regs.slot(map.RAH);
    this.#mta = regs.slot(map.MTA);
    this.#vfta = regs.slot(map.VFTA);
  }

  /** Does the frame at `at` pass the address filters? {@link Match}: exactly (RAR, broadcast, promiscuous), or by the hash. */
  address(u8: Uint8Array, at: number): number {
    const control = this.#values[this.#rctl]!;
    const low = u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24);
    const high = u8[at + 4]! | (u8[at + 5]! << 8);
    if ((u8[at]! & 1) === 0) {
      if ((control & RCTL.UPE) !== 0) return Match.exact;
      return this.#perfect(u8, at, low, high) ? Match.exact : Match.none;
    }
    if (low === -1 && high === 0xffff && (control & RCTL.BAM) !== 0) return Match.exact;
    if ((control & RCTL.MPE) !== 0) return Match.exact;
    if (this.#perfect(u8, at, low, high)) return Match.exact;
    return this.#hash(control, u8[at + 4]!, u8[at + 5]!) ? Match.inexact : Match.none;
  }

  /** Is VLAN `tag` let through by VFTA? */
  vlan(tag: number): boolean {
    const id = tag & 0xfff;
    return ((this.#values[this.#vfta + (id >> 5)]! >>> (id & 31)) & 1) === 1;
  }

  #perfect(u8: Uint8Array, at: number, low: number, high: number): boolean {
    for (let i = 0; i < ADDRESSES; i++) {
      const rah = this.#values[this.#rah + i]!;
      if ((rah & RAH.AV) === 0) continue;
      const source = pick(rah, RAH.ASEL) === 1;
      const a = source ? u8[at + 6]! | (u8[at + 7]! << 8) | (u8[at + 8]! << 16) | (u8[at + 9]! << 24) : low;
      const b = source ? u8[at + 10]! | (u8[at + 11]! << 8) : high;
      if (this.#values[this.#ral + i] === a && (rah & RAH.RAH) === b) return true;
    }
    return false;
  }

  /** Twelve bits of the last two address bytes, chosen by RCTL.MO, index a table of 4096 bits. */
  #hash(control: number, fifth: number, sixth: number): boolean {
    const last = fifth | (sixth << 8);
    const bits = (last >> SHIFT[pick(control, RCTL.MO)]!) & 0xfff;
    return ((this.#values[this.#mta + (bits >> 5)]! >>> (bits & 31)) & 1) === 1;
  }
}

const SHIFT = [4, 3, 2, 0] as const;
