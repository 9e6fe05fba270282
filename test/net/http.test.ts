import { describe, expect, it } from 'vitest';
import type { App } from '../../src/net/index.js';
import {
  type BodySource,
  HttpClient,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
} from '../../src/net/index.js';
import { Lab } from './support.js';

/** A server that answers each connection with fixed bytes, in pieces. */
class Canned implements App {
  constructor(lab: Lab, answer: string, close = true, piece = 7) {
    const listener = lab.gateway.listen(8080);
    const bytes = new TextEncoder().encode(answer);
    this.step = () => {
      const socket = listener.accept();
      if (socket) this.sockets.push({ socket, sent: 0 });
      let moved = false;
      for (const item of this.sockets) {
        if (item.socket.readable) {
          this.asked += Buffer.from(
            item.socket.layer.arena.u8.subarray(item.socket.readAt, item.socket.readAt + item.socket.readRun),
          );
          item.socket.consume(item.socket.readRun);
        }
        const count = item.socket.write(bytes, item.sent, Math.min(piece, bytes.length - item.sent));
        item.sent += count;
        if (count > 0) moved = true;
        if (item.sent === bytes.length && close) item.socket.close();
      }
      return moved || socket !== undefined;
    };
  }
  asked = '';
  sockets: { socket: import('../../src/stack/index.js').TcpSocket; sent: number }[] = [];
  step: (now: number) => boolean;
  nextDeadline() {
    return Number.POSITIVE_INFINITY;
  }
}

function ask(answer: string, request: Partial<HttpRequest> = {}, close = true) {
  const lab = new Lab();
  lab.run(() => lab.dhcp!.bound);
  const server = lab.gatewayLoop.add(new Canned(lab, answer, close));
  let body = '';
  const client = lab.clientLoop.add(
    new HttpClient(lab.client, lab.dns, {
      url: 'http://gateway.lab:8080/x',
      onBody: (u8, at, bytes) => {
        body += Buffer.from(u8.subarray(at, at + bytes)).toString('latin1');
      },
      ...request,
    }),
  );
  expect(lab.run(() => client.ended, 200_000_000)).toBe(true);
  return { client, body, server, lab };
}

describe('HTTP client', () => {
  it('sends what it should', () => {
    const { server } = ask('HTTP/1.1 204 No Content\r\n\r\n', { headers: { 'X-A': 'b\r\nEvil: c' } });
    expect(server.asked).toBe(
      'GET /x HTTP/1.1\r\nHost: gateway.lab:8080\r\nUser-Agent: nicforge\r\nConnection: close\r\nX-A: b  Evil: c\r\n\r\n',
    );
  });
  it('reads a body to the end of the connection', () => {
    const { client, body } = ask('HTTP/1.0 200 OK\r\n\r\nhello');
    expect([client.phase, body, client.total]).toEqual(['done', 'hello', undefined]);
  });
  it('reads a body of a length, and no more', () => {
    const { client, body } = ask('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef');
    expect([client.phase, body]).toEqual(['done', 'abc']);
  });
  it('reads chunks with extensions and trailers', () => {
    const { client, body } = ask(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
      {},
      false,
    );
    expect([client.phase, body]).toEqual(['done', 'abc0123456789']);
  });
  it('reads over interim answers and bare line feeds', () => {
    const { client, body } = ask('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi');
    expect([client.status, body]).toEqual([200, 'hi']);
  });
  it('drops the body of an answer to HEAD', () => {
    const { client } = ask('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n', { method: 'HEAD' }, false);
    expect([client.phase, client.received]).toEqual(['done', 0]);
  });
  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'cut'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab', 'cut'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nab', 'bad-response'],
    ['HTTP/1.1 200 OK\r\nBad Header: 1\r\n\r\n', 'bad-response'],
    ['SSH-2.0\r\n\r\n', 'bad-response'],
    [`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 'bad-response'],
    ['', 'cut'],
  ])('refuses bad answer %#', (answer, code) => {
    const { client } = ask(answer);
    expect([client.phase, client.error?.code]).toEqual(['failed', code]);
  });
  it('times out in each phase', () => {
    const { client } = ask('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', { deadlines: { body: 500_000 } }, false);
    expect([client.error?.code, client.error?.phase]).toEqual(['timeout', 'body']);
    const { client: other } = ask('HTTP/1.1', { deadlines: { head: 500_000 } }, false);
    expect([other.error?.code, other.error?.phase]).toEqual(['timeout', 'head']);
  });
  it('follows redirects up to a limit', () => {
    const { client } = ask('HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n', { redirects: 3 });
    expect(client.error?.code).toBe('too-many-redirects');
    const { client: plain } = ask('HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n');
    expect(plain.status).toBe(302);
    const { client: away } = ask('HTTP/1.1 302 Found\r\nLocation: http://gateway.lab/bytes/5\r\n\r\n', {
      redirects: 3,
    });
    expect([away.status, away.received]).toEqual([200, 5]);
  });
  it('can be cancelled', () => {
    const lab = new Lab();
    const client = lab.clientLoop.add(new HttpClient(lab.client, lab.dns, { url: 'http://gateway.lab/' }));
    client.cancel(0);
    expect([client.error?.code, client.step(0)]).toEqual(['aborted', false]);
  });
});

function serve(options: Omit<HttpServerOptions, 'port'>, text: string) {
  const lab = new Lab();
  lab.run(() => lab.dhcp!.bound);
  const server = lab.gatewayLoop.add(new HttpServer(lab.gateway, { port: 8081, ...options }));
  const socket = lab.client.connect('10.0.2.1', 8081);
  lab.clientLoop.kick();
  let answer = '';
  let sent = 0;
  const bytes = new TextEncoder().encode(text);
  const buffer = new Uint8Array(65536);
  lab.run(() => {
    const wrote = socket.connected && sent < bytes.length ? socket.write(bytes, sent) : 0;
    sent += wrote;
    const count = socket.read(buffer);
    answer += Buffer.from(buffer.subarray(0, count)).toString('latin1');
    if (count > 0 || wrote > 0) lab.clientLoop.kick();
    return socket.atEnd && sent === bytes.length;
  }, 60_000_000);
  return { answer, server, socket };
}

describe('HTTP server', () => {
  const handler: HttpServerOptions['handler'] = (request) =>
    request.path === '/boom' ? fail() : { status: 200, body: `${request.method} ${request.path} ${request.query};` };
  const fail = (): never => {
    throw new Error('boom');
  };
  it('answers several requests on one connection, pipelined', () => {
    const { answer, server } = serve(
      { handler },
      'GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyzGET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1.1 200 OK/g)?.length).toBe(3);
    expect(answer).toMatch(/GET \/a b;HTTP[\s\S]*POST \/c ;HTTP[\s\S]*GET \/d ;$/);
    expect(server.served).toBe(3);
  });
  it.each([
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['GET /boom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 500],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
  ])('answers wrong request %# with the right status', (text, status) => {
    expect(serve({ handler }, text).answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
  it('lets idle connections go', () => {
    const { socket } = serve({ handler, idle: 1_000_000 }, 'GET / HT');
    expect(socket.end).toBe('reset');
  });
  it('cuts the connection when a source ends too early', () => {
    const body: BodySource = { length: 100, pull: () => -1 };
    const { socket } = serve({ handler: () => ({ status: 200, body }) }, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(socket.end).toBe('reset');
  });
  it('asks for the body when the client waits to be asked', () => {
    const { answer } = serve(
      { handler },
      'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab',
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });
});
