/** Frames for injection, and what tests read out of frames. */
import type { Bench } from './bench.js';

/** IEEE 802 local experimental EtherType: no protocol of the guest takes it. */
export const EXPERIMENTAL = 0x88b5;
const SENDER = Buffer.from([0x52, 0x55, 0x0a, 0x09, 0x09, 0x02]);
const PAUSE_ADDRESS = Buffer.from([0x01, 0x80, 0xc2, 0x00, 0x00, 0x01]);
/** Of a frame without options and tags. */
const L3 = 14;

/** An address given as text. */
export function macOf(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

/** A frame of `bytes` bytes (without FCS) whose payload begins with `mark`. */
export function frameTo(to: Buffer, mark: number, bytes = 60, tag?: number): Buffer {
  const frame = Buffer.alloc(bytes);
  to.copy(frame, 0);
  SENDER.copy(frame, 6);
  const at = tag === undefined ? 12 : 16;
  if (tag !== undefined) {
    frame.writeUInt16BE(0x8100, 12);
    frame.writeUInt16BE(tag, 14);
  }
  frame.writeUInt16BE(EXPERIMENTAL, at);
  frame.writeUInt32BE(mark >>> 0, at + 2);
  return frame;
}

/** A PAUSE frame (802.3 Annex 31B); `quanta` of 512 bit times. */
export function pauseFrame(quanta: number): Buffer {
  const frame = Buffer.alloc(60);
  PAUSE_ADDRESS.copy(frame, 0);
  SENDER.copy(frame, 6);
  frame.writeUInt16BE(0x8808, 12);
  frame.writeUInt16BE(0x0001, 14);
  frame.writeUInt16BE(quanta, 16);
  return frame;
}

/** What {@link packetFrame} makes. */
export interface PacketWishes {
  readonly to: Buffer;
  /** Stands at the beginning of the payload. */
  readonly mark: number;
  readonly protocol: 'tcp' | 'udp';
  /** Default IPv4. */
  readonly ipv6?: boolean;
  /** Bytes of payload. */
  readonly payload: number;
  /** The TCP or UDP checksum is wrong. */
  readonly damage?: boolean;
  /** VLAN tag control information. */
  readonly tag?: number;
}

/** A TCP segment or a UDP datagram to port 9, with right checksums unless asked otherwise. */
export function packetFrame(wishes: PacketWishes): Buffer {
  const { to, mark, protocol, ipv6 = false, payload, damage = false, tag } = wishes;
  const l3 = tag === undefined ? L3 : L3 + 4;
  const l4 = l3 + (ipv6 ? 40 : 20);
  const header = protocol === 'tcp' ? 20 : 8;
  const length = header + payload;
  const frame = Buffer.alloc(l4 + length);
  frameTo(to, 0, frame.length, tag).copy(frame, 0, 0, l3 - 2);
  frame.writeUInt16BE(ipv6 ? 0x86dd : 0x0800, l3 - 2);
  const number = protocol === 'tcp' ? 6 : 17;
  if (ipv6) {
    frame[l3] = 0x60;
    frame.writeUInt16BE(length, l3 + 4);
    frame.set([number, 64], l3 + 6);
    frame.set([0xfd, 9, 3], l3 + 8);
    frame.set([0xfd, 9, 2], l3 + 24);
  } else {
    frame.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, number, 0, 0, 10, 9, 9, 3, 10, 9, 9, 2], l3);
    frame.writeUInt16BE(20 + length, l3 + 2);
    frame.writeUInt16BE(internetSum(frame.subarray(l3, l4)), l3 + 10);
  }
  frame.writeUInt16BE(9000, l4);
  frame.writeUInt16BE(9, l4 + 2);
  if (protocol === 'tcp') {
    frame.writeUInt32BE(1_000_000, l4 + 4);
    frame.set([0x50, 0x18, 0x20, 0], l4 + 12);
  } else frame.writeUInt16BE(length, l4 + 4);
  for (let i = 4; i < payload; i++) frame[l4 + header + i] = i * 7;
  frame.writeUInt32BE(mark >>> 0, l4 + header);
  const sum = transportSum(frame, l3, l4, l4 + length) || 0xffff;
  frame.writeUInt16BE(damage ? sum ^ 0x5555 : sum, l4 + (protocol === 'tcp' ? 16 : 6));
  return frame;
}

/** A UDP datagram over IPv4 to port 9, with right checksums unless `damage` says otherwise. */
export function udpFrame(to: Buffer, mark: number, damage = false): Buffer {
  return packetFrame({ to, mark, protocol: 'udp', payload: 40, damage });
}

