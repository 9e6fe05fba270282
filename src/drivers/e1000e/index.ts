/** Driver for Intel's 82574L. The rest of its family is known by name and declined. */

import type { PciFunction } from '../../pci/function.js';
import { bound, type DriverId, declined, failed, type ProbeOutcome } from '../../pci/probe.js';
import type { Task } from '../../platform/task.js';
import type { DriverOptions, Nic, NicDriver } from '../driver.js';
import { E1000E_IDS, QUIRK } from './ids.js';
import { E1000eNic } from './nic.js';

/** Binds 8086:10d3. */
export const e1000e: NicDriver = {
  name: 'e1000e',
  ids: E1000E_IDS,
  *probe(fn: PciFunction, id: DriverId, options: DriverOptions): Task<ProbeOutcome<Nic>> {
    if (id.quirks.includes(QUIRK.notDriven)) return declined(`${id.name} is known, not driven`);
    const bar = fn.bar(0);
    if (bar === undefined || bar.kind === 'io') return declined('BAR0 is not memory');
    if (bar.address === undefined) return declined('BAR0 has no address');
    try {
      return bound(yield* E1000eNic.open(fn, id, options));
    } catch (error) {
      fn.disableMaster();
      return failed(error instanceof Error ? error : new Error(String(error)));
    }
  },
};

export { E1000eNic } from './nic.js';
