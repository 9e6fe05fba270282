/** Segment arrives: RFC 9293 §3.10.7.3 and §3.10.7.4, with RFC 5961 and RFC 7323's PAWS. */

import type { Arena } from '../../../platform/arena.js';
import { type Micros, NEVER } from '../../../platform/clock.js';
import { RangeResult } from '../../storage/ranges.js';
import { TcpFlag, type TcpOptions } from '../../wire/tcp.js';
import { initialWindow, onAcked, onDuplicate, sampleRtt, setRto } from './congestion.js';
import { currentMss } from './output.js';
import { noteSack } from './scoreboard.js';
import type { TcpSocket } from './socket.js';
import { DEFAULT_MSS, LEAST_MSS, type Segment, seqDiff, TcpState } from './types.js';

const { fin: FIN, syn: SYN, rst: RST, ack: ACK } = TcpFlag;
/** 24 days: older timestamps are not compared (RFC 7323 §5.5). */
const PAWS_IDLE: Micros = 24 * 86_400_000_000;

/** A segment for a connection that exists. `options` are parsed. */
export function segmentArrives(s: TcpSocket, seg: Segment, options: TcpOptions, arena: Arena, now: Micros): void {
  s.keepProbes = 0;
  if (s.config.keepAliveIdle > 0 && s.state >= TcpState.established) s.keepAt = now + s.config.keepAliveIdle;
  if (s.state === TcpState.synSent) synSent(s, seg, options, arena, now);
  else synchronized(s, seg, options, arena, now);
  s.arm();
}

/** Takes over what a SYN offers. */
export function takeSynOptions(s: TcpSocket, seg: Segment, options: TcpOptions, now: Micros): void {
  s.irs = seg.seq;
  s.rcvNxt = (seg.seq + 1) | 0;
  s.rcvAdv = (s.rcvNxt + Math.min(s.rxCapacity, 65535)) | 0;
  s.peerMss = options.mss === 0 ? DEFAULT_MSS : Math.max(options.mss, LEAST_MSS);
  s.sackOk = s.config.sack && options.sackPermitted;
  if (options.windowScale < 0) {
    // Neither side scales (RFC 7323 §2.2); -1 remembers that our SYN-ACK must not offer it.
    s.sndScale = -1;
    s.rcvScale = 0;
  } else s.sndScale = options.windowScale;
  s.tsOn = s.config.timestamps && options.hasTimestamps;
  if (s.tsOn) {
    s.tsRecent = options.tsValue;
    s.tsRecentAt = now;
  }
  // The window of a SYN is never scaled.
  s.sndWnd = s.maxWindow = seg.window;
  s.sndWl1 = seg.seq;
  s.sndWl2 = seg.ack;
  s.lastAckSent = s.rcvNxt;
}

function synSent(s: TcpSocket, seg: Segment, options: TcpOptions, arena: Arena, now: Micros): void {
  const acked = (seg.flags & ACK) !== 0;
  if (acked && (seqDiff(seg.ack, s.iss) <= 0 || seqDiff(seg.ack, s.sndMax) > 0)) {
    s.layer.stats.tcpUnacceptable++;
    if (!(seg.flags & RST)) s.layer.resetFor(s, seg, now);
    return;
  }
  if (seg.flags & RST) {
    // Without an acceptable ACK anybody could have sent it.
    if (acked) {
      s.layer.stats.tcpResetsIn++;
      s.layer.finish(s, 'refused');
    }
    return;
  }
  if (!(seg.flags & SYN)) return;
  takeSynOptions(s, seg, options, now);
  if (acked) {
    s.sndUna = seg.ack;
    if (s.timedAt >= 0) sampleRtt(s, now - s.timedAt);
    s.timedAt = -1;
    if (!establish(s, now)) return;
    s.ackNow = true;
    s.layer.ready.add(s);
    // Data on the SYN-ACK is taken at once.
    seg.seq = (seg.seq + 1) | 0;
    seg.flags &= ~SYN;
    if (seg.bytes > 0 || seg.flags & FIN) text(s, seg, arena, now);
    return;
  }
  // Simultaneous open (RFC 9293 §3.5, figure 7): answer with a SYN-ACK.
  s.state = TcpState.synReceived;
  s.sndNxt = s.iss;
  s.layer.ready.add(s);
}

