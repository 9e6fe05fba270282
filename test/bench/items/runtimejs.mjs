/**
 * npm `runtimejs`, the pure-JavaScript stack that npm has: loaded twice, so that there are two hosts, with frames handed over
 * in order by a queue. Its segments carry 536 bytes and its window is 8 KiB; both are its own and stay.
 */
import { createRequire } from 'node:module';
import { gigabits, nanoseconds, serve } from './item.mjs';
import { Comparison, piece } from './stream.mjs';

const require = createRequire(import.meta.url);
const CHUNK = 65_536;

/** A fresh copy of its network modules. */
function host(last) {
  for (const key of Object.keys(require.cache)) if (key.includes('/runtimejs/')) delete require.cache[key];
  // Its loader provides a debug function; nobody listens here.
  globalThis.debug ??= () => {};
  const net = require('runtimejs/js/core/net/index.js');
  const address = new net.IP4Address(10, 0, 0, last);
  const mask = new net.IP4Address(255, 255, 255, 0);
  const intf = new net.Interface(new net.MACAddress(2, 0, 0, 0, 0, last));
  intf.setName('wire');
  intf.configure(address, mask);
  // Two hosts that know each other: a lost first SYN (no ARP entry yet) would cost its fixed two seconds.
  intf.disableArp();
  net.interfaceAdd(intf);
  net.route.addSubnet(address.and(mask), mask, null, intf);
  intf.setNetworkEnabled(true);
  return { net, intf };
}

function join(from, to) {
  const queue = [];
  let running = false;
  from.intf.ontransmit = (headers, data) => {
    const frame = new Uint8Array(headers.length + (data ? data.length : 0));
    frame.set(headers, 0);
    if (data) frame.set(data, headers.length);
    queue.push(frame);
    if (running) return;
    running = true;
    queueMicrotask(() => {
      for (let i = 0; i < queue.length; i++) to.intf.receive(queue[i]);
      queue.length = 0;
      running = false;
    });
  };
}

let pair;
let wanted = 0;

function start() {
  const a = host(1);
  const b = host(2);
  join(a, b);
  join(b, a);
  const server = new a.net.TCPServerSocket();
  server.onconnect = (socket) => {
    let sent = 0;
    const more = () => {
      while (sent < wanted) {
        const part = piece(sent, Math.min(CHUNK, wanted - sent));
        sent += part.length;
        if (!socket.send(part)) return;
      }
    };
    // It calls this in the middle of a loop over its queue, which a send from there would spoil.
    socket.ondrain = () => queueMicrotask(more);
    socket.ondata = () => {};
    socket.onend = () => {};
    socket.onclose = () => {};
    more();
  };
  server.listen(80);
  return { a, b };
}

function transfer(bytes) {
  pair ??= start();
  wanted = bytes;
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('not done within 60 s')), 60_000);
    const comparison = new Comparison();
    const begun = nanoseconds();
    const socket = new pair.b.net.TCPSocket();
    socket.onopen = () => {};
    socket.onend = () => {};
    socket.onclose = () => {};
    socket.ondata = (data) => {
      comparison.update(data, 0, data.length);
      if (comparison.position < bytes) return;
      clearTimeout(timeout);
      const took = nanoseconds() - begun;
      try {
        comparison.check(bytes);
        resolve(took);
      } catch (error) {
        reject(error);
      }
    };
    socket.open('10.0.0.1', 80);
  });
}

if (process.send) {
  serve(async ({ bytes }) => {
    // A quarter of the bytes: it is slow, and its rate does not depend on them.
    const part = bytes / 4;
    return { runtimejs: gigabits(part, await transfer(part)) };
  });
}
