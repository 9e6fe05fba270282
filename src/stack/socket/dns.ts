/**
 * DNS client (RFC 1035, RFC 5452): A records over UDP, following CNAMEs, with retransmission, rotation of servers, random
 * ids and ports, a cache with the records' TTLs, and negative answers kept as RFC 2308 says.
 */
import { type Micros, NEVER } from '../../platform/clock.js';
import type { Random } from '../../platform/random.js';
import type { StackService } from '../iface/options.js';
import type { Stack } from '../iface/stack.js';
import { IpAddress, parseIpv4 } from '../wire/address.js';
import {
  DNS_PORT,
  DnsCode,
  DnsFlag,
  type DnsMessage,
  DnsType,
  normalName,
  parseDns,
  writeDnsQuery,
} from '../wire/dns.js';
import type { UdpSocket } from './udp.js';

/** Why a name was not found. */
export type DnsError = 'not-found' | 'no-servers' | 'timeout' | 'bad-name' | 'server-failure';

/** A look-up. Watch `done`, or set `onDone` right after starting it. */
export interface DnsQuery {
  readonly name: string;
  readonly done: boolean;
  /** Found addresses; empty until done or when there are none. */
  readonly addresses: readonly IpAddress[];
  readonly error: DnsError | undefined;
  onDone: (() => void) | undefined;
}

/** How the client behaves. */
export interface DnsOptions {
  /** First wait, default 1 s; doubles with each round. */
  readonly firstWait?: Micros;
  /** Queries sent before giving up, over all servers. Default 5. */
  readonly attempts?: number;
  /** Names remembered at most. Default 256. */
  readonly cacheSize?: number;
  /** Longest lifetime believed, in seconds. Default 86400. */
  readonly maxTtl?: number;
}

interface Pending extends DnsQuery {
  done: boolean;
  addresses: IpAddress[];
  error: DnsError | undefined;
  /** The name asked for now: after a CNAME, another one. */
  asking: string;
  id: number;
  tries: number;
  hops: number;
  server: number;
  socket: UdpSocket | undefined;
  deadline: Micros;
}

interface Cached {
  readonly addresses: IpAddress[];
  readonly expires: Micros;
}

const SECOND = 1_000_000;
const MOST_HOPS = 8;
const MOST_QUERIES = 64;

/** The client. Make it with a stack; it registers itself. */
export class DnsClient implements StackService {
  /** In order of preference; DHCP sets them. */
  servers: readonly IpAddress[];
  readonly #stack: Stack;
  readonly #random: Random;
  readonly #options: DnsOptions;
  readonly #queries: Pending[] = [];
  readonly #cache = new Map<string, Cached>();
  readonly #buffer = new Uint8Array(1500);
  readonly #query = new Uint8Array(512);
  /** Answers served from memory, and queries that went out. */
  hits = 0;
  sent = 0;
  /** Answers that did not match what was asked. */
  rejected = 0;

  constructor(stack: Stack, servers: readonly IpAddress[] = [], options: DnsOptions = {}) {
    this.#stack = stack;
    this.servers = servers;
    this.#options = options;
    this.#random = stack.random.fork('dns');
    stack.addService(this);
  }

