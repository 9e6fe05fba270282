/** All TCP of one stack: finding the socket, passive opens, timers, resets, ICMP errors. */
import type { OwnedArena } from '../../../platform/arena.js';
import { type Micros, NEVER } from '../../../platform/clock.js';
import { finish, sum16 } from '../../../platform/kernels.js';
import type { Random } from '../../../platform/random.js';
import type { AddressTable } from '../../iface/addresses.js';
import { type ErrorReport, IpError } from '../../iface/icmp.js';
import { type IpOutput, Send } from '../../iface/ip-output.js';
import type { Link } from '../../iface/link.js';
import type { Neighbour } from '../../iface/neighbours.js';
import type { Packet } from '../../iface/packet.js';
import { Path } from '../../iface/path.js';
import type { PathMtuCache } from '../../iface/path-mtu.js';
import type { StackStatistics } from '../../iface/statistics.js';
import { TimerHeap } from '../../storage/timer-heap.js';
import { TupleTable } from '../../storage/tuple-table.js';
import { type AddressLike, type IpAddress, ip } from '../../wire/address.js';
import { get16, get32, set16 } from '../../wire/bytes.js';
import { IPV4_BYTES, IpProtocol, pseudoSum4 } from '../../wire/ipv4.js';
import { checkTcp, TCP_BYTES, Tcp, TcpFlag, TcpOptions, writeTcp } from '../../wire/tcp.js';
import { ephemeralPort } from '../ports.js';
import type { ReadyList } from '../ready.js';
import { onTimeout } from './congestion.js';
import { segmentArrives, takeSynOptions } from './input.js';
import { IsnGenerator } from './isn.js';
import { TcpListener } from './listener.js';
import { TcpSocket } from './socket.js';
import { Segment, seqDiff, type TcpEnd, type TcpSettings, TcpState, tcpConfig } from './types.js';

/** What TCP needs of the stack. */
export interface TcpParts {
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly out: IpOutput;
  readonly link: Link;
  readonly addresses: AddressTable;
  readonly pathMtu: PathMtuCache;
  readonly stats: StackStatistics;
  readonly ready: ReadyList;
  /** Asks a neighbour again whether it is there. */
  readonly suspect: (neighbour: Neighbour, now: Micros) => void;
}

/** MTU plateaus of RFC 1191 §7 for routers that do not tell theirs. */
const PLATEAUS = [8166, 4352, 2002, 1492, 1006, 576];
/** How long a released connection waits for the peer's FIN. */
const ORPHAN_WAIT: Micros = 60_000_000;

/** TCP. */
export class TcpLayer {
  readonly arena: OwnedArena;
  readonly out: IpOutput;
  readonly link: Link;
  readonly stats: StackStatistics;
  readonly ready: ReadyList;
  readonly timers = new TimerHeap<TcpSocket>();
  readonly #parts: TcpParts;
  readonly #table: TupleTable<TcpSocket>;
  readonly #listeners = new Map<number, TcpListener[]>();
  readonly #isn: IsnGenerator;
  readonly #segment = new Segment();
  readonly #options = new TcpOptions();
  readonly #path = new Path();
  #parked: TcpSocket[] = [];
  /** The time of the call being served. */
  now: Micros = 0;

  constructor(parts: TcpParts) {
    this.#parts = parts;
    this.arena = parts.arena;
    this.out = parts.out;
    this.link = parts.link;
    this.stats = parts.stats;
    this.ready = parts.ready;
    this.#table = new TupleTable(parts.random.fork('tuples'));
    this.#isn = new IsnGenerator(parts.random.fork('isn'));
  }

  /** Connections in any state but CLOSED. */
  get size(): number {
    return this.#table.size;
  }

  /** Connections, for tools. */
  each(visit: (socket: TcpSocket) => void): void {
    this.#table.each(visit);
  }

  /** @throws RangeError when the port is taken. */
  listen(port: number, settings: TcpSettings & { backlog?: number; address?: AddressLike } = {}): TcpListener {
    const address = settings.address === undefined ? undefined : ip(settings.address).clone();
    const others = this.#listeners.get(port) ?? [];
    const clash = others.some((l) => (l.address === undefined ? address === undefined : address?.equals(l.address)));
    if (clash || port < 1 || port > 65535) throw new RangeError(`TCP port ${port} cannot be listened on`);
    const listener = new TcpListener(this, port, address, settings.backlog ?? 128, tcpConfig(settings));
    this.#listeners.set(port, [...others, listener]);
    return listener;
  }

