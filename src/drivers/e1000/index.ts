/** Driver for Intel's 82540EM. The rest of the 8254x family is known by name and declined. */
import type { NicDriver } from '../driver.js';
import { INTEL_DECLINES, probeIntel } from '../intel/probe.js';
import { E1000_IDS } from './ids.js';
import { E1000Nic } from './nic.js';

/** Binds 8086:100e. */
export const e1000: NicDriver = {
  name: 'e1000',
  ids: E1000_IDS,
  declines: INTEL_DECLINES,
  probe: (fn, id, options) => probeIntel(fn, id, () => E1000Nic.open(fn, id, options)),
};

export { E1000Nic } from './nic.js';
