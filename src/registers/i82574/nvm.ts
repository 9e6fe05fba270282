/** 82574L: words of the NVM. Source: Intel 317694 (82574 datasheet), chapter 6. A word's offset is its number times 2. */
import { bit, bits, reg, registerMap, word } from '../define.js';

const w = { width: 16, volatile: true } as const;
const S = '82574 §6.1';
const n = (number: number): number => 2 * number;

/** Sum of words 00h to 3Fh. */
export const NVM_SUM = 0xbaba;
/** Words that the sum covers. */
export const NVM_SUM_WORDS = 0x40;
/** Words of the shadow RAM of a flash. */
export const NVM_WORDS = 2048;

export const NVM_MAC = word('NVM_MAC', n(0x00), 'rw', {
  ...w,
  doc: 'Station address, two bytes a word, the first in the low half',
  ref: S,
  count: 3,
});
export const NVM_COMPAT = word('NVM_COMPAT', n(0x03), 'rw', { ...w, doc: 'Compatibility', ref: S });
export const NVM_ID_LED = word('NVM_ID_LED', n(0x04), 'rw', { ...w, doc: 'LED settings for drivers', ref: S });
export const NVM_VERSION = word('NVM_VERSION', n(0x05), 'rw', { ...w, doc: 'Image version', ref: S });
export const NVM_PBA = word('NVM_PBA', n(0x08), 'rw', { ...w, doc: 'Number of the printed board', ref: S, count: 2 });
export const NVM_INIT1 = word('NVM_INIT1', n(0x0a), 'rw', { ...w, doc: 'Initialization control 1', ref: S });
export const NVM_SUBSYSTEM = word('NVM_SUBSYSTEM', n(0x0b), 'rw', { ...w, doc: 'Subsystem', ref: S });
export const NVM_SUBVENDOR = word('NVM_SUBVENDOR', n(0x0c), 'rw', { ...w, doc: 'Subsystem vendor', ref: S });
export const NVM_DEVICE = word('NVM_DEVICE', n(0x0d), 'rw', { ...w, doc: 'Device', ref: S });
export const NVM_VENDOR = word('NVM_VENDOR', n(0x0e), 'rw', { ...w, doc: 'Vendor', ref: S });
export const NVM_INIT2 = reg(
  'NVM_INIT2',
  n(0x0f),
  { ...w, doc: 'Initialization control 2', ref: S },
  {
    LOW: bits(11, 0, 'rw', 'Options'),
    PAUSE: bits(13, 12, 'rw', 'PAUSE advertised', {
      values: { 0: 'none', 1: 'symmetric', 2: 'asymmetric', 3: 'both' },
    }),
    MNGM: bits(14, 14, 'rw', 'Management mode, high bit'),
    SIGN: bit(15, 'rw', 'Option'),
  },
);
export const NVM_INIT3_LOADING = word('NVM_INIT3_LOADING', n(0x10), 'rw', { ...w, doc: 'Management loading', ref: S });
export const NVM_CHECKSUM_FIX = reg(
  'NVM_CHECKSUM_FIX',
  n(0x23),
  { ...w, doc: 'Tells drivers that the checksum of a flash image was mended', ref: '82574 §6.1' },
  {
    LOW: bits(14, 0, 'rw', 'Options'),
    FIXED: bit(15, 'rw', 'Mended'),
  },
);
export const NVM_INIT3 = reg(
  'NVM_INIT3',
  n(0x24),
  { ...w, doc: 'Initialization control 3', ref: S },
  {
    LOW: bits(9, 0, 'rw', 'Options'),
    APME: bit(10, 'rw', 'Wake on a magic packet: WUC.APME'),
    HIGH: bits(15, 11, 'rw', 'Options'),
  },
);
export const NVM_CHECKSUM = word('NVM_CHECKSUM', n(0x3f), 'rw', { ...w, doc: 'Makes the sum BABAh', ref: S });

/** The words that have a meaning here. */
export const nvmMap = registerMap('82574l', 'NVM', 2 * NVM_WORDS, [16], {
  NVM_MAC,
  NVM_COMPAT,
  NVM_ID_LED,
  NVM_VERSION,
  NVM_PBA,
  NVM_INIT1,
  NVM_SUBSYSTEM,
  NVM_SUBVENDOR,
  NVM_DEVICE,
  NVM_VENDOR,
  NVM_INIT2,
  NVM_INIT3_LOADING,
  NVM_CHECKSUM_FIX,
  NVM_INIT3,
  NVM_CHECKSUM,
});