/** Checksum over the transport header, its payload and the pseudo header (RFC 793 §3.1, RFC 8200 §8.1); 0 when one is in and right. */
function transportSum(frame: Buffer, l3: number, l4: number, end: number): number {
  const ipv6 = frame[l3]! >> 4 === 6;
  const pseudo = Buffer.alloc(4);
  pseudo[1] = frame[l3 + (ipv6 ? 6 : 9)]!;
  pseudo.writeUInt16BE(end - l4, 2);
  const addresses = ipv6 ? frame.subarray(l3 + 8, l3 + 40) : frame.subarray(l3 + 12, l3 + 20);
  return internetSum(Buffer.concat([addresses, pseudo, frame.subarray(l4, end)]));
}

/** RFC 1071. */
function internetSum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A TCP segment over IPv4 found in a frame that may be tagged, or undefined. */
export interface TcpFacts {
  readonly sequence: number;
  readonly payload: number;
  readonly checksum: number;
  readonly tagged: boolean;
}

/** Reads a frame. */
export function tcpFacts(frame: Buffer): TcpFacts | undefined {
  const tagged = frame.length > 18 && frame.readUInt16BE(12) === 0x8100;
  const l3 = tagged ? 18 : L3;
  if (frame.length < l3 + 40 || frame.readUInt16BE(l3 - 2) !== 0x0800 || frame[l3 + 9] !== 6) return undefined;
  const l4 = l3 + (frame[l3]! & 0xf) * 4;
  const total = frame.readUInt16BE(l3 + 2);
  return {
    sequence: frame.readUInt32BE(l4 + 4),
    payload: total - (l4 - l3) - (frame[l4 + 12]! >> 4) * 4,
    checksum: frame.readUInt16BE(l4 + 16),
    tagged,
  };
}

/** True when the checksums of a TCP or UDP packet without options of IPv6 are right: the header's, with IPv4, and the transport's. */
export function sumsRight(frame: Buffer): boolean {
  const l3 = frame.readUInt16BE(12) === 0x8100 ? 18 : L3;
  if (frame[l3]! >> 4 === 6) return transportSum(frame, l3, l3 + 40, l3 + 40 + frame.readUInt16BE(l3 + 4)) === 0;
  const l4 = l3 + (frame[l3]! & 0xf) * 4;
  return (
    internetSum(frame.subarray(l3, l4)) === 0 && transportSum(frame, l3, l4, l3 + frame.readUInt16BE(l3 + 2)) === 0
  );
}

/** A frame that the guest's kernel was handed, as `packets` printed it. */
export interface SeenFrame {
  readonly length: number;
  /** Tag control information, -1 without one. */
  readonly tag: number;
  /** The driver vouched for the checksum. */
  readonly valid: boolean;
  readonly bytes: Buffer;
}

/** Everything the interface hands up, until {@link Listener.stop}. */
export class Listener {
  static #number = 0;
  readonly #bench: Bench;
  readonly #file: string;

  private constructor(bench: Bench, file: string) {
    this.#bench = bench;
    this.#file = file;
  }

  /** @param words of `packets listen` */
  static async open(bench: Bench, words = ''): Promise<Listener> {
    const file = `/tmp/seen${Listener.#number++}`;
    await bench.sh(
      `packets listen $N ${words} > ${file} 2>&1 & L=$!; for i in $(seq 100); do grep -q . ${file} && break; usleep 20000; done; grep -q ready ${file}`,
    );
    return new Listener(bench, file);
  }

  /** Waits for a frame to the station that is sent now: what was sent before has then been seen or will not be. */
  async stop(): Promise<SeenFrame[]> {
    const mark = 0x7e000000 + Math.floor(Math.random() * 0xffff);
    const end = frameTo(Buffer.from(this.#bench.macBytes), mark);
    const text = end.subarray(12, 18).toString('hex');
    // The receiver may be restarting: sent until it is seen.
    let seen = '';
    for (let i = 0; i < 50 && !seen.includes(text); i++) {
      this.#bench.wire.inject(end);
      seen = (await this.#bench.guest.run(`usleep 20000; cat ${this.#file}`)).output;
    }
    await this.#bench.guest.run(`kill $L; wait $L 2>/dev/null; rm -f ${this.#file}`);
    if (!seen.includes(text)) throw new Error(`a frame to the station did not come through; seen: ${seen}`);
    return seen
      .split('\n')
      .map((line) => /^(\d+) (\S+) (\S+) ([0-9a-f]*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, length, tag, valid, bytes]) => ({
        length: Number(length),
        tag: tag === '-' ? -1 : Number(tag),
        valid: valid === 'valid',
        bytes: Buffer.from(bytes!, 'hex'),
      }));
  }
}

/** True when a frame with this mark of {@link frameTo} is among those seen. */
export function sawMark(seen: readonly SeenFrame[], mark: number): SeenFrame | undefined {
  const text = Buffer.alloc(4);
  text.writeUInt32BE(mark >>> 0, 0);
  return seen.find(
    (frame) => frame.bytes.readUInt16BE(12) === EXPERIMENTAL && frame.bytes.subarray(14, 18).equals(text),
  );
}
