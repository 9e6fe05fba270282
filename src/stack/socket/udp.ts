/** UDP sockets (RFC 768, RFC 1122 §4.1): bounded queues in and out, found by port. */
import type { OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { finish, sum16 } from '../../platform/kernels.js';
import type { Random } from '../../platform/random.js';
import { type ErrorReport, IpError } from '../iface/icmp.js';
import { type IpOutput, Send } from '../iface/ip-output.js';
import type { Packet } from '../iface/packet.js';
import { Path, PathKind } from '../iface/path.js';
import type { StackStatistics } from '../iface/statistics.js';
import { PacketRing } from '../storage/packet-ring.js';
import { type AddressLike, IpAddress, ip } from '../wire/address.js';
import { get16 } from '../wire/bytes.js';
import { IpProtocol, pseudoSum4 } from '../wire/ipv4.js';
import { checkUdp, UDP_BYTES, Udp, writeUdp } from '../wire/udp.js';
import { ephemeralPort } from './ports.js';
import type { ReadyList, Transmitter } from './ready.js';

/** How a UDP socket is made. */
export interface UdpOptions {
  /** Local port of 1 to 65535; 0 or absent takes an ephemeral one. */
  readonly port?: number;
  /** Only datagrams for this address; absent takes all of ours. */
  readonly address?: AddressLike;
  /** Bytes and datagrams queued at most, each way. Defaults 65536 and 64. */
  readonly receiveBytes?: number;
  readonly receivePackets?: number;
  readonly sendBytes?: number;
  readonly sendPackets?: number;
  /** Time to live, default 64. */
  readonly ttl?: number;
  /** May send to broadcast addresses and from 0.0.0.0. Default false. */
  readonly broadcast?: boolean;
  /** Receives what is addressed to anyone, also while the interface has no address (DHCP). Default false. */
  readonly anyDestination?: boolean;
}

/** Why the last send or receive went wrong. `unreachable` and `refused` come from the network. */
export type UdpError = 'unreachable' | 'refused' | 'too-big' | 'no-route';

/** What UDP needs of the stack. */
export interface UdpParts {
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly out: IpOutput;
  readonly stats: StackStatistics;
  readonly ready: ReadyList;
}

/** One UDP socket. Made by `Stack.udp`. */
export class UdpSocket implements Transmitter {
  inReadyList = false;
  nextReady: Transmitter | undefined;
  readonly localPort: number;
  readonly address: IpAddress | undefined;
  readonly anyDestination: boolean;
  readonly broadcast: boolean;
  ttl: number;
  closed = false;
  /** The last asynchronous error, cleared by whoever reads it. */
  error: UdpError | undefined;
  /** Called when a datagram, room to send or an error came. Must not call back into the stack's polling. */
  onEvent: (() => void) | undefined;
  /** Sender of the datagram read last. */
  readonly from = new IpAddress();
  fromPort = 0;
  /** The address the datagram read last was sent to. */
  readonly to = new IpAddress();
  readonly rx: PacketRing;
  readonly #tx: PacketRing;
  readonly #parts: UdpParts;
  readonly #path = new Path();
  readonly #source = new IpAddress();
  readonly #target = new IpAddress();
  readonly #layer: UdpLayer;

  /** @throws RangeError when the arena has no room for the queues. */
  constructor(parts: UdpParts, layer: UdpLayer, port: number, options: UdpOptions) {
    this.#parts = parts;
    this.#layer = layer;
    this.localPort = port;
    this.address = options.address === undefined ? undefined : ip(options.address).clone();
    this.ttl = options.ttl ?? 64;
    this.broadcast = options.broadcast ?? false;
    this.anyDestination = options.anyDestination ?? false;
    this.rx = new PacketRing(parts.arena, options.receivePackets ?? 64, options.receiveBytes ?? 65536);
    this.#tx = new PacketRing(parts.arena, options.sendPackets ?? 64, options.sendBytes ?? 65536);
  }

  /** A datagram is waiting. */
  get readable(): boolean {
    return this.rx.count > 0;
  }

  /** Datagrams not sent yet. */
  get unsent(): number {
    return this.#tx.count;
  }

  /**
   * Queues a datagram; it leaves at the next egress. False when the queue is full (try again after an event), the socket
   * is closed or the datagram is longer than 65507 bytes. `source` chooses one of our addresses.
   */
  send(to: IpAddress, port: number, u8: Uint8Array, at = 0, bytes = u8.length - at, source?: IpAddress): boolean {
    if (this.closed || bytes > 65507) return false;
    const from = source ?? this.address ?? ANY;
    if (!this.#tx.write(to, port, from, u8, at, bytes)) return false;
    this.#parts.ready.add(this);
    return true;
  }

  /**
   * Reads the next datagram into `u8` at `at` and returns its length, or -1 when there is none. Bytes beyond the room given
   * are lost. `from`, `fromPort` and `to` then tell about it.
   */
  receive(u8: Uint8Array, at = 0): number {
    const bytes = this.rx.first(this.from, this.to);
    if (bytes < 0) return -1;
    this.fromPort = this.rx.port;
    const count = Math.min(bytes, u8.length - at);
    if (count > 0) this.rx.bytes.read(0, u8, at, count);
    this.rx.pop();
    return count;
  }

  transmit(now: Micros, budget: number): number {
    let sent = 0;
    while (sent < budget && this.#tx.count > 0) {
      const result = this.#sendFirst(now);
      if (result === Send.busy) {
        this.#parts.ready.add(this);
        return sent;
      }
      if (result === Send.tooBig) this.error = 'too-big';
      else if (result === Send.noRoute) this.error = 'no-route';
      if (result === Send.ok) this.#parts.stats.udpOut++;
      this.#tx.pop();
      sent++;
    }
    if (this.#tx.count > 0) this.#parts.ready.add(this);
    if (sent > 0) this.onEvent?.();
    return sent;
  }

  #sendFirst(now: Micros): number {
    const bytes = this.#tx.first(this.#target, this.#source);
    const { out } = this.#parts;
    const path = this.#path;
    if (!path.destination.equals(this.#target)) {
      path.destination.copy(this.#target);
      path.generation = 0;
    }
    if (out.resolve(path, now) !== Send.ok) return Send.noRoute;
    if (path.kind === PathKind.group && !this.broadcast && !this.#target.multicast) return Send.noRoute;
    const source = this.#source.unspecified ? path.source.w3 : this.#source.w3;
    const total = UDP_BYTES + bytes;
    const result = out.begin(now, path, source, IpProtocol.udp, total, this.ttl, 0, false, false);
    if (result !== Send.ok) return result;
    writeUdp(out.arena.u8, out.at, this.localPort, this.#tx.port, total);
    this.#tx.bytes.peek(0, out.arena, out.at + UDP_BYTES, bytes);
    out.sumPayload(source, path, IpProtocol.udp, total, Udp.checksum);
    out.commit();
    return Send.ok;
  }

  /** Gives port and memory back. Queued datagrams are lost. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.rx.close();
    this.#tx.close();
    this.#layer.remove(this);
  }
}

const ANY = new IpAddress();

/** All UDP sockets of a stack. */
export class UdpLayer {
  readonly #parts: UdpParts;
  readonly #ports = new Map<number, UdpSocket[]>();

  constructor(parts: UdpParts) {
    this.#parts = parts;
  }

  /** @throws RangeError when the port is taken or memory is short. */
  open(options: UdpOptions): UdpSocket {
    const port = options.port || ephemeralPort(this.#parts.random, (p) => !this.#ports.has(p));
    const address = options.address === undefined ? undefined : ip(options.address);
    const others = this.#ports.get(port) ?? [];
    const clash = others.some((s) => (s.address === undefined ? address === undefined : address?.equals(s.address)));
    if (port === 0 || clash) throw new RangeError(`UDP port ${port} is in use`);
    const socket = new UdpSocket(this.#parts, this, port, options);
    this.#ports.set(port, [...others, socket]);
    return socket;
  }

  /** @internal */
  remove(socket: UdpSocket): void {
    const left = (this.#ports.get(socket.localPort) ?? []).filter((other) => other !== socket);
    if (left.length === 0) this.#ports.delete(socket.localPort);
    else this.#ports.set(socket.localPort, left);
  }

  /** The socket for a datagram to `address`: one bound to that very address wins; for a foreign one no other will do. */
  find(port: number, address: IpAddress, foreign = false): UdpSocket | undefined {
    const sockets = this.#ports.get(port);
    if (sockets === undefined) return undefined;
    let wild: UdpSocket | undefined;
    for (let i = 0; i < sockets.length; i++) {
      const socket = sockets[i]!;
      if (socket.address === undefined) wild = foreign ? undefined : socket;
      else if (socket.address.equals(address)) return socket;
    }
    return wild;
  }

  /** A socket takes datagrams for this port whoever they are addressed to. */
  takesAny(port: number): boolean {
    const sockets = this.#ports.get(port);
    return sockets?.some((socket) => socket.anyDestination) === true;
  }

  /** Delivers a packet; false when nobody listens on its port. */
  receive(packet: Packet): boolean {
    const { arena, at } = packet;
    const stats = this.#parts.stats;
    const length = checkUdp(arena.u8, at, packet.bytes);
    if (length === 0) {
      stats.malformed++;
      return true;
    }
    // A zero checksum means there is none (RFC 768).
    if (!packet.verified && get16(arena.u8, at + Udp.checksum) !== 0) {
      const pseudo = pseudoSum4(packet.source.w3, packet.destination.w3, IpProtocol.udp, length);
      if (finish(sum16(arena, at, length, pseudo)) !== 0) {
        stats.badChecksum++;
        return true;
      }
    }
    const socket = this.find(get16(arena.u8, at + Udp.destination), packet.destination, packet.foreign);
    if (socket === undefined) {
      stats.udpNoPort++;
      return false;
    }
    const port = get16(arena.u8, at + Udp.source);
    stats.udpIn++;
    const from = at + UDP_BYTES;
    if (!socket.rx.push(packet.source, port, packet.destination, arena, from, length - UDP_BYTES)) stats.udpOverflow++;
    socket.onEvent?.();
    return true;
  }

  /** An ICMP error about a datagram of ours. */
  report(report: ErrorReport): void {
    const socket = this.find(report.localPort, report.local);
    if (socket === undefined) {
      this.#parts.stats.icmpIgnored++;
      return;
    }
    if (report.kind === IpError.refused) socket.error = 'refused';
    else if (report.kind === IpError.unreachable) socket.error = 'unreachable';
    else return;
    socket.onEvent?.();
  }
}
