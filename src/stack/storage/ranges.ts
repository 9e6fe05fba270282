/**
 * A bounded, sorted list of disjoint byte ranges: what arrived out of order (TCP receive, IP reassembly) and what a peer
 * has acknowledged selectively. Positions are non-negative integers relative to a base the owner moves.
 */

/** What {@link Ranges.add} found. */
export const RangeResult = {
  /** All of it was new. */
  added: 0,
  /** All of it was there already. */
  duplicate: 1,
  /** Part of it was there. Nothing is lost: the union is kept. */
  overlap: 2,
  /** No room for another range; nothing was changed. */
  full: 3,
} as const;

/** Disjoint, non-adjacent ranges in ascending order. */
export class Ranges {
  /** Number of ranges in use. */
  count = 0;
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** The range that the last addition went into: RFC 2018 wants it reported first. */
  last = 0;

  /** @param capacity the largest number of ranges kept. */
  constructor(capacity: number) {
    this.start = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }

  clear(): void {
    this.count = 0;
    this.last = 0;
  }

  /** Bytes in all ranges. */
  get total(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += this.end[i]! - this.start[i]!;
    return sum;
  }

  /** Adds `from` up to `to` (exclusive, above `from`). Returns a value of {@link RangeResult}. */
  add(from: number, to: number): number {
    const { start, end } = this;
    let first = 0;
    while (first < this.count && end[first]! < from) first++;
    // `first` .. `beyond - 1` touch or overlap what is added.
    let beyond = first;
    let overlap = false;
    while (beyond < this.count && start[beyond]! <= to) {
      if (start[beyond]! < to && end[beyond]! > from) overlap = true;
      beyond++;
    }
    if (first === beyond) {
      if (this.count === start.length) return RangeResult.full;
      start.copyWithin(first + 1, first, this.count);
      end.copyWithin(first + 1, first, this.count);
      start[first] = from;
      end[first] = to;
      this.count++;
      this.last = first;
      return RangeResult.added;
    }
    this.last = first;
    if (start[first]! <= from && end[first]! >= to) return RangeResult.duplicate;
    const high = Math.max(end[beyond - 1]!, to);
    start[first] = Math.min(start[first]!, from);
    end[first] = high;
    const gone = beyond - first - 1;
    if (gone > 0) {
      start.copyWithin(first + 1, beyond, this.count);
      end.copyWithin(first + 1, beyond, this.count);
      this.count -= gone;
    }
    return overlap ? RangeResult.overlap : RangeResult.added;
  }

  /** Moves the base forward by `bytes`: what lies below it is forgotten. */
  shift(bytes: number): void {
    const { start, end } = this;
    let gone = 0;
    while (gone < this.count && end[gone]! <= bytes) gone++;
    const left = this.count - gone;
    for (let i = 0; i < left; i++) {
      start[i] = Math.max(start[i + gone]! - bytes, 0);
      end[i] = end[i + gone]! - bytes;
    }
    this.count = left;
    this.last = Math.max(this.last - gone, 0);
  }

  /** Length of the range that begins at 0, which is removed and the base moved behind it; 0 when there is none. */
  takeFront(): number {
    if (this.count === 0 || this.start[0] !== 0) return 0;
    const bytes = this.end[0]!;
    this.shift(bytes);
    return bytes;
  }

  /** True when `position` lies in a range. */
  has(position: number): boolean {
    for (let i = 0; i < this.count && this.start[i]! <= position; i++) if (this.end[i]! > position) return true;
    return false;
  }
}
