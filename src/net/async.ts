/**
 * Sockets with promises and web streams, for applications that are not stepped. Promises live only at this edge: the stack
 * knows nothing of them. Every wait is woken by data, room, the end of the connection or the caller's signal; none hangs.
 */
import { NEVER } from '../platform/clock.js';
import type { TcpListener } from '../stack/socket/tcp/listener.js';
import type { TcpSocket } from '../stack/socket/tcp/socket.js';
import type { TcpEnd, TcpSettings } from '../stack/socket/tcp/types.js';
import type { AddressLike } from '../stack/wire/address.js';
import type { App, NetLoop } from './loop.js';

/** A connection ended otherwise than in order. */
export class ConnectionError extends Error {
  readonly reason: TcpEnd;

  constructor(reason: TcpEnd, what: string) {
    super(`${what}: ${reason}`);
    this.name = 'ConnectionError';
    this.reason = reason;
  }
}

/** Resolves those who wait when asked to. */
class Gate {
  #waiters: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  open(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

const PIECE = 65536;

/** One TCP connection as a pair of web streams. */
export class TcpConnection {
  readonly socket: TcpSocket;
  /** What the peer sends. Bytes are copied once; nobody holds a view of the arena. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What we send. Closing it closes our direction. */
  readonly writable: WritableStream<Uint8Array>;
  readonly #gate = new Gate();
  readonly #loop: NetLoop;

  constructor(loop: NetLoop, socket: TcpSocket) {
    this.#loop = loop;
    this.socket = socket;
    socket.onEvent = () => this.#gate.open();
    this.readable = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await this.read();
          if (bytes === undefined) controller.close();
          else controller.enqueue(bytes);
        },
        cancel: () => this.abort(),
      },
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.write(bytes),
      close: () => this.close(),
      abort: () => this.abort(),
    });
  }

  /** Waits until the handshake is over. @throws ConnectionError */
  async opened(): Promise<this> {
    while (!this.socket.connected) {
      this.#check('connect');
      await this.#gate.wait();
    }
    return this;
  }

  /** The next bytes, at most 64 KiB; undefined at the orderly end. @throws ConnectionError when it ended otherwise. */
  async read(): Promise<Uint8Array | undefined> {
    const { socket } = this;
    while (socket.readable === 0) {
      if (socket.finished || socket.end === 'closed') return undefined;
      this.#check('read');
      await this.#gate.wait();
    }
    const bytes = new Uint8Array(Math.min(socket.readable, PIECE));
    socket.read(bytes);
    this.#loop.kick();
    return bytes;
  }

  /** Writes all bytes, waiting for room. @throws ConnectionError when the connection ends first. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length; ) {
      const count = this.socket.write(bytes, sent);
      sent += count;
      if (count > 0) this.#loop.kick();
      if (sent === bytes.length) return;
      if (this.socket.finQueued) throw new ConnectionError('closed', 'write');
      this.#check('write');
      await this.#gate.wait();
    }
  }

  /** Closes our direction. Reading goes on. */
  close(): void {
    this.socket.close();
    this.#loop.kick();
  }

  /** Resets the connection; those who wait get `aborted`. */
  abort(): void {
    this.socket.abort();
    this.#gate.open();
    this.#loop.kick();
  }

  /** Waits for the end and says why. */
  async ended(): Promise<TcpEnd> {
    while (this.socket.end === undefined) await this.#gate.wait();
    return this.socket.end;
  }

  #check(what: string): void {
    const { end, remote, remotePort } = this.socket;
    if (end !== undefined) throw new ConnectionError(end, `${what} ${remote}:${remotePort}`);
  }
}

/** Opens a connection. @throws ConnectionError when it cannot be opened, RangeError when no port is free. */
export function connectTcp(
  loop: NetLoop,
  address: AddressLike,
  port: number,
  settings: TcpSettings = {},
): Promise<TcpConnection> {
  const connection = new TcpConnection(loop, loop.stack.connect(address, port, settings));
  loop.kick();
  return connection.opened();
}

/** A listening port as an async sequence of connections. */
export class TcpServer implements AsyncIterable<TcpConnection> {
  readonly #gate = new Gate();
  readonly #loop: NetLoop;
  readonly #listener: TcpListener;

  /** @throws RangeError when the port is taken. */
  constructor(loop: NetLoop, port: number, settings: TcpSettings & { backlog?: number } = {}) {
    this.#loop = loop;
    this.#listener = loop.stack.listen(port, settings);
    this.#listener.onEvent = () => this.#gate.open();
  }

  /** The next connection; undefined when the server is closed. */
  async accept(): Promise<TcpConnection | undefined> {
    while (!this.#listener.closed) {
      const socket = this.#listener.accept();
      if (socket !== undefined) return new TcpConnection(this.#loop, socket);
      await this.#gate.wait();
    }
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<TcpConnection> {
    for (let next = await this.accept(); next !== undefined; next = await this.accept()) yield next;
  }

  close(): void {
    this.#listener.close();
    this.#gate.open();
    this.#loop.kick();
  }
}

/** Runs a stepped application (an `HttpClient`) to its end. */
export function untilEnded<T extends App & { readonly ended: boolean }>(loop: NetLoop, app: T): Promise<T> {
  return new Promise((resolve) => {
    const runner: App = {
      step: (now) => {
        const moved = app.step(now);
        if (app.ended) {
          loop.remove(runner);
          resolve(app);
        }
        return moved;
      },
      nextDeadline: () => (app.ended ? NEVER : app.nextDeadline()),
    };
    loop.add(runner);
  });
}
