/** `--wire udp` and `--wire tap` carry real frames: a NIC driven by hand on one side, another server or the kernel on the other. */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { libc, SEAL_SHRINK } from '../../src/hosts/native/libc.js';
import { RealTime } from '../../src/hosts/uplinks/index.js';
import { i82540em } from '../../src/registers/index.js';
import { VfioClient, words } from '../hosts/vfio-client.js';
import { ControlClient } from '../support/control.js';
import { proved } from '../support/results.js';
import { type ServeChild, startServe } from '../support/serve.js';
import { orSkip } from '../support/skips.js';
import { openTapNamespace } from '../support/tap.js';
import { temporaryFolder } from '../support/wire.js';

const { CTRL, TCTL, RCTL, TDBAL, TDLEN, TDT, RDBAL, RDLEN, RDT, TXD_CMD } = i82540em;
const VERSION = 1;
const DMA_MAP = 2;
const WRITE = 10;
const CONFIG = 7;
const TX_RING = 0x1000;
const RX_RING = 0x2000;
const TX_BUFFER = 0x4000;
const RX_BUFFERS = 0x8000;
const ENTRIES = 8;

/** An 82540EM behind a server, driven by hand. */
class Driven {
  readonly #client: VfioClient;
  readonly #memory: number;
  #tail = 0;
  #next = 0;

  private constructor(client: VfioClient, memory: number) {
    this.#client = client;
    this.#memory = memory;
  }

  static async open(path: string): Promise<Driven> {
    const client = new VfioClient(path);
    await client.call(VERSION, Buffer.concat([words(0), Buffer.from('{}\0')]));
    const memory = libc().memfd('guest');
    ftruncateSync(memory, 0x10000);
    libc().addSeals(memory, SEAL_SHRINK);
    expect((await client.call(DMA_MAP, words(32, 3, 0, 0, 0, 0, 0x10000, 0), [memory])).errno).toBe(0);
    await client.call(WRITE, Buffer.concat([words(4, 0, CONFIG, 2), Buffer.from([7, 0])]));
    const driven = new Driven(client, memory);
    for (let i = 0; i < ENTRIES; i++) driven.#store(RX_RING + 16 * i, words(RX_BUFFERS + 2048 * i, 0, 0, 0));
    for (const [at, value] of [
      [CTRL.at, CTRL.SLU],
      [TDBAL.at, TX_RING],
      [TDLEN.at, 16 * ENTRIES],
      [TCTL.at, TCTL.EN | TCTL.PSP],
      [RDBAL.at, RX_RING],
      [RDLEN.at, 16 * ENTRIES],
      [RCTL.at, RCTL.EN | RCTL.UPE | RCTL.BAM | RCTL.SECRC],
      [RDT.at, ENTRIES - 1],
    ] as const)
      await driven.#write(at, value);
    return driven;
  }

  async #write(at: number, value: number): Promise<void> {
    expect((await this.#client.call(WRITE, words(at, 0, 0, 4, value))).errno).toBe(0);
  }

  #store(at: number, bytes: Buffer): void {
    writeSync(this.#memory, bytes, 0, bytes.length, at);
  }

  /** Sends a frame. */
  async send(frame: Buffer): Promise<void> {
    this.#store(TX_BUFFER, frame);
    this.#store(
      TX_RING + 16 * this.#tail,
      words(TX_BUFFER, 0, frame.length | TXD_CMD.EOP | TXD_CMD.IFCS | TXD_CMD.RS, 0),
    );
    this.#tail = (this.#tail + 1) % ENTRIES;
    await this.#write(TDT.at, this.#tail);
  }

