/**
 * Clients and guests of the vfio-user server that mean harm or are in a hurry, against the real models: whole conversations
 * at random, with descriptors of every kind; floods of doorbells; memory that may shrink; KVM's resampling.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { libc, SEAL_SHRINK } from '../../src/hosts/native/libc.js';
import { RealTime, serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { NICS } from '../../src/lab/index.js';
import { Cable, GIGABIT, LinkPort } from '../../src/link/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';
import { cases } from '../lab/support.js';
import { temporaryFolder } from '../support/wire.js';
import { VfioClient, words } from './vfio-client.js';

const VERSION = 1;
const DMA_MAP = 2;
const DMA_UNMAP = 3;
const SET_IRQS = 8;
const READ = 9;
const WRITE = 10;
const RESET = 13;
const MULTI = 15;
const NO_REPLY = 0x10;
const CONFIG = 7;
const MEMORY = 1 << 20;
const ENOTSUP = 95;
const MAC = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Doorbells that mean work: how to get there, where they are and what is written. */
interface Doorbell {
  readonly bar: number;
  /** Offset, value and width in bytes. */
  readonly setUp: readonly (readonly [at: number, data: number, width?: number])[];
  readonly doorbell: number;
  readonly bytes: number;
  readonly values: readonly number[];
}

/** TDT, with a ring. */
const INTEL: Doorbell = {
  bar: 0,
  setUp: [
    [0x0000, 0x40],
    [0x3800, 0x1000],
    [0x3808, 4096],
    [0x0400, 0x4000a],
  ],
  doorbell: 0x3818,
  bytes: 4,
  values: Array.from({ length: 256 }, (_, i) => i),
};

/** TPPOLL, with a ring. */
const realtek = (doorbell: number, bytes: number, value: number): Doorbell => ({
  bar: 2,
  setUp: [
    [0x20, 0x1000],
    [0x37, 0x0c, 1],
  ],
  doorbell,
  bytes,
  values: [value],
});

const DOORBELLS: Readonly<Record<string, Doorbell>> = {
  // A notification of a queue that is not ready.
  'virtio-net': { bar: 4, setUp: [], doorbell: 0x3004, bytes: 4, values: [1] },
  rtl8168h: realtek(0x38, 1, 0x40),
  rtl8125b: realtek(0x90, 2, 1),
};

