/**
 * The few calls of Linux's C library that Node lacks: sockets that carry descriptors, shared mappings, eventfds, ioctl.
 * They come through npm's `koffi`, an optional peer dependency.
 */
import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');
type Handle = import('koffi').node.PollHandle;

/** A watch on a descriptor, driven by Node's event loop. */
export interface Watch {
  /** Which events are wanted from now on. */
  want(readable: boolean, writable: boolean): void;
  /** Ends the watch; call it before closing the descriptor. */
  close(): void;
}

/** Result of a system call: the value, or minus errno. */
export type Outcome = number;

/** errno values of Linux on x86-64 and arm64. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  EPIPE: 32,
  ENOTSUP: 95,
  EADDRINUSE: 98,
  ECONNRESET: 104,
} as const;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const O_NONBLOCK = 0o4000;

/** Seal of a memfd: it cannot shrink, so a mapping of it never faults. */
export const SEAL_SHRINK = 2;
/** Most descriptors in one message. */
export const MAX_FDS = 16;

let loaded: Libc | undefined;

/**
 * The library, loaded once.
 * @throws Error that says what is missing: Linux, or koffi
 */
export function libc(): Libc {
  loaded ??= new Libc();
  return loaded;
}

/** See {@link libc}. */
export class Libc {
  readonly #koffi: Koffi;
  readonly #call: Record<string, (...args: unknown[]) => number>;
  /** struct msghdr (56 bytes), struct iovec (16) and control data, at addresses that never move. */
  readonly #head: Buffer;
  readonly #control: Buffer;
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();

  constructor() {
    if (process.platform !== 'linux') throw new Error(`nicforge: this host needs Linux, not ${process.platform}`);
    try {
      this.#koffi = createRequire(import.meta.url)('koffi') as Koffi;
    } catch {
      throw new Error('nicforge: this host needs the npm package koffi (npm install koffi)');
    }
    const library = this.#koffi.load('libc.so.6');
    const names = {
      socket: 'int socket(int domain, int type, int protocol)',
      bind: 'int bind(int fd, const void *address, uint32_t length)',
      listen: 'int listen(int fd, int backlog)',
      connect: 'int connect(int fd, const void *address, uint32_t length)',
      accept4: 'int accept4(int fd, void *address, void *length, int flags)',
      recvmsg: 'int64_t recvmsg(int fd, void *message, int flags)',
      sendmsg: 'int64_t sendmsg(int fd, const void *message, int flags)',
      recv: 'int64_t recv(int fd, void *to, size_t bytes, int flags)',
      send: 'int64_t send(int fd, const void *from, size_t bytes, int flags)',
      mmap: 'intptr_t mmap(intptr_t address, size_t bytes, int protection, int flags, int fd, int64_t offset)',
      munmap: 'int munmap(intptr_t address, size_t bytes)',
      eventfd: 'int eventfd(uint32_t initial, int flags)',
      memfd_create: 'int memfd_create(const char *name, uint32_t flags)',
      fcntl: 'int fcntl(int fd, int command, int argument)',
      ioctl: 'int ioctl(int fd, uint64_t request, void *argument)',
      read: 'int64_t read(int fd, void *to, size_t bytes)',
      write: 'int64_t write(int fd, const void *from, size_t bytes)',
    };
    this.#call = {};
    for (const [name, definition] of Object.entries(names))
      this.#call[name] = library.func(definition) as (...args: unknown[]) => number;
    this.#head = Buffer.alloc(72);
    this.#control = Buffer.alloc(16 + 4 * MAX_FDS);
    const head = this.#head;
    head.writeBigUInt64LE(BigInt(this.address(head) + 56), 16);
    head.writeBigUInt64LE(1n, 24);
  }

