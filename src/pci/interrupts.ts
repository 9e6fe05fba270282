/** Turning interrupts of a function on and off: pins, MSI, MSI-X (PCI 3.0 §6.8 and §2.2.6). */
import { NicError } from '../platform/errors.js';
import type { MessageTarget } from '../platform/interrupts.js';
import type { Mmio } from '../platform/mmio.js';
import { pick, put } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import type { PciFunction } from './function.js';

const { CAP, COMMAND, MSI_ADDR, MSI_ADDR_UPPER, MSI_CONTROL, MSI_DATA32, MSI_DATA64, MSI_MASK64 } = pci;
const { MSIX_CONTROL, MSIX_ENTRY_ADDR, MSIX_ENTRY_ADDR_UPPER, MSIX_ENTRY_BYTES, MSIX_ENTRY_CONTROL } = pci;
const { MSIX_ENTRY_DATA, MSIX_TABLE } = pci;
const HIGH = 0x1_0000_0000;
/** Without 64-bit addresses, data and masks stand 4 bytes earlier. */
const SHORTER = MSI_DATA64.at - MSI_DATA32.at;

/** What is enabled now. */
export type EnabledInterrupts = 'none' | 'intx' | 'msi' | 'msix';

/** The interrupts of one function. Owned by its {@link PciFunction}. */
export class FunctionInterrupts {
  readonly #fn: PciFunction;
  #mode: EnabledInterrupts = 'none';
  #targets: MessageTarget[] = [];
  #detach: (() => void) | undefined;
  #table: Mmio | undefined;
  #tableAt = 0;

  constructor(fn: PciFunction) {
    this.#fn = fn;
  }

  get mode(): EnabledInterrupts {
    return this.#mode;
  }

  /** See {@link PciFunction.attachIntx}. */
  attachIntx(handler: () => boolean): void {
    const fn = this.#fn;
    this.disable();
    if (fn.interruptPin < 1 || fn.interruptPin > 4) throw this.#refuse('unsupported', 'it has no interrupt pin');
    this.#detach = fn.host.interrupts.attachPin(fn.address, fn.interruptPin, handler);
    fn.command(COMMAND.INTX_DISABLE, 0);
    this.#mode = 'intx';
  }

  /** See {@link PciFunction.enableMsi}. */
  enableMsi(handler: () => void): void {
    const fn = this.#fn;
    this.disable();
    const at = fn.capability(CAP.MSI)?.at;
    if (at === undefined) throw this.#refuse('unsupported', 'it has no MSI capability');
    const target = this.#allocate(handler);
    const control = fn.read16(at + MSI_CONTROL.at);
    const wide = (control & MSI_CONTROL.ADDR64) !== 0;
    if (!wide && target.address >= HIGH) {
      this.disable();
      throw this.#refuse('no-resource', 'its MSI needs a message address below 4 GiB');
    }
    fn.write32(at + MSI_ADDR.at, target.address | 0);
    if (wide) fn.write32(at + MSI_ADDR_UPPER.at, Math.floor(target.address / HIGH));
    fn.write16(at + (wide ? MSI_DATA64.at : MSI_DATA32.at), target.data);
    if ((control & MSI_CONTROL.MASKABLE) !== 0) fn.write32(at + MSI_MASK64.at - (wide ? 0 : SHORTER), ~1);
    fn.command(COMMAND.INTX_DISABLE, COMMAND.INTX_DISABLE);
    fn.write16(at + MSI_CONTROL.at, put(control, MSI_CONTROL.ENABLED, 0) | MSI_CONTROL.ENABLE);
    this.#mode = 'msi';
  }

