/**
 * Foreign programs that the tests need, fetched once into a cache folder (NICFORGE_CACHE, default `.cache/` of the
 * repository) and used without root. Each piece can be asked for alone. A piece is complete when its folder has its
 * final name; a run that was interrupted leaves only a folder with a temporary name, which the next run removes.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { type Apt, type AptChoice, openApt } from './apt.js';
import { file, overlaid } from './cpio.js';
import { buildDpdk } from './dpdk.js';
import { buildInitramfs, viaLoader } from './initramfs.js';
import { Unavailable } from './unavailable.js';
import { buildVendor } from './vendor.js';

const exec = promisify(execFile);

/** A program with the arguments that come before its own, and its environment. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What {@link need} returns for each piece. */
export interface Pieces {
  /** QEMU 10.1 or later with `vfio-user-pci`. */
  qemu: { program: Program; version: string };
  /** Debian's Linux 6.12 for amd64. */
  kernel: { vmlinuz: string; root: string; version: string };
  /** A root file system for {@link Pieces.kernel} with a shell on ttyS1. */
  initramfs: { path: string };
  /** {@link Pieces.initramfs} with `packets` (test/guest/matrix/packets.c), built by this machine's compiler. */
  guest: { initrd: string };
  /** {@link Pieces.initramfs} with DPDK's testpmd under /dpdk. */
  dpdk: { initrd: string; version: string };
  /** {@link Pieces.guest} with Realtek's own modules r8168 and r8125, built for {@link Pieces.kernel}; their versions by name. */
  vendor: { initrd: string; versions: Readonly<Record<string, string>> };
  /** iPXE as a Linux-format kernel image. */
  ipxe: { lkrn: string };
  /** PC BIOS and VGA BIOS images. */
  seabios: { bios: string; vgabios: string };
  /** iperf3 for this machine. */
  iperf3: { program: Program };
  /** Wireshark's command-line reader. */
  tshark: { program: Program };
}

/** The cache folder; changes of what a piece contains change the last part. */
export function cacheFolder(): string {
  const root = process.env['NICFORGE_CACHE'] ?? fileURLToPath(new URL('../../.cache', import.meta.url));
  return join(root, 'guest-1');
}

const promises = new Map<string, Promise<unknown>>();

/**
 * Paths of a piece, fetching it when it is not in the cache.
 * @throws Unavailable when this machine cannot have it.
 */
export function need<K extends keyof Pieces>(piece: K): Promise<Pieces[K]> {
  let promise = promises.get(piece);
  if (!promise) {
    promise = BUILDERS[piece]();
    promises.set(piece, promise);
  }
  return promise as Promise<Pieces[K]>;
}

/** Holds the cache's lock (released by the kernel if this process dies) while `work` runs. */
async function locked<T>(root: string, work: () => Promise<T>): Promise<T> {
  await mkdir(root, { recursive: true });
  const handle = await open(join(root, 'lock'), 'a');
  try {
    const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');
    const LOCK_EX = 2;
    const result = await new Promise<number>((resolve, reject) => {
      flock.async(handle.fd, LOCK_EX, (error: Error | null, value: number) => (error ? reject(error) : resolve(value)));
    });
    if (result !== 0) throw new Error('flock failed');
    return await work();
  } finally {
    await handle.close();
  }
}

/** Name of the folder with apt's private state. */
function stateOf(choice: AptChoice | undefined): string {
  if (!choice) return 'apt';
  const { suites, arch, components = '' } = choice;
  return ['apt', suites[0]!, arch, ...components.split(' ').slice(1)].join('-');
}

