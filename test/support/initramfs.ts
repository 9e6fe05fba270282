/** The guest's first root: busybox, a few tools with their libraries, NIC modules, and a shell on the second serial port. */
import { execFile } from 'node:child_process';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpio, file, folder, link } from './cpio.js';

const exec = promisify(execFile);

/** Modules wanted in the guest; what they depend on comes with them. */
export const GUEST_MODULES = [
  'e1000',
  'e1000e',
  'igb',
  'igc',
  'virtio_pci',
  'virtio_net',
  'r8169',
  'realtek',
  'tg3',
  'broadcom',
  '8139too',
  '8139cp',
  'pktgen',
  'uio_pci_generic',
  '8021q',
];

/**
 * The command loop: one line in, its output, then an end mark with the status. It runs on ttyS1, so kernel messages
 * (ttyS0) never mix with it. ttyS1 is raw, so that a line may be longer than a terminal's 4095 characters.
 */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /tmp
mount -t tmpfs tmpfs /tmp
export PATH=/bin:/usr/bin HOME=/
ifconfig lo 127.0.0.1 up
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
echo "@@READY"
while IFS= read -r line; do
  eval "$line" </dev/null
  status=$?
  echo
  echo "@@END $status"
done
poweroff -f
`;

const INS = `#!/bin/sh
# Inserts each module with all it depends on, in order; one that is already there is no error.
for name in "$@"; do
  for each in $(cat /modules/$name.order); do
    test -d /sys/module/$each || insmod /modules/$each.ko || exit 1
  done
done
`;

const UDHCPC = `#!/bin/sh
case "$1" in
  deconfig) ip addr flush dev $interface; ip link set $interface up ;;
  bound|renew)
    ip addr flush dev $interface
    ip addr add $ip/\${mask:-24} dev $interface
    test -n "$router" && ip route replace default via \${router%% *} dev $interface
    for each in $dns; do echo "nameserver $each"; done > /etc/resolv.conf
    ;;
esac
`;

const normal = (name: string): string => name.replaceAll('-', '_');

async function walk(root: string, found: Map<string, string>): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) await walk(path, found);
    else {
      const match = /^(.*)\.ko(\.xz)?$/.exec(entry.name);
      if (match) found.set(normal(match[1]!), path);
    }
  }
}

/** Values of one key in a module's `.modinfo` section (NUL-separated `key=value`). */
export function modinfo(image: Buffer, key: string): string[] {
  const values: string[] = [];
  const mark = Buffer.from(`\0${key}=`);
  for (let at = image.indexOf(mark); at >= 0; at = image.indexOf(mark, at + 1)) {
    const from = at + mark.length;
    values.push(image.toString('latin1', from, image.indexOf(0, from)));
  }
  return values;
}

/** What {@link buildInitramfs} is made of. */
export interface InitramfsParts {
  /** Unpacked packages: busybox-static, ethtool, iperf3, xz-utils and their closure. */
  readonly tools: string;
  /** Unpacked kernel package. */
  readonly kernel: string;
  /** Programs of the tools beside busybox, with their libraries; default ethtool and iperf3. */
  readonly programs?: readonly string[];
  /** Default {@link GUEST_MODULES}. */
  readonly modules?: readonly string[];
}

/** Runs a program of an unpacked closure with the closure's own loader and libraries. */
export function viaLoader(root: string, program: string, args: string[]): { file: string; args: string[] } {
  const library = `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu`;
  return {
    file: join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
    args: ['--library-path', library, '--argv0', basename(program), join(root, program), ...args],
  };
}

/** The program, wherever the release keeps it. */
function busybox(tools: string): Promise<Buffer> {
  return readFile(join(tools, 'usr/bin/busybox')).catch(() => readFile(join(tools, 'bin/busybox')));
}

/** Builds the gzipped archive. */
export async function buildInitramfs(parts: InitramfsParts): Promise<Buffer> {
  const { tools, kernel, programs = ['usr/sbin/ethtool', 'usr/bin/iperf3'], modules = GUEST_MODULES } = parts;
  const entries: CpioEntry[] = [
    'bin',
    'dev',
    'etc',
    'lib64',
    'modules',
    'proc',
    'sys',
    'tmp',
    'usr',
    'usr/bin',
    'usr/lib',
    'usr/share',
    'etc/udhcpc',
  ].map(folder);
  entries.push({ name: 'dev/console', mode: 0o020600, device: [5, 1] });
  entries.push(file('init', INIT, true), file('bin/ins', INS, true), file('etc/udhcpc/default.script', UDHCPC, true));
  entries.push(file('bin/busybox', await busybox(tools), true), link('bin/sh', 'busybox'));

  const libraries = new Map<string, string>();
  for (const program of programs) {
    entries.push(file(`usr/bin/${basename(program)}`, await readFile(join(tools, program)), true));
    const { file: loader, args } = viaLoader(tools, program, []);
    const { stdout } = await exec(loader, [...args.slice(0, 2), '--list', join(tools, program)]);
    for (const match of stdout.matchAll(/^\s*(\S+) => (\S+)/gm)) libraries.set(match[1]!, match[2]!);
  }
  if (programs.length > 0) {
    // pthread_cancel, which iperf3 uses at its end, loads this one by name.
    libraries.set('libgcc_s.so.1', join(tools, 'usr/lib/x86_64-linux-gnu/libgcc_s.so.1'));
    const name = 'ld-linux-x86-64.so.2';
    entries.push(file(`lib64/${name}`, await readFile(join(tools, 'usr/lib64', name)), true));
  }
  entries.push(link('lib', 'usr/lib'));
  for (const [name, path] of libraries) {
    if (!name.startsWith('ld-linux')) entries.push(file(`usr/lib/${name}`, await readFile(await realpath(path)), true));
  }

  const files = new Map<string, string>();
  for (const place of ['usr/lib/modules', 'lib/modules']) {
    const path = join(kernel, place);
    if (await stat(path).catch(() => undefined)) await walk(path, files);
  }
  const images = new Map<string, Buffer>();
  const load = async (name: string): Promise<Buffer | undefined> => {
    const path = files.get(name);
    if (images.has(name) || !path) return images.get(name);
    let image = await readFile(path);
    if (path.endsWith('.xz')) {
      const { file: loader, args } = viaLoader(tools, 'usr/bin/xz', ['-dc', path]);
      image = (await exec(loader, args, { encoding: 'buffer', maxBuffer: 64 << 20 })).stdout;
    }
    images.set(name, image);
    return image;
  };
  const order = async (name: string, into: string[], open: Set<string>): Promise<void> => {
    if (into.includes(name) || open.has(name)) return;
    open.add(name);
    const image = await load(name);
    // A module that the kernel has built in has no file and needs none.
    if (!image) return;
    for (const text of modinfo(image, 'depends'))
      for (const each of text.split(',').filter(Boolean)) await order(normal(each), into, open);
    for (const text of modinfo(image, 'softdep')) {
      const pre = /pre:\s*([^:]*?)(?:\s+post:|$)/.exec(text);
      for (const each of (pre?.[1] ?? '').split(/\s+/).filter(Boolean)) await order(normal(each), into, open);
    }
    into.push(name);
  };
  for (const name of modules) {
    const list: string[] = [];
    await order(name, list, new Set());
    entries.push(file(`modules/${name}.order`, `${list.join('\n')}\n`));
  }
  for (const [name, image] of images) entries.push(file(`modules/${name}.ko`, image));
  return gzipSync(cpio(entries), { level: 6 });
}