describe.skipIf(process.platform !== 'linux').each(NICS.map((kind) => [kind.name, kind] as const))(
  '%s',
  (name, kind) => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let time: RealTime;
    let server: VfioUserServer;
    let client: VfioClient;
    let far: LinkPort;
    let arena: OwnedArena;
    let memory: number;
    let diagnostics: Diagnostics;

    const connect = async (): Promise<void> => {
      client = new VfioClient(server.path);
      await client.call(VERSION, Buffer.concat([words(0), Buffer.from('{}\0')]));
      const answer = await client.call(DMA_MAP, words(32, 3, 0, 0, 0, 0, MEMORY, 0), [memory]);
      expect(answer.errno).toBe(0);
      await client.call(WRITE, Buffer.concat([words(4, 0, CONFIG, 2), Buffer.from([7, 0])]));
    };
    const gone = async (): Promise<void> => {
      client.close();
      while (server.connected) await new Promise((resolve) => setImmediate(resolve));
    };
    const file = (bytes: number, sealed: boolean): number => {
      const fd = libc().memfd('guest');
      ftruncateSync(fd, bytes);
      if (sealed) expect(libc().addSeals(fd, SEAL_SHRINK)).toBe(0);
      return fd;
    };

    beforeEach(async () => {
      folder = await temporaryFolder('hostile');
      time = new RealTime();
      arena = new OwnedArena(32 << 20);
      diagnostics = new Diagnostics();
      const fn = kind.make(MAC, name);
      server = serveVfioUser(fn, { time, diagnostics, path: join(folder.path, 's'), arena });
      far = new LinkPort('far');
      far.offer(GIGABIT);
      new Cable(fn.port!, far, { scheduler: time.scheduler, arena });
      memory = file(MEMORY, true);
      await connect();
    });
    afterEach(async () => {
      client.close();
      server.close();
      closeSync(memory);
      time.stop();
      await folder.remove();
    });

    test(`${cases(50_000)} operations of clients, guests and the wire: nothing ends, wedges or grows the server`, {
      timeout: 300_000,
    }, async () => {
      const seed = `conversation ${name}`;
      const random = new Random(seed);
      const total = cases(50_000);
      const frame = arena.alloc(20_000);
      const readOnly = openSync('/proc/self/status', 'r');
      const nothing = openSync('/dev/null', 'r+');
      const place = openSync('/', 'r');
      const small = Buffer.alloc(64);
      const value = (): number =>
        random.chance(0.4)
          ? [0, 1, -1, 0x1000, 0x8000, 0xff, 0xffff, 7, 15, 128, 0x8000_0000][random.below(11)]!
          : random.chance(0.5)
            ? random.below(MEMORY)
            : random.u32();
      const region = (): number =>
        random.chance(0.85) ? kind.make(MAC, name).config.bars[0]!.index : random.below(12);
      const main = kind.make(MAC, name).config.bars.reduce((a, b) => (b.bytes > a.bytes ? b : a)).index;
      const access = (): [number, number, number] => {
        const width = [4, 4, 4, 2, 1, 8][random.below(6)]!;
        const where = random.chance(0.9) ? main : region();
        const at = random.chance(0.95) ? random.below(0x6000) & (random.chance(0.9) ? ~3 : -1) : value();
        return [at, where, width];
      };
      const message = (command: number, body: Buffer, flags = 0): Buffer => {
        const head = Buffer.alloc(16);
        head.writeUInt16LE(command, 2);
        head.writeUInt32LE(16 + body.length, 4);
        head.writeUInt32LE(flags, 8);
        return Buffer.concat([head, body]);
      };
      const data = (bytes: number): Buffer => {
        const out = Buffer.alloc(bytes);
        for (let i = 0; i + 4 <= bytes; i += 4) out.writeInt32LE(value() | 0, i);
        return out;
      };
      const someFd = (): { fd: number; own: boolean; shrink?: boolean } => {
        switch (random.below(8)) {
          case 0:
            return { fd: libc().eventfd(), own: true };
          case 1:
            return { fd: file(random.below(65_536), true), own: true };
          case 2:
            return { fd: file(65_536, false), own: true, shrink: true };
          case 3:
            return { fd: readOnly, own: false };
          case 4:
            return { fd: nothing, own: false };
          case 5:
            return { fd: place, own: false };
          default:
            return { fd: memory, own: false };
        }
      };

      let sent = 0;
      let restarts = 0;
      let baseline = { rss: 0, heap: 0 };
      const measure = (): { rss: number; heap: number } => {
        collect();
        const { rss, heapUsed } = process.memoryUsage();
        return { rss, heap: heapUsed };
      };
      const fdsBefore = readdirSync('/proc/self/fd').length;
      try {
        while (sent < total) {
          // A burst, then a read whose answer ends it.
          const burst = 1 + random.below(60);
          let alive = true;
          for (let i = 0; i < burst && alive; i++, sent++) {
            const kindOf = random.below(100);
            if (kindOf < 45) {
              const [at, where, width] = access();
              alive = await client.patient(
                message(WRITE, Buffer.concat([words(at, 0, where, width), data(8).subarray(0, width)]), NO_REPLY),
              );
            } else if (kindOf < 60) {
              const [at, where, width] = access();
              alive = await client.patient(
                message(READ, words(at, 0, where, random.chance(0.9) ? width : value()), NO_REPLY),
              );
            } else if (kindOf < 66) {
              const at = random.below(256);
              const width = [1, 2, 4][random.below(3)]!;
              alive = await client.patient(
                message(WRITE, Buffer.concat([words(at, 0, CONFIG, width), data(4).subarray(0, width)]), NO_REPLY),
              );
              await client.patient(
                message(WRITE, Buffer.concat([words(4, 0, CONFIG, 2), Buffer.from([7, 0])]), NO_REPLY),
              );
            } else if (kindOf < 70) {
              const count = random.below(6);
              const entries = Array.from({ length: count }, () => {
                const [at, where, width] = access();
                return Buffer.concat([words(at, 0, where, width), data(8)]);
              });
              alive = await client.patient(
                message(MULTI, Buffer.concat([words(random.chance(0.9) ? count : value(), 0), ...entries]), NO_REPLY),
              );
            } else if (kindOf < 80) {
              const { fd, own, shrink } = someFd();
              const body = random.chance(0.6)
                ? words(
                    32,
                    random.below(4),
                    random.chance(0.7) ? 0 : value(),
                    0,
                    value() & ~0xfff,
                    0,
                    value() & ~0xfff,
                    0,
                  )
                : words(20, random.below(64), random.below(6), random.below(6), random.below(6), value());
              const command = body.length === 32 ? DMA_MAP : SET_IRQS;
              try {
                client.send(command, body, random.chance(0.9) ? [fd] : [fd, fd, fd], NO_REPLY);
              } catch {
                // No room at once: the burst ends here.
                i = burst;
              }
              if (shrink) ftruncateSync(fd, random.below(4096));
              if (own) closeSync(fd);
            } else if (kindOf < 82) {
              alive = await client.patient(
                message(
                  DMA_UNMAP,
                  words(24, random.chance(0.1) ? 2 : 0, value() & ~0xfff, 0, value() & ~0xfff, 0),
                  NO_REPLY,
                ),
              );
            } else if (kindOf < 83) {
              alive = await client.patient(message(RESET, Buffer.alloc(0), NO_REPLY));
              // Back to a device that may master the bus, in memory that is there.
              await client.patient(message(DMA_UNMAP, words(24, 2, 0, 0, 0, 0), NO_REPLY));
            } else if (kindOf < 92) {
              small.writeInt32LE(value() | 0, 0);
              small.writeInt32LE(value() | 0, 4);
              writeSync(memory, small, 0, 16, random.below(MEMORY - 64) & ~3);
            } else if (kindOf < 98) {
              const length = 14 + random.below(random.chance(0.9) ? 1500 : 9000);
              if (random.chance(0.5)) arena.u8.fill(0xff, frame + 2, frame + 8);
              else arena.u8.set(MAC, frame + 2);
              time.enter();
              far.transmit({ arena, offset: frame + 2, length, fcsOk: random.chance(0.9) });
              time.kick();
            } else if (kindOf < 99 || random.chance(0.8)) {
              alive = await client.patient(message(random.below(20), data(4 * random.below(12)), NO_REPLY));
            } else {
              // A length that is a lie, or a reply without a question: the connection is lost.
              await client.patient(random.chance(0.5) ? words(1, 7, 0, 0) : words(9 << 16, 16, 1, 0));
              alive = false;
            }
          }
          const began = performance.now();
          if (alive) {
            alive = await client.patient(message(READ, words(0, 0, CONFIG, 4)));
            const answer = await client.answer();
            alive &&= answer !== undefined;
            if (answer) expect(answer.errno, seed).toBe(0);
          }
          expect(performance.now() - began, `seed ${seed}, operation ${sent}`).toBeLessThan(5000);
          if (!alive || random.chance(0.01)) {
            await gone();
            await connect();
            restarts++;
          }
          if (baseline.rss === 0 && sent > total / 5) baseline = measure();
        }
        await gone();
        const end = measure();
        expect(end.rss - baseline.rss, `seed ${seed}`).toBeLessThan(64 << 20);
        expect(end.heap - baseline.heap, `seed ${seed}`).toBeLessThan(8 << 20);
        // The connection's two ends are closed; what the client passed is, too.
        expect(readdirSync('/proc/self/fd').length, `seed ${seed}`).toBeLessThanOrEqual(fdsBefore);
        expect(diagnostics.list().length).toBeLessThanOrEqual(1000);
        expect(restarts).toBeGreaterThan(3);
        await connect();
      } finally {
        for (const fd of [readOnly, nothing, place]) closeSync(fd);
      }
    });

    test('no read waits a second behind 100,000 posted doorbells', async () => {
      const { bar, setUp, doorbell, bytes, values } = DOORBELLS[name] ?? INTEL;
      const post = (at: number, data: number, width: number): Buffer => {
        const message = Buffer.alloc(32 + width);
        message.writeUInt16LE(WRITE, 2);
        message.writeUInt32LE(32 + width, 4);
        message.writeUInt32LE(NO_REPLY, 8);
        words(at, 0, bar, width, data).copy(message, 16, 0, 16 + width);
        return message;
      };
      for (const [at, data, width = 4] of setUp) await client.patient(post(at, data, width));
      const many = Buffer.concat(
        Array.from({ length: 1000 }, (_, i) => post(doorbell, values[i % values.length]!, bytes)),
      );
      let worst = 0;
      const began = performance.now();
      for (let i = 0; i < 100; i++) {
        await client.patient(many);
        if (i % 10 !== 9) continue;
        const asked = performance.now();
        await client.call(READ, words(0, 0, CONFIG, 4));
        worst = Math.max(worst, performance.now() - asked);
      }
      const all = performance.now() - began;
      expect(worst).toBeLessThan(1000);
      console.log(
        `${name}: 100,000 doorbells in ${all.toFixed(0)} ms, a read among them waited ${worst.toFixed(1)} ms at most`,
      );
    });
  },
);

