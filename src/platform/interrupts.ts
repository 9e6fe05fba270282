/** Interrupts as a driver sees them: it asks for a vector or a pin and gets called after the access that caused it. */
import type { Bdf } from './config-access.js';

/** An address and a datum that, written by a function, call a handler. */
export interface MessageTarget {
  /** Bus address, below 2^53. */
  readonly address: number;
  readonly data: number;
  /** The handler is no longer called. */
  release(): void;
}

/** The interrupt controller of a host. Handlers run between accesses, never inside one, and must not throw. */
export interface InterruptController {
  /** False where messages cannot be received. */
  readonly messages: boolean;
  /** A message that calls `handler`; undefined when no vector is left. */
  allocateMessage(handler: () => void): MessageTarget | undefined;
  /**
   * Calls `handler` while pin `pin` (1 to 4) of the function at `address` is asserted. Lines are shared and level
   * triggered: the handler says whether its device had asked (and then has silenced it).
   * @returns a function that detaches the handler
   */
  attachPin(address: Bdf, pin: number, handler: () => boolean): () => void;
}
