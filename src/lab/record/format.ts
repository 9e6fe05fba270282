/**
 * The file of a recording: one line of JSON (the header), then records. A record is a byte that says what it is and its
 * fields: numbers as unsigned LEB128 (7 bits a byte, the lowest first; below 2^53; int32 as their unsigned value), bytes as
 * a number and as many bytes.
 *
 * | record | fields | |
 * |---|---|---|
 * | 1 time | microseconds since the time before | of all that follows |
 * | 2 read | BAR, offset, width | what the model does, then `result` |
 * | 3 result | value | of `read`; of `frame`: the fate, an index of the header's `fates` |
 * | 4 write | BAR, offset, width, value | |
 * | 5 ask | offset, width | of configuration space; then `said` |
 * | 6 said | 1, value; or 0 | |
 * | 7 config read | offset, width, value | what the guest got |
 * | 8 config write | offset, width, value | |
 * | 9 reset | index of `power-on`, `bus`, `flr`, `d3hot` | |
 * | 10 power | state | |
 * | 11 MSI-X | 1 enabled, 0 not | |
 * | 12 alarm | number of the alarm | it fires |
 * | 13 frame | 1: FCS good, 0 bad; bytes | from the cable |
 * | 14 partner | bytes: JSON of its offer, or `null` | of the cable |
 * | 20 DMA read | address, length, fault, bytes (none after a fault) | |
 * | 21 DMA write | address, length, fault, CRC-32 | |
 * | 22 word read | address, width, fault, value | |
 * | 23 word write | address, width, fault, value | |
 * | 24 level | 1 or 0 | of INTx |
 * | 25 message | vector | |
 * | 26 sent | length, CRC-32, 1: there was a carrier | a frame |
 * | 27 finding | bytes: rule, a space, register | |
 * | 28 PME | | |
 * | 29 delay | microseconds | chance of the adversarial schedule |
 * | 30 slice | number | the same |
 * | 31 clear message | vector | a pending message is forgotten |
 *
 * Records up to 14 happen to the model, from 20 on they are what it does because of the one before.
 */
import type { Schedule } from '../../emulators/index.js';
import type { FrameFate } from '../../link/index.js';

/** Kinds of records. */
export const Kind = {
  time: 1,
  read: 2,
  result: 3,
  write: 4,
  ask: 5,
  said: 6,
  configRead: 7,
  configWrite: 8,
  reset: 9,
  power: 10,
  msix: 11,
  alarm: 12,
  frame: 13,
  partner: 14,
  dmaRead: 20,
  dmaWrite: 21,
  wordRead: 22,
  wordWrite: 23,
  level: 24,
  message: 25,
  sent: 26,
  finding: 27,
  pme: 28,
  delay: 29,
  slice: 30,
  clearMessage: 31,
} as const;

/** Kinds that are the model's doing. */
export const FIRST_DOING = 20;

/** Order of `reset`. */
export const RESETS = ['power-on', 'bus', 'flr', 'd3hot'] as const;

/** The first line. */
export interface RecordingHeader {
  readonly nicforge: 'recording';
  readonly version: 1;
  /** A name of the lab's NICs. */
  readonly nic: string;
  readonly label: string;
  /** Station address, hexadecimal. */
  readonly mac: string;
  /** Words of its EEPROM, if one was given. */
  readonly nvm?: readonly number[];
  readonly schedule: Schedule;
  readonly fates: readonly FrameFate[];
}

/** Bytes gathered before the sink gets them. */
const CHUNK = 256 << 10;

/** Writes records into chunks. */
export class RecordWriter {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #chunk = new Uint8Array(CHUNK);
  #at = 0;
  /** Bytes so far. */
  bytes = 0;

  /** @param sink takes each chunk during the call */
  constructor(header: RecordingHeader, sink: (bytes: Uint8Array) => void) {
    this.#sink = sink;
    const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
    this.#raw(line, 0, line.length);
  }

  kind(kind: number): void {
    this.#byte(kind);
  }

