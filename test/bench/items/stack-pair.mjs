/** Two of our stacks over an in-memory pair of devices: Ethernet frames of 1514 bytes, checksums made and verified in software. */
import { Checksum, OwnedArena, Random } from '../../../dist/platform/index.js';
import { Stack } from '../../../dist/stack/index.js';
import { gigabits, nanoseconds, serve } from './item.mjs';
import { Comparison, piece } from './stream.mjs';

const SLOTS = 1024;
const SLOT = 2048;
const TURNS = 10_000_000;
const CHUNK = 65_536;

/** One end: frames sent lie in its own slots; the other end reads them there, as one DMA copy would leave them. */
class End {
  capabilities = { mtu: 1500, maxSegmentBytes: 0, tso6: false, txChecksum: false, rxChecksum: false, vlan: false };
  linkUp = true;
  frames = 0;
  peer;
  #arena;
  #base;
  #copyBase;
  #lengths = new Int32Array(SLOTS);
  #head = 0;
  #tail = 0;

  constructor(arena, mac) {
    this.mac = mac;
    this.#arena = arena;
    this.#base = arena.alloc(SLOT * SLOTS);
    this.#copyBase = arena.alloc(SLOT * SLOTS);
  }

  receive(_now, frame) {
    const from = this.peer;
    if (from.#head === from.#tail) return false;
    const slot = from.#head & (SLOTS - 1);
    from.#head = (from.#head + 1) | 0;
    frame.arena = this.#arena;
    frame.offset = from.#copyBase + slot * SLOT + 2;
    frame.length = from.#lengths[slot];
    frame.checksum = Checksum.none;
    frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  reserve(_now, frame, bytes) {
    // One slot less than the ring has: the frame being looked at stays whole.
    if (bytes > 1514 || ((this.#tail - this.#head) | 0) >= SLOTS - 1) return false;
    frame.arena = this.#arena;
    frame.offset = this.#base + (this.#tail & (SLOTS - 1)) * SLOT + 2;
    frame.length = bytes;
    frame.checksum = Checksum.none;
    frame.csumStart = frame.csumOffset = frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  /** Copies the frame over, as lwIP's wire does. */
  commit(frame) {
    const slot = this.#tail & (SLOTS - 1);
    const to = this.#copyBase + slot * SLOT + 2;
    this.#arena.u8.copyWithin(to, frame.offset, frame.offset + frame.length);
    this.#lengths[slot] = frame.length;
    this.#tail = (this.#tail + 1) | 0;
    this.frames++;
  }

  flush() {}
}

const arena = new OwnedArena(64 << 20);

/** Sends `bytes` from one stack to the other. */
export function transfer(bytes) {
  arena.clear();
  const ends = [new End(arena, Uint8Array.of(2, 0, 0, 0, 0, 1)), new End(arena, Uint8Array.of(2, 0, 0, 0, 0, 2))];
  ends[0].peer = ends[1];
  ends[1].peer = ends[0];
  const [a, b] = ends.map((device, i) => {
    const stack = new Stack({ device, arena, random: new Random(`bench ${i}`) });
    stack.addAddress(`10.0.0.${i + 1}/24`);
    return stack;
  });
  const listener = a.listen(80, { nagle: false });
  const comparison = new Comparison();
  const begun = nanoseconds();
  const client = b.connect('10.0.0.1', 80, { nagle: false });
  let server;
  let sent = 0;
  let now = 0;
  for (let turn = 0; turn < TURNS && comparison.position < bytes; turn++) {
    server ??= listener.accept();
    if (server !== undefined) {
      while (sent < bytes && server.room > 0) {
        const wrote = server.write(piece(sent, Math.min(CHUNK, bytes - sent, server.room)));
        if (wrote === 0) break;
        sent += wrote;
      }
    }
    const work = a.poll(now) + b.poll(now);
    while (client.readable > 0) {
      const run = client.readRun;
      comparison.update(arena.u8, client.readAt, run);
      client.consume(run);
    }
    if (work === 0) now = Math.max(now + 1, Math.min(a.nextDeadline(), b.nextDeadline(), now + 1000));
  }
  const took = nanoseconds() - begun;
  comparison.check(bytes);
  return { took, frames: ends[0].frames + ends[1].frames };
}

if (process.send) {
  serve(({ bytes }) => {
    const { took, frames } = transfer(bytes);
    return { 'our stack to our stack': gigabits(bytes, took), frames };
  });
}
