/** TCP header and options (RFC 9293 §3.1, §3.2; RFC 7323; RFC 2018). */
import { get16, get32, set16, set32 } from './bytes.js';

/** Header bytes without options. */
export const TCP_BYTES = 20;

/** Flag bits. */
export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

/** Field offsets. */
export const Tcp = {
  source: 0,
  destination: 2,
  sequence: 4,
  acknowledgment: 8,
  dataOffset: 12,
  flags: 13,
  window: 14,
  checksum: 16,
  urgent: 18,
} as const;

/** Option kinds. */
export const TcpOption = { end: 0, nop: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8 } as const;

/** Header length in bytes with options, or 0 when it does not fit into `bytes`. */
export function checkTcp(u8: Uint8Array, at: number, bytes: number): number {
  if (bytes < TCP_BYTES) return 0;
  const header = (u8[at + Tcp.dataOffset]! >> 4) * 4;
  return header >= TCP_BYTES && header <= bytes ? header : 0;
}

/** Options of one segment; the same object is filled again and again. */
export class TcpOptions {
  /** Maximum segment size, or 0 when absent. */
  mss = 0;
  /** Shift of 0 to 14 (larger values count as 14, RFC 7323 §2.3), or -1 when absent. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsValue = 0;
  tsEcho = 0;
  /** SACK blocks found: 0 to 4. */
  sackCount = 0;
  /** Left and right edges, in pairs. */
  readonly sackEdges = new Int32Array(8);

  /** Forgets what was parsed. */
  clear(): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackCount = 0;
  }

  /** Parses the options of a checked header. A malformed option ends parsing; what came before it counts. */
  parse(u8: Uint8Array, at: number, header: number): void {
    this.clear();
    const end = at + header;
    let p = at + TCP_BYTES;
    while (p < end) {
      const kind = u8[p]!;
      if (kind === TcpOption.end) return;
      if (kind === TcpOption.nop) {
        p++;
        continue;
      }
      if (p + 1 >= end) return;
      const length = u8[p + 1]!;
      if (length < 2 || p + length > end) return;
      if (kind === TcpOption.mss && length === 4) this.mss = get16(u8, p + 2);
      else if (kind === TcpOption.windowScale && length === 3) this.windowScale = Math.min(u8[p + 2]!, 14);
      else if (kind === TcpOption.sackPermitted && length === 2) this.sackPermitted = true;
      else if (kind === TcpOption.timestamps && length === 10) {
        this.hasTimestamps = true;
        this.tsValue = get32(u8, p + 2);
        this.tsEcho = get32(u8, p + 6);
      } else if (kind === TcpOption.sack && length >= 10 && (length - 2) % 8 === 0) {
        this.sackCount = Math.min((length - 2) / 8, 4);
        for (let i = 0; i < this.sackCount * 2; i++) this.sackEdges[i] = get32(u8, p + 2 + i * 4);
      }
      p += length;
    }
  }
}

/** Writes the 20 fixed bytes with a zero checksum. `header` is the length with options, `window` as it goes on the wire. */
export function writeTcp(
  u8: Uint8Array,
  at: number,
  source: number,
  destination: number,
  sequence: number,
  acknowledgment: number,
  header: number,
  flags: number,
  window: number,
): void {
  set16(u8, at, source);
  set16(u8, at + Tcp.destination, destination);
  set32(u8, at + Tcp.sequence, sequence);
  set32(u8, at + Tcp.acknowledgment, acknowledgment);
  u8[at + Tcp.dataOffset] = header << 2;
  u8[at + Tcp.flags] = flags;
  set16(u8, at + Tcp.window, window);
  set32(u8, at + Tcp.checksum, 0);
}
