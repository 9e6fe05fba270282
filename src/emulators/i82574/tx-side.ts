/** 82574L: what its two transmit queues share, and when each may send. Source: 82574 §7.2 and §10.2.6. */
import type { LinkFrame } from '../../link/port.js';
import { i82574, type RegisterFile } from '../../registers/index.js';
import type { TxOwner } from '../intel/tx-owner.js';

const { TARC0, TARC1, TXD_POPTS } = i82574;

/** Ways from the queues to the rest of the chip. */
export interface TxWays {
  readonly canSend: () => boolean;
  readonly speed: () => number;
  readonly emit: (frame: LinkFrame) => void;
  readonly stamped: () => void;
  readonly rung: () => void;
}

/** The chip, for both queues. */
export class ChipSide {
  /** When the wire is free again, on the timed schedule. */
  wireFree = 0;
  readonly ways: TxWays;

  constructor(ways: TxWays) {
    this.ways = ways;
  }
}

/** The chip, for one queue. */
export class QueueSide implements TxOwner {
  readonly stampMask = TXD_POPTS.TSTAMP;
  readonly emit: (frame: LinkFrame) => void;
  readonly stamped: () => void;
  readonly rung: () => void;
  readonly #side: ChipSide;
  readonly #values: Int32Array;
  readonly #tarc: number;

  constructor(side: ChipSide, regs: RegisterFile, queue: number) {
    this.#side = side;
    this.#values = regs.values;
    this.#tarc = regs.slot(queue === 0 ? TARC0 : TARC1);
    this.emit = side.ways.emit;
    this.stamped = side.ways.stamped;
    this.rung = side.ways.rung;
  }

  get canSend(): boolean {
    return (this.#values[this.#tarc]! & TARC0.ENABLE) !== 0 && this.#side.ways.canSend();
  }

  get speed(): number {
    return this.#side.ways.speed();
  }

  get wireFree(): number {
    return this.#side.wireFree;
  }

  set wireFree(time: number) {
    this.#side.wireFree = time;
  }
}
