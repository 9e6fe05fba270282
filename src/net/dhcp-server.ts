/** DHCPv4 server (RFC 2131 §4.3): a pool of addresses on one network, remembered per client. */
import { type Micros, NEVER } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';
import type { UdpSocket } from '../stack/socket/udp.js';
import { type AddressLike, formatIpv4, formatMac, IpAddress, ip, prefixMask } from '../stack/wire/address.js';
import { get16, get32 } from '../stack/wire/bytes.js';
import {
  checkDhcp,
  Dhcp,
  DhcpOption,
  DhcpPort,
  DhcpType,
  DhcpWriter,
  dhcpOption32,
  dhcpType,
} from '../stack/wire/dhcp.js';
import type { App } from './loop.js';

/** How a server is made. */
export interface DhcpServerOptions {
  /** First and last address handed out. */
  readonly first: AddressLike;
  readonly last: AddressLike;
  /** Length of the network's prefix, default 24. */
  readonly prefix?: number;
  /** Default: the stack's own address. */
  readonly router?: AddressLike;
  readonly dns?: readonly AddressLike[];
  readonly domain?: string;
  /** Seconds, default 3600. */
  readonly leaseSeconds?: number;
  /** MTU told to clients; default: none. */
  readonly mtu?: number;
  /** Addresses fixed by MAC (`52:54:00:12:34:56`). */
  readonly reservations?: Readonly<Record<string, string>>;
}

/** One client's address. */
export interface ServedLease {
  readonly mac: string;
  readonly address: string;
  /** An offer that was not requested yet is not bound. */
  readonly bound: boolean;
  readonly expires: Micros;
}

interface Entry {
  address: number;
  bound: boolean;
  expires: Micros;
}

const OFFER_LIFE: Micros = 30_000_000;

/** The server. Add it to a loop. */
export class DhcpServer implements App {
  /** Answer requests with NAK: for tests of clients. */
  refuse = false;
  /** Messages taken and answers sent. */
  received = 0;
  sent = 0;
  readonly #stack: Stack;
  readonly #socket: UdpSocket;
  readonly #options: DhcpServerOptions;
  readonly #leases = new Map<string, Entry>();
  readonly #buffer = new Uint8Array(1500);
  readonly #writer = new DhcpWriter();

  /** @throws RangeError when port 67 is taken or an address does not parse. */
  constructor(stack: Stack, options: DhcpServerOptions) {
    this.#stack = stack;
    this.#options = { ...options, first: ip(options.first).clone(), last: ip(options.last).clone() };
    this.#socket = stack.udp({ port: DhcpPort.server, broadcast: true });
  }

