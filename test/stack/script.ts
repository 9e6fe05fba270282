/**
 * TCP by script, in packetdrill's manner: segments in and out of one stack, with explicit time. A segment reads
 * `FLAGS from:to(bytes) ack N win N mss N ws N sackok sack a-b,c-d ts v/e`; flags are S F R P and `.` for ACK. Numbers are
 * relative to each side's first sequence number, and both are chosen so that they wrap.
 */
import { expect } from 'vitest';
import { OwnedArena } from '../../src/platform/arena.js';
import type { Micros } from '../../src/platform/clock.js';
import { finish, sum16 } from '../../src/platform/kernels.js';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import { Random } from '../../src/platform/random.js';
import {
  get16,
  get32,
  ip,
  pseudoSum4,
  Stack,
  type StackOptions,
  set16,
  type TcpListener,
  TcpOptions,
  type TcpSettings,
  type TcpSocket,
  writeIpv4,
  writeTcp,
} from '../../src/stack/index.js';
import { checksumsRight, type PipeEnd, pipe } from './support.js';

const BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, '.': 16, U: 32, E: 64, W: 128 };
const PEER_ISN = -10001 | 0;
const OURS = ip('10.0.0.1');
const PEER = ip('10.0.0.2');

export interface ScriptOptions {
  settings?: TcpSettings & { backlog?: number };
  stack?: Partial<StackOptions>;
  mtu?: number;
  slots?: number;
}

export class Script {
  readonly stack: Stack;
  readonly peer: PipeEnd;
  now: Micros = 0;
  socket!: TcpSocket;
  listener: TcpListener | undefined;
  /** Our initial sequence number, once seen. */
  iss: number | undefined;
  port = 80;
  peerPort = 4000;
  readonly #frame: Frame;
  readonly settings: TcpSettings & { backlog?: number };

  constructor(options: ScriptOptions = {}) {
    const arena = new OwnedArena(64 << 20);
    const [mine, peer] = pipe({ arena, mtu: options.mtu ?? 1500, slots: options.slots ?? 256 });
    this.peer = peer;
    this.#frame = emptyFrame(arena);
    this.stack = new Stack({ device: mine, arena, random: new Random('script'), ...options.stack });
    this.stack.addAddress('10.0.0.1/24');
    this.stack.neighbours.setStatic(PEER, peer.mac, 0);
    this.settings = { delayedAck: 0, ...options.settings };
    this.drain();
  }

  /** Lets time pass to `ms` milliseconds, running timers when they are due. */
  at(ms: number): this {
    const end = ms * 1000;
    for (let i = 0; i < 10_000; i++) {
      const next = this.stack.nextDeadline();
      if (next > end || this.peer.queue.length > 0) break;
      this.now = Math.max(this.now, next);
      this.stack.egress(this.now, 256);
      if (this.peer.queue.length > 0) break;
    }
    if (this.peer.queue.length === 0) this.now = end;
    return this;
  }

