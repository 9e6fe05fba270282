/** A TCP connection: what it knows (RFC 9293 §3.3.1) and what an application does with it. */
import { type Micros, NEVER } from '../../../platform/clock.js';
import { Path } from '../../iface/path.js';
import { ByteRing, ringCapacity } from '../../storage/byte-ring.js';
import { Ranges } from '../../storage/ranges.js';
import type { Timed } from '../../storage/timer-heap.js';
import type { Tuple } from '../../storage/tuple-table.js';
import { IpAddress } from '../../wire/address.js';
import type { Transmitter } from '../ready.js';
import type { TcpLayer } from './layer.js';
import type { TcpListener } from './listener.js';
import { transmit } from './output.js';
import {
  DEFAULT_MSS,
  INITIAL_RTO,
  Recovery,
  seqDiff,
  TCP_STATE_NAMES,
  type TcpConfig,
  type TcpEnd,
  TcpState,
} from './types.js';

/** Ranges kept out of order, received and acknowledged selectively. */
const RECEIVE_RANGES = 32;
const SACK_RANGES = 64;

/** One connection. Made by `Stack.connect` or taken from a listener. Fields marked internal belong to the stack. */
export class TcpSocket implements Transmitter, Timed, Tuple {
  inReadyList = false;
  nextReady: Transmitter | undefined;
  heapDeadline: Micros = NEVER;
  heapSlot = -1;
  /** @internal */
  readonly layer: TcpLayer;
  readonly config: TcpConfig;
  readonly local = new IpAddress();
  localPort = 0;
  readonly remote = new IpAddress();
  remotePort = 0;
  /** @internal */
  readonly path = new Path();
  /** @internal The listener that made it, until it is handed over. */
  listener: TcpListener | undefined;
  /** A value of {@link TcpState}. */
  state: number = TcpState.closed;
  /** Why it ended; undefined while it lives. */
  end: TcpEnd | undefined;
  /** An error the network reported that did not end the connection (RFC 5927 §6). */
  softError: 'unreachable' | 'refused' | undefined;
  /** Called when data, room, a new state or the end came. Must not poll the stack. */
  onEvent: (() => void) | undefined;
  nagle: boolean;

  // Sending. All sequence numbers are int32.
  iss = 0;
  sndUna = 0;
  sndNxt = 0;
  /** Highest sequence number sent so far; above `sndNxt` after a timeout. */
  sndMax = 0;
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /** Largest window the peer offered. */
  maxWindow = 0;
  sndScale = 0;
  peerMss = DEFAULT_MSS;
  readonly tx: ByteRing;
  /** Sequence number of the send ring's first byte. */
  txBase = 0;
  finQueued = false;
  resetPending = false;

  // Congestion (RFC 5681, 6582, 6675).
  cwnd = 0;
  ssthresh = 0x3fffffff;
  /** The congestion window, not the peer or a lack of data, held sending back. */
  cwndLimited = false;
  dupAcks = 0;
  /** Bytes acknowledged since the window last grew in congestion avoidance. */
  acked = 0;
  recovery: number = Recovery.none;
  recover = 0;
  sackOk = false;
  /** Selectively acknowledged, relative to `sndUna`. */
  readonly sacked = new Ranges(SACK_RANGES);
  highRxt = 0;
  /** Resend the first unacknowledged segment now. */
  resendFirst = false;

  // Round-trip time (RFC 6298).
  srtt: Micros = -1;
  rttvar: Micros = 0;
  rto: Micros = INITIAL_RTO;
  backoff = 0;
  timedSeq = 0;
  timedAt: Micros = -1;

  // Receiving.
  irs = 0;
  rcvNxt = 0;
  /** Right edge of the window last advertised. */
  rcvAdv = 0;
  rcvScale = 0;
  readonly rx: ByteRing;
  readonly rxCapacity: number;
  /** Received out of order, relative to `rcvNxt`. */
  readonly ooo = new Ranges(RECEIVE_RANGES);
  /** The peer's FIN came, possibly ahead of data; at this sequence number. */
  finSeen = false;
  finSeq = 0;
  /** The FIN was reached: no more data will come. */
  finished = false;

  // Timestamps (RFC 7323).
  tsOn = false;
  tsRecent = 0;
  tsRecentAt: Micros = 0;
  lastAckSent = 0;

  // Acknowledging and timers.
  ackNow = false;
  unacked = 0;
  ackAt: Micros = NEVER;
  rtxAt: Micros = NEVER;
  /** `rtxAt` is the persist timer of a closed window, not a retransmission. */
  persist = false;
  probeNow = false;
  keepAt: Micros = NEVER;
  keepProbes = 0;
  keepNow = false;
  waitAt: Micros = NEVER;
  /** Since when nothing was acknowledged though something is outstanding; -1 when nothing is. */
  stalledSince: Micros = -1;
  challengeAt: Micros = 0;
  challenges = 0;
  /** The application does not care any more. */
  orphan = false;
  /** On the layer's list of those waiting for a neighbour. */
  parked = false;

  /** Bytes received and delivered in order; bytes sent and acknowledged. */
  bytesIn = 0;
  bytesOut = 0;

  constructor(layer: TcpLayer, config: TcpConfig) {
    this.layer = layer;
    this.config = config;
    this.nagle = config.nagle;
    this.tx = new ByteRing(layer.arena);
    this.rx = new ByteRing(layer.arena);
    this.rxCapacity = ringCapacity(config.receiveBytes);
    // RFC 7323 §2.3: the smallest shift with which the whole ring can be told.
    for (this.rcvScale = 0; this.rxCapacity >> this.rcvScale > 65535 && this.rcvScale < 14; ) this.rcvScale++;
  }

