/**
 * The two ways a PC reaches configuration space: mechanism 1 through ports CF8h and CFCh (PCI 3.0 §3.2.2.3.2) and the
 * enhanced, memory-mapped window of PCI Express (PCIe 4.0 §7.2.2).
 */
import type { Bdf, ConfigAccess, PortIo } from '../platform/config-access.js';
import type { Mmio } from '../platform/mmio.js';
import { put } from '../registers/define.js';
import * as pci from '../registers/pci.js';

const { CONFIG_ADDRESS, CONFIG_DATA, ECAM_OFFSET } = pci;
/** Bytes of conventional configuration space. */
export const CONFIG_BYTES = 0x100;
/** Bytes of PCI Express configuration space. */
export const EXTENDED_CONFIG_BYTES = 0x1000;
/** Bytes of an ECAM window for each bus. */
export const ECAM_BUS_BYTES = 0x10_0000;

/** Whether an access of `width` bytes at `at` is aligned and inside. */
function legal(at: number, width: number, bytes: number): boolean {
  return at >= 0 && (at & (width - 1)) === 0 && at + width <= bytes;
}

/** Mechanism 1: 256 bytes of every function, two port accesses each. */
export class PortConfigAccess implements ConfigAccess {
  readonly configBytes = CONFIG_BYTES;
  readonly #ports: PortIo;

  /** @param ports port I/O of the machine. */
  constructor(ports: PortIo) {
    this.#ports = ports;
  }

  read8(address: Bdf, at: number): number {
    return this.#select(address, at, 1) ? this.#ports.in8(CONFIG_DATA.at + (at & 3)) & 0xff : 0xff;
  }

  read16(address: Bdf, at: number): number {
    return this.#select(address, at, 2) ? this.#ports.in16(CONFIG_DATA.at + (at & 3)) & 0xffff : 0xffff;
  }

  read32(address: Bdf, at: number): number {
    return this.#select(address, at, 4) ? this.#ports.in32(CONFIG_DATA.at) | 0 : -1;
  }

  write8(address: Bdf, at: number, value: number): void {
    if (this.#select(address, at, 1)) this.#ports.out8(CONFIG_DATA.at + (at & 3), value & 0xff);
  }

  write16(address: Bdf, at: number, value: number): void {
    if (this.#select(address, at, 2)) this.#ports.out16(CONFIG_DATA.at + (at & 3), value & 0xffff);
  }

  write32(address: Bdf, at: number, value: number): void {
    if (this.#select(address, at, 4)) this.#ports.out32(CONFIG_DATA.at, value | 0);
  }

  #select(address: Bdf, at: number, width: number): boolean {
    if (!legal(at, width, CONFIG_BYTES)) return false;
    let latch: number = CONFIG_ADDRESS.ENABLE;
    latch = put(latch, CONFIG_ADDRESS.BUS, address >> 8);
    latch = put(latch, CONFIG_ADDRESS.DEVICE, address >> 3);
    latch = put(latch, CONFIG_ADDRESS.FUNCTION, address);
    latch = put(latch, CONFIG_ADDRESS.REGISTER, at >> 2);
    this.#ports.out32(CONFIG_ADDRESS.at, latch);
    return true;
  }
}

/** ECAM: 4096 bytes of every function, one memory access each. */
export class EcamConfigAccess implements ConfigAccess {
  readonly configBytes = EXTENDED_CONFIG_BYTES;
  readonly #window: Mmio;
  readonly #first: number;

  /**
   * @param window the whole window: 1 MiB for each bus
   * @param firstBus bus at the window's start. Buses outside the window answer all ones.
   */
  constructor(window: Mmio, firstBus = 0) {
    this.#window = window;
    this.#first = firstBus;
  }

  read8(address: Bdf, at: number): number {
    const offset = this.#offset(address, at, 1);
    return offset < 0 ? 0xff : this.#window.read8(offset) & 0xff;
  }

  read16(address: Bdf, at: number): number {
    const offset = this.#offset(address, at, 2);
    return offset < 0 ? 0xffff : this.#window.read16(offset) & 0xffff;
  }

  read32(address: Bdf, at: number): number {
    const offset = this.#offset(address, at, 4);
    return offset < 0 ? -1 : this.#window.read32(offset) | 0;
  }

  write8(address: Bdf, at: number, value: number): void {
    const offset = this.#offset(address, at, 1);
    if (offset >= 0) this.#window.write8(offset, value & 0xff);
  }

  write16(address: Bdf, at: number, value: number): void {
    const offset = this.#offset(address, at, 2);
    if (offset >= 0) this.#window.write16(offset, value & 0xffff);
  }

  write32(address: Bdf, at: number, value: number): void {
    const offset = this.#offset(address, at, 4);
    if (offset >= 0) this.#window.write32(offset, value | 0);
  }

  /** Offset in the window, or -1. */
  #offset(address: Bdf, at: number, width: number): number {
    const bus = (address >> 8) - this.#first;
    if (bus < 0 || !legal(at, width, EXTENDED_CONFIG_BYTES)) return -1;
    let offset = put(at, ECAM_OFFSET.BUS, bus);
    offset = put(offset, ECAM_OFFSET.DEVICE, address >> 3);
    offset = put(offset, ECAM_OFFSET.FUNCTION, address);
    return offset + width <= this.#window.bytes ? offset : -1;
  }
}
