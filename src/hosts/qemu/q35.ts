/** The q35 machine without firmware: what firmware would set, and where things are. Source: Intel 316966 (MCH), ICH9. */

import type { PciResources } from '../../pci/host.js';
import type { RootPin } from '../../pci/swizzle.js';
import { bdf, type ConfigAccess } from '../../platform/config-access.js';
import { bit, bits, reg } from '../../registers/define.js';

/** Where ECAM is put: 256 MiB, all buses. */
export const ECAM_BASE = 0xb000_0000;
/** Bytes of ECAM. */
export const ECAM_BYTES = 0x1000_0000;

/** Configuration register of the memory controller, 00:00.0. */
const PCIEXBAR = reg(
  'PCIEXBAR',
  0x60,
  { doc: 'Base of ECAM, low', ref: '316966 §5.1.16' },
  {
    ENABLE: bit(0, 'rw', 'ECAM answers'),
    LENGTH: bits(2, 1, 'rw', 'Size', { values: { 0: '256 MiB', 1: '128 MiB', 2: '64 MiB' } }),
    ADDRESS: bits(31, 26, 'rw', 'Address'),
  },
);

/** Address space that the machine leaves to PCI: below the I/O APIC, above all RAM, and ports above the chipset's own. */
export const Q35_RESOURCES: PciResources = {
  memory32: { base: 0xc000_0000, bytes: 0x3e00_0000 },
  memory64: { base: 2 ** 35, bytes: 2 ** 35 },
  io: { base: 0x2000, bytes: 0xe000 },
};

/** Turns ECAM on, through mechanism 1. */
export function enableEcam(config: ConfigAccess): void {
  const host = bdf(0, 0, 0);
  config.write32(host, PCIEXBAR.at + 4, 0);
  config.write32(host, PCIEXBAR.at, (ECAM_BASE & PCIEXBAR.ADDRESS) | PCIEXBAR.ENABLE);
}

/** First I/O APIC input of the eight PCI lines PIRQA# to PIRQH#. */
const FIRST_LINE = 16;
/** Devices from here on have their own routing registers, which come up as INTA# to PIRQA# and so on. */
const FIRST_ROUTED = 25;

/** I/O APIC input of a pin on bus 0: slots 0 to 24 rotate over PIRQE# to PIRQH#, the chipset's own use A# to D#. */
export function lineOf(pin: RootPin): number {
  if (pin.device >= FIRST_ROUTED) return FIRST_LINE + pin.pin - 1;
  return FIRST_LINE + 4 + ((pin.device + pin.pin - 1) % 4);
}
