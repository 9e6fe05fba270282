/**
 * A trace that reads like a datasheet: each access by register and field, what it changed, polls folded, DMA summed up,
 * interrupts and frames in between.
 */
import { type DeviceBus, DmaFault, type EmulatedFunction, type ResetKind } from '../../emulators/index.js';
import type { FrameFate, LinkFrame } from '../../link/index.js';
import type { Arena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import type { Finding } from '../../platform/diagnostics.js';
import { hex } from '../../registers/index.js';
import { explainFrame } from '../../stack/index.js';
import { merge, type Place, RegisterNames, type Space, valueText } from './decode.js';
import { descriptorText } from './descriptor.js';
import type { FunctionWatcher } from './watch.js';

/** How a trace is made. */
export interface TraceOptions {
  /** How lines name the device. */
  readonly label: string;
  readonly now: () => Micros;
  /** Takes each line, without an end of line. */
  readonly line: (text: string) => void;
  /** False: guest memory must not be looked at, so descriptors are told without their content. */
  readonly descriptors?: boolean;
}

/** Registers whose last value is remembered. */
const REMEMBERED = 4096;
const FAULTS = Object.fromEntries(Object.entries(DmaFault).map(([name, value]) => [value, name]));

/** The trace of one function. */
export class FunctionTrace implements FunctionWatcher {
  readonly #fn: EmulatedFunction;
  readonly #names: RegisterNames;
  readonly #options: TraceOptions;
  readonly #values = new Map<Place, number>();
  #bus: DeviceBus | undefined;
  // The access seen last, not yet told: it may come again.
  #held = false;
  #heldSpace: Space = 0;
  #heldAt = 0;
  #heldWidth = 0;
  #heldValue = 0;
  #heldCount = 0;
  #heldSince: Micros = 0;
  #heldLast: Micros = 0;
  #heldBefore: number | undefined;
  #level = false;
  // DMA since the last line.
  #reads = 0;
  #readBytes = 0;
  #writes = 0;
  #writtenBytes = 0;

  constructor(fn: EmulatedFunction, options: TraceOptions) {
    this.#fn = fn;
    this.#names = new RegisterNames(fn);
    this.#options = options;
  }

  attached(bus: DeviceBus): void {
    if (this.#options.descriptors !== false) this.#bus = bus;
  }

  read(bar: number, at: number, width: number, value: number): void {
    this.#access(false, bar, at, width, value);
  }

  write(bar: number, at: number, width: number, value: number): void {
    this.#access(true, bar, at, width, value);
  }

  readConfig(at: number, width: number, value: number): void {
    this.#access(false, 'config', at, width, value);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.#access(true, 'config', at, width, value);
  }

  reset(kind: ResetKind): void {
    this.#values.clear();
    this.#say(`reset: ${kind}`);
  }

  powerState(state: number): void {
    this.#say(`power state D${state === 3 ? '3hot' : state}`);
  }

  dma(toGuest: boolean, address: number, _arena: Arena, _at: number, bytes: number, fault: DmaFault): void {
    this.#dma(toGuest, address, bytes, fault);
  }

  dmaWord(toGuest: boolean, address: number, width: number, _value: number, fault: DmaFault): void {
    this.#dma(toGuest, address, width >> 3, fault);
  }

  level(on: boolean): void {
    if (on === this.#level) return;
    this.#level = on;
    this.#say(`interrupt ${on ? 'raised' : 'lowered'}`);
  }

  message(vector: number): void {
    this.#say(`message, vector ${vector}`);
  }

  report({ rule, register, message }: Finding): void {
    this.#say(`! ${register}: ${message} [${rule}]`);
  }

  /** The model put a frame on its cable. */
  sent(frame: LinkFrame): void {
    this.#say(`sends ${this.#frame(frame)}${this.#descriptor()}`);
  }

  /** A frame came to the model, which has decided over it. */
  came(frame: LinkFrame, fate: FrameFate): void {
    this.#say(`${fate}: ${this.#frame(frame)}${fate === 'delivered' ? this.#descriptor() : ''}`);
  }

  /** Tells what is held back; later equal accesses begin a new line. `idle`: only what has not come again for so long. */
  flush(idle: Micros = 0): void {
    if (idle > 0 && this.#options.now() - this.#heldLast < idle) return;
    this.#tellHeld();
    this.#tellDma();
  }

  #descriptor(): string {
    const text = descriptorText(this.#fn, this.#bus);
    return text === '' ? '' : ` (${text})`;
  }

  #frame({ arena, offset, length, fcsOk }: LinkFrame): string {
    return `${length} bytes${fcsOk ? '' : ' with a bad FCS'}: ${explainFrame(arena.u8, offset, length)}`;
  }

  #access(write: boolean, space: Space, at: number, width: number, value: number): void {
    const now = this.#options.now();
    const held = this.#held;
    const same = held && !write && this.#heldSpace === space && this.#heldAt === at && this.#heldWidth === width;
    if (same && this.#heldValue === value && this.#reads + this.#writes === 0) {
      this.#heldCount++;
      this.#heldLast = now;
      return;
    }
    this.flush();
    const place = this.#names.find(space, at);
    this.#heldSpace = space;
    this.#heldAt = at;
    this.#heldWidth = width;
    this.#heldValue = value;
    this.#heldCount = 1;
    this.#heldSince = this.#heldLast = now;
    this.#heldBefore = undefined;
    if (place !== undefined && width <= place.width) {
      const before = this.#values.get(place);
      this.#heldBefore = before;
      if (before !== undefined || this.#values.size < REMEMBERED)
        this.#values.set(place, merge(value, width, (at - place.at) * 8, before ?? 0));
    }
    // A write is told before its consequences; a read may come again.
    if (write) this.#tellAccess('W');
    else this.#held = true;
  }

  #tellHeld(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#tellAccess('R');
  }

  #tellAccess(verb: 'R' | 'W'): void {
    const name = this.#names.text(this.#heldSpace, this.#heldAt, this.#heldWidth);
    const place = this.#names.find(this.#heldSpace, this.#heldAt);
    const value = valueText(place, this.#heldAt, this.#heldWidth, this.#heldValue, this.#heldBefore);
    const times = this.#heldCount;
    const took = this.#heldLast - this.#heldSince;
    const many = times === 1 ? '' : ` read ${times} times${took > 0 ? ` in ${took} us` : ''}, unchanged`;
    this.#line(this.#heldSince, `${verb} ${name}${many} = ${value}`);
  }

  #dma(toGuest: boolean, address: number, bytes: number, fault: DmaFault): void {
    if (fault !== DmaFault.none) {
      this.#say(
        `DMA ${toGuest ? 'write' : 'read'} of ${bytes} bytes at 0x${address.toString(16)} failed: ${FAULTS[fault]}`,
      );
      return;
    }
    if (toGuest) {
      this.#writes++;
      this.#writtenBytes += bytes;
    } else {
      this.#reads++;
      this.#readBytes += bytes;
    }
  }

  #tellDma(): void {
    const parts: string[] = [];
    if (this.#reads > 0) parts.push(`read ${this.#readBytes} bytes in ${this.#reads}`);
    if (this.#writes > 0) parts.push(`wrote ${this.#writtenBytes} bytes in ${this.#writes}`);
    this.#reads = this.#readBytes = this.#writes = this.#writtenBytes = 0;
    if (parts.length > 0) this.#line(this.#options.now(), `DMA ${parts.join(', ')}`);
  }

  #say(text: string): void {
    this.flush();
    this.#line(this.#options.now(), text);
  }

  #line(time: Micros, text: string): void {
    this.#options.line(`[${(time / 1e6).toFixed(6)}] ${this.#options.label} ${text}`);
  }
}

