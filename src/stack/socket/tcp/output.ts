/** What a connection sends, and when (RFC 9293 §3.8, RFC 5681, RFC 6675 §4). */

import { type Micros, NEVER } from '../../../platform/clock.js';
import { finish, sum16 } from '../../../platform/kernels.js';
import { Send } from '../../iface/ip-output.js';
import { PathKind } from '../../iface/path.js';
import { set16, set32 } from '../../wire/bytes.js';
import { IPV4_BYTES, IpProtocol, pseudoSum4 } from '../../wire/ipv4.js';
import { TCP_BYTES, Tcp, TcpFlag, TcpOption, writeTcp } from '../../wire/tcp.js';
import { lossEdge, nextHole, pipe } from './scoreboard.js';
import type { TcpSocket } from './socket.js';
import { LEAST_MSS, Recovery, seqDiff, TcpState } from './types.js';

const { fin: FIN, syn: SYN, rst: RST, psh: PSH, ack: ACK } = TcpFlag;

/** Sends at most `budget` segments and returns how many; puts the socket on the ready list again when it has more. */
export function transmit(s: TcpSocket, now: Micros, budget: number): number {
  let sent = 0;
  while (sent < budget) {
    const result = sendOne(s, now);
    if (result === Send.ok) {
      sent++;
      continue;
    }
    if (result === Send.waiting) s.layer.park(s);
    else if (result === Send.busy || result === Send.tooBig) s.layer.ready.add(s);
    s.arm();
    return sent;
  }
  s.layer.ready.add(s);
  s.arm();
  return sent;
}

/** Nothing to send. Not one of {@link Send}'s values. */
const NOTHING = -1;

function sendOne(s: TcpSocket, now: Micros): number {
  if (s.resetPending) return sendReset(s, now);
  if (s.state === TcpState.closed) return NOTHING;
  if (s.layer.out.resolve(s.path, now) !== Send.ok) {
    // No way at all (address or route gone): while connecting that is the end; later a timer decides.
    if (s.state <= TcpState.synReceived) s.layer.finish(s, 'unreachable');
    return NOTHING;
  }
  if (s.state <= TcpState.synReceived && s.sndNxt === s.iss) return sendSyn(s, now);
  if (s.state >= TcpState.established && s.state !== TcpState.timeWait) {
    const result = sendData(s, now);
    if (result !== NOTHING) return result;
    armSending(s, now);
  }
  if (s.keepNow) {
    s.keepNow = false;
    return emit(s, now, (s.sndUna - 1) | 0, 0, ACK, 0);
  }
  if (s.ackNow && s.state >= TcpState.synReceived) return emit(s, now, quietSeq(s), 0, ACK, 0);
  return NOTHING;
}

function sendSyn(s: TcpSocket, now: Micros): number {
  const flags = s.state === TcpState.synSent ? SYN : SYN | ACK;
  const result = emit(s, now, s.iss, 0, flags, 0);
  if (result !== Send.ok) return result;
  s.sndNxt = (s.iss + 1) | 0;
  if (s.backoff === 0) {
    s.timedAt = now;
    s.timedSeq = s.iss;
  } else s.timedAt = -1;
  s.sndMax = s.sndNxt;
  s.rtxAt = now + s.rto;
  if (s.stalledSince < 0) s.stalledSince = now;
  return Send.ok;
}

function sendReset(s: TcpSocket, now: Micros): number {
  s.resetPending = false;
  s.layer.stats.tcpResetsOut++;
  s.layer.out.resolve(s.path, now);
  return emit(s, now, quietSeq(s), 0, s.state === TcpState.synSent ? RST : RST | ACK, 0) === Send.busy
    ? Send.busy
    : NOTHING;
}

// The sequence number of a segment without data. `sndNxt` is behind what the peer has after a timeout: such segments would
// not be acceptable to it, and two sides in that state would never hear each other's acknowledgements.
function quietSeq(s: TcpSocket): number {
  const edge = (s.sndUna + s.sndWnd) | 0;
  return seqDiff(s.sndMax, edge) <= 0 || s.state <= TcpState.synReceived ? s.sndMax : edge;
}

/** Payload bytes per segment now: the peer's wish, the path's limit, the options' cost. */
export function currentMss(s: TcpSocket): number {
  const room = s.path.mtu === 0 ? s.peerMss : Math.min(s.peerMss, s.path.mtu - IPV4_BYTES - TCP_BYTES);
  return Math.max(room - (s.tsOn ? 12 : 0), LEAST_MSS);
}

