/** One function on the bus, as a driver gets it: identity, BARs, capabilities, power, reset, DMA, interrupts. */
import { type Bdf, bdfText } from '../platform/config-access.js';
import type { DmaMemory } from '../platform/dma.js';
import { NicError } from '../platform/errors.js';
import type { Mmio } from '../platform/mmio.js';
import { sleep, type Task, untilTrue } from '../platform/task.js';
import { pick, put } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import { type Bar, sizeBars, writeBar } from './bars.js';
import { type Capability, type ConfigReader, walkCapabilities } from './capabilities.js';
import type { PciHost } from './host.js';
import { type EnabledInterrupts, FunctionInterrupts } from './interrupts.js';

const { CAP, COMMAND, HEADER_TYPE, PM_CAP, PMCSR, PCIE_DEVCAP, PCIE_DEVCTL, AF_CAP, AF_CTRL } = pci;
const ALL_ONES_16 = 0xffff;
/** PM 1.2 §5.6.1: from D3hot to D0, or back. */
const D3_CHANGE_US = 10_000;
const D3HOT = 3;
/** In PM_CAP.PME: bit n stands for Dn, D3hot is 3 (PM 1.2 §3.2.3). */
const PME_FROM_D3HOT = 1 << D3HOT;
/** PCIe 4.0 §6.6.2: a function level reset is over after 100 ms; software may then look for a second more. */
const FLR_US = 100_000;
const READY_US = 1_000_000;

/**
 * A function of a PCI device. Made by enumeration; drivers do not make one. Reading it touches configuration space only,
 * never the device's own registers.
 */
export class PciFunction implements ConfigReader {
  readonly host: PciHost;
  readonly address: Bdf;
  /** Place, e.g. `00:03.0`. */
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Base class << 16 | sub-class << 8 | programming interface. */
  readonly classCode: number;
  /** 0 for bridges, which have none in their header. */
  readonly subsystemVendor: number;
  readonly subsystem: number;
  /** Header layout: 0 device, 1 bridge, 2 CardBus. */
  readonly layout: number;
  readonly multiFunction: boolean;
  /** 1 to 4 for INTA# to INTD#; 0 none. */
  readonly interruptPin: number;
  readonly bars: readonly Bar[];
  readonly capabilities: readonly Capability[];
  /** What is wrong with its configuration space. */
  readonly issues: readonly string[];
  readonly #interrupts: FunctionInterrupts;
  #dma: DmaMemory | undefined;

  /** @internal Reads the header, sizes the BARs (decoding off meanwhile) and walks the capabilities. */
  constructor(host: PciHost, address: Bdf) {
    this.host = host;
    this.address = address;
    this.name = bdfText(address);
    const issues: string[] = [];
    this.vendor = this.read16(pci.VENDOR_ID.at);
    this.device = this.read16(pci.DEVICE_ID.at);
    this.revision = this.read8(pci.REVISION_ID.at);
    this.classCode =
      (this.read8(pci.BASE_CLASS.at) << 16) | (this.read8(pci.SUBCLASS.at) << 8) | this.read8(pci.PROG_IF.at);
    const header = this.read8(HEADER_TYPE.at);
    this.layout = pick(header, HEADER_TYPE.LAYOUT);
    this.multiFunction = (header & HEADER_TYPE.MULTI) !== 0;
    this.subsystemVendor = this.layout === 0 ? this.read16(pci.SUBSYSTEM_VENDOR_ID.at) : 0;
    this.subsystem = this.layout === 0 ? this.read16(pci.SUBSYSTEM_ID.at) : 0;
    this.interruptPin = this.read8(pci.INTERRUPT_PIN.at);
    this.bars = sizeBars(host.config, address, this.layout, issues);
    this.capabilities = walkCapabilities(this, issues);
    this.issues = issues;
    this.#interrupts = new FunctionInterrupts(this);
  }

  /** Bytes of configuration space that can be reached: 256 or 4096. */
  get configBytes(): number {
    return this.host.config.configBytes;
  }

  read8(at: number): number {
    return this.host.config.read8(this.address, at) & 0xff;
  }

  read16(at: number): number {
    return this.host.config.read16(this.address, at) & ALL_ONES_16;
  }

  /** As int32. */
  read32(at: number): number {
    return this.host.config.read32(this.address, at) | 0;
  }

