/**
 * A TCP connection of our stack joined to one of this host's: bytes pass both ways with back-pressure, each direction ends
 * by itself, a reset passes on. What waits lies in the connection's own rings, and one read of the host's socket.
 */
import type { Socket } from 'node:net';
import type { TcpSocket } from '../../stack/socket/tcp/socket.js';

/** A host that runs a stack on a real clock: work from outside is told before and after. */
export interface Turns {
  /** Work from outside begins: the clock is read. */
  enter(): void;
  /** It is done: what is due now runs. */
  kick(): void;
}

/** Bytes read from the host's socket at a time. */
export const READ_BYTES = 64 << 10;

/** One joined pair. The owner calls {@link TcpPipe.step} after {@link TcpPipe.onWork}. */
export class TcpPipe {
  readonly inner: TcpSocket;
  /** Bytes that passed to the host, and from it. */
  toHost = 0;
  fromHost = 0;
  /** On its owner's list of those with work. */
  queued = false;
  readonly #onWork: (pipe: TcpPipe) => void;
  readonly #turns: Turns;
  #outer!: Socket;
  /** Read from the host and not taken by the stack yet: the host's socket is not read meanwhile. */
  #rest: Uint8Array | undefined;
  #restAt = 0;
  #restEnd = 0;
  #writing = 0;
  #outerEnded = false;
  #outerClosed = false;
  #endSent = false;

  /** @param onWork called when `step` has something to do; must not step at once */
  constructor(inner: TcpSocket, turns: Turns, onWork: (pipe: TcpPipe) => void) {
    this.inner = inner;
    this.#turns = turns;
    this.#onWork = onWork;
    inner.onEvent = () => onWork(this);
  }

  /** The host's side, which has to allow half-open connections. What it reads is handed to {@link TcpPipe.take}. */
  join(outer: Socket): void {
    this.#outer = outer;
    outer.on('connect', () => this.#fromOutside());
    outer.on('end', () => {
      this.#outerEnded = true;
      this.#fromOutside();
    });
    // A close follows, and says that there was one.
    outer.on('error', () => undefined);
    outer.on('close', (failed) => {
      this.#outerClosed = true;
      if (failed && !this.inner.ended) this.inner.abort();
      this.#fromOutside();
    });
  }

  /** Bytes came from the host. False: the stack has no room, and the host's socket is not to be read until `resume`. */
  take(bytes: Uint8Array, count: number): boolean {
    this.#turns.enter();
    const taken = this.inner.write(bytes, 0, count);
    this.fromHost += taken;
    if (taken < count) {
      this.#rest = bytes;
      this.#restAt = taken;
      this.#restEnd = count;
    }
    this.#onWork(this);
    this.#turns.kick();
    return taken === count;
  }

  /** Moves what can be moved; true when something was. */
  step(): boolean {
    const moved = this.#inward();
    return this.#outward() || moved;
  }

  /** Both sides are through: the pipe is to be forgotten. */
  get done(): boolean {
    return this.#outerClosed && (this.inner.ended || this.inner.orphan);
  }

  /** Ends both sides at once. */
  destroy(): void {
    this.#outer.resetAndDestroy();
    this.inner.abort();
  }

  #fromOutside(): void {
    this.#turns.enter();
    this.#onWork(this);
    this.#turns.kick();
  }

  // Host to guest.
  #inward(): boolean {
    const { inner } = this;
    let moved = false;
    const rest = this.#rest;
    if (rest !== undefined) {
      const taken = inner.write(rest, this.#restAt, this.#restEnd - this.#restAt);
      this.fromHost += taken;
      this.#restAt += taken;
      moved = taken > 0;
      if (this.#restAt === this.#restEnd) {
        this.#rest = undefined;
        this.#outer.resume();
      }
    }
    if (this.#outerEnded && this.#rest === undefined && inner.connected) inner.close();
    return moved;
  }

  // Guest to host. The bytes lie in the receive ring until the system has them, so the guest's window is the bound.
  #outward(): boolean {
    const { inner } = this;
    if (this.#outerClosed) {
      // Nobody takes it any more; what still comes is answered with a reset.
      if (!inner.orphan) inner.release();
      return false;
    }
    if (this.#writing > 0) return false;
    if (inner.ended && inner.end !== 'closed') {
      this.#outer.resetAndDestroy();
      return true;
    }
    const run = inner.readRun;
    if (run > 0) {
      this.#writing = run;
      const { buffer } = inner.layer.arena.u8;
      this.#outer.write(new Uint8Array(buffer, inner.readAt, run), () => this.#written());
      return true;
    }
    if (inner.atEnd && !this.#endSent) {
      this.#endSent = true;
      this.#outer.end();
      return true;
    }
    return false;
  }

  #written(): void {
    const bytes = this.#writing;
    this.#writing = 0;
    if (this.#outerClosed) return;
    this.#turns.enter();
    this.inner.consume(bytes);
    this.toHost += bytes;
    this.#onWork(this);
    this.#turns.kick();
  }
}
