// Completes package-lock.json: `npm ci` wants an entry for every optional package of every platform, and a registry that
// does not carry some of them leaves gaps. Entries are made from what the parents' package.json ask for.
import { readFileSync, writeFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
    if (places.some((place) => lock.packages[place])) continue;
    const [os, cpu, libc] = platform(name);
    lock.packages[`node_modules/${name}`] = {
      version: range.replace(/^[^\d]*/, ''),
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc: [libc] } : {}),
      license: entry.license,
      optional: true,
      ...(os ? { os: [os] } : {}),
    };
    added++;
  }
}
const { '': root, ...rest } = lock.packages;
lock.packages = { '': root, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} entries added`);

function platform(name) {
  const words = name.replace(/^.*\//, '').split(/[-_]/);
  const os = [
    'darwin',
    'linux',
    'win32',
    'freebsd',
    'openbsd',
    'netbsd',
    'android',
    'sunos',
    'aix',
    'openharmony',
  ].find((word) => words.includes(word));
  const cpu = [
    'x64',
    'arm64',
    'arm',
    'ia32',
    'riscv64',
    'riscv64d',
    'loong64',
    'ppc64',
    's390x',
    'mips64el',
    'wasm32',
  ].find((word) => words.includes(word));
  const libc =
    os === 'linux'
      ? words.includes('musl')
        ? 'musl'
        : words.includes('gnu') || words.includes('gnueabihf')
          ? 'glibc'
          : undefined
      : undefined;
  return [os, cpu === 'riscv64d' ? 'riscv64' : cpu, libc];
}