  /** A number of 0 to 2^53; negative ones are int32. */
  number(value: number): void {
    let rest = value < 0 ? value >>> 0 : value;
    while (rest > 0x7f) {
      this.#byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  run(u8: Uint8Array, at: number, bytes: number): void {
    this.number(bytes);
    this.#raw(u8, at, bytes);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.run(bytes, 0, bytes.length);
  }

  /** Gives what was gathered to the sink. */
  flush(): void {
    if (this.#at === 0) return;
    this.bytes += this.#at;
    this.#sink(this.#chunk.subarray(0, this.#at));
    this.#at = 0;
  }

  #byte(value: number): void {
    if (this.#at === CHUNK) this.flush();
    this.#chunk[this.#at++] = value;
  }

  #raw(u8: Uint8Array, at: number, bytes: number): void {
    for (let done = 0; done < bytes; ) {
      if (this.#at === CHUNK) this.flush();
      const count = Math.min(bytes - done, CHUNK - this.#at);
      this.#chunk.set(u8.subarray(at + done, at + done + count), this.#at);
      this.#at += count;
      done += count;
    }
  }
}

/** The file is not what it should be. */
export class RecordingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RecordingError';
  }
}

/** Where bytes of a recording come from: a file, read piece by piece. */
export interface RecordSource {
  /** Size of the whole. */
  readonly bytes: number;
  /** Copies up to `count` bytes at `from` into `into`; how many. */
  read(from: number, into: Uint8Array, count: number): number;
}

const MOST_RUN = 1 << 20;
const MOST_HEADER = 64 << 10;

/** Reads records. Every method throws {@link RecordingError} when the file ends or makes no sense. */
export class RecordReader {
  readonly header: RecordingHeader;
  readonly #source: RecordSource;
  readonly #chunk = new Uint8Array(CHUNK);
  #have = 0;
  #at = 0;
  #base = 0;
  /** Bytes of the last `run`. */
  readonly data = new Uint8Array(MOST_RUN);

  constructor(source: RecordSource) {
    this.#source = source;
    const line: number[] = [];
    for (let byte = this.#byte(); byte !== 10; byte = this.#byte()) {
      line.push(byte);
      if (line.length > MOST_HEADER) throw new RecordingError('this is no recording: its first line does not end');
    }
    this.header = checkHeader(new TextDecoder().decode(Uint8Array.from(line)));
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get atEnd(): boolean {
    return this.offset >= this.#source.bytes;
  }

  /** The next record's kind without taking it; -1 at the end. */
  peek(): number {
    return this.atEnd || (this.#at === this.#have && !this.#fill()) ? -1 : this.#chunk[this.#at]!;
  }

  kind(): number {
    return this.#byte();
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RecordingError(`a number at ${this.offset} has no end`);
  }

  int32(): number {
    return this.number() | 0;
  }

  /** Bytes, into {@link RecordReader.data}; how many. */
  run(): number {
    const bytes = this.number();
    if (bytes > MOST_RUN) throw new RecordingError(`${bytes} bytes in one record at ${this.offset}`);
    for (let i = 0; i < bytes; ) {
      if (this.#at === this.#have && !this.#fill()) throw new RecordingError('the recording ends within a record');
      const count = Math.min(bytes - i, this.#have - this.#at);
      this.data.set(this.#chunk.subarray(this.#at, this.#at + count), i);
      this.#at += count;
      i += count;
    }
    return bytes;
  }

  text(): string {
    return new TextDecoder().decode(this.data.subarray(0, this.run()));
  }

  #byte(): number {
    if (this.#at === this.#have && !this.#fill()) throw new RecordingError('the recording ends within a record');
    return this.#chunk[this.#at++]!;
  }

  #fill(): boolean {
    this.#base += this.#have;
    this.#have = this.#source.read(this.#base, this.#chunk, CHUNK);
    this.#at = 0;
    return this.#have > 0;
  }
}

function checkHeader(line: string): RecordingHeader {
  let header: Partial<RecordingHeader> | null;
  try {
    header = JSON.parse(line) as Partial<RecordingHeader> | null;
  } catch {
    throw new RecordingError('this is no recording: its first line is not JSON');
  }
  if (header?.nicforge !== 'recording') throw new RecordingError('this is no recording of nicforge');
  if (header.version !== 1) throw new RecordingError(`recordings of version ${header.version} cannot be read, only 1`);
  const { nic, label, mac, schedule, fates, nvm } = header;
  const good =
    typeof nic === 'string' &&
    typeof label === 'string' &&
    /^[0-9a-f]{12}$/.test(String(mac)) &&
    ['fast', 'timed', 'adversarial'].includes(String(schedule)) &&
    Array.isArray(fates) &&
    (nvm === undefined || (Array.isArray(nvm) && nvm.length <= 4096));
  if (!good) throw new RecordingError('the header of the recording is damaged');
  return header as RecordingHeader;
}
