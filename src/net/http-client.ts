/**
 * HTTP/1.1 client as a stepped state machine: resolve, connect, send, head, body; a deadline for each phase; the body goes to
 * a sink in place. One request per object.
 */
import { type Micros, NEVER } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';
import type { DnsClient, DnsQuery } from '../stack/socket/dns.js';
import type { TcpSocket } from '../stack/socket/tcp/socket.js';
import type { TcpSettings } from '../stack/socket/tcp/types.js';
import { IpAddress, parseIpv4 } from '../stack/wire/address.js';
import { BodyReader, type BodySink } from './http-body.js';
import { bodyLength, HeadReader, type HttpHead } from './http-head.js';
import type { App } from './loop.js';
import { type HttpUrl, parseUrl, resolveUrl } from './url.js';

/** Where a request is. */
export type HttpPhase = 'resolve' | 'connect' | 'send' | 'head' | 'body' | 'done' | 'failed';

/** Why a request failed. */
export type HttpErrorCode =
  | 'bad-url'
  | 'dns'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'aborted'
  | 'timeout'
  | 'bad-response'
  | 'cut'
  | 'too-many-redirects';

/** What went wrong, in which phase. */
export interface HttpError {
  readonly code: HttpErrorCode;
  readonly phase: HttpPhase;
  readonly message: string;
}

/** A body to send, produced into the socket as room appears. */
export interface BodySource {
  /** Bytes in all, or `undefined` when only the source knows the end: then chunks are sent. */
  readonly length: number | undefined;
  /** Writes up to `most` bytes into `u8` at `at`; returns how many, or -1 at the end. 0 means "later". */
  pull(u8: Uint8Array, at: number, most: number): number;
}

/** Longest time for each phase, in microseconds. The body's begins anew with each byte. */
export interface HttpDeadlines {
  readonly resolve: Micros;
  readonly connect: Micros;
  readonly send: Micros;
  readonly head: Micros;
  readonly body: Micros;
}

/** A request. */
export interface HttpRequest {
  /** Default GET. */
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | BodySource;
  /** Gets the body of the final answer. Default: it is dropped. */
  readonly onBody?: BodySink;
  /** Called after each piece with bytes so far and the total, if known. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  readonly onDone?: (client: HttpClient) => void;
  readonly deadlines?: Partial<HttpDeadlines>;
  /** Redirects followed for GET and HEAD. Default 0. */
  readonly redirects?: number;
  readonly tcp?: TcpSettings;
}

const SECOND = 1_000_000;
const DEADLINES: HttpDeadlines = {
  resolve: 30 * SECOND,
  connect: 30 * SECOND,
  send: 60 * SECOND,
  head: 30 * SECOND,
  body: 30 * SECOND,
};
/** Bytes moved per step, each way. */
const STEP_BYTES = 1 << 20;
const CHUNK = 16384;

/** One request. Add it to a loop (or step it), then watch `phase` or `onDone`. */
export class HttpClient implements App {
  phase: HttpPhase = 'resolve';
  error: HttpError | undefined;
  /** Status of the final answer, 0 before. */
  status = 0;
  head: HttpHead | undefined;
  /** Body bytes received, and how many there will be, if known. */
  received = 0;
  total: number | undefined;
  /** When it was made, when the name was known, the connection open, the head in, and the end. */
  readonly times = { begun: 0, resolved: 0, connected: 0, head: 0, ended: 0 };
  url: HttpUrl;
  readonly #stack: Stack;
  readonly #dns: DnsClient | undefined;
  readonly #request: HttpRequest;
  readonly #deadlines: HttpDeadlines;
  readonly #reader = new HeadReader();
  readonly #body = new BodyReader();
  #query: DnsQuery | undefined;
  #socket: TcpSocket | undefined;
  #deadline: Micros;
  #out = new Uint8Array(0);
  #sent = 0;
  #bodySent = 0;
  #bodyDone = false;
  #redirects = 0;
  readonly #chunk = new Uint8Array(CHUNK + 16);

  /** `dns` may be left out when all hosts are IPv4 literals. Errors appear in `error`, also that of a bad URL. */
  constructor(stack: Stack, dns: DnsClient | undefined, request: HttpRequest) {
    this.#stack = stack;
    this.#dns = dns;
    this.#request = request;
    this.#deadlines = { ...DEADLINES, ...request.deadlines };
    this.#deadline = stack.now + this.#deadlines.resolve;
    this.times.begun = stack.now;
    this.url = { host: '', port: 80, target: '/', authority: '' };
    try {
      this.url = parseUrl(request.url);
    } catch (error) {
      this.#fail('bad-url', error instanceof Error ? error.message : String(error), stack.now);
    }
  }

  /** Finished, well or not. */
  get ended(): boolean {
    return this.phase === 'done' || this.phase === 'failed';
  }

