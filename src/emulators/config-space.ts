/** Configuration space as bytes with masks: which bits the guest writes, which it clears by writing 1. */
import { type AnyReg, meta, pci } from '../registers/index.js';
import type { BarDeclaration, CapabilityDeclaration, ConfigDeclaration } from './function.js';

const { BAR, COMMAND, MSI_CONTROL, MSIX_CONTROL, PCIE_DEVCAP, PCIE_DEVCTL, PMCSR } = pci;

/** The configuration space of one function, built from its declaration. */
export class ConfigSpace {
  readonly bytes: Uint8Array;
  readonly #write: Uint8Array;
  readonly #clear: Uint8Array;
  readonly #initial: Uint8Array;
  readonly #declaration: ConfigDeclaration;
  readonly #flrAt: number;
  #flr = false;

  /** @throws RangeError when capabilities overlap or leave the space. */
  constructor(declaration: ConfigDeclaration) {
    this.#declaration = declaration;
    this.bytes = new Uint8Array(declaration.configBytes);
    this.#write = new Uint8Array(declaration.configBytes);
    this.#clear = new Uint8Array(declaration.configBytes);
    this.#header();
    const chain = this.#capabilities();
    this.#flrAt = chain;
    this.#initial = this.bytes.slice();
  }

  /** Reads 1, 2 or 4 bytes; beyond the end all ones. */
  read(at: number, width: number): number {
    const bytes = width / 8;
    if (at < 0 || at + bytes > this.bytes.length) return width === 32 ? -1 : 2 ** width - 1;
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= this.bytes[at + i]! << (8 * i);
    return value;
  }

