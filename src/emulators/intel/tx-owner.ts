/** What a transmit queue is to the rest of its chip. */
import type { LinkFrame } from '../../link/port.js';
import type { FrameDescriptor } from '../function.js';
import type { TxRing } from './chip.js';

/** Where a queue tells what should interrupt. */
export interface TxInterrupts {
  raise(causes: number): void;
  /** Descriptors of `queue` were written back. @param delayed all of them have IDE */
  sent(delayed: boolean, queue: number): void;
}

/** What a transmit queue needs of the rest of the chip. */
export interface TxOwner {
  /** False while there is no link or frames may not be sent. */
  readonly canSend: boolean;
  /** When the wire is free again, on the timed schedule; shared by the queues. */
  wireFree: number;
  /** Hands a finished frame to the medium, or back to the receiver in loopback. */
  emit(frame: LinkFrame): void;
  /** Link speed in Mbit/s, for the timed schedule. */
  readonly speed: number;
  /** The guest rang the doorbell of an enabled queue. */
  rung(): void;
  /** Bits of the POPTS word that ask for a time stamp; 0 where the chip takes none. */
  readonly stampMask: number;
  /** A frame that asked for a time stamp was sent. */
  stamped(): void;
}

/** What distinguishes one queue from another. */
export interface TxQueueOptions {
  readonly ring: TxRing;
  /** Its number. */
  readonly index: number;
  /** Where it tells the descriptor of the frame under way. */
  readonly slot: FrameDescriptor;
}