  get deadline(): Micros {
    let nearest: Micros = NEVER;
    for (let i = 0; i < this.#queries.length; i++) nearest = Math.min(nearest, this.#queries[i]!.deadline);
    return nearest;
  }

  get pending(): boolean {
    for (let i = 0; i < this.#queries.length; i++) {
      const { socket } = this.#queries[i]!;
      if (socket?.readable || socket?.error) return true;
    }
    return false;
  }

  /** Looks a name up. Literal addresses and names in the cache are done at once. */
  resolve(name: string, now = this.#stack.now): DnsQuery {
    const query: Pending = {
      name,
      done: false,
      addresses: [],
      error: undefined,
      onDone: undefined,
      asking: '',
      id: 0,
      tries: 0,
      hops: 0,
      server: 0,
      socket: undefined,
      deadline: NEVER,
    };
    const literal = parseIpv4(name);
    const plain = normalName(name);
    if (literal !== undefined) query.addresses = [IpAddress.v4(literal)];
    if (literal !== undefined || plain === undefined) {
      query.done = true;
      query.error = literal === undefined ? 'bad-name' : undefined;
      return query;
    }
    query.asking = plain;
    if (this.#fromCache(query, now)) return query;
    if (this.servers.length === 0 || this.#queries.length >= MOST_QUERIES) {
      query.done = true;
      query.error = 'no-servers';
      return query;
    }
    this.#queries.push(query);
    this.#ask(query, now);
    return query;
  }

  /** Stops a look-up; it never becomes done. */
  cancel(query: DnsQuery): void {
    const at = this.#queries.indexOf(query as Pending);
    if (at < 0) return;
    this.#queries[at]!.socket?.close();
    this.#queries.splice(at, 1);
  }

  /** Forgets what was learned. */
  flush(): void {
    this.#cache.clear();
  }

  #fromCache(query: Pending, now: Micros): boolean {
    const known = this.#cache.get(query.asking);
    if (known === undefined) return false;
    if (known.expires <= now) {
      this.#cache.delete(query.asking);
      return false;
    }
    this.hits++;
    query.addresses = known.addresses;
    query.error = known.addresses.length === 0 ? 'not-found' : undefined;
    query.done = true;
    return true;
  }

  // Each attempt has a new id and a new port (RFC 5452 §9.2).
  #ask(query: Pending, now: Micros): void {
    query.socket?.close();
    query.socket = undefined;
    const attempts = this.#options.attempts ?? 5;
    if (query.tries >= attempts) {
      this.#finish(query, [], 'timeout');
      return;
    }
    const server = this.servers[query.server % Math.max(this.servers.length, 1)];
    if (server === undefined) {
      this.#finish(query, [], 'no-servers');
      return;
    }
    query.id = this.#random.u32() & 0xffff;
    const bytes = writeDnsQuery(this.#query, query.id, query.asking, DnsType.a);
    const round = Math.floor(query.tries / this.servers.length);
    query.deadline = now + (this.#options.firstWait ?? SECOND) * 2 ** Math.min(round, 6);
    query.tries++;
    try {
      query.socket = this.#stack.udp({ receiveBytes: 4096, sendBytes: 512, receivePackets: 8, sendPackets: 1 });
    } catch {
      // No memory now: the deadline tries again.
      return;
    }
    query.socket.send(server, DNS_PORT, this.#query, 0, bytes);
    this.sent++;
  }

  step(now: Micros): void {
    for (let i = this.#queries.length - 1; i >= 0; i--) {
      const query = this.#queries[i];
      if (query === undefined) continue;
      const socket = query.socket;
      for (let n = 0; n < 8 && socket?.readable && !query.done && query.socket === socket; n++) {
        const bytes = socket.receive(this.#buffer);
        const expected = this.servers[query.server % Math.max(this.servers.length, 1)];
        if (socket.fromPort !== DNS_PORT || expected === undefined || !socket.from.equals(expected)) this.rejected++;
        else this.#answer(query, bytes, now);
      }
      if (query.done) continue;
      if (now >= query.deadline || query.socket?.error !== undefined) {
        query.server++;
        this.#ask(query, now);
      }
    }
  }

  #answer(query: Pending, bytes: number, now: Micros): void {
    const message = parseDns(this.#buffer, 0, bytes);
    const right =
      message !== undefined &&
      message.id === query.id &&
      (message.flags & DnsFlag.response) !== 0 &&
      message.question === query.asking &&
      message.questionType === DnsType.a;
    if (!right) {
      this.rejected++;
      return;
    }
    if (message.code !== DnsCode.ok && message.code !== DnsCode.name) {
      query.server++;
      if (query.tries >= (this.#options.attempts ?? 5)) this.#finish(query, [], 'server-failure');
      else this.#ask(query, now);
      return;
    }
    this.#follow(query, message, now);
  }

  // Walks from the name asked for along CNAMEs to addresses, inside this answer as far as it goes.
  #follow(query: Pending, message: DnsMessage, now: Micros): void {
    let name = query.asking;
    let ttl = this.#options.maxTtl ?? 86400;
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      const found = message.answers.filter((record) => record.type === DnsType.a && record.name === name);
      if (found.length > 0) {
        for (const record of found) ttl = Math.min(ttl, record.ttl);
        const addresses = found.map((record) => IpAddress.v4(record.address));
        this.#remember(query, addresses, ttl, now);
        this.#finish(query, addresses, undefined);
        return;
      }
      const alias = message.answers.find((record) => record.type === DnsType.cname && record.name === name);
      const target = alias === undefined ? undefined : normalName(alias.target);
      if (alias === undefined || target === undefined) break;
      ttl = Math.min(ttl, alias.ttl);
      name = target;
    }
    if (name !== query.asking && message.code === DnsCode.ok && query.hops < MOST_HOPS) {
      // The answer ends at an alias: ask for that one.
      query.hops++;
      query.asking = name;
      query.tries = 0;
      if (this.#fromCache(query, now)) this.#finish(query, query.addresses, query.error);
      else this.#ask(query, now);
      return;
    }
    const soa = message.authority.find((record) => record.type === DnsType.soa);
    if (soa !== undefined) this.#remember(query, [], Math.min(soa.ttl, soa.minimum, 900), now);
    this.#finish(query, [], 'not-found');
  }

  #remember(query: Pending, addresses: IpAddress[], ttl: number, now: Micros): void {
    if (ttl <= 0) return;
    const expires = now + ttl * SECOND;
    for (const name of new Set([query.asking, normalName(query.name) ?? query.asking])) {
      if (this.#cache.size >= (this.#options.cacheSize ?? 256)) this.#cache.delete(this.#cache.keys().next().value!);
      this.#cache.set(name, { addresses, expires });
    }
  }

  #finish(query: Pending, addresses: IpAddress[], error: DnsError | undefined): void {
    query.addresses = addresses;
    query.error = error;
    query.done = true;
    this.cancel(query);
    query.onDone?.();
  }
}
