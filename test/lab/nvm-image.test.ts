/** NVM images: what our own board's EEPROM holds, and what is wrong with a broken one. */
import { expect, test } from 'vitest';
import { eepromImage } from '../../src/emulators/i82540em/index.js';
import { parseIntelNvm } from '../../src/lab/node/index.js';

const image = (): Uint8Array =>
  new Uint8Array(eepromImage(Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56)).buffer.slice(0));

test('the fields and the checksum', () => {
  expect(parseIntelNvm(image())).toMatchObject({
    mac: '52:54:00:12:34:56',
    vendor: 0x8086,
    device: 0x100e,
    subsystem: 0x001e,
    control2: 0x1000,
    control3: 0x0400,
    checksumOk: true,
    words: 64,
  });
});

test('a changed word makes the checksum wrong, and the right one is told', () => {
  const broken = image();
  broken[0]! ^= 1;
  const found = parseIntelNvm(broken);
  expect(found.checksumOk).toBe(false);
  broken[126] = found.checksumWanted & 0xff;
  broken[127] = found.checksumWanted >> 8;
  expect(parseIntelNvm(broken).checksumOk).toBe(true);
});

test('an image that is none', () => {
  expect(() => parseIntelNvm(new Uint8Array(100))).toThrow(/at least 128, this one 100/);
  expect(() => parseIntelNvm(new Uint8Array(129))).toThrow(RangeError);
});
