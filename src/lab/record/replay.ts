/** A model run again from a recording, without the machine it was in: the same accesses, the same memory, the same clock. */
import type { DeviceBus, DmaFault, EmulatedFunction, ModelAlarm, Schedule } from '../../emulators/index.js';
import { crc32, type FrameFate, type LinkAbility, type LinkFrame } from '../../link/index.js';
import { type Arena, OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import { Diagnostics, type Finding } from '../../platform/diagnostics.js';
import { hex } from '../../registers/index.js';
import { nicKind } from '../nics.js';
import { FunctionTrace } from '../trace/trace.js';
import { watchFunction } from '../trace/watch.js';
import { FIRST_DOING, Kind, RESETS, RecordingError, RecordReader, type RecordSource } from './format.js';

/** How to replay. */
export interface ReplayOptions {
  /** Takes the lines of a trace. */
  readonly trace?: (line: string) => void;
}

/** What came of it. */
export interface ReplayResult {
  readonly label: string;
  readonly nic: string;
  /** Things that happened to the model, and that it did. */
  readonly events: number;
  readonly doings: number;
  /** Microseconds of the recording's clock. */
  readonly time: Micros;
  readonly sent: number;
  readonly received: number;
  readonly diagnostics: Diagnostics;
  /** Where the model did something else than was recorded. */
  readonly divergence: { readonly offset: number; readonly time: Micros; readonly text: string } | undefined;
  /** The recording ends in the middle of a record: whoever wrote it was killed. */
  readonly truncated: boolean;
}

const ARENA = 24 << 20;
const LARGEST_FRAME = 70_000;
const NAMES = Object.fromEntries(Object.entries(Kind).map(([name, kind]) => [kind, name]));

class Divergence extends Error {}

/** Replays a recording. @throws RecordingError when it is none, or damaged */
export function replay(source: RecordSource, options: ReplayOptions = {}): ReplayResult {
  const reader = new RecordReader(source);
  const { nic, label, mac, nvm } = reader.header;
  const bytes = Uint8Array.from(mac.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  let made: EmulatedFunction;
  try {
    made = nicKind(nic).make(bytes, label, nvm ? Uint16Array.from(nvm) : undefined);
  } catch (error) {
    throw new RecordingError(error instanceof Error ? error.message : String(error));
  }
  return new Replay(reader, made, options).run();
}

class Replay {
  readonly #reader: RecordReader;
  readonly #fn: EmulatedFunction;
  readonly #bus: ReplayBus;
  readonly #trace: FunctionTrace | undefined;
  readonly #frame: LinkFrame;
  #events = 0;
  #sent = 0;
  #received = 0;

  constructor(reader: RecordReader, made: EmulatedFunction, options: ReplayOptions) {
    const { label } = reader.header;
    this.#reader = reader;
    this.#bus = new ReplayBus(reader);
    const { trace: line } = options;
    if (line) this.#trace = new FunctionTrace(made, { label, now: () => this.#bus.now, line, descriptors: false });
    this.#fn = this.#trace ? watchFunction(made, this.#trace) : made;
    const { arena } = this.#bus;
    this.#frame = { arena, offset: arena.alloc(LARGEST_FRAME) + 2, length: 0, fcsOk: true };
    const { port } = this.#fn;
    if (port)
      port.transmit = (frame) => {
        this.#sent++;
        this.#trace?.sent(frame);
        return this.#bus.sent(frame);
      };
  }

  run(): ReplayResult {
    const reader = this.#reader;
    let divergence: ReplayResult['divergence'];
    let truncated = false;
    try {
      // What the recorder wrote before the model was attached: the cable's other end.
      while (reader.peek() === Kind.partner || reader.peek() === Kind.time) this.#event();
      this.#fn.attach(this.#bus);
      while (reader.peek() >= 0) this.#event();
    } catch (error) {
      if (error instanceof Divergence) divergence = { offset: reader.offset, time: this.#bus.now, text: error.message };
      else if (error instanceof RecordingError && reader.atEnd) truncated = true;
      else throw error;
    }
    this.#trace?.flush();
    return {
      label: reader.header.label,
      nic: reader.header.nic,
      events: this.#events,
      doings: this.#bus.doings,
      time: this.#bus.now,
      sent: this.#sent,
      received: this.#received,
      diagnostics: this.#bus.diagnostics,
      divergence,
      truncated,
    };
  }

  /** One thing that happens to the model. */
  #event(): void {
    const reader = this.#reader;
    const fn = this.#fn;
    const kind = reader.kind();
    if (kind >= FIRST_DOING) throw new Divergence(`the recording has ${NAMES[kind] ?? kind}, the model did nothing`);
    this.#events++;
    switch (kind) {
      case Kind.time:
        this.#bus.now += reader.number();
        return;
      case Kind.msix:
        this.#bus.msixEnabled = reader.number() !== 0;
        return;
      case Kind.read: {
        const [bar, at, width] = [reader.number(), reader.number(), reader.number()];
        this.#result(fn.readBar(bar, at, width), `BAR${bar} offset ${hex(at)} reads`, width);
        return;
      }
      case Kind.write:
        fn.writeBar(reader.number(), reader.number(), reader.number(), reader.int32());
        return;
      case Kind.ask: {
        const [at, width] = [reader.number(), reader.number()];
        const value = fn.readConfig?.(at, width);
        this.#expect(Kind.said, `it gave configuration space at ${hex(at, 16)}`);
        const said = reader.number() === 0 ? undefined : reader.int32();
        if ((value === undefined ? undefined : value | 0) !== said)
          throw new Divergence(`configuration space at ${hex(at, 16)} is ${value}, recorded ${said}`);
        return;
      }
      case Kind.configRead:
      case Kind.configWrite: {
        // Read in any case: the model may have no use for them.
        const [at, width, value] = [reader.number(), reader.number(), reader.int32()];
        if (kind === Kind.configRead) fn.configRead?.(at, width, value);
        else fn.writeConfig?.(at, width, value);
        return;
      }
      case Kind.reset: {
        const reset = RESETS[reader.number()];
        if (reset === undefined) throw new RecordingError(`an unknown reset at ${reader.offset}`);
        fn.reset(reset);
        return;
      }
      case Kind.power: {
        const state = reader.number();
        fn.powerState?.(state);
        return;
      }
      case Kind.alarm:
        this.#bus.fire(reader.number());
        return;
      case Kind.frame:
        this.#frameIn();
        return;
      case Kind.partner: {
        const partner = partnerOf(reader.text());
        fn.port?.heard(partner);
        return;
      }
      default:
        throw new RecordingError(`a record of kind ${kind} at ${reader.offset} where something happens`);
    }
  }

  #frameIn(): void {
    const reader = this.#reader;
    const frame = this.#frame;
    frame.fcsOk = reader.number() !== 0;
    frame.length = reader.run();
    if (frame.length > LARGEST_FRAME - 2) throw new RecordingError(`a frame of ${frame.length} bytes`);
    frame.arena.u8.set(reader.data.subarray(0, frame.length), frame.offset);
    const { port } = this.#fn;
    if (port === undefined) throw new RecordingError('a frame for a function without a port');
    const fate = port.receive(frame);
    this.#received++;
    this.#trace?.came(frame, fate);
    this.#expect(Kind.result, `the frame is ${fate}`);
    const recorded: FrameFate | undefined = reader.header.fates[reader.number()];
    if (fate !== recorded)
      throw new Divergence(`the fate of a frame of ${frame.length} bytes is ${fate}, recorded ${recorded}`);
  }

  #result(value: number, what: string, width: number): void {
    this.#expect(Kind.result, `${what} ${hex(value, width)}`);
    const recorded = this.#reader.int32();
    if (recorded !== (value | 0))
      throw new Divergence(`${what} ${hex(value, width)}, recorded ${hex(recorded, width)}`);
  }

  #expect(kind: number, what: string): void {
    const next = this.#reader.kind();
    if (next !== kind) throw new Divergence(`${what}; the recording has ${NAMES[next] ?? next} before`);
  }
}

