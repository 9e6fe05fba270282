/** A bench for one driver on one model: a machine, a far end that keeps what it hears, and a way into every register access. */
import type { DriverOptions, Nic, NicDriver } from '../../src/drivers/index.js';
import type { EmulatedFunction, PciShell, Schedule } from '../../src/emulators/index.js';
import { Machine } from '../../src/hosts/machine/index.js';
import { Cable, GIGABIT, type LinkFrame, LinkPort } from '../../src/link/index.js';
import { enumerate, type PciFunction, type PciHost, type ProbeOutcome, score } from '../../src/pci/index.js';
import { OwnedArena } from '../../src/platform/arena.js';
import { finish as fold, sumPlain } from '../../src/platform/kernels.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import type { Task } from '../../src/platform/task.js';
import { finish } from '../../src/testing/run.js';

/** Sees and may change accesses of one mapping; undefined lets it through. */
export interface Meddler {
  read?(at: number, value: number, kind: string): number | undefined;
  /** True: the write is swallowed. */
  write?(at: number, value: number, kind: string): boolean;
}

const arena = new OwnedArena(160 << 20);
const STEPS = 2_000_000;

export class Bench {
  readonly machine: Machine;
  readonly shell: PciShell;
  readonly far = new LinkPort('far');
  readonly cable: Cable;
  readonly heard: Uint8Array[] = [];
  readonly fates: string[] = [];
  readonly frame: Frame;
  readonly fn: PciFunction;
  meddler: Meddler = {};
  nic!: Nic;
  readonly #at: number;
  readonly #driver: NicDriver;

  constructor(driver: NicDriver, model: EmulatedFunction, schedule: Schedule = 'fast', io = true) {
    arena.clear();
    this.#driver = driver;
    const window = { memory32: { base: 0xc000_0000, bytes: 0x1000_0000 }, memory64: { base: 2 ** 39, bytes: 2 ** 32 } };
    this.machine = new Machine({
      arena,
      schedule,
      seed: 7,
      strict: true,
      resources: { ...window, io: io ? { base: 0x2000, bytes: 0xe000 } : undefined },
    });
    this.shell = this.machine.bus.add(model);
    this.far.offer(GIGABIT);
    this.far.receive = (frame) => {
      this.heard.push(frame.arena.u8.slice(frame.offset, frame.offset + frame.length));
      return 'delivered';
    };
    this.cable = new Cable(model.port!, this.far, this.machine);
    model.port!.onFate = (_frame, fate) => void this.fates.push(fate);
    this.#at = arena.alloc(16384);
    this.frame = emptyFrame(arena);
    const { machine } = this;
    const host: PciHost = {
      config: machine.config,
      resources: machine.resources,
      lastBus: machine.lastBus,
      interrupts: machine.interrupts,
      scheduler: machine.scheduler,
      dma: (address) => machine.dma(address),
      map: (address, bytes, kind) => this.#meddled(machine.map(address, bytes, kind), kind),
    };
    this.fn = enumerate(host).functions.find((fn) => driver.ids.some((id) => score(id, fn) > 0))!;
  }