/** Returns the folder of a piece, building it under the lock when it does not exist. */
export async function folderOf(
  name: string,
  build: (into: string, apt: Apt) => Promise<void>,
  choice?: AptChoice,
): Promise<string> {
  if (process.platform !== 'linux') throw new Unavailable(name, 'platform', 'needs Linux');
  const root = cacheFolder();
  const final = join(root, name);
  const complete = async (): Promise<boolean> =>
    readFile(join(final, 'complete')).then(
      () => true,
      () => false,
    );
  if (await complete()) return final;
  return locked(root, async () => {
    if (await complete()) return final;
    for (const left of await readdir(root)) {
      if (left.startsWith('tmp-')) await rm(join(root, left), { recursive: true, force: true });
    }
    const into = join(root, `tmp-${name}`);
    await mkdir(into);
    try {
      await build(into, await openApt(join(root, stateOf(choice)), name, choice));
      await writeFile(join(into, 'complete'), new Date().toISOString());
      await rm(final, { recursive: true, force: true });
      await rename(into, final);
    } catch (error) {
      await rm(into, { recursive: true, force: true });
      throw error;
    }
    return final;
  });
}

function loaded(root: string, program: string, args: string[], env: Record<string, string>): Program {
  return { ...viaLoader(root, program, args), env };
}

async function qemu(): Promise<Pieces['qemu']> {
  const make = (root: string): Omit<Pieces['qemu'], 'version'> => {
    const env = { QEMU_MODULE_DIR: join(root, 'usr/lib/x86_64-linux-gnu/qemu') };
    return {
      program: loaded(
        root,
        'usr/bin/qemu-system-x86_64',
        ['-L', join(root, 'usr/share/qemu'), '-L', join(root, 'usr/share/seabios')],
        env,
      ),
    };
  };
  const root = await folderOf('qemu', async (into, apt) => {
    await apt.unpack(['qemu-system-x86'], into, { closure: true, suite: 'trixie-backports' });
    for (const waste of ['usr/share/doc', 'usr/share/locale', 'usr/share/man'])
      await rm(join(into, waste), { recursive: true, force: true });
    const { program } = make(into);
    const { stdout } = await exec(program.file, [...program.args, '--version'], {
      env: { ...process.env, ...program.env },
    }).catch((error: unknown) => {
      throw new Unavailable('qemu', 'unpack', String(error).slice(0, 300));
    });
    const match = /version (\d+)\.(\d+)(?:\.\d+)?/.exec(stdout);
    if (!match || Number(match[1]) * 100 + Number(match[2]) < 1001)
      throw new Unavailable('qemu', 'too-old', `needs 10.1, found ${match?.[0] ?? stdout}`);
    await writeFile(join(into, 'version'), match[0].replace('version ', ''));
  });
  return { ...make(root), version: await readFile(join(root, 'version'), 'utf8') };
}

async function kernel(): Promise<Pieces['kernel']> {
  const root = await folderOf('kernel', async (into, apt) => {
    const name = (await apt.depends('linux-image-amd64')).find((each) => /^linux-image-6\.12\./.test(each));
    if (!name)
      throw new Unavailable('kernel', 'download', 'linux-image-amd64 of trixie does not depend on a 6.12 image');
    await apt.unpack([name], into);
    const image = (await readdir(join(into, 'boot'))).find((each) => each.startsWith('vmlinuz-'));
    if (!image) throw new Unavailable('kernel', 'unpack', `${name} has no vmlinuz`);
    await copyFile(join(into, 'boot', image), join(into, 'vmlinuz'));
    await writeFile(join(into, 'version'), image.replace('vmlinuz-', ''));
  });
  return { vmlinuz: join(root, 'vmlinuz'), root, version: await readFile(join(root, 'version'), 'utf8') };
}

async function initramfs(): Promise<Pieces['initramfs']> {
  const { root: kernelRoot } = await need('kernel');
  const root = await folderOf('initramfs-3', async (into, apt) => {
    const tools = join(into, 'tools');
    await apt.unpack(['busybox-static', 'ethtool', 'iperf3', 'xz-utils', 'libgcc-s1'], tools, { closure: true });
    await writeFile(join(into, 'base.cpio.gz'), await buildInitramfs({ tools, kernel: kernelRoot }));
    await rm(tools, { recursive: true, force: true });
  });
  return { path: join(root, 'base.cpio.gz') };
}

