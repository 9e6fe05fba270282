/** The PCI Express gigabit family: which of them this driver drives, and which it only knows. */
import type { DriverId } from '../../pci/probe.js';
import { NOT_DRIVEN, row } from '../intel/ids.js';

/** By device ID. */
export const E1000E_IDS: readonly DriverId[] = [
  row(0x10d3, '82574l'),
  row(0x10f6, '82574la', NOT_DRIVEN),
  row(0x150c, '82583v', NOT_DRIVEN),
  row(0x105e, '82571eb', NOT_DRIVEN),
  row(0x105f, '82571eb-fiber', NOT_DRIVEN),
  row(0x1060, '82571eb-serdes', NOT_DRIVEN),
  row(0x10a4, '82571eb-quad', NOT_DRIVEN),
  row(0x10a5, '82571eb-quad-fiber', NOT_DRIVEN),
  row(0x10bc, '82571eb-quad-lp', NOT_DRIVEN),
  row(0x10d5, '82571pt-quad', NOT_DRIVEN),
  row(0x10d9, '82571eb-serdes-dual', NOT_DRIVEN),
  row(0x10da, '82571eb-serdes-quad', NOT_DRIVEN),
  row(0x107d, '82572ei', NOT_DRIVEN),
  row(0x107e, '82572ei-fiber', NOT_DRIVEN),
  row(0x107f, '82572ei-serdes', NOT_DRIVEN),
  row(0x10b9, '82572ei-copper', NOT_DRIVEN),
  row(0x108b, '82573e', NOT_DRIVEN),
  row(0x108c, '82573e-iamt', NOT_DRIVEN),
  row(0x109a, '82573l', NOT_DRIVEN),
  row(0x1096, '80003es2lan', NOT_DRIVEN),
  row(0x1098, '80003es2lan-serdes', NOT_DRIVEN),
  row(0x10ba, '80003es2lan-copper', NOT_DRIVEN),
  row(0x10bb, '80003es2lan-serdes-si', NOT_DRIVEN),
];
