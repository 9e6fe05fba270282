/** A port that takes connections, several at once (RFC 9293 §3.9.1's passive open, with a backlog). */
import type { IpAddress } from '../../wire/address.js';
import type { TcpLayer } from './layer.js';
import type { TcpSocket } from './socket.js';
import { type TcpConfig, TcpState } from './types.js';

/** Made by `Stack.listen`. */
export class TcpListener {
  readonly localPort: number;
  /** Only connections to this address; undefined takes all of ours. */
  readonly address: IpAddress | undefined;
  readonly config: TcpConfig;
  /** Connections that wait for {@link TcpListener.accept} at most; as many again may be in the handshake. */
  readonly backlog: number;
  /** Called when a connection can be accepted. Must not poll the stack. */
  onEvent: (() => void) | undefined;
  closed = false;
  /** @internal Connections in the handshake, oldest first. */
  readonly halfOpen: TcpSocket[] = [];
  /** @internal Connections established and not accepted. */
  readonly queue: TcpSocket[] = [];
  readonly #layer: TcpLayer;

  constructor(layer: TcpLayer, port: number, address: IpAddress | undefined, backlog: number, config: TcpConfig) {
    this.#layer = layer;
    this.localPort = port;
    this.address = address;
    this.backlog = Math.max(backlog, 1);
    this.config = config;
  }

  /** Connections ready to be accepted. */
  get pending(): number {
    return this.queue.length;
  }

  /** The oldest established connection, or undefined. It may already hold data or have ended again. */
  accept(): TcpSocket | undefined {
    const socket = this.queue.shift();
    if (socket !== undefined) socket.listener = undefined;
    return socket;
  }

  /** @internal A connection of ours is established. */
  established(socket: TcpSocket): void {
    this.forget(socket);
    this.queue.push(socket);
    this.onEvent?.();
  }

  /** @internal A connection in the handshake is over. */
  forget(socket: TcpSocket): void {
    const at = this.halfOpen.indexOf(socket);
    if (at >= 0) this.halfOpen.splice(at, 1);
  }

  /** Takes no more connections; those that nobody accepted are reset. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#layer.unlisten(this);
    for (const socket of [...this.halfOpen, ...this.queue]) {
      if (socket.state !== TcpState.closed) socket.abort();
    }
    this.halfOpen.length = this.queue.length = 0;
  }
}
