/** Rows of the tables of Intel's gigabit families. */
import type { DriverId } from '../../pci/probe.js';

/** Intel. */
export const INTEL = 0x8086;
/** A row whose chip is known by name only: its register map is not declared here. */
export const NOT_DRIVEN = 'known-not-driven';

/** A row by device ID. */
export function row(device: number, name: string, ...quirks: string[]): DriverId {
  return { vendor: INTEL, device, name, quirks };
}
