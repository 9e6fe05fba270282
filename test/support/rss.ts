/** Receive side scaling as Linux tells of it, and frames whose hash is known. */
import { packetFrame } from './matrix/frames.js';

/** A flow between two addresses, neither of them the guest's: nobody answers. */
export interface Flow {
  /** `other`: hashed by its addresses alone. */
  readonly protocol: 'tcp' | 'udp' | 'other';
  readonly ipv6?: boolean;
  /** The sender's. */
  readonly port: number;
}

const L3 = 14;
/** Where packets begin, their addresses and their ports. */
const V4 = { addresses: L3 + 12, bytes: 8, ports: L3 + 20 } as const;
const V6 = { addresses: L3 + 8, bytes: 32, ports: L3 + 40 } as const;
const PORTS = 4;

/** A frame of `flow`; its TCP or UDP checksum is not right. */
export function flowFrame(mac: Uint8Array, { protocol, ipv6 = false, port }: Flow): Buffer {
  const kind = protocol === 'other' ? 'udp' : protocol;
  const frame = packetFrame({ to: Buffer.from(mac), mark: port, protocol: kind, ipv6, payload: 40 });
  frame.writeUInt16BE(port, (ipv6 ? V6 : V4).ports);
  return frame;
}

/** Its hash with `key`, bit by bit (Microsoft, RSS hashing functions). */
export function hashOf(key: Uint8Array, flow: Flow): number {
  const frame = flowFrame(new Uint8Array(6), flow);
  const { addresses, bytes, ports } = flow.ipv6 ? V6 : V4;
  const parts = [frame.subarray(addresses, addresses + bytes)];
  if (flow.protocol !== 'other') parts.push(frame.subarray(ports, ports + PORTS));
  let window = [...key].reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  const top = BigInt(8 * key.length - 32);
  let hash = 0n;
  for (const byte of Buffer.concat(parts))
    for (let bit = 7; bit >= 0; bit--) {
      if (((byte >> bit) & 1) === 1) hash ^= window >> top;
      window = (window << 1n) & ((1n << BigInt(8 * key.length)) - 1n);
    }
  return Number(hash);
}

/** What `ethtool -x` says. */
export class RssSettings {
  readonly queues: number;
  /** Queue of each low part of the hash. */
  readonly table: readonly number[];
  readonly key: Uint8Array;

  private constructor(queues: number, table: readonly number[], key: Uint8Array) {
    this.queues = queues;
    this.table = table;
    this.key = key;
  }

  static parse(text: string): RssSettings {
    const queues = /with (\d+) RX ring/.exec(text)?.[1];
    const rows = [...text.matchAll(/^\s*\d+:((?:\s+\d+)+)\s*$/gm)];
    const key = /^\s*([0-9a-f]{2}(?::[0-9a-f]{2})+)\s*$/m.exec(text)?.[1];
    if (queues === undefined || key === undefined || rows.length === 0) throw new Error(`ethtool -x says ${text}`);
    const table = rows.flatMap((row) => row[1]!.trim().split(/\s+/).map(Number));
    return new RssSettings(Number(queues), table, Uint8Array.from(Buffer.from(key.replaceAll(':', ''), 'hex')));
  }
}
