/**
 * The PCI side of every device model: configuration space, BAR decoding, MSI and MSI-X, power states, and the gate
 * before DMA. Hosts talk to the shell, the shell talks to the model; models contain none of this.
 */
import type { Arena } from '../platform/arena.js';
import type { Micros } from '../platform/clock.js';
import type { Finding } from '../platform/diagnostics.js';
import { pci } from '../registers/index.js';
import { ConfigSpace } from './config-space.js';
import {
  type DeviceBus,
  DmaFault,
  type EmulatedFunction,
  type ModelAlarm,
  type ResetKind,
  type Schedule,
} from './function.js';
import { MsixTable } from './msix.js';

/** Guest memory as a host offers it: addresses are checked by the host, nothing throws. */
export interface GuestMemory {
  read(address: number, arena: Arena, at: number, bytes: number): DmaFault;
  write(address: number, arena: Arena, at: number, bytes: number): DmaFault;
  /** Little-endian; 0 after a fault. */
  read32(address: number): number;
  read16(address: number): number;
  write32(address: number, value: number): DmaFault;
  write16(address: number, value: number): DmaFault;
  /** Fault of the last `read16` or `read32`. */
  readonly fault: DmaFault;
}

/** What a host gives to a shell. */
export interface ShellHost {
  readonly memory: GuestMemory;
  /** Memory for packet buffers. */
  readonly arena: Arena;
  allocBuffer(bytes: number): number;
  readonly now: Micros;
  alarm(fire: () => void): ModelAlarm;
  readonly schedule: Schedule;
  delay(most: Micros): Micros;
  slice(most: number): number;
  /** The function's INTx line changed. The host delivers it after the current access. */
  setPin(on: boolean): void;
  /** A message: vector number, and the address and datum the guest programmed (0 where the host owns the table). */
  message(vector: number, addressLow: number, addressHigh: number, data: number): void;
  pme(): void;
  report(finding: Finding): void;
  /** BARs, command register or power state changed: decoding must be looked up again. */
  decodingChanged(): void;
}

/** Choices of a host. */
export interface ShellOptions {
  /** The host keeps the MSI and MSI-X vectors and their masks (vfio-user: QEMU does). */
  readonly externalVectors?: boolean;
}

const { COMMAND, PMCSR, MSI_CONTROL } = pci;

/** One function on a bus. */
export class PciShell implements DeviceBus {
  readonly fn: EmulatedFunction;
  readonly config: ConfigSpace;
  readonly #host: ShellHost;
  readonly #msix: MsixTable | undefined;
  readonly #external: boolean;
  #level = false;
  #pin = false;
  #master = false;
  #power = 0;
  #msiOn = false;
  #fault: DmaFault = DmaFault.none;
  /** Set on surprise removal: everything reads all ones. */
  #gone = false;

  constructor(fn: EmulatedFunction, host: ShellHost, options: ShellOptions = {}) {
    this.fn = fn;
    this.#host = host;
    this.#external = options.externalVectors ?? false;
    this.config = new ConfigSpace(fn.config);
    const msix = fn.config.msix;
    this.#msix =
      msix && !this.#external
        ? new MsixTable(msix.vectors, (v, lo, hi, data) => host.message(v, lo, hi, data))
        : undefined;
    fn.attach(this);
  }

  // --- What the host calls.

  /** The guest reads configuration space. @param width 8, 16 or 32 bits, naturally aligned */
  readConfig(at: number, width: number): number {
    if (this.#gone) return width === 32 ? -1 : 2 ** width - 1;
    const value = this.#configValue(at, width);
    this.fn.configRead?.(at, width, value);
    return value;
  }

  #configValue(at: number, width: number): number {
    const hooked = this.fn.readConfig?.(at, width);
    if (hooked !== undefined) return hooked;
    const value = this.config.read(at, width);
    if (at <= pci.STATUS.at && at + width / 8 > pci.STATUS.at && this.#level) {
      return value | (pci.STATUS.INTX << (8 * (pci.STATUS.at - at)));
    }
    return value;
  }

