/** Where a pin comes out: bridges rotate the four pins by the device's number (Bridge 1.2 §9.1). */
import { type Bdf, bdf, type ConfigAccess } from '../platform/config-access.js';
import { pick } from '../registers/define.js';
import { HEADER_TYPE, SECONDARY_BUS, SUBORDINATE_BUS, VENDOR_ID } from '../registers/pci.js';

/** A pin on the root bus. */
export interface RootPin {
  /** Device number on bus 0. */
  readonly device: number;
  /** 1 to 4. */
  readonly pin: number;
}

/** Finds, from the bridges' bus numbers, which pin of which device on bus 0 carries pin `pin` of `address`. */
export function rootPin(config: ConfigAccess, address: Bdf, pin: number): RootPin {
  let device = (address >> 3) & 31;
  const bus = address >> 8;
  let out = pin;
  let from = 0;
  // Each step down goes to a higher bus number, so at most 256 steps.
  const path: number[] = [];
  for (let depth = 0; depth < 256 && bus !== from; depth++) {
    const bridge = bridgeTo(config, from, bus);
    if (bridge === undefined) break;
    path.push((bridge.address >> 3) & 31);
    if (bridge.secondary <= from) break;
    from = bridge.secondary;
  }
  for (const above of path.reverse()) {
    out = ((out - 1 + device) % 4) + 1;
    device = above;
  }
  return { device, pin: out };
}

function bridgeTo(config: ConfigAccess, from: number, bus: number): { address: Bdf; secondary: number } | undefined {
  for (let slot = 0; slot < 32 * 8; slot++) {
    const address = bdf(from, slot >> 3, slot & 7);
    if ((config.read16(address, VENDOR_ID.at) & 0xffff) === 0xffff) continue;
    if (pick(config.read8(address, HEADER_TYPE.at), HEADER_TYPE.LAYOUT) !== 1) continue;
    const secondary = config.read8(address, SECONDARY_BUS.at) & 0xff;
    const last = config.read8(address, SUBORDINATE_BUS.at) & 0xff;
    if (secondary > 0 && bus >= secondary && bus <= last) return { address, secondary };
  }
  return undefined;
}