function partnerOf(text: string): LinkAbility | undefined {
  try {
    return (JSON.parse(text) as LinkAbility | null) ?? undefined;
  } catch {
    throw new RecordingError('the offer of a cable is damaged');
  }
}

/** The world as it was: memory says what it said, and what the model does is compared. */
class ReplayBus implements DeviceBus {
  readonly arena = new OwnedArena(ARENA);
  readonly diagnostics = new Diagnostics();
  readonly schedule: Schedule;
  now: Micros = 0;
  msixEnabled = false;
  fault: DmaFault = 0;
  doings = 0;
  readonly #reader: RecordReader;
  readonly #alarms: { fire: () => void; armed: boolean }[] = [];

  constructor(reader: RecordReader) {
    this.#reader = reader;
    this.schedule = reader.header.schedule;
  }

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const fault = this.#dma(Kind.dmaRead, 'reads', address, bytes);
    const count = this.#reader.run();
    if (fault === 0 && count !== bytes) throw new RecordingError(`a DMA read of ${bytes} bytes holds ${count}`);
    arena.u8.set(this.#reader.data.subarray(0, count), at);
    return fault;
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const fault = this.#dma(Kind.dmaWrite, 'writes', address, bytes);
    this.#same(
      crc32(arena, at, bytes),
      this.#reader.int32(),
      `the CRC-32 of ${bytes} bytes written by DMA to 0x${address.toString(16)}`,
    );
    return fault;
  }

  read32(address: number): number {
    return this.#word(Kind.wordRead, address, 32);
  }

  read16(address: number): number {
    return this.#word(Kind.wordRead, address, 16);
  }

  write32(address: number, value: number): DmaFault {
    return this.#wordOut(address, 32, value);
  }

  write16(address: number, value: number): DmaFault {
    return this.#wordOut(address, 16, value);
  }

  allocBuffer(bytes: number): number {
    return this.arena.alloc(bytes);
  }

  alarm(fire: () => void): ModelAlarm {
    const entry = { fire, armed: false };
    this.#alarms.push(entry);
    return {
      get armed() {
        return entry.armed;
      },
      arm: () => {
        entry.armed = true;
      },
      cancel: () => {
        entry.armed = false;
      },
    };
  }

  /** The clock has reached an alarm. */
  fire(index: number): void {
    const entry = this.#alarms[index];
    if (entry === undefined || !entry.armed) throw new Divergence(`alarm ${index} fires, the model has not armed it`);
    entry.armed = false;
    entry.fire();
  }

  delay(): Micros {
    return this.schedule === 'adversarial' ? this.#number(Kind.delay, 'asks for a delay') : 0;
  }

  slice(most: number): number {
    return this.schedule === 'adversarial' ? this.#number(Kind.slice, 'asks for a slice') : most;
  }

  setLevel(on: boolean): void {
    this.#same(on ? 1 : 0, this.#number(Kind.level, `sets its level to ${on}`), 'the interrupt level');
  }

  message(vector: number): void {
    this.#same(vector, this.#number(Kind.message, `sends message ${vector}`), 'the vector of a message');
  }

  clearMessage(vector: number): void {
    this.#same(
      vector,
      this.#number(Kind.clearMessage, `forgets message ${vector}`),
      'the vector of a message forgotten',
    );
  }

  pme(): void {
    this.#expect(Kind.pme, 'raises PME#');
  }

  report(finding: Finding): void {
    const { header } = this.#reader;
    const text = `${finding.rule} ${finding.register}`;
    this.#expect(Kind.finding, `reports ${text}`);
    const recorded = this.#reader.text();
    if (recorded !== text) throw new Divergence(`the model reports ${text}, recorded ${recorded}`);
    this.diagnostics.report(header.label, this.now, finding);
  }

  /** The model sends a frame. */
  sent(frame: LinkFrame): boolean {
    this.#expect(Kind.sent, `sends a frame of ${frame.length} bytes`);
    const length = this.#reader.number();
    const sum = this.#reader.int32();
    this.#same(frame.length, length, 'the length of a frame sent');
    this.#same(crc32(frame.arena, frame.offset, frame.length), sum, `the CRC-32 of a frame of ${length} bytes sent`);
    return this.#reader.number() !== 0;
  }

  #dma(kind: number, verb: string, address: number, bytes: number): DmaFault {
    this.#expect(kind, `${verb} ${bytes} bytes by DMA at 0x${address.toString(16)}`);
    this.#same(address, this.#reader.number(), `the address of a DMA that ${verb}`);
    this.#same(bytes, this.#reader.number(), `the length of a DMA that ${verb}`);
    return this.#reader.number() as DmaFault;
  }

  #word(kind: number, address: number, width: number): number {
    this.#expect(kind, `reads a word at 0x${address.toString(16)}`);
    this.#same(address, this.#reader.number(), 'the address of a word read');
    this.#same(width, this.#reader.number(), 'the width of a word read');
    this.fault = this.#reader.number() as DmaFault;
    return this.#reader.int32();
  }

  #wordOut(address: number, width: number, value: number): DmaFault {
    this.#expect(Kind.wordWrite, `writes a word at 0x${address.toString(16)}`);
    this.#same(address, this.#reader.number(), 'the address of a word written');
    this.#same(width, this.#reader.number(), 'the width of a word written');
    const fault = this.#reader.number() as DmaFault;
    this.#same(value | 0, this.#reader.int32(), `the word written at 0x${address.toString(16)}`);
    return fault;
  }

  #number(kind: number, what: string): number {
    this.#expect(kind, what);
    return this.#reader.number();
  }

  #expect(kind: number, what: string): void {
    this.doings++;
    const next = this.#reader.peek();
    if (next < 0) throw new RecordingError('the recording ends in what the model does');
    if (next !== kind) throw new Divergence(`the model ${what}, the recording has ${NAMES[next] ?? next}`);
    this.#reader.kind();
  }

  #same(done: number, recorded: number, what: string): void {
    if (done !== recorded)
      throw new Divergence(`${what} is 0x${done.toString(16)}, recorded 0x${recorded.toString(16)}`);
  }
}
