/** The counters. They stop at all ones and are cleared by reading (8254x §13.7; 82574 §10.2.7). */
import type { AnyReg, RegisterFile } from '../../registers/index.js';
import type { CounterName, IntelRegisters } from './chip.js';

const RX_SIZES = ['PRC64', 'PRC127', 'PRC255', 'PRC511', 'PRC1023', 'PRC1522'] as const;
const TX_SIZES = ['PTC64', 'PTC127', 'PTC255', 'PTC511', 'PTC1023', 'PTC1522'] as const;

/** Counts frames and bytes in the register file. */
export class StatisticsUnit {
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  readonly #rxSizes: Int32Array;
  readonly #txSizes: Int32Array;
  readonly #slots: Readonly<
    Record<
      | 'GORCL'
      | 'GORCH'
      | 'GOTCL'
      | 'GOTCH'
      | 'TORL'
      | 'TORH'
      | 'TOTL'
      | 'TOTH'
      | 'GPRC'
      | 'GPTC'
      | 'TPR'
      | 'TPT'
      | 'BPRC'
      | 'MPRC'
      | 'BPTC'
      | 'MPTC',
      number
    >
  >;

  constructor(regs: RegisterFile, map: IntelRegisters) {
    this.#regs = regs;
    this.#values = regs.values;
    const slots = (list: readonly CounterName[]): Int32Array => Int32Array.from(list, (name) => regs.slot(map[name]));
    this.#rxSizes = slots(RX_SIZES);
    this.#txSizes = slots(TX_SIZES);
    const s = map;
    this.#slots = {
      GORCL: regs.slot(s.GORCL),
      GORCH: regs.slot(s.GORCH),
      GOTCL: regs.slot(s.GOTCL),
      GOTCH: regs.slot(s.GOTCH),
      TORL: regs.slot(s.TORL),
      TORH: regs.slot(s.TORH),
      TOTL: regs.slot(s.TOTL),
      TOTH: regs.slot(s.TOTH),
      GPRC: regs.slot(s.GPRC),
      GPTC: regs.slot(s.GPTC),
      TPR: regs.slot(s.TPR),
      TPT: regs.slot(s.TPT),
      BPRC: regs.slot(s.BPRC),
      MPRC: regs.slot(s.MPRC),
      BPTC: regs.slot(s.BPTC),
      MPTC: regs.slot(s.MPTC),
    };
    // Of a 64-bit counter, reading the high half clears both; reading the low half keeps it (8254x §13.7.31).
    for (const [low, high] of [
      [s.GORCL, s.GORCH],
      [s.GOTCL, s.GOTCH],
      [s.TORL, s.TORH],
      [s.TOTL, s.TOTH],
    ] as const) {
      const slot = regs.slot(low);
      regs.on(high, {
        read: (stored) => {
          this.#values[slot] = 0;
          return stored;
        },
      });
    }
  }

  /** Adds one; a full counter stays full. */
  count(register: AnyReg): void {
    this.#add(this.#regs.slot(register));
  }

  /** A good frame was received. @param bytes with FCS */
  received(bytes: number, multicast: boolean, broadcast: boolean): void {
    const s = this.#slots;
    this.#add(s.GPRC);
    if (broadcast) this.#add(s.BPRC);
    else if (multicast) this.#add(s.MPRC);
    this.#add(this.#rxSizes[sizeClass(bytes)]!);
    this.#add64(s.GORCL, s.GORCH, bytes);
  }

  /** Any frame came. @param bytes with FCS */
  seen(bytes: number): void {
    this.#add(this.#slots.TPR);
    this.#add64(this.#slots.TORL, this.#slots.TORH, bytes);
  }

  /** A frame was sent. @param bytes with FCS */
  sent(bytes: number, multicast: boolean, broadcast: boolean): void {
    const s = this.#slots;
    this.#add(s.GPTC);
    this.#add(s.TPT);
    if (broadcast) this.#add(s.BPTC);
    else if (multicast) this.#add(s.MPTC);
    this.#add(this.#txSizes[sizeClass(bytes)]!);
    this.#add64(s.GOTCL, s.GOTCH, bytes);
    this.#add64(s.TOTL, s.TOTH, bytes);
  }

  #add(slot: number): void {
    if (this.#values[slot] !== -1) this.#values[slot]!++;
  }

  #add64(low: number, high: number, bytes: number): void {
    const before = this.#values[low]! >>> 0;
    const after = before + bytes;
    this.#values[low] = after | 0;
    if (after > 0xffff_ffff) this.#add(high);
  }
}

function sizeClass(bytes: number): number {
  return bytes <= 64 ? 0 : bytes <= 127 ? 1 : bytes <= 255 ? 2 : bytes <= 511 ? 3 : bytes <= 1023 ? 4 : 5;
}
