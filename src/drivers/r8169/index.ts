/** Driver for Realtek's RTL8168H and RTL8125B. The rest of the family is known by XID and declined by name. */
import type { NicDriver } from '../driver.js';
import { R8169_IDS } from './ids.js';
import { probeRealtek, R8169_DECLINES } from './probe.js';

/** Binds RTL8168H/8111H and RTL8125B, whatever PCI identity their board gave them. */
export const r8169: NicDriver = {
  name: 'r8169',
  ids: R8169_IDS,
  declines: R8169_DECLINES,
  probe: probeRealtek,
};

export { R8169Nic } from './nic.js';