/** Sequence number after all data and the FIN. */
function sendEnd(s: TcpSocket): number {
  return (s.txBase + s.tx.used + (s.finQueued ? 1 : 0)) | 0;
}

function sendData(s: TcpSocket, now: Micros): number {
  const mss = currentMss(s);
  if (s.resendFirst) {
    const result = resend(s, now, 0, mss);
    // Also when all of it was acknowledged meanwhile: there is nothing left to send again.
    if (result === Send.ok || result === NOTHING) s.resendFirst = false;
    if (result !== NOTHING) return result;
  }
  if (s.recovery === Recovery.fast && s.sackOk) return sendInSackRecovery(s, now, mss);
  // RFC 3042: each of the first two duplicate ACKs lets one new segment out.
  const extra = s.recovery === Recovery.none && s.dupAcks < 3 ? s.dupAcks * mss : 0;
  const inFlight = seqDiff(s.sndNxt, s.sndUna);
  const allowed = s.cwnd + extra - inFlight;
  const result = sendNew(s, now, mss, Math.min(allowed, s.sndWnd - inFlight));
  // Only a congestion window that held something back may grow (RFC 7661).
  if (result === NOTHING) s.cwndLimited = allowed < mss && seqDiff(sendEnd(s), s.sndNxt) > 0;
  return result;
}

function sendInSackRecovery(s: TcpSocket, now: Micros, mss: number): number {
  const edge = lossEdge(s, mss);
  const room = s.cwnd - pipe(s, edge);
  if (room < mss) return NOTHING;
  const lost = nextHole(s, edge);
  if (lost >= 0) return resend(s, now, lost, mss);
  const flight = seqDiff(s.sndNxt, s.sndUna);
  const fresh = sendNew(s, now, mss, Math.min(mss, s.sndWnd - flight));
  if (fresh !== NOTHING) return fresh;
  // RFC 6675 §4 NextSeg rule 3: what is not known lost but lies below something that arrived.
  const hole = nextHole(s, 0x7fffffff);
  return hole >= 0 ? resend(s, now, hole, mss) : NOTHING;
}

// Sends again what begins `offset` after the first unacknowledged byte, up to the next piece that arrived.
function resend(s: TcpSocket, now: Micros, offset: number, mss: number): number {
  const seq = (s.sndUna + offset) | 0;
  let bytes = Math.min(mss, seqDiff((s.txBase + s.tx.used) | 0, seq), seqDiff(s.sndMax, seq));
  for (let i = 0; i < s.sacked.count; i++) {
    if (s.sacked.start[i]! > offset) {
      bytes = Math.min(bytes, s.sacked.start[i]! - offset);
      break;
    }
  }
  bytes = Math.max(bytes, 0);
  const fin = s.finQueued && ((seq + bytes + 1) | 0) === sendEnd(s) && seqDiff(s.sndMax, (seq + bytes) | 0) > 0;
  if (bytes === 0 && !fin) {
    // Nothing of this is left to resend.
    s.highRxt = s.sndMax;
    return NOTHING;
  }
  const result = emit(s, now, seq, bytes, ACK | (fin ? FIN : 0), mss);
  if (result !== Send.ok) return result;
  s.layer.stats.tcpRetransmits++;
  s.timedAt = -1;
  const end = (seq + bytes + (fin ? 1 : 0)) | 0;
  if (seqDiff(end, s.highRxt) > 0) s.highRxt = end;
  s.rtxAt = now + s.rto;
  return Send.ok;
}

