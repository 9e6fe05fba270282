/**
 * DPDK's testpmd for the guest, from a newer Debian than the guest's own: it brings its loader and all its libraries along
 * under /dpdk, so that nothing of the guest has to fit it. Its poll-mode drivers share no line with Linux's.
 */
import { execFile } from 'node:child_process';
import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AptChoice } from './apt.js';
import { file, folder, link, overlaid } from './cpio.js';
import { folderOf } from './fetch.js';
import type { LinuxGuest } from './qemu.js';
import { Unavailable } from './unavailable.js';
import { Capture, onePeer } from './wire.js';

const exec = promisify(execFile);

/** The first Debian whose DPDK knows RTL8168. */
const FORKY: AptChoice = { arch: 'amd64', suites: ['forky'] };
/** Plugins that testpmd is told to load: drivers and the default memory pool. */
const PLUGINS = ['mempool_ring', 'net_r8169', 'net_e1000', 'net_virtio'];
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
const LOADER = 'usr/lib64/ld-linux-x86-64.so.2';

/** Makes the piece: `base` with /dpdk. */
export async function buildDpdk(base: string): Promise<{ initrd: string; version: string }> {
  const root = await folderOf(
    'dpdk',
    async (into, apt) => {
      const files = join(into, 'files');
      const needed = await apt.depends('dpdk-dev');
      const abi = /librte-eal(\d+)/.exec(needed.join(' '))?.[1];
      if (abi === undefined) throw new Unavailable('dpdk', 'download', 'dpdk-dev does not depend on librte-eal');
      const libraries = needed.filter((name) => /^(?!libdpdk)(lib|zlib)/.test(name));
      const drivers = ['net-r8169-', 'net-e1000-', 'net-virtio', 'mempool-ring'].map((name) => `librte-${name}${abi}`);
      await apt.unpack([...libraries, ...drivers], files, { closure: true });
      await apt.unpack(['dpdk-dev'], files);

      const program = join(files, 'usr/bin/dpdk-testpmd');
      const entries = [
        folder('dpdk'),
        folder('dpdk/lib'),
        file('dpdk/testpmd', await readFile(program), true),
        file('dpdk/ld.so', await readFile(join(files, LOADER)), true),
      ];
      const found = new Map<string, string>();
      for (const name of PLUGINS) {
        const soname = `librte_${name}.so.${abi}`;
        found.set(soname, join(files, LIBRARIES, 'dpdk', `pmds-${abi}.0`, soname));
        entries.push(link(`dpdk/${name}.so`, `lib/${soname}`));
      }
      for (const each of [program, ...found.values()]) {
        const args = ['--library-path', join(files, LIBRARIES), '--list', each];
        const { stdout } = await exec(join(files, LOADER), args);
        for (const match of stdout.matchAll(/^\s*(\S+) => (\S+)/gm)) found.set(match[1]!, match[2]!);
      }
      for (const [name, path] of found)
        entries.push(file(`dpdk/lib/${name}`, await readFile(await realpath(path)), true));

      await writeFile(join(into, 'version'), abi);
      await writeFile(join(into, 'initrd'), overlaid(await readFile(base), entries));
      await rm(files, { recursive: true, force: true });
    },
    FORKY,
  );
  return { initrd: join(root, 'initrd'), version: await readFile(join(root, 'version'), 'utf8') };
}

/** Huge pages of 2 MiB that testpmd gets, as a word of the kernel's command line. */
export const HUGE_PAGES = 'hugepages=128';
/** What testpmd tells of its own accord, say of the link, may stand behind it. */
const PROMPT = /testpmd> /;

/** testpmd in a guest, on a serial line of its own. */
export class Testpmd {
  /** All that it said. */
  readonly said = new Capture();
  #peer: Awaited<ReturnType<typeof onePeer>> | undefined;
  #socket: Socket | undefined;
  #guest: LinuxGuest | undefined;

  /** For `startLinux`: the third serial line. */
  readonly args = (folder: string): string[] => [
    '-chardev',
    `socket,id=pmd,path=${join(folder, 'pmd')}`,
    '-serial',
    'chardev:pmd',
  ];

  /** For `startLinux`. */
  readonly prepare = async (folder: string): Promise<void> => {
    this.#peer = await onePeer(join(folder, 'pmd'));
  };

  /** Once the guest has booted: huge pages and folders as DPDK wants them. */
  async ready(guest: LinuxGuest): Promise<void> {
    this.#guest = guest;
    this.#socket = await this.#peer!.peer;
    this.#socket.on('data', (data) => this.said.push(data));
    guest.child.on('exit', () => this.said.end('the guest is gone'));
    await guest.must('chmod 755 / /dpdk /dpdk/lib && mkdir -p /var/run /dev/hugepages && ins uio_pci_generic');
    await guest.must('mount -t hugetlbfs none /dev/hugepages');
  }

  /** Starts it on the devices bound to uio_pci_generic; returns at its prompt what it said until then. */
  async start(args = ''): Promise<string> {
    const plugins = PLUGINS.map((name) => `-d /dpdk/${name}.so`).join(' ');
    const from = this.said.text.length;
    await this.#guest!.must(
      `/dpdk/ld.so --library-path /dpdk/lib /dpdk/testpmd ${plugins} --lcores 0@0,1@0 -n 1 -- -i --total-num-mbufs=4096 ${args} < /dev/ttyS2 > /dev/ttyS2 2>&1 &`,
    );
    const match = await this.said.expect(PROMPT, 60_000, from);
    return match.input;
  }

  /** Gives a command; returns what it says, up to the next prompt. */
  async say(command: string): Promise<string> {
    const from = this.said.text.length;
    this.#socket!.write(`${command}\n`);
    const match = await this.said.expect(PROMPT, 60_000, from);
    return match.input.slice(0, match.index);
  }

  /** Ends it; what it says in parting. */
  async quit(): Promise<string> {
    const from = this.said.text.length;
    this.#socket!.write('quit\n');
    await this.#guest!.must('wait');
    return this.said.text.slice(from);
  }
}
