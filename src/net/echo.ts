/** The small services every gateway used to have: echo (RFC 862) over TCP and UDP, discard (RFC 863). */
import { type Micros, NEVER } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';
import type { TcpListener } from '../stack/socket/tcp/listener.js';
import type { TcpSocket } from '../stack/socket/tcp/socket.js';
import type { UdpSocket } from '../stack/socket/udp.js';
import type { App } from './loop.js';

/** Port of echo. */
export const ECHO_PORT = 7;
/** Port of discard. */
export const DISCARD_PORT = 9;

const STEP_BYTES = 1 << 20;
const MOST = 64;

/** TCP echo on port 7, discard on port 9, UDP echo on port 7. Add it to a loop. */
export class EchoServices implements App {
  /** Bytes that came back, bytes that did not. */
  echoed = 0;
  discarded = 0;
  readonly #echo: TcpListener;
  readonly #discard: TcpListener;
  readonly #udp: UdpSocket;
  #sockets: { socket: TcpSocket; echo: boolean }[] = [];
  readonly #buffer = new Uint8Array(65535);

  /** @throws RangeError when a port is taken. */
  constructor(stack: Stack) {
    this.#echo = stack.listen(ECHO_PORT);
    this.#discard = stack.listen(DISCARD_PORT);
    this.#udp = stack.udp({ port: ECHO_PORT });
  }

  nextDeadline(): Micros {
    return NEVER;
  }

  step(): boolean {
    let moved = this.#accept(this.#echo, true) || this.#accept(this.#discard, false);
    for (let i = 0; i < MOST && this.#udp.readable; i++) {
      const bytes = this.#udp.receive(this.#buffer);
      this.#udp.send(this.#udp.from, this.#udp.fromPort, this.#buffer, 0, bytes, this.#udp.to);
      this.echoed += bytes;
      moved = true;
    }
    let ended = false;
    for (let i = 0; i < this.#sockets.length; i++) {
      const { socket, echo } = this.#sockets[i]!;
      const bytes = echo ? echoBytes(socket) : Math.min(socket.readable, STEP_BYTES);
      if (echo) this.echoed += bytes;
      else {
        socket.consume(bytes);
        this.discarded += bytes;
      }
      if (bytes > 0) moved = true;
      if (socket.atEnd) {
        socket.release();
        ended = moved = true;
      }
    }
    if (ended) this.#sockets = this.#sockets.filter(({ socket }) => !socket.orphan);
    return moved;
  }

  #accept(listener: TcpListener, echo: boolean): boolean {
    let moved = false;
    while (listener.pending > 0 && this.#sockets.length < MOST) {
      const socket = listener.accept();
      if (socket === undefined) break;
      this.#sockets.push({ socket, echo });
      moved = true;
    }
    return moved;
  }

  close(): void {
    this.#echo.close();
    this.#discard.close();
    this.#udp.close();
    for (const { socket } of this.#sockets) socket.abort();
    this.#sockets = [];
  }
}

// Moves what is readable into the send ring as far as it fits.
function echoBytes(socket: TcpSocket): number {
  let moved = 0;
  while (moved < STEP_BYTES) {
    const run = Math.min(socket.readRun, socket.room);
    if (run === 0) break;
    const count = socket.write(socket.layer.arena.u8, socket.readAt, run);
    if (count === 0) break;
    socket.consume(count);
    moved += count;
  }
  return moved;
}
