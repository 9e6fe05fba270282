/** What can happen to a frame on a cable: loss, damage, duplication, reordering. Seeded, so a run can be had again. */
import type { Micros } from '../platform/clock.js';
import type { Random } from '../platform/random.js';
import type { LinkFrame } from './port.js';

/** Probabilities from 0 to 1 for each frame. */
export interface FaultRates {
  readonly loss?: number;
  /** One bit is flipped and the FCS no longer matches: the receiving MAC drops and counts the frame. */
  readonly corrupt?: number;
  readonly duplicate?: number;
  /** The frame is held back by up to `reorderWithin`. */
  readonly reorder?: number;
  /** Microseconds; default 2000. */
  readonly reorderWithin?: Micros;
}

/** What a stage did. */
export interface FaultCounts {
  passed: number;
  lost: number;
  corrupted: number;
  duplicated: number;
  reordered: number;
}

/** Decides over each frame. */
export class FaultStage {
  readonly counts: FaultCounts = { passed: 0, lost: 0, corrupted: 0, duplicated: 0, reordered: 0 };
  rates: FaultRates;
  readonly #random: Random;
  #damage = false;

  constructor(rates: FaultRates, random: Random) {
    this.rates = rates;
    this.#random = random;
  }

  /** How many times the frame arrives: 0, 1 or 2. */
  decide(_now: Micros, _frame: LinkFrame): number {
    this.#damage = false;
    if (this.#random.chance(this.rates.loss ?? 0)) {
      this.counts.lost++;
      return 0;
    }
    this.counts.passed++;
    if (this.#random.chance(this.rates.corrupt ?? 0)) {
      this.#damage = true;
      this.counts.corrupted++;
    }
    if (!this.#random.chance(this.rates.duplicate ?? 0)) return 1;
    this.counts.duplicated++;
    return 2;
  }

  /** The frame decided over last is to be damaged. */
  get damages(): boolean {
    return this.#damage;
  }

  /** Flips a bit in place and marks the FCS; returns what `repair` needs. */
  damage(frame: LinkFrame): number {
    const bit = this.#random.below(frame.length * 8);
    frame.arena.u8[frame.offset + (bit >> 3)]! ^= 1 << (bit & 7);
    const before = frame.fcsOk ? 1 : 0;
    frame.fcsOk = false;
    return bit * 2 + before;
  }

  /** Undoes `damage`: the bytes are the sender's. */
  repair(frame: LinkFrame, kept: number): void {
    const bit = Math.floor(kept / 2);
    frame.arena.u8[frame.offset + (bit >> 3)]! ^= 1 << (bit & 7);
    frame.fcsOk = kept % 2 === 1;
  }

  /** Microseconds by which the frame is held back. */
  extraDelay(): Micros {
    if (!this.#random.chance(this.rates.reorder ?? 0)) return 0;
    this.counts.reordered++;
    return 1 + this.#random.below(this.rates.reorderWithin ?? 2000);
  }
}