  /** @internal */
  unlisten(listener: TcpListener): void {
    const left = (this.#listeners.get(listener.localPort) ?? []).filter((other) => other !== listener);
    if (left.length === 0) this.#listeners.delete(listener.localPort);
    else this.#listeners.set(listener.localPort, left);
  }

  /**
   * Starts to connect; the SYN leaves at the next egress. Without a route the socket comes back ended (`unreachable`).
   * @throws RangeError when the four values are in use or no ephemeral port is left.
   */
  connect(remote: AddressLike, port: number, now: Micros, settings: TcpSettings, localPort = 0): TcpSocket {
    const socket = new TcpSocket(this, tcpConfig(settings));
    socket.remote.copy(ip(remote));
    socket.remotePort = port;
    socket.path.destination.copy(socket.remote);
    if (this.out.resolve(socket.path, now) !== Send.ok || socket.remote.multicast || socket.remote.limitedBroadcast) {
      socket.end = 'unreachable';
      return socket;
    }
    socket.local.copy(socket.path.source);
    const free = (p: number) =>
      this.#table.find(socket.local, p, socket.remote, port) === undefined && !this.#listeners.has(p);
    socket.localPort = localPort || ephemeralPort(this.#parts.random, free);
    if (socket.localPort === 0 || (localPort !== 0 && !free(localPort))) {
      throw new RangeError(`TCP port ${localPort} is in use towards ${socket.remote}:${port}`);
    }
    this.#open(socket, TcpState.synSent, now);
    this.ready.add(socket);
    return socket;
  }

  #open(socket: TcpSocket, state: number, now: Micros): void {
    socket.state = state;
    socket.iss = this.#isn.next(socket, now);
    socket.sndUna = socket.sndNxt = socket.sndMax = socket.recover = socket.iss;
    socket.txBase = (socket.iss + 1) | 0;
    this.#table.add(socket);
  }

  /** Segment size that we ask a peer for (RFC 6691): options are not counted. */
  receiveMss(socket: TcpSocket): number {
    return Math.min(this.#interfaceMtu(socket) - IPV4_BYTES - TCP_BYTES, socket.config.mss);
  }

  #interfaceMtu(socket: TcpSocket): number {
    // Of the interface, not of the path: the ways there and back may differ.
    return socket.path.kind === 1 ? this.out.loopback.mtu : this.link.mtu;
  }

  /** A TCP packet arrived. */
  receive(packet: Packet, now: Micros): void {
    this.now = now;
    const { arena, at, bytes } = packet;
    const u8 = arena.u8;
    this.stats.tcpIn++;
    const header = checkTcp(u8, at, bytes);
    if (header === 0) {
      this.stats.malformed++;
      return;
    }
    if (!packet.verified) {
      const pseudo = pseudoSum4(packet.source.w3, packet.destination.w3, IpProtocol.tcp, bytes);
      if (finish(sum16(arena, at, bytes, pseudo)) !== 0) {
        this.stats.badChecksum++;
        return;
      }
    }
    // RFC 9293 MUST-57: nothing is accepted from or for a group.
    if (packet.group || packet.source.multicast) return;
    const seg = this.#segment;
    seg.sourcePort = get16(u8, at);
    seg.destinationPort = get16(u8, at + Tcp.destination);
    seg.seq = get32(u8, at + Tcp.sequence);
    seg.ack = get32(u8, at + Tcp.acknowledgment);
    seg.flags = u8[at + Tcp.flags]!;
    seg.window = get16(u8, at + Tcp.window);
    seg.at = at + header;
    seg.bytes = bytes - header;
    if (header > TCP_BYTES) this.#options.parse(u8, at, header);
    else this.#options.clear();
    let socket = this.#table.find(packet.destination, seg.destinationPort, packet.source, seg.sourcePort);
    if (socket !== undefined && socket.state === TcpState.timeWait && this.#reopens(socket, seg, packet)) {
      this.#remove(socket);
      socket = undefined;
    }
    if (socket !== undefined) segmentArrives(socket, seg, this.#options, arena, now);
    else this.#unknown(seg, packet, now);
  }

  // RFC 9293 §3.6.1: a SYN beyond what TIME-WAIT remembers may begin a new connection.
  #reopens(socket: TcpSocket, seg: Segment, packet: Packet): boolean {
    const plain = (seg.flags & (TcpFlag.syn | TcpFlag.ack | TcpFlag.rst)) === TcpFlag.syn;
    if (!plain || seqDiff(seg.seq, socket.rcvNxt) <= 0) return false;
    return this.#listener(seg.destinationPort, packet) !== undefined;
  }

  #listener(port: number, packet: Packet): TcpListener | undefined {
    const listeners = this.#listeners.get(port);
    if (listeners === undefined) return undefined;
    let wild: TcpListener | undefined;
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i]!;
      if (listener.address === undefined) wild = packet.foreign ? undefined : listener;
      else if (listener.address.equals(packet.destination)) return listener;
    }
    return wild;
  }

  // LISTEN and CLOSED (RFC 9293 §3.10.7.1, §3.10.7.2).
  #unknown(seg: Segment, packet: Packet, now: Micros): void {
    if (seg.flags & TcpFlag.rst) return;
    const listener = this.#listener(seg.destinationPort, packet);
    const syn = (seg.flags & (TcpFlag.syn | TcpFlag.ack)) === TcpFlag.syn;
    if (listener === undefined || !syn || seg.flags & TcpFlag.fin) {
      if (listener === undefined || seg.flags & TcpFlag.ack) {
        this.#reset(packet.destination, packet.source, seg, now);
      }
      return;
    }
    if (listener.queue.length >= listener.backlog) {
      this.stats.tcpBacklogDrops++;
      return;
    }
    if (listener.halfOpen.length >= Math.max(listener.backlog, 16)) {
      // A flood: the oldest half-open attempt makes room (RFC 4987 §3.4).
      this.stats.tcpBacklogDrops++;
      this.#remove(listener.halfOpen[0]!);
    }
    const socket = new TcpSocket(this, listener.config);
    socket.listener = listener;
    socket.local.copy(packet.destination);
    socket.localPort = seg.destinationPort;
    socket.remote.copy(packet.source);
    socket.remotePort = seg.sourcePort;
    socket.path.destination.copy(packet.source);
    takeSynOptions(socket, seg, this.#options, now);
    this.#open(socket, TcpState.synReceived, now);
    listener.halfOpen.push(socket);
    this.ready.add(socket);
  }

  /** @internal Answers a segment that a connection does not accept with a reset. */
  resetFor(socket: TcpSocket, seg: Segment, now: Micros): void {
    this.#reset(socket.local, socket.remote, seg, now);
  }

  #reset(local: IpAddress, remote: IpAddress, seg: Segment, now: Micros): void {
    const path = this.#path;
    path.destination.copy(remote);
    path.generation = 0;
    if (this.out.resolve(path, now) !== Send.ok) return;
    const out = this.out;
    if (out.begin(now, path, local.w3, IpProtocol.tcp, TCP_BYTES, 64, 0, true, false) !== Send.ok) return;
    const acked = (seg.flags & TcpFlag.ack) !== 0;
    const length = seg.bytes + (seg.flags & TcpFlag.syn ? 1 : 0) + (seg.flags & TcpFlag.fin ? 1 : 0);
    const seq = acked ? seg.ack : 0;
    const ack = acked ? 0 : (seg.seq + length) | 0;
    const flags = acked ? TcpFlag.rst : TcpFlag.rst | TcpFlag.ack;
    writeTcp(out.arena.u8, out.at, seg.destinationPort, seg.sourcePort, seq, ack, TCP_BYTES, flags, 0);
    const pseudo = pseudoSum4(local.w3, remote.w3, IpProtocol.tcp, TCP_BYTES);
    set16(out.arena.u8, out.at + Tcp.checksum, finish(sum16(out.arena, out.at, TCP_BYTES, pseudo)));
    out.commit();
    this.stats.tcpOut++;
    this.stats.tcpResetsOut++;
  }

  /** Ends a connection for a reason. */
  finish(socket: TcpSocket, end: TcpEnd): void {
    if (socket.end !== undefined) return;
    socket.end = end;
    this.#remove(socket);
    socket.tx.close();
    if (socket.rx.used === 0) socket.rx.close();
    socket.onEvent?.();
  }

  #remove(socket: TcpSocket): void {
    this.#table.remove(socket);
    this.timers.cancel(socket);
    socket.rtxAt = socket.ackAt = socket.keepAt = socket.waitAt = NEVER;
    if (socket.state === TcpState.synReceived) socket.listener?.forget(socket);
    socket.state = TcpState.closed;
  }

  /** Both FINs are through: the connection only waits for stragglers. */
  timeWait(socket: TcpSocket, now: Micros): void {
    socket.state = TcpState.timeWait;
    socket.end = 'closed';
    socket.rtxAt = socket.keepAt = NEVER;
    socket.waitAt = now + socket.config.timeWait;
    socket.tx.close();
    if (socket.rx.used === 0 || socket.orphan) socket.rx.close();
    socket.onEvent?.();
  }

  /** A released connection in FIN-WAIT-2 does not wait for ever. */
  lingerOrphan(socket: TcpSocket): void {
    socket.waitAt = this.now + ORPHAN_WAIT;
    socket.arm();
  }

  /** A socket's data waits for its neighbour's answer. */
  park(socket: TcpSocket): void {
    if (socket.parked) return;
    socket.parked = true;
    this.#parked.push(socket);
  }

  /** A neighbour answered or was given up. */
  unpark(): void {
    if (this.#parked.length === 0) return;
    const waiting = this.#parked;
    this.#parked = [];
    for (const socket of waiting) {
      socket.parked = false;
      this.ready.add(socket);
    }
  }

  /** Fires up to `budget` timers that are due; returns how many sockets were looked at. */
  maintain(now: Micros, budget: number): number {
    this.now = now;
    let count = 0;
    while (count < budget) {
      const socket = this.timers.due(now);
      if (socket === undefined) break;
      count++;
      this.#fire(socket, now);
    }
    return count;
  }

  #fire(s: TcpSocket, now: Micros): void {
    if (s.waitAt <= now) {
      // TIME-WAIT is over, or an orphan waited long enough.
      s.end ??= 'closed';
      this.#remove(s);
      return;
    }
    if (s.ackAt <= now) {
      s.ackAt = NEVER;
      s.ackNow = true;
      this.ready.add(s);
    }
    if (s.rtxAt <= now) this.#retransmit(s, now);
    if (s.keepAt <= now && s.end === undefined) this.#keepAlive(s, now);
    if (s.state !== TcpState.closed) s.arm();
  }

  #retransmit(s: TcpSocket, now: Micros): void {
    s.rtxAt = NEVER;
    const opening = s.state <= TcpState.synReceived;
    const limit = opening ? s.config.connectTimeout : s.config.userTimeout;
    if (s.stalledSince >= 0 && now - s.stalledSince >= limit) {
      if (!opening) s.resetPending = true;
      this.finish(s, s.softError === 'unreachable' && opening ? 'unreachable' : 'timeout');
      if (!opening) this.ready.add(s);
      return;
    }
    if (s.persist) {
      s.backoff++;
      s.sndNxt = s.sndUna;
      s.probeNow = true;
      s.rtxAt = now + Math.min(s.rto * 2 ** Math.min(s.backoff, 16), s.config.maxRto);
    } else if (opening) {
      s.backoff++;
      s.rto = Math.min(s.rto * 2, s.config.maxRto);
      s.sndNxt = s.iss;
      this.stats.tcpRetransmits++;
    } else {
      onTimeout(s);
      s.rtxAt = now + s.rto;
    }
    // Silence may mean that the neighbour's address is not what we think (RFC 1122 §2.3.2.1, RFC 4861 §7.3.1).
    if (s.backoff >= 2 && s.path.neighbour !== undefined) this.#parts.suspect(s.path.neighbour, now);
    this.ready.add(s);
  }

  #keepAlive(s: TcpSocket, now: Micros): void {
    if (s.sndUna !== s.sndMax) {
      // Data in flight proves more than a probe would.
      s.keepAt = now + s.config.keepAliveIdle;
      return;
    }
    if (s.keepProbes >= s.config.keepAliveCount) {
      s.resetPending = true;
      this.finish(s, 'timeout');
      this.ready.add(s);
      return;
    }
    s.keepProbes++;
    s.keepNow = true;
    s.keepAt = now + s.config.keepAliveInterval;
    this.ready.add(s);
  }

  /** An ICMP error about a segment of ours (RFC 5927: it must name one in flight). */
  report(report: ErrorReport, now: Micros): void {
    const s = this.#table.find(report.local, report.localPort, report.remote, report.remotePort);
    const offset = s === undefined ? -1 : seqDiff(report.word, s.sndUna);
    if (s === undefined || offset < 0 || (seqDiff(report.word, s.sndMax) >= 0 && !report.own)) {
      this.stats.icmpIgnored++;
      return;
    }
    if (report.kind === IpError.tooBig) {
      const mtu = report.mtu > 0 ? report.mtu : (PLATEAUS.find((p) => p < s.path.mtu) ?? 576);
      if (!this.#parts.pathMtu.lower(s.remote, mtu, now)) return;
      this.#parts.addresses.generation++;
      if (s.state >= TcpState.established) s.sndNxt = s.sndUna;
      this.ready.add(s);
      return;
    }
    if (report.kind === IpError.other) return;
    s.softError = report.kind === IpError.refused ? 'refused' : 'unreachable';
    // RFC 5927 §5.2, RFC 9293 §3.9.2.2: hard errors end an attempt, never an established connection.
    if (s.state === TcpState.synSent) this.finish(s, s.softError);
  }
}
