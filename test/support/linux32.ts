/** A 32-bit Linux for v86: Debian's 6.1 for i686, a root file system for it, and both booted to a snapshot. */
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { V86 } from 'v86';
import { RealTime, V86Host, type V86Slot } from '../../src/hosts/v86/index.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { BOOKWORM_I386 } from './apt.js';
import { folderOf, type Pieces } from './fetch.js';
import { buildInitramfs } from './initramfs.js';
import { Unavailable } from './unavailable.js';
import { image, v86Wasm } from './v86-files.js';

const MIB = 1 << 20;
const MODULES = ['e1000', 'e1000e', 'virtio_pci', 'virtio_net', 'r8169', 'realtek', 'tg3'];
/** The kernel's self-tests dominate a boot without these; what else is off has nothing to do with NICs. */
const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests apparmor=0 tsc=reliable initcall_blacklist=isapnp_init panic=-1';

/** Kernel and root file system. */
export interface Linux32 {
  readonly vmlinuz: string;
  readonly initramfs: string;
  readonly version: string;
}

/** Fetches and builds both. @throws Unavailable */
export async function linux32(): Promise<Linux32> {
  const root = await folderOf(
    'linux32',
    async (into, apt) => {
      const name = (await apt.depends('linux-image-686')).find((each) => /^linux-image-6\.1\./.test(each));
      if (!name) throw new Unavailable('linux32', 'download', 'bookworm has no 6.1 image for i686');
      const [kernel, tools] = [join(into, 'kernel'), join(into, 'tools')];
      await apt.unpack([name], kernel);
      await apt.unpack(['busybox-static'], tools);
      const image = (await readdir(join(kernel, 'boot'))).find((each) => each.startsWith('vmlinuz-'));
      if (!image) throw new Unavailable('linux32', 'unpack', `${name} has no vmlinuz`);
      await copyFile(join(kernel, 'boot', image), join(into, 'vmlinuz'));
      await writeFile(join(into, 'version'), image.replace('vmlinuz-', ''));
      await writeFile(
        join(into, 'initramfs.gz'),
        await buildInitramfs({ tools, kernel, programs: [], modules: MODULES }),
      );
      await rm(kernel, { recursive: true });
      await rm(tools, { recursive: true });
    },
    BOOKWORM_I386,
  );
  return {
    vmlinuz: join(root, 'vmlinuz'),
    initramfs: join(root, 'initramfs.gz'),
    version: await readFile(join(root, 'version'), 'utf8'),
  };
}

/** A machine with Linux on it. */
export interface LinuxV86 {
  readonly vm: V86;
  readonly host: V86Host;
  /** The kernel's console. */
  console(): string;
  /** Runs a line of shell; status other than 0 is an error that shows output and console. */
  must(line: string, within?: number): Promise<string>;
  close(): Promise<void>;
}

/** Where it comes from, and what is plugged in. */
export interface LinuxV86Options {
  readonly linux: Linux32;
  readonly seabios: Pieces['seabios'];
  readonly slots: readonly V86Slot[];
  readonly time: RealTime;
  readonly diagnostics: Diagnostics;
  /** A state that {@link snapshot32} made; without it the kernel boots. */
  readonly state?: ArrayBuffer;
}

/** Boots, or wakes a snapshot up; resolves when the shell answers. */
export async function startLinuxV86(options: LinuxV86Options): Promise<LinuxV86> {
  const { linux, seabios, slots, time, diagnostics, state } = options;
  const host = new V86Host({ slots, time, diagnostics });
  const vm = new V86({
    wasm_fn: host.wasmFn(await v86Wasm()),
    memory_size: 128 * MIB,
    bios: image(await readFile(seabios.bios)),
    vga_bios: image(await readFile(seabios.vgabios)),
    ...(state
      ? { initial_state: { buffer: state } }
      : {
          bzimage: image(await readFile(linux.vmlinuz)),
          initrd: image(await readFile(linux.initramfs)),
          cmdline: COMMAND_LINE,
        }),
    acpi: true,
    uart1: true,
    net_device: { type: 'none' },
    autostart: true,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  });
  let log = '';
  let shell = '';
  let wake: (() => void) | undefined;
  vm.add_listener('serial0-output-byte', (byte: number) => {
    log += String.fromCharCode(byte);
  });
  vm.add_listener('serial1-output-byte', (byte: number) => {
    shell += String.fromCharCode(byte);
    if (byte === 10) wake?.();
  });
  await new Promise<void>((resolve) => vm.add_listener('emulator-loaded', () => resolve()));
  if (state) host.restored();
  const expect = async (pattern: RegExp, within: number): Promise<RegExpExecArray> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no ${pattern} within ${within} ms; shell:\n${shell}\nconsole:\n${log.slice(-4000)}`)),
        within,
      );
    });
    try {
      for (;;) {
        const match = pattern.exec(shell);
        if (match) {
          shell = shell.slice(match.index + match[0].length);
          return match;
        }
        await Promise.race([
          late,
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
        ]);
      }
    } finally {
      clearTimeout(timer);
    }
  };
  if (!state) await expect(/@@READY\r?\n/, 100_000);
  return {
    vm,
    host,
    console: () => log,
    async must(line, within = 60_000) {
      vm.serial_send_bytes(1, new TextEncoder().encode(`${line}\n`));
      const [text, status] = await expect(/[\s\S]*?\n@@END (\d+)\r?\n/, within);
      const output = text.replace(/\r?\n@@END \d+\r?\n$/, '').trim();
      if (status !== '0') throw new Error(`${line}: status ${status}\n${output}\nconsole:\n${log.slice(-4000)}`);
      return output;
    },
    close: () => vm.destroy(),
  };
}

/** Boots once and keeps the state of the machine, gzipped, in the cache; later calls read it. */
export async function snapshot32(linux: Linux32, seabios: Pieces['seabios']): Promise<ArrayBuffer> {
  const root = await folderOf(
    'linux32-snapshot',
    async (into) => {
      const time = new RealTime();
      const guest = await startLinuxV86({ linux, seabios, slots: [], time, diagnostics: new Diagnostics() });
      try {
        await guest.must('sync; echo 3 > /proc/sys/vm/drop_caches');
        const state = await guest.vm.save_state();
        await writeFile(join(into, 'state.gz'), gzipSync(new Uint8Array(state), { level: 1 }));
      } finally {
        await guest.close();
        time.stop();
      }
    },
    BOOKWORM_I386,
  );
  const state = gunzipSync(await readFile(join(root, 'state.gz')));
  return state.buffer.slice(state.byteOffset, state.byteOffset + state.length) as ArrayBuffer;
}