  #do(name: string, ...args: unknown[]): Outcome {
    const value = this.#call[name]!(...args);
    return value === -1 ? -this.#koffi.errno() : value;
  }

  /** Where the first byte of a view lies. Only for memory that never moves (every Node buffer outside the V8 heap). */
  address(view: Uint8Array): number {
    let base = this.#addresses.get(view.buffer);
    if (base === undefined) {
      base = Number(this.#koffi.address(view)) - view.byteOffset;
      this.#addresses.set(view.buffer, base);
    }
    return base + view.byteOffset;
  }

  #unixAddress(path: string): Buffer {
    const name = Buffer.from(path);
    if (name.length === 0 || name.length > 107)
      throw new RangeError(`a unix socket path has 1 to 107 bytes, this one ${name.length}: ${path}`);
    const address = Buffer.alloc(2 + name.length + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    name.copy(address, 2);
    return address;
  }

  #fail(what: string, outcome: Outcome): never {
    throw new Error(`nicforge: ${what}: errno ${-outcome}`);
  }

  /** A non-blocking stream socket that listens at `path`. @throws Error with errno */
  listenUnix(path: string, backlog = 1): number {
    const fd = this.#do('socket', AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) this.#fail('socket', fd);
    const address = this.#unixAddress(path);
    const bound = this.#do('bind', fd, address, address.length);
    if (bound < 0) this.#fail(`bind ${path}`, bound);
    const listening = this.#do('listen', fd, backlog);
    if (listening < 0) this.#fail(`listen ${path}`, listening);
    return fd;
  }

  /** A non-blocking stream socket connected to `path`. @throws Error with errno */
  connectUnix(path: string): number {
    const fd = this.#do('socket', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) this.#fail('socket', fd);
    const address = this.#unixAddress(path);
    const outcome = this.#do('connect', fd, address, address.length);
    if (outcome < 0) this.#fail(`connect ${path}`, outcome);
    return fd;
  }

  /** The next connection, non-blocking, or minus errno. */
  accept(fd: number): Outcome {
    return this.#do('accept4', fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }

  /**
   * Receives up to `bytes` bytes without waiting; descriptors that ride on them are appended to `fds` and belong to the
   * caller. 0: end of stream.
   */
  receive(fd: number, into: Uint8Array, at: number, bytes: number, fds: number[]): Outcome {
    const { head, control } = this.#message(into, at, bytes, MAX_FDS);
    const count = this.#do('recvmsg', fd, head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    const used = Number(head.readBigUInt64LE(40));
    if (used >= 16 && control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) {
      const end = Math.min(Number(control.readBigUInt64LE(0)), used);
      for (let place = 16; place + 4 <= end; place += 4) fds.push(control.readInt32LE(place));
    }
    return (head.readInt32LE(48) & MSG_CTRUNC) !== 0 ? -ERRNO.EINVAL : count;
  }

  /** Receives plain bytes without waiting. Descriptors on them would be dropped by the kernel. */
  receivePlain(fd: number, into: Uint8Array, at: number, bytes: number): Outcome {
    return this.#do('recv', fd, this.address(into) + at, bytes, MSG_DONTWAIT);
  }

  /** Sends without waiting; may send a part. `fds` ride on the first byte. */
  send(fd: number, from: Uint8Array, at: number, bytes: number, fds: readonly number[] = []): Outcome {
    if (fds.length === 0) return this.#do('send', fd, this.address(from) + at, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    const { head, control } = this.#message(from, at, bytes, fds.length);
    control.writeBigUInt64LE(BigInt(16 + 4 * fds.length), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    for (let i = 0; i < fds.length; i++) control.writeInt32LE(fds[i]!, 16 + 4 * i);
    return this.#do('sendmsg', fd, head, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  #message(view: Uint8Array, at: number, bytes: number, fds: number): { head: Buffer; control: Buffer } {
    const head = this.#head;
    const control = this.#control;
    head.writeBigUInt64LE(BigInt(this.address(control)), 32);
    head.writeBigUInt64LE(BigInt(16 + 4 * fds + (fds & 1) * 4), 40);
    head.writeInt32LE(0, 48);
    head.writeBigUInt64LE(BigInt(this.address(view) + at), 56);
    head.writeBigUInt64LE(BigInt(bytes), 64);
    return { head, control };
  }

  /** A new eventfd, non-blocking, counting from 0. */
  eventfd(): number {
    const fd = this.#do('eventfd', 0, O_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) this.#fail('eventfd', fd);
    return fd;
  }

  /** Anonymous memory with a descriptor; `sealed` forbids shrinking after {@link Libc.addSeals}. */
  memfd(name: string): number {
    const MFD_CLOEXEC = 1;
    const MFD_ALLOW_SEALING = 2;
    const fd = this.#do('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) this.#fail('memfd_create', fd);
    return fd;
  }

  /** Adds seals to a memfd. */
  addSeals(fd: number, seals: number): Outcome {
    return this.#do('fcntl', fd, F_ADD_SEALS, seals);
  }

  /** Seals of a descriptor; minus errno for files that know none. */
  seals(fd: number): Outcome {
    return this.#do('fcntl', fd, F_GET_SEALS, 0);
  }

  /** Makes a descriptor non-blocking, for all who share it. */
  setNonBlocking(fd: number): Outcome {
    const flags = this.#do('fcntl', fd, F_GETFL, 0);
    if (flags < 0 || (flags & O_NONBLOCK) !== 0) return flags;
    return this.#do('fcntl', fd, F_SETFL, flags | O_NONBLOCK);
  }

  /** Maps a file, shared. Returns its address or minus errno. `bytes` at most 1 GiB: larger views abort Node. */
  map(fd: number, offset: number, bytes: number, writable: boolean): Outcome {
    const PROT_READ = 1;
    const PROT_WRITE = 2;
    const MAP_SHARED = 1;
    return this.#do('mmap', 0, bytes, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, offset);
  }

  /** Takes a mapping away. No view of it may be touched afterwards. */
  unmap(address: number, bytes: number): void {
    this.#do('munmap', address, bytes);
  }

  /** Memory at an address, as a buffer. It lives as long as the mapping, not as long as the object. */
  view(address: number, bytes: number): ArrayBuffer {
    return this.#koffi.view(address, bytes);
  }

  /** ioctl with a structure as argument. */
  ioctl(fd: number, request: number, argument: Uint8Array): Outcome {
    return this.#do('ioctl', fd, request, argument);
  }

  /** read(2) into a view at `at`; bytes read or minus errno. */
  read(fd: number, into: Uint8Array, at: number, bytes: number): Outcome {
    return this.#do('read', fd, this.address(into) + at, bytes);
  }

  /** write(2) from a view at `at`; bytes written or minus errno. */
  write(fd: number, from: Uint8Array, at: number, bytes: number): Outcome {
    return this.#do('write', fd, this.address(from) + at, bytes);
  }

  /** Calls `ready` from the event loop when the descriptor can be read or written. The watch keeps the process alive. */
  watch(fd: number, ready: (readable: boolean, writable: boolean) => void): Watch {
    // koffi calls with libuv's status and the events, although its types promise the events alone. A failed watch is
    // reported as readable: the next read tells what is wrong.
    const call = (
      status: number,
      events: { readable: boolean; writable: boolean; disconnect: boolean } | undefined,
    ): void =>
      ready(status < 0 || events === undefined || events.readable || events.disconnect, events?.writable ?? false);
    const callback = call as unknown as (events: unknown) => void;
    const handle: Handle = this.#koffi.node.poll(fd, { readable: true }, callback);
    let closed = false;
    return {
      want(readable, writable) {
        if (closed) return;
        if (readable || writable) handle.start({ readable, writable }, callback);
        else handle.stop();
      },
      close() {
        if (closed) return;
        closed = true;
        handle.stop();
        handle.close();
      },
    };
  }
}
