/**
 * What a model reads and writes of guest memory, seen from outside: packets as the driver laid them down, to be compared
 * with what went over the wire. It works for every chip, because it looks for a frame's addresses and not at descriptors.
 */
import type { DeviceBus, DmaFault, EmulatedFunction } from '../../../src/emulators/index.js';
import { WrappedBus, WrappedFunction } from '../../../src/lab/wrap.js';
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

/** A model as it is, and its DMA on request. */
export class ObservedFunction extends WrappedFunction {
  readonly #mac: Uint8Array;
  #kept: DmaFrame[] | undefined;

  /** @param mac the model's station address: packets to or from it are kept */
  constructor(fn: EmulatedFunction, mac: Uint8Array) {
    super(fn);
    this.#mac = mac;
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

  override attach(bus: DeviceBus): void {
    this.fn.attach(
      new ObservedBus(bus, (out, address, arena, at, bytes) => {
        if (this.#kept !== undefined) this.#look(out, address, arena, at, bytes);
      }),
    );
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

/** Tells of every block that is read, once it is there, and of every block that is about to be written. */
class ObservedBus extends WrappedBus {
  readonly #seen: (out: boolean, address: number, arena: Arena, at: number, bytes: number) => void;

  constructor(bus: DeviceBus, seen: (out: boolean, address: number, arena: Arena, at: number, bytes: number) => void) {
    super(bus);
    this.#seen = seen;
  }

  override read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const fault = this.bus.read(address, arena, at, bytes);
    this.#seen(true, address, arena, at, bytes);
    return fault;
  }

  override write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    this.#seen(false, address, arena, at, bytes);
    return this.bus.write(address, arena, at, bytes);
  }
}
