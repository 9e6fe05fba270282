/** Listings as lspci's users expect them: short, -v with BARs and capabilities decoded, -x as a hex dump. */
import { type Bdf, bdfText } from '../platform/config-access.js';
import { type AnyReg, explainFields, meta, pick } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import * as virtio from '../registers/virtio.js';
import { type Bar, barOffset, sizeText } from './bars.js';
import type { Capability, ConfigReader } from './capabilities.js';
import { describeFunction, deviceName, idText, vendorName } from './ids.js';

/** What a listing shows: a live function or one from a dump. */
export interface LspciFunction extends ConfigReader {
  readonly address: Bdf;
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  readonly classCode: number;
  readonly layout: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
  readonly interruptPin: number;
  readonly bars: readonly (Omit<Bar, 'bytes'> & { readonly bytes?: number })[];
  readonly capabilities: readonly Capability[];
}

/** Options of {@link lspci}. */
export interface LspciOptions {
  /** Flags, regions, capabilities (-v). */
  readonly verbose?: boolean;
  /** Hex dump (-x): the header, or with `all` everything that can be read (-xxxx). */
  readonly hex?: boolean | 'all';
  /** Numbers beside names (-nn). */
  readonly numbers?: boolean;
  /** Name of the driver that has a function, for -v. */
  readonly driver?: (fn: LspciFunction) => string | undefined;
}

const HEADER = 0x40;
const LINE = 16;

/** The listing, one line or block for each function. */
export function lspci(functions: readonly LspciFunction[], options: LspciOptions = {}): string {
  const blocks = functions.map((fn) => block(fn, options));
  return blocks.join(options.verbose || options.hex ? '\n\n' : '\n');
}

function block(fn: LspciFunction, options: LspciOptions): string {
  const lines = [title(fn, options)];
  if (options.verbose) lines.push(...verbose(fn, options));
  if (options.hex) lines.push(...dump(fn, options.hex === 'all' ? fn.configBytes : HEADER));
  return lines.join('\n');
}

function title(fn: LspciFunction, options: LspciOptions): string {
  const rev = fn.revision === 0 ? '' : ` (rev ${two(fn.revision)})`;
  const numbers = options.numbers ? ` [${idText(fn.vendor, fn.device)}]` : '';
  return `${bdfText(fn.address)} ${describeFunction(fn)}${numbers}${rev}`;
}

function verbose(fn: LspciFunction, options: LspciOptions): string[] {
  const lines: string[] = [];
  if (fn.subsystemVendor !== 0 && fn.subsystemVendor !== 0xffff) {
    const known =
      fn.subsystemVendor === fn.vendor ? deviceName(fn.vendor, fn.subsystem) : `Device ${hex4(fn.subsystem)}`;
    lines.push(`Subsystem: ${vendorName(fn.subsystemVendor)} ${known}`);
  }
  lines.push(`Control: ${explainFields(pci.COMMAND, fn.read16(pci.COMMAND.at))}`);
  lines.push(`Status: ${explainFields(pci.STATUS, fn.read16(pci.STATUS.at))}`);
  if (fn.interruptPin >= 1 && fn.interruptPin <= 4)
    lines.push(`Interrupt: pin ${'ABCD'[fn.interruptPin - 1]} routed to IRQ ${fn.read8(pci.INTERRUPT_LINE.at)}`);
  if (fn.layout === 1) lines.push(...windows(fn));
  for (const bar of fn.bars) lines.push(region(fn, bar));
  for (const capability of fn.capabilities) lines.push(...capabilityLines(fn, capability));
  const driver = options.driver?.(fn);
  if (driver !== undefined) lines.push(`Driver in use: ${driver}`);
  return lines.map((line) => `\t${line}`);
}

