/** QEMU as a child process: found, started with our three-instruction firmware, asked through its monitor, ended. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { libcMissing, loadLibc } from './libc.js';
import { QtestClient } from './qtest.js';

const BINARY = 'qemu-system-x86_64';
/** Names the binary when it is not in PATH. */
const VARIABLE = 'NICFORGE_QEMU';
const START_MS = 20_000;
const ANSWER_MS = 10_000;
const FIRMWARE_BYTES = 0x1_0000;
/** `cli; hlt; jmp` back to the `hlt`, at the reset vector: the processor sleeps and QEMU's timers run. */
const FIRMWARE_CODE = [0xfa, 0xf4, 0xeb, 0xfd];
const RESET_VECTOR = FIRMWARE_BYTES - 16;
const STDERR_KEPT = 4096;

/** Options of {@link startQemu}. */
export interface QemuOptions {
  /** More arguments: `-device`, `-netdev`. */
  readonly args: readonly string[];
  /** RAM in MiB; default 64. Kept below 3 GiB. */
  readonly memoryMib?: number;
  /** The program; default what {@link findQemu} finds. */
  readonly program?: QemuProgram;
}

/** A QEMU that is not simply installed: unpacked somewhere, started through a loader. */
export interface QemuProgram {
  readonly file: string;
  /** Before ours. */
  readonly args: readonly string[];
  /** Beside this process's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A running QEMU. */
export interface QemuProcess {
  readonly pid: number;
  readonly qtest: QtestClient;
  /** Guest RAM from guest address 0 on, mapped. */
  readonly ram: ArrayBuffer;
  /** Version as `--version` prints it. */
  readonly version: string;
  /** A command of the human monitor, and what it printed. */
  monitor(command: string): Promise<string>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** The QEMU to use: the variable `NICFORGE_QEMU`, or `qemu-system-x86_64` in PATH. Undefined when there is none. */
export function findQemu(): string | undefined {
  const named = process.env[VARIABLE];
  if (named !== undefined && named !== '') return executable(named) ? named : undefined;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, BINARY);
    if (folder !== '' && executable(path)) return path;
  }
  return undefined;
}

/** Why QEMU cannot be used as a host here, or undefined when it can. */
export function qemuMissing(): string | undefined {
  return libcMissing() ?? (findQemu() ? undefined : `no ${BINARY} in PATH, and ${VARIABLE} names none`);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a q35 without firmware's help. @throws Error with what QEMU said, when it does not come up in 20 s */
export async function startQemu(options: QemuOptions): Promise<QemuProcess> {
  const found = findQemu();
  const program = options.program ?? (found === undefined ? undefined : { file: found, args: [], env: {} });
  if (program === undefined) throw new Error(qemuMissing());
  const libc = loadLibc();
  const bytes = (options.memoryMib ?? 64) * 0x10_0000;
  const folder = mkdtempSync(join(tmpdir(), 'nicforge-qemu-'));
  // RAM in a file system of memory when there is one: a disk would write every page back.
  const shm = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/nicforge-') : folder;
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(shm, { recursive: true, force: true });
  };
  let child: ChildProcess | undefined;
  try {
    const firmware = Buffer.alloc(FIRMWARE_BYTES);
    firmware.set(FIRMWARE_CODE, RESET_VECTOR);
    writeFileSync(join(folder, 'firmware.bin'), firmware);
    const ramFile = join(shm, 'ram');
    const fd = openSync(ramFile, 'w+');
    ftruncateSync(fd, bytes);
    const ram = libc.mapShared(fd, bytes);
    closeSync(fd);
    const qtestPath = join(folder, 'qtest');
    const qmpPath = join(folder, 'qmp');
    const started = spawn(
      program.file,
      [
        ...program.args,
        '-nodefaults',
        '-no-user-config',
        '-display',
        'none',
        '-object',
        `memory-backend-file,id=ram0,size=${bytes},mem-path=${ramFile},share=on`,
        '-machine',
        'q35,memory-backend=ram0',
        '-m',
        `${bytes / 0x10_0000}M`,
        '-accel',
        'tcg',
        '-bios',
        join(folder, 'firmware.bin'),
        '-qtest',
        `unix:${qtestPath},server=on,wait=off`,
        '-qtest-log',
        '/dev/null',
        '-qmp',
        `unix:${qmpPath},server=on,wait=off`,
        ...options.args,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...program.env } },
    );
    child = started;
    let said = '';
    started.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-STDERR_KEPT);
    });
    let failed: Error | undefined;
    started.on('error', (error) => {
      failed = error;
    });
    const ended = new Promise<void>((resolve) => started.once('close', () => resolve()));
    const kill = (): void => void started.kill('SIGKILL');
    const abandon = (): void => {
      kill();
      remove();
    };
    process.once('exit', abandon);
    const deadline = Date.now() + START_MS;
    let socket = -1;
    while (socket < 0) {
      if (failed || started.exitCode !== null || Date.now() > deadline)
        throw new Error(`QEMU did not start: ${failed?.message ?? (said.trim() || 'no answer')}`);
      socket = libc.connectUnix(qtestPath, ANSWER_MS);
      if (socket < 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const qtest = new QtestClient(libc, socket);
    return {
      pid: started.pid!,
      qtest,
      ram,
      version: versionOf(program),
      monitor: (command) => ask(qmpPath, command),
      async stop() {
        qtest.close();
        process.removeListener('exit', abandon);
        if (started.exitCode === null && started.signalCode === null) kill();
        await ended;
        remove();
      },
    };
  } catch (error) {
    child?.kill('SIGKILL');
    remove();
    throw error;
  }
}

function versionOf(program: QemuProgram): string {
  const env = { ...process.env, ...program.env };
  return execFileSync(program.file, [...program.args, '--version'], { encoding: 'utf8', env }).split('\n')[0] ?? '';
}

/** One command over QMP: greeting, capabilities, command, answer. */
function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    const end = (finish: () => void): void => {
      socket.destroy();
      finish();
    };
    socket.setTimeout(ANSWER_MS, () => end(() => reject(new Error(`QEMU's monitor does not answer ${command}`))));
    socket.on('error', reject);
    socket.on('connect', () => {
      socket.write(`${JSON.stringify({ execute: 'qmp_capabilities' })}\n`);
      const request = { execute: 'human-monitor-command', arguments: { 'command-line': command }, id: 1 };
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
        const message = JSON.parse(text.slice(0, at)) as { id?: number; return?: string; error?: { desc: string } };
        text = text.slice(at + 1);
        if (message.error) return end(() => reject(new Error(message.error!.desc)));
        if (message.id === 1) return end(() => resolve(message.return ?? ''));
      }
    });
  });
}
