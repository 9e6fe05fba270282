/** `nicforge lspci`: the lab's bus, or a dump made elsewhere. */
import { parseArgs } from 'node:util';
import { World } from '../lab/index.js';
import { parseDump } from '../pci/dump/index.js';
import { enumerate, lspci } from '../pci/index.js';
import { readInput, UsageError } from './usage.js';

export const help = `nicforge lspci [-v|-x] [FILE]
  What is on the lab's bus after enumeration; with FILE, what a dump made by "lspci -x" (or -xxx, -xxxx) shows.
  -v  BARs and capabilities    -x  configuration space in hexadecimal`;

/** Runs the command and returns what it prints. */
export function lspciCommand(argv: readonly string[]): string {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { v: { type: 'boolean', short: 'v', default: false }, x: { type: 'boolean', short: 'x', default: false } },
  });
  if (positionals.length > 1) throw new UsageError('lspci takes one file');
  const options = { verbose: values.v, hex: values.x };
  const path = positionals[0];
  if (path === undefined) return lspci(enumerate(new World().machine).functions, options);
  return lspci(parseDump(readInput(path).toString()), options);
}
