/** DNS server (RFC 1035) for a small zone: A records and aliases, NXDOMAIN with an SOA for what is not there. */
import { type Micros, NEVER } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';
import type { UdpSocket } from '../stack/socket/udp.js';
import { ip, parseIpv4 } from '../stack/wire/address.js';
import { get16, set16, set32 } from '../stack/wire/bytes.js';
import {
  DNS_BYTES,
  DNS_PORT,
  DnsCode,
  DnsFlag,
  DnsType,
  normalName,
  readDnsName,
  writeDnsName,
} from '../stack/wire/dns.js';
import type { App } from './loop.js';

/** How a server is made. */
export interface DnsServerOptions {
  /** Name to IPv4 addresses, or to another name (an alias). */
  readonly zone: Readonly<Record<string, string | readonly string[]>>;
  /** Seconds, default 300. */
  readonly ttl?: number;
  /** Default 53. */
  readonly port?: number;
}

const LARGEST = 512;

/** The server. Add it to a loop. */
export class DnsServer implements App {
  /** Queries answered. */
  answered = 0;
  /** Let this many queries go unanswered: for tests of clients. */
  ignore = 0;
  readonly #zone = new Map<string, readonly string[]>();
  readonly #ttl: number;
  readonly #socket: UdpSocket;
  readonly #in = new Uint8Array(1500);
  readonly #out = new Uint8Array(LARGEST + 300);

  /** @throws RangeError when the port is taken or a name or address is malformed. */
  constructor(stack: Stack, options: DnsServerOptions) {
    this.#ttl = options.ttl ?? 300;
    for (const [name, value] of Object.entries(options.zone)) this.set(name, value);
    this.#socket = stack.udp({ port: options.port ?? DNS_PORT });
  }

  /** Adds or replaces a name. @throws RangeError when it is malformed. */
  set(name: string, value: string | readonly string[]): void {
    const plain = normalName(name);
    if (plain === undefined) throw new RangeError(`not a host name: ${name}`);
    const values = typeof value === 'string' ? [value] : value;
    for (const entry of values) {
      if (parseIpv4(entry) === undefined && (values.length > 1 || normalName(entry) === undefined)) {
        throw new RangeError(`neither addresses nor a host name: ${entry}`);
      }
    }
    this.#zone.set(plain, values);
  }

  nextDeadline(): Micros {
    return NEVER;
  }

  step(): boolean {
    let count = 0;
    while (count < 32 && this.#socket.readable) {
      const bytes = this.#socket.receive(this.#in);
      count++;
      if (this.ignore > 0) this.ignore--;
      else this.#query(bytes);
    }
    return count > 0;
  }

  #query(bytes: number): void {
    const u8 = this.#in;
    if (bytes < DNS_BYTES || get16(u8, 2) & DnsFlag.response || get16(u8, 4) !== 1) return;
    const name = readDnsName(u8, 0, bytes, DNS_BYTES);
    if (name === undefined || name.next + 4 > bytes) return;
    const type = get16(u8, name.next);
    const out = this.#out;
    out.fill(0, 0, DNS_BYTES);
    set16(out, 0, get16(u8, 0));
    set16(out, 4, 1);
    let p = name.name === '' ? DNS_BYTES + 1 : writeDnsName(out, DNS_BYTES, name.name);
    if (name.name === '') out[DNS_BYTES] = 0;
    set16(out, p, type);
    set16(out, p + 2, 1);
    p += 4;
    let code: number = DnsCode.ok;
    let answers = 0;
    let owner = name.name;
    let ownerAt = DNS_BYTES;
    // Aliases are followed inside the zone, a few at most.
    for (let hop = 0; hop < 8; hop++) {
      const values = this.#zone.get(owner);
      if (values === undefined) {
        if (hop === 0) code = DnsCode.name;
        break;
      }
      const alias = parseIpv4(values[0]!) === undefined ? normalName(values[0]!)! : undefined;
      if (alias === undefined) {
        for (const value of values) {
          if (type !== DnsType.a || p + 16 > LARGEST) break;
          p = this.#record(p, ownerAt, DnsType.a, 4);
          set32(out, p, ip(value).w3);
          p += 4;
          answers++;
        }
        break;
      }
      if (p + 12 + alias.length + 2 > LARGEST) break;
      p = this.#record(p, ownerAt, DnsType.cname, alias.length + 2);
      ownerAt = p;
      p = writeDnsName(out, p, alias);
      owner = alias;
      answers++;
    }
    set16(
      out,
      2,
      DnsFlag.response | 0x0400 | (get16(u8, 2) & DnsFlag.recursionDesired) | DnsFlag.recursionAvailable | code,
    );
    set16(out, 6, answers);
    if (answers === 0) {
      p = this.#soa(p);
      set16(out, 8, 1);
    }
    this.#socket.send(this.#socket.from, this.#socket.fromPort, out, 0, p, this.#socket.to);
    this.answered++;
  }

  // Header of one record whose owner is named at an earlier offset; the offset of its data.
  #record(at: number, ownerAt: number, type: number, length: number): number {
    const out = this.#out;
    set16(out, at, 0xc000 | ownerAt);
    set16(out, at + 2, type);
    set16(out, at + 4, 1);
    set32(out, at + 6, this.#ttl);
    set16(out, at + 10, length);
    return at + 12;
  }

  // RFC 2308 §3: the SOA says how long "no" may be remembered. Its names are the root.
  #soa(at: number): number {
    const out = this.#out;
    out[at] = 0;
    set16(out, at + 1, DnsType.soa);
    set16(out, at + 3, 1);
    set32(out, at + 5, this.#ttl);
    set16(out, at + 9, 22);
    out[at + 11] = out[at + 12] = 0;
    const numbers = [1, 3600, 600, 86400, Math.min(this.#ttl, 60)];
    for (const [i, value] of numbers.entries()) set32(out, at + 13 + i * 4, value);
    return at + 33;
  }

  close(): void {
    this.#socket.close();
  }
}
