/** 82540EM: the EEPROM, by the EERD register or bit by bit over its Microwire pins (8254x §5.3, §13.4.3, §13.4.4). */
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { sleep, type Task, until } from '../../platform/task.js';
import * as chip from '../../registers/i82540em/index.js';
import { checkSum, NVM_WORDS, readWords } from '../intel/nvm.js';

const { EECD } = chip;

const GRANT_US = 100_000;
/** Microwire: start bit and the read instruction. */
const READ_OPCODE = 0b110;
const OPCODE_BITS = 3;
const WORD_BITS = 16;
/** Half a clock; parts run at 1 MHz. */
const HALF_US = 1;

/** Reads words bit by bit. @throws NicError `timeout` when the pins are not granted, `gone` */
export function* readByMicrowire(io: Mmio, first: number, count: number): Task<number[]> {
  const before = io.read32(EECD.at) & ~(EECD.SK | EECD.CS | EECD.DI);
  const held = before | EECD.EE_REQ;
  io.write32(EECD.at, held);
  yield* until(io, EECD, EECD.EE_GNT, EECD.EE_GNT, { within: GRANT_US, ref: '8254x §13.4.3' });
  const addressBits = (io.read32(EECD.at) & EECD.EE_SIZE) !== 0 ? 8 : 6;
  const words: number[] = [];
  try {
    for (let word = first; word < first + count; word++) {
      io.write32(EECD.at, held | EECD.CS);
      yield* sleep(HALF_US);
      yield* shiftOut(io, held | EECD.CS, READ_OPCODE, OPCODE_BITS);
      yield* shiftOut(io, held | EECD.CS, word, addressBits);
      words.push(yield* shiftIn(io, held | EECD.CS));
      io.write32(EECD.at, held);
      yield* sleep(HALF_US);
    }
  } finally {
    io.write32(EECD.at, before & ~EECD.EE_REQ);
  }
  return words;
}

function* clock(io: Mmio, pins: number): Task<void> {
  io.write32(EECD.at, pins | EECD.SK);
  yield* sleep(HALF_US);
  io.write32(EECD.at, pins & ~EECD.SK);
  yield* sleep(HALF_US);
}

function* shiftOut(io: Mmio, pins: number, value: number, bits: number): Task<void> {
  for (let bit = bits - 1; bit >= 0; bit--) {
    const now = ((value >> bit) & 1) !== 0 ? pins | EECD.DI : pins;
    io.write32(EECD.at, now);
    yield* sleep(HALF_US);
    yield* clock(io, now);
  }
}

function* shiftIn(io: Mmio, pins: number): Task<number> {
  let word = 0;
  for (let bit = 0; bit < WORD_BITS; bit++) {
    io.write32(EECD.at, pins | EECD.SK);
    yield* sleep(HALF_US);
    word = (word << 1) | ((io.read32(EECD.at) & EECD.DO) !== 0 ? 1 : 0);
    io.write32(EECD.at, pins);
    yield* sleep(HALF_US);
  }
  return word;
}

/** Where the words came from. */
export type NvmMethod = 'eerd' | 'microwire';

/**
 * Reads the 64 words and checks their sum.
 * @throws NicError `bad-nvm` with the sum found; `timeout` when neither way works; `gone`
 */
export function* readNvm(io: Mmio, device: string): Task<{ words: readonly number[]; method: NvmMethod }> {
  let words: number[];
  let method: NvmMethod = 'eerd';
  try {
    words = yield* readWords(io, chip);
  } catch (error) {
    if (!(error instanceof NicError) || error.code !== 'timeout') throw error;
    method = 'microwire';
    words = yield* readByMicrowire(io, 0, NVM_WORDS);
  }
  checkSum(words, device, '8254x §5.6.35');
  return { words, method };
}
