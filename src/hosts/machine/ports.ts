/** Port I/O of the in-process machine: configuration mechanism 1 and the I/O BARs. */
import { type Bdf, bdf, type PortIo } from '../../platform/config-access.js';
import { pci, pick } from '../../registers/index.js';
import type { Decoded } from './bus.js';

const { CONFIG_ADDRESS, CONFIG_DATA } = pci;

/** Configuration space of one function, as something to read and write. */
export interface ConfigTarget {
  read(at: number, width: number): number;
  write(at: number, width: number, value: number): void;
}

/** Ports 0 to FFFFh. */
export class MachinePorts implements PortIo {
  readonly #config: (address: Bdf) => ConfigTarget | undefined;
  readonly #decode: (port: number) => Decoded | undefined;
  #latch = 0;

  constructor(config: (address: Bdf) => ConfigTarget | undefined, decode: (port: number) => Decoded | undefined) {
    this.#config = config;
    this.#decode = decode;
  }

  in8(port: number): number {
    return this.#in(port, 8);
  }

  in16(port: number): number {
    return this.#in(port, 16);
  }

  in32(port: number): number {
    return this.#in(port, 32);
  }

  out8(port: number, value: number): void {
    this.#out(port, 8, value);
  }

  out16(port: number, value: number): void {
    this.#out(port, 16, value);
  }

  out32(port: number, value: number): void {
    this.#out(port, 32, value);
  }

  #in(port: number, width: number): number {
    const ones = width === 32 ? -1 : 2 ** width - 1;
    if (port === CONFIG_ADDRESS.at && width === 32) return this.#latch;
    if (port >= CONFIG_DATA.at && port + width / 8 <= CONFIG_DATA.at + 4)
      return this.#selected()?.read(this.#place(port), width) ?? ones;
    const decoded = this.#decode(port);
    return decoded ? decoded.shell.readBar(decoded.bar.index, port - decoded.base, width) : ones;
  }

  #out(port: number, width: number, value: number): void {
    if (port === CONFIG_ADDRESS.at && width === 32) this.#latch = value | 0;
    else if (port >= CONFIG_DATA.at && port + width / 8 <= CONFIG_DATA.at + 4)
      this.#selected()?.write(this.#place(port), width, value);
    else {
      const decoded = this.#decode(port);
      decoded?.shell.writeBar(decoded.bar.index, port - decoded.base, width, value);
    }
  }

  #selected(): ConfigTarget | undefined {
    if ((this.#latch & CONFIG_ADDRESS.ENABLE) === 0) return undefined;
    return this.#config(
      bdf(
        pick(this.#latch, CONFIG_ADDRESS.BUS),
        pick(this.#latch, CONFIG_ADDRESS.DEVICE),
        pick(this.#latch, CONFIG_ADDRESS.FUNCTION),
      ),
    );
  }

  #place(port: number): number {
    return (this.#latch & CONFIG_ADDRESS.REGISTER) | (port & 3);
  }
}