  #meddled(io: Mmio, kind: string): Mmio {
    const read = (at: number, value: number): number => this.meddler.read?.(at, value, kind) ?? value;
    const swallowed = (at: number, value: number): boolean => this.meddler.write?.(at, value, kind) ?? false;
    return {
      bytes: io.bytes,
      read8: (at) => read(at, io.read8(at)),
      read16: (at) => read(at, io.read16(at)),
      read32: (at) => read(at, io.read32(at)),
      write8: (at, value) => void (swallowed(at, value) || io.write8(at, value)),
      write16: (at, value) => void (swallowed(at, value) || io.write16(at, value)),
      write32: (at, value) => void (swallowed(at, value) || io.write32(at, value)),
    };
  }

  run<T>(task: Task<T>): T {
    return finish(this.machine, task);
  }

  probe(options: DriverOptions = {}): ProbeOutcome<Nic> {
    const id = this.#driver.ids.find((row) => score(row, this.fn) > 0)!;
    return this.run(this.#driver.probe(this.fn, id, options));
  }

  /** Binds and waits for the link. */
  open(options: DriverOptions = {}): this {
    const outcome = this.probe(options);
    if (outcome.kind !== 'bound') throw outcome.kind === 'failed' ? outcome.error : new Error(outcome.reason);
    this.nic = outcome.value;
    this.until(() => this.nic.linkUp, 'link');
    return this;
  }

  get now(): number {
    return this.machine.scheduler.now;
  }

  /** Steps the NIC every 20 us until `done`. */
  until(done: () => boolean, what: string, within = 60_000_000): void {
    const limit = this.now + within;
    for (let i = 0; i < STEPS && !done(); i++) {
      this.nic.step(this.now);
      this.nic.flush(this.now);
      if (done()) return;
      if (this.now > limit) break;
      this.wait(20);
    }
    if (!done()) throw new Error(`${what} did not happen by ${this.now} us`);
  }

  /** Lets `duration` microseconds pass. */
  wait(duration: number): void {
    let over = false;
    this.machine.scheduler.at(this.now + duration, () => {
      over = true;
    });
    for (let i = 0; i < STEPS && !over; i++) this.machine.scheduler.advance();
  }

  /** The far end sends. */
  inject(bytes: Uint8Array, fcsOk = true): void {
    arena.u8.set(bytes, this.#at);
    const frame: LinkFrame = { arena, offset: this.#at, length: bytes.length, fcsOk };
    if (!this.far.transmit(frame)) throw new Error('no carrier');
  }

  /** What the NIC hands up next, or undefined when nothing comes within a millisecond. */
  next(): Uint8Array | undefined {
    for (let i = 0; i < 50; i++) {
      if (this.nic.receive(this.now, this.frame)) {
        const { u8 } = this.frame.arena;
        return u8.slice(this.frame.offset, this.frame.offset + this.frame.length);
      }
      this.wait(20);
    }
    return undefined;
  }

  /** Sends and returns what the far end heard of it. */
  send(bytes: Uint8Array, describe: (frame: Frame) => void = () => {}): Uint8Array[] {
    this.heard.length = 0;
    if (!this.nic.reserve(this.now, this.frame, bytes.length)) throw new Error('no slot');
    this.frame.arena.u8.set(bytes, this.frame.offset);
    describe(this.frame);
    this.nic.commit(this.frame);
    this.nic.flush(this.now);
    const before = this.nic.statistics()['txPackets']!;
    this.until(() => this.nic.statistics()['txPackets']! > before, 'the frame was sent');
    return [...this.heard];
  }

  problems(): string[] {
    return this.machine.diagnostics.problems().map((d) => `${d.register}: ${d.message}`);
  }
}

export const FAR = Uint8Array.of(2, 0, 0, 0, 0, 9);

/** An Ethernet frame of a local experimental type with a pattern. */
export function plain(to: Uint8Array, bytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(bytes);
  frame.set(to);
  frame.set(FAR, 6);
  frame.set([0x88, 0xb5], 12);
  for (let i = 14; i < bytes; i++) frame[i] = i * 7 + seed;
  return frame;
}

const be16 = (view: DataView, at: number): number => view.getUint16(at);

/** A TCP frame over IPv4 or IPv6 with right checksums, or with only the pseudo-header's sum when `partial`. */
export function tcp(version: 4 | 6, payload: number, partial: boolean, to: Uint8Array = FAR): Uint8Array<ArrayBuffer> {
  const l3 = 14;
  const l4 = l3 + (version === 4 ? 20 : 40);
  const frame = new Uint8Array(l4 + 20 + payload);
  const view = new DataView(frame.buffer);
  frame.set(to);
  frame.set(FAR, 6);
  view.setUint16(12, version === 4 ? 0x0800 : 0x86dd);
  const length = 20 + payload;
  if (version === 4) {
    frame.set([0x45, 0], l3);
    view.setUint16(l3 + 2, 20 + length);
    view.setUint16(l3 + 4, 0x1234);
    frame.set([64, 6], l3 + 8);
    frame.set([10, 0, 0, 1, 10, 0, 0, 2], l3 + 12);
    view.setUint16(l3 + 10, fold(sumPlain(frame, l3, 20, 0)));
  } else {
    frame[l3] = 0x60;
    view.setUint16(l3 + 4, length);
    frame.set([6, 64], l3 + 6);
    for (let i = 0; i < 32; i++) frame[l3 + 8 + i] = i + 1;
  }
  view.setUint16(l4, 4000);
  view.setUint16(l4 + 2, 80);
  view.setUint32(l4 + 4, 0x1000_0000);
  frame[l4 + 12] = 0x50;
  frame[l4 + 13] = 0x18;
  view.setUint16(l4 + 14, 0xffff);
  for (let i = 0; i < payload; i++) frame[l4 + 20 + i] = i * 13 + (i >> 8);
  const pseudo = pseudoHeader(frame, version, length);
  if (partial) view.setUint16(l4 + 16, ~fold(pseudo) & 0xffff);
  else view.setUint16(l4 + 16, fold(sumPlain(frame, l4, length, pseudo)));
  return frame;
}

function pseudoHeader(frame: Uint8Array, version: 4 | 6, length: number): number {
  const addresses = version === 4 ? sumPlain(frame, 26, 8, 0) : sumPlain(frame, 22, 32, 0);
  return sumPlain(Uint8Array.of(0, 6, length >> 8, length & 0xff), 0, 4, addresses);
}

/** Checks a finished TCP frame and returns its sequence number and payload. */
export function checkTcp(frame: Uint8Array): { sequence: number; payload: Uint8Array; flags: number } {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const version = be16(view, 12) === 0x0800 ? 4 : 6;
  const l4 = 14 + (version === 4 ? 20 : 40);
  const length = version === 4 ? be16(view, 16) - 20 : be16(view, 18);
  if (version === 4 && fold(sumPlain(frame, 14, 20, 0)) !== 0) throw new Error('the IPv4 header checksum is wrong');
  if (fold(sumPlain(frame, l4, length, pseudoHeader(frame, version, length))) !== 0)
    throw new Error('the TCP checksum is wrong');
  return { sequence: view.getUint32(l4 + 4), payload: frame.slice(l4 + 20, l4 + length), flags: frame[l4 + 13]! };
}