  /** See {@link PciFunction.enableMsix}. */
  enableMsix(handlers: readonly (() => void)[]): void {
    const fn = this.#fn;
    this.disable();
    const at = fn.capability(CAP.MSIX)?.at;
    if (at === undefined) throw this.#refuse('unsupported', 'it has no MSI-X capability');
    const control = fn.read16(at + MSIX_CONTROL.at);
    const entries = pick(control, MSIX_CONTROL.TABLE_SIZE) + 1;
    if (handlers.length < 1 || handlers.length > entries)
      throw this.#refuse('no-resource', `${handlers.length} MSI-X vectors asked, ${entries} are there`);
    const where = fn.read32(at + MSIX_TABLE.at);
    const offset = (where & MSIX_TABLE.OFFSET) >>> 0;
    const table = fn.mapBar(pick(where, MSIX_TABLE.BIR));
    if (offset + entries * MSIX_ENTRY_BYTES > table.bytes)
      throw this.#refuse(
        'bad-device',
        `its MSI-X table at 0x${offset.toString(16)} leaves BAR${pick(where, MSIX_TABLE.BIR)}`,
      );
    for (const handler of handlers) this.#allocate(handler);
    this.#table = table;
    this.#tableAt = offset;
    // Everything masked while the table changes (PCI 3.0 §6.8.3.5).
    fn.write16(at + MSIX_CONTROL.at, control | MSIX_CONTROL.ENABLE | MSIX_CONTROL.MASK_ALL);
    for (let i = 0; i < entries; i++) {
      const entry = offset + i * MSIX_ENTRY_BYTES;
      const target = this.#targets[i];
      table.write32(entry + MSIX_ENTRY_CONTROL.at, MSIX_ENTRY_CONTROL.MASK);
      if (target === undefined) continue;
      table.write32(entry + MSIX_ENTRY_ADDR.at, target.address | 0);
      table.write32(entry + MSIX_ENTRY_ADDR_UPPER.at, Math.floor(target.address / HIGH));
      table.write32(entry + MSIX_ENTRY_DATA.at, target.data | 0);
      table.write32(entry + MSIX_ENTRY_CONTROL.at, 0);
    }
    fn.command(COMMAND.INTX_DISABLE, COMMAND.INTX_DISABLE);
    fn.write16(at + MSIX_CONTROL.at, (control & ~MSIX_CONTROL.MASK_ALL) | MSIX_CONTROL.ENABLE);
    this.#mode = 'msix';
  }

  /** See {@link PciFunction.maskVector}. */
  mask(vector: number, on: boolean): void {
    if (this.#mode !== 'msix' || this.#table === undefined || vector >= this.#targets.length) return;
    const entry = this.#tableAt + vector * MSIX_ENTRY_BYTES;
    this.#table.write32(entry + MSIX_ENTRY_CONTROL.at, on ? MSIX_ENTRY_CONTROL.MASK : 0);
  }

  /** See {@link PciFunction.disableInterrupts}. */
  disable(): void {
    const fn = this.#fn;
    const msi = fn.capability(CAP.MSI);
    const msix = fn.capability(CAP.MSIX);
    if (msi) this.#clear(msi.at + MSI_CONTROL.at, MSI_CONTROL.ENABLE);
    if (msix) this.#clear(msix.at + MSIX_CONTROL.at, MSIX_CONTROL.ENABLE | MSIX_CONTROL.MASK_ALL);
    fn.command(COMMAND.INTX_DISABLE, COMMAND.INTX_DISABLE);
    this.#detach?.();
    this.#detach = undefined;
    for (const target of this.#targets) target.release();
    this.#targets = [];
    this.#table = undefined;
    this.#mode = 'none';
  }

  #clear(at: number, bits: number): void {
    const value = this.#fn.read16(at);
    if ((value & bits) !== 0 && value !== 0xffff) this.#fn.write16(at, value & ~bits);
  }

  #allocate(handler: () => void): MessageTarget {
    const { interrupts } = this.#fn.host;
    const target = interrupts.messages ? interrupts.allocateMessage(handler) : undefined;
    if (target === undefined) {
      const had = this.#targets.length;
      this.disable();
      throw this.#refuse('no-resource', `the host has no message vector left after ${had}`);
    }
    this.#targets.push(target);
    return target;
  }

  #refuse(code: 'unsupported' | 'no-resource' | 'bad-device', why: string): NicError {
    return new NicError(code, why, { device: this.#fn.name });
  }
}