function sendNew(s: TcpSocket, now: Micros, mss: number, usable: number): number {
  const seq = s.sndNxt;
  const available = seqDiff((s.txBase + s.tx.used) | 0, seq);
  const probing = s.probeNow;
  if (available < 0 || (available === 0 && !(s.finQueued && seqDiff(sendEnd(s), seq) === 1))) {
    s.probeNow = false;
    return NOTHING;
  }
  let bytes = Math.max(Math.min(available, usable, segmentLimit(s, mss, now)), 0);
  if (probing && bytes === 0 && available > 0) bytes = 1;
  if (bytes > mss && bytes < available) bytes -= bytes % mss;
  const fin = s.finQueued && bytes === available && (usable > bytes || probing || s.sndWnd > 0);
  if (bytes === 0 && !fin) return NOTHING;
  if (!probing && bytes < mss && !mayBeShort(s, bytes, bytes === available, fin)) return NOTHING;
  if (bytes > 0 && !s.layer.out.ready(s.path, now)) return Send.waiting;
  const push = bytes === available;
  const result = emit(s, now, seq, bytes, ACK | (fin ? FIN : 0) | (push && bytes > 0 ? PSH : 0), mss);
  if (result !== Send.ok) return result;
  s.probeNow = false;
  s.sndNxt = (seq + bytes + (fin ? 1 : 0)) | 0;
  if (seqDiff(s.sndNxt, s.sndMax) > 0) {
    s.sndMax = s.sndNxt;
    if (s.timedAt < 0 && s.recovery === Recovery.none) {
      s.timedAt = now;
      s.timedSeq = seq;
    }
  } else {
    s.layer.stats.tcpRetransmits++;
    s.timedAt = -1;
  }
  if (s.rtxAt === NEVER || s.persist) {
    if (!(probing && s.persist)) {
      s.rtxAt = now + s.rto;
      s.persist = false;
    }
  }
  if (s.stalledSince < 0) s.stalledSince = now;
  return Send.ok;
}

// RFC 9293 §3.8.6.2.1 (sender's SWS avoidance) and §3.7.4 (Nagle).
function mayBeShort(s: TcpSocket, bytes: number, last: boolean, fin: boolean): boolean {
  if (seqDiff(s.sndNxt, s.sndMax) < 0) return true;
  if (last && (fin || !s.nagle || s.sndNxt === s.sndUna)) return true;
  return bytes > 0 && bytes >= s.maxWindow >> 1;
}

// One MSS, or as much as the device segments for us in one go.
function segmentLimit(s: TcpSocket, mss: number, now: Micros): number {
  const path = s.path;
  const { link } = s.layer;
  const most = link.device === undefined ? 0 : link.device.capabilities.maxSegmentBytes;
  if (most === 0 || path.kind !== PathKind.neighbour || !link.device!.capabilities.txChecksum) return mss;
  if (!s.layer.out.ready(path, now)) return mss;
  const room = Math.min(most - link.headerBytes, 65535) - IPV4_BYTES - TCP_BYTES - (s.tsOn ? 12 : 0);
  return Math.max(room - (room % mss), mss);
}

// Something is left to send but nothing in flight will tell us when: the persist timer asks (RFC 9293 §3.8.6.1).
function armSending(s: TcpSocket, now: Micros): void {
  if (s.sndMax !== s.sndUna) {
    if (s.rtxAt === NEVER) s.rtxAt = now + s.rto;
    return;
  }
  if (seqDiff(sendEnd(s), s.sndNxt) > 0) {
    if (s.rtxAt === NEVER || !s.persist) {
      s.persist = true;
      s.rtxAt = now + Math.min(s.rto * 2 ** Math.min(s.backoff, 16), s.config.maxRto);
    }
  } else if (s.persist) {
    s.persist = false;
    s.rtxAt = NEVER;
  }
}

/** The window to advertise, scaled as it goes on the wire; moves the right edge. RFC 9293 §3.8.6.2.2. */
function advertise(s: TcpSocket, syn: boolean): number {
  const free = s.rx.capacity === 0 ? (s.finished ? 0 : s.rxCapacity) : s.rx.free;
  let window = free;
  const old = seqDiff(s.rcvAdv, s.rcvNxt);
  // Never shrink; grow only by much.
  if (window - old < Math.min(s.rxCapacity >> 1, s.peerMss)) window = Math.max(old, 0);
  if (syn) {
    window = Math.min(window, 65535);
    s.rcvAdv = (s.rcvNxt + window) | 0;
    return window;
  }
  const field = Math.min(window >>> s.rcvScale, 65535);
  const edge = (s.rcvNxt + (field << s.rcvScale)) | 0;
  if (seqDiff(edge, s.rcvAdv) > 0) s.rcvAdv = edge;
  return field;
}

/** Bytes of options on a segment of these flags. */
function optionBytes(s: TcpSocket, flags: number, bytes: number): number {
  if (flags & SYN) {
    const answered = (flags & ACK) !== 0;
    let size = 4;
    if (!answered || s.sndScale >= 0) size += 4;
    const sack = answered ? s.sackOk : s.config.sack;
    const stamps = answered ? s.tsOn : s.config.timestamps;
    if (stamps) size += 12;
    else if (sack) size += 4;
    return size;
  }
  let size = s.tsOn && !(flags & RST) ? 12 : 0;
  if (s.sackOk && s.ooo.count > 0 && bytes === 0) {
    size += 4 + 8 * Math.min(s.ooo.count, s.tsOn ? 3 : 4);
  }
  return size;
}

