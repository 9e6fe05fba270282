/** Writes down all that passes between a model and its world, so that the model can be run again without it. */
import { type DeviceBus, DmaFault, type EmulatedFunction, type ResetKind } from '../../emulators/index.js';
import { crc32, type LinkAbility, type LinkFrame } from '../../link/index.js';
import type { Arena } from '../../platform/arena.js';
import type { Finding } from '../../platform/diagnostics.js';
import { type FunctionWatcher, watchFunction } from '../trace/watch.js';
import { Kind, RESETS, type RecordingHeader, RecordWriter } from './format.js';

/** A model that is recorded. */
export interface Recorded {
  /** To be given to a host. */
  readonly model: EmulatedFunction;
  /** Hands what was gathered to the sink. */
  flush(): void;
  /** Bytes so far. */
  readonly bytes: number;
}

/** Records `fn`, which nobody has attached yet. It must be the innermost of several watchers. */
export function recordFunction(
  fn: EmulatedFunction,
  header: RecordingHeader,
  sink: (bytes: Uint8Array) => void,
): Recorded {
  const writer = new RecordWriter(header, sink);
  const recorder = new Recorder(writer, fn, header);
  return {
    model: watchFunction(fn, recorder),
    flush: () => writer.flush(),
    get bytes() {
      return writer.bytes;
    },
  };
}

class Recorder implements FunctionWatcher {
  readonly #writer: RecordWriter;
  readonly #fn: EmulatedFunction;
  readonly #header: RecordingHeader;
  #bus!: DeviceBus;
  #now = 0;
  #msix = false;

  constructor(writer: RecordWriter, fn: EmulatedFunction, header: RecordingHeader) {
    this.#writer = writer;
    this.#fn = fn;
    this.#header = header;
  }

  attached(bus: DeviceBus): void {
    this.#bus = bus;
    const { port } = this.#fn;
    if (port === undefined) return;
    this.#partner(port.partner);
    const transmit = port.transmit.bind(port);
    port.transmit = (frame) => {
      const carried = transmit(frame);
      this.#sent(frame, carried);
      return carried;
    };
  }

  /** The model has set its hooks on the port. */
  ready(): void {
    const { port } = this.#fn;
    if (port === undefined) return;
    const { receive, onPartner } = port;
    port.receive = (frame) => {
      this.#begin(Kind.frame);
      this.#writer.number(frame.fcsOk ? 1 : 0);
      this.#writer.run(frame.arena.u8, frame.offset, frame.length);
      const fate = receive(frame);
      this.#writer.kind(Kind.result);
      this.#writer.number(this.#header.fates.indexOf(fate));
      return fate;
    };
    port.onPartner = (partner) => {
      this.#partner(partner);
      onPartner?.(partner);
    };
  }

  reading(bar: number, at: number, width: number): void {
    this.#begin(Kind.read, bar, at, width);
  }

  read(_bar: number, _at: number, _width: number, value: number): void {
    this.#put(Kind.result, value);
  }

  write(bar: number, at: number, width: number, value: number): void {
    this.#begin(Kind.write, bar, at, width, value);
  }

  askingConfig(at: number, width: number): void {
    this.#begin(Kind.ask, at, width);
  }

  askedConfig(value: number | undefined): void {
    if (value === undefined) this.#put(Kind.said, 0);
    else this.#put(Kind.said, 1, value);
  }

  readConfig(at: number, width: number, value: number): void {
    this.#begin(Kind.configRead, at, width, value);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.#begin(Kind.configWrite, at, width, value);
  }

  reset(kind: ResetKind): void {
    this.#begin(Kind.reset, RESETS.indexOf(kind));
  }

  powerState(state: number): void {
    this.#begin(Kind.power, state);
  }

  alarm(index: number): void {
    this.#begin(Kind.alarm, index);
  }

  dma(toGuest: boolean, address: number, arena: Arena, at: number, bytes: number, fault: DmaFault): void {
    const { u8 } = arena;
    if (toGuest) {
      this.#put(Kind.dmaWrite, address, bytes, fault, crc32(arena, at, bytes));
      return;
    }
    this.#put(Kind.dmaRead, address, bytes, fault);
    this.#writer.run(u8, at, fault === DmaFault.none ? bytes : 0);
  }

  dmaWord(toGuest: boolean, address: number, width: number, value: number, fault: DmaFault): void {
    this.#put(toGuest ? Kind.wordWrite : Kind.wordRead, address, width, fault, value);
  }

  level(on: boolean): void {
    this.#put(Kind.level, on ? 1 : 0);
  }

  message(vector: number): void {
    this.#put(Kind.message, vector);
  }

  clearMessage(vector: number): void {
    this.#put(Kind.clearMessage, vector);
  }

  report({ rule, register }: Finding): void {
    this.#writer.kind(Kind.finding);
    this.#writer.text(`${rule} ${register}`);
  }

  pme(): void {
    this.#put(Kind.pme);
  }

  delay(value: number): void {
    if (this.#header.schedule === 'adversarial') this.#put(Kind.delay, value);
  }

  slice(value: number): void {
    if (this.#header.schedule === 'adversarial') this.#put(Kind.slice, value);
  }

  #sent(frame: LinkFrame, carried: boolean): void {
    this.#put(Kind.sent, frame.length, crc32(frame.arena, frame.offset, frame.length), carried ? 1 : 0);
  }

  #partner(partner: LinkAbility | undefined): void {
    this.#begin(Kind.partner);
    this.#writer.text(JSON.stringify(partner ?? null));
  }

  /** Something happens to the model. */
  #begin(kind: number, ...fields: number[]): void {
    const { now, msixEnabled } = this.#bus;
    if (now !== this.#now) {
      this.#put(Kind.time, now - this.#now);
      this.#now = now;
    }
    if (msixEnabled !== this.#msix) {
      this.#put(Kind.msix, msixEnabled ? 1 : 0);
      this.#msix = msixEnabled;
    }
    this.#put(kind, ...fields);
  }

  #put(kind: number, ...fields: number[]): void {
    this.#writer.kind(kind);
    for (let i = 0; i < fields.length; i++) this.#writer.number(fields[i]!);
  }
}
