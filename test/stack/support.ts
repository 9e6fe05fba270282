/** Two phy devices joined by a cable that can lose, reorder, duplicate and damage frames, all from a seed. */
import { OwnedArena } from '../../src/platform/arena.js';
import { type Micros, NEVER, Scheduler } from '../../src/platform/clock.js';
import { finish, sum16 } from '../../src/platform/kernels.js';
import { Checksum, type Frame, type PhyCapabilities, type PhyDevice } from '../../src/platform/phy.js';
import { Random } from '../../src/platform/random.js';
import { Stack, type StackOptions } from '../../src/stack/index.js';

/** Number of seeds, scaled by NICFORGE_CASES (1 is the usual amount). */
export const cases = (usual: number) => Math.max(1, Math.round(usual * Number(process.env['NICFORGE_CASES'] ?? 1)));

export interface Faults {
  loss?: number;
  reorder?: number;
  duplicate?: number;
  corrupt?: number;
  /** One-way delay. */
  delay?: Micros;
}

export interface PipeOptions extends Faults {
  mtu?: number;
  seed?: number | string;
  slots?: number;
  /** Offloads: TSO frames and unfinished checksums cross the cable as they are. */
  offload?: boolean;
  arena?: OwnedArena;
}

interface Waiting {
  slot: number;
  length: number;
  due: Micros;
  checksum: number;
  order: number;
}

/** One end. */
export class PipeEnd implements PhyDevice {
  readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  linkUp = true;
  peer!: PipeEnd;
  now: Micros = 0;
  flushes = 0;
  sent = 0;
  /** Frames on the way to this end. */
  readonly queue: Waiting[] = [];
  readonly #pool: Waiting[] = [];
  readonly arena: OwnedArena;
  #last: Waiting | undefined;
  #reserved: Waiting | undefined;
  #order = 0;
  readonly #free: number[] = [];
  readonly #options: PipeOptions;
  readonly #random: Random;

  constructor(mac: number[], arena: OwnedArena, options: PipeOptions, random: Random) {
    this.mac = Uint8Array.from(mac);
    this.arena = arena;
    this.#options = options;
    this.#random = random;
    const mtu = options.mtu ?? 1500;
    const size = options.offload ? 65536 + 64 : Math.ceil((mtu + 32) / 64) * 64;
    const slots = options.slots ?? 256;
    const base = arena.alloc(size * slots);
    for (let i = 0; i < slots; i++) this.#free.push(base + i * size + 2);
    const offload = options.offload === true;
    this.capabilities = {
      mtu,
      maxSegmentBytes: offload ? 65535 + 14 : 0,
      tso6: false,
      txChecksum: offload,
      rxChecksum: offload,
      vlan: false,
    };
  }

  receive(now: Micros, frame: Frame): boolean {
    this.now = now;
    if (this.#last !== undefined) {
      this.peer.#free.push(this.#last.slot);
      this.peer.#pool.push(this.#last);
      this.#last = undefined;
    }
    const first = this.queue[0];
    if (first === undefined || first.due > now) return false;
    this.queue.shift();
    this.#last = first;
    frame.arena = this.peer.arena;
    frame.offset = first.slot;
    frame.length = first.length;
    frame.checksum = first.checksum as Frame['checksum'];
    frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  reserve(now: Micros, frame: Frame, bytes: number): boolean {
    this.now = now;
    if (this.#reserved === undefined) {
      const slot = this.#free.pop();
      if (slot === undefined) return false;
      this.#reserved = this.#pool.pop() ?? { slot: 0, length: 0, due: 0, checksum: 0, order: 0 };
      this.#reserved.slot = slot;
    }
    frame.arena = this.arena;
    frame.offset = this.#reserved.slot;
    frame.length = bytes;
    frame.checksum = Checksum.none;
    frame.gsoSize = 0;
    frame.vlan = -1;
    return true;
  }

  commit(frame: Frame): void {
    const item = this.#reserved!;
    this.#reserved = undefined;
    this.sent++;
    const o = this.#options;
    const random = this.#random;
    item.length = frame.length;
    item.checksum = frame.checksum === Checksum.partial ? Checksum.verified : Checksum.none;
    if (o.loss && random.chance(o.loss)) {
      this.#free.push(item.slot);
      this.#pool.push(item);
      return;
    }
    if (o.corrupt && random.chance(o.corrupt)) {
      this.arena.u8[item.slot + random.below(item.length)]! ^= 1 << random.below(8);
    }
    item.due = this.now + (o.delay ?? 0);
    if (o.reorder && random.chance(o.reorder)) item.due += random.below(5 * (o.delay || 100));
    const again = o.duplicate && random.chance(o.duplicate) ? this.#free.pop() : undefined;
    this.#deliver(item);
    if (again !== undefined) {
      const copy = this.#pool.pop() ?? { slot: 0, length: 0, due: 0, checksum: 0, order: 0 };
      this.arena.u8.copyWithin(again, item.slot, item.slot + item.length);
      copy.slot = again;
      copy.length = item.length;
      copy.due = item.due;
      copy.checksum = item.checksum;
      this.#deliver(copy);
    }
  }

  #deliver(item: Waiting): void {
    item.order = this.#order++;
    const queue = this.peer.queue;
    let at = queue.length;
    while (at > 0 && queue[at - 1]!.due > item.due) at--;
    if (at === queue.length) queue.push(item);
    else queue.splice(at, 0, item);
  }

