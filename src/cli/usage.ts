/** Errors of the command line: one clear line and exit status 2. */

import { readFileSync } from 'node:fs';

/** A mistake in the arguments. */
export class UsageError extends Error {}

/** A file that was named and cannot be read. @param what how it was named */
export function unreadable(what: string, error: unknown): UsageError {
  return new UsageError(`${what} cannot be read: ${error instanceof Error ? error.message : error}`);
}

/** The bytes of a file that was named. @throws UsageError */
export function readInput(path: string, what = path): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(what, error);
  }
}

/** A whole number from `least` to `most`. @throws UsageError naming the option */
export function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new UsageError(`--${option} takes a whole number from ${least} to ${most}, not "${text}"`);
  return value;
}

/** A probability. @throws UsageError naming the option */
export function probability(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value > 1)
    throw new UsageError(`--${option} takes a probability from 0 to 1, not "${text}"`);
  return value;
}

/** One of a list. @throws UsageError naming the option and the list */
export function oneOf<T extends string>(option: string, text: string, list: readonly T[]): T {
  const found = list.find((item) => item === text);
  if (found === undefined) throw new UsageError(`--${option} takes ${list.join(', ')}, not "${text}"`);
  return found;
}

/** A number as people write registers: decimal or 0x. @throws UsageError */
export function number32(what: string, text: string): number {
  const value = Number(text);
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text) || value > 0xffff_ffff)
    throw new UsageError(`${what} is a number of at most 32 bits, decimal or 0x, not "${text}"`);
  return value;
}
