/** Files that a run writes as it goes. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { UsageError } from './usage.js';

/**
 * A file that takes bytes; undefined without a path. When it can take no more, that is said once and the run goes on
 * without it. @param opened gets the call that closes it @throws UsageError when it cannot be opened
 */
export function openSink(
  option: string,
  path: string | undefined,
  opened: (() => void | Promise<void>)[],
): ((bytes: Uint8Array) => void) | undefined {
  if (path === undefined) return undefined;
  let fd: number;
  try {
    fd = openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`--${option}: ${path} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
  opened.push(() => closeSync(fd));
  let broken = false;
  return (bytes) => {
    if (broken) return;
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(fd, bytes, at);
    } catch (error) {
      broken = true;
      console.error(`nicforge: --${option}: ${path}: ${error instanceof Error ? error.message : error}; it ends here`);
    }
  };
}

/** A file or stdout that takes lines. */
export interface Lines {
  readonly line: (text: string) => void;
  /** Writes what was gathered. */
  flush(): void;
}

/** Characters gathered before they are written. */
const GATHERED = 64 << 10;

/** As {@link openSink} for lines, which are gathered; `-` is stdout. */
export function openLines(
  option: string,
  path: string | undefined,
  opened: (() => void | Promise<void>)[],
): Lines | undefined {
  if (path === undefined) return undefined;
  const write =
    path === '-' ? (bytes: Uint8Array) => void process.stdout.write(bytes) : openSink(option, path, opened)!;
  let gathered: string[] = [];
  let length = 0;
  const flush = (): void => {
    if (length === 0) return;
    write(Buffer.from(gathered.join('')));
    gathered = [];
    length = 0;
  };
  opened.push(flush);
  return {
    line: (text) => {
      gathered.push(`${text}\n`);
      length += text.length + 1;
      if (length >= GATHERED) flush();
    },
    flush,
  };
}
