/** ICMPv4: echo, errors out (rate limited) and errors in (handed to the socket they are about). RFC 792, 1122, 1812. */
import type { Arena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { copySum, finish, sum16 } from '../../platform/kernels.js';
import { IpAddress } from '../wire/address.js';
import { get16, set16 } from '../wire/bytes.js';
import { ICMP_BYTES, Icmp, IcmpType, isIcmpError, Unreachable } from '../wire/icmpv4.js';
import {
  IPV4_BYTES,
  IpProtocol,
  Ipv4,
  Ipv4Flag,
  ipv4Destination,
  ipv4Fragment,
  ipv4Length,
  ipv4Source,
} from '../wire/ipv4.js';
import { type AddressTable, Destination } from './addresses.js';
import { type IpOutput, Send } from './ip-output.js';
import type { Packet } from './packet.js';
import { Path } from './path.js';
import type { StackStatistics } from './statistics.js';

/** Errors about something we sent, as sockets are told of them. */
export const IpError = {
  /** Network, host or administration says no. */
  unreachable: 1,
  /** Protocol or port: nobody listens there. */
  refused: 2,
  /** Fragmentation needed: the MTU comes with it. */
  tooBig: 3,
  /** Time to live exceeded or a parameter problem. */
  other: 4,
} as const;

/** An error about a packet of ours, as found inside an ICMP message or made by the neighbour cache. */
export class ErrorReport {
  kind = 0;
  /** Next-hop MTU with `tooBig`; 0 when the router did not say. */
  mtu = 0;
  protocol = 0;
  readonly local = new IpAddress();
  readonly remote = new IpAddress();
  localPort = 0;
  remotePort = 0;
  /** The four bytes after the ports: TCP's sequence number. int32. */
  word = 0;
  /** Made here (the neighbour does not answer), so it needs no proof. */
  own = false;
}

const BURST = 50;
const PER_SECOND = 1000;

/** The ICMP part of one interface. */
export class IcmpLayer {
  readonly #out: IpOutput;
  readonly #addresses: AddressTable;
  readonly #stats: StackStatistics;
  readonly #path = new Path();
  readonly #address = new IpAddress();
  #tokens = BURST;
  #refilled: Micros = 0;
  /** Answer echo requests. On by default. */
  answerEcho = true;
  readonly report = new ErrorReport();
  /** Given each report about a packet of ours. */
  deliver: (report: ErrorReport, now: Micros) => void = () => {};
  /** Given each other message: echo replies. */
  message: (packet: Packet, now: Micros) => void = () => {};

  constructor(out: IpOutput, addresses: AddressTable, stats: StackStatistics) {
    this.#out = out;
    this.#addresses = addresses;
    this.#stats = stats;
  }

  receive(packet: Packet, now: Micros): void {
    const { arena, at, bytes } = packet;
    this.#stats.icmpIn++;
    if (bytes < ICMP_BYTES) {
      this.#stats.malformed++;
      return;
    }
    // Devices do not look at ICMP checksums.
    if (finish(sum16(arena, at, bytes)) !== 0) {
      this.#stats.badChecksum++;
      return;
    }
    const type = arena.u8[at]!;
    if (type === IcmpType.echo) this.#echo(packet, now);
    else if (isIcmpError(type)) this.#error(packet, now);
    this.message(packet, now);
  }

  #echo(packet: Packet, now: Micros): void {
    this.#stats.icmpEchoIn++;
    // RFC 1122 §3.2.2.6 allows to ignore echoes to a broadcast or multicast.
    if (!this.answerEcho || packet.group) return;
    const source = this.#replyTo(packet);
    const sent = this.#out.begin(now, this.#path, source, IpProtocol.icmp, packet.bytes, 64, 0, false, false);
    if (sent !== Send.ok) return;
    const { arena, at } = this.#out;
    const sum = copySum(arena, at, packet.arena, packet.at, packet.bytes);
    // The type byte is the first of its word: taking it out of the sum is a subtraction (RFC 1624).
    const old = arena.u8[at + Icmp.type]! | (arena.u8[at + Icmp.code]! << 8);
    const check = arena.u8[at + Icmp.checksum]! | (arena.u8[at + Icmp.checksum + 1]! << 8);
    arena.u8[at + Icmp.type] = IcmpType.echoReply;
    arena.u8[at + Icmp.code] = 0;
    set16(arena.u8, at + Icmp.checksum, finish(sum + (~old & 0xffff) + (~check & 0xffff)));
    this.#out.commit();
  }

  // Prepares the way back to a packet's sender and gives the address to answer from.
  #replyTo(packet: Packet): number {
    this.#path.destination.copy(packet.source);
    this.#path.generation = 0;
    return packet.destination.w3;
  }

  /** Answers `packet` with an error, unless the rules or the rate limit forbid. `mtu` is for fragmentation needed. */
  sendError(type: number, code: number, packet: Packet, now: Micros, mtu = 0): void {
    if (packet.group || packet.source.unspecified) return;
    this.sendErrorAbout(type, code, packet.arena, packet.ip, packet.header + packet.bytes, now, mtu);
  }

  /** The same for an IP packet at `ip` of which `bytes` are at hand. */
  sendErrorAbout(type: number, code: number, arena: Arena, ip: number, bytes: number, now: Micros, mtu = 0): void {
    const u8 = arena.u8;
    const header = (u8[ip]! & 15) * 4;
    // RFC 1122 §3.2.2: no error about an error, about a later fragment, to a group or from nobody.
    if ((ipv4Fragment(u8, ip) & Ipv4Flag.offsetMask) !== 0) return;
    const protocol = u8[ip + Ipv4.protocol]!;
    if (protocol === IpProtocol.icmp && (bytes <= header || isIcmpError(u8[ip + header]!))) return;
    const source = ipv4Source(u8, ip);
    const top = source >>> 24;
    if (source === 0 || top >= 224 || this.#addresses.subnetBroadcast(this.#address.set4(source))) return;
    if (!this.#allowed(now)) {
      this.#stats.icmpRateLimited++;
      return;
    }
    this.#path.destination.set4(source);
    this.#path.generation = 0;
    if (this.#out.resolve(this.#path, now) !== Send.ok) return;
    // Answer from the address that was spoken to, when it is ours.
    const asked = ipv4Destination(u8, ip);
    const known = this.#addresses.classify(this.#address.set4(asked));
    const from = known === Destination.own || known === Destination.loopback ? asked : this.#path.source.w3;
    // RFC 1812 §4.3.2.3: as much as fits into 576 bytes.
    const quoted = Math.min(bytes, 576 - IPV4_BYTES - ICMP_BYTES);
    const sent = this.#out.begin(now, this.#path, from, IpProtocol.icmp, ICMP_BYTES + quoted, 64, 0, false, false);
    if (sent !== Send.ok) return;
    const to = this.#out.arena;
    const at = this.#out.at;
    to.u8.fill(0, at, at + ICMP_BYTES);
    to.u8[at] = type;
    to.u8[at + Icmp.code] = code;
    set16(to.u8, at + Icmp.mtu, mtu);
    const sum = copySum(to, at + ICMP_BYTES, arena, ip, quoted);
    set16(to.u8, at + Icmp.checksum, finish(sum16(to, at, ICMP_BYTES, sum)));
    this.#out.commit();
    this.#stats.icmpErrorsOut++;
  }

  #allowed(now: Micros): boolean {
    const gained = Math.floor(((now - this.#refilled) * PER_SECOND) / 1_000_000);
    if (gained > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + gained);
      this.#refilled = now;
    }
    if (this.#tokens === 0) return false;
    this.#tokens--;
    return true;
  }

  #error(packet: Packet, now: Micros): void {
    this.#stats.icmpErrorsIn++;
    const u8 = packet.arena.u8;
    const type = u8[packet.at]!;
    const code = u8[packet.at + Icmp.code]!;
    const ip = packet.at + ICMP_BYTES;
    const bytes = packet.bytes - ICMP_BYTES;
    const report = this.report;
    report.mtu = 0;
    if (type === IcmpType.unreachable) {
      if (code === Unreachable.fragmentationNeeded) {
        report.kind = IpError.tooBig;
        report.mtu = get16(u8, packet.at + Icmp.mtu);
      } else if (code === Unreachable.port || code === Unreachable.protocol) report.kind = IpError.refused;
      else report.kind = IpError.unreachable;
    } else report.kind = IpError.other;
    report.own = false;
    if (!this.#quote(packet.arena, ip, bytes)) return;
    this.deliver(report, now);
  }

  /** Reports that a packet of ours (at `ip`, still unsent) cannot be delivered. */
  ownError(arena: Arena, ip: number, bytes: number, now: Micros): void {
    this.report.kind = IpError.unreachable;
    this.report.mtu = 0;
    this.report.own = true;
    if (this.#quote(arena, ip, bytes)) this.deliver(this.report, now);
  }

  // Reads the packet an error is about. It is ours or the error is nonsense.
  #quote(arena: Arena, ip: number, bytes: number): boolean {
    const u8 = arena.u8;
    const header = bytes >= IPV4_BYTES ? (u8[ip]! & 15) * 4 : 0;
    if (header < IPV4_BYTES || u8[ip]! >> 4 !== 4 || bytes < header + 8 || ipv4Length(u8, ip) < header + 8)
      return false;
    const report = this.report;
    report.local.set4(ipv4Source(u8, ip));
    report.remote.set4(ipv4Destination(u8, ip));
    const known = this.#addresses.classify(report.local);
    if (known !== Destination.own && known !== Destination.loopback) {
      this.#stats.icmpIgnored++;
      return false;
    }
    report.protocol = u8[ip + Ipv4.protocol]!;
    const at = ip + header;
    report.localPort = get16(u8, at);
    report.remotePort = get16(u8, at + 2);
    report.word = (get16(u8, at + 4) << 16) | get16(u8, at + 6);
    return (ipv4Fragment(u8, ip) & Ipv4Flag.offsetMask) === 0;
  }
}
