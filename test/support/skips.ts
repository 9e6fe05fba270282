/**
 * Skipping honestly. A test whose foreign program cannot be had is skipped and says why; in CI (CI=true) only what
 * `test/allowed-skips.json` lists may be missing, anything else fails.
 */
import { readFileSync } from 'node:fs';
import { need, type Pieces } from './fetch.js';
import { Unavailable } from './unavailable.js';

/** One line of `test/allowed-skips.json`. */
export interface AllowedSkip {
  /** Name of the piece, as {@link Unavailable.what}. */
  readonly what: string;
  /** The reason's code, as {@link Unavailable.code}. */
  readonly code: string;
  /** Why this may be missing in CI. */
  readonly why: string;
}

/** True when `error` may be skipped: anywhere outside CI, and inside when the list names it. */
export function maySkip(error: Unavailable, allowed: readonly AllowedSkip[], ci: boolean): boolean {
  return !ci || allowed.some((each) => each.what === error.what && each.code === error.code);
}

function allowedSkips(): AllowedSkip[] {
  return JSON.parse(readFileSync(new URL('../allowed-skips.json', import.meta.url), 'utf8')) as AllowedSkip[];
}

/**
 * Runs `get`; undefined when it throws {@link Unavailable} and skipping is allowed. The reason goes to stderr.
 * Use at a test file's top level: `const qemu = await orSkip(() => need('qemu'))`, then `describe.skipIf(!qemu)`.
 */
export async function orSkip<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    if (!maySkip(error, allowedSkips(), process.env['CI'] === 'true')) throw error;
    process.stderr.write(`SKIP ${error.message}\n`);
    return undefined;
  }
}

/** All of several pieces, or undefined as {@link orSkip} says. */
export function piecesOrSkip<K extends keyof Pieces>(...names: K[]): Promise<{ [P in K]: Pieces[P] } | undefined> {
  return orSkip(async () => {
    const found = {} as { [P in K]: Pieces[P] };
    for (const name of names) found[name] = await need(name);
    return found;
  });
}
