/**
 * DHCPv4 client (RFC 2131): discover, request, renew, rebind, with a static fallback when nobody answers or the lease is
 * lost. It is a service of the stack and configures its address, default route and DNS servers.
 */
import { type Micros, NEVER } from '../../platform/clock.js';
import type { Random } from '../../platform/random.js';
import type { StackService } from '../iface/options.js';
import type { Stack } from '../iface/stack.js';
import { type Cidr, cidr, formatIpv4, IpAddress, ip, maskPrefix } from '../wire/address.js';
import { get32, sameBytes } from '../wire/bytes.js';
import {
  checkDhcp,
  Dhcp,
  DhcpOption,
  DhcpPort,
  DhcpType,
  DhcpWriter,
  dhcpOption32,
  dhcpType,
  findDhcpOption,
} from '../wire/dhcp.js';
import type { UdpSocket } from './udp.js';

/** What a configuration consists of. */
export interface DhcpLease {
  /** `10.0.0.2/24`. */
  readonly address: Cidr;
  readonly router: IpAddress | undefined;
  readonly dns: readonly IpAddress[];
  readonly server: IpAddress | undefined;
  readonly domain: string;
  /** Lease time in seconds as the server said; 0 for the static fallback. */
  readonly seconds: number;
}

/** What to use when no server answers. */
export interface DhcpFallback {
  /** `10.0.0.2/24`. */
  readonly address: string;
  readonly router?: string;
  readonly dns?: readonly string[];
}

/** How the client behaves. Times in microseconds. */
export interface DhcpOptions {
  readonly hostName?: string;
  /** First wait for an answer, default 1 s (RFC 2131 says 4 s for large nets); doubles to `maxWait`, default 64 s. */
  readonly firstWait?: Micros;
  readonly maxWait?: Micros;
  /** Used when deconfigured, nak'd, or nobody answered within `fallbackAfter` (default 10 s). The client goes on asking. */
  readonly fallback?: DhcpFallback;
  readonly fallbackAfter?: Micros;
  /** Longest lease believed, in seconds. */
  readonly maxLease?: number;
}

/** States of RFC 2131 §4.4, figure 5. `bound` includes renewing and rebinding in {@link DhcpClient.phase}. */
export type DhcpPhase = 'init' | 'selecting' | 'requesting' | 'bound' | 'renewing' | 'rebinding' | 'stopped';

const SECOND = 1_000_000;
const REQUESTED = [DhcpOption.mask, DhcpOption.router, DhcpOption.dns, DhcpOption.domain, DhcpOption.leaseTime];
/** Requests sent for one offer before starting over. */
const REQUEST_TRIES = 4;

/** The client. Make it with a stack; it registers itself. */
export class DhcpClient implements StackService {
  phase: DhcpPhase = 'init';
  /** What is configured now, by a server or as fallback. */
  lease: DhcpLease | undefined;
  /** `lease` is the static fallback. */
  usingFallback = false;
  /** Called when `lease` changes. Must not poll the stack. */
  onChange: ((lease: DhcpLease | undefined) => void) | undefined;
  deadline: Micros;
  readonly #stack: Stack;
  readonly #socket: UdpSocket;
  readonly #options: DhcpOptions;
  readonly #random: Random;
  readonly #writer = new DhcpWriter();
  readonly #buffer = new Uint8Array(1500);
  #xid = 0;
  #tries = 0;
  #began: Micros;
  #offer = 0;
  #server = 0;
  #t1: Micros = NEVER;
  #t2: Micros = NEVER;
  #expires: Micros = NEVER;

  /** @throws RangeError when port 68 is taken. */
  constructor(stack: Stack, options: DhcpOptions = {}) {
    this.#stack = stack;
    this.#options = options;
    this.#random = stack.random.fork('dhcp');
    this.#socket = stack.udp({ port: DhcpPort.client, broadcast: true, anyDestination: true, sendBytes: 4096 });
    this.#began = stack.now;
    this.deadline = stack.now;
    stack.addService(this);
  }

  get pending(): boolean {
    return this.#socket.readable;
  }

  /** A server's lease is configured. */
  get bound(): boolean {
    return this.phase === 'bound' || this.phase === 'renewing' || this.phase === 'rebinding';
  }

