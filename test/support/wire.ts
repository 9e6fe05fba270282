/** Small pieces that tests of virtual machines share: a captured stream to wait on, a QMP client, a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder and the call that removes it. */
export async function temporaryFolder(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `nicforge-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Text that arrives bit by bit and can be waited on. */
export class Capture {
  text = '';
  #waiters = new Set<() => void>();
  #ended: Error | undefined;

  push(data: Buffer | string): void {
    this.text += typeof data === 'string' ? data : data.toString('latin1');
    for (const wake of [...this.#waiters]) wake();
  }

  /** No more will come; waits fail with `reason`. */
  end(reason: string): void {
    this.#ended ??= new Error(reason);
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves with the match of `pattern` in what came at or after `from`. @throws after `within` milliseconds or at the end. */
  expect(pattern: RegExp, within = 60_000, from = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const tail = (): string => JSON.stringify(this.text.slice(-1500));
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        act();
      };
      const look = (): void => {
        const match = pattern.exec(this.text.slice(from));
        if (match) finish(() => resolve(match));
        else if (this.#ended)
          finish(() => reject(new Error(`${this.#ended?.message} while waiting for ${pattern}; last text: ${tail()}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`no ${pattern} within ${within} ms; last text: ${tail()}`))),
        within,
      );
      this.#waiters.add(look);
      look();
    });
  }
}

/** Listens on a unix socket for exactly one peer. */
export function onePeer(path: string): Promise<{ peer: Promise<Socket>; close: () => void }> {
  return new Promise((resolve, reject) => {
    let give: (socket: Socket) => void;
    const peer = new Promise<Socket>((done) => {
      give = done;
    });
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      server.close();
      give(socket);
    });
    server.on('error', reject);
    server.listen(path, () => resolve({ peer, close: () => server.close() }));
  });
}

/** An event of QEMU's monitor. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Record<string, unknown>;
}

/** QEMU's monitor protocol over an accepted socket. */
export class Qmp {
  readonly events: QmpEvent[] = [];
  #socket: Socket;
  #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #rest = '';
  #closed = false;
  #waiters = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => this.#take(data.toString()));
    socket.on('close', () => {
      for (const each of this.#pending.values()) each.reject(new Error('QMP: connection closed'));
      this.#pending.clear();
      this.#closed = true;
      for (const wake of [...this.#waiters]) wake();
    });
  }

  #take(text: string): void {
    this.#rest += text;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = JSON.parse(line) as {
        id?: number;
        return?: unknown;
        error?: { desc: string };
      } & Partial<QmpEvent>;
      if (message.event !== undefined) {
        this.events.push(message as QmpEvent);
        for (const wake of [...this.#waiters]) wake();
      }
      const entry = message.id === undefined ? undefined : this.#pending.get(message.id);
      if (!entry) continue;
      this.#pending.delete(message.id!);
      if (message.error) entry.reject(new Error(`QMP: ${message.error.desc}`));
      else entry.resolve(message.return);
    }
  }

  /** Runs a command. @throws with QEMU's description. */
  execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('QMP: connection closed'));
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  /** Runs a command of the human monitor and returns its text. */
  async human(line: string): Promise<string> {
    return (await this.execute('human-monitor-command', { 'command-line': line })) as string;
  }

  /** Waits for the first event, among all so far and to come, that `test` accepts. */
  waitFor(test: (event: QmpEvent) => boolean, within = 30_000): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.events.find(test);
        if (!found && !this.#closed) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        if (found) resolve(found);
        else reject(new Error('QMP: connection closed'));
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(
          new Error(`QMP: event did not come within ${within} ms; came: ${JSON.stringify(this.events.slice(-5))}`),
        );
      }, within);
      this.#waiters.add(look);
      look();
    });
  }
}
