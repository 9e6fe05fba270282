/** Words that all parts of TCP share: states, sequence arithmetic, settings, reasons. RFC 9293. */
import type { Micros } from '../../../platform/clock.js';

/** Connection states (RFC 9293 §3.3.2). */
export const TcpState = {
  closed: 0,
  synSent: 1,
  synReceived: 2,
  established: 3,
  finWait1: 4,
  finWait2: 5,
  closeWait: 6,
  closing: 7,
  lastAck: 8,
  timeWait: 9,
} as const;

/** State names, by number. */
export const TCP_STATE_NAMES = [
  'CLOSED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

/**
 * Why a connection ended. `closed`: both sides closed in order. `refused`: reset while connecting. `reset`: reset by the
 * peer. `timeout`: it stopped answering. `unreachable`: the network said so while connecting. `aborted`: by us.
 * `no-memory`: the arena had no room for its rings.
 */
export type TcpEnd = 'closed' | 'refused' | 'reset' | 'timeout' | 'unreachable' | 'aborted' | 'no-memory';

/** Settings of a connection, or of those a listener makes. All times in microseconds. */
export interface TcpSettings {
  /** Send and receive rings in bytes, rounded up to powers of two. Default 256 KiB each. */
  readonly sendBytes?: number;
  readonly receiveBytes?: number;
  /** Nagle's algorithm (RFC 9293 §3.7.4). Default on. */
  readonly nagle?: boolean;
  /** Longest wait of an acknowledgement; 0 acknowledges at once. Default 40 ms, at most 500 ms (RFC 9293 MUST-59). */
  readonly delayedAck?: Micros;
  /** Idle time before the first keep-alive probe; 0 or absent: none. */
  readonly keepAliveIdle?: Micros;
  /** Time between probes, default 75 s, and how many may go unanswered, default 9. */
  readonly keepAliveInterval?: Micros;
  readonly keepAliveCount?: number;
  /** How long data may stay unacknowledged (RFC 5482). Default 100 s (RFC 1122's R2). */
  readonly userTimeout?: Micros;
  /** How long to try to connect. Default 75 s. */
  readonly connectTimeout?: Micros;
  /** Time to live, default 64. */
  readonly ttl?: number;
  /** Offer selective acknowledgement (RFC 2018). Default on. */
  readonly sack?: boolean;
  /** Offer timestamps (RFC 7323), with PAWS. Default off. */
  readonly timestamps?: boolean;
  /** Bounds of the retransmission timeout. Defaults 200 ms (as Linux; RFC 6298 says 1 s) and 60 s. */
  readonly minRto?: Micros;
  readonly maxRto?: Micros;
  /** Twice the maximum segment lifetime. Default 60 s. */
  readonly timeWait?: Micros;
  /** Largest segment to ask for; default what the MTU allows. */
  readonly mss?: number;
}

/** Settings with nothing left open. */
export type TcpConfig = { readonly [K in keyof TcpSettings]-?: NonNullable<TcpSettings[K]> };

/** Fills in the defaults. */
export function tcpConfig(settings: TcpSettings = {}): TcpConfig {
  return {
    sendBytes: settings.sendBytes ?? 262144,
    receiveBytes: settings.receiveBytes ?? 262144,
    nagle: settings.nagle ?? true,
    delayedAck: Math.min(settings.delayedAck ?? 40_000, 500_000),
    keepAliveIdle: settings.keepAliveIdle ?? 0,
    keepAliveInterval: settings.keepAliveInterval ?? 75_000_000,
    keepAliveCount: settings.keepAliveCount ?? 9,
    userTimeout: settings.userTimeout ?? 100_000_000,
    connectTimeout: settings.connectTimeout ?? 75_000_000,
    ttl: settings.ttl ?? 64,
    sack: settings.sack ?? true,
    timestamps: settings.timestamps ?? false,
    minRto: settings.minRto ?? 200_000,
    maxRto: settings.maxRto ?? 60_000_000,
    timeWait: settings.timeWait ?? 60_000_000,
    mss: settings.mss ?? 65495,
  };
}

/** Distance from `b` to `a` in sequence space: positive when `a` is later. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** A received segment, parsed. One object per stack. */
export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  /** As on the wire, not scaled. */
  window = 0;
  /** Arena offset and length of the data. */
  at = 0;
  bytes = 0;
}

/** First retransmission timeout (RFC 6298 §2.1). */
export const INITIAL_RTO: Micros = 1_000_000;
/** MSS when the peer does not say (RFC 9293 MUST-15, IPv4), and the least believed. */
export const DEFAULT_MSS = 536;
export const LEAST_MSS = 48;

/** What the loss recovery is doing. */
export const Recovery = { none: 0, fast: 1, timeout: 2 } as const;
