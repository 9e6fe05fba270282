/**
 * Frames over a stream socket as QEMU's `-netdev stream` speaks it: a 4-byte big-endian length, then the frame. This side
 * listens on a unix socket (or connects to one); one peer at a time.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { FRAME_AT, MAX_FRAME, type Uplink, UplinkCore, type UplinkOptions } from './uplink.js';

const LENGTH_BYTES = 4;
/** Bytes gathered before they go to the socket within one turn of the event loop. */
const BATCH_BYTES = 64 << 10;
/** Bytes a slow peer may leave in this process; beyond it frames are dropped. */
const MAX_WAITING = 4 << 20;

/** Cuts a byte stream into frames, which it puts into `inbox` at `FRAME_AT`. */
export class FrameCutter {
  readonly #inbox: Uint8Array;
  readonly #take: (length: number) => void;
  #have = 0;
  #want = LENGTH_BYTES;

  /** @param inbox at least FRAME_AT + MAX_FRAME bytes */
  constructor(inbox: Uint8Array, take: (length: number) => void) {
    this.#inbox = inbox;
    this.#take = take;
  }

  /** Takes the next bytes. False: a length is impossible, the stream is lost. */
  push(bytes: Uint8Array): boolean {
    const inbox = this.#inbox;
    const start = FRAME_AT - LENGTH_BYTES;
    let at = 0;
    while (at < bytes.length) {
      const count = Math.min(this.#want - this.#have, bytes.length - at);
      inbox.set(bytes.subarray(at, at + count), start + this.#have);
      this.#have += count;
      at += count;
      if (this.#have < this.#want) break;
      if (this.#want === LENGTH_BYTES) {
        const length =
          ((inbox[start]! << 24) | (inbox[start + 1]! << 16) | (inbox[start + 2]! << 8) | inbox[start + 3]!) >>> 0;
        if (length > MAX_FRAME) return false;
        this.#want += length;
        if (length > 0) continue;
      }
      const length = this.#want - LENGTH_BYTES;
      this.#have = 0;
      this.#want = LENGTH_BYTES;
      this.#take(length);
    }
    return true;
  }
}

/** Where the stream is. */
export interface StreamOptions extends UplinkOptions {
  /** Path of a unix socket. */
  readonly path: string;
  /** True: connect; otherwise listen. */
  readonly connect?: boolean;
}

/** An uplink over a stream; see {@link openStream}. */
export interface StreamUplink extends Uplink {
  /** True while a peer is connected. */
  readonly connected: boolean;
}

/** Opens a stream uplink; resolves when it listens or is connected. @throws Error of the socket */
export async function openStream(options: StreamOptions): Promise<StreamUplink> {
  let socket: Socket | undefined;
  let batch: Buffer | undefined;
  let filled = 0;

  const flush = (): void => {
    if (batch && filled > 0 && socket && !socket.destroyed) socket.write(batch.subarray(0, filled));
    batch = undefined;
    filled = 0;
  };
  const core = new UplinkCore(options.name ?? 'stream', options.time, (arena, offset, length) => {
    if (!socket || socket.destroyed || length > MAX_FRAME || socket.writableLength > MAX_WAITING) return false;
    if (batch && filled + LENGTH_BYTES + length > batch.length) flush();
    if (!batch) {
      batch = Buffer.allocUnsafe(BATCH_BYTES);
      queueMicrotask(flush);
    }
    batch.writeUInt32BE(length, filled);
    batch.set(arena.u8.subarray(offset, offset + length), filled + LENGTH_BYTES);
    filled += LENGTH_BYTES + length;
    return true;
  });
  const adopt = (peer: Socket): void => {
    const cutter = new FrameCutter(core.inbox.u8, (length) => core.incoming(length));
    socket = peer;
    peer.on('data', (data: Buffer) => {
      core.begin();
      if (!cutter.push(data)) peer.destroy();
      core.end();
    });
    peer.on('error', () => peer.destroy());
    peer.on('close', () => {
      if (socket === peer) socket = undefined;
    });
  };
  let server: Server | undefined;
  if (options.connect) {
    await new Promise<void>((resolve, reject) => {
      const peer = createConnection(options.path, () => {
        peer.off('error', reject);
        adopt(peer);
        resolve();
      });
      peer.once('error', reject);
    });
  } else {
    server = createServer((peer) => {
      if (socket) peer.destroy();
      else adopt(peer);
    });
    await new Promise<void>((resolve, reject) => {
      server!.once('error', reject);
      server!.listen(options.path, resolve);
    });
  }
  return {
    port: core.port,
    counters: core.counters,
    get connected() {
      return socket !== undefined;
    },
    close: () =>
      new Promise((resolve) => {
        core.port.offer(undefined);
        socket?.destroy();
        if (server) server.close(() => resolve());
        else resolve();
      }),
  };
}
