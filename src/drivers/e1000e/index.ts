/** Driver for Intel's 82574L. The rest of its family is known by name and declined. */
import type { NicDriver } from '../driver.js';
import { INTEL_DECLINES, probeIntel } from '../intel/probe.js';
import { E1000E_IDS } from './ids.js';
import { E1000eNic } from './nic.js';

/** Binds 8086:10d3. */
export const e1000e: NicDriver = {
  name: 'e1000e',
  ids: E1000E_IDS,
  declines: INTEL_DECLINES,
  probe: (fn, id, options) => probeIntel(fn, id, () => E1000eNic.open(fn, id, options)),
};

export { E1000eNic } from './nic.js';