  /** A guest's write: only writable bits change. */
  write(at: number, width: number, value: number): void {
    for (let i = 0; i < width / 8; i++) {
      const byte = (value >>> (8 * i)) & 0xff;
      const place = at + i;
      if (place < 0 || place >= this.bytes.length) return;
      const mask = this.#write[place]!;
      this.bytes[place] = ((this.bytes[place]! & ~mask) | (byte & mask)) & ~(byte & this.#clear[place]!);
      if (this.#flrAt > 0 && place === this.#flrAt + 1 && (byte & (PCIE_DEVCTL.FLR >> 8)) !== 0) this.#flr = true;
    }
  }

  /** The model's own write: every bit changes. */
  poke(at: number, width: number, value: number): void {
    for (let i = 0; i < width / 8; i++) this.bytes[at + i] = (value >>> (8 * i)) & 0xff;
  }

  get(register: AnyReg): number {
    return this.read(register.at, register[meta].width);
  }

  /** True once after the guest asked for a function level reset. */
  takeFlr(): boolean {
    const flr = this.#flr;
    this.#flr = false;
    return flr;
  }

  /** MSI-X is enabled. */
  get msixOn(): boolean {
    const msix = this.#declaration.msix;
    return msix !== undefined && (this.bytes[msix.at + MSIX_CONTROL.at + 1]! & (MSIX_CONTROL.ENABLE >> 8)) !== 0;
  }

  /** Address in a BAR, 64 bits of it. */
  barAddress(bar: BarDeclaration): number {
    if (bar.index === 6) return (this.get(pci.ROM_BAR) & pci.ROM_BAR.ADDRESS) >>> 0;
    const at = BAR.at + 4 * bar.index;
    const low = this.read(at, 32);
    if (bar.kind === 'io') return (low & ~3) >>> 0;
    const high = bar.kind === 'memory64' ? this.read(at + 4, 32) >>> 0 : 0;
    return high * 0x1_0000_0000 + ((low & BAR.ADDRESS) >>> 0);
  }

  /** Back to the state after reset; a function level reset keeps nothing either (PCIe 4.0 §6.6.2), bar the hardwired. */
  reset(): void {
    this.bytes.set(this.#initial);
    this.#flr = false;
  }

  #header(): void {
    const d = this.#declaration;
    const put = (register: AnyReg, value: number): void => this.poke(register.at, register[meta].width, value);
    put(pci.VENDOR_ID, d.vendor);
    put(pci.DEVICE_ID, d.device);
    put(
      pci.STATUS,
      (d.status ?? 0) |
        (d.capabilities.length + (d.msi ? 1 : 0) + (d.msix ? 1 : 0) + (d.pm ? 1 : 0) > 0 ? pci.STATUS.CAP_LIST : 0),
    );
    put(pci.REVISION_ID, d.revision);
    put(pci.PROG_IF, d.classCode & 0xff);
    put(pci.SUBCLASS, (d.classCode >> 8) & 0xff);
    put(pci.BASE_CLASS, d.classCode >> 16);
    put(pci.SUBSYSTEM_VENDOR_ID, d.subsystemVendor);
    put(pci.SUBSYSTEM_ID, d.subsystem);
    put(pci.INTERRUPT_PIN, d.interruptPin);
    put(pci.MIN_GNT, d.minGrant ?? 0);
    put(pci.MAX_LAT, d.maxLatency ?? 0);
    const command = COMMAND.MASTER | COMMAND.INTX_DISABLE | COMMAND.PARITY | COMMAND.SERR | COMMAND.MWI;
    const decodes = d.bars.reduce((all, bar) => all | (bar.kind === 'io' ? COMMAND.IO : COMMAND.MEMORY), 0);
    this.#writable(COMMAND.at, 16, command | decodes);
    this.#writable(pci.CACHE_LINE_SIZE.at, 8, 0xff);
    this.#writable(pci.LATENCY_TIMER.at, 8, 0xff);
    this.#writable(pci.INTERRUPT_LINE.at, 8, 0xff);
    this.#clear[pci.STATUS.at + 1] = 0xf9;
    for (const bar of d.bars) this.#bar(bar);
  }

  #bar(bar: BarDeclaration): void {
    if (bar.index === 6) {
      this.#writable(pci.ROM_BAR.at, 32, (-bar.bytes & pci.ROM_BAR.ADDRESS) | pci.ROM_BAR.ENABLE);
      return;
    }
    const at = BAR.at + 4 * bar.index;
    const flags =
      bar.kind === 'io' ? BAR.IO : (bar.kind === 'memory64' ? 4 : 0) | (bar.prefetchable ? BAR.PREFETCH : 0);
    this.poke(at, 32, flags);
    this.#writable(at, 32, bar.kind === 'io' ? -bar.bytes & ~3 : -bar.bytes & BAR.ADDRESS);
    if (bar.kind === 'memory64') this.#writable(at + 4, 32, -1);
  }

  /** Lays the capabilities out and links them in order of their place. Returns where PCIE_DEVCTL is, or 0. */
  #capabilities(): number {
    const d = this.#declaration;
    const all = [...d.capabilities];
    if (d.pm) {
      const pmcsr = d.pm.noSoftReset ? PMCSR.NO_SOFT_RESET : 0;
      all.push({
        id: pci.CAP.PM,
        at: d.pm.at,
        bytes: [d.pm.capabilities & 0xff, d.pm.capabilities >> 8, pmcsr, 0, 0, 0],
        writable: [0, 0, PMCSR.STATE, (PMCSR.PME_EN | PMCSR.DATA_SELECT) >> 8, 0, 0],
        clearable: [0, 0, 0, PMCSR.PME_STATUS >> 8, 0, 0],
      });
    }
    if (d.msi) all.push(this.#msi(d.msi));
    if (d.msix) {
      const size = d.msix.vectors - 1;
      all.push({
        id: pci.CAP.MSIX,
        at: d.msix.at,
        bytes: [
          size & 0xff,
          size >> 8,
          ...littleEndian(d.msix.tableAt | d.msix.bar),
          ...littleEndian(d.msix.pbaAt | d.msix.bar),
        ],
        writable: [0, (MSIX_CONTROL.ENABLE | MSIX_CONTROL.MASK_ALL) >> 8, 0, 0, 0, 0, 0, 0, 0, 0],
      });
    }
    let flrAt = 0;
    const used = new Set<number>();
    const place = (cap: CapabilityDeclaration, header: number): void => {
      const end = cap.at + header + cap.bytes.length;
      if (end > this.bytes.length || cap.at < 0x40)
        throw new RangeError(`capability ${cap.id} at ${cap.at} leaves configuration space`);
      for (let i = cap.at; i < end; i++) {
        if (used.has(i)) throw new RangeError(`capability ${cap.id} at ${cap.at} overlaps another`);
        used.add(i);
      }
      cap.bytes.forEach((byte, i) => {
        this.bytes[cap.at + header + i] = byte;
        this.#write[cap.at + header + i] = cap.writable?.[i] ?? 0;
        this.#clear[cap.at + header + i] = cap.clearable?.[i] ?? 0;
      });
    };
    const standard = all.filter((cap) => cap.version === undefined).sort((a, b) => a.at - b.at);
    standard.forEach((cap, i) => {
      place(cap, 2);
      this.bytes[cap.at] = cap.id;
      this.bytes[cap.at + 1] = standard[i + 1]?.at ?? 0;
      if (
        cap.id === pci.CAP.PCIE &&
        cap.bytes.length > 8 &&
        (this.read(cap.at + PCIE_DEVCAP.at, 32) & PCIE_DEVCAP.FLR) !== 0
      )
        flrAt = cap.at + PCIE_DEVCTL.at;
    });
    this.bytes[pci.CAP_POINTER.at] = standard[0]?.at ?? 0;
    const extended = all.filter((cap) => cap.version !== undefined).sort((a, b) => a.at - b.at);
    extended.forEach((cap, i) => {
      place(cap, 4);
      this.poke(cap.at, 32, cap.id | (cap.version! << 16) | ((extended[i + 1]?.at ?? 0) << 20));
    });
    return flrAt;
  }

  #msi(msi: NonNullable<ConfigDeclaration['msi']>): CapabilityDeclaration {
    const control =
      ((31 - Math.clz32(msi.vectors)) << 1) |
      (msi.address64 ? MSI_CONTROL.ADDR64 : 0) |
      (msi.maskable ? MSI_CONTROL.MASKABLE : 0);
    const address = msi.address64 ? 8 : 4;
    // Two reserved bytes, mask bits, pending bits.
    const masks = msi.maskable ? [0, 0, ...littleEndian(2 ** msi.vectors - 1), 0, 0, 0, 0] : [];
    const tail = new Array<number>(address + 2 + masks.length).fill(0);
    return {
      id: pci.CAP.MSI,
      at: msi.at,
      bytes: [control & 0xff, control >> 8, ...tail],
      writable: [
        MSI_CONTROL.ENABLE | MSI_CONTROL.ENABLED,
        0,
        0xfc,
        ...new Array<number>(address - 1).fill(0xff),
        0xff,
        0xff,
        ...masks,
      ],
    };
  }

  #writable(at: number, width: number, mask: number): void {
    for (let i = 0; i < width / 8; i++) this.#write[at + i] = (mask >>> (8 * i)) & 0xff;
  }
}

/** The four bytes of a dword. */
function littleEndian(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