function writeOptions(s: TcpSocket, now: Micros, u8: Uint8Array, at: number, flags: number, bytes: number): void {
  let p = at;
  if (flags & SYN) {
    const answered = (flags & ACK) !== 0;
    u8[p] = TcpOption.mss;
    u8[p + 1] = 4;
    set16(u8, p + 2, s.layer.receiveMss(s));
    p += 4;
    if (!answered || s.sndScale >= 0) {
      set32(u8, p, (TcpOption.nop << 24) | (TcpOption.windowScale << 16) | (3 << 8) | s.rcvScale);
      p += 4;
    }
    const sack = answered ? s.sackOk : s.config.sack;
    if (answered ? s.tsOn : s.config.timestamps) {
      const lead = sack ? (TcpOption.sackPermitted << 24) | (2 << 16) : (TcpOption.nop << 24) | (TcpOption.nop << 16);
      writeStamp(s, now, u8, p, lead);
    } else if (sack) {
      set32(u8, p, (TcpOption.nop << 24) | (TcpOption.nop << 16) | (TcpOption.sackPermitted << 8) | 2);
    }
    return;
  }
  if (s.tsOn && !(flags & RST)) {
    writeStamp(s, now, u8, p, (TcpOption.nop << 24) | (TcpOption.nop << 16));
    p += 12;
  }
  if (s.sackOk && s.ooo.count > 0 && bytes === 0) {
    const blocks = Math.min(s.ooo.count, s.tsOn ? 3 : 4);
    set32(u8, p, (TcpOption.nop << 24) | (TcpOption.nop << 16) | (TcpOption.sack << 8) | (2 + 8 * blocks));
    p += 4;
    // RFC 2018 §4: the block with the newest segment first.
    for (let i = 0; i < blocks; i++) {
      const index = i === 0 ? s.ooo.last : i <= s.ooo.last ? i - 1 : i;
      set32(u8, p, s.rcvNxt + s.ooo.start[index]!);
      set32(u8, p + 4, s.rcvNxt + s.ooo.end[index]!);
      p += 8;
    }
  }
}

function writeStamp(s: TcpSocket, now: Micros, u8: Uint8Array, at: number, lead: number): void {
  set32(u8, at, lead | (TcpOption.timestamps << 8) | 10);
  set32(u8, at + 4, Math.floor(now / 1000));
  set32(u8, at + 8, s.tsRecent);
}

// Builds one segment and hands it to IP. `mss` is for segmentation; 0 when there is no data.
function emit(s: TcpSocket, now: Micros, seq: number, bytes: number, flags: number, mss: number): number {
  const out = s.layer.out;
  const header = TCP_BYTES + optionBytes(s, flags, bytes);
  const source = s.local.w3;
  const segment = bytes > mss && mss > 0;
  const total = header + bytes;
  const result = out.begin(now, s.path, source, IpProtocol.tcp, total, s.config.ttl, 0, true, segment);
  if (result !== Send.ok) return result;
  const { arena, at } = out;
  const window = flags & RST ? 0 : advertise(s, (flags & SYN) !== 0);
  const ack = flags & ACK ? s.rcvNxt : 0;
  writeTcp(arena.u8, at, s.localPort, s.remotePort, seq, ack, header, flags, window);
  if (header > TCP_BYTES) writeOptions(s, now, arena.u8, at + TCP_BYTES, flags, bytes);
  const position = seqDiff(seq, s.txBase);
  if (out.trusted) {
    if (bytes > 0) s.tx.peek(position, arena, at + header, bytes);
  } else {
    const pseudo = pseudoSum4(source, s.remote.w3, IpProtocol.tcp, total);
    if (out.canOffload) {
      if (bytes > 0) s.tx.peek(position, arena, at + header, bytes);
      out.offload(pseudo, Tcp.checksum, segment ? mss : 0);
    } else {
      let sum = sum16(arena, at, header, pseudo);
      if (bytes > 0) sum = s.tx.peekSum(position, arena, at + header, bytes, sum);
      set16(arena.u8, at + Tcp.checksum, finish(sum));
    }
  }
  out.commit();
  s.layer.stats.tcpOut++;
  if (flags & ACK) {
    s.ackNow = false;
    s.ackAt = NEVER;
    s.unacked = 0;
    s.lastAckSent = ack;
  }
  return Send.ok;
}
