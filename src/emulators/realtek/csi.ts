/**
 * CSIAR: the function's own configuration space through its registers, for hosts that reach only 256 bytes of it. Registers of
 * the maker's, beyond the capabilities, are stored here; the guest finds them in configuration space too.
 */
import { type AnyReg, hex, meta, pci, RegisterFile, type RegisterMap } from '../../registers/index.js';
import type { ConfigSpace } from '../config-space.js';
import type { DeviceBus } from '../function.js';
import type { WindowTarget } from './windows.js';

/** The window's far side. */
export class CsiTarget implements WindowTarget {
  readonly #bus: DeviceBus;
  readonly #space: ConfigSpace;
  readonly #regs: RegisterFile;
  readonly #own: AnyReg;
  readonly #command: AnyReg;

  /** @param map the maker's registers; @param own the one of them, 32 bits; @param command CSIAR */
  constructor(bus: DeviceBus, space: ConfigSpace, map: RegisterMap, own: AnyReg, command: AnyReg) {
    this.#bus = bus;
    this.#space = space;
    this.#regs = new RegisterFile(map);
    this.#own = own;
    this.#command = command;
  }

  /** Power-on of the maker's registers. */
  reset(): void {
    this.#regs.reset();
  }

  read(address: number): number {
    return this.#isOwn(address) ? this.#regs.get(this.#own) : this.#space.read(address & ~3, 32);
  }

  write(address: number, value: number, mask: number): void {
    if (this.#isOwn(address)) {
      this.#regs.set(this.#own, (this.#regs.get(this.#own) & ~mask) | (value & mask));
      return;
    }
    this.#bus.report({
      rule: 'unmodelled',
      register: this.#command[meta].name,
      value,
      message: `configuration space at ${hex(address, 16)} is not written through this window`,
      ref: this.#command[meta].ref,
    });
  }

  /** A read of configuration space; undefined when it is none of the maker's registers. */
  readConfig(at: number, width: number): number | undefined {
    if (!this.#isOwn(at)) return undefined;
    const value = this.#regs.get(this.#own) >> (8 * (at & 3));
    return width === 32 ? value : value & (2 ** width - 1);
  }

  /** A write to configuration space. */
  writeConfig(at: number, width: number, value: number): void {
    if (!this.#isOwn(at)) return;
    const shift = 8 * (at & 3);
    const mask = (width === 32 ? -1 : 2 ** width - 1) << shift;
    this.#regs.set(this.#own, (this.#regs.get(this.#own) & ~mask) | ((value << shift) & mask));
  }

  #isOwn(at: number): boolean {
    return at >= pci.EXT_CAP_START && (at & ~3) === this.#own.at;
  }
}
