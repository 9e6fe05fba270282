/** The PCI Express gigabit family: which of them this driver drives, and which it only knows. */
import type { DriverId } from '../../pci/probe.js';
import { INTEL } from '../e1000/ids.js';

/** Behaviour that differs inside the family. */
export const QUIRK = {
  /** Its register map is not declared here: the probe declines. */
  notDriven: 'known-not-driven',
} as const;

function row(device: number, name: string, ...quirks: string[]): DriverId {
  return { vendor: INTEL, device, name, quirks };
}

/** By device ID. */
export const E1000E_IDS: readonly DriverId[] = [
  row(0x10d3, '82574l'),
  row(0x10f6, '82574la', QUIRK.notDriven),
  row(0x150c, '82583v', QUIRK.notDriven),
  row(0x105e, '82571eb', QUIRK.notDriven),
  row(0x105f, '82571eb-fiber', QUIRK.notDriven),
  row(0x1060, '82571eb-serdes', QUIRK.notDriven),
  row(0x10a4, '82571eb-quad', QUIRK.notDriven),
  row(0x10a5, '82571eb-quad-fiber', QUIRK.notDriven),
  row(0x10bc, '82571eb-quad-lp', QUIRK.notDriven),
  row(0x10d5, '82571pt-quad', QUIRK.notDriven),
  row(0x10d9, '82571eb-serdes-dual', QUIRK.notDriven),
  row(0x10da, '82571eb-serdes-quad', QUIRK.notDriven),
  row(0x107d, '82572ei', QUIRK.notDriven),
  row(0x107e, '82572ei-fiber', QUIRK.notDriven),
  row(0x107f, '82572ei-serdes', QUIRK.notDriven),
  row(0x10b9, '82572ei-copper', QUIRK.notDriven),
  row(0x108b, '82573e', QUIRK.notDriven),
  row(0x108c, '82573e-iamt', QUIRK.notDriven),
  row(0x109a, '82573l', QUIRK.notDriven),
  row(0x1096, '80003es2lan', QUIRK.notDriven),
  row(0x1098, '80003es2lan-serdes', QUIRK.notDriven),
  row(0x10ba, '80003es2lan-copper', QUIRK.notDriven),
  row(0x10bb, '80003es2lan-serdes-si', QUIRK.notDriven),
];