/** The handshake is complete. False when there was no memory for the rings. */
function establish(s: TcpSocket, now: Micros): boolean {
  if (!s.tx.open(s.config.sendBytes) || !s.rx.open(s.config.receiveBytes)) {
    s.resetPending = true;
    s.layer.ready.add(s);
    s.layer.finish(s, 'no-memory');
    return false;
  }
  s.txBase = (s.iss + 1) | 0;
  s.state = s.finQueued ? TcpState.finWait1 : TcpState.established;
  const mss = currentMss(s);
  // RFC 5681 §3.1: after a lost SYN the initial window is one segment.
  s.cwnd = s.backoff > 0 ? mss : initialWindow(mss);
  s.recover = s.sndUna;
  s.rtxAt = NEVER;
  s.stalledSince = -1;
  s.backoff = 0;
  // RFC 6298 §5.7.
  if (s.srtt < 0) s.rto = 3_000_000;
  if (s.config.keepAliveIdle > 0) s.keepAt = now + s.config.keepAliveIdle;
  s.listener?.established(s);
  s.onEvent?.();
  s.layer.ready.add(s);
  return true;
}

function synchronized(s: TcpSocket, seg: Segment, options: TcpOptions, arena: Arena, now: Micros): void {
  const stats = s.layer.stats;
  // The SYN-ACK that answers a simultaneous open, or its repetition: its SYN is known already.
  if (s.state === TcpState.synReceived && seg.flags & SYN && seg.seq === s.irs) {
    if (!(seg.flags & ACK)) {
      s.sndNxt = s.iss;
      s.layer.ready.add(s);
      return;
    }
    seg.flags &= ~SYN;
    seg.seq = (seg.seq + 1) | 0;
  }
  if (!acceptable(s, seg)) {
    stats.tcpUnacceptable++;
    if (seg.flags & RST) return;
    // TIME-WAIT starts anew with a repeated FIN (RFC 9293 §3.10.7.4).
    if (s.state === TcpState.timeWait && seg.flags & FIN) s.waitAt = now + s.config.timeWait;
    if (seg.bytes > 0 || seg.flags & FIN) {
      s.ackNow = true;
      s.layer.ready.add(s);
    } else challenge(s, now);
    return;
  }
  if (s.tsOn && options.hasTimestamps && !(seg.flags & RST)) {
    const age = now - s.tsRecentAt;
    if (seqDiff(options.tsValue, s.tsRecent) < 0 && age < PAWS_IDLE) {
      stats.tcpPaws++;
      s.ackNow = true;
      s.layer.ready.add(s);
      return;
    }
    if (seqDiff(seg.seq, s.lastAckSent) <= 0) {
      s.tsRecent = options.tsValue;
      s.tsRecentAt = now;
    }
  }
  if (seg.flags & RST) {
    reset(s, seg, now);
    return;
  }
  if (seg.flags & SYN) {
    // RFC 5961 §4: whatever its sequence number, a SYN is answered with a challenge.
    challenge(s, now);
    return;
  }
  if (!(seg.flags & ACK)) return;
  if (!acknowledgement(s, seg, options, now)) return;
  if (seg.bytes > 0 || seg.flags & FIN) text(s, seg, arena, now);
}

// RFC 9293 §3.4: some part of the segment lies in the window. A closed window takes only what carries nothing.
function acceptable(s: TcpSocket, seg: Segment): boolean {
  const length = seg.bytes + (seg.flags & FIN ? 1 : 0) + (seg.flags & SYN ? 1 : 0);
  const window = Math.max(seqDiff(s.rcvAdv, s.rcvNxt), 0);
  const start = seqDiff(seg.seq, s.rcvNxt);
  if (length === 0) return window === 0 ? start === 0 : start >= 0 && start < window;
  // With a closed window, acknowledgements on a probe still count (MUST-66): its data is trimmed away.
  if (window === 0) return start === 0;
  return start < window && start + length > 0;
}

function reset(s: TcpSocket, seg: Segment, now: Micros): void {
  s.layer.stats.tcpResetsIn++;
  // RFC 1337: a reset does not end TIME-WAIT.
  if (s.state === TcpState.timeWait) return;
  if (seg.seq !== s.rcvNxt) {
    // RFC 5961 §3: only the exact next sequence number resets.
    challenge(s, now);
    return;
  }
  s.layer.finish(s, s.state === TcpState.synReceived && s.listener === undefined ? 'refused' : 'reset');
}

/** RFC 5961 §7: an acknowledgement that lets an honest peer correct itself, not more than ten a second. */
function challenge(s: TcpSocket, now: Micros): void {
  if (now - s.challengeAt >= 1_000_000) {
    s.challengeAt = now;
    s.challenges = 0;
  }
  if (s.challenges >= 10) {
    s.layer.stats.tcpChallengeLimited++;
    return;
  }
  s.challenges++;
  s.layer.stats.tcpChallengeAcks++;
  s.ackNow = true;
  s.layer.ready.add(s);
}

