/** A PCI-to-PCI bridge or PCI Express root port: type 1 header, forwarding windows, a bus below. Source: Bridge 1.2. */
import { pci, RegisterFile } from '../../registers/index.js';

const {
  COMMAND,
  STATUS,
  IO_BASE,
  IO_LIMIT,
  MEMORY_BASE,
  MEMORY_LIMIT,
  PREFETCH_BASE,
  PREFETCH_LIMIT,
  PREFETCH_BASE_UPPER,
  PREFETCH_LIMIT_UPPER,
} = pci;

/** Which kind of bridge. */
export type BridgeKind = 'pci-bridge' | 'root-port';

const IDENTITY: Readonly<Record<BridgeKind, { vendor: number; device: number }>> = {
  'pci-bridge': { vendor: 0x8086, device: 0x244e },
  'root-port': { vendor: 0x8086, device: 0xa110 },
};

const PCIE_AT = 0x40;
const HEADER = 0x40;
const MIB = 0x10_0000;

/** The registers of a bridge. */
export class Bridge {
  readonly kind: BridgeKind;
  readonly regs = new RegisterFile(pci.type1Map);
  /** Bytes from 40h on: a PCI Express capability of a root port. */
  readonly #rest = new Uint8Array(0x1000 - HEADER);
  /** The guest changed bus numbers, windows or the command register. */
  onChange: (() => void) | undefined;
  /** BRIDGE_CONTROL.RESET went up. */
  onReset: (() => void) | undefined;

  constructor(kind: BridgeKind) {
    this.kind = kind;
    if (kind === 'root-port') {
      const capability = [pci.CAP.PCIE, 0, 0x42, 0x00, 0x00, 0x80, 0x00, 0x00];
      this.#rest.set(capability, PCIE_AT - HEADER);
      // Link capabilities and status: 8 GT/s, one lane, active.
      this.#rest.set([0x13, 0x00, 0x10, 0x00], PCIE_AT - HEADER + 12);
      this.#rest.set([0x13, 0x20], PCIE_AT - HEADER + 18);
    }
    this.reset();
  }

  reset(): void {
    const { regs } = this;
    regs.reset();
    const id = IDENTITY[this.kind];
    regs.set(pci.VENDOR_ID, id.vendor);
    regs.set(pci.DEVICE_ID, id.device);
    regs.set(pci.BASE_CLASS, 6);
    regs.set(pci.SUBCLASS, 4);
    regs.set(pci.HEADER_TYPE, 1);
    regs.set(IO_BASE, 1);
    regs.set(IO_LIMIT, 1);
    regs.set(PREFETCH_BASE, 1);
    regs.set(PREFETCH_LIMIT, 1);
    if (this.kind === 'root-port') {
      regs.set(STATUS, STATUS.CAP_LIST);
      regs.set(pci.CAP_POINTER, PCIE_AT);
    }
  }

  readConfig(at: number, width: number): number {
    if (at < HEADER) return this.regs.read(at, width);
    let value = 0;
    for (let i = 0; i < width / 8; i++) value |= (this.#rest[at - HEADER + i] ?? 0) << (8 * i);
    return value;
  }

  writeConfig(at: number, width: number, value: number): void {
    if (at >= HEADER) return;
    const held = (this.regs.get(pci.BRIDGE_CONTROL) & pci.BRIDGE_CONTROL.RESET) !== 0;
    this.regs.write(at, width, value);
    if (!held && (this.regs.get(pci.BRIDGE_CONTROL) & pci.BRIDGE_CONTROL.RESET) !== 0) this.onReset?.();
    this.onChange?.();
  }

  get secondary(): number {
    return this.regs.get(pci.SECONDARY_BUS);
  }

  get subordinate(): number {
    return this.regs.get(pci.SUBORDINATE_BUS);
  }

  /** Does the bridge pass accesses to these addresses down? */
  forwards(kind: 'io' | 'memory', address: number, bytes: number): boolean {
    const { regs } = this;
    const end = address + bytes - 1;
    if (kind === 'io') {
      if ((regs.get(COMMAND) & COMMAND.IO) === 0) return false;
      const base = ((regs.get(IO_BASE) & IO_BASE.ADDRESS) << 8) | (regs.get(pci.IO_BASE_UPPER) << 16);
      const limit = ((regs.get(IO_LIMIT) & IO_LIMIT.ADDRESS) << 8) | (regs.get(pci.IO_LIMIT_UPPER) << 16) | 0xfff;
      return address >= base && end <= limit;
    }
    if ((regs.get(COMMAND) & COMMAND.MEMORY) === 0) return false;
    const low = (value: number, mask: number): number => ((value & mask) << 16) >>> 0;
    const base = low(regs.get(MEMORY_BASE), MEMORY_BASE.ADDRESS);
    const limit = low(regs.get(MEMORY_LIMIT), MEMORY_LIMIT.ADDRESS) + MIB - 1;
    if (address >= base && end <= limit) return true;
    const wide = (register: typeof PREFETCH_BASE_UPPER): number => (regs.get(register) >>> 0) * 0x1_0000_0000;
    const base64 = low(regs.get(PREFETCH_BASE), PREFETCH_BASE.ADDRESS) + wide(PREFETCH_BASE_UPPER);
    const limit64 = low(regs.get(PREFETCH_LIMIT), PREFETCH_LIMIT.ADDRESS) + wide(PREFETCH_LIMIT_UPPER) + MIB - 1;
    return address >= base64 && end <= limit64;
  }

  /** Does the bridge let its lower side master the bus? */
  get mastering(): boolean {
    return (this.regs.get(COMMAND) & COMMAND.MASTER) !== 0;
  }
}
