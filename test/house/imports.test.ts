/** The direction of imports (a floor imports only floors below it) and what may touch Node. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../../src');

/** Which rooms a room may import, itself aside. */
const ALLOWED: Record<string, readonly string[]> = {
  registers: [],
  platform: ['registers'],
  pci: ['registers', 'platform'],
  link: ['registers', 'platform'],
  emulators: ['registers', 'platform', 'link'],
  drivers: ['registers', 'platform', 'pci'],
  stack: ['platform'],
  net: ['platform', 'stack'],
  // A host is the place where both wings are plugged in: it holds devices and implements what pci asks of a host.
  hosts: ['registers', 'platform', 'link', 'emulators', 'pci'],
  boot: ['registers', 'platform', 'pci', 'drivers', 'stack', 'net'],
  lab: ['registers', 'platform', 'pci', 'link', 'emulators', 'drivers', 'stack', 'net', 'boot', 'hosts'],
  testing: ['registers', 'platform', 'pci', 'link', 'emulators', 'drivers', 'stack', 'net', 'boot', 'hosts', 'lab'],
  cli: [
    'registers',
    'platform',
    'pci',
    'link',
    'emulators',
    'drivers',
    'stack',
    'net',
    'boot',
    'hosts',
    'lab',
    'testing',
  ],
};
/** Rooms that run in a browser as they are. */
const NODE_OK = (file: string): boolean => /^(hosts\/(?!machine\/)|net\/node\/|cli\/|lab\/node\/)/.test(file);
/** Packages that library rooms may import. */
const PACKAGES: Record<string, RegExp> = {
  eventemitter3: /^platform\//,
  'typed-emitter': /^platform\//,
  bitfield: /^(testing|pci|lab)\//,
  '@noble/hashes': /^(net|stack)\//,
  'binary-parser': /^(pci\/dump|lab\/node|cli)\//,
  koffi: /^(hosts\/|cli\/)/,
  v86: /^hosts\/v86\//,
};

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? files(join(folder, entry.name))
      : entry.name.endsWith('.ts')
        ? [join(folder, entry.name)]
        : [],
  );
}

const imports = files(src).flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(/^\s*(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm),
  ].map((match) => ({
    file: relative(src, file),
    target: (match[1] ?? match[2])!,
  }));
});

test('every import goes down', () => {
  const wrong: string[] = [];
  for (const { file, target } of imports) {
    if (!target.startsWith('.')) continue;
    const from = file.split('/')[0]!;
    const to = relative(src, resolve(src, dirname(file), target)).split('/')[0]!;
    if (from === to || file === 'index.ts') continue;
    if (!ALLOWED[from]?.includes(to)) wrong.push(`${file} -> ${target}`);
  }
  expect(wrong).toEqual([]);
});

test('only hosts, net/node and the command touch Node', () => {
  const wrong = imports
    .filter(({ file, target }) => target.startsWith('node:') && !NODE_OK(file))
    .map(({ file, target }) => `${file} -> ${target}`);
  expect(wrong).toEqual([]);
});

test('packages are imported only where they belong', () => {
  const wrong: string[] = [];
  for (const { file, target } of imports) {
    if (target.startsWith('.') || target.startsWith('node:')) continue;
    const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0]!;
    if (!PACKAGES[name]?.test(file)) wrong.push(`${file} -> ${target}`);
  }
  expect(wrong).toEqual([]);
});

test('time and randomness come in from outside', () => {
  const wrong: string[] = [];
  for (const file of files(src)) {
    const name = relative(src, file);
    if (/^(hosts\/(?!machine\/)|cli\/|lab\/node\/|net\/node\/)/.test(name)) continue;
    if (
      /Date\.now|performance\.now|Math\.random|setTimeout|setInterval/.test(
        readFileSync(file, 'utf8').replace(/^\s*(\*|\/\/).*$/gm, ''),
      )
    )
      wrong.push(name);
  }
  expect(wrong).toEqual([]);
});
