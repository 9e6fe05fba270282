/** HTTP/1.1 server as a stepped application: persistent connections, streamed bodies both ways, limits on everything. */
import { type Micros, NEVER } from '../platform/clock.js';
import type { Stack } from '../stack/iface/stack.js';
import type { TcpListener } from '../stack/socket/tcp/listener.js';
import type { TcpSocket } from '../stack/socket/tcp/socket.js';
import type { TcpSettings } from '../stack/socket/tcp/types.js';
import { BodyReader, type BodySink } from './http-body.js';
import type { BodySource } from './http-client.js';
import { bodyLength, HeadReader, type HttpHead } from './http-head.js';
import type { App } from './loop.js';

/** A request whose head has come. */
export interface HttpIncoming {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** After the question mark, or empty. */
  readonly query: string;
  readonly head: HttpHead;
  /** Address of the client. */
  readonly client: string;
}

/** What is sent back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: none. A source without length is sent in chunks. */
  readonly body?: string | Uint8Array | BodySource;
}

/** A handler that wants the request's body first. */
export interface HttpUpload {
  readonly onBody: BodySink;
  /** The body is whole: the answer. */
  finish(): HttpAnswer;
}

/** Decides about a request. Must not throw; if it does, the client gets a 500. */
export type HttpHandler = (request: HttpIncoming) => HttpAnswer | HttpUpload;

/** How a server is made. */
export interface HttpServerOptions {
  /** Default 80. */
  readonly port?: number;
  readonly handler: HttpHandler;
  readonly tcp?: TcpSettings;
  /** Connections at once, default 128. */
  readonly connections?: number;
  /** How long a connection may be idle, default 30 s. */
  readonly idle?: Micros;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
};

const STEP_BYTES = 1 << 20;
const CHUNK = 16384;
const encoder = new TextEncoder();

class Connection {
  readonly socket: TcpSocket;
  deadline: Micros;
  /** The answer's source says "later": step again without an event. */
  working = false;
  ended = false;
  requests = 0;
  readonly #server: HttpServer;
  readonly #reader = new HeadReader();
  readonly #body = new BodyReader();
  #phase: 'head' | 'body' | 'answer' | 'closing' = 'head';
  #sink: BodySink = () => {};
  #finish: () => HttpAnswer = () => ({ status: 200 });
  #keep = true;
  #silent = false;
  #out: Uint8Array = new Uint8Array(0);
  #written = 0;
  #source: BodySource | undefined;
  #sourceSent = 0;
  #chunk: Uint8Array | undefined;

  constructor(server: HttpServer, socket: TcpSocket, now: Micros) {
    this.#server = server;
    this.socket = socket;
    this.deadline = now + server.idle;
  }

  step(now: Micros): boolean {
    if (this.ended) return false;
    if (this.socket.ended || now >= this.deadline) {
      this.#end(!this.socket.ended);
      return true;
    }
    let moved = false;
    for (let i = 0; i < 4 && !this.ended; i++) {
      const progress = this.#once(now);
      if (!progress) break;
      moved = true;
    }
    if (moved) this.deadline = now + this.#server.idle;
    return moved;
  }

