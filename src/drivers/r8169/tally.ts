/**
 * The chip's counters. It writes them to memory on command and does not clear them; narrow ones run over, so they are asked for
 * often and differences are added up (RTL8169 specification, DTCCR; r8169 rtl8169_do_counters).
 */
import type { DmaMemory, DmaRegion } from '../../platform/dma.js';
import type { Mmio } from '../../platform/mmio.js';
import { type AnyReg, meta } from '../../registers/define.js';
import { DTCCR, DTCCR_HI } from '../../registers/realtek/mac.js';
import { type DmaSet, highOf } from '../ring.js';
import type { Rtl } from './chip.js';

const ALIGN = 64;
const WORD = 0x1_0000_0000;
const NAME = /^TALLY_/;
/** Looks in a row at a dump that was just asked for. */
const LOOKS = 4;

/** One counter: where it stands in the dump, and what was counted. */
interface Counter {
  readonly name: string;
  readonly register: AnyReg;
  last: number;
  total: number;
}

/** Counters of the chip, by name. */
export class Tally {
  readonly #io: Mmio;
  readonly #dma: DmaMemory;
  readonly #region: DmaRegion;
  readonly #counters: Counter[];
  /** The command that the chip was given last, until it was seen to be done. */
  #pending: 'nothing' | 'reset' | 'dump' = 'nothing';

  constructor(io: Mmio, rtl: Rtl, set: DmaSet) {
    this.#io = io;
    this.#dma = set.dma;
    this.#region = set.alloc(rtl.tallyBytes, Math.max(ALIGN, rtl.tallyBytes));
    this.#counters = Object.entries(rtl.tally).map(([name, register]) => ({
      name: name.replace(NAME, 'chip.'),
      register,
      last: 0,
      total: 0,
    }));
  }

  /** Makes the chip's counters 0; what was added up stays. The chip was just reset and needs bus mastering. */
  reset(): void {
    this.#command(DTCCR.RESET);
    this.#pending = 'reset';
    for (const counter of this.#counters) counter.last = 0;
  }

  /** Reads a dump that has come, and asks for another. The receiver must be on. */
  step(): void {
    if (!this.#done(1)) return;
    this.#command(DTCCR.CMD);
    this.#pending = 'dump';
  }

  /** Asks for a dump and reads it if it comes at once; otherwise the figures are those of the one before. */
  read(): void {
    this.step();
    this.#done(LOOKS);
  }

  #command(bits: number): void {
    const { address } = this.#region;
    this.#io.write32(DTCCR_HI.at, highOf(address));
    this.#io.write32(DTCCR.at, address | 0);
    this.#io.write32(DTCCR.at, address | bits);
  }

  /** True when no command is under way; a dump that has come is read. */
  #done(looks: number): boolean {
    if (this.#pending === 'nothing') return true;
    let busy = true;
    for (let i = 0; busy && i < looks; i++) busy = (this.#io.read32(DTCCR.at) & (DTCCR.CMD | DTCCR.RESET)) !== 0;
    if (busy) return false;
    const came = this.#pending === 'dump';
    this.#pending = 'nothing';
    if (!came) return true;
    this.#dma.syncForCpu();
    for (const counter of this.#counters) this.#add(counter);
    return true;
  }

  #add(counter: Counter): void {
    const { register } = counter;
    const { at, width, count } = register[meta];
    const { arena, offset } = this.#region;
    const place = offset + at;
    let value: number;
    let modulus: number;
    if (width === 16) {
      value = arena.view.getUint16(place, true);
      modulus = 0x1_0000;
    } else if (count === 1) {
      value = arena.view.getUint32(place, true);
      modulus = WORD;
    } else {
      value = arena.view.getUint32(place, true) + WORD * arena.view.getUint32(place + 4, true);
      modulus = 0;
    }
    // One that cannot run over and went back was cleared by somebody else.
    const difference = value - counter.last;
    counter.total += difference >= 0 ? difference : modulus > 0 ? difference + modulus : value;
    counter.last = value;
  }

  /** By name, those that counted something. */
  statistics(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#counters.filter(({ total }) => total !== 0).map(({ name, total }) => [name, total]),
    );
  }
}