function windows(fn: LspciFunction): string[] {
  const bus = (at: number): string => two(fn.read8(at));
  const lines = [
    `Bus: primary=${bus(pci.PRIMARY_BUS.at)}, secondary=${bus(pci.SECONDARY_BUS.at)}, subordinate=${bus(pci.SUBORDINATE_BUS.at)}`,
  ];
  const ioBase = pick(fn.read8(pci.IO_BASE.at), pci.IO_BASE.ADDRESS) * 0x1000;
  const ioLimit = pick(fn.read8(pci.IO_LIMIT.at), pci.IO_LIMIT.ADDRESS) * 0x1000 + 0xfff;
  lines.push(range('I/O behind bridge', ioBase, ioLimit));
  const base = pick(fn.read16(pci.MEMORY_BASE.at), pci.MEMORY_BASE.ADDRESS) * 0x10_0000;
  const limit = pick(fn.read16(pci.MEMORY_LIMIT.at), pci.MEMORY_LIMIT.ADDRESS) * 0x10_0000 + 0xf_ffff;
  lines.push(range('Memory behind bridge', base, limit));
  const upper = (at: number): number => (fn.read32(at) >>> 0) * 0x1_0000_0000;
  const first = pick(fn.read16(pci.PREFETCH_BASE.at), pci.PREFETCH_BASE.ADDRESS) * 0x10_0000;
  const last = pick(fn.read16(pci.PREFETCH_LIMIT.at), pci.PREFETCH_LIMIT.ADDRESS) * 0x10_0000 + 0xf_ffff;
  const from = first + upper(pci.PREFETCH_BASE_UPPER.at);
  lines.push(range('Prefetchable memory behind bridge', from, last + upper(pci.PREFETCH_LIMIT_UPPER.at)));
  return lines;
}

function range(name: string, base: number, limit: number): string {
  if (base > limit) return `${name}: [disabled]`;
  return `${name}: ${base.toString(16)}-${limit.toString(16)} [size=${sizeText(limit - base + 1)}]`;
}

function region(fn: LspciFunction, bar: LspciFunction['bars'][number]): string {
  const size = bar.bytes === undefined ? '' : ` [size=${sizeText(bar.bytes)}]`;
  const command = fn.read16(pci.COMMAND.at);
  const where = bar.address === undefined ? '<unassigned>' : bar.address.toString(16);
  if (bar.kind === 'rom') {
    const on = (fn.read32(barOffset(fn.layout, bar.index)) & pci.ROM_BAR.ENABLE) !== 0;
    return `Expansion ROM at ${where}${on ? '' : ' [disabled]'}${size}`;
  }
  if (bar.kind === 'io') {
    const off = (command & pci.COMMAND.IO) === 0 ? ' [disabled]' : '';
    return `Region ${bar.index}: I/O ports at ${where}${off}${size}`;
  }
  const off = (command & pci.COMMAND.MEMORY) === 0 ? ' [disabled]' : '';
  const type = `${bar.kind === 'memory64' ? '64' : '32'}-bit, ${bar.prefetchable ? '' : 'non-'}prefetchable`;
  return `Region ${bar.index}: Memory at ${where} (${type})${off}${size}`;
}

const CAPABILITY_NAMES: Readonly<Record<number, string>> = {
  [pci.CAP.PM]: 'Power Management',
  [pci.CAP.AGP]: 'AGP',
  [pci.CAP.VPD]: 'Vital Product Data',
  [pci.CAP.SLOT_ID]: 'Slot ID',
  [pci.CAP.MSI]: 'MSI',
  [pci.CAP.HOTSWAP]: 'CompactPCI hot-swap',
  [pci.CAP.PCIX]: 'PCI-X',
  [pci.CAP.HT]: 'HyperTransport',
  [pci.CAP.VENDOR]: 'Vendor Specific Information',
  [pci.CAP.DEBUG]: 'Debug port',
  [pci.CAP.HOTPLUG]: 'Hot-plug capable',
  [pci.CAP.SSVID]: 'Subsystem',
  [pci.CAP.PCIE]: 'Express',
  [pci.CAP.MSIX]: 'MSI-X',
  [pci.CAP.SATA]: 'SATA HBA',
  [pci.CAP.AF]: 'PCI Advanced Features',
  [pci.CAP.EA]: 'Enhanced Allocation',
};
const EXTENDED_NAMES: Readonly<Record<number, string>> = {
  [pci.EXT_CAP.AER]: 'Advanced Error Reporting',
  [pci.EXT_CAP.VC]: 'Virtual Channel',
  [pci.EXT_CAP.DSN]: 'Device Serial Number',
  [pci.EXT_CAP.PWR_BUDGET]: 'Power Budgeting',
  [pci.EXT_CAP.VSEC]: 'Vendor Specific Information',
  [pci.EXT_CAP.ACS]: 'Access Control Services',
  [pci.EXT_CAP.ARI]: 'Alternative Routing-ID Interpretation',
  [pci.EXT_CAP.LTR]: 'Latency Tolerance Reporting',
  [pci.EXT_CAP.TPH]: 'Transaction Processing Hints',
  [pci.EXT_CAP.L1SS]: 'L1 PM Substates',
  [pci.EXT_CAP.PTM]: 'Precision Time Measurement',
};

