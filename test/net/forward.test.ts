/** Ways through the gateway, on the real clock: a guest's stack on one cable with it, real sockets of this host behind. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RealTime } from '../../src/hosts/uplinks/index.js';
import { Gateway, PortPhy } from '../../src/lab/index.js';
import { Cable } from '../../src/link/index.js';
import { connectTcp, NetLoop, type TcpConnection, TcpServer } from '../../src/net/index.js';
import { TcpForward, TcpPublish, UdpForward } from '../../src/net/node/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Random } from '../../src/platform/random.js';
import { ip, Stack } from '../../src/stack/index.js';

const BYTES = 8 << 20;
const DATA = Buffer.alloc(BYTES);
const random = new Random('forward');
for (let at = 0; at < BYTES; at += 4) DATA.writeInt32LE(random.u32() | 0, at);
const SUM = createHash('sha256').update(DATA).digest('hex');

let time: RealTime;
let gateway: Gateway;
let guest: NetLoop;
let ways: { close(): void }[];
let servers: Server[];
let sockets: Socket[];

/** A loop whose kicks reach the real clock also from promises. */
function awake(loop: NetLoop): NetLoop {
  const kick = loop.kick.bind(loop);
  loop.kick = () => {
    kick();
    time.soon();
  };
  return loop;
}

beforeEach(() => {
  time = new RealTime();
  ways = [];
  servers = [];
  sockets = [];
  const { scheduler } = time;
  const arena = new OwnedArena(128 << 20);
  gateway = new Gateway({ scheduler, arena, random: new Random('gateway') });
  const phy = new PortPhy({ arena, mac: Uint8Array.of(2, 0, 0, 0, 0, 1), name: 'guest' });
  const stack = new Stack({ device: phy, arena, random: new Random('guest') });
  stack.addAddress('10.0.2.15/24');
  stack.setDefaultRoute('10.0.2.2');
  guest = awake(new NetLoop({ scheduler, stack }));
  phy.onReady = () => guest.kick();
  awake(gateway.loop);
  new Cable(phy.port, gateway.port, { scheduler, arena });
  guest.start();
  time.kick();
});

afterEach(async () => {
  for (const way of ways) way.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  time.kick();
  time.stop();
});

function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  servers.push(server);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

function forward(port: number, address = '10.0.2.2', connections?: number): TcpForward {
  const way = new TcpForward(
    { loop: gateway.loop, turns: time, ...(connections === undefined ? {} : { connections }) },
    { address, port: 8080 },
    { host: '127.0.0.1', port },
  );
  ways.push(way);
  return way;
}

