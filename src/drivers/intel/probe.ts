/** What the drivers of Intel's gigabit family ask before they touch a register. */
import type { PciFunction } from '../../pci/function.js';
import { bound, type DriverId, declined, failed, type ProbeOutcome } from '../../pci/probe.js';
import type { Task } from '../../platform/task.js';
import type { Nic } from '../driver.js';
import { NOT_DRIVEN } from './ids.js';

const DECLINES = {
  notDriven: 'this chip of the family is known, not driven',
  notMemory: 'BAR0 is not memory',
  noAddress: 'BAR0 has no address',
} as const;

/** All of them. */
export const INTEL_DECLINES: readonly string[] = Object.values(DECLINES);

/** Looks at the row and BAR 0, then opens. What `open` throws is a failure, after which the function masters nothing. */
export function* probeIntel(fn: PciFunction, id: DriverId, open: () => Task<Nic>): Task<ProbeOutcome<Nic>> {
  if (id.quirks.includes(NOT_DRIVEN)) return declined(DECLINES.notDriven);
  const bar = fn.bar(0);
  if (bar === undefined || bar.kind === 'io') return declined(DECLINES.notMemory);
  if (bar.address === undefined) return declined(DECLINES.noAddress);
  try {
    return bound(yield* open());
  } catch (error) {
    fn.disableMaster();
    return failed(error instanceof Error ? error : new Error(String(error)));
  }
}
