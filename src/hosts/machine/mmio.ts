/** A driver's mapping of an address range: who decodes it is looked up again only when decoding has changed. */
import type { PciShell } from '../../emulators/shell.js';
import type { Mmio } from '../../platform/mmio.js';
import type { Decoded } from './bus.js';

/** What a mapping asks of its machine. */
export interface Decoder {
  /** Changes whenever a BAR, a window or a command register changes. */
  readonly epoch: number;
  decode(kind: 'io' | 'memory', address: number): Decoded | undefined;
  /** Adversarial schedule: keeps a write back until the next read of the function, or for a while. */
  readonly posting: boolean;
  post(shell: PciShell, bar: number, at: number, width: number, value: number): void;
  /** Lets kept writes of the function through. */
  flushPosted(shell: PciShell): void;
}

/** One mapping. */
export class MachineMmio implements Mmio {
  readonly bytes: number;
  readonly #machine: Decoder;
  readonly #kind: 'io' | 'memory';
  readonly #address: number;
  #epoch = -1;
  #shell: PciShell | undefined;
  #bar = 0;
  #offset = 0;

  constructor(machine: Decoder, kind: 'io' | 'memory', address: number, bytes: number) {
    this.#machine = machine;
    this.#kind = kind;
    this.#address = address;
    this.bytes = bytes;
  }

  read8(at: number): number {
    return this.#read(at, 8);
  }

  read16(at: number): number {
    return this.#read(at, 16);
  }

  read32(at: number): number {
    return this.#read(at, 32);
  }

  write8(at: number, value: number): void {
    this.#write(at, 8, value & 0xff);
  }

  write16(at: number, value: number): void {
    this.#write(at, 16, value & 0xffff);
  }

  write32(at: number, value: number): void {
    this.#write(at, 32, value | 0);
  }

  #read(at: number, width: number): number {
    const shell = this.#target();
    if (shell === undefined || at < 0 || at + (width >> 3) > this.bytes) return width === 32 ? -1 : 2 ** width - 1;
    if (this.#machine.posting) this.#machine.flushPosted(shell);
    return shell.readBar(this.#bar, this.#offset + at, width);
  }

  #write(at: number, width: number, value: number): void {
    const shell = this.#target();
    if (shell === undefined || at < 0 || at + (width >> 3) > this.bytes) return;
    if (this.#machine.posting && this.#kind === 'memory')
      this.#machine.post(shell, this.#bar, this.#offset + at, width, value);
    else shell.writeBar(this.#bar, this.#offset + at, width, value);
  }

  #target(): PciShell | undefined {
    if (this.#epoch !== this.#machine.epoch) {
      this.#epoch = this.#machine.epoch;
      const decoded = this.#machine.decode(this.#kind, this.#address);
      this.#shell = decoded?.shell;
      this.#bar = decoded?.bar.index ?? 0;
      this.#offset = decoded ? this.#address - decoded.base : 0;
    }
    return this.#shell;
  }
}