describe.skipIf(process.platform !== 'linux')('memory and interrupts of a client', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let time: RealTime;
  let server: VfioUserServer;
  let client: VfioClient;

  beforeEach(async () => {
    folder = await temporaryFolder('hostile');
    time = new RealTime();
    const fn = NICS[0]!.make(MAC, 'nic');
    server = serveVfioUser(fn, { time, diagnostics: new Diagnostics(), path: join(folder.path, 's') });
    client = new VfioClient(server.path);
    await client.call(VERSION, Buffer.concat([words(0), Buffer.from('{}\0')]));
  });
  afterEach(async () => {
    client.close();
    server.close();
    time.stop();
    await folder.remove();
  });

  const mapped = (inode: number): boolean =>
    readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .some((line) => line.split(/\s+/)[4] === String(inode));

  test.each([true, false])('a memfd that can shrink is not mapped (sealed: %s)', async (sealed) => {
    const fd = libc().memfd('guest');
    ftruncateSync(fd, 0x4000);
    if (sealed) libc().addSeals(fd, SEAL_SHRINK);
    const inode = Number(/ino:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]);
    expect(mapped(inode)).toBe(false);
    expect((await client.call(DMA_MAP, words(32, 3, 0, 0, 0, 0, 0x4000, 0), [fd])).errno).toBe(0);
    expect(mapped(inode)).toBe(sealed);
    expect((await client.call(DMA_UNMAP, words(24, 0, 0, 0, 0x4000, 0))).errno).toBe(0);
    expect(mapped(inode)).toBe(false);
    closeSync(fd);
  });

  test("KVM's resample eventfd is refused, and unmasking by message goes on working", async () => {
    const signal = libc().eventfd();
    const resample = libc().eventfd();
    const TRIGGER_EVENTFD = 4 | 32;
    const UNMASK_EVENTFD = 4 | 16;
    const UNMASK = 1 | 16;
    expect((await client.call(SET_IRQS, words(20, TRIGGER_EVENTFD, 0, 0, 1), [signal])).errno).toBe(0);
    const before = readdirSync('/proc/self/fd').length;
    const answer = await client.call(SET_IRQS, words(20, UNMASK_EVENTFD, 0, 0, 1), [resample]);
    expect(answer.errno).toBe(ENOTSUP);
    // The server kept neither the descriptor nor a connection that is out of step.
    expect(readdirSync('/proc/self/fd').length).toBe(before);
    const write = async (at: number, value: number): Promise<void> => {
      expect((await client.call(WRITE, words(at, 0, 0, 4, value))).errno).toBe(0);
    };
    const count = (): number => {
      const into = new Uint8Array(8);
      return libc().read(signal, into, 0, 8) === 8 ? into[0]! : 0;
    };
    // ICS sets a cause, IMS lets it through: one signal, and another after the unmasking while it is still there.
    await write(0xd0, 4);
    await write(0xc8, 4);
    expect(count()).toBe(1);
    expect((await client.call(SET_IRQS, words(20, UNMASK, 0, 0, 1))).errno).toBe(0);
    expect(count()).toBe(1);
    await client.call(READ, words(0xc0, 0, 0, 4));
    expect((await client.call(SET_IRQS, words(20, UNMASK, 0, 0, 1))).errno).toBe(0);
    expect(count()).toBe(0);
    closeSync(signal);
    closeSync(resample);
  });
});