async function until(what: string, done: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function readAll(connection: TcpConnection): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let part = await connection.read(); part !== undefined; part = await connection.read()) parts.push(part);
  return Buffer.concat(parts);
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('TCP from guests to this host', () => {
  test('8 MiB up, half closed, then 8 MiB down, each with the right hash', async () => {
    const hash = createHash('sha256');
    const port = await listen((socket) => {
      socket.on('data', (bytes) => hash.update(bytes));
      socket.on('end', () => socket.end(DATA));
    });
    const way = forward(port);
    const connection = await connectTcp(guest, '10.0.2.2', 8080);
    await connection.write(DATA);
    connection.close();
    expect(sha(await readAll(connection))).toBe(SUM);
    expect(hash.digest('hex')).toBe(SUM);
    expect(await connection.ended()).toBe('closed');
    await until('the pipe is forgotten', () => way.size === 0);
    expect(way.counts).toEqual({ opened: 1, toHost: BYTES, fromHost: BYTES });
  });

  test('the host closes first: the guest may go on sending', async () => {
    const hash = createHash('sha256');
    let ended = false;
    const port = await listen((socket) => {
      socket.end('bye');
      socket.on('data', (bytes) => hash.update(bytes));
      socket.on('end', () => {
        ended = true;
      });
    });
    const way = forward(port);
    const connection = await connectTcp(guest, '10.0.2.2', 8080);
    expect((await readAll(connection)).toString()).toBe('bye');
    await connection.write(DATA);
    connection.close();
    await until('the host saw the end', () => ended);
    expect(hash.digest('hex')).toBe(SUM);
    await until('the pipe is forgotten', () => way.size === 0);
  });

  test('a host that does not read stops the guest within bounds; nothing is lost when it reads again', async () => {
    let outer: Socket | undefined;
    const port = await listen((socket) => {
      socket.pause();
      outer = socket;
    });
    const way = forward(port);
    const connection = await connectTcp(guest, '10.0.2.2', 8080);
    const big = Buffer.concat([DATA, DATA, DATA, DATA]);
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < big.length; at += 65_536) {
        await connection.write(big.subarray(at, at + 65_536));
        written = at + 65_536;
      }
      connection.close();
    })();
    await until('the host has connected', () => outer !== undefined);
    // Until nothing moves any more.
    for (let before = -1; before !== written || written === 0; ) {
      before = written;
      for (let i = 0; i < 400; i++) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    // Our rings and the kernel's socket buffers (net.ipv4.tcp_wmem and tcp_rmem) hold some; by far not all.
    expect(written).toBeLessThan(big.length / 2 + (8 << 20));
    expect(way.counts.toHost).toBeLessThan(big.length / 2 + (8 << 20));
    const hash = createHash('sha256');
    let got = 0;
    outer!.on('data', (bytes) => {
      hash.update(bytes);
      got += bytes.length;
    });
    outer!.resume();
    await writing;
    await until('all has arrived', () => got === big.length);
    expect(hash.digest('hex')).toBe(sha(big));
  });

  test('a guest that does not read stops the host within bounds', async () => {
    let sent = 0;
    const port = await listen((socket) => {
      const more = (): void => {
        while (sent < 64 << 20) {
          sent += 65_536;
          if (!socket.write(DATA.subarray(0, 65_536))) return;
        }
      };
      socket.on('drain', more);
      more();
    });
    const way = forward(port);
    const connection = await connectTcp(guest, '10.0.2.2', 8080);
    for (let before = -1; before !== sent; ) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(way.counts.fromHost).toBeLessThan(1 << 20);
    expect(sent).toBeLessThan(40 << 20);
    const first = await connection.read();
    expect(Buffer.compare(first!, DATA.subarray(0, first!.length))).toBe(0);
  });

  test('a reset of either side passes to the other', async () => {
    const reasons: string[] = [];
    const port = await listen((socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => reasons.push(error.code ?? ''));
      socket.on('data', (bytes) => {
        if (bytes.toString() === 'reset me') socket.resetAndDestroy();
      });
    });
    const way = forward(port);
    const one = await connectTcp(guest, '10.0.2.2', 8080);
    await one.write(Buffer.from('reset me'));
    expect(await one.ended()).toBe('reset');
    const two = await connectTcp(guest, '10.0.2.2', 8080);
    await two.write(Buffer.from('hello'));
    await until('it passed', () => way.counts.toHost === 8 + 5);
    two.abort();
    await until('the host got it', () => reasons.length > 0);
    expect(reasons).toEqual(['ECONNRESET']);
    await until('both are forgotten', () => way.size === 0);
  });

  test('nobody listens on the host: the guest gets a reset', async () => {
    const port = await listen(() => undefined);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    forward(port);
    const connection = await connectTcp(guest, '10.0.2.2', 8080);
    expect(await connection.ended()).toBe('reset');
  });

  test('more connections than allowed wait for their turn', async () => {
    let open = 0;
    let most = 0;
    const port = await listen((socket) => {
      most = Math.max(most, ++open);
      socket.on('close', () => open--);
      socket.on('data', (bytes) => socket.write(bytes));
      socket.on('end', () => socket.end());
    });
    forward(port, '10.0.2.2', 2);
    const one = async (): Promise<string> => {
      const connection = await connectTcp(guest, '10.0.2.2', 8080);
      await connection.write(Buffer.from('x'));
      const back = await connection.read();
      connection.close();
      await readAll(connection);
      return Buffer.from(back!).toString();
    };
    expect(await Promise.all(Array.from({ length: 9 }, one))).toEqual(new Array(9).fill('x'));
    expect(most).toBe(2);
  });
});

