/**
 * One interface with everything above it: a device, its addresses, routes and neighbours, and the sockets. It has no
 * timers and never waits: the owner passes time in, gives each phase a budget, and asks when to come back.
 */
import { OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { finish, sum16 } from '../../platform/kernels.js';
import { Checksum, emptyFrame, type Frame, type PhyDevice } from '../../platform/phy.js';
import type { Random } from '../../platform/random.js';
import { PingSocket, RawSocket } from '../socket/raw.js';
import { ReadyList } from '../socket/ready.js';
import { TcpLayer } from '../socket/tcp/layer.js';
import type { TcpListener } from '../socket/tcp/listener.js';
import type { TcpSocket } from '../socket/tcp/socket.js';
import type { TcpSettings } from '../socket/tcp/types.js';
import { UdpLayer, type UdpOptions, type UdpSocket } from '../socket/udp.js';
import { type AddressLike, type Cidr, IpAddress, ip } from '../wire/address.js';
import { Arp, ArpOp, arpOperation, arpSenderIp, arpTargetIp, checkArp } from '../wire/arp.js';
import { get16, sameBytes } from '../wire/bytes.js';
import { ETHERNET_BYTES, Ethernet, EtherType, etherType, isGroup, VLAN_BYTES } from '../wire/ethernet.js';
import { IcmpType, TimeExceeded, Unreachable } from '../wire/icmpv4.js';
import {
  checkIpv4,
  IpProtocol,
  Ipv4,
  Ipv4Flag,
  ipv4Destination,
  ipv4Fragment,
  ipv4Length,
  ipv4Source,
} from '../wire/ipv4.js';
import { Udp } from '../wire/udp.js';
import { AddressTable, Destination } from './addresses.js';
import { ConflictProbe } from './conflict.js';
import { IcmpLayer } from './icmp.js';
import { IpOutput } from './ip-output.js';
import { Link } from './link.js';
import { NeighbourCache } from './neighbours.js';
import type { StackOptions, StackService } from './options.js';
import { Packet } from './packet.js';
import { PathMtuCache } from './path-mtu.js';
import { Reassembly } from './reassembly.js';
import { StackStatistics } from './statistics.js';

/** When to try again after a turn in which ready sockets could not send for want of a buffer. */
const STALL_RETRY: Micros = 1000;
const GRATUITOUS_LIMIT: Micros = 10_000_000;

/** The stack over one device. */
export class Stack {
  readonly arena: OwnedArena;
  readonly random: Random;
  readonly device: PhyDevice | undefined;
  readonly stats = new StackStatistics();
  readonly addresses = new AddressTable();
  readonly neighbours: NeighbourCache;
  readonly icmp: IcmpLayer;
  readonly udpLayer: UdpLayer;
  readonly tcp: TcpLayer;
  readonly reassembly: Reassembly;
  readonly link: Link;
  readonly out: IpOutput;
  readonly pathMtu = new PathMtuCache();
  /** Take packets for any unicast address as our own. */
  anyIp: boolean;
  /** See {@link StackOptions.proxy}. */
  readonly proxy: boolean;
  /** Somebody else uses an address of ours (RFC 5227 §2.4). */
  onConflict: ((address: IpAddress, mac: Uint8Array) => void) | undefined;
  /** The time of the last call. */
  now: Micros = 0;
  readonly #ready = new ReadyList();
  readonly #frame: Frame;
  readonly #packet = new Packet();
  readonly #address = new IpAddress();
  readonly #services: StackService[] = [];
  readonly #raw: RawSocket[] = [];
  readonly #probes: ConflictProbe[] = [];
  #stalled = false;
  #defended: Micros = -GRATUITOUS_LIMIT;

  constructor(options: StackOptions) {
    this.arena = options.arena ?? new OwnedArena(128 << 20);
    this.random = options.random;
    this.device = options.device;
    this.anyIp = options.anyIp ?? false;
    this.proxy = options.proxy ?? false;
    const { arena, random, stats, addresses, pathMtu } = this;
    this.link = new Link(options.device, stats, arena);
    this.link.vlan = options.vlan ?? -1;
    this.#frame = emptyFrame(arena);
    const events = {
      unreachable: (from: typeof arena, at: number, bytes: number) => this.icmp.ownError(from, at, bytes, this.now),
      changed: () => this.tcp.unpark(),
      evicted: () => void addresses.generation++,
    } as ConstructorParameters<typeof NeighbourCache>[3];
    const { link } = this;
    const neighbours = new NeighbourCache(arena, link, stats, events, options.neighbours ?? 256);
    this.neighbours = neighbours;
    neighbours.sourceFor = (target) => {
      addresses.sourceFor(target, this.#address);
      return this.#address.w3;
    };
    const out = new IpOutput({ link, addresses, neighbours, stats, arena, random: random.fork('ip'), pathMtu });
    this.out = out;
    this.icmp = new IcmpLayer(out, addresses, stats);
    this.reassembly = new Reassembly(arena, stats);
    this.reassembly.expired = (from, at, bytes) =>
      this.icmp.sendErrorAbout(IcmpType.timeExceeded, TimeExceeded.reassembly, from, at, bytes, this.now);
    const suspect = neighbours.suspect.bind(neighbours);
    const parts = {
      arena,
      random: random.fork('ports'),
      out,
      link,
      stats,
      addresses,
      pathMtu,
      ready: this.#ready,
      suspect,
    };
    this.udpLayer = new UdpLayer(parts);
    this.tcp = new TcpLayer(parts);
    this.icmp.deliver = (report, now) => {
      if (report.protocol === IpProtocol.tcp) this.tcp.report(report, now);
      else if (report.protocol === IpProtocol.udp) this.udpLayer.report(report);
    };
    this.#parts = parts;
  }

  readonly #parts: ConstructorParameters<typeof RawSocket>[0];

  /** Station address. */
  get mac(): Uint8Array {
    return this.link.mac;
  }

  /** The first address, or 0.0.0.0. */
  get address(): IpAddress {
    return this.addresses.addresses[0]?.address ?? new IpAddress();
  }

  /** Adds an address such as `192.168.1.2/24` and announces it (gratuitous ARP). @throws RangeError */
  addAddress(text: string | Cidr): void {
    const entry = this.addresses.add(text);
    if (this.device !== undefined && !entry.address.loopback) this.announce(entry.address);
  }

  /** Removes an address; connections that use it end as `aborted` without a word on the wire. */
  removeAddress(address: AddressLike): void {
    const gone = ip(address).clone();
    if (!this.addresses.remove(gone)) return;
    this.tcp.each((socket) => {
      if (socket.local.equals(gone)) this.tcp.finish(socket, 'aborted');
    });
  }

  /** Routes everything that has no better route through a router. */
  setDefaultRoute(router: AddressLike | undefined): void {
    if (router === undefined) this.addresses.removeRoute('0.0.0.0/0');
    else this.addresses.addRoute('0.0.0.0/0', router);
  }

  /** Tells the link that an address is ours (RFC 5227 §3). */
  announce(address: IpAddress): void {
    this.neighbours.request(address.w3, address.w3, this.now);
  }

  /** Begins to look whether somebody uses an address (RFC 5227 §2.1); watch its `state`. */
  probeAddress(address: AddressLike): ConflictProbe {
    const probe = new ConflictProbe(ip(address).clone(), this.neighbours, this.random.fork('probe'), this.now);
    this.#probes.push(probe);
    return probe;
  }

  /** Opens a UDP socket. @throws RangeError when the port is in use or memory is short. */
  udp(options: UdpOptions = {}): UdpSocket {
    return this.udpLayer.open(options);
  }

  /** Opens a raw socket for an IP protocol. @throws RangeError when memory is short. */
  raw(protocol: number): RawSocket {
    const socket = new RawSocket(this.#parts, protocol);
    this.#raw.push(socket);
    return socket;
  }

  /** Opens a socket that pings. @throws RangeError when memory is short. */
  ping(): PingSocket {
    const socket = new PingSocket(this.#parts);
    this.#raw.push(socket.raw);
    return socket;
  }

  /** Listens on a TCP port. @throws RangeError when it is in use. */
  listen(port: number, settings: TcpSettings & { backlog?: number; address?: AddressLike } = {}): TcpListener {
    return this.tcp.listen(port, settings);
  }

  /** Starts a TCP connection; the SYN leaves at the next egress. @throws RangeError when no port is free. */
  connect(address: AddressLike, port: number, settings: TcpSettings = {}, localPort = 0): TcpSocket {
    return this.tcp.connect(address, port, this.now, settings, localPort);
  }

  /** Drives a service from now on. */
  addService(service: StackService): void {
    this.#services.push(service);
  }

  removeService(service: StackService): void {
    const at = this.#services.indexOf(service);
    if (at >= 0) this.#services.splice(at, 1);
  }

  /** Receives at most `budget` frames and packets, answers included. Returns how many there were. */
  ingress(now: Micros, budget: number): number {
    this.now = now;
    let count = 0;
    const { loopback } = this.out;
    const own = Math.min(loopback.count, Math.max(budget >> 1, 1));
    while (count < own) {
      this.#ipv4(this.arena, loopback.at, loopback.length, true, false, true);
      loopback.pop();
      count++;
    }
    const device = this.device;
    if (device !== undefined) {
      const frame = this.#frame;
      while (count < budget && device.receive(now, frame)) {
        this.#ethernet(frame);
        count++;
      }
      this.link.flush(now);
    }
    return count;
  }

  /** Runs timers and services that are due, at most `budget` of them. Returns how many ran. */
  maintain(now: Micros, budget: number): number {
    this.now = now;
    this.neighbours.maintain(now);
    if (this.reassembly.deadline <= now) this.reassembly.maintain(now);
    let count = this.tcp.maintain(now, budget);
    for (let i = 0; i < this.#services.length; i++) {
      const service = this.#services[i]!;
      if (!service.pending && service.deadline > now) continue;
      service.step(now);
      count++;
    }
    for (let i = this.#probes.length - 1; i >= 0; i--) {
      const probe = this.#probes[i]!;
      if (probe.deadline <= now) {
        probe.step(now);
        count++;
      }
      if (probe.state !== 'probing') this.#probes.splice(i, 1);
    }
    return count;
  }

  /** Runs what is due and sends at most `budget` packets. Returns how many were sent or looked at. */
  egress(now: Micros, budget: number): number {
    let count = this.maintain(now, budget);
    this.link.blocked = false;
    this.neighbours.egress(now);
    if (this.out.fragmenting) count += this.out.continueFragments(now, budget);
    const ready = this.#ready;
    // Each turn costs at least one of the budget, so sockets that keep coming back end it too.
    let turns = budget;
    const waiting = ready.count;
    const before = count;
    while (turns > 0 && ready.count > 0 && !this.link.blocked) {
      const sent = ready.take()!.transmit(now, Math.min(turns, 16));
      count += sent;
      turns -= Math.max(sent, 1);
    }
    // Everybody was asked and nobody could send: asking again at this very time would be a spin.
    this.#stalled = waiting <= budget && count === before && ready.count > 0;
    this.link.flush(now);
    return count;
  }

  /** All phases once. Returns how much was done. */
  poll(now: Micros, budget = 256): number {
    return this.ingress(now, budget) + this.egress(now, budget);
  }

  /** Transmission waits for the device to free a slot. */
  get blocked(): boolean {
    return this.link.blocked;
  }

  /** When to call again if no frame arrives: now when something is ready, else the nearest timer, else `NEVER`. */
  nextDeadline(): Micros {
    if (this.out.loopback.count > 0) return this.now;
    if (!this.link.blocked && this.#ready.count > 0) return this.now + (this.#stalled ? STALL_RETRY : 0);
    let nearest = Math.min(this.tcp.timers.next, this.neighbours.deadline, this.reassembly.deadline);
    if (!this.link.blocked) nearest = Math.min(nearest, Math.max(this.out.fragmentDeadline, this.now));
    for (let i = 0; i < this.#services.length; i++) {
      const service = this.#services[i]!;
      if (service.pending) return this.now;
      if (service.deadline < nearest) nearest = service.deadline;
    }
    for (let i = 0; i < this.#probes.length; i++) nearest = Math.min(nearest, this.#probes[i]!.deadline);
    return nearest;
  }

  #ethernet(frame: Frame): void {
    const { arena, offset, length } = frame;
    const u8 = arena.u8;
    const stats = this.stats;
    stats.framesIn++;
    stats.bytesIn += length;
    if (length < ETHERNET_BYTES) {
      stats.malformed++;
      return;
    }
    let type = etherType(u8, offset);
    let header = ETHERNET_BYTES;
    let tag = frame.vlan;
    if (type === EtherType.vlan && length >= ETHERNET_BYTES + VLAN_BYTES) {
      tag = get16(u8, offset + Ethernet.tci);
      type = get16(u8, offset + Ethernet.innerType);
      header += VLAN_BYTES;
    }
    // Priority-tagged frames (identifier 0) count as untagged (802.1Q §6.9).
    const id = tag < 0 ? -1 : tag & 0xfff;
    const group = isGroup(u8, offset);
    const mine = group || sameBytes(u8, offset, this.link.mac, 0, 6);
    if (!mine || (this.link.vlan < 0 ? id > 0 : id !== this.link.vlan)) {
      stats.ethernetOther++;
      return;
    }
    if (frame.checksum === Checksum.bad) {
      stats.badChecksum++;
      return;
    }
    const at = offset + header;
    if (type === EtherType.ipv4) {
      // `partial`: the sender on this very machine left the sum undone; nothing was on a wire.
      const trusted = frame.checksum === Checksum.verified || frame.checksum === Checksum.partial;
      this.#ipv4(arena, at, length - header, trusted, group, false);
    } else if (type === EtherType.arp) this.#arp(u8, at, length - header);
    else stats.ethernetOther++;
  }

  // RFC 826's algorithm, with the conflict rules of RFC 5227.
  #arp(u8: Uint8Array, at: number, bytes: number): void {
    const stats = this.stats;
    if (!checkArp(u8, at, bytes)) {
      stats.malformed++;
      return;
    }
    const request = arpOperation(u8, at) === ArpOp.request;
    if (request) stats.arpRequestsIn++;
    else stats.arpRepliesIn++;
    const sender = arpSenderIp(u8, at);
    const target = arpTargetIp(u8, at);
    for (let i = 0; i < this.#probes.length; i++) this.#probes[i]!.heard(u8, at, this.link.mac);
    if (sameBytes(u8, at + Arp.senderMac, this.link.mac, 0, 6)) return;
    const address = this.#address.set4(sender);
    if (this.addresses.classify(address) === Destination.own) {
      this.#conflict(address, u8, at);
      return;
    }
    const known = this.#address.set4(target);
    const asked = this.addresses.classify(known);
    // Any-ip answers for everybody, but a probe must find its address free (RFC 5227 §2.1).
    const proxied = this.anyIp && request && sender !== 0 && sender !== target;
    const ours = asked === Destination.own || (proxied && asked === Destination.other);
    address.set4(sender);
    // A probe (sender 0.0.0.0) says nothing about anybody, but is answered.
    const odd = sender === 0 || address.multicast || address.limitedBroadcast || address.loopback;
    if (!odd) this.neighbours.heard(address, u8, at + Arp.senderMac, ours, this.now);
    if (request && ours) this.neighbours.reply(sender, target, u8, at + Arp.senderMac, this.now);
  }

  #conflict(address: IpAddress, u8: Uint8Array, at: number): void {
    this.stats.arpConflicts++;
    if (this.now - this.#defended >= GRATUITOUS_LIMIT) {
      this.#defended = this.now;
      this.announce(address);
    }
    this.onConflict?.(address.clone(), u8.slice(at + Arp.senderMac, at + Arp.senderMac + 6));
  }

  #ipv4(
    arena: Packet['arena'],
    at: number,
    bytes: number,
    trusted: boolean,
    linkGroup: boolean,
    loopback: boolean,
  ): void {
    const u8 = arena.u8;
    const stats = this.stats;
    const packet = this.#packet;
    stats.ipIn++;
    const header = checkIpv4(u8, at, bytes);
    if (header === 0) {
      stats.malformed++;
      return;
    }
    if (!trusted && finish(sum16(arena, at, header)) !== 0) {
      stats.badChecksum++;
      return;
    }
    packet.arena = arena;
    packet.ip = at;
    packet.header = header;
    packet.at = at + header;
    packet.bytes = ipv4Length(u8, at) - header;
    packet.protocol = u8[at + Ipv4.protocol]!;
    packet.ttl = u8[at + Ipv4.ttl]!;
    packet.verified = trusted;
    packet.source.set4(ipv4Source(u8, at));
    packet.destination.set4(ipv4Destination(u8, at));
    if (!this.#wanted(packet, linkGroup, loopback)) return;
    if ((ipv4Fragment(u8, at) & (Ipv4Flag.moreFragments | Ipv4Flag.offsetMask)) !== 0) {
      if (!this.reassembly.add(packet, this.now)) return;
    }
    this.#dispatch(packet, loopback);
  }

  // RFC 1122 §3.2.1.3 and §3.3.6: which addresses may appear where.
  #wanted(packet: Packet, linkGroup: boolean, loopback: boolean): boolean {
    const { source, destination } = packet;
    const top = source.w3 >>> 24;
    const martian = top >= 224 || (!loopback && (top === 127 || destination.loopback));
    if (martian || this.addresses.subnetBroadcast(source)) {
      this.stats.ipMartian++;
      return false;
    }
    const kind = this.addresses.classify(destination);
    packet.foreign = false;
    packet.group = linkGroup || kind === Destination.broadcast || kind === Destination.multicast;
    if (kind !== Destination.other) {
      // A unicast address in a broadcast frame is somebody's trick (RFC 1122 §3.3.6).
      if (linkGroup && kind === Destination.own) this.stats.ipMartian++;
      else return true;
      return false;
    }
    const unicast = !linkGroup && !destination.multicast && !destination.unspecified;
    if (this.anyIp && unicast) return true;
    if (packet.protocol === IpProtocol.udp && packet.bytes >= 8) {
      if (this.udpLayer.takesAny(get16(packet.arena.u8, packet.at + Udp.destination))) return true;
    }
    if (this.proxy && unicast) {
      packet.foreign = true;
      return true;
    }
    this.stats.ipNotOurs++;
    return false;
  }

  #dispatch(packet: Packet, loopback: boolean): void {
    const now = this.now;
    let taken = false;
    for (let i = this.#raw.length - 1; i >= 0; i--) {
      const raw = this.#raw[i]!;
      if (raw.closed) this.#raw.splice(i, 1);
      else if (raw.protocol === packet.protocol) {
        raw.deliver(packet);
        taken = true;
      }
    }
    if (packet.protocol === IpProtocol.tcp) this.tcp.receive(packet, now);
    else if (packet.protocol === IpProtocol.udp) {
      const delivered = this.udpLayer.receive(packet);
      if (delivered) return;
      const code = packet.foreign ? Unreachable.adminProhibited : Unreachable.port;
      this.icmp.sendError(IcmpType.unreachable, code, packet, now);
    } else if (packet.foreign) {
      this.icmp.sendError(IcmpType.unreachable, Unreachable.adminProhibited, packet, now);
    } else if (packet.protocol === IpProtocol.icmp) {
      // Sums of ICMP are never verified by a device, but loopback's are not looked at either.
      packet.verified = loopback;
      this.icmp.receive(packet, now);
    } else if (!taken) {
      this.stats.ipUnknownProtocol++;
      this.icmp.sendError(IcmpType.unreachable, Unreachable.protocol, packet, now);
    }
  }
}