// RFC 9293 §3.10.7.4, fifth. False when the segment is to be dropped.
function acknowledgement(s: TcpSocket, seg: Segment, options: TcpOptions, now: Micros): boolean {
  if (s.state === TcpState.synReceived) {
    if (seqDiff(seg.ack, s.sndUna) <= 0 || seqDiff(seg.ack, s.sndMax) > 0) {
      s.layer.resetFor(s, seg, now);
      return false;
    }
    s.sndUna = seg.ack;
    if (s.timedAt >= 0) sampleRtt(s, now - s.timedAt);
    s.timedAt = -1;
    s.sndWnd = scaled(s, seg.window);
    s.maxWindow = s.sndWnd;
    s.sndWl1 = seg.seq;
    s.sndWl2 = seg.ack;
    return establish(s, now);
  }
  const ahead = seqDiff(seg.ack, s.sndUna);
  // RFC 5961 §5: what acknowledges the future or the far past is not from our peer.
  if (seqDiff(seg.ack, s.sndMax) > 0 || ahead < -Math.max(s.maxWindow, 65535)) {
    s.layer.stats.tcpUnacceptable++;
    challenge(s, now);
    return false;
  }
  let news = false;
  if (s.sackOk && options.sackCount > 0) {
    for (let i = 0; i < options.sackCount; i++) {
      if (noteSack(s, options.sackEdges[i * 2]!, options.sackEdges[i * 2 + 1]!)) news = true;
    }
  }
  const window = scaled(s, seg.window);
  const sameWindow = window === s.sndWnd;
  const before = s.sndWnd;
  if (ahead >= 0) updateWindow(s, seg, window, now);
  if (ahead > 0) advance(s, seg, options, ahead, now);
  else if (ahead === 0 && s.sndMax !== s.sndUna && !s.persist) {
    const duplicate = seg.bytes === 0 && !(seg.flags & FIN) && sameWindow && before > 0;
    if (s.sackOk ? news : duplicate) onDuplicate(s);
  }
  return afterAck(s, now);
}

function scaled(s: TcpSocket, window: number): number {
  return s.sndScale > 0 ? window << s.sndScale : window;
}

function updateWindow(s: TcpSocket, seg: Segment, window: number, now: Micros): void {
  const newer = seqDiff(seg.seq, s.sndWl1);
  if (newer < 0 || (newer === 0 && seqDiff(seg.ack, s.sndWl2) < 0)) return;
  const grew = window > s.sndWnd;
  s.sndWnd = window;
  s.sndWl1 = seg.seq;
  s.sndWl2 = seg.ack;
  if (window > s.maxWindow) s.maxWindow = window;
  if (s.persist) {
    // Whoever answers probes is alive, however long its window stays closed (RFC 9293 §3.8.6.1).
    s.stalledSince = -1;
    if (window > 0) {
      s.persist = false;
      s.backoff = 0;
      s.probeNow = false;
      s.sndNxt = s.sndUna;
      s.rtxAt = s.sndMax === s.sndUna ? NEVER : now + s.rto;
      if (s.sndMax !== s.sndUna) s.stalledSince = now;
    }
  }
  if (grew) s.layer.ready.add(s);
}

function advance(s: TcpSocket, seg: Segment, options: TcpOptions, ahead: number, now: Micros): void {
  s.sndUna = seg.ack;
  if (seqDiff(s.sndNxt, s.sndUna) < 0) s.sndNxt = s.sndUna;
  const data = Math.min(seqDiff(s.sndUna, s.txBase), s.tx.used);
  if (data > 0) {
    s.tx.drop(data);
    s.txBase = (s.txBase + data) | 0;
    s.bytesOut += data;
  }
  s.sacked.shift(ahead);
  if (s.tsOn && options.hasTimestamps && options.tsEcho !== 0) {
    const rtt = (Math.floor(now / 1000) - options.tsEcho) | 0;
    if (rtt >= 0 && rtt < 0x7fffffff / 1000) sampleRtt(s, rtt * 1000);
    s.timedAt = -1;
  } else if (s.timedAt >= 0 && seqDiff(seg.ack, s.timedSeq) > 0) {
    sampleRtt(s, now - s.timedAt);
    s.timedAt = -1;
  } else if (s.backoff > 0) setRto(s);
  onAcked(s, ahead);
  if (s.sndUna === s.sndMax) {
    s.rtxAt = NEVER;
    s.stalledSince = -1;
    s.sacked.clear();
  } else {
    s.rtxAt = now + s.rto;
    s.stalledSince = now;
  }
  s.persist = false;
  s.softError = undefined;
  s.layer.ready.add(s);
  if (data > 0) s.onEvent?.();
}