  /** The state's name, e.g. `ESTABLISHED`. */
  get stateName(): string {
    return TCP_STATE_NAMES[this.state] ?? 'CLOSED';
  }

  /** The handshake is over and the connection has not ended. */
  get connected(): boolean {
    return this.state >= TcpState.established;
  }

  /** No more will happen: `end` says why. */
  get ended(): boolean {
    return this.end !== undefined;
  }

  /** More may be written (though perhaps not now). */
  get writable(): boolean {
    return !this.finQueued && this.state >= TcpState.synSent && this.state <= TcpState.closeWait && !this.ended;
  }

  /** Bytes that fit into the send ring now. */
  get room(): number {
    return this.writable ? this.tx.free : 0;
  }

  /** Bytes written and not acknowledged yet. */
  get unsent(): number {
    return this.tx.used;
  }

  /** Bytes that can be read now. */
  get readable(): number {
    return this.rx.used;
  }

  /** The peer will send nothing more and all it sent has been read; or the connection ended. */
  get atEnd(): boolean {
    return this.rx.used === 0 && (this.finished || this.ended);
  }

  /** Writes up to `bytes` bytes; returns how many fitted, 0 when none or when nothing may be written any more. */
  write(u8: Uint8Array, at = 0, bytes = u8.length - at): number {
    if (!this.writable) return 0;
    const count = this.tx.write(u8, at, bytes);
    if (count > 0) this.layer.ready.add(this);
    return count;
  }

  /** Arena offset where bytes can be written in place: {@link TcpSocket.roomRun} of them, then {@link TcpSocket.wrote}. */
  get roomAt(): number {
    return this.tx.at(this.tx.used);
  }

  /** Bytes that can be written in place without a seam. */
  get roomRun(): number {
    return this.room === 0 ? 0 : Math.min(this.tx.free, this.tx.run(this.tx.used));
  }

  /** Says that `bytes` bytes were written in place. */
  wrote(bytes: number): void {
    if (bytes <= 0 || bytes > this.roomRun) return;
    this.tx.used += bytes;
    this.layer.ready.add(this);
  }

  /** Reads up to `bytes` bytes into `u8`; returns how many. */
  read(u8: Uint8Array, at = 0, bytes = u8.length - at): number {
    const count = Math.min(bytes, this.rx.used);
    if (count > 0) {
      this.rx.read(0, u8, at, count);
      this.consume(count);
    }
    return count;
  }

  /** Arena offset of the first unread byte; {@link TcpSocket.readRun} bytes lie there without a seam. */
  get readAt(): number {
    return this.rx.at(0);
  }

  /** Unread bytes without a seam. */
  get readRun(): number {
    return this.rx.used === 0 ? 0 : Math.min(this.rx.used, this.rx.run(0));
  }

  /** Drops the first `bytes` unread bytes: they were looked at in place. */
  consume(bytes: number): void {
    const count = Math.min(bytes, this.rx.used);
    if (count <= 0) return;
    this.rx.drop(count);
    if (this.state === TcpState.closed || this.state === TcpState.timeWait || this.finished) {
      if (this.rx.used === 0) this.rx.close();
      return;
    }
    // RFC 9293 §3.8.6.2.2 (SWS): tell only of a window that grew by much.
    const edge = (this.rcvNxt + this.rx.free) | 0;
    const gain = seqDiff(edge, this.rcvAdv);
    const step = Math.max(2 * this.peerMss, this.rxCapacity >> 2);
    if (gain >= Math.min(this.rxCapacity >> 1, step) && gain > 0) {
      this.ackNow = true;
      this.layer.ready.add(this);
    }
  }

  /** Closes our direction when all that was written has been sent. Reading goes on. */
  close(): void {
    if (this.finQueued || this.ended) return;
    if (this.state === TcpState.synSent || this.state === TcpState.closed) {
      this.layer.finish(this, 'closed');
      return;
    }
    this.finQueued = true;
    if (this.state === TcpState.established) this.state = TcpState.finWait1;
    else if (this.state === TcpState.closeWait) this.state = TcpState.lastAck;
    this.layer.ready.add(this);
  }

  /** Ends the connection with a reset (RFC 9293 §3.10.5). Unsent and unread data are lost. */
  abort(): void {
    if (this.ended) return;
    if (this.state > TcpState.synSent && this.state !== TcpState.timeWait) {
      this.resetPending = true;
      this.layer.ready.add(this);
    }
    this.layer.finish(this, 'aborted');
    this.rx.close();
  }

  /**
   * Closes, and reads nothing more: what still comes is answered with a reset (RFC 1122 §4.2.2.13), and so is unread data
   * now. The object must not be used afterwards.
   */
  release(): void {
    this.onEvent = undefined;
    this.orphan = true;
    if (this.ended || this.state === TcpState.timeWait) {
      this.rx.close();
      return;
    }
    if (this.rx.used > 0) {
      this.abort();
      return;
    }
    this.close();
    if (this.state === TcpState.finWait2) this.layer.lingerOrphan(this);
  }

  /** @internal */
  transmit(now: Micros, budget: number): number {
    return transmit(this, now, budget);
  }

  /** @internal Puts the nearest deadline into the layer's heap. */
  arm(): void {
    let nearest = Math.min(this.rtxAt, this.ackAt);
    if (this.keepAt < nearest) nearest = this.keepAt;
    if (this.waitAt < nearest) nearest = this.waitAt;
    if (nearest < this.heapDeadline) this.layer.timers.armBy(this, nearest);
  }
}