  /** Waits for the next received frame. */
  async receive(withinMs = 10_000): Promise<Buffer> {
    const deadline = Date.now() + withinMs;
    const descriptor = Buffer.alloc(16);
    for (;;) {
      readSync(this.#memory, descriptor, 0, 16, RX_RING + 16 * this.#next);
      if ((descriptor[12]! & 1) !== 0) break;
      if (Date.now() > deadline) throw new Error('no frame came');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const frame = Buffer.alloc(descriptor.readUInt16LE(8));
    readSync(this.#memory, frame, 0, frame.length, RX_BUFFERS + 2048 * this.#next);
    this.#next = (this.#next + 1) % ENTRIES;
    return frame;
  }

  /** Gives all receive buffers back that were read. */
  async refill(): Promise<void> {
    for (let i = 0; i < ENTRIES; i++) this.#store(RX_RING + 16 * i + 8, words(0, 0));
    await this.#write(RDT.at, (this.#next + ENTRIES - 1) % ENTRIES);
  }

  close(): void {
    this.#client.close();
  }
}

const taps = await orSkip(async () => {
  const time = new RealTime();
  try {
    await (await openTapNamespace(time, '10.9.0.1/24')).close();
  } finally {
    time.stop();
  }
  return true;
});

function frameTo(target: number, source: number, fill: number, length = 100): Buffer {
  const frame = Buffer.alloc(length, fill);
  frame.set([0x52, 0x54, 0, 0, 0, target, 0x52, 0x54, 0, 0, 0, source, 0x88, 0xb5]);
  return frame;
}

/** Two UDP ports that were free just now. */
async function udpPorts(): Promise<[number, number]> {
  const bind = async (): Promise<Socket> => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return socket;
  };
  const [a, b] = [await bind(), await bind()];
  const ports: [number, number] = [a.address().port, b.address().port];
  await Promise.all([a, b].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  return ports;
}

describe.skipIf(process.platform !== 'linux')('wires', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const running: ServeChild[] = [];
  const driven: Driven[] = [];
  const at = (name: string): string => join(folder.path, name);
  beforeEach(async () => {
    folder = await temporaryFolder('wires');
  });
  afterEach(async () => {
    for (const each of driven.splice(0)) each.close();
    for (const serve of running.splice(0)) await serve.kill();
    await folder.remove();
  });
  const start = async (name: string, ...argv: string[]): Promise<ServeChild> => {
    const serve = await startServe(['82540em', '--socket', at(name), ...argv]);
    running.push(serve);
    return serve;
  };
  const drive = async (name: string): Promise<Driven> => {
    const nic = await Driven.open(at(name));
    driven.push(nic);
    return nic;
  };

  test.each(['udp', 'unix'])('%s: two servers share a cable, frames pass both ways unchanged', async (kind) => {
    const [a, b] = await udpPorts();
    const specs =
      kind === 'udp' ? [`udp:${a}=${b}`, `udp:${b}=${a}`] : [`unix:${at('wire')}`, `unix-connect:${at('wire')}`];
    const first = await start('a', '--wire', specs[0]!);
    const second = await start('b', '--wire', specs[1]!, '--mac', '52:54:00:00:00:02');
    const [one, two] = [await drive('a'), await drive('b')];
    for (let round = 0; round < 20; round++) {
      const there = frameTo(2, 1, round, 60 + 70 * round);
      await one.send(there);
      expect(await two.receive()).toEqual(there);
      const back = frameTo(1, 2, 0x80 + round, 1514 - 70 * round);
      await two.send(back);
      expect(await one.receive()).toEqual(back);
      for (const nic of driven) await nic.refill();
    }
    for (const serve of [first, second]) {
      expect(await serve.stop(), serve.err.text).toBe(0);
      expect(serve.out.text).toMatch(/wire: sent 20, came 20, dropped 0 going out and 0 coming in/);
    }
  });

  test('udp: datagrams of anybody else, and of impossible length, do not come in', async () => {
    const [a, b] = await udpPorts();
    const serve = await start('a', '--wire', `udp:${a}=${b}`, '--control', at('control'));
    const stranger = createSocket('udp4');
    const peer = createSocket('udp4');
    await new Promise<void>((resolve) => peer.bind(b, '127.0.0.1', resolve));
    stranger.send(frameTo(1, 9, 1), a, '127.0.0.1');
    peer.send(Buffer.alloc(5), a, '127.0.0.1');
    peer.send(Buffer.alloc(20_000), a, '127.0.0.1');
    peer.send(Buffer.concat([Buffer.alloc(6, 0xff), frameTo(1, 2, 7).subarray(6)]), a, '127.0.0.1');
    const control = await ControlClient.open(at('control'));
    await control.until({ do: 'counters' }, /"came":\{"(no-carrier|receiver-off)":1\}/);
    control.close();
    stranger.close();
    peer.close();
    expect(await serve.stop()).toBe(0);
    expect(serve.out.text).toMatch(/wire: sent 0, came 1, dropped 0 going out and 2 coming in/);
  });

  test.skipIf(!taps)('tap: the kernel answers ARP and ping of a NIC behind the wire', async () => {
    const serve = await start('a', '--wire', 'tap');
    const device = /TAP device (\S+);/.exec(serve.out.text)![1]!;
    const space = `nicforge-wire-${process.pid}`;
    const ip = (...argv: string[]): void => void execFileSync('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    ip('netns', 'add', space);
    try {
      ip('link', 'set', device, 'netns', space);
      ip('-n', space, 'addr', 'add', '10.9.0.1/24', 'dev', device);
      ip('-n', space, 'link', 'set', device, 'up');
      const nic = await drive('a');
      // The kernel says things of its own accord: only answers to us count.
      const answer = async (type: number): Promise<Buffer> => {
        for (;;) {
          const frame = await nic.receive();
          await nic.refill();
          if (frame.readUInt16BE(12) === type && frame.subarray(0, 6).equals(MAC)) return frame;
        }
      };
      const arp = Buffer.alloc(60);
      arp.set([...new Array<number>(6).fill(0xff), ...MAC, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, ...MAC, 10, 9, 0, 2]);
      arp.set([10, 9, 0, 1], 38);
      await nic.send(arp);
      const reply = await answer(0x0806);
      expect(reply.readUInt16BE(20)).toBe(2);
      expect([...reply.subarray(28, 32)]).toEqual([10, 9, 0, 1]);

      const ping = Buffer.alloc(98);
      ping.set([
        ...reply.subarray(6, 12),
        ...MAC,
        0x08,
        0x00,
        0x45,
        0,
        0,
        84,
        0,
        1,
        0,
        0,
        64,
        1,
        0,
        0,
        10,
        9,
        0,
        2,
        10,
        9,
        0,
        1,
        8,
      ]);
      ping.writeUInt16BE(sum(ping.subarray(14, 34)), 24);
      ping.writeUInt16BE(sum(ping.subarray(34)), 36);
      await nic.send(ping);
      const echo = await answer(0x0800);
      expect(echo[34]).toBe(0);
      expect(echo.subarray(38)).toEqual(ping.subarray(38));
    } finally {
      ip('netns', 'del', space);
    }
    expect(await serve.stop(), serve.err.text).toBe(0);
    proved({ nic: '82540em', side: 'model', stranger: 'Linux over TAP', what: '`serve --wire tap`: ARP and ping' });
  });
});

const MAC = Buffer.from([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

/** The Internet checksum (RFC 1071). */
function sum(bytes: Buffer): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += bytes.readUInt16BE(at);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}
