/** QEMU as a child process: started from the unpacked package, watched over serial lines and QMP, ended by its own id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pieces } from './fetch.js';
import { Capture, onePeer, Qmp, temporaryFolder } from './wire.js';

/** Hardware virtualisation that runs stock kernels: only where the processor itself says so. /dev/kvm alone proves nothing. */
export function accelerator(): 'kvm' | 'tcg' {
  const flags = /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
  return /\b(vmx|svm)\b/.test(flags) ? 'kvm' : 'tcg';
}

/** A running QEMU. */
export interface QemuProcess {
  readonly child: ChildProcess;
  readonly qmp: Qmp;
  /** What QEMU itself says on stdout and stderr. */
  readonly log: Capture;
  /** Folder for sockets; removed at the end. */
  readonly folder: string;
  /** Ends QEMU and removes the folder. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts QEMU with `args` and a monitor. `args` may be a function of the folder for sockets. */
export async function startQemu(
  qemu: Pieces['qemu'],
  args: (folder: string) => string[],
  prepare?: (folder: string) => Promise<void>,
): Promise<QemuProcess> {
  const temporary = await temporaryFolder('qemu');
  const folder = temporary.path;
  const log = new Capture();
  const monitor = await onePeer(join(folder, 'qmp'));
  await prepare?.(folder);
  const { program } = qemu;
  const child = spawn(
    program.file,
    [
      ...program.args,
      '-nodefaults',
      '-display',
      'none',
      '-chardev',
      `socket,id=qmp,path=${join(folder, 'qmp')}`,
      '-mon',
      'chardev=qmp,mode=control',
      ...args(folder),
    ],
    { env: { ...process.env, ...program.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  child.stdout!.on('data', (data: Buffer) => log.push(data));
  child.stderr!.on('data', (data: Buffer) => log.push(data));
  const gone = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      log.end(`QEMU could not be started: ${error.message}`);
      resolve();
    });
    child.on('exit', (code, signal) => {
      log.end(`QEMU ended with ${code ?? signal}`);
      resolve();
    });
  });
  let closed: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
    monitor.close();
    await temporary.remove();
  };
  const close = (): Promise<void> => (closed ??= end());
  try {
    const early = gone.then(() => {
      throw new Error(`QEMU ended at start: ${log.text.slice(-2000)}`);
    });
    early.catch(() => undefined);
    const qmp = new Qmp(await within(30_000, 'connect to its monitor', Promise.race([monitor.peer, early])));
    // QEMU answers once its devices are there; a device whose server does not answer keeps it from that.
    await within(60_000, 'answer its monitor', Promise.race([qmp.execute('qmp_capabilities'), early]));
    return { child, qmp, log, folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`QEMU did not ${what} within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Output of one command in the guest. */
export interface CommandResult {
  readonly status: number;
  /** stdout and stderr, trailing newlines cut. */
  readonly output: string;
}

/** A guest that has booted to its command loop. */
export interface LinuxGuest extends QemuProcess {
  /** The kernel's console. */
  readonly console: Capture;
  /**
   * Runs a line of shell in the guest; state (variables, working folder) is kept. A job left in the background must not end
   * between commands: its SIGCHLD makes the shell lose what it has read of the next line. Kill and `wait` in one line.
   */
  run(line: string, within?: number): Promise<CommandResult>;
  /** As {@link LinuxGuest.run}, and a status other than 0 is an error that shows the output. */
  must(line: string, within?: number): Promise<string>;
  /** Restarts the guest (needs {@link GuestOptions.restarts}) and waits for its command loop. */
  reboot(): Promise<void>;
}

/** How to start a guest. */
export interface GuestOptions {
  readonly pieces: Pick<Pieces, 'qemu' | 'kernel' | 'initramfs'>;
  /** Another initial file system. */
  readonly initrd?: string;
  /** What QEMU starts instead of Linux, which comes to its command loop in another way: no command line is given to it. */
  readonly loader?: { readonly kernel: string; readonly initrd: (folder: string) => string };
  /** The guest may restart; otherwise QEMU ends when it tries. */
  readonly restarts?: boolean;
  /** More arguments: devices, networks. */
  readonly args?: (folder: string) => string[];
  /** Runs before QEMU starts: servers that QEMU connects to must listen by then. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** Memory in MiB (default 512), shared with this process's mappings. */
  readonly memory?: number;
  /** More words on the kernel's command line. */
  readonly append?: string;
  readonly machine?: string;
}

/** QEMU's client for a vfio-user server on a unix socket, as `-device` and `device_add` take it; a caller adds id and bus. */
export function vfioUserDevice(path: string): Record<string, unknown> & { driver: string } {
  // A server that shares two cores with TCG may be late without being dead.
  return { driver: 'vfio-user-pci', 'x-msg-timeout': 600_000, socket: { type: 'unix', path } };
}

/** Longest that a guest needs to be up, in ms: iPXE, whose ring has four buffers, loads Linux slowly on a machine that is busy. */
const BOOT = 300_000;

/** Linux's command line. */
export const APPEND =
  'console=ttyS0 quiet loglevel=6 mitigations=off nokaslr tsc=reliable no_timer_check audit=0 apparmor=0 panic=-1';

/** Boots Linux to its command loop. */
export async function startLinux(options: GuestOptions): Promise<LinuxGuest> {
  const { pieces, memory = 512 } = options;
  const accel = accelerator();
  const console = new Capture();
  const shell = new Capture();
  const peers: { console?: Awaited<ReturnType<typeof onePeer>>; shell?: Awaited<ReturnType<typeof onePeer>> } = {};
  const base = await startQemu(
    pieces.qemu,
    (folder) => [
      '-machine',
      `${options.machine ?? 'q35'},memory-backend=ram,accel=${accel}`,
      '-cpu',
      accel === 'kvm' ? 'host' : 'Nehalem',
      '-m',
      String(memory),
      '-object',
      `memory-backend-memfd,id=ram,size=${memory}M,share=on`,
      ...(options.restarts ? [] : ['-no-reboot']),
      '-chardev',
      `socket,id=s0,path=${join(folder, 'console')}`,
      '-serial',
      'chardev:s0',
      '-chardev',
      `socket,id=s1,path=${join(folder, 'shell')}`,
      '-serial',
      'chardev:s1',
      ...(options.loader
        ? ['-kernel', options.loader.kernel, '-initrd', options.loader.initrd(folder)]
        : [
            '-kernel',
            pieces.kernel.vmlinuz,
            '-initrd',
            options.initrd ?? pieces.initramfs.path,
            '-append',
            `${APPEND} ${options.append ?? ''}`.trim(),
          ]),
      ...(options.args?.(folder) ?? []),
    ],
    async (folder) => {
      peers.console = await onePeer(join(folder, 'console'));
      peers.shell = await onePeer(join(folder, 'shell'));
      await options.prepare?.(folder);
    },
  );
  try {
    const [consoleSocket, shellSocket] = await Promise.all([peers.console!.peer, peers.shell!.peer]);
    consoleSocket.on('data', (data) => console.push(data));
    shellSocket.on('data', (data) => shell.push(data));
    const ended = (): void => {
      const why = `the guest is gone (QEMU says: ${base.log.text.slice(-500)}; console: ${console.text.slice(-500)})`;
      console.end(why);
      shell.end(why);
    };
    base.child.on('exit', ended);
    await shell.expect(/@@READY\r?\n/, BOOT);

    let turn: Promise<unknown> = Promise.resolve();
    const run = (line: string, within = 60_000): Promise<CommandResult> => {
      if (line.includes('\n')) throw new Error('one line at a time');
      const next = turn.then(async () => {
        const from = shell.text.length;
        shellSocket.write(`${line}\n`);
        const match = await shell.expect(/\r?\n@@END (\d+)\r?\n/, within, from);
        return {
          status: Number(match[1]),
          output: match.input.slice(0, match.index).replaceAll('\r\n', '\n').trimEnd(),
        };
      });
      turn = next.catch(() => undefined);
      return next;
    };
    const must = async (line: string, within?: number): Promise<string> => {
      const { status, output } = await run(line, within);
      if (status !== 0) throw new Error(`guest: \`${line}\` ended with ${status}: ${output.slice(-2000)}`);
      return output;
    };
    const reboot = async (): Promise<void> => {
      await turn;
      const from = shell.text.length;
      shellSocket.write('reboot -f\n');
      await shell.expect(/@@READY\r?\n/, BOOT, from);
    };
    return { ...base, console, run, must, reboot };
  } catch (error) {
    await base.close();
    throw error;
  } finally {
    peers.console?.close();
    peers.shell?.close();
  }
}
