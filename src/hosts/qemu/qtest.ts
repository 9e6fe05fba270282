/**
 * The qtest protocol, blocking: one line out, one `OK` line back, `IRQ` lines in between. Writes are posted: their answers
 * are collected before the next read, so a batch of writes costs no round trips. Source: QEMU, docs of `system/qtest.c`.
 */
import type { PortIo } from '../../platform/config-access.js';
import type { Mmio } from '../../platform/mmio.js';
import type { Libc } from './libc.js';

/** Posted writes before answers are collected: far less than a socket buffer holds. */
const MOST_POSTED = 128;
const BUFFER_BYTES = 0x1_0000;
const NEWLINE = 10;

/** A change of an intercepted interrupt line. */
export interface LineChange {
  readonly line: number;
  readonly level: boolean;
}

/** One connection. After an error every read gives all ones: to drivers the device is gone. */
export class QtestClient {
  readonly #libc: Libc;
  readonly #in = Buffer.alloc(BUFFER_BYTES);
  readonly #out = Buffer.alloc(256);
  #fd: number;
  #from = 0;
  #to = 0;
  #posted = 0;
  #changes: LineChange[] = [];
  #failure: string | undefined;
  /** Round trips made, for reports. */
  roundTrips = 0;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Why it no longer works, or undefined. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Sends a command and waits for its answer; undefined once the connection is gone. */
  ask(command: string): string | undefined {
    this.#settle();
    if (!this.#send(command)) return undefined;
    this.roundTrips++;
    return this.#answer();
  }

  /** A number-valued command (`inb`, `readl`); undefined once the connection is gone. Values of 64 bits lose bits. */
  read(command: string): number | undefined {
    const answer = this.ask(command);
    if (answer === undefined) return undefined;
    return Number(answer.slice(answer.indexOf('0x')));
  }

  /** A command whose answer does not matter. */
  post(command: string): void {
    if (this.#posted >= MOST_POSTED) this.#settle();
    if (this.#send(command)) this.#posted++;
  }

  /** Waits until all posted writes were answered. */
  settle(): void {
    this.#settle();
  }

  /** Line changes since the last call, oldest first. Never waits. */
  takeLines(): readonly LineChange[] {
    this.#drain();
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  close(): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
    this.#failure ??= 'closed';
  }

  #send(command: string): boolean {
    if (this.#failure !== undefined) return false;
    const bytes = this.#out.write(`${command}\n`, 'latin1');
    if (this.#libc.send(this.#fd, this.#out, bytes) === bytes) return true;
    this.#fail(`qtest: ${command} could not be sent`);
    return false;
  }

  #settle(): void {
    while (this.#posted > 0 && this.#failure === undefined) {
      this.#posted--;
      this.#answer();
    }
  }

  /** The next line that is not about an interrupt. */
  #answer(): string | undefined {
    while (this.#failure === undefined) {
      const line = this.#line(true);
      if (line === undefined) return undefined;
      if (this.#interrupt(line)) continue;
      if (!line.startsWith('OK')) this.#fail(`qtest answered ${line}`);
      return line;
    }
    return undefined;
  }

  /** Takes interrupt lines that have come, and answers of posted writes, without waiting. */
  #drain(): void {
    while (this.#failure === undefined) {
      const line = this.#line(false);
      if (line === undefined) return;
      if (this.#interrupt(line)) continue;
      if (this.#posted > 0 && line.startsWith('OK')) this.#posted--;
      else this.#fail(`qtest said ${line} unasked`);
    }
  }

  #interrupt(line: string): boolean {
    if (!line.startsWith('IRQ ')) return false;
    const [, what, number] = line.split(' ');
    this.#changes.push({ line: Number(number), level: what === 'raise' });
    return true;
  }

  #line(wait: boolean): string | undefined {
    while (this.#failure === undefined) {
      const end = this.#in.indexOf(NEWLINE, this.#from);
      if (end >= 0 && end < this.#to) {
        const line = this.#in.toString('latin1', this.#from, end);
        this.#from = end + 1;
        return line;
      }
      if (this.#from > 0) {
        this.#in.copyWithin(0, this.#from, this.#to);
        this.#to -= this.#from;
        this.#from = 0;
      }
      const room = this.#in.subarray(this.#to);
      const got = this.#libc.receive(this.#fd, room, room.length, wait);
      if (got > 0) this.#to += got;
      else if (wait || got === 0) this.#fail('qtest: QEMU is gone or does not answer');
      else return undefined;
    }
    return undefined;
  }

  #fail(why: string): void {
    this.#failure ??= why;
  }
}

const WIDTHS = { 8: 'b', 16: 'w', 32: 'l' } as const;

/** A range of guest memory or ports as a BAR. */
export class QtestMmio implements Mmio {
  readonly bytes: number;
  readonly #client: QtestClient;
  readonly #base: number;
  readonly #read: string;
  readonly #write: string;

  constructor(client: QtestClient, base: number, bytes: number, io: boolean) {
    this.#client = client;
    this.#base = base;
    this.bytes = bytes;
    this.#read = io ? 'in' : 'read';
    this.#write = io ? 'out' : 'write';
  }

  read8(at: number): number {
    return this.#get(at, 8) & 0xff;
  }

  read16(at: number): number {
    return this.#get(at, 16) & 0xffff;
  }

  read32(at: number): number {
    return this.#get(at, 32) | 0;
  }

  write8(at: number, value: number): void {
    this.#put(at, 8, value & 0xff);
  }

  write16(at: number, value: number): void {
    this.#put(at, 16, value & 0xffff);
  }

  write32(at: number, value: number): void {
    this.#put(at, 32, value >>> 0);
  }

  #get(at: number, width: 8 | 16 | 32): number {
    if (at < 0 || at + width / 8 > this.bytes) return -1;
    return this.#client.read(`${this.#read}${WIDTHS[width]} 0x${(this.#base + at).toString(16)}`) ?? -1;
  }

  #put(at: number, width: 8 | 16 | 32, value: number): void {
    if (at < 0 || at + width / 8 > this.bytes) return;
    this.#client.post(`${this.#write}${WIDTHS[width]} 0x${(this.#base + at).toString(16)} 0x${value.toString(16)}`);
  }
}

/** All 64 Ki ports. */
export function qtestPorts(client: QtestClient): PortIo {
  const ports = new QtestMmio(client, 0, 0x1_0000, true);
  return {
    in8: (port) => ports.read8(port),
    in16: (port) => ports.read16(port),
    in32: (port) => ports.read32(port),
    out8: (port, value) => ports.write8(port, value),
    out16: (port, value) => ports.write16(port, value),
    out32: (port, value) => ports.write32(port, value),
  };
}
