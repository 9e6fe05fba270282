/** The 8254x family: which of them this driver drives, and which it only knows. */
import type { DriverId } from '../../pci/probe.js';

/** Intel. */
export const INTEL = 0x8086;

/** Behaviour that differs inside the family. */
export const QUIRK = {
  /** A reset written through memory may hang the bus: it goes through the I/O BAR (82540, 82541, 82545, 82546). */
  resetThroughIo: 'reset-through-io-bar',
  /** Its register map is not declared here: the probe declines. */
  notDriven: 'known-not-driven',
} as const;

function row(device: number, name: string, ...quirks: string[]): DriverId {
  return { vendor: INTEL, device, name, quirks };
}

/** All of the family, by device ID. */
export const E1000_IDS: readonly DriverId[] = [
  row(0x100e, '82540em', QUIRK.resetThroughIo),
  row(0x1015, '82540em-lom', QUIRK.resetThroughIo, QUIRK.notDriven),
  row(0x1000, '82542', QUIRK.notDriven),
  row(0x1001, '82543gc-fiber', QUIRK.notDriven),
  row(0x1004, '82543gc', QUIRK.notDriven),
  row(0x1008, '82544ei', QUIRK.notDriven),
  row(0x1009, '82544ei-fiber', QUIRK.notDriven),
  row(0x100c, '82544gc', QUIRK.notDriven),
  row(0x100d, '82544gc-lom', QUIRK.notDriven),
  row(0x100f, '82545em', QUIRK.notDriven),
  row(0x1010, '82546eb', QUIRK.notDriven),
  row(0x1011, '82545em-fiber', QUIRK.notDriven),
  row(0x1012, '82546eb-fiber', QUIRK.notDriven),
  row(0x1013, '82541ei', QUIRK.notDriven),
  row(0x1014, '82541er-lom', QUIRK.notDriven),
  row(0x1016, '82540ep-mobile', QUIRK.notDriven),
  row(0x1017, '82540ep', QUIRK.notDriven),
  row(0x1018, '82541ei-mobile', QUIRK.notDriven),
  row(0x101d, '82546eb-quad', QUIRK.notDriven),
  row(0x101e, '82540ep-lp', QUIRK.notDriven),
  row(0x1026, '82545gm', QUIRK.notDriven),
  row(0x1027, '82545gm-fiber', QUIRK.notDriven),
  row(0x1028, '82545gm-serdes', QUIRK.notDriven),
  row(0x1075, '82547gi', QUIRK.notDriven),
  row(0x1076, '82541gi', QUIRK.notDriven),
  row(0x1077, '82541gi-mobile', QUIRK.notDriven),
  row(0x1078, '82541er', QUIRK.notDriven),
  row(0x1079, '82546gb', QUIRK.notDriven),
  row(0x107a, '82546gb-fiber', QUIRK.notDriven),
  row(0x107b, '82546gb-serdes', QUIRK.notDriven),
  row(0x107c, '82541pi', QUIRK.notDriven),
  row(0x1019, '82547ei', QUIRK.notDriven),
];
