/** Picking an interrupt mode: the best of the wanted ones that the function and its host can do. */

import type { PciFunction } from '../pci/function.js';
import { NicError } from '../platform/errors.js';
import type { InterruptMode } from './driver.js';

/** Best first, when nobody asks otherwise. */
export const DEFAULT_INTERRUPTS: readonly InterruptMode[] = ['msix', 'msi', 'intx', 'polled'];

/** What a driver can do in each mode; a mode without handler is skipped. */
export interface InterruptHandlers {
  readonly intx?: () => boolean;
  readonly msi?: () => void;
  /** Sets of handlers to try, largest first. */
  readonly msix?: readonly (readonly (() => void)[])[];
}

/** What was enabled. */
export interface ChosenInterrupts {
  readonly mode: InterruptMode;
  /** MSI-X vectors in use. */
  readonly vectors: number;
}

/**
 * Enables the first mode that works.
 * @throws NicError `no-resource` naming why each mode was refused, when `polled` is not among `modes` and none works
 */
export function chooseInterrupts(
  fn: PciFunction,
  modes: readonly InterruptMode[],
  handlers: InterruptHandlers,
): ChosenInterrupts {
  const refused: string[] = [];
  for (const mode of modes) {
    if (mode === 'polled') {
      fn.disableInterrupts();
      return { mode, vectors: 0 };
    }
    try {
      if (mode === 'msix') {
        const vectors = tryMsix(fn, handlers.msix ?? [], refused);
        if (vectors > 0) return { mode, vectors };
      } else if (mode === 'msi' && handlers.msi) {
        fn.enableMsi(handlers.msi);
        return { mode, vectors: 1 };
      } else if (mode === 'intx' && handlers.intx) {
        fn.attachIntx(handlers.intx);
        return { mode, vectors: 1 };
      } else {
        refused.push(`${mode}: the driver does not use it`);
      }
    } catch (error) {
      if (!(error instanceof NicError)) throw error;
      refused.push(`${mode}: ${error.message}`);
    }
  }
  throw new NicError('no-resource', `no interrupt mode works: ${refused.join('; ')}`, { device: fn.name });
}

function tryMsix(fn: PciFunction, sets: readonly (readonly (() => void)[])[], refused: string[]): number {
  for (const set of sets) {
    try {
      fn.enableMsix(set);
      return set.length;
    } catch (error) {
      if (!(error instanceof NicError)) throw error;
      refused.push(`msix × ${set.length}: ${error.message}`);
    }
  }
  return 0;
}
