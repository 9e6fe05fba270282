/**
 * The transport: a unix socket in Node's event loop. One client at a time. A message is taken in two steps, header and
 * rest, because descriptors ride on the header's first byte and a larger read could join two messages.
 */
import { closeSync, rmSync } from 'node:fs';
import type { EmulatedFunction } from '../../emulators/function.js';
import { ERRNO, type Libc, libc, type Watch } from '../native/libc.js';
import { FunctionDevice, type HostOptions } from './device.js';
import { HEADER_BYTES, MAX_MESSAGE, MAX_MESSAGE_FDS } from './protocol.js';
import { ProtocolError, VfioUserSession } from './session.js';

/** Messages served before the event loop gets its turn. */
const MESSAGES_PER_TURN = 256;
/** Answers waiting for a client that does not read; beyond it the connection is closed. */
const MAX_BACKLOG = 8 << 20;

/** How to serve a model. */
export interface ServeOptions extends HostOptions {
  /** Where to listen; a path of at most 107 bytes. */
  readonly path: string;
  /** A client came (true) or went (false, with the reason when it was not its own wish). */
  readonly onClient?: (connected: boolean, reason?: string) => void;
  /** Something the user should know, such as guest memory that is not shared. */
  readonly onWarning?: (text: string) => void;
}

/** A model being served. */
export interface VfioUserServer {
  readonly path: string;
  readonly device: FunctionDevice;
  /** True while a client is connected. */
  readonly connected: boolean;
  /** Messages handled since the start. */
  readonly messages: number;
  /** Ends the connection, stops listening and removes the socket. */
  close(): void;
}

/**
 * Serves `fn` at `options.path` until closed. QEMU connects once and does not retry, so start QEMU after this returns:
 * `-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"…"}}'`, with
 * `-object memory-backend-memfd,id=ram,size=…,share=on -machine …,memory-backend=ram`.
 * @throws Error when koffi is missing or the path cannot be bound
 */
export function serveVfioUser(fn: EmulatedFunction, options: ServeOptions): VfioUserServer {
  const system = libc();
  const { path, time } = options;
  const listener = system.listenUnix(path);
  const device = new FunctionDevice(fn, options);
  let link: Link | undefined;
  let messages = 0;

  const accept = (): void => {
    const fd = system.accept(listener);
    if (fd < 0) return;
    // The end of the client before may be waiting beside this call: a virtual machine started again comes at once.
    link?.look();
    if (link) {
      options.onWarning?.(`vfio-user: ${path}: a second client was turned away`);
      closeSync(fd);
      return;
    }
    const session = new VfioUserSession(system, device, (address) =>
      options.onWarning?.(
        `vfio-user: guest memory at 0x${address.toString(16)} came without a descriptor, so DMA fails; use -object memory-backend-memfd,share=on`,
      ),
    );
    link = new Link(system, fd, session, {
      before: () => time.enter(),
      message: () => {
        messages++;
      },
      after: () => time.kick(),
      ended: (reason) => {
        link = undefined;
        device.connect(undefined);
        session.close();
        options.onClient?.(false, reason);
      },
    });
    device.connect(session);
    options.onClient?.(true);
  };
  const watch = system.watch(listener, accept);
  // Writes are posted: they wait in the socket while a model works, and the guest goes on as if they had been done.
  time.beforeWork(() => link?.serve());
  return {
    path,
    device,
    get connected() {
      return link !== undefined;
    },
    get messages() {
      return messages;
    },
    close() {
      link?.end('the server was closed');
      watch.close();
      closeSync(listener);
      rmSync(path, { force: true });
    },
  };
}

interface LinkHooks {
  before(): void;
  message(): void;
  after(): void;
  ended(reason: string | undefined): void;
}

/** One connection: cuts the stream into messages and sends answers. */
class Link {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #session: VfioUserSession;
  readonly #hooks: LinkHooks;
  readonly #watch: Watch;
  readonly #in = new Uint8Array(new ArrayBuffer(MAX_MESSAGE));
  readonly #view = new DataView(this.#in.buffer);
  #have = 0;
  #fds: number[] = [];
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #ended = false;
  #serving = false;