  /** The guest writes configuration space. */
  writeConfig(at: number, width: number, value: number): void {
    if (this.#gone) return;
    this.config.write(at, width, value);
    this.#configChanged(at, at + width / 8);
    this.fn.writeConfig?.(at, width, value);
  }

  /** The guest reads a BAR. All ones while the function is in D3hot or gone. */
  readBar(bar: number, at: number, width: number): number {
    if (this.#gone || this.#power !== 0) return this.#unpowered(at, width);
    const msix = this.fn.config.msix;
    if (this.#msix && msix && bar === msix.bar) {
      if (at >= msix.tableAt && at < msix.tableAt + this.#msix.tableBytes)
        return this.#msix.readTable(at - msix.tableAt, width);
      if (at >= msix.pbaAt && at < msix.pbaAt + this.#msix.pbaBytes)
        return this.#msix.readPending(at - msix.pbaAt, width);
    }
    return this.fn.readBar(bar, at, width);
  }

  /** The guest writes a BAR. */
  writeBar(bar: number, at: number, width: number, value: number): void {
    if (this.#gone || this.#power !== 0) {
      this.#unpowered(at, width);
      return;
    }
    const msix = this.fn.config.msix;
    if (this.#msix && msix && bar === msix.bar) {
      if (at >= msix.tableAt && at < msix.tableAt + this.#msix.tableBytes) {
        this.#msix.writeTable(at - msix.tableAt, width, value);
        return;
      }
      if (at >= msix.pbaAt && at < msix.pbaAt + this.#msix.pbaBytes) return;
    }
    this.fn.writeBar(bar, at, width, value);
  }

  /** Resets the function. `power-on` and `bus` also reset configuration space. */
  reset(kind: ResetKind): void {
    if (kind === 'power-on' || kind === 'bus' || kind === 'flr') {
      const pm = this.fn.config.pm;
      this.config.reset();
      if (pm && this.#power !== 0) this.#power = 0;
      this.#msix?.reset();
      this.#master = false;
      this.#msiOn = false;
    }
    this.fn.reset(kind);
    this.setLevel(false);
    this.#modes();
    this.#host.decodingChanged();
  }

  /** Surprise removal: from now on nothing answers, DMA fails and no interrupt comes. */
  remove(): void {
    this.#gone = true;
    this.#level = false;
    this.#modes();
    this.#host.decodingChanged();
  }

  /** True after {@link PciShell.remove}. */
  get removed(): boolean {
    return this.#gone;
  }

  /** Base address of a BAR, or undefined while it is not decoded. */
  barBase(index: number): number | undefined {
    if (this.#gone) return undefined;
    const bar = this.fn.config.bars.find((b) => b.index === index);
    if (!bar) return undefined;
    const command = this.config.get(COMMAND);
    if ((command & (bar.kind === 'io' ? COMMAND.IO : COMMAND.MEMORY)) === 0) return undefined;
    return this.config.barAddress(bar);
  }

  // --- What the model calls: DeviceBus.

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (!this.#master) return this.#blocked(address);
    const fault = this.#host.memory.read(address, arena, at, bytes);
    if (fault !== DmaFault.none) this.#dmaFault('read', address, fault);
    return fault;
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (!this.#master) return this.#blocked(address);
    const fault = this.#host.memory.write(address, arena, at, bytes);
    if (fault !== DmaFault.none) this.#dmaFault('write', address, fault);
    return fault;
  }

  read32(address: number): number {
    if (!this.#master) {
      this.#fault = this.#blocked(address);
      return 0;
    }
    const value = this.#host.memory.read32(address);
    this.#fault = this.#host.memory.fault;
    if (this.#fault !== DmaFault.none) this.#dmaFault('read', address, this.#fault);
    return value;
  }

  read16(address: number): number {
    if (!this.#master) {
      this.#fault = this.#blocked(address);
      return 0;
    }
    const value = this.#host.memory.read16(address);
    this.#fault = this.#host.memory.fault;
    if (this.#fault !== DmaFault.none) this.#dmaFault('read', address, this.#fault);
    return value;
  }

  write32(address: number, value: number): DmaFault {
    if (!this.#master) return this.#blocked(address);
    const fault = this.#host.memory.write32(address, value);
    if (fault !== DmaFault.none) this.#dmaFault('write', address, fault);
    return fault;
  }

  write16(address: number, value: number): DmaFault {
    if (!this.#master) return this.#blocked(address);
    const fault = this.#host.memory.write16(address, value);
    if (fault !== DmaFault.none) this.#dmaFault('write', address, fault);
    return fault;
  }

  get fault(): DmaFault {
    return this.#fault;
  }

  get arena(): Arena {
    return this.#host.arena;
  }

  allocBuffer(bytes: number): number {
    return this.#host.allocBuffer(bytes);
  }

  get now(): Micros {
    return this.#host.now;
  }

  alarm(fire: () => void): ModelAlarm {
    return this.#host.alarm(fire);
  }

  get schedule(): Schedule {
    return this.#host.schedule;
  }

  delay(most: Micros): Micros {
    return this.#host.delay(most);
  }

  slice(most: number): number {
    return this.#host.slice(most);
  }

  setLevel(on: boolean): void {
    if (on === this.#level) return;
    this.#level = on;
    if (on && this.#msiOn) this.#sendMsi(0);
    this.#modes();
  }

  message(vector: number): void {
    if (this.#gone || !this.#master) return;
    if (this.#external) {
      this.#host.message(vector, 0, 0, 0);
    } else if (this.#msix !== undefined && this.msixEnabled) {
      if (vector >= this.#msix.vectors) {
        this.report({
          rule: 'message-vector',
          register: 'MSI-X',
          value: vector,
          message: 'the vector is outside the table',
          ref: 'PCI 3.0 §6.8.2',
        });
      } else this.#msix.send(vector);
    } else if (this.#msiOn) this.#sendMsi(vector);
  }

  clearMessage(vector: number): void {
    this.#msix?.clear(vector);
  }

  get msixEnabled(): boolean {
    return this.config.msixOn;
  }

  pme(): void {
    const pm = this.fn.config.pm;
    if (!pm) return;
    const at = pm.at + PMCSR.at;
    const value = this.config.read(at, 16);
    this.config.poke(at, 16, value | PMCSR.PME_STATUS);
    if ((value & PMCSR.PME_EN) !== 0) this.#host.pme();
  }

  report(finding: Finding): void {
    this.#host.report(finding);
  }

  // --- Inside.

  #configChanged(from: number, to: number): void {
    const touches = (at: number, bytes: number): boolean => from < at + bytes && to > at;
    const { msi, msix, pm } = this.fn.config;
    if (touches(COMMAND.at, 2)) {
      this.#master = (this.config.get(COMMAND) & COMMAND.MASTER) !== 0 && this.#power === 0;
      this.#modes();
      this.#host.decodingChanged();
    }
    if (touches(pci.BAR.at, 24) || touches(pci.ROM_BAR.at, 4)) this.#host.decodingChanged();
    if (pm && touches(pm.at + PMCSR.at, 1))
      this.#powerChanged(this.config.read(pm.at + PMCSR.at, 16) & PMCSR.STATE, pm.noSoftReset);
    if (msi && touches(msi.at + MSI_CONTROL.at, 2)) {
      const on = (this.config.read(msi.at + MSI_CONTROL.at, 16) & MSI_CONTROL.ENABLE) !== 0;
      if (on !== this.#msiOn) {
        this.#msiOn = on;
        if (on && this.#level) this.#sendMsi(0);
        this.#modes();
      }
    }
    if (msi?.maskable && this.#msiOn && touches(msi.at + this.#msiMaskAt, 4)) this.#sendUnmasked(msi);
    if (msix && touches(msix.at + pci.MSIX_CONTROL.at, 2)) {
      const control = this.config.read(msix.at + pci.MSIX_CONTROL.at, 16);
      this.#msix?.setMaskAll((control & pci.MSIX_CONTROL.MASK_ALL) !== 0 || !this.msixEnabled);
      this.#modes();
    }
    if (this.config.takeFlr()) this.reset('flr');
  }

  #powerChanged(state: number, keeps: boolean): void {
    const before = this.#power;
    if (state === before) return;
    this.#power = state;
    this.#master = state === 0 && (this.config.get(COMMAND) & COMMAND.MASTER) !== 0;
    this.fn.powerState?.(state);
    if (before === 3 && state === 0 && !keeps) this.reset('d3hot');
    this.#modes();
    this.#host.decodingChanged();
  }

  /** Recomputes the INTx line. */
  #modes(): void {
    const command = this.config.get(COMMAND);
    const pin =
      this.#level &&
      !this.#gone &&
      !this.#msiOn &&
      !this.msixEnabled &&
      (command & COMMAND.INTX_DISABLE) === 0 &&
      this.#power === 0;
    if (pin === this.#pin) return;
    this.#pin = pin;
    this.#host.setPin(pin);
  }

  #sendMsi(vector: number): void {
    const msi = this.fn.config.msi;
    if (!msi || this.#gone || !this.#master) return;
    if (this.#external) {
      this.#host.message(vector, 0, 0, 0);
      return;
    }
    if (msi.maskable && (this.config.read(msi.at + this.#msiMaskAt, 32) & (1 << vector)) !== 0) {
      this.#setMsiPending(msi.at, this.#msiPending(msi.at) | (1 << vector));
      return;
    }
    const low = this.config.read(msi.at + pci.MSI_ADDR.at, 32);
    const high = msi.address64 ? this.config.read(msi.at + pci.MSI_ADDR_UPPER.at, 32) : 0;
    const data = this.config.read(msi.at + (msi.address64 ? pci.MSI_DATA64.at : pci.MSI_DATA32.at), 16);
    const granted = 1 << ((this.config.read(msi.at + MSI_CONTROL.at, 16) & MSI_CONTROL.ENABLED) >> 4);
    this.#host.message(vector, low, high, (data & ~(granted - 1)) | (vector & (granted - 1)));
  }

  /** Mask bits stand behind the datum, pending bits behind them (PCI 3.0 §6.8.1.7 and §6.8.1.8). */
  get #msiMaskAt(): number {
    return pci.MSI_MASK64.at - (this.fn.config.msi?.address64 ? 0 : pci.MSI_DATA64.at - pci.MSI_DATA32.at);
  }

  #msiPending(at: number): number {
    return this.config.read(at + this.#msiMaskAt + 4, 32);
  }

  #setMsiPending(at: number, vectors: number): void {
    this.config.poke(at + this.#msiMaskAt + 4, 32, vectors);
  }

  /** Messages that waited behind a mask bit which is 0 now. */
  #sendUnmasked(msi: NonNullable<EmulatedFunction['config']['msi']>): void {
    const waiting = this.#msiPending(msi.at) & ~this.config.read(msi.at + this.#msiMaskAt, 32);
    this.#setMsiPending(msi.at, this.#msiPending(msi.at) & ~waiting);
    for (let vector = 0; vector < msi.vectors; vector++) if ((waiting & (1 << vector)) !== 0) this.#sendMsi(vector);
  }

  #blocked(address: number): DmaFault {
    if (!this.#gone) {
      this.report({
        rule: this.#power === 0 ? 'dma-disabled' : 'power-state',
        register: 'COMMAND',
        value: address,
        message: `DMA while ${this.#power === 0 ? 'COMMAND.MASTER is 0' : 'not in D0'}; first at the bus address told`,
        ref: 'PCI 3.0 §6.2.2',
      });
    }
    return DmaFault.masterOff;
  }

  #dmaFault(what: string, address: number, fault: DmaFault): void {
    this.report({
      rule: fault === DmaFault.iommu ? 'dma-not-allocated' : 'dma-fault',
      register: 'DMA',
      value: address,
      message: `DMA ${what} outside ${fault === DmaFault.iommu ? 'the memory given to this device' : 'memory'}, first at the bus address told`,
      ref: 'PCI 3.0 §3.3.3.1',
    });
  }

  #unpowered(at: number, width: number): number {
    if (!this.#gone) {
      this.report({
        rule: 'power-state',
        register: 'PMCSR',
        value: this.#power,
        message: `access to offset 0x${at.toString(16)} in D${this.#power === 3 ? '3hot' : this.#power}`,
        ref: 'PM 1.2 §5.4.1',
      });
    }
    return width === 32 ? -1 : 2 ** width - 1;
  }
}
