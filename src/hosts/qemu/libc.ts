/** A blocking Unix socket and a shared mapping: calls of libc that Node lacks. Through koffi, an optional peer. */
import { createRequire } from 'node:module';
import { ERRNO, libc as sharedLibc } from '../native/index.js';

/** Blocking calls; negative results are failures. */
export interface Libc {
  /** Connects to a Unix socket. Returns a file descriptor, or -1 while nobody listens. */
  connectUnix(path: string, timeoutMs: number): number;
  send(fd: number, bytes: Uint8Array, count: number): number;
  /** Blocks for at most the socket's timeout unless `wait` is false. */
  receive(fd: number, into: Uint8Array, count: number, wait: boolean): number;
  close(fd: number): void;
  /**
   * Maps a file, readable, writable and shared. The mapping lives until the process ends: views of it stay valid.
   * @throws Error with errno
   */
  mapShared(fd: number, bytes: number): ArrayBuffer;
}

/** Just what is used of koffi, so that its absence is no matter of types. */
interface Koffi {
  load(path: string): { func(prototype: string): (...args: unknown[]) => unknown };
  errno(): number;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
/** Signals in a row before a call counts as failed. */
const MOST_SIGNALS = 1000;
/** `sun_path` of `sockaddr_un`, with its final zero. */
const LONGEST_PATH = 108;

let loaded: Libc | undefined;

/** Why `loadLibc` would fail, or undefined when it would not. */
export function libcMissing(): string | undefined {
  if (process.platform !== 'linux') return `hosts/qemu needs Linux, this is ${process.platform}`;
  try {
    createRequire(import.meta.url).resolve('koffi');
    return undefined;
  } catch {
    return 'hosts/qemu needs the optional package koffi: npm install koffi';
  }
}

/** Loads libc. @throws Error with what to install, when koffi is absent */
export function loadLibc(): Libc {
  if (loaded) return loaded;
  const missing = libcMissing();
  if (missing !== undefined) throw new Error(missing);
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  const lib = koffi.load('libc.so.6');
  const socket = lib.func('int socket(int domain, int type, int protocol)');
  const connect = lib.func('int connect(int fd, const void *address, uint32_t bytes)');
  const setsockopt = lib.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t bytes)');
  const send = lib.func('intptr_t send(int fd, const void *bytes, size_t count, int flags)');
  const recv = lib.func('intptr_t recv(int fd, void *bytes, size_t count, int flags)');
  const close = lib.func('int close(int fd)');
  // A socket with a timeout is never restarted after a signal (signal(7)), and a child that ends is a signal.
  const uninterrupted = (call: () => number): number => {
    let result = call();
    for (let tries = 0; result < 0 && tries < MOST_SIGNALS && koffi.errno() === ERRNO.EINTR; tries++) result = call();
    return result;
  };
  loaded = {
    connectUnix(path, timeoutMs) {
      const bytes = Buffer.from(path);
      if (bytes.length >= LONGEST_PATH)
        throw new Error(`socket path is longer than ${LONGEST_PATH - 1} bytes: ${path}`);
      const address = Buffer.alloc(2 + LONGEST_PATH);
      address.writeUInt16LE(AF_UNIX, 0);
      bytes.copy(address, 2);
      const fd = socket(AF_UNIX, SOCK_STREAM, 0) as number;
      if (fd < 0) return -1;
      const timeval = Buffer.alloc(16);
      timeval.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
      timeval.writeBigInt64LE(BigInt(timeoutMs % 1000) * 1000n, 8);
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length);
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.length);
      if ((connect(fd, address, address.length) as number) === 0) return fd;
      close(fd);
      return -1;
    },
    send: (fd, bytes, count) => uninterrupted(() => Number(send(fd, bytes, count, MSG_NOSIGNAL))),
    receive: (fd, into, count, wait) => uninterrupted(() => Number(recv(fd, into, count, wait ? 0 : MSG_DONTWAIT))),
    close: (fd) => void close(fd),
    mapShared(fd, bytes) {
      const address = sharedLibc().map(fd, 0, bytes, true);
      if (address < 0) throw new Error(`${bytes} bytes of guest RAM cannot be mapped: errno ${-address}`);
      return sharedLibc().view(address, bytes);
    },
  };
  return loaded;
}
