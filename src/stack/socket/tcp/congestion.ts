/** Congestion control and round-trip time: NewReno with SACK (RFC 5681, 6582, 6675, 6928, 6298). */
import type { Micros } from '../../../platform/clock.js';
import { currentMss } from './output.js';
import { lossEdge } from './scoreboard.js';
import type { TcpSocket } from './socket.js';
import { Recovery, seqDiff } from './types.js';

/** Ceiling of the congestion window: more than any ring holds. */
const MOST_CWND = 0x3fffffff;

/** The initial window of RFC 6928 §2. */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14600));
}

/** One measured round trip (RFC 6298 §2). */
export function sampleRtt(s: TcpSocket, rtt: Micros): void {
  if (s.srtt < 0) {
    s.srtt = rtt;
    s.rttvar = rtt / 2;
  } else {
    s.rttvar = (3 * s.rttvar + Math.abs(s.srtt - rtt)) / 4;
    s.srtt = (7 * s.srtt + rtt) / 8;
  }
  setRto(s);
}

/** The timeout that the measurements ask for, within the settings' bounds, and no back-off. */
export function setRto(s: TcpSocket): void {
  s.backoff = 0;
  if (s.srtt < 0) return;
  const wanted = Math.ceil(s.srtt + Math.max(4 * s.rttvar, 1000));
  s.rto = Math.min(Math.max(wanted, s.config.minRto), s.config.maxRto);
}

/** An acknowledgement moved `sndUna` forward by `acked`. Called after the move. */
export function onAcked(s: TcpSocket, acked: number): void {
  const mss = currentMss(s);
  s.dupAcks = 0;
  if (s.recovery === Recovery.fast) {
    if (seqDiff(s.sndUna, s.recover) >= 0) {
      // Full acknowledgement (RFC 6582 §3.2 step 3).
      const left = seqDiff(s.sndMax, s.sndUna);
      s.cwnd = s.sackOk ? s.ssthresh : Math.min(s.ssthresh, Math.max(left, mss) + mss);
      s.recovery = Recovery.none;
      s.sacked.clear();
      return;
    }
    if (seqDiff(s.highRxt, s.sndUna) < 0) s.highRxt = s.sndUna;
    if (!s.sackOk) {
      // Partial acknowledgement: the next hole is lost too; deflate by what was acknowledged.
      s.resendFirst = true;
      s.cwnd = Math.max(s.cwnd - acked + (acked >= mss ? mss : 0), mss);
    } else if (s.highRxt === s.sndUna) s.resendFirst = true;
    return;
  }
  if (s.recovery === Recovery.timeout && seqDiff(s.sndUna, s.recover) >= 0) s.recovery = Recovery.none;
  if (s.recovery === Recovery.none) s.recover = s.sndUna;
  if (!s.cwndLimited) return;
  if (s.cwnd < s.ssthresh) s.cwnd += acked;
  else {
    // A segment per window's worth of bytes (RFC 5681 §3.1, RFC 3465 §2.1).
    s.acked += acked;
    if (s.acked >= s.cwnd) {
      s.acked -= s.cwnd;
      s.cwnd += mss;
    }
  }
  if (s.cwnd > MOST_CWND) s.cwnd = MOST_CWND;
}

/** A duplicate acknowledgement (RFC 5681 §2), or one that only brought selective news. */
export function onDuplicate(s: TcpSocket): void {
  const mss = currentMss(s);
  s.layer.stats.tcpDuplicateAcks++;
  if (s.recovery === Recovery.fast) {
    // Each says that a segment left the network; with SACK the pipe says it better.
    if (!s.sackOk) s.cwnd = Math.min(s.cwnd + mss, MOST_CWND);
    s.layer.ready.add(s);
    return;
  }
  s.dupAcks++;
  const lost = s.sackOk && lossEdge(s, mss) > 0;
  // After a timeout, duplicates below `recover` are the timeout's own doing (RFC 6582 §3.2 step 2).
  const stale = s.recovery === Recovery.timeout || seqDiff(s.sndUna, s.recover) < 0;
  if ((s.dupAcks < 3 && !lost) || stale) {
    s.layer.ready.add(s);
    return;
  }
  enterRecovery(s, mss);
}

function enterRecovery(s: TcpSocket, mss: number): void {
  const flight = seqDiff(s.sndMax, s.sndUna);
  s.ssthresh = Math.max(flight >> 1, 2 * mss);
  s.cwnd = s.sackOk ? s.ssthresh : s.ssthresh + 3 * mss;
  s.recovery = Recovery.fast;
  s.recover = s.sndMax;
  s.highRxt = s.sndUna;
  s.sndNxt = s.sndMax;
  s.resendFirst = true;
  s.layer.stats.tcpFastRetransmits++;
  s.layer.ready.add(s);
}

/** The retransmission timer fired (RFC 6298 §5.4-5.6, RFC 5681 §3.1): everything outstanding is sent again. */
export function onTimeout(s: TcpSocket): void {
  const mss = currentMss(s);
  // Only the first timeout of a row halves: later ones see a flight that never arrived.
  if (s.recovery !== Recovery.timeout || s.backoff === 0) {
    s.ssthresh = Math.max(seqDiff(s.sndMax, s.sndUna) >> 1, 2 * mss);
  }
  s.cwnd = mss;
  s.recovery = Recovery.timeout;
  s.recover = s.sndMax;
  s.sndNxt = s.sndUna;
  s.dupAcks = 0;
  s.resendFirst = false;
  // RFC 2018 §8: the receiver may have dropped what it reported.
  s.sacked.clear();
  s.timedAt = -1;
  s.backoff++;
  s.rto = Math.min(s.rto * 2, s.config.maxRto);
  s.layer.stats.tcpTimeouts++;
}
