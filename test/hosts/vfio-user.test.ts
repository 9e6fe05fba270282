import { closeSync, fstatSync, ftruncateSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeviceBus, EmulatedFunction } from '../../src/emulators/function.js';
import { libc, SEAL_SHRINK } from '../../src/hosts/native/libc.js';
import { RealTime, serveVfioUser, type VfioUserServer } from '../../src/hosts/vfio-user/index.js';
import { Diagnostics } from '../../src/platform/diagnostics.js';
import { Random } from '../../src/platform/random.js';
import { temporaryFolder } from '../support/wire.js';
import { VfioClient, words } from './vfio-client.js';

const VERSION = 1;
const DMA_MAP = 2;
const DMA_UNMAP = 3;
const GET_INFO = 4;
const GET_REGION_INFO = 5;
const GET_IRQ_INFO = 7;
const SET_IRQS = 8;
const READ = 9;
const WRITE = 10;
const RESET = 13;
const MULTI = 15;
const EINVAL = 22;
const NO_REPLY = 0x10;
const CONFIG = 7;
const MASTER = 4;

/** Register 0: last value written. 8: DMA read from there. 16: DMA write there. 24: INTx level. Counts its accesses. */
class Probe implements EmulatedFunction {
  readonly name = 'probe';
  readonly port = undefined;
  readonly config = {
    vendor: 0x1234,
    device: 0x5678,
    revision: 1,
    classCode: 0x020000,
    subsystemVendor: 0,
    subsystem: 0,
    interruptPin: 1,
    bars: [{ index: 0, kind: 'memory32' as const, bytes: 4096, name: 'registers' }],
    capabilities: [],
    configBytes: 256 as const,
  };
  bus!: DeviceBus;
  resets = 0;
  widths: number[] = [];
  #value = 0;

  attach(bus: DeviceBus): void {
    this.bus = bus;
  }

  readBar(_bar: number, at: number, width: number): number {
    this.widths.push(width);
    return at === 0 ? this.#value : at;
  }

  writeBar(_bar: number, at: number, width: number, value: number): void {
    this.widths.push(width);
    if (at === 0) this.#value = value;
    if (at === 8) this.#value = this.bus.read32(value >>> 0);
    if (at === 16) this.#value = this.bus.write32(value >>> 0, 0x600d_f00d);
    if (at === 24) this.bus.setLevel(value !== 0);
  }

  reset(): void {
    this.resets++;
  }
}

