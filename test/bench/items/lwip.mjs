/** lwIP of Debian's package, host to host in memory: our C program of `../lwip` as a child of this process. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gigabits, serve } from './item.mjs';
import { period } from './stream.mjs';

const SOURCE = fileURLToPath(new URL('../lwip/pair.c', import.meta.url));
const CACHE = process.env.NICFORGE_CACHE ?? fileURLToPath(new URL('../../../.cache', import.meta.url));
const PACKAGES = ['liblwip0', 'liblwip-dev'];

function library(root) {
  const base = join(root, 'usr/lib');
  if (!existsSync(join(root, 'usr/include/lwip/lwip/tcp.h')) || !existsSync(base)) return undefined;
  for (const folder of readdirSync(base)) {
    const path = join(base, folder, 'liblwip.so.0');
    if (existsSync(path)) return path;
  }
  return undefined;
}

function run(file, args, options = {}) {
  return execFileSync(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** Debian's own archive of this machine's release, without root: the package must fit this machine's C library. */
function download(root) {
  mkdirSync(root, { recursive: true });
  const debs = mkdtempSync(join(tmpdir(), 'nicforge-lwip-'));
  try {
    try {
      run('apt-get', ['download', '-q', ...PACKAGES], { cwd: debs });
    } catch {
      // No lists yet: private ones.
      const state = join(debs, 'state');
      mkdirSync(join(state, 'lists/partial'), { recursive: true });
      mkdirSync(join(state, 'cache/archives/partial'), { recursive: true });
      const own = ['-o', `Dir::State::lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${join(state, 'cache')}`];
      run('apt-get', [...own, '-o', 'Debug::NoLocking=true', 'update', '-q']);
      run('apt-get', [...own, 'download', '-q', ...PACKAGES], { cwd: debs });
    }
    for (const name of readdirSync(debs)) if (name.endsWith('.deb')) run('dpkg-deb', ['-x', join(debs, name), root]);
  } finally {
    rmSync(debs, { recursive: true, force: true });
  }
}

/** @throws Error saying why lwIP cannot be had */
function build(folder) {
  if (process.platform !== 'linux') throw new Error("Debian's liblwip needs Linux");
  let root = '/';
  if (library(root) === undefined) {
    root = join(CACHE, 'bench-lwip');
    try {
      if (library(root) === undefined) download(root);
    } catch (error) {
      throw new Error(
        `liblwip-dev could not be fetched: ${String(error.stderr ?? error.message)
          .trim()
          .split('\n')
          .pop()}`,
      );
    }
  }
  const path = library(root);
  if (path === undefined) throw new Error('liblwip-dev holds no liblwip.so.0');
  const program = join(folder, 'pair');
  try {
    run('cc', ['-O2', '-I', join(root, 'usr/include/lwip'), SOURCE, '-o', program, '-ldl']);
  } catch (error) {
    throw new Error(
      `the C program could not be built: ${String(error.stderr ?? error.message)
        .trim()
        .split('\n')
        .pop()}`,
    );
  }
  // Two files: the loader gives each its own variables.
  for (const name of ['a.so', 'b.so']) copyFileSync(path, join(folder, name));
  writeFileSync(join(folder, 'stream'), period);
  return program;
}

function start() {
  const folder = mkdtempSync(join(tmpdir(), 'nicforge-lwip-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = build(folder);
  const child = spawn(program, [join(folder, 'a.so'), join(folder, 'b.so'), join(folder, 'stream')]);
  process.on('exit', () => child.kill());
  let told = '';
  child.stderr.on('data', (data) => {
    told += data;
  });
  const lines = createInterface({ input: child.stdout });
  return (bytes) =>
    new Promise((resolve, reject) => {
      const failed = (code) => reject(new Error(`lwIP's program ended with ${code}: ${told.trim()}`));
      child.once('exit', failed);
      lines.once('line', (line) => {
        child.off('exit', failed);
        const [ns, frames, wrong] = line.split(' ').map(Number);
        if (wrong !== 0) reject(new Error(`${wrong} bytes came wrong`));
        else resolve({ lwIP: gigabits(bytes, ns), frames });
      });
      child.stdin.write(`${bytes}\n`);
    });
}

if (process.send) {
  let transfer;
  serve(({ bytes }) => {
    transfer ??= start();
    return transfer(bytes);
  });
}