  /** Who has what. */
  leases(): ServedLease[] {
    return [...this.#leases].map(([mac, entry]) => ({ ...entry, mac, address: formatIpv4(entry.address) }));
  }

  /** Forgets all leases: renewing clients are told no. */
  forget(): void {
    this.#leases.clear();
  }

  nextDeadline(): Micros {
    return NEVER;
  }

  step(now: Micros): boolean {
    let count = 0;
    while (count < 16 && this.#socket.readable) {
      const bytes = this.#socket.receive(this.#buffer);
      count++;
      if (checkDhcp(this.#buffer, 0, bytes) && this.#buffer[0] === 1) this.#message(bytes, now);
    }
    return count > 0;
  }

  #message(bytes: number, now: Micros): void {
    const u8 = this.#buffer;
    this.received++;
    const mac = formatMac(u8, Dhcp.chaddr);
    const type = dhcpType(u8, 0, bytes);
    const wanted = dhcpOption32(u8, 0, bytes, DhcpOption.requestedIp, 0);
    if (type === DhcpType.discover) {
      const address = this.#choose(mac, wanted, now);
      if (address === 0) return;
      this.#leases.set(mac, { address, bound: false, expires: now + OFFER_LIFE });
      this.#answer(DhcpType.offer, address);
    } else if (type === DhcpType.request) this.#request(bytes, mac, wanted, now);
    else if (type === DhcpType.release || type === DhcpType.decline) this.#leases.delete(mac);
    else if (type === DhcpType.inform) this.#answer(DhcpType.ack, 0);
  }

  #request(bytes: number, mac: string, wanted: number, now: Micros): void {
    const u8 = this.#buffer;
    const server = dhcpOption32(u8, 0, bytes, DhcpOption.server, 0);
    // Another server's offer was taken.
    if (server !== 0 && server !== this.#stack.address.w3) {
      this.#leases.delete(mac);
      return;
    }
    const address = wanted || get32(u8, Dhcp.ciaddr);
    const entry = this.#leases.get(mac);
    const allowed = entry !== undefined ? entry.address === address : this.#choose(mac, address, now) === address;
    if (this.refuse || address === 0 || !allowed) {
      this.#answer(DhcpType.nak, 0);
      return;
    }
    this.#leases.set(mac, { address, bound: true, expires: now + (this.#options.leaseSeconds ?? 3600) * 1_000_000 });
    this.#answer(DhcpType.ack, address);
  }

  // RFC 2131 §4.3.1: the client's own, then what it asks for, then any; expired leases are free.
  #choose(mac: string, wanted: number, now: Micros): number {
    const reserved = this.#options.reservations?.[mac];
    if (reserved !== undefined) return ip(reserved).w3;
    const own = this.#leases.get(mac);
    if (own !== undefined) return own.address;
    const taken = new Set<number>();
    for (const [other, entry] of this.#leases) {
      if (entry.expires <= now) this.#leases.delete(other);
      else taken.add(entry.address);
    }
    for (const fixed of Object.values(this.#options.reservations ?? {})) taken.add(ip(fixed).w3);
    const first = ip(this.#options.first).w3 >>> 0;
    const last = ip(this.#options.last).w3 >>> 0;
    const free = (address: number) => !taken.has(address | 0) && (address | 0) !== this.#stack.address.w3;
    if (wanted !== 0 && wanted >>> 0 >= first && wanted >>> 0 <= last && free(wanted)) return wanted;
    for (let address = first; address <= last; address++) if (free(address)) return address | 0;
    return 0;
  }

  #answer(type: number, address: number): void {
    const u8 = this.#buffer;
    const options = this.#options;
    const own = this.#stack.address;
    const mac = u8.subarray(Dhcp.chaddr, Dhcp.chaddr + 6);
    const writer = this.#writer.start(2, get32(u8, Dhcp.xid), mac, type);
    writer.timing(0, (get16(u8, Dhcp.flags) & 0x8000) !== 0);
    writer.field(Dhcp.yiaddr, address).word(DhcpOption.server, own.w3);
    if (type !== DhcpType.nak) {
      const seconds = options.leaseSeconds ?? 3600;
      if (address !== 0) writer.word(DhcpOption.leaseTime, seconds);
      writer.word(DhcpOption.mask, prefixMask(options.prefix ?? 24));
      writer.word(DhcpOption.router, ip(options.router ?? own).w3);
      const dns = (options.dns ?? [own]).flatMap((server) => {
        const { w3 } = ip(server);
        return [w3 >>> 24, (w3 >>> 16) & 255, (w3 >>> 8) & 255, w3 & 255];
      });
      if (dns.length > 0) writer.bytes(DhcpOption.dns, dns);
      if (options.domain) writer.bytes(DhcpOption.domain, new TextEncoder().encode(options.domain));
      if (options.mtu) writer.bytes(DhcpOption.mtu, [options.mtu >> 8, options.mtu & 255]);
    }
    const length = writer.finish();
    // A client without an address cannot be asked by ARP: it is answered by broadcast, which RFC 2131 §4.1 allows.
    const known = get32(u8, Dhcp.ciaddr);
    const to = type !== DhcpType.nak && known !== 0 ? IpAddress.v4(known) : BROADCAST;
    if (this.#socket.send(to, DhcpPort.client, writer.u8, 0, length, own)) this.sent++;
  }

  close(): void {
    this.#socket.close();
  }
}

const BROADCAST = IpAddress.v4(0xffffffff);