describe.skipIf(process.platform !== 'linux')('vfio-user server', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let time: RealTime;
  let fn: Probe;
  let server: VfioUserServer;
  let client: VfioClient;
  const warnings: string[] = [];
  const reasons: (string | undefined)[] = [];

  beforeEach(async () => {
    folder = await temporaryFolder('vfio');
    time = new RealTime();
    fn = new Probe();
    warnings.length = 0;
    reasons.length = 0;
    server = serveVfioUser(fn, {
      time,
      diagnostics: new Diagnostics(),
      path: join(folder.path, 's'),
      onWarning: (text) => warnings.push(text),
      onClient: (connected, reason) => {
        if (!connected) reasons.push(reason);
      },
    });
    client = new VfioClient(server.path);
  });

  afterEach(async () => {
    client.close();
    server.close();
    time.stop();
    await folder.remove();
  });

  const greet = async (): Promise<void> => {
    const answer = await client.call(VERSION, Buffer.concat([words(0), Buffer.from('{"capabilities":{}}\0')]));
    expect(JSON.parse(answer.body.subarray(4).toString().replace('\0', ''))).toHaveProperty(
      'capabilities.max_msg_fds',
      8,
    );
  };
  const read = async (region: number, at: number, count: number): Promise<Buffer> => {
    const answer = await client.call(READ, words(at, 0, region, count));
    expect(answer.errno).toBe(0);
    return answer.body.subarray(16);
  };
  const write = async (region: number, at: number, data: Buffer): Promise<number> =>
    (await client.call(WRITE, Buffer.concat([words(at, 0, region, data.length), data]))).errno;
  const map = async (address: number, bytes: number, fds: number[], offset = 0): Promise<number> =>
    (await client.call(DMA_MAP, words(32, 3, offset, 0, address, 0, bytes, 0), fds)).errno;
  const shared = (bytes: number, sealed: boolean): number => {
    const fd = libc().memfd('test');
    ftruncateSync(fd, bytes);
    if (sealed) expect(libc().addSeals(fd, SEAL_SHRINK)).toBe(0);
    return fd;
  };
  const openFds = (): number => readdirSync('/proc/self/fd').length;

  test('describes the device and its configuration space', async () => {
    await greet();
    expect((await client.call(GET_INFO, words(16, 0, 0, 0))).body).toEqual(words(16, 3, 9, 5));
    expect((await client.call(GET_REGION_INFO, words(32, 0, 0, 0, 0, 0, 0, 0))).body).toEqual(
      words(32, 3, 0, 0, 4096, 0, 0, 0),
    );
    expect((await client.call(GET_REGION_INFO, words(32, 0, 3, 0, 0, 0, 0, 0))).body).toEqual(
      words(32, 0, 3, 0, 0, 0, 0, 0),
    );
    expect((await client.call(GET_REGION_INFO, words(32, 0, 9, 0, 0, 0, 0, 0))).errno).toBe(EINVAL);
    expect((await client.call(GET_IRQ_INFO, words(16, 0, 0, 0))).body).toEqual(words(16, 7, 0, 1));
    const config = await read(CONFIG, 0, 256);
    expect(config.readUInt32LE(0)).toBe(0x5678_1234);
    expect((await client.call(READ, words(252, 0, CONFIG, 8))).errno).toBe(EINVAL);
  });

  test('register accesses of 1, 2, 4 and 8 bytes; posted writes get no answer', async () => {
    await greet();
    expect(await write(0, 0, words(0x8765_4321))).toBe(0);
    expect(await read(0, 0, 4)).toEqual(words(0x8765_4321));
    expect(await read(0, 4, 8)).toEqual(words(4, 8));
    expect(await read(0, 6, 2)).toEqual(Buffer.from([6, 0]));
    expect(await read(0, 7, 1)).toEqual(Buffer.from([7]));
    expect(fn.widths).toEqual([32, 32, 32, 32, 16, 8]);
    client.send(WRITE, Buffer.concat([words(0, 0, 0, 4), words(77)]), [], NO_REPLY);
    expect(await read(0, 0, 4)).toEqual(words(77));
    expect((await client.call(READ, words(0, 0, 0, 16))).errno).toBe(EINVAL);
    expect((await client.call(READ, words(-1, -1, 0, 4))).errno).toBe(EINVAL);
    const multi = Buffer.concat([words(2, 0), words(0, 0, 0, 4, 1, 0), words(0, 0, 0, 4, 2, 0)]);
    expect((await client.call(MULTI, multi)).body).toEqual(words(2, 0));
    expect(await read(0, 0, 4)).toEqual(words(2));
  });

  test('a posted write that waits in the socket is done before a timer that is due', async () => {
    await greet();
    const seen: number[] = [];
    time.scheduler.at(time.scheduler.now, () => seen.push(fn.readBar(0, 0, 32)));
    client.send(WRITE, Buffer.concat([words(0, 0, 0, 4), words(78)]), [], NO_REPLY);
    // A kick of somebody else runs timers; the event loop, when it wakes for one, takes the write first.
    time.soon();
    await vi.waitFor(() => expect(seen).toEqual([78]));
  });

  test.each([true, false])(
    'DMA through a memfd (sealed: %s), across adjacent regions, until it is unmapped',
    async (sealed) => {
      await greet();
      const before = openFds();
      const fd = shared(0x4000, sealed);
      writeSync(fd, words(0x1234_5678), 0, 4, 0x1ffe);
      expect(await map(0x10_0000, 0x2000, [fd])).toBe(0);
      expect(await map(0x10_2000, 0x2000, [fd], 0x2000)).toBe(0);
      expect(await map(0x10_3000, 0x1000, [fd])).not.toBe(0);
      // Bus mastering is off until the guest turns it on.
      await write(0, 8, words(0x10_1ffe));
      expect(await read(0, 0, 4)).toEqual(words(0));
      await write(CONFIG, 4, Buffer.from([MASTER, 0]));
      await write(0, 8, words(0x10_1ffe));
      expect(await read(0, 0, 4)).toEqual(words(0x1234_5678));
      await write(0, 16, words(0x10_2000));
      const seen = Buffer.alloc(4);
      readSync(fd, seen, 0, 4, 0x2000);
      expect(seen).toEqual(words(0x600d_f00d));
      await write(0, 16, words(0x10_3ffe));
      expect(await read(0, 0, 4)).not.toEqual(words(0));
      expect((await client.call(DMA_UNMAP, words(24, 0, 0x10_0000, 0, 0x1000, 0))).errno).toBe(EINVAL);
      expect((await client.call(DMA_UNMAP, words(24, 0, 0x10_0000, 0, 0x4000, 0))).errno).toBe(0);
      await write(0, 8, words(0x10_0000));
      expect(await read(0, 0, 4)).toEqual(words(0));
      closeSync(fd);
      expect(openFds()).toBe(before);
    },
  );

  test('memory without a descriptor: DMA fails and says what to do', async () => {
    await greet();
    expect(await map(0, 0x10_0000, [])).toBe(0);
    await write(CONFIG, 4, Buffer.from([MASTER, 0]));
    await write(0, 8, words(0x1000));
    await write(0, 8, words(0x2000));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('memory-backend-memfd,share=on');
  });

  test('a mapping beyond the end of its file is refused', async () => {
    await greet();
    const fd = shared(0x1000, true);
    expect(await map(0, 0x2000, [fd])).toBe(EINVAL);
    expect(await map(0, 0x1000, [fd])).toBe(0);
    closeSync(fd);
  });

  test('INTx: one signal per assertion until unmasked; deassigned by an empty set', async () => {
    await greet();
    const fd = libc().eventfd();
    const count = (): number => {
      const into = Buffer.alloc(8);
      try {
        readSync(fd, into);
        return Number(into.readBigUInt64LE());
      } catch {
        return 0;
      }
    };
    const level = (on: number): Promise<number> => write(0, 24, words(on));
    const unmask = async (): Promise<number> => (await client.call(SET_IRQS, words(20, 1 | 16, 0, 0, 1))).errno;
    expect((await client.call(SET_IRQS, words(20, 4 | 32, 0, 0, 1), [fd])).errno).toBe(0);
    await level(1);
    expect(count()).toBe(1);
    await level(0);
    await level(1);
    expect(count()).toBe(0);
    expect(await unmask()).toBe(0);
    expect(count()).toBe(1);
    await level(0);
    expect(await unmask()).toBe(0);
    expect(count()).toBe(0);
    await level(1);
    expect(count()).toBe(1);
    expect((await client.call(SET_IRQS, words(20, 4 | 32, 0, 0, 1))).errno).toBe(0);
    await level(0);
    await level(1);
    expect(count()).toBe(0);
    // A file is no eventfd; a vector that does not exist is none.
    const file = shared(16, true);
    expect((await client.call(SET_IRQS, words(20, 4 | 32, 0, 0, 1), [file])).errno).toBe(EINVAL);
    expect((await client.call(SET_IRQS, words(20, 4 | 32, 2, 0, 1), [fd])).errno).toBe(EINVAL);
    expect(fstatSync(fd)).toBeDefined();
    closeSync(fd);
    closeSync(file);
  });

  test('reset, and the next client finds the device as after power-on', async () => {
    await greet();
    const resets = fn.resets;
    expect((await client.call(RESET, Buffer.alloc(0))).errno).toBe(0);
    expect(fn.resets).toBe(resets + 1);
    await write(CONFIG, 4, Buffer.from([MASTER, 0]));
    const second = new VfioClient(server.path);
    second.send(VERSION, words(0));
    expect(await second.answer()).toBeUndefined();
    second.close();
    client.close();
    while (server.connected) await new Promise((resolve) => setImmediate(resolve));
    client = new VfioClient(server.path);
    await greet();
    expect(await read(CONFIG, 4, 2)).toEqual(Buffer.from([0, 0]));
  });

  test.each([
    ['a length below the header', words(1, 8, 0, 0)],
    ['a length beyond the largest', words(1, 0x7fff_ffff, 0, 0)],
    ['a reply nobody asked for', words((4 << 16) | 1, 16, 1, 0)],
    ['a command before VERSION', words((4 << 16) | 1, 16, 0, 0)],
  ])('%s closes the connection with a reason', async (_name, bytes) => {
    client.raw(bytes);
    expect(await client.answer()).toBeUndefined();
    expect(reasons[0]).toMatch(/^vfio-user: /);
  });

  test('random messages: answered or hung up on, no descriptor is lost, the server lives', async () => {
    const cases = Math.ceil(3000 * Number(process.env['NICFORGE_CASES'] ?? 1));
    const random = new Random('vfio-user');
    await greet();
    const before = openFds();
    for (let i = 0; i < cases; i++) {
      const command = random.below(20);
      const body = Buffer.alloc(random.below(64));
      for (let at = 0; at < body.length; at++)
        body[at] = random.chance(0.6) ? 0 : random.chance(0.5) ? random.below(40) : random.below(256);
      const fds: number[] = [];
      if (random.chance(0.1)) fds.push(random.chance(0.5) ? libc().eventfd() : shared(4096, random.chance(0.5)));
      client.send(command, body, fds);
      for (const fd of fds) closeSync(fd);
      if ((await client.answer()) === undefined) {
        while (server.connected) await new Promise((resolve) => setImmediate(resolve));
        client.close();
        client = new VfioClient(server.path);
        await greet();
      }
    }
    client.close();
    while (server.connected) await new Promise((resolve) => setImmediate(resolve));
    client = new VfioClient(server.path);
    await greet();
    expect(openFds()).toBe(before);
  });
});
