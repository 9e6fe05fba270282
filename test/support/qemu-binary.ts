/** QEMU as one executable path, for programs that start it themselves (`nicforge lab --host qemu`): NICFORGE_QEMU. */
import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findQemu } from '../../src/hosts/qemu/index.js';
import { cacheFolder, need } from './fetch.js';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Path of a QEMU: the one in PATH or in NICFORGE_QEMU, or a script in the cache that starts the fetched one. Sets
 * NICFORGE_QEMU for this process and its children. @throws Unavailable when there is none to be had
 */
export async function qemuBinary(): Promise<string> {
  const found = findQemu();
  if (found !== undefined) return found;
  const { program } = await need('qemu');
  const path = join(cacheFolder(), 'qemu-system-x86_64.sh');
  if (!existsSync(path)) {
    const env = Object.entries(program.env).map(([name, value]) => `${name}=${quoted(value)}`);
    const fresh = `${path}.${process.pid}`;
    writeFileSync(
      fresh,
      `#!/bin/sh\nexec env ${[...env, program.file, ...program.args].map((word, i) => (i < env.length ? word : quoted(word))).join(' ')} "$@"\n`,
    );
    chmodSync(fresh, 0o755);
    renameSync(fresh, path);
  }
  process.env['NICFORGE_QEMU'] = path;
  return path;
}
