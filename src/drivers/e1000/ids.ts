/** The 8254x family: which of them this driver drives, and which it only knows. */
import type { DriverId } from '../../pci/probe.js';
import { NOT_DRIVEN, row } from '../intel/ids.js';

/** Behaviour that differs inside the family. */
export const QUIRK = {
  /** A reset written through memory may hang the bus: it goes through the I/O BAR (82540, 82541, 82545, 82546). */
  resetThroughIo: 'reset-through-io-bar',
} as const;

/** All of the family, by device ID. */
export const E1000_IDS: readonly DriverId[] = [
  row(0x100e, '82540em', QUIRK.resetThroughIo),
  row(0x1015, '82540em-lom', QUIRK.resetThroughIo, NOT_DRIVEN),
  row(0x1000, '82542', NOT_DRIVEN),
  row(0x1001, '82543gc-fiber', NOT_DRIVEN),
  row(0x1004, '82543gc', NOT_DRIVEN),
  row(0x1008, '82544ei', NOT_DRIVEN),
  row(0x1009, '82544ei-fiber', NOT_DRIVEN),
  row(0x100c, '82544gc', NOT_DRIVEN),
  row(0x100d, '82544gc-lom', NOT_DRIVEN),
  row(0x100f, '82545em', NOT_DRIVEN),
  row(0x1010, '82546eb', NOT_DRIVEN),
  row(0x1011, '82545em-fiber', NOT_DRIVEN),
  row(0x1012, '82546eb-fiber', NOT_DRIVEN),
  row(0x1013, '82541ei', NOT_DRIVEN),
  row(0x1014, '82541er-lom', NOT_DRIVEN),
  row(0x1016, '82540ep-mobile', NOT_DRIVEN),
  row(0x1017, '82540ep', NOT_DRIVEN),
  row(0x1018, '82541ei-mobile', NOT_DRIVEN),
  row(0x101d, '82546eb-quad', NOT_DRIVEN),
  row(0x101e, '82540ep-lp', NOT_DRIVEN),
  row(0x1026, '82545gm', NOT_DRIVEN),
  row(0x1027, '82545gm-fiber', NOT_DRIVEN),
  row(0x1028, '82545gm-serdes', NOT_DRIVEN),
  row(0x1075, '82547gi', NOT_DRIVEN),
  row(0x1076, '82541gi', NOT_DRIVEN),
  row(0x1077, '82541gi-mobile', NOT_DRIVEN),
  row(0x1078, '82541er', NOT_DRIVEN),
  row(0x1079, '82546gb', NOT_DRIVEN),
  row(0x107a, '82546gb-fiber', NOT_DRIVEN),
  row(0x107b, '82546gb-serdes', NOT_DRIVEN),
  row(0x107c, '82541pi', NOT_DRIVEN),
  row(0x1019, '82547ei', NOT_DRIVEN),
];
