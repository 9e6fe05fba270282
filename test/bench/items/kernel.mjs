/** Node's `net` over the kernel's loopback: once with both ends in this thread, once with the server in a worker. */
import { connect, createServer } from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { gigabits, nanoseconds, serve } from './item.mjs';
import { Comparison, piece } from './stream.mjs';

const CHUNK = 65_536;

/** A server that sends `bytes` of the stream to whoever connects. @returns its port */
function listen(bytesOf) {
  const server = createServer((socket) => {
    const bytes = bytesOf();
    let sent = 0;
    const more = () => {
      while (sent < bytes) {
        const part = piece(sent, Math.min(CHUNK, bytes - sent));
        sent += part.length;
        if (!socket.write(part)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    socket.on('error', () => {});
    more();
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

function fetchAll(port, bytes) {
  return new Promise((resolve, reject) => {
    const comparison = new Comparison();
    const begun = nanoseconds();
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (data) => {
      comparison.update(data, 0, data.length);
      if (comparison.position >= bytes) {
        const took = nanoseconds() - begun;
        socket.destroy();
        try {
          comparison.check(bytes);
          resolve(took);
        } catch (error) {
          reject(error);
        }
      }
    });
    socket.on('error', reject);
  });
}

if (!isMainThread) {
  let bytes = 0;
  parentPort.on('message', (message) => {
    bytes = message.bytes;
    parentPort.postMessage({ set: true });
  });
  parentPort.postMessage({ port: await listen(() => bytes) });
} else if (process.send) {
  let wanted = 0;
  let here;
  let worker;
  let there;
  const answer = () => new Promise((resolve) => worker.once('message', resolve));
  serve(async ({ bytes }) => {
    wanted = bytes;
    here ??= await listen(() => wanted);
    if (worker === undefined) {
      worker = new Worker(new URL(import.meta.url));
      there = (await answer()).port;
    }
    worker.postMessage({ bytes });
    await answer();
    return {
      'one thread': gigabits(bytes, await fetchAll(here, bytes)),
      'server in a worker': gigabits(bytes, await fetchAll(there, bytes)),
    };
  });
}
