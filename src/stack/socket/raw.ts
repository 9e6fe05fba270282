/** Raw IPv4 sockets by protocol number, and ping over the one for ICMP. */
import type { Micros } from '../../platform/clock.js';
import { finish } from '../../platform/kernels.js';
import { Send } from '../iface/ip-output.js';
import type { Packet } from '../iface/packet.js';
import { Path } from '../iface/path.js';
import { PacketRing } from '../storage/packet-ring.js';
import { IpAddress } from '../wire/address.js';
import { set16 } from '../wire/bytes.js';
import { ICMP_BYTES, Icmp, IcmpType, icmpIdent, icmpSequence } from '../wire/icmpv4.js';
import { IpProtocol } from '../wire/ipv4.js';
import type { Transmitter } from './ready.js';
import type { UdpParts } from './udp.js';

/** Sends and receives IP payloads of one protocol. The stack writes the IP header; receivers get it in front. */
export class RawSocket implements Transmitter {
  inReadyList = false;
  nextReady: Transmitter | undefined;
  readonly protocol: number;
  ttl = 64;
  closed = false;
  onEvent: (() => void) | undefined;
  readonly from = new IpAddress();
  readonly to = new IpAddress();
  readonly #rx: PacketRing;
  readonly #tx: PacketRing;
  readonly #parts: UdpParts;
  readonly #path = new Path();
  readonly #target = new IpAddress();
  readonly #source = new IpAddress();

  /** @throws RangeError when the arena has no room. */
  constructor(parts: UdpParts, protocol: number, bytes = 65536, packets = 32) {
    this.#parts = parts;
    this.protocol = protocol;
    this.#rx = new PacketRing(parts.arena, packets, bytes);
    this.#tx = new PacketRing(parts.arena, packets, bytes);
  }

  get readable(): boolean {
    return this.#rx.count > 0;
  }

  /** Queues an IP payload; false when there is no room. */
  send(to: IpAddress, u8: Uint8Array, at = 0, bytes = u8.length - at): boolean {
    if (this.closed || bytes > 65515 || !this.#tx.write(to, 0, ANY, u8, at, bytes)) return false;
    this.#parts.ready.add(this);
    return true;
  }

  /** Reads the next packet, IP header first; its length, or -1 when there is none. */
  receive(u8: Uint8Array, at = 0): number {
    const bytes = this.#rx.first(this.from, this.to);
    if (bytes < 0) return -1;
    const count = Math.min(bytes, u8.length - at);
    if (count > 0) this.#rx.bytes.read(0, u8, at, count);
    this.#rx.pop();
    return count;
  }

  /** @internal A packet of this protocol arrived. */
  deliver(packet: Packet): void {
    if (this.closed) return;
    this.#rx.push(packet.source, 0, packet.destination, packet.arena, packet.ip, packet.header + packet.bytes);
    this.onEvent?.();
  }

  transmit(now: Micros, budget: number): number {
    let sent = 0;
    const { out, ready } = this.#parts;
    while (sent < budget && !this.closed && this.#tx.count > 0) {
      const bytes = this.#tx.first(this.#target, this.#source);
      this.#path.destination.copy(this.#target);
      this.#path.generation = 0;
      let result = out.resolve(this.#path, now);
      const from = this.#path.source.w3;
      if (result === Send.ok) {
        result = out.begin(now, this.#path, from, this.protocol, bytes, this.ttl, 0, false, false);
      }
      if (result === Send.busy) {
        ready.add(this);
        return sent;
      }
      if (result === Send.ok) {
        this.#tx.bytes.peek(0, out.arena, out.at, bytes);
        out.commit();
      }
      this.#tx.pop();
      sent++;
    }
    if (!this.closed && this.#tx.count > 0) ready.add(this);
    return sent;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#rx.close();
    this.#tx.close();
  }
}

const ANY = new IpAddress();

/** One answer to {@link PingSocket.ping}. */
export interface PingReply {
  readonly sequence: number;
  readonly from: string;
  /** Round trip. */
  readonly micros: Micros;
  readonly bytes: number;
}

/** Echo requests and their replies. Up to 64 are remembered. */
export class PingSocket {
  readonly ident: number;
  readonly #raw: RawSocket;
  readonly #sent = new Map<number, Micros>();
  readonly #buffer = new Uint8Array(65535);
  #sequence = 0;
  readonly replies: PingReply[] = [];
  onEvent: (() => void) | undefined;

  constructor(parts: UdpParts, ident = parts.random.u32() & 0xffff) {
    this.ident = ident;
    this.#raw = new RawSocket(parts, IpProtocol.icmp);
  }

  /** @internal The socket that the stack feeds. */
  get raw(): RawSocket {
    return this.#raw;
  }

  /** Sends an echo request with `bytes` of payload; its sequence number, or -1 when there is no room. */
  ping(to: IpAddress, now: Micros, bytes = 56): number {
    const packet = new Uint8Array(ICMP_BYTES + bytes);
    packet[Icmp.type] = IcmpType.echo;
    const sequence = this.#sequence++ & 0xffff;
    set16(packet, Icmp.ident, this.ident);
    set16(packet, Icmp.sequence, sequence);
    for (let i = 0; i < bytes; i++) packet[ICMP_BYTES + i] = i;
    let sum = 0;
    for (let i = 0; i < packet.length; i += 2) sum += packet[i]! | ((packet[i + 1] ?? 0) << 8);
    set16(packet, Icmp.checksum, finish(sum));
    if (!this.#raw.send(to, packet)) return -1;
    if (this.#sent.size >= 64) this.#sent.delete(this.#sent.keys().next().value!);
    this.#sent.set(sequence, now);
    return sequence;
  }

  /** Collects replies; true when there were any. */
  step(now: Micros): boolean {
    let found = false;
    for (let i = 0; i < 64 && this.#raw.readable; i++) {
      const bytes = this.#raw.receive(this.#buffer);
      const at = (this.#buffer[0]! & 15) * 4;
      if (bytes < at + ICMP_BYTES || this.#buffer[at] !== IcmpType.echoReply) continue;
      if (icmpIdent(this.#buffer, at) !== this.ident) continue;
      const sequence = icmpSequence(this.#buffer, at);
      const sent = this.#sent.get(sequence);
      if (sent === undefined) continue;
      this.#sent.delete(sequence);
      const from = this.#raw.from.toString();
      this.replies.push({ sequence, from, micros: now - sent, bytes: bytes - at - ICMP_BYTES });
      found = true;
    }
    if (found) this.onEvent?.();
    return found;
  }

  close(): void {
    this.#raw.close();
  }
}