  write8(at: number, value: number): void {
    this.host.config.write8(this.address, at, value & 0xff);
  }

  write16(at: number, value: number): void {
    this.host.config.write16(this.address, at, value & ALL_ONES_16);
  }

  write32(at: number, value: number): void {
    this.host.config.write32(this.address, at, value | 0);
  }

  /** False once the function has been taken away: its identity reads all ones. */
  get present(): boolean {
    return this.read16(pci.VENDOR_ID.at) !== ALL_ONES_16;
  }

  /** The `nth` standard capability with this identifier (`CAP` of the registers). */
  capability(id: number, nth = 0): Capability | undefined {
    return this.#find(id, nth, false);
  }

  /** The `nth` extended capability with this identifier (`EXT_CAP` of the registers). */
  extendedCapability(id: number, nth = 0): Capability | undefined {
    return this.#find(id, nth, true);
  }

  #find(id: number, nth: number, extended: boolean): Capability | undefined {
    let left = nth;
    for (const capability of this.capabilities) {
      if (capability.id === id && capability.extended === extended && left-- === 0) return capability;
    }
    return undefined;
  }

  /** The BAR with this index, or undefined. */
  bar(index: number): Bar | undefined {
    return this.bars.find((bar) => bar.index === index);
  }

  /**
   * Access to a BAR. The function answers there once {@link PciFunction.enable} was called.
   * @throws NicError `unsupported` when there is no such BAR, `no-resource` when it got no address
   */
  mapBar(index: number): Mmio {
    const bar = this.bar(index);
    if (bar === undefined) throw new NicError('unsupported', `it has no BAR${index}`, { device: this.name });
    if (bar.address === undefined)
      throw new NicError('no-resource', `BAR${index} (${bar.bytes} bytes, ${bar.kind}) has no address`, {
        device: this.name,
      });
    const kind = bar.kind === 'io' ? 'io' : bar.prefetchable ? 'prefetchable' : 'memory';
    return this.host.map(bar.address, bar.bytes, kind);
  }

  /** Changes the bits of the command register under `mask` to those of `value`. */
  command(mask: number, value: number): void {
    const before = this.read16(COMMAND.at);
    const after = (before & ~mask) | (value & mask);
    if (after !== before) this.write16(COMMAND.at, after);
  }

  /**
   * Lets the function answer and, when asked, be bus master.
   * @throws NicError `no-resource` when a BAR of that space has no address: it would answer at a wrong place
   */
  enable(what: { readonly memory?: boolean; readonly io?: boolean; readonly master?: boolean }): void {
    let bits = 0;
    for (const bar of this.bars) {
      const wanted = bar.kind === 'io' ? what.io : bar.kind === 'rom' ? false : what.memory;
      if (wanted && bar.address === undefined)
        throw new NicError('no-resource', `BAR${bar.index} (${bar.bytes} bytes, ${bar.kind}) has no address`, {
          device: this.name,
        });
    }
    if (what.memory) bits |= COMMAND.MEMORY;
    if (what.io) bits |= COMMAND.IO;
    if (what.master) bits |= COMMAND.MASTER;
    this.command(bits, bits);
  }

  /** Stops DMA and messages of the function. */
  disableMaster(): void {
    this.command(COMMAND.MASTER, 0);
  }

  /** Memory for its DMA. */
  get dma(): DmaMemory {
    this.#dma ??= this.host.dma(this.address);
    return this.#dma;
  }

  /** Power state, 0 to 3; 0 when it has no power management. */
  get powerState(): number {
    const at = this.capability(CAP.PM)?.at;
    return at === undefined ? 0 : pick(this.read16(at + PMCSR.at), PMCSR.STATE);
  }

  /** Brings it to D0 (PM 1.2 §5.4), wake-up off, and restores what D3hot may have lost: addresses and command. */
  *powerUp(): Task<void> {
    const at = this.capability(CAP.PM)?.at;
    if (at === undefined) return;
    const status = this.read16(at + PMCSR.at);
    const state = pick(status, PMCSR.STATE);
    const armed = (status & (PMCSR.PME_EN | PMCSR.PME_STATUS)) !== 0;
    if (state === 0 && !armed) return;
    const command = this.read16(COMMAND.at);
    this.write16(at + PMCSR.at, put((status | PMCSR.PME_STATUS) & ~PMCSR.PME_EN, PMCSR.STATE, 0));
    if (state === 0) return;
    yield* sleep(D3_CHANGE_US);
    if ((status & PMCSR.NO_SOFT_RESET) === 0) this.#restore(command);
  }

  /** True when {@link PciFunction.powerDown} can leave it able to wake the machine: it has PME# in D3hot (PM 1.2 §3.2.3). */
  get canWake(): boolean {
    const at = this.capability(CAP.PM)?.at;
    return at !== undefined && (pick(this.read16(at + PM_CAP.at), PM_CAP.PME) & PME_FROM_D3HOT) !== 0;
  }

  /** Puts it to sleep in D3hot (PM 1.2 §5.4); with `wake` it may assert PME#. Without power management nothing is done. */
  *powerDown(wake: boolean): Task<void> {
    const at = this.capability(CAP.PM)?.at;
    if (at === undefined) return;
    const control = this.read16(at + PMCSR.at) & ~PMCSR.PME_EN;
    const enable = wake ? PMCSR.PME_EN : 0;
    this.write16(at + PMCSR.at, put(control | PMCSR.PME_STATUS | enable, PMCSR.STATE, D3HOT));
    yield* sleep(D3_CHANGE_US);
  }

  /** True when {@link PciFunction.functionLevelReset} can work. */
  get canReset(): boolean {
    return this.#flr() !== undefined;
  }

  /**
   * Function level reset (PCIe 4.0 §6.6.2, AF ECN). Interrupts are off afterwards; addresses and command are restored
   * without bus mastering.
   * @throws NicError `unsupported` when it has none, `timeout` when it does not come back
   */
  *functionLevelReset(): Task<void> {
    const flr = this.#flr();
    if (flr === undefined) throw new NicError('unsupported', 'it has no function level reset', { device: this.name });
    this.disableInterrupts();
    this.disableMaster();
    const command = this.read16(COMMAND.at);
    flr();
    yield* sleep(FLR_US);
    yield* untilTrue(() => this.present, 'coming back from a function level reset', {
      within: READY_US,
      ref: 'PCIe 4.0 §6.6.2',
      every: FLR_US / 10,
      device: this.name,
    });
    this.#restore(command);
  }

  #flr(): (() => void) | undefined {
    const express = this.capability(CAP.PCIE)?.at;
    if (express !== undefined && (this.read32(express + PCIE_DEVCAP.at) & PCIE_DEVCAP.FLR) !== 0) {
      const at = express + PCIE_DEVCTL.at;
      return () => this.write16(at, this.read16(at) | PCIE_DEVCTL.FLR);
    }
    const af = this.capability(CAP.AF)?.at;
    if (af === undefined) return undefined;
    const needed = AF_CAP.FLR | AF_CAP.TP;
    if ((this.read8(af + AF_CAP.at) & needed) !== needed) return undefined;
    return () => this.write8(af + AF_CTRL.at, AF_CTRL.FLR);
  }

  #restore(command: number): void {
    for (const bar of this.bars) writeBar(this.host.config, this.address, this.layout, bar);
    this.write16(COMMAND.at, command);
  }

  /** Which interrupts are on. */
  get interruptMode(): EnabledInterrupts {
    return this.#interrupts.mode;
  }

  /**
   * Uses the interrupt pin. The handler says whether its device had asked, and then has silenced it.
   * @throws NicError `unsupported` without a pin
   */
  attachIntx(handler: () => boolean): void {
    this.#interrupts.attachIntx(handler);
  }

  /** Uses one MSI message. @throws NicError `unsupported` without the capability, `no-resource` without a vector */
  enableMsi(handler: () => void): void {
    this.#interrupts.enableMsi(handler);
  }

  /**
   * Uses one MSI-X vector for each handler, in order; further entries of the table stay masked.
   * @throws NicError `unsupported` without the capability, `no-resource` without enough vectors, `bad-device` when the
   * table is outside its BAR
   */
  enableMsix(handlers: readonly (() => void)[]): void {
    this.#interrupts.enableMsix(handlers);
  }

  /** Masks or unmasks an MSI-X vector; a message that comes meanwhile is held back, not lost. */
  maskVector(vector: number, on: boolean): void {
    this.#interrupts.mask(vector, on);
  }

  /** Pins and messages off; vectors go back to the host. */
  disableInterrupts(): void {
    this.#interrupts.disable();
  }
}