  #once(now: Micros): boolean {
    switch (this.#phase) {
      case 'head':
        return this.#head();
      case 'body':
        return this.#read();
      case 'answer':
        return this.#write(now);
      default:
        if (!this.socket.atEnd && this.socket.readable === 0) return false;
        if (this.socket.readable > 0) {
          this.socket.consume(this.socket.readable);
          return true;
        }
        this.#end(false);
        return true;
    }
  }

  #end(abort: boolean): void {
    this.ended = true;
    if (abort) this.socket.abort();
    else this.socket.release();
  }

  #head(): boolean {
    const before = this.socket.readable;
    const head = this.#reader.read(this.socket);
    if (head === undefined) {
      if (this.socket.atEnd) {
        this.#end(false);
        return true;
      }
      return before > 0;
    }
    const match = head === 'bad' ? null : /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(head.start);
    if (head === 'bad' || match === null) {
      this.#refuse(400);
      return true;
    }
    this.requests++;
    const connection = head.fields.get('connection')?.toLowerCase() ?? '';
    this.#keep = match[3] === '1' ? !connection.includes('close') : connection.includes('keep-alive');
    this.#silent = match[1] === 'HEAD';
    const length = bodyLength(head, 0);
    if (length === 'bad' || (match[3] === '1' && head.fields.get('host') === undefined)) {
      this.#refuse(400);
      return true;
    }
    const decision = this.#decide(match[1]!, match[2]!, head);
    if ('onBody' in decision) {
      this.#sink = decision.onBody;
      this.#finish = () => decision.finish();
    } else {
      this.#sink = () => {};
      this.#finish = () => decision;
    }
    if (head.fields.get('expect')?.toLowerCase() === '100-continue') {
      this.socket.write(encoder.encode('HTTP/1.1 100 Continue\r\n\r\n'));
    }
    this.#body.start(length);
    this.#phase = 'body';
    return true;
  }

  #decide(method: string, target: string, head: HttpHead): HttpAnswer | HttpUpload {
    const [path = '/', query = ''] = target.replace(/^http:\/\/[^/]*/i, '').split('?', 2);
    const client = this.socket.remote.toString();
    try {
      return this.#server.handler({ method, path: path || '/', query, head, client });
    } catch {
      return { status: 500 };
    }
  }

  #refuse(status: number): void {
    this.#keep = this.#silent = false;
    this.#answer({ status });
  }

  #read(): boolean {
    const before = this.#body.received;
    const state = this.#body.step(this.socket, this.#sink, STEP_BYTES);
    if (state === 'done') {
      let answer: HttpAnswer;
      try {
        answer = this.#finish();
      } catch {
        answer = { status: 500 };
      }
      this.#answer(answer);
      return true;
    }
    if (state === 'bad') this.#refuse(400);
    else if (state === 'cut') this.#end(true);
    return state !== 'more' || this.#body.received > before;
  }

  #answer(answer: HttpAnswer): void {
    const { status, headers = {}, body } = answer;
    const bytes = typeof body === 'string' ? encoder.encode(body) : body;
    const fields: Record<string, string> = { ...headers };
    this.#source = undefined;
    this.#sourceSent = 0;
    const inline = bytes === undefined || bytes instanceof Uint8Array;
    if (inline) fields['Content-Length'] = String(bytes?.length ?? 0);
    else {
      if (bytes.length === undefined) fields['Transfer-Encoding'] = 'chunked';
      else fields['Content-Length'] = String(bytes.length);
      if (!this.#silent) this.#source = bytes;
    }
    fields['Connection'] = this.#keep ? 'keep-alive' : 'close';
    let text = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Unknown'}\r\n`;
    for (const [name, value] of Object.entries(fields)) text += `${name}: ${value.replace(/[\r\n\0]/g, ' ')}\r\n`;
    const head = encoder.encode(`${text}\r\n`);
    const inlineBytes = inline && bytes !== undefined && !this.#silent ? bytes : new Uint8Array(0);
    this.#out = new Uint8Array(head.length + inlineBytes.length);
    this.#out.set(head);
    this.#out.set(inlineBytes, head.length);
    this.#written = 0;
    this.#phase = 'answer';
    this.#server.served++;
  }

  #write(now: Micros): boolean {
    this.working = false;
    const socket = this.socket;
    const before = this.#written + this.#sourceSent;
    if (this.#written < this.#out.length) this.#written += socket.write(this.#out, this.#written);
    if (this.#written < this.#out.length) return this.#written + this.#sourceSent > before;
    if (this.#source !== undefined && !this.#pump(this.#source, socket)) {
      if (this.working) this.deadline = now + this.#server.idle;
      return this.#written + this.#sourceSent > before;
    }
    this.#source = undefined;
    if (this.#keep) {
      this.#reader.clear();
      this.#phase = 'head';
    } else {
      socket.close();
      this.#phase = 'closing';
    }
    return true;
  }

  // True when the source has been sent whole.
  #pump(source: BodySource, socket: TcpSocket): boolean {
    for (let moved = 0; moved < STEP_BYTES; ) {
      if (source.length !== undefined && this.#sourceSent >= source.length) return true;
      if (source.length === undefined) {
        const sent = this.#pumpChunk(source, socket);
        if (sent < 0) return true;
        if (sent === 0) return false;
        moved += sent;
        continue;
      }
      const most = Math.min(socket.roomRun, source.length - this.#sourceSent);
      if (most === 0) return false;
      const count = source.pull(socket.layer.arena.u8, socket.roomAt, most);
      if (count <= 0) {
        // A source that ends early leaves the client waiting for bytes: cutting the connection tells it.
        if (count < 0) this.#end(true);
        this.working = count === 0;
        return false;
      }
      socket.wrote(Math.min(count, most));
      this.#sourceSent += count;
      moved += count;
    }
    return false;
  }

  // Bytes sent, 0 for "later", -1 after the last chunk.
  #pumpChunk(source: BodySource, socket: TcpSocket): number {
    const chunk = (this.#chunk ??= new Uint8Array(CHUNK + 16));
    const most = Math.min(socket.room - 16, CHUNK);
    if (most <= 0) return 0;
    const count = source.pull(chunk, 6, most);
    this.working = count === 0;
    if (count === 0) return 0;
    if (count < 0) {
      socket.write(encoder.encode('0\r\n\r\n'));
      return -1;
    }
    const size = count.toString(16).padStart(4, '0');
    for (let i = 0; i < 4; i++) chunk[i] = size.charCodeAt(i);
    chunk[4] = chunk[count + 6] = 13;
    chunk[5] = chunk[count + 7] = 10;
    socket.write(chunk, 0, count + 8);
    this.#sourceSent += count;
    return count;
  }
}

/** The server. Add it to a loop. */
export class HttpServer implements App {
  readonly handler: HttpHandler;
  readonly idle: Micros;
  /** Answers begun. */
  served = 0;
  readonly #listener: TcpListener;
  readonly #most: number;
  #connections: Connection[] = [];
  readonly #stack: Stack;

  /** @throws RangeError when the port is taken. */
  constructor(stack: Stack, options: HttpServerOptions) {
    this.#stack = stack;
    this.handler = options.handler;
    this.idle = options.idle ?? 30_000_000;
    this.#most = options.connections ?? 128;
    this.#listener = stack.listen(options.port ?? 80, options.tcp);
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.length;
  }

  step(now: Micros): boolean {
    let moved = false;
    while (this.#connections.length < this.#most && this.#listener.pending > 0) {
      const socket = this.#listener.accept();
      if (socket === undefined) break;
      this.#connections.push(new Connection(this, socket, now));
      moved = true;
    }
    let ended = false;
    for (let i = 0; i < this.#connections.length; i++) {
      const connection = this.#connections[i]!;
      if (connection.step(now)) moved = true;
      if (connection.ended) ended = true;
    }
    if (ended) this.#connections = this.#connections.filter((connection) => !connection.ended);
    return moved;
  }

  nextDeadline(): Micros {
    let nearest: Micros = NEVER;
    for (let i = 0; i < this.#connections.length; i++) {
      const connection = this.#connections[i]!;
      if (connection.working) return this.#stack.now;
      if (connection.deadline < nearest) nearest = connection.deadline;
    }
    return nearest;
  }

  /** Takes no more connections and resets those that are open. */
  close(): void {
    this.#listener.close();
    for (const connection of this.#connections) if (!connection.socket.ended) connection.socket.abort();
    this.#connections = [];
  }
}
