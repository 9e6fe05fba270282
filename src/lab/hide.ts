/** A model without some of its capabilities: what a driver does on a machine that cannot have them. */
import type { EmulatedFunction } from '../emulators/index.js';
import { WrappedFunction } from './wrap.js';

/** Capabilities that can be hidden. */
export const HIDEABLE = ['msi', 'msix'] as const;
/** One of {@link HIDEABLE}. */
export type Hideable = (typeof HIDEABLE)[number];

/**
 * `fn` as if its configuration space did not list the capabilities in `hidden`; the model itself is untouched, and BARs
 * that hold an MSI-X table stay. Hiding what the function does not have changes nothing.
 */
export function hideCapabilities(fn: EmulatedFunction, hidden: readonly Hideable[]): EmulatedFunction {
  if (!hidden.some((name) => fn.config[name] !== undefined)) return fn;
  const { msi, msix, ...rest } = fn.config;
  return new WrappedFunction(fn, {
    ...rest,
    ...(msi && !hidden.includes('msi') ? { msi } : {}),
    ...(msix && !hidden.includes('msix') ? { msix } : {}),
  });
}