  nextDeadline(): Micros {
    if (this.ended) return NEVER;
    // The first step needs no event.
    return this.phase === 'resolve' && this.#query === undefined ? this.#stack.now : this.#deadline;
  }

  /** Gives up. */
  cancel(now: Micros): void {
    if (!this.ended) this.#fail('aborted', 'cancelled', now);
  }

  step(now: Micros): boolean {
    if (this.ended) return false;
    if (now >= this.#deadline) {
      this.#fail('timeout', `${this.phase} took longer than ${this.#deadlines[this.phase as 'head'] / SECOND} s`, now);
      return true;
    }
    switch (this.phase) {
      case 'resolve':
        return this.#resolve(now);
      case 'connect':
        return this.#connect(now);
      case 'send':
        return this.#send(now);
      case 'head':
        return this.#head(now);
      default:
        return this.#receive(now);
    }
  }

  #enter(phase: 'resolve' | 'connect' | 'send' | 'head' | 'body', now: Micros): void {
    this.phase = phase;
    this.#deadline = now + this.#deadlines[phase];
  }

  #fail(code: HttpErrorCode, message: string, now: Micros): void {
    this.error = { code, phase: this.phase, message };
    this.phase = 'failed';
    this.#end(now, true);
  }

  #end(now: Micros, abort: boolean): void {
    this.times.ended = now;
    if (this.#query !== undefined && !this.#query.done) this.#dns?.cancel(this.#query);
    const socket = this.#socket;
    this.#socket = undefined;
    if (abort) socket?.abort();
    else socket?.release();
    this.#request.onDone?.(this);
  }

  #resolve(now: Micros): boolean {
    if (this.#query === undefined) {
      const dns = this.#dns;
      this.#query = dns?.resolve(this.url.host, now) ?? literalOnly(this.url.host);
    }
    const query = this.#query;
    if (!query.done) return false;
    const address = query.addresses[0];
    if (address === undefined) {
      this.#fail('dns', `${this.url.host}: ${query.error ?? 'no address'}`, now);
      return true;
    }
    this.times.resolved = now;
    this.#enter('connect', now);
    try {
      const connectTimeout = this.#deadlines.connect + SECOND;
      this.#socket = this.#stack.connect(address, this.url.port, { connectTimeout, ...this.#request.tcp });
    } catch (error) {
      this.#fail('unreachable', error instanceof Error ? error.message : String(error), now);
    }
    return true;
  }

  // The connection ended before the answer was whole.
  #lost(now: Micros): boolean {
    const end = this.#socket!.end;
    const code = end === 'closed' || end === undefined ? 'cut' : end === 'no-memory' ? 'aborted' : end;
    this.#fail(code, `${this.url.authority}: connection ${end ?? 'closed'} during ${this.phase}`, now);
    return true;
  }

  #connect(now: Micros): boolean {
    const socket = this.#socket!;
    if (socket.ended) return this.#lost(now);
    if (!socket.connected) return false;
    this.times.connected = now;
    this.#out = this.#requestHead();
    this.#sent = this.#bodySent = 0;
    this.#bodyDone = this.#request.body === undefined;
    this.#enter('send', now);
    return this.#send(now) || true;
  }

  #requestHead(): Uint8Array<ArrayBuffer> {
    const { method = 'GET', body, headers = {} } = this.#request;
    const fields: Record<string, string> = { Host: this.url.authority, 'User-Agent': 'nicforge', Connection: 'close' };
    if (body !== undefined) {
      if (body.length === undefined) fields['Transfer-Encoding'] = 'chunked';
      else fields['Content-Length'] = String(body.length);
    }
    Object.assign(fields, headers);
    let text = `${method} ${this.url.target} HTTP/1.1\r\n`;
    // A line end inside a value would begin a field of its own.
    for (const [name, value] of Object.entries(fields)) text += `${name}: ${value.replace(/[\r\n\0]/g, ' ')}\r\n`;
    return new TextEncoder().encode(`${text}\r\n`);
  }

  #send(now: Micros): boolean {
    const socket = this.#socket!;
    const before = this.#sent + this.#bodySent;
    if (this.#sent < this.#out.length) this.#sent += socket.write(this.#out, this.#sent);
    if (this.#sent === this.#out.length && !this.#bodyDone) this.#sendBody(socket);
    if (this.#bodyDone && this.#sent === this.#out.length) {
      this.#reader.clear();
      this.#enter('head', now);
      return true;
    }
    // An early answer or end is looked at even while there is more to send.
    if (socket.readable > 0 || socket.ended || socket.finished) {
      this.#enter('head', now);
      return true;
    }
    const moved = this.#sent + this.#bodySent > before;
    if (moved) this.#deadline = now + this.#deadlines.send;
    return moved;
  }

  #sendBody(socket: TcpSocket): void {
    const body = this.#request.body!;
    if (body instanceof Uint8Array) {
      this.#bodySent += socket.write(body, this.#bodySent);
      this.#bodyDone = this.#bodySent === body.length;
      return;
    }
    for (let moved = 0; moved < STEP_BYTES && !this.#bodyDone; ) {
      const count = body.length === undefined ? this.#pullChunk(body, socket) : this.#pullPlain(body, socket);
      if (count <= 0) return;
      moved += count;
      this.#bodySent += count;
      if (body.length !== undefined && this.#bodySent >= body.length) this.#bodyDone = true;
    }
  }

  #pullPlain(body: BodySource, socket: TcpSocket): number {
    const most = Math.min(socket.roomRun, body.length! - this.#bodySent);
    if (most === 0) {
      this.#bodyDone = this.#bodySent === body.length;
      return 0;
    }
    const count = body.pull(socket.layer.arena.u8, socket.roomAt, most);
    if (count > 0) socket.wrote(Math.min(count, most));
    return count;
  }

  #pullChunk(body: BodySource, socket: TcpSocket): number {
    const most = Math.min(socket.room - 16, CHUNK);
    if (most <= 0) return 0;
    // Four hex digits always fit a chunk of at most 16 KiB.
    const count = body.pull(this.#chunk, 6, most);
    if (count === 0) return 0;
    if (count < 0) {
      socket.write(LAST_CHUNK);
      this.#bodyDone = true;
      return 0;
    }
    const size = count.toString(16).padStart(4, '0');
    for (let i = 0; i < 4; i++) this.#chunk[i] = size.charCodeAt(i);
    this.#chunk[4] = this.#chunk[count + 6] = 13;
    this.#chunk[5] = this.#chunk[count + 7] = 10;
    socket.write(this.#chunk, 0, count + 8);
    return count;
  }

  #head(now: Micros): boolean {
    const socket = this.#socket!;
    const before = socket.readable;
    const head = this.#reader.read(socket);
    if (head === undefined) return socket.atEnd ? this.#lost(now) : before > 0;
    const match = head === 'bad' ? null : /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(head.start);
    if (head === 'bad' || match === null) {
      this.#fail('bad-response', 'the head of the answer does not parse', now);
      return true;
    }
    const status = Number(match[1]);
    // Interim answers (RFC 9110 §15.2) are read over.
    if (status < 200) return true;
    if (this.#redirect(status, head, now)) return true;
    this.status = status;
    this.head = head;
    this.times.head = now;
    const empty = this.#request.method === 'HEAD' || status === 204 || status === 304;
    const length = empty ? 0 : bodyLength(head, 'close');
    if (length === 'bad') {
      this.#fail('bad-response', 'the length of the body is contradictory', now);
      return true;
    }
    this.total = typeof length === 'number' ? length : undefined;
    this.#body.start(length);
    this.#enter('body', now);
    this.#receive(now);
    return true;
  }

  #redirect(status: number, head: HttpHead, now: Micros): boolean {
    const { method = 'GET', redirects = 0 } = this.#request;
    const location = head.fields.get('location');
    if (redirects === 0 || location === undefined || ![301, 302, 303, 307, 308].includes(status)) return false;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (this.#redirects++ >= redirects) {
      this.#fail('too-many-redirects', `more than ${redirects} redirects`, now);
      return true;
    }
    try {
      this.url = resolveUrl(this.url, location);
    } catch (error) {
      this.#fail('bad-response', error instanceof Error ? error.message : String(error), now);
      return true;
    }
    this.#socket!.release();
    this.#socket = undefined;
    this.#query = undefined;
    this.#enter('resolve', now);
    return true;
  }

  readonly #drop: BodySink = () => {};

  #receive(now: Micros): boolean {
    const socket = this.#socket!;
    const before = this.#body.received;
    const state = this.#body.step(socket, this.#request.onBody ?? this.#drop, STEP_BYTES);
    this.received = this.#body.received;
    if (this.received > before) {
      this.#deadline = now + this.#deadlines.body;
      this.#request.onProgress?.(this.received, this.total);
    }
    if (state === 'done') {
      this.phase = 'done';
      this.#end(now, false);
    } else if (state === 'bad') this.#fail('bad-response', 'a chunk does not parse', now);
    else if (state === 'cut') return this.#lost(now);
    return state !== 'more' || this.received > before;
  }
}

const LAST_CHUNK = new TextEncoder().encode('0\r\n\r\n');

// Without a DNS client only literal addresses are found.
function literalOnly(host: string): DnsQuery {
  const value = parseIpv4(host);
  const addresses = value === undefined ? [] : [IpAddress.v4(value)];
  return {
    name: host,
    done: true,
    addresses,
    error: value === undefined ? 'no-servers' : undefined,
    onDone: undefined,
  };
}
