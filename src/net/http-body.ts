/** Reads a body from a socket and hands its bytes on in place, whatever its framing (RFC 9112 §6, §7). */
import type { TcpSocket } from '../stack/socket/tcp/socket.js';
import type { BodyLength } from './http-head.js';

/** Gets body bytes where they lie: `bytes` of them in `u8` from `at`. They are gone after the call. */
export type BodySink = (u8: Uint8Array, at: number, bytes: number) => void;

/** What a step found. */
export type BodyState = 'more' | 'done' | 'bad' | 'cut';

const Chunk = { size: 0, extension: 1, data: 2, dataEnd: 3, trailer: 4 } as const;
/** Digits of a chunk size, bytes of extensions and trailers taken. */
const MOST_DIGITS = 12;
const MOST_EXTRA = 8192;

/** One body after another. */
export class BodyReader {
  /** Bytes handed on so far. */
  received = 0;
  #length: BodyLength = 0;
  #left = 0;
  #chunk: number = Chunk.size;
  #digits = 0;
  #extra = 0;
  #lineBytes = 0;

  /** Begins a body. */
  start(length: BodyLength): void {
    this.received = 0;
    this.#length = length;
    this.#left = typeof length === 'number' ? length : 0;
    this.#chunk = Chunk.size;
    this.#digits = this.#extra = this.#lineBytes = 0;
  }

  /** Takes what has come, at most `budget` bytes. */
  step(socket: TcpSocket, sink: BodySink, budget: number): BodyState {
    const u8 = socket.layer.arena.u8;
    let left = budget;
    while (left > 0) {
      if (this.#length === 'chunked') {
        const state = this.#framing(socket, u8);
        if (state !== 'more') return state;
        if (this.#chunk !== Chunk.data) break;
      } else if (typeof this.#length === 'number' && this.#left === 0) return 'done';
      const wanted = this.#length === 'close' ? left : Math.min(this.#left, left);
      const run = Math.min(socket.readRun, wanted);
      if (run === 0) break;
      sink(u8, socket.readAt, run);
      socket.consume(run);
      this.received += run;
      left -= run;
      if (this.#length !== 'close') this.#left -= run;
      if (this.#length === 'chunked' && this.#left === 0) this.#chunk = Chunk.dataEnd;
    }
    if (typeof this.#length === 'number' && this.#left === 0) return 'done';
    if (!socket.atEnd) return 'more';
    return this.#length === 'close' && (socket.end === undefined || socket.end === 'closed') ? 'done' : 'cut';
  }

  // Goes on through sizes, line ends and trailers until data, the end, or lack of bytes.
  #framing(socket: TcpSocket, u8: Uint8Array): BodyState {
    while (this.#chunk !== Chunk.data) {
      const run = socket.readRun;
      if (run === 0) return 'more';
      const at = socket.readAt;
      let used = 0;
      let state: BodyState = 'more';
      while (used < run && state === 'more' && this.#chunk !== Chunk.data) state = this.#byte(u8[at + used++]!);
      socket.consume(used);
      if (state !== 'more') return state;
    }
    return 'more';
  }

  #byte(byte: number): BodyState {
    const newline = byte === 10;
    switch (this.#chunk) {
      case Chunk.size: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          if (++this.#digits > MOST_DIGITS) return 'bad';
          this.#left = this.#left * 16 + digit;
          return 'more';
        }
        if (this.#digits === 0) return 'bad';
        this.#chunk = Chunk.extension;
        return newline ? this.#sizeDone() : this.#skip();
      }
      case Chunk.extension:
        return newline ? this.#sizeDone() : this.#skip();
      case Chunk.dataEnd:
        if (newline) {
          this.#chunk = Chunk.size;
          this.#digits = this.#left = 0;
        } else if (byte !== 13) return 'bad';
        return 'more';
      default:
        // Trailer fields: read over up to the empty line.
        if (newline) {
          if (this.#lineBytes === 0) return 'done';
          this.#lineBytes = 0;
        } else if (byte !== 13) this.#lineBytes++;
        return this.#skip();
    }
  }

  #sizeDone(): BodyState {
    this.#chunk = this.#left === 0 ? Chunk.trailer : Chunk.data;
    return 'more';
  }

  #skip(): BodyState {
    return ++this.#extra > MOST_EXTRA ? 'bad' : 'more';
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