/** Our FIN has been sent and acknowledged. */
function finAcked(s: TcpSocket): boolean {
  return s.finQueued && s.tx.used === 0 && seqDiff(s.sndUna, s.txBase) === 1;
}

// What the acknowledgement means to the closing states.
function afterAck(s: TcpSocket, now: Micros): boolean {
  if (s.state < TcpState.finWait1 || s.state === TcpState.closeWait) return true;
  if (s.state === TcpState.timeWait || !finAcked(s)) return true;
  if (s.state === TcpState.finWait1) {
    s.state = TcpState.finWait2;
    s.tx.close();
    if (s.orphan) s.layer.lingerOrphan(s);
  } else if (s.state === TcpState.closing) s.layer.timeWait(s, now);
  else if (s.state === TcpState.lastAck) {
    s.layer.finish(s, 'closed');
    return false;
  }
  return true;
}

// RFC 9293 §3.10.7.4, seventh and eighth: data and FIN, in order or not.
function text(s: TcpSocket, seg: Segment, arena: Arena, now: Micros): void {
  let start = seqDiff(seg.seq, s.rcvNxt);
  let at = seg.at;
  let bytes = seg.bytes;
  let fin = (seg.flags & FIN) !== 0;
  if (s.state === TcpState.timeWait) {
    s.waitAt = now + s.config.timeWait;
    s.ackNow = true;
    s.layer.ready.add(s);
    return;
  }
  const receiving = s.state <= TcpState.finWait2;
  if (!receiving || s.finished) {
    s.ackNow = true;
    s.layer.ready.add(s);
    return;
  }
  if (s.orphan && bytes > 0) {
    s.abort();
    return;
  }
  if (start < 0) {
    // The front is known already.
    const known = Math.min(-start, bytes);
    at += known;
    bytes -= known;
    start += known;
    s.ackNow = true;
    if (start < 0) return void s.layer.ready.add(s);
  }
  const window = Math.min(Math.max(seqDiff(s.rcvAdv, s.rcvNxt), 0), s.rx.free);
  if (start + bytes > window) {
    // The end does not fit, and so neither does a FIN.
    bytes = Math.max(window - start, 0);
    fin = false;
    s.ackNow = true;
  }
  if (fin && !s.finSeen) {
    s.finSeen = true;
    s.finSeq = (s.rcvNxt + start + bytes) | 0;
  }
  if (bytes > 0) {
    if (start === 0 && s.ooo.count === 0) {
      s.rx.put(s.rx.used, arena, at, bytes);
      accept(s, bytes);
    } else outOfOrder(s, start, arena, at, bytes);
    s.unacked += bytes;
    const full = Math.min(currentMss(s), s.layer.receiveMss(s));
    if (s.unacked >= 2 * full || s.config.delayedAck === 0) s.ackNow = true;
    else if (s.ackAt === NEVER) s.ackAt = now + s.config.delayedAck;
  }
  if (s.finSeen && s.finSeq === s.rcvNxt) finReached(s, now);
  if (s.ackNow) s.layer.ready.add(s);
  s.onEvent?.();
}

function accept(s: TcpSocket, bytes: number): void {
  s.rx.used += bytes;
  s.rcvNxt = (s.rcvNxt + bytes) | 0;
  s.bytesIn += bytes;
}

function outOfOrder(s: TcpSocket, start: number, arena: Arena, at: number, bytes: number): void {
  // RFC 5681 §4.2: a gap, and its filling, are acknowledged at once.
  s.ackNow = true;
  if (start > 0) s.layer.stats.tcpOutOfOrder++;
  const result = s.ooo.add(start, start + bytes);
  if (result === RangeResult.full && start > 0) return;
  s.rx.put(s.rx.used + start, arena, at, bytes);
  if (result === RangeResult.full) {
    // In order, but there is no range left to note it in: taken directly.
    accept(s, bytes);
    s.ooo.shift(bytes);
  }
  const front = s.ooo.takeFront();
  if (front > 0) accept(s, front);
}

function finReached(s: TcpSocket, now: Micros): void {
  s.finished = true;
  s.rcvNxt = (s.rcvNxt + 1) | 0;
  s.ackNow = true;
  s.ooo.clear();
  s.layer.ready.add(s);
  if (s.state === TcpState.established) s.state = TcpState.closeWait;
  else if (s.state === TcpState.finWait1) {
    if (finAcked(s)) s.layer.timeWait(s, now);
    else s.state = TcpState.closing;
  } else if (s.state === TcpState.finWait2) s.layer.timeWait(s, now);
  if (s.rx.used === 0) s.rx.close();
  if (s.orphan && s.state === TcpState.closeWait) s.close();
}
