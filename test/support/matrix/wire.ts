/** The cable of a NIC under test: counts what passes, keeps copies on request, injects what no sane partner sends. */
import { Cable, type LinkFrame, type LinkPort } from '../../../src/link/index.js';
import type { OwnedArena } from '../../../src/platform/arena.js';
import type { Scheduler } from '../../../src/platform/clock.js';

/** Frames of one direction. Bytes count header, payload and FCS, as MACs count octets. */
export interface WireCounts {
  frames: number;
  bytes: number;
  broadcast: number;
  /** Group addresses but broadcast. */
  multicast: number;
  /** PAUSE frames (802.3 Annex 31B). */
  pause: number;
  badFcs: number;
  /** Below 64 bytes with FCS; their FCS is right. */
  short: number;
  /** Above 1518 bytes with FCS (1522 with a tag); their FCS is right. */
  long: number;
  /** Bytes of `short` and `long`. */
  oddBytes: number;
}

/** A kept frame, without FCS. */
export interface WireFrame {
  /** True: sent by the NIC. */
  readonly out: boolean;
  /** Microseconds. */
  readonly time: number;
  readonly bytes: Buffer;
}

/** Bytes of an FCS. */
export const FCS = 4;
const MOST_KEPT = 100_000;
const MOST_INJECTED = 16_384;

function noCounts(): WireCounts {
  return { frames: 0, bytes: 0, broadcast: 0, multicast: 0, pause: 0, badFcs: 0, short: 0, long: 0, oddBytes: 0 };
}

/** Counters now, less counters before. */
export function difference(now: WireCounts, before: WireCounts): WireCounts {
  const out = noCounts();
  for (const key of Object.keys(out) as (keyof WireCounts)[]) out[key] = now[key] - before[key];
  return out;
}

/** The cable between a NIC (or what leads to it) and a port of the switch. */
export class Wire {
  readonly cable: Cable;
  /** From the NIC. */
  readonly out = noCounts();
  /** To the NIC. */
  readonly in = noCounts();
  readonly #near: LinkPort;
  readonly #far: LinkPort;
  readonly #arena: OwnedArena;
  readonly #scratch: number;
  #kept: WireFrame[] | undefined;

  constructor(near: LinkPort, far: LinkPort, scheduler: Scheduler, arena: OwnedArena) {
    this.#near = near;
    this.#far = far;
    this.#arena = arena;
    this.#scratch = arena.alloc(MOST_INJECTED + 2) + 2;
    this.cable = new Cable(near, far, { scheduler, arena });
    this.cable.tap = (time, from, frame) => this.#saw(time, from === this.#near, frame);
  }

  /** Counters of both directions, copied. */
  counts(): { out: WireCounts; in: WireCounts } {
    return { out: { ...this.out }, in: { ...this.in } };
  }

  /** Keeps copies of frames from now until the returned call, which gives them. */
  keep(): () => WireFrame[] {
    const kept: WireFrame[] = [];
    this.#kept = kept;
    return () => {
      this.#kept = undefined;
      return kept;
    };
  }

  /** Puts a frame on the cable towards the NIC, exactly as given (no padding). False without carrier. */
  inject(bytes: Uint8Array, fcsOk = true): boolean {
    this.#arena.u8.set(bytes, this.#scratch);
    return this.#far.transmit({ arena: this.#arena, offset: this.#scratch, length: bytes.length, fcsOk });
  }

  #saw(time: number, out: boolean, frame: LinkFrame): void {
    const counts = out ? this.out : this.in;
    const { u8 } = frame.arena;
    const at = frame.offset;
    const bytes = frame.length + FCS;
    if (!frame.fcsOk) counts.badFcs++;
    else if (bytes < 64 || bytes > (u8[at + 12] === 0x81 && u8[at + 13] === 0 ? 1522 : 1518)) {
      counts[bytes < 64 ? 'short' : 'long']++;
      counts.oddBytes += bytes;
    } else {
      counts.frames++;
      counts.bytes += bytes;
      if (u8[at + 12] === 0x88 && u8[at + 13] === 0x08) counts.pause++;
      if ((u8[at]! & 1) !== 0) {
        let all = true;
        for (let i = 0; i < 6; i++) all &&= u8[at + i] === 0xff;
        if (all) counts.broadcast++;
        else counts.multicast++;
      }
    }
    if (this.#kept !== undefined && this.#kept.length < MOST_KEPT)
      this.#kept.push({ out, time, bytes: Buffer.from(u8.subarray(at, at + frame.length)) });
  }
}