describe('beyond the gateway', () => {
  test('what is not allowed is refused: TCP by a reset, UDP and ping by ICMP; ports of the gateway are not elsewhere', async () => {
    for (const [address, port] of [
      ['192.0.2.1', 8080],
      ['192.0.2.1', 80],
      ['192.0.2.1', 7],
      ['8.8.8.8', 53],
    ] as const)
      await expect(connectTcp(guest, address, port)).rejects.toMatchObject({ reason: 'refused' });
    const udp = guest.stack.udp();
    udp.send(ip('192.0.2.1'), 7, Buffer.from('?'));
    guest.kick();
    await until('ICMP came', () => udp.error !== undefined);
    expect(udp.error).toBe('unreachable');
    expect(udp.readable).toBe(false);
    const before = gateway.stack.stats.icmpErrorsOut;
    const ping = guest.stack.ping();
    ping.ping(ip('192.0.2.1'), time.scheduler.now);
    guest.kick();
    await until('ICMP came', () => gateway.stack.stats.icmpErrorsOut > before);
    // The gateway itself still answers, and for nobody else's address on the link.
    udp.send(ip('10.0.2.2'), 7, Buffer.from('echo'));
    guest.kick();
    await until('the echo came', () => udp.readable);
    await expect(connectTcp(guest, '10.0.2.77', 80, { connectTimeout: 5_000_000 })).rejects.toMatchObject({
      reason: 'unreachable',
    });
  });

  test('an address that is allowed is reached under that address, on that port only', async () => {
    const port = await listen((socket) => socket.end('here'));
    forward(port, '192.0.2.9');
    const connection = await connectTcp(guest, '192.0.2.9', 8080);
    expect(connection.socket.remote.toString()).toBe('192.0.2.9');
    expect((await readAll(connection)).toString()).toBe('here');
    await expect(connectTcp(guest, '192.0.2.9', 8081)).rejects.toMatchObject({ reason: 'refused' });
    await expect(connectTcp(guest, '192.0.2.10', 8080)).rejects.toMatchObject({ reason: 'refused' });
  });
});

describe('TCP from this host to guests', () => {
  test('8 MiB each way at once; each end closes by itself', async () => {
    const server = new TcpServer(guest, 22);
    const way = await TcpPublish.open(
      { loop: gateway.loop, turns: time },
      { host: '127.0.0.1', port: 0 },
      { host: '10.0.2.15', port: 22 },
    );
    ways.push(way);
    const outer = connect({ port: way.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(outer);
    const got = createHash('sha256');
    outer.on('data', (bytes) => got.update(bytes));
    const ended = new Promise((resolve) => outer.on('end', resolve));
    outer.end(DATA);
    const connection = (await server.accept())!;
    const both = await Promise.all([readAll(connection), connection.write(DATA).then(() => connection.close())]);
    await ended;
    expect(sha(both[0])).toBe(SUM);
    expect(got.digest('hex')).toBe(SUM);
    await until('forgotten', () => way.size === 0);
  });

  test('a guest that refuses resets the connection', async () => {
    const way = await TcpPublish.open(
      { loop: gateway.loop, turns: time },
      { host: '127.0.0.1', port: 0 },
      { host: '10.0.2.15', port: 23 },
    );
    ways.push(way);
    const outer = connect(way.port, '127.0.0.1');
    sockets.push(outer);
    const code = await new Promise((resolve) =>
      outer.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    expect(code).toBe('ECONNRESET');
    await until('forgotten', () => way.size === 0);
  });
});

describe('UDP', () => {
  test('datagrams there and back, a socket for each sender, bounded in number', async () => {
    const host = createSocket('udp4');
    const senders = new Set<number>();
    host.on('message', (bytes, from) => {
      senders.add(from.port);
      host.send(`re: ${bytes}`, from.port, from.address);
    });
    await new Promise<void>((resolve) => host.bind(0, '127.0.0.1', resolve));
    const way = new UdpForward(
      { loop: gateway.loop, turns: time },
      { address: '192.0.2.53', port: 53 },
      { host: '127.0.0.1', port: host.address().port },
    );
    ways.push(way);
    const into = new Uint8Array(2000);
    for (let i = 0; i < 70; i++) {
      const udp = guest.stack.udp();
      udp.send(ip('192.0.2.53'), 53, Buffer.from(`question ${i}`));
      guest.kick();
      await until(`answer ${i}`, () => udp.readable);
      expect(Buffer.from(into.subarray(0, udp.receive(into))).toString()).toBe(`re: question ${i}`);
      expect(udp.from.toString()).toBe('192.0.2.53');
      udp.close();
    }
    expect(senders.size).toBe(70);
    expect(way.size).toBe(64);
    expect(way.counts).toEqual({ toHost: 70, fromHost: 70, lost: 0 });
    host.close();
  });
});
