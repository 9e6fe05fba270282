/** Figures of all rounds, their medians, and their ratios within rounds. */

/** The middle of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What the rounds gave. A figure is named by its item and its key. */
export class Results {
  #figures = new Map();
  #reasons = new Map();

  /** Keeps one round's figures of an item. */
  add(item, figures) {
    for (const [key, value] of Object.entries(figures)) {
      const name = `${item}/${key}`;
      if (!this.#figures.has(name)) this.#figures.set(name, []);
      this.#figures.get(name).push(value);
    }
  }

  /** Notes why an item cannot be measured. */
  unavailable(item, reason) {
    this.#reasons.set(item, reason);
  }

  /** Why an item could not be measured; undefined when it could. */
  reason(item) {
    return this.#reasons.get(item);
  }

  /** True when something of our own could not be measured: peers may be missing, we may not. */
  failed() {
    return [...this.#reasons.keys()].some((item) => !['lwip', 'kernel', 'runtimejs'].includes(item));
  }

  /** All rounds of a figure; empty when there are none. */
  values(item, key) {
    return this.#figures.get(`${item}/${key}`) ?? [];
  }

  /** Ratios of two figures round by round. */
  ratios([item, key], [against, otherKey]) {
    const others = this.values(against, otherKey);
    const own = this.values(item, key);
    return own.slice(0, others.length).map((value, i) => value / others[i]);
  }

  /** Everything, for machines. */
  all() {
    return { figures: Object.fromEntries(this.#figures), unavailable: Object.fromEntries(this.#reasons) };
  }
}
