/** What is known of segments in flight from selective acknowledgements (RFC 6675 §3, §4). */
import type { TcpSocket } from './socket.js';
import { seqDiff } from './types.js';

/**
 * Everything below this offset from `sndUna` that was not acknowledged is lost: three ranges, or more than two segments'
 * bytes, arrived above it. 0 when nothing is known lost.
 */
export function lossEdge(s: TcpSocket, mss: number): number {
  const { start, end, count } = s.sacked;
  let bytes = 0;
  let ranges = 0;
  for (let i = count - 1; i >= 0; i--) {
    bytes += end[i]! - start[i]!;
    ranges++;
    if (ranges >= 3 || bytes > 2 * mss) return start[i]!;
  }
  return 0;
}

/** Bytes believed to be in the network: SetPipe of RFC 6675 §4. */
export function pipe(s: TcpSocket, edge: number): number {
  const { start, end, count } = s.sacked;
  const outstanding = seqDiff(s.sndMax, s.sndUna);
  const resent = seqDiff(s.highRxt, s.sndUna);
  let sum = 0;
  let from = 0;
  for (let i = 0; i <= count; i++) {
    const to = i < count ? start[i]! : outstanding;
    if (to > from) {
      const alive = Math.max(from, edge);
      if (to > alive) sum += to - alive;
      const again = Math.min(to, resent);
      if (again > from) sum += again - from;
    }
    if (i < count) from = end[i]!;
  }
  return sum;
}

/** Offset of the first byte to send again: not acknowledged, not sent again yet, below `edge` and below what arrived; or -1. */
export function nextHole(s: TcpSocket, edge: number): number {
  const { start, end, count } = s.sacked;
  if (count === 0) return -1;
  let from = Math.max(seqDiff(s.highRxt, s.sndUna), 0);
  for (let i = 0; i < count; i++) {
    if (from < start[i]!) return from < edge ? from : -1;
    if (from < end[i]!) from = end[i]!;
  }
  return -1;
}

/** Notes one SACK block; ignores those that name nothing in flight. True when it was news. */
export function noteSack(s: TcpSocket, left: number, right: number): boolean {
  const from = seqDiff(left, s.sndUna);
  const to = seqDiff(right, s.sndUna);
  // A block at or below the acknowledgement is a duplicate report (RFC 2883).
  if (from <= 0 || to <= from || seqDiff(right, s.sndMax) > 0) return false;
  const result = s.sacked.add(from, to);
  return result === 0 || result === 2;
}
