/** Ways through the gateway: connections of the guest to sockets of this host, and of this host to sockets of the guest. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Micros, NEVER } from '../../platform/clock.js';
import type { TcpListener } from '../../stack/socket/tcp/listener.js';
import type { TcpSettings } from '../../stack/socket/tcp/types.js';
import type { AddressLike } from '../../stack/wire/address.js';
import type { App, NetLoop } from '../loop.js';
import { READ_BYTES, TcpPipe, type Turns } from './pipe.js';

/** An end of a way: a socket of this host, or of a guest. */
export interface End {
  /** Address or, for this host, a name. */
  readonly host: string;
  readonly port: number;
}

/** Common to all ways. */
export interface WayOptions {
  /** Drives the gateway's stack. */
  readonly loop: NetLoop;
  readonly turns: Turns;
  /** Connections at once; further ones wait. Default 64. */
  readonly connections?: number;
}

/** What a way did. */
export interface WayCounts {
  /** Connections, over all time. */
  opened: number;
  toHost: number;
  fromHost: number;
}

const CONNECTIONS = 64;
/** A guest that is switched off says nothing: without probes its connections would stay for ever. */
const TCP: TcpSettings = {
  sendBytes: 512 << 10,
  receiveBytes: 512 << 10,
  nagle: false,
  keepAliveIdle: 30_000_000,
  keepAliveInterval: 10_000_000,
  keepAliveCount: 3,
};

/** The pipes of one way, stepped by the loop when they have work. */
abstract class Way implements App {
  readonly #past: WayCounts = { opened: 0, toHost: 0, fromHost: 0 };
  protected readonly loop: NetLoop;
  protected readonly turns: Turns;
  protected readonly most: number;
  protected readonly pipes = new Set<TcpPipe>();
  #work: TcpPipe[] = [];
  #next: TcpPipe[] = [];
  readonly #wake = (pipe: TcpPipe): void => {
    if (!pipe.queued) {
      pipe.queued = true;
      this.#work.push(pipe);
    }
    this.loop.kick();
  };

  constructor(options: WayOptions) {
    this.loop = options.loop;
    this.turns = options.turns;
    this.most = options.connections ?? CONNECTIONS;
  }

  /** Connections now. */
  get size(): number {
    return this.pipes.size;
  }

  /** What passed since the start. */
  get counts(): WayCounts {
    const sum = { ...this.#past };
    for (const { toHost, fromHost } of this.pipes) {
      sum.toHost += toHost;
      sum.fromHost += fromHost;
    }
    return sum;
  }

  nextDeadline(): Micros {
    return NEVER;
  }

  step(): boolean {
    let moved = this.accept();
    const work = this.#work;
    this.#work = this.#next;
    this.#next = work;
    for (const pipe of work) {
      pipe.queued = false;
      if (pipe.step()) moved = true;
      if (pipe.done) this.#forget(pipe);
    }
    work.length = 0;
    return moved;
  }

  /** Takes in new connections; true when there was one. */
  protected abstract accept(): boolean;

  protected open(inner: ConstructorParameters<typeof TcpPipe>[0]): TcpPipe {
    const pipe = new TcpPipe(inner, this.turns, this.#wake);
    this.pipes.add(pipe);
    this.#past.opened++;
    this.#wake(pipe);
    return pipe;
  }

  #forget(pipe: TcpPipe): void {
    if (!this.pipes.delete(pipe)) return;
    this.#past.toHost += pipe.toHost;
    this.#past.fromHost += pipe.fromHost;
    // Somebody may wait for its place.
    this.loop.kick();
  }

  /** Ends all connections and takes no more. */
  close(): void {
    this.loop.remove(this);
    for (const pipe of this.pipes) {
      pipe.destroy();
      this.#forget(pipe);
    }
  }
}

/** Connections of guests to an address and port are led to a socket of this host. */
export class TcpForward extends Way {
  readonly #listener: TcpListener;
  readonly #target: End;

  /**
   * @param at where guests connect to; an address that is not the stack's own needs its `proxy`
   * @throws RangeError when the port is taken
   */
  constructor(options: WayOptions, at: { address: AddressLike; port: number }, target: End) {
    super(options);
    this.#target = target;
    this.#listener = this.loop.stack.listen(at.port, { ...TCP, address: at.address, backlog: 32 });
    this.#listener.onEvent = () => this.loop.kick();
    this.loop.add(this);
  }

  protected accept(): boolean {
    let moved = false;
    while (this.#listener.pending > 0 && this.pipes.size < this.most) {
      const inner = this.#listener.accept();
      if (inner === undefined) break;
      const pipe = this.open(inner);
      const { host, port } = this.#target;
      // One buffer for all reads: the bytes go on into the connection's send ring.
      const onread = {
        buffer: new Uint8Array(READ_BYTES),
        callback: (count: number, bytes: Uint8Array) => pipe.take(bytes, count),
      };
      pipe.join(connect({ host, port, allowHalfOpen: true, noDelay: true, onread }));
      moved = true;
    }
    return moved;
  }

  override close(): void {
    this.#listener.close();
    super.close();
  }
}

/** Connections to a port of this host are led to a guest. */
export class TcpPublish extends Way {
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  readonly #target: End;

  private constructor(options: WayOptions, target: End) {
    super(options);
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    this.#server.maxConnections = this.most;
    this.#server.on('connection', (outer) => {
      this.turns.enter();
      this.#waiting.push(outer);
      this.loop.kick();
      this.turns.kick();
    });
    this.loop.add(this);
  }

  /** Resolves when it listens. @throws Error of the socket */
  static async open(options: WayOptions, at: End, target: End): Promise<TcpPublish> {
    const way = new TcpPublish(options, target);
    await new Promise<void>((resolve, reject) => {
      way.#server.once('error', reject);
      way.#server.listen(at.port, at.host, resolve);
    });
    return way;
  }

  /** The port that is listened on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  protected accept(): boolean {
    const outers = this.#waiting.splice(0);
    for (const outer of outers) {
      const pipe = this.open(this.loop.stack.connect(this.#target.host, this.#target.port, TCP));
      pipe.join(outer);
      outer.on('data', (bytes) => {
        if (!pipe.take(bytes, bytes.length)) outer.pause();
      });
      outer.resume();
    }
    return outers.length > 0;
  }

  override close(): void {
    this.#server.close();
    for (const outer of this.#waiting.splice(0)) outer.destroy();
    super.close();
  }
}
