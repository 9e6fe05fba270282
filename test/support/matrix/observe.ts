/**
 * What a model reads and writes of guest memory, seen from outside: packets as the driver laid them down, to be compared
 * with what went over the wire. It works for every chip, because it looks for a frame's addresses and not at descriptors.
 */
import type { ConfigDeclaration, DeviceBus, EmulatedFunction, ResetKind } from '../../../src/emulators/index.js';
import type { LinkPort } from '../../../src/link/index.js';
import type { Arena } from '../../../src/platform/arena.js';

/** A piece of guest memory that a model read or wrote and that begins with an Ethernet header. */
export interface DmaFrame {
  /** True: read by the model, to be sent. */
  readonly out: boolean;
  readonly address: number;
  /** From the destination address on; as much as was in one piece. */
  readonly bytes: Buffer;
}

/** Bytes before the Ethernet header that a packet may have in memory: virtio's header with and without `num_buffers`. */
const PREFIXES = [0, 10, 12];
const MOST_KEPT = 100_000;

/** A method bound to `bus`, or a property that asks it. */
function forward(bus: DeviceBus, name: keyof DeviceBus): PropertyDescriptor {
  const value: unknown = bus[name];
  return typeof value === 'function' ? { value: value.bind(bus), writable: true } : { get: () => bus[name] };
}

/** A model as it is, and its DMA on request. */
export class ObservedFunction implements EmulatedFunction {
  readonly name: string;
  readonly config: ConfigDeclaration;
  readonly port: LinkPort | undefined;
  readonly maps: EmulatedFunction['maps'];
  readonly #fn: EmulatedFunction;
  readonly #mac: Uint8Array;
  #kept: DmaFrame[] | undefined;

  /** @param mac the model's station address: packets to or from it are kept */
  constructor(fn: EmulatedFunction, mac: Uint8Array) {
    this.#fn = fn;
    this.#mac = mac;
    this.name = fn.name;
    this.config = fn.config;
    this.port = fn.port;
    this.maps = fn.maps;
  }

  /** Keeps frames from now until the returned call, which gives them. */
  keep(): () => DmaFrame[] {
    const kept: DmaFrame[] = [];
    this.#kept = kept;
    return () => {
      this.#kept = undefined;
      return kept;
    };
  }

  attach(bus: DeviceBus): void {
    // The shell's methods use its private state, so they must run on the shell itself, whatever there are.
    const watched = {} as { -readonly [K in keyof DeviceBus]: DeviceBus[K] };
    for (let level: object | null = bus; level && level !== Object.prototype; level = Object.getPrototypeOf(level))
      for (const name of Object.getOwnPropertyNames(level) as (keyof DeviceBus)[])
        if (!(name in watched)) Object.defineProperty(watched, name, forward(bus, name));
    watched.read = (address, arena, at, bytes) => {
      const fault = bus.read(address, arena, at, bytes);
      if (this.#kept !== undefined) this.#look(true, address, arena, at, bytes);
      return fault;
    };
    watched.write = (address, arena, at, bytes) => {
      if (this.#kept !== undefined) this.#look(false, address, arena, at, bytes);
      return bus.write(address, arena, at, bytes);
    };
    this.#fn.attach(watched);
  }

  readBar(bar: number, at: number, width: number): number {
    return this.#fn.readBar(bar, at, width);
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    this.#fn.writeBar(bar, at, width, value);
  }

  readConfig(at: number, width: number): number | undefined {
    return this.#fn.readConfig?.(at, width);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.#fn.writeConfig?.(at, width, value);
  }

  reset(kind: ResetKind): void {
    this.#fn.reset(kind);
  }

  powerState(state: number): void {
    this.#fn.powerState?.(state);
  }

  #look(out: boolean, address: number, arena: Arena, at: number, bytes: number): void {
    for (const prefix of PREFIXES) {
      // Read: the source address is ours; written: the destination is.
      const place = at + prefix + (out ? 6 : 0);
      if (bytes < prefix + 14 || !this.#mac.every((byte, i) => arena.u8[place + i] === byte)) continue;
      if (this.#kept!.length < MOST_KEPT)
        this.#kept!.push({ out, address, bytes: Buffer.from(arena.u8.subarray(at + prefix, at + bytes)) });
      return;
    }
  }
}