/** The last accesses of a guest, for captures: kept as numbers, put into words when somebody asks. */
export class AccessLog implements FunctionWatcher {
  readonly #names: RegisterNames;
  readonly #entries: { write: boolean; space: Space; at: number; width: number; value: number }[] = [];
  #count = 0;

  constructor(fn: EmulatedFunction) {
    this.#names = new RegisterNames(fn);
    for (let i = 0; i < LOGGED; i++) this.#entries.push({ write: false, space: 0, at: 0, width: 0, value: 0 });
  }

  read(bar: number, at: number, width: number, value: number): void {
    this.#note(false, bar, at, width, value);
  }

  write(bar: number, at: number, width: number, value: number): void {
    this.#note(true, bar, at, width, value);
  }

  /** The accesses since the last call, the newest last; empty when there were none. */
  take(): string {
    const count = this.#count;
    this.#count = 0;
    if (count === 0) return '';
    const parts: string[] = [];
    for (let i = Math.max(0, count - LOGGED); i < count; i++) {
      const { write, space, at, width, value } = this.#entries[i % LOGGED]!;
      const name = this.#names.text(space, at, width);
      parts.push(`${write ? 'W' : 'R'} ${name}=${hex(value, width)}`);
    }
    const more = count > LOGGED ? `${count - LOGGED} more, ` : '';
    return `accesses since the frame before: ${more}${parts.join(', ')}`;
  }

  #note(write: boolean, space: Space, at: number, width: number, value: number): void {
    const entry = this.#entries[this.#count++ % LOGGED]!;
    entry.write = write;
    entry.space = space;
    entry.at = at;
    entry.width = width;
    entry.value = value;
  }
}

/** Accesses that a capture's comment tells. */
const LOGGED = 8;