  step(now: Micros): void {
    for (let i = 0; i < 16 && this.#socket.readable; i++) {
      const bytes = this.#socket.receive(this.#buffer);
      if (this.#socket.fromPort === DhcpPort.server) this.#message(bytes, now);
    }
    if (now >= this.deadline) this.#timer(now);
  }

  /** Forgets the lease and begins again (link came back). */
  restart(now: Micros): void {
    this.#deconfigure();
    this.phase = 'init';
    this.#began = now;
    this.#tries = 0;
    this.deadline = now;
  }

  /** Gives the lease back (RFC 2131 §4.4.6) and stops. */
  stop(now: Micros): void {
    if (this.bound && this.lease !== undefined) {
      this.#start(DhcpType.release, now).field(Dhcp.ciaddr, this.lease.address.address.w3);
      this.#writer.word(DhcpOption.server, this.#server);
      this.#send(IpAddress.v4(this.#server));
    }
    this.phase = 'stopped';
    this.deadline = NEVER;
    this.#stack.removeService(this);
  }

  #timer(now: Micros): void {
    const fallbackAt = this.#began + (this.#options.fallbackAfter ?? 10 * SECOND);
    if (!this.bound && !this.usingFallback && now >= fallbackAt) this.#useFallback();
    switch (this.phase) {
      case 'init':
        this.#xid = this.#random.u32() | 0;
        this.#tries = 0;
        this.#discover(now);
        break;
      case 'selecting':
        this.#discover(now);
        break;
      case 'requesting':
        if (this.#tries >= REQUEST_TRIES) {
          this.phase = 'init';
          this.deadline = now;
        } else this.#request(now);
        break;
      case 'bound':
      case 'renewing':
      case 'rebinding':
        this.#keep(now);
        break;
      case 'stopped':
        this.deadline = NEVER;
    }
    if (!this.bound && !this.usingFallback && this.#options.fallback && fallbackAt > now) {
      this.deadline = Math.min(this.deadline, fallbackAt);
    }
  }

