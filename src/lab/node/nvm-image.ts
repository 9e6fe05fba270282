/** Reading NVM images of NICs: what a dump of an EEPROM (`ethtool -e raw on`) holds. Source: 8254x §5.6; 82574 §6.1. */
import { Parser } from 'binary-parser';

/** Words that the checksum covers, and what they sum to (8254x §5.6.35). */
const CHECKED_WORDS = 64;
const SUM = 0xbaba;

/** What an image of an Intel 8254x or 82574 holds. */
export interface IntelNvm {
  /** `52:54:00:12:34:56`. */
  readonly mac: string;
  /** Initialization control 1, word Ah. */
  readonly control1: number;
  readonly subsystem: number;
  readonly subsystemVendor: number;
  readonly device: number;
  readonly vendor: number;
  /** Initialization control 2, word Fh. */
  readonly control2: number;
  /** Initialization control 3, word 24h; bit 10 enables APM wake-up. */
  readonly control3: number;
  readonly ledDefaults: number;
  /** Words 0 to 3Fh sum to BABAh. */
  readonly checksumOk: boolean;
  /** What word 3Fh should be. */
  readonly checksumWanted: number;
  readonly words: number;
}

interface RawIntelNvm {
  mac: number[];
  control1: number;
  subsystem: number;
  subsystemVendor: number;
  device: number;
  vendor: number;
  control2: number;
  control3: number;
  ledDefaults: number;
  checksum: number;
}

/** The words of an 8254x image, little-endian, by their place. */
const intelNvm = new Parser()
  .endianness('little')
  .array('mac', { type: 'uint8', length: 6 })
  .seek(2 * 0x0a - 6)
  .uint16('control1')
  .uint16('subsystem')
  .uint16('subsystemVendor')
  .uint16('device')
  .uint16('vendor')
  .uint16('control2')
  .seek(2 * (0x24 - 0x10))
  .uint16('control3')
  .seek(2 * (0x2f - 0x25))
  .uint16('ledDefaults')
  .seek(2 * (0x3f - 0x30))
  .uint16('checksum');

/**
 * Reads an image of an Intel 8254x EEPROM, or of an 82574's NVM, whose first words mean the same.
 * @throws RangeError when it is shorter than 64 words or of an odd length
 */
export function parseIntelNvm(image: Uint8Array): IntelNvm {
  if (image.length < 2 * CHECKED_WORDS || image.length % 2 !== 0)
    throw new RangeError(
      `an image of an Intel NVM has an even number of bytes and at least 128, this one ${image.length}`,
    );
  const raw = intelNvm.parse(Buffer.from(image)) as RawIntelNvm;
  let sum = 0;
  for (let i = 0; i < CHECKED_WORDS; i++) sum += image[2 * i]! | (image[2 * i + 1]! << 8);
  const { mac, checksum, ...fields } = raw;
  return {
    ...fields,
    mac: mac.map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    checksumOk: (sum & 0xffff) === SUM,
    checksumWanted: (SUM - sum + checksum) & 0xffff,
    words: image.length / 2,
  };
}

/** The 16-bit words of an image, little-endian, as a model's EEPROM takes them. */
export function nvmWords(image: Uint8Array): Uint16Array {
  const words = new Uint16Array(image.length >> 1);
  for (let i = 0; i < words.length; i++) words[i] = image[2 * i]! | (image[2 * i + 1]! << 8);
  return words;
}