async function guest(): Promise<Pieces['guest']> {
  const base = await need('initramfs');
  const source = fileURLToPath(new URL('../guest/matrix/packets.c', import.meta.url));
  const digest = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 12);
  const root = await folderOf(`guest-3-${digest}`, async (into) => {
    const program = join(into, 'packets');
    await exec('cc', ['-O1', '-static', '-s', '-o', program, source]).catch((error: NodeJS.ErrnoException) => {
      throw new Unavailable('cc', error.code === 'ENOENT' ? 'missing' : 'unpack', String(error).slice(0, 300));
    });
    const packets = [file('usr/bin/packets', await readFile(program), true)];
    await writeFile(join(into, 'initrd'), overlaid(await readFile(base.path), packets));
  });
  return { initrd: join(root, 'initrd') };
}

async function ipxe(): Promise<Pieces['ipxe']> {
  const root = await folderOf('ipxe', async (into, apt) => {
    await apt.unpack(['ipxe'], join(into, 'root'));
    await copyFile(join(into, 'root/usr/lib/ipxe/ipxe.lkrn'), join(into, 'ipxe.lkrn')).catch(() =>
      copyFile(join(into, 'root/boot/ipxe.lkrn'), join(into, 'ipxe.lkrn')),
    );
    await rm(join(into, 'root'), { recursive: true });
  });
  return { lkrn: join(root, 'ipxe.lkrn') };
}

async function seabios(): Promise<Pieces['seabios']> {
  const root = await folderOf('seabios', async (into, apt) => {
    await apt.unpack(['seabios'], join(into, 'root'));
    for (const each of ['bios.bin', 'vgabios-stdvga.bin'])
      await copyFile(join(into, 'root/usr/share/seabios', each), join(into, each));
    await rm(join(into, 'root'), { recursive: true });
  });
  return { bios: join(root, 'bios.bin'), vgabios: join(root, 'vgabios-stdvga.bin') };
}

async function tshark(): Promise<Pieces['tshark']> {
  for (const place of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(place, 'tshark');
    const works = await exec(path, ['--version']).then(
      () => true,
      () => false,
    );
    if (works) return { program: { file: path, args: [], env: {} } };
  }
  const make = (root: string): Program =>
    loaded(root, 'usr/bin/tshark', [], {
      WIRESHARK_DATA_DIR: join(root, 'usr/share/wireshark'),
      WIRESHARK_PLUGIN_DIR: join(root, 'usr/lib/x86_64-linux-gnu/wireshark/plugins'),
      WIRESHARK_EXTCAP_DIR: join(root, 'nothing'),
    });
  const root = await folderOf('tshark', async (into, apt) => {
    await apt.unpack(['tshark'], into, { closure: true });
    for (const waste of ['usr/share/doc', 'usr/share/locale', 'usr/share/man'])
      await rm(join(into, waste), { recursive: true, force: true });
    const program = make(into);
    await exec(program.file, [...program.args, '--version'], { env: { ...process.env, ...program.env } }).catch(
      (error: unknown) => {
        throw new Unavailable('tshark', 'unpack', String(error).slice(0, 300));
      },
    );
  });
  return { program: make(root) };
}

async function iperf3(): Promise<Pieces['iperf3']> {
  const root = await folderOf('iperf3', async (into, apt) => {
    await apt.unpack(['iperf3'], into, { closure: true });
    for (const waste of ['usr/share/doc', 'usr/share/locale', 'usr/share/man'])
      await rm(join(into, waste), { recursive: true, force: true });
  });
  return { program: loaded(root, 'usr/bin/iperf3', [], {}) };
}

const BUILDERS: { [K in keyof Pieces]: () => Promise<Pieces[K]> } = {
  qemu,
  kernel,
  initramfs,
  guest,
  dpdk: async () => buildDpdk((await need('initramfs')).path),
  vendor: async () => buildVendor((await need('guest')).initrd, (await need('kernel')).version),
  ipxe,
  seabios,
  iperf3,
  tshark,
};
