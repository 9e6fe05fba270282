/**
 * Realtek's own Linux drivers, r8168 and r8125, as Debian packages their sources: written by those who made the chips. And the
 * firmware that Linux's r8169 gives its chips on real boards. The drivers are built for the guest's kernel in a root of its own with that Debian's compiler, inside a user namespace.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AptChoice } from './apt.js';
import { file, folder, overlaid } from './cpio.js';
import { folderOf } from './fetch.js';
import { Unavailable } from './unavailable.js';

const exec = promisify(execFile);

/** The kernel's Debian, with the part that holds the drivers: their licence is GPL, the firmware inside them has no source. */
const TRIXIE_NON_FREE: AptChoice = { arch: 'amd64', suites: ['trixie'], components: 'main non-free non-free-firmware' };
const MODULES = ['r8168', 'r8125'];
/** r8125 once more, with what its Makefile leaves off: receive side scaling, and with it four receive queues, and two transmit queues. */
export const QUEUES_MODULE = 'r8125-queues';
const QUEUES = { of: 'r8125', choices: 'ENABLE_RSS_SUPPORT=y ENABLE_MULTIPLE_TX_QUEUE=y' } as const;
/** What Linux's own r8169 streams into these chips on real boards. */
const FIRMWARE = ['rtl8168h-2.fw', 'rtl8125b-2.fw'];
const FIRMWARE_PLACE = 'usr/lib/firmware/rtl_nic';
/** What a kernel module's Makefile calls. */
const TOOLS = [
  'base-files',
  'binutils',
  'coreutils',
  'dash',
  'findutils',
  'gcc-14',
  'grep',
  'libelf1t64',
  'make',
  'mawk',
  'sed',
];

/** Makes the piece: `base` with the modules. @param version of the kernel, as its release tells */
export async function buildVendor(
  base: string,
  version: string,
): Promise<{ initrd: string; versions: Readonly<Record<string, string>> }> {
  const root = await folderOf(
    `vendor-2-${version}`,
    async (into, apt) => {
      const chroot = join(into, 'root');
      const release = version.replace(/-amd64$/, '');
      await apt.unpack(TOOLS, chroot, { closure: true });
      const headers = [`linux-headers-${version}`, `linux-headers-${release}-common`, `linux-kbuild-${release}`];
      await apt.unpack([...headers, ...MODULES.map((name) => `${name}-dkms`), 'firmware-realtek'], chroot);
      await symlink('mawk', join(chroot, 'usr/bin/awk'));
      await symlink('dash', join(chroot, 'usr/bin/sh')).catch(() => undefined);
      await mkdir(join(chroot, 'dev'), { recursive: true });

      const sources = await readdir(join(chroot, 'usr/src'));
      const places = MODULES.map((name) => ({ name, source: sources.find((each) => each.startsWith(`${name}-`))! }));
      const { source: again } = places.find(({ name }) => name === QUEUES.of)!;
      await cp(join(chroot, 'usr/src', again), join(chroot, 'usr/src', QUEUES_MODULE), { recursive: true });
      const builds = [
        ...places.map(({ name, source }) => ({ module: name, name, source, choices: '' })),
        { module: QUEUES.of, name: QUEUES_MODULE, source: QUEUES_MODULE, choices: QUEUES.choices },
      ];
      // Without pahole no BTF can be made, and a module does not need it.
      const script = [
        'set -e; export PATH=/usr/bin',
        ...builds.map(
          ({ module, source, choices }) =>
            `make -s -C /usr/src/linux-headers-${version} M=/usr/src/${source} ${choices} CONFIG_DEBUG_INFO_BTF_MODULES= modules; strip --strip-debug /usr/src/${source}/${module}.ko`,
        ),
      ].join('\n');
      const args = ['-r', '-m', 'sh', '-c', `mount --rbind /dev ${chroot}/dev && exec chroot ${chroot} /usr/bin/sh`];
      const build = exec('unshare', args, { maxBuffer: 16 << 20 });
      build.child.stdin!.end(script);
      await build.catch((error: { stderr?: string }) => {
        throw new Unavailable('vendor', 'unpack', String(error.stderr ?? error).slice(-500));
      });

      const entries = ['usr/lib/firmware', FIRMWARE_PLACE].map(folder);
      for (const name of FIRMWARE)
        entries.push(file(`${FIRMWARE_PLACE}/${name}`, await readFile(join(chroot, FIRMWARE_PLACE, name))));
      for (const { module, name, source } of builds) {
        entries.push(file(`modules/${name}.ko`, await readFile(join(chroot, 'usr/src', source, `${module}.ko`))));
        entries.push(file(`modules/${name}.order`, `${name}\n`));
      }
      await writeFile(join(into, 'initrd'), overlaid(await readFile(base), entries));
      const versions = places.map(({ name, source }) => [name, source.slice(name.length + 1)]);
      await writeFile(join(into, 'versions.json'), JSON.stringify(Object.fromEntries(versions)));
      await rm(chroot, { recursive: true, force: true });
    },
    TRIXIE_NON_FREE,
  );
  return {
    initrd: join(root, 'initrd'),
    versions: JSON.parse(await readFile(join(root, 'versions.json'), 'utf8')) as Record<string, string>,
  };
}