function capabilityLines(fn: LspciFunction, capability: Capability): string[] {
  const { id, at } = capability;
  if (capability.extended) {
    const name = EXTENDED_NAMES[id] ?? `Extended capability ${hex4(id)}`;
    return [`Capabilities: [${at.toString(16)} v${capability.version}] ${name}`];
  }
  const name = CAPABILITY_NAMES[id] ?? `Capability ${two(id)}`;
  const head = `Capabilities: [${two(at)}] ${name}`;
  const show = (register: AnyReg): string => {
    const offset = at + register.at;
    const width = register[meta].width;
    const value = width === 32 ? fn.read32(offset) : width === 16 ? fn.read16(offset) : fn.read8(offset);
    return `${register[meta].name}: ${explainFields(register, value)}`;
  };
  const more = (...registers: AnyReg[]): string[] => [head, ...registers.map((register) => `\t${show(register)}`)];
  if (id === pci.CAP.PM) return more(pci.PM_CAP, pci.PMCSR);
  if (id === pci.CAP.MSI) return more(pci.MSI_CONTROL, pci.MSI_ADDR);
  if (id === pci.CAP.MSIX) {
    const count = pick(fn.read16(at + pci.MSIX_CONTROL.at), pci.MSIX_CONTROL.TABLE_SIZE) + 1;
    const place = (register: typeof pci.MSIX_TABLE): string => {
      const value = fn.read32(at + register.at);
      return `BAR=${pick(value, register.BIR)} offset=${((value & register.OFFSET) >>> 0).toString(16).padStart(8, '0')}`;
    };
    return [
      `${head}: Count=${count} ${explainFields(pci.MSIX_CONTROL, fn.read16(at + pci.MSIX_CONTROL.at))}`,
      `\tVector table: ${place(pci.MSIX_TABLE)}`,
      `\tPBA: ${place(pci.MSIX_PBA)}`,
    ];
  }
  if (id === pci.CAP.PCIE)
    return more(pci.PCIE_CAP, pci.PCIE_DEVCAP, pci.PCIE_DEVCTL, pci.PCIE_LNKCAP, pci.PCIE_LNKSTA);
  if (id === pci.CAP.AF) return more(pci.AF_CAP, pci.AF_STATUS);
  if (id === pci.CAP.VENDOR && fn.vendor === virtio.VIRTIO_VENDOR) {
    const type = explainFields(virtio.VIRTIO_CFG_TYPE, fn.read8(at + virtio.VIRTIO_CFG_TYPE.at));
    const word = (offset: number): string => (fn.read32(at + offset) >>> 0).toString(16).padStart(8, '0');
    const bar = fn.read8(at + virtio.VIRTIO_CAP_BAR.at);
    return [
      `${head}: VirtIO ${type}`,
      `\tBAR=${bar} offset=${word(virtio.VIRTIO_CAP_OFFSET.at)} size=${word(virtio.VIRTIO_CAP_LENGTH.at)}`,
    ];
  }
  return [head];
}

function dump(fn: LspciFunction, bytes: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes; at += LINE) {
    const row: string[] = [];
    for (let i = 0; i < LINE; i++) row.push(two(fn.read8(at + i)));
    lines.push(`${at.toString(16).padStart(bytes > 0x100 ? 3 : 2, '0')}: ${row.join(' ')}`);
  }
  return lines;
}

function two(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0');
}
