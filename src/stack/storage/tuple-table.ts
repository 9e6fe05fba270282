/** Open-addressing hash table of connections by their four values; a look-up makes no key and allocates nothing. */
import type { Random } from '../../platform/random.js';
import type { IpAddress } from '../wire/address.js';
import { KeyedHash } from './keyed-hash.js';

/** What identifies a connection. */
export interface Tuple {
  readonly local: IpAddress;
  readonly localPort: number;
  readonly remote: IpAddress;
  readonly remotePort: number;
}

/** Linear probing at a load of at most one half. */
export class TupleTable<T extends Tuple> {
  #items: (T | undefined)[] = new Array(64).fill(undefined);
  #hashes = new Int32Array(64);
  #count = 0;
  readonly #hash: KeyedHash;

  constructor(random: Random) {
    this.#hash = new KeyedHash(random);
  }

  get size(): number {
    return this.#count;
  }

  find(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): T | undefined {
    const hash = this.#hash.tuple(local, localPort, remote, remotePort);
    const mask = this.#items.length - 1;
    // At least half of the table is empty, so the walk ends long before it has been round.
    for (let i = hash & mask, steps = 0; steps <= mask; i = (i + 1) & mask, steps++) {
      const item = this.#items[i];
      if (item === undefined) return undefined;
      if (
        this.#hashes[i] === hash &&
        item.localPort === localPort &&
        item.remotePort === remotePort &&
        item.remote.equals(remote) &&
        item.local.equals(local)
      ) {
        return item;
      }
    }
    return undefined;
  }

  /** Adds an item whose tuple is not in the table. */
  add(item: T): void {
    if ((this.#count + 1) * 2 > this.#items.length) this.#grow();
    this.#place(item, this.#hash.tuple(item.local, item.localPort, item.remote, item.remotePort));
    this.#count++;
  }

  #place(item: T, hash: number): void {
    const mask = this.#items.length - 1;
    let i = hash & mask;
    while (this.#items[i] !== undefined) i = (i + 1) & mask;
    this.#items[i] = item;
    this.#hashes[i] = hash;
  }

  #grow(): void {
    const items = this.#items;
    const hashes = this.#hashes;
    this.#items = new Array(items.length * 2).fill(undefined);
    this.#hashes = new Int32Array(items.length * 2);
    for (let i = 0; i < items.length; i++) if (items[i] !== undefined) this.#place(items[i]!, hashes[i]!);
  }

  /** Takes an item out; false when it is not in the table. */
  remove(item: T): boolean {
    const mask = this.#items.length - 1;
    let i = this.#hash.tuple(item.local, item.localPort, item.remote, item.remotePort) & mask;
    while (this.#items[i] !== item) {
      if (this.#items[i] === undefined) return false;
      i = (i + 1) & mask;
    }
    this.#count--;
    // Close the gap: entries behind it that may live at or before it move up.
    let gap = i;
    for (let j = (i + 1) & mask; this.#items[j] !== undefined; j = (j + 1) & mask) {
      const home = this.#hashes[j]! & mask;
      if (((j - home) & mask) >= ((j - gap) & mask)) {
        this.#items[gap] = this.#items[j];
        this.#hashes[gap] = this.#hashes[j]!;
        gap = j;
      }
    }
    this.#items[gap] = undefined;
    return true;
  }

  /** Calls `visit` for each item, in no particular order. For rare events only. */
  each(visit: (item: T) => void): void {
    for (const item of this.#items.slice()) if (item !== undefined) visit(item);
  }
}