  constructor(system: Libc, fd: number, session: VfioUserSession, hooks: LinkHooks) {
    this.#libc = system;
    this.#fd = fd;
    this.#session = session;
    this.#hooks = hooks;
    this.#watch = system.watch(fd, (readable, writable) => this.#ready(readable, writable));
  }

  /** Ends the connection; `reason` undefined: the client went by itself. */
  end(reason: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.close();
    for (const fd of this.#fds) closeSync(fd);
    this.#fds = [];
    closeSync(this.#fd);
    this.#hooks.ended(reason);
  }

  /** Serves what has come, the end of the connection included. */
  look(): void {
    this.#ready(true, false);
  }

  #ready(readable: boolean, writable: boolean): void {
    if (this.#ended) return;
    if (writable && this.#backlogBytes > 0) this.#flush();
    if (!readable || this.#backlogBytes > 0) return;
    this.#hooks.before();
    this.serve();
    this.#hooks.after();
  }

  /**
   * Takes and serves the messages that are there. What a message sets off may end in a kick, and so here again (a frame that a socket
   * of this host takes at once): buffers and the order of answers belong to the message that is being served.
   */
  serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    let budget = MESSAGES_PER_TURN;
    try {
      while (budget > 0 && !this.#ended && this.#backlogBytes === 0 && this.#one()) budget--;
    } catch (error) {
      this.end(error instanceof ProtocolError ? error.message : `vfio-user: ${String(error)}`);
    } finally {
      this.#serving = false;
    }
  }

  /** Takes and serves one message; false when the rest of it is not here yet, or the stream ended. */
  #one(): boolean {
    while (this.#have < HEADER_BYTES) {
      const count = this.#libc.receive(this.#fd, this.#in, this.#have, HEADER_BYTES - this.#have, this.#fds);
      if (!this.#took(count)) return false;
    }
    const size = this.#view.getUint32(4, true);
    if (size < HEADER_BYTES || size > MAX_MESSAGE) throw new ProtocolError(`a message of ${size} bytes`);
    if (this.#fds.length > MAX_MESSAGE_FDS) throw new ProtocolError(`${this.#fds.length} descriptors in one message`);
    while (this.#have < size) {
      const count = this.#libc.receivePlain(this.#fd, this.#in, this.#have, size - this.#have);
      if (!this.#took(count)) return false;
    }
    this.#have = 0;
    const fds = this.#fds;
    if (fds.length > 0) this.#fds = [];
    this.#hooks.message();
    const answer = this.#session.handle(this.#in, this.#view, size, fds);
    if (answer > 0) this.#send(answer);
    return !this.#ended;
  }

  #took(count: number): boolean {
    if (count > 0) {
      this.#have += count;
      return true;
    }
    // At its end QEMU's socket may say ECONNRESET instead of end of file.
    if (count === 0 || count === -ERRNO.ECONNRESET) this.end(undefined);
    else if (count !== -ERRNO.EAGAIN && count !== -ERRNO.EINTR)
      throw new ProtocolError(`receiving failed with errno ${-count}`);
    return false;
  }

  #send(bytes: number): void {
    const { out } = this.#session;
    const sent = this.#libc.send(this.#fd, out, 0, bytes);
    if (sent === bytes) return;
    if (sent < 0 && sent !== -ERRNO.EAGAIN && sent !== -ERRNO.EINTR) {
      this.end(
        sent === -ERRNO.EPIPE || sent === -ERRNO.ECONNRESET
          ? undefined
          : `vfio-user: sending failed with errno ${-sent}`,
      );
      return;
    }
    this.#backlog.push(out.slice(Math.max(0, sent), bytes));
    this.#backlogBytes += bytes - Math.max(0, sent);
    if (this.#backlogBytes > MAX_BACKLOG) this.end('vfio-user: the client does not read its answers');
    else this.#watch.want(false, true);
  }

  #flush(): void {
    while (this.#backlog.length > 0) {
      const first = this.#backlog[0]!;
      const sent = this.#libc.send(this.#fd, first, 0, first.length);
      if (sent < 0) {
        if (sent !== -ERRNO.EAGAIN && sent !== -ERRNO.EINTR) this.end(undefined);
        return;
      }
      this.#backlogBytes -= sent;
      if (sent < first.length) this.#backlog[0] = first.slice(sent);
      else this.#backlog.shift();
    }
    this.#watch.want(true, false);
  }
}