  // RFC 2131 §4.1: doubling waits, plus or minus up to a second (here a quarter).
  #wait(): Micros {
    const first = this.#options.firstWait ?? SECOND;
    const wait = Math.min(first * 2 ** Math.min(this.#tries, 10), this.#options.maxWait ?? 64 * SECOND);
    this.#tries++;
    return Math.floor(wait * (0.75 + this.#random.below(512) / 1024));
  }

  #start(type: number, now: Micros): DhcpWriter {
    const writer = this.#writer.start(1, this.#xid, this.#stack.mac, type);
    writer.bytes(DhcpOption.clientId, [1, ...this.#stack.mac]);
    return writer.timing(Math.floor((now - this.#began) / SECOND), !this.bound);
  }

  #discover(now: Micros): void {
    this.phase = 'selecting';
    this.#start(DhcpType.discover, now);
    this.#send(BROADCAST);
    this.deadline = now + this.#wait();
  }

  #request(now: Micros): void {
    this.phase = 'requesting';
    this.#start(DhcpType.request, now).word(DhcpOption.requestedIp, this.#offer).word(DhcpOption.server, this.#server);
    this.#send(BROADCAST);
    this.deadline = now + this.#wait();
  }

  #send(to: IpAddress): void {
    const writer = this.#writer.bytes(DhcpOption.parameters, REQUESTED);
    const { hostName } = this.#options;
    if (hostName) writer.bytes(DhcpOption.hostName, new TextEncoder().encode(hostName));
    const bytes = writer.finish();
    const source = this.bound ? this.lease?.address.address : undefined;
    this.#socket.send(to, DhcpPort.server, writer.u8, 0, bytes, source);
  }

  // RFC 2131 §4.4.5: half of the time left between attempts, at least a minute (or what is left).
  #keep(now: Micros): void {
    if (now >= this.#expires) {
      this.#lost(now);
      return;
    }
    const rebinding = now >= this.#t2;
    if (!rebinding && now < this.#t1) {
      this.deadline = this.#t1;
      return;
    }
    if (this.phase === 'bound') this.#xid = this.#random.u32() | 0;
    this.phase = rebinding ? 'rebinding' : 'renewing';
    this.#start(DhcpType.request, now).field(Dhcp.ciaddr, this.lease!.address.address.w3);
    this.#send(rebinding ? BROADCAST : IpAddress.v4(this.#server));
    const until = rebinding ? this.#expires : this.#t2;
    this.deadline = Math.min(now + Math.max((until - now) / 2, 60 * SECOND), until);
  }

  #lost(now: Micros): void {
    this.restart(now);
    this.#useFallback();
  }

  #message(bytes: number, now: Micros): void {
    const u8 = this.#buffer;
    if (!checkDhcp(u8, 0, bytes) || u8[0] !== 2 || get32(u8, Dhcp.xid) !== this.#xid) return;
    if (!sameBytes(u8, Dhcp.chaddr, this.#stack.mac, 0, 6)) return;
    const type = dhcpType(u8, 0, bytes);
    const server = dhcpOption32(u8, 0, bytes, DhcpOption.server, 0);
    if (this.phase === 'selecting' && type === DhcpType.offer && server !== 0) {
      this.#offer = get32(u8, Dhcp.yiaddr);
      this.#server = server;
      if (!usable(this.#offer)) return;
      this.#tries = 0;
      this.#request(now);
      return;
    }
    const asking = this.phase === 'requesting' || this.phase === 'renewing' || this.phase === 'rebinding';
    if (!asking || (this.phase !== 'rebinding' && server !== 0 && server !== this.#server)) return;
    if (type === DhcpType.ack) this.#configure(bytes, server === 0 ? this.#server : server, now);
    else if (type === DhcpType.nak) this.#lost(now);
  }

  #configure(bytes: number, server: number, now: Micros): void {
    const u8 = this.#buffer;
    const address = get32(u8, Dhcp.yiaddr);
    const prefix = maskPrefix(dhcpOption32(u8, 0, bytes, DhcpOption.mask, 0xffffff00 | 0));
    const said = dhcpOption32(u8, 0, bytes, DhcpOption.leaseTime, 3600) >>> 0;
    if (!usable(address) || prefix < 1 || said === 0) return;
    const seconds = Math.min(said, this.#options.maxLease ?? 0xffffffff);
    const forever = seconds === 0xffffffff;
    const time = (code: number, part: number) => {
      const given = dhcpOption32(u8, 0, bytes, code, 0) >>> 0;
      return given > 0 && given < seconds ? given : seconds * part;
    };
    const t2 = time(DhcpOption.rebinding, 0.875);
    const t1 = Math.min(time(DhcpOption.renewal, 0.5), t2);
    this.#t1 = forever ? NEVER : Math.floor(now + t1 * SECOND);
    this.#t2 = forever ? NEVER : Math.floor(now + t2 * SECOND);
    this.#expires = forever ? NEVER : now + seconds * SECOND;
    this.#server = server;
    const router = dhcpOption32(u8, 0, bytes, DhcpOption.router, 0);
    this.#apply({
      address: { address: IpAddress.v4(address), prefix },
      router: router === 0 ? undefined : IpAddress.v4(router),
      dns: this.#servers(bytes),
      server: IpAddress.v4(server),
      domain: this.#text(bytes, DhcpOption.domain),
      seconds,
    });
    this.usingFallback = false;
    this.phase = 'bound';
    this.#tries = 0;
    this.deadline = this.#t1;
  }

  #servers(bytes: number): IpAddress[] {
    const at = findDhcpOption(this.#buffer, 0, bytes, DhcpOption.dns, 4);
    const servers: IpAddress[] = [];
    const count = at === 0 ? 0 : this.#buffer[at]! >> 2;
    for (let i = 0; i < Math.min(count, 4); i++) servers.push(IpAddress.v4(get32(this.#buffer, at + 1 + i * 4)));
    return servers;
  }

  #text(bytes: number, code: number): string {
    const at = findDhcpOption(this.#buffer, 0, bytes, code, 1);
    if (at === 0) return '';
    const text = String.fromCharCode(...this.#buffer.subarray(at + 1, at + 1 + this.#buffer[at]!));
    return /^[\w.-]+$/.test(text) ? text : '';
  }

  #apply(lease: DhcpLease): void {
    const old = this.lease;
    const same = old?.address.address.equals(lease.address.address) && old.address.prefix === lease.address.prefix;
    if (!same) {
      if (old !== undefined) this.#stack.removeAddress(old.address.address);
      this.#stack.addAddress(lease.address);
    }
    this.#stack.setDefaultRoute(lease.router);
    this.lease = lease;
    this.onChange?.(lease);
  }

  #deconfigure(): void {
    if (this.lease === undefined) return;
    this.#stack.removeAddress(this.lease.address.address);
    this.#stack.setDefaultRoute(undefined);
    this.lease = undefined;
    this.usingFallback = false;
    this.onChange?.(undefined);
  }

  #useFallback(): void {
    const { fallback } = this.#options;
    if (fallback === undefined || this.usingFallback) return;
    this.#apply({
      address: cidr(fallback.address),
      router: fallback.router === undefined ? undefined : ip(fallback.router),
      dns: (fallback.dns ?? []).map((text) => ip(text)),
      server: undefined,
      domain: '',
      seconds: 0,
    });
    this.usingFallback = true;
  }

  /** One line for people. */
  describe(): string {
    const lease = this.lease;
    if (lease === undefined) return this.phase;
    const dns = lease.dns.map((server) => formatIpv4(server.w3)).join(', ');
    const how = this.usingFallback ? 'static fallback' : `lease ${lease.seconds} s from ${lease.server}`;
    return `${lease.address.address}/${lease.address.prefix}, router ${lease.router ?? 'none'}, DNS ${dns || 'none'}, ${how}`;
  }
}

const BROADCAST = IpAddress.v4(0xffffffff);

// An address that a host can have.
function usable(address: number): boolean {
  const top = address >>> 24;
  return top > 0 && top < 224 && top !== 127;
}
