/** The NVM behind EERD, the sum of its words, and the station address in it (8254x §5.6, §13.4.4; 82574 §6.1, §10.2.2). */
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { type Task, until } from '../../platform/task.js';
import { meta, pick, put } from '../../registers/define.js';
import type { IntelChip } from './family.js';

/** Words under the checksum. */
export const NVM_WORDS = 64;
/** What they sum up to. */
const NVM_SUM = 0xbaba;
const EERD_US = 2_000;

/** Reads one word through EERD. @throws NicError `timeout`, `gone` */
export function* readWord(io: Mmio, chip: IntelChip, word: number): Task<number> {
  const { EERD } = chip;
  io.write32(EERD.at, put(EERD.START, EERD.ADDR, word));
  const value = yield* until(io, EERD, EERD.DONE, EERD.DONE, { within: EERD_US, ref: EERD[meta].ref });
  return pick(value, EERD.DATA);
}

/** Reads the words under the checksum. @throws NicError `timeout`, `gone` */
export function* readWords(io: Mmio, chip: IntelChip): Task<number[]> {
  const words: number[] = [];
  for (let word = 0; word < NVM_WORDS; word++) words.push(yield* readWord(io, chip, word));
  return words;
}

/** @throws NicError `bad-nvm` with the sum found */
export function checkSum(words: readonly number[], device: string, ref: string): void {
  let sum = 0;
  for (const word of words) sum = (sum + word) & 0xffff;
  if (sum === NVM_SUM) return;
  throw new NicError('bad-nvm', `NVM words 0 to ${NVM_WORDS - 1} do not sum up to 0x${NVM_SUM.toString(16)}`, {
    device,
    value: sum,
    ref,
  });
}

/** Station address in words 0 to 2. @throws NicError `bad-nvm` for a group address or all zeros */
export function macOf(words: readonly number[], device: string, ref: string): Uint8Array {
  const mac = new Uint8Array(6);
  for (let i = 0; i < 6; i++) mac[i] = words[i >> 1]! >> (8 * (i & 1));
  if ((mac[0]! & 1) !== 0 || mac.every((byte) => byte === 0))
    throw new NicError('bad-nvm', 'the NVM holds no station address', { device, ref });
  return mac;
}