  /** A segment from the peer. */
  in(text: string, data?: Uint8Array): this {
    const [head = '', range = '0:0(0)', ...rest] = text.split(' ');
    const flags = [...head].reduce((sum, letter) => sum | BITS[letter]!, 0);
    const [, from, , bytes] = /^(-?\d+):(-?\d+)\((\d+)\)$/.exec(range)!;
    const words = new Map<string, string>();
    for (let i = 0; i < rest.length; i++) {
      const key = rest[i]!;
      words.set(key, key === 'sackok' || key === 'badsum' ? '' : rest[++i]!);
    }
    const options: number[] = [];
    const word = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
    if (words.has('mss')) options.push(2, 4, Number(words.get('mss')) >> 8, Number(words.get('mss')) & 255);
    if (words.has('ws')) options.push(1, 3, 3, Number(words.get('ws')));
    if (words.has('sackok')) options.push(1, 1, 4, 2);
    if (words.has('ts')) {
      const [value = 0, echo = 0] = words.get('ts')!.split('/').map(Number);
      options.push(1, 1, 8, 10, ...word(value), ...word(echo));
    }
    if (words.has('sack')) {
      const blocks = words
        .get('sack')!
        .split(',')
        .map((block) => block.split('-').map(Number));
      options.push(1, 1, 5, 2 + 8 * blocks.length);
      for (const [left = 0, right = 0] of blocks) {
        options.push(...word((left + this.iss!) | 0), ...word((right + this.iss!) | 0));
      }
    }
    const length = Number(bytes);
    const header = 20 + options.length;
    const frame = this.#frame;
    expect(this.peer.reserve(this.now, frame, 14 + 20 + header + length)).toBe(true);
    const { arena, offset } = frame;
    const u8 = arena.u8;
    u8.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], offset);
    const at = offset + 14;
    writeIpv4(u8, at, 0, 20 + header + length, 1, 0x4000, 64, 6, PEER.w3, OURS.w3);
    set16(u8, at + 10, finish(sum16(arena, at, 20)));
    const seq = (Number(from) + PEER_ISN) | 0;
    const ack = words.has('ack') ? (Number(words.get('ack')) + (this.iss ?? 0)) | 0 : 0;
    const window = Number(words.get('win') ?? 8192);
    writeTcp(u8, at + 20, this.peerPort, this.port, seq, ack, header, flags, window);
    u8.set(options, at + 40);
    for (let i = 0; i < length; i++) u8[at + 20 + header + i] = data?.[i] ?? (Number(from) + i) & 255;
    const pseudo = pseudoSum4(PEER.w3, OURS.w3, 6, header + length);
    const sum = finish(sum16(arena, at + 20, header + length, pseudo));
    set16(u8, at + 36, words.has('badsum') ? sum ^ 1 : sum);
    this.peer.commit(frame);
    this.stack.ingress(this.now, 16);
    return this;
  }

  /** What the stack sends now, as text. `show` names the extras to print. */
  drain(...show: string[]): string[] {
    const found: string[] = [];
    for (let turn = 0; turn < 64; turn++) {
      this.stack.egress(this.now, 64);
      let any = false;
      while (this.peer.receive(this.now, this.#frame)) {
        any = true;
        const line = this.#describe(show);
        if (line !== undefined) found.push(line);
      }
      if (!any && this.stack.nextDeadline() > this.now) break;
    }
    return found;
  }

  /** Asserts that exactly these segments come out; extras named in the first expectation are compared too. */
  out(...expected: string[]): this {
    const show = ['win', 'mss', 'ws', 'sackok', 'sack', 'ts'].filter((key) =>
      expected.some((line) => line.split(' ').includes(key)),
    );
    expect(this.drain(...show)).toEqual(expected);
    return this;
  }

  /** Nothing comes out. */
  quiet(): this {
    expect(this.drain()).toEqual([]);
    return this;
  }

  #describe(show: string[]): string | undefined {
    const { arena, offset, length } = this.#frame;
    const u8 = arena.u8;
    if (get16(u8, offset + 12) !== 0x0800 || u8[offset + 23] !== 6) return undefined;
    const at = offset + 14;
    expect(checksumsRight(this.peer.arena, at, get16(u8, at + 2))).toBe(true);
    expect(length).toBe(14 + get16(u8, at + 2));
    const tcp = at + 20;
    const header = (u8[tcp + 12]! >> 4) * 4;
    const bytes = get16(u8, at + 2) - 20 - header;
    const flags = u8[tcp + 13]!;
    if (flags & 2) this.iss = get32(u8, tcp + 4);
    const seq = (get32(u8, tcp + 4) - (this.iss ?? 0)) | 0;
    const ack = (get32(u8, tcp + 8) - PEER_ISN) | 0;
    let text = '';
    for (const letter of 'SFRP') if (flags & BITS[letter]!) text += letter;
    if (flags & 16) text += '.';
    const length2 = bytes;
    text += ` ${seq}:${seq + length2}(${length2})`;
    if (flags & 16) text += ` ack ${ack}`;
    const options = new TcpOptions();
    options.parse(u8, tcp, header);
    for (const key of show) {
      if (key === 'win') text += ` win ${get16(u8, tcp + 14)}`;
      if (key === 'mss' && options.mss > 0) text += ` mss ${options.mss}`;
      if (key === 'ws' && options.windowScale >= 0) text += ` ws ${options.windowScale}`;
      if (key === 'sackok' && options.sackPermitted) text += ' sackok';
      if (key === 'ts' && options.hasTimestamps) text += ` ts ${options.tsValue}/${options.tsEcho}`;
      if (key === 'sack' && options.sackCount > 0) {
        const blocks: string[] = [];
        for (let i = 0; i < options.sackCount; i++) {
          const edge = (n: number) => (options.sackEdges[n]! - PEER_ISN) | 0;
          blocks.push(`${edge(i * 2)}-${edge(i * 2 + 1)}`);
        }
        text += ` sack ${blocks.join(',')}`;
      }
    }
    return text;
  }

  get state(): string {
    return this.socket.stateName;
  }

  /** The bytes a peer's segment carries by default: position modulo 256. */
  static pattern(from: number, bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, (_, i) => (from + i) & 255);
  }

  /** Reads all that can be read. */
  read(most = 1 << 20): Uint8Array {
    const buffer = new Uint8Array(most);
    return buffer.slice(0, this.socket.read(buffer));
  }

  write(bytes: number): number {
    return this.socket.write(new Uint8Array(bytes).fill(7));
  }

  /** LISTEN. */
  listen(): this {
    this.listener = this.stack.listen(80, this.settings);
    return this;
  }

  /** SYN-SENT, the SYN seen. */
  connect(): this {
    this.stack.ingress(this.now, 1);
    this.socket = this.stack.connect(PEER, 4000, this.settings, 80);
    expect(this.drain().length).toBe(1);
    return this;
  }

  /** ESTABLISHED by active open; the peer's MSS is 1000 and its window what is given, without options unless named. */
  establish(win = 8192, extra = 'mss 1000'): this {
    this.connect();
    this.in(`S. 0:0(0) ack 1 win ${win}${extra ? ` ${extra}` : ''}`);
    expect(this.drain()).toEqual(['. 1:1(0) ack 1']);
    expect(this.state).toBe('ESTABLISHED');
    return this;
  }
}
