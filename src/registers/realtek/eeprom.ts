/**
 * Words of a 93C46 EEPROM behind the pins of CFG9346, as RTL8169's document lays them out. A board may have none: the
 * address then comes from fuses, and iPXE and BSD see that ID is not 8129h. A word's offset is its number times 2.
 */
import { registerMap, word } from '../define.js';

const S = 'RTL8169 specification, EEPROM contents §';
const w = { width: 16, volatile: true } as const;

/** EEPROM_ID of a good EEPROM. */
export const EEPROM_MAGIC = 0x8129;
/** Words of a 93C46: 6 address bits. RCR.EE9356 tells of a 93C56: 256 words, 8 address bits. */
export const EEPROM_WORDS = 64;
/** Operation codes after the start bit 1; address bits follow, then 16 data bits of a read behind a leading 0. */
export const EEPROM_OPCODE = { extended: 0, write: 1, read: 2, erase: 3 } as const;

export const EEPROM_ID = word('EEPROM_ID', 0x00, 'rw', { ...w, doc: '8129h: the contents are good', ref: `${S}00h` });
export const EEPROM_VENDOR = word('EEPROM_VENDOR', 0x02, 'rw', { ...w, doc: 'PCI vendor', ref: `${S}02h` });
export const EEPROM_DEVICE = word('EEPROM_DEVICE', 0x04, 'rw', { ...w, doc: 'PCI device', ref: `${S}04h` });
export const EEPROM_SUBVENDOR = word('EEPROM_SUBVENDOR', 0x06, 'rw', { ...w, doc: 'Subsystem vendor', ref: `${S}06h` });
export const EEPROM_SUBSYSTEM = word('EEPROM_SUBSYSTEM', 0x08, 'rw', { ...w, doc: 'Subsystem', ref: `${S}08h` });
export const EEPROM_OPTIONS = word('EEPROM_OPTIONS', 0x0a, 'rw', {
  ...w,
  doc: 'Latencies and configuration 3, by chip',
  ref: `${S}0Ah to 0Dh`,
  count: 2,
});
export const EEPROM_MAC = word('EEPROM_MAC', 0x0e, 'rw', {
  ...w,
  doc: 'Station address, two bytes a word, the first in the low half (iPXE RTL_EEPROM_MAC, FreeBSD RL_EE_EADDR)',
  ref: `${S}0Eh to 13h`,
  count: 3,
});
export const EEPROM_CONFIG = word('EEPROM_CONFIG', 0x14, 'rw', {
  ...w,
  doc: 'Configuration registers and PHY parameters, by chip',
  ref: `${S}14h to 3Fh`,
  count: 22,
});
export const EEPROM_VPD = word('EEPROM_VPD', 0x40, 'rw', {
  ...w,
  doc: 'Vital product data; options of iPXE when CONFIG1.VPD is 0',
  ref: `${S}40h to 7Fh`,
  count: 32,
});

/** Both chips read the same layout. */
export const eepromMap = registerMap('rtl81xx', 'EEPROM', 2 * EEPROM_WORDS, [16], {
  EEPROM_ID,
  EEPROM_VENDOR,
  EEPROM_DEVICE,
  EEPROM_SUBVENDOR,
  EEPROM_SUBSYSTEM,
  EEPROM_OPTIONS,
  EEPROM_MAC,
  EEPROM_CONFIG,
  EEPROM_VPD,
});
