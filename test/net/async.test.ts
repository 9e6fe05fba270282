import { describe, expect, it } from 'vitest';
import { ConnectionError, connectTcp, HttpClient, TcpServer, untilEnded } from '../../src/net/index.js';
import { Lab } from './support.js';

/** Runs virtual time, a full turn of promises between steps that did nothing new. */
async function settle<T>(lab: Lab, promise: Promise<T>): Promise<T> {
  let done = false;
  const end = promise.finally(() => {
    done = true;
  });
  end.catch(() => {});
  for (let i = 0; i < 200_000 && !done; i++) {
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!lab.scheduler.advance()) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(done).toBe(true);
  return end;
}

async function lab(): Promise<Lab> {
  const made = new Lab();
  made.run(() => made.dhcp!.bound);
  return made;
}

describe('async sockets', () => {
  it('carry streams both ways', async () => {
    const world = await lab();
    const server = new TcpServer(world.gatewayLoop, 5000);
    const echo = (async () => {
      const connection = await server.accept();
      await connection!.readable.pipeTo(connection!.writable);
    })();
    const data = new Uint8Array(1_000_000).map((_, i) => i * 5);
    const work = (async () => {
      const connection = await connectTcp(world.clientLoop, '10.0.2.1', 5000);
      const writer = connection.writable.getWriter();
      const writing = writer.write(data).then(() => writer.close());
      const parts: Uint8Array[] = [];
      for await (const part of connection.readable as unknown as AsyncIterable<Uint8Array>) parts.push(part);
      await writing;
      return Buffer.concat(parts);
    })();
    const back = await settle(world, work);
    await settle(world, echo);
    expect(Buffer.compare(back, data)).toBe(0);
  });
  it('say why they ended, and wake everybody', async () => {
    const world = await lab();
    const refused = await settle(
      world,
      connectTcp(world.clientLoop, '10.0.2.1', 5001).catch((error: unknown) => error),
    );
    expect(refused).toBeInstanceOf(ConnectionError);
    expect((refused as ConnectionError).reason).toBe('refused');
    const server = new TcpServer(world.gatewayLoop, 5002);
    const connection = await settle(world, connectTcp(world.clientLoop, '10.0.2.1', 5002));
    const peer = await settle(world, server.accept());
    const waiting = [connection.read(), connection.ended(), connection.write(new Uint8Array(9_000_000))];
    const results = Promise.allSettled(waiting);
    peer!.abort();
    const settled = await settle(world, results);
    expect(settled.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    const accepting = server.accept();
    server.close();
    expect(await settle(world, accepting)).toBeUndefined();
  });
  it('run an HTTP client to its end', async () => {
    const world = await lab();
    const client = new HttpClient(world.client, world.dns, { url: 'http://gateway.lab/bytes/1000' });
    await settle(world, untilEnded(world.clientLoop, client));
    expect([client.phase, client.received]).toEqual(['done', 1000]);
  });
});
