/** The list of sockets that have something to send: cost per packet does not grow with the number of sockets. */
import type { Micros } from '../../platform/clock.js';

/** A socket as egress sees it. The two fields belong to the list. */
export interface Transmitter {
  inReadyList: boolean;
  nextReady: Transmitter | undefined;
  /** Sends at most `budget` packets and returns how many. Puts itself on the list again when it has more. */
  transmit(now: Micros, budget: number): number;
}

/** First in, first out; a socket is on it once. */
export class ReadyList {
  #first: Transmitter | undefined;
  #last: Transmitter | undefined;
  count = 0;

  add(item: Transmitter): void {
    if (item.inReadyList) return;
    item.inReadyList = true;
    item.nextReady = undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.nextReady = item;
    this.#last = item;
    this.count++;
  }

  take(): Transmitter | undefined {
    const item = this.#first;
    if (item === undefined) return undefined;
    this.#first = item.nextReady;
    if (this.#first === undefined) this.#last = undefined;
    item.nextReady = undefined;
    item.inReadyList = false;
    this.count--;
    return item;
  }
}
