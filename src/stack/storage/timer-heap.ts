/**
 * Deadlines of many sockets. A deadline that moves later is not moved in the heap: its entry fires early, the owner looks
 * and arms again. So the usual case, a retransmission timer pushed back by every acknowledgement, costs nothing.
 */
import { type Micros, NEVER } from '../../platform/clock.js';

/** Something with a deadline. The two fields belong to the heap. */
export interface Timed {
  /** When it was armed for; {@link NEVER} when it is not in the heap. */
  heapDeadline: Micros;
  /** Place in the heap, -1 when not in it. */
  heapSlot: number;
}

/** Binary min-heap that knows where each entry is. */
export class TimerHeap<T extends Timed> {
  readonly #heap: T[] = [];

  /** The nearest deadline, or {@link NEVER}. */
  get next(): Micros {
    return this.#heap.length === 0 ? NEVER : this.#heap[0]!.heapDeadline;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Fires at `deadline` or before; an earlier deadline already armed is kept. */
  armBy(item: T, deadline: Micros): void {
    if (deadline >= item.heapDeadline || deadline === NEVER) return;
    item.heapDeadline = deadline;
    if (item.heapSlot < 0) {
      item.heapSlot = this.#heap.length;
      this.#heap.push(item);
    }
    this.#up(item.heapSlot);
  }

  /** Takes an entry out. Cancelling twice is harmless. */
  cancel(item: T): void {
    const at = item.heapSlot;
    if (at < 0) return;
    const last = this.#heap.pop()!;
    item.heapSlot = -1;
    item.heapDeadline = NEVER;
    if (last === item) return;
    this.#heap[at] = last;
    last.heapSlot = at;
    this.#up(at);
    this.#down(last.heapSlot);
  }

  /** Takes out and returns an entry that is due, or undefined. */
  due(now: Micros): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.heapDeadline > now) return undefined;
    this.cancel(first);
    return first;
  }

  #up(from: number): void {
    const heap = this.#heap;
    let at = from;
    const item = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.heapDeadline <= item.heapDeadline) break;
      heap[at] = heap[parent]!;
      heap[at]!.heapSlot = at;
      at = parent;
    }
    heap[at] = item;
    item.heapSlot = at;
  }

  #down(from: number): void {
    const heap = this.#heap;
    let at = from;
    const item = heap[at]!;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.heapDeadline < heap[child]!.heapDeadline) child++;
      if (heap[child]!.heapDeadline >= item.heapDeadline) break;
      heap[at] = heap[child]!;
      heap[at]!.heapSlot = at;
      at = child;
    }
    heap[at] = item;
    item.heapSlot = at;
  }
}