  flush(): void {
    this.flushes++;
  }

  /** When the next frame arrives here. */
  get next(): Micros {
    return this.queue[0]?.due ?? NEVER;
  }
}

/** Two joined ends. */
export function pipe(options: PipeOptions = {}): [PipeEnd, PipeEnd] {
  const random = new Random(options.seed ?? 1);
  const arena = options.arena ?? new OwnedArena(96 << 20);
  const a = new PipeEnd([2, 0, 0, 0, 0, 1], arena, options, random);
  const b = new PipeEnd([2, 0, 0, 0, 0, 2], arena, options, random);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** Two stacks, 10.0.0.1/24 and 10.0.0.2/24, on one cable. */
export function twoStacks(options: PipeOptions & { stack?: Partial<StackOptions> } = {}): World {
  const arena = options.arena ?? new OwnedArena(96 << 20);
  const ends = pipe({ ...options, arena });
  const random = new Random(`${options.seed ?? 1}/stacks`);
  const make = (device: PipeEnd, name: string) =>
    new Stack({ device, arena, random: random.fork(name), ...options.stack });
  const world = new World(ends, make(ends[0], 'a'), make(ends[1], 'b'));
  world.a.addAddress('10.0.0.1/24');
  world.b.addAddress('10.0.0.2/24');
  return world;
}

/** Steps two stacks on a virtual clock. */
export class World {
  now: Micros = 0;
  turns = 0;
  readonly ends: readonly [PipeEnd, PipeEnd];
  readonly a: Stack;
  readonly b: Stack;

  constructor(ends: readonly [PipeEnd, PipeEnd], a: Stack, b: Stack) {
    this.ends = ends;
    this.a = a;
    this.b = b;
  }

  /** Runs until `done`, jumping over idle time; false when `limit` passes or nothing will ever happen. */
  run(done: () => boolean, limit: Micros = 600_000_000, step: () => void = () => {}): boolean {
    const end = this.now + limit;
    for (let turn = 0; turn < 5_000_000; turn++) {
      this.turns++;
      step();
      if (done()) return true;
      const work = this.a.poll(this.now) + this.b.poll(this.now);
      if (work > 0) continue;
      step();
      if (done()) return true;
      const next = Math.min(this.a.nextDeadline(), this.b.nextDeadline(), this.ends[0].next, this.ends[1].next);
      if (next > end) return false;
      this.now = Math.max(next, this.now);
      if (next <= this.now && turn > 4_000_000) return false;
    }
    return false;
  }

  /** Lets time pass. */
  idle(micros: Micros): void {
    const end = this.now + micros;
    this.run(() => false, micros);
    this.now = Math.max(this.now, end);
  }
}

/** A frame's TCP or UDP checksum and IP header checksum are right. */
export function checksumsRight(arena: OwnedArena, ip: number, bytes: number): boolean {
  const u8 = arena.u8;
  const header = (u8[ip]! & 15) * 4;
  if (finish(sum16(arena, ip, header)) !== 0) return false;
  const protocol = u8[ip + 9]!;
  let pseudo = (protocol << 8) + (((bytes - header) & 0xff) << 8) + ((bytes - header) >> 8);
  for (let i = 12; i < 20; i += 2) pseudo += u8[ip + i]! | (u8[ip + i + 1]! << 8);
  return finish(sum16(arena, ip + header, bytes - header, protocol === 1 ? 0 : pseudo)) === 0;
}

export { Scheduler };
