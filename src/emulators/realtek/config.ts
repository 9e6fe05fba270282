/**
 * Configuration space as both chips lay it out: PCI Express endpoints with MSI, MSI-X, power management and vital product data.
 * Source: dumps of lspci on boards with these chips, and PCI Express Base 4.0 for what stands where.
 */
import { pci } from '../../registers/index.js';
import type { CapabilityDeclaration, ConfigDeclaration } from '../function.js';

/** BARs by index. */
export const Bar = { io: 0, registers: 2, msix: 4 } as const;
/** Offset of vital product data. */
export const VPD_AT = 0xd0;

const PCIE_AT = 0x70;
const AER_BYTES = 0x28;

const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const dword = (value: number): number[] => [...word(value), ...word(value >>> 16)];
const zeros = (bytes: number): number[] => new Array<number>(bytes).fill(0);

/** PCI Express 2.0 endpoint, one lane, no function level reset. @param speed of the link: 1 is 2.5 GT/s, 2 is 5 GT/s */
function express(speed: 1 | 2): CapabilityDeclaration {
  return {
    id: pci.CAP.PCIE,
    at: PCIE_AT,
    bytes: [
      ...word(0x0202), // Version 2, endpoint, message 1.
      ...dword(0x0590_8cc0), // Payload 128, L0s < 512 ns, L1 < 64 us, role-based errors, 10 W.
      ...word(0x2810), // Relaxed ordering, no snoop, read request 512.
      ...word(0x0010), // Auxiliary power is there.
      ...dword(0x0047_7c10 | speed), // x1, L0s and L1, clock power management.
      ...word(0),
      ...word(0x1010 | speed), // x1, slot clock.
      ...zeros(16), // Slot and root.
      ...dword(0x000c_081f), // Completion timeouts, latency messages, OBFF.
      ...zeros(4),
      ...dword(speed === 1 ? 0x02 : 0x06), // Speeds of the link.
      ...word(speed),
      ...zeros(10),
    ],
    writable: [
      ...zeros(6),
      ...word(0x7fff),
      ...zeros(6),
      ...word(0x01fb),
      ...zeros(22),
      ...word(0x641f),
      ...zeros(6),
      ...word(0x1fdf),
      ...zeros(10),
    ],
    clearable: [...zeros(8), ...word(0x000f), ...zeros(48)],
  };
}

/** Advanced error reporting: nothing ever goes wrong on this link, so its status stays 0. */
const ERRORS: CapabilityDeclaration = {
  id: pci.EXT_CAP.AER,
  at: 0x100,
  version: 2,
  bytes: [
    ...dword(0), // Uncorrectable status.
    ...dword(0), // Uncorrectable mask.
    ...dword(0x0006_2030), // Uncorrectable severity.
    ...dword(0), // Correctable status.
    ...dword(0x0000_2000), // Correctable mask.
    ...dword(0x0000_00a0), // ECRC can be made and checked.
    ...zeros(AER_BYTES - 24),
  ],
  writable: [
    ...zeros(4),
    ...dword(0x0017_f030),
    ...dword(0x0017_f030),
    ...zeros(4),
    ...dword(0x0000_31c1),
    ...dword(0x0000_0140),
    ...zeros(AER_BYTES - 24),
  ],
};

/** One virtual channel. */
export function virtualChannel(at: number): CapabilityDeclaration {
  return {
    id: pci.EXT_CAP.VC,
    at,
    version: 1,
    bytes: [...zeros(16), ...dword(-0x7fff_ff01), ...zeros(4)], // Channel 0 is on, for all classes.
    writable: [...zeros(16), 0xfe, ...zeros(7)],
  };
}

/** Serial number. The same on every board: 00-E0-4C is Realtek's. */
export function serialNumber(at: number): CapabilityDeclaration {
  return { id: pci.EXT_CAP.DSN, at, version: 1, bytes: [0x01, 0, 0, 0, 0x68, 0x4c, 0xe0, 0x00] };
}

/** Latency tolerance reporting. */
export function latency(at: number): CapabilityDeclaration {
  return { id: pci.EXT_CAP.LTR, at, version: 1, bytes: zeros(4), writable: [0xff, 0x1f, 0xff, 0x1f] };
}

/** L1 substates: all four, 150 us each for common mode and power on. */
export function substates(at: number): CapabilityDeclaration {
  return {
    id: pci.EXT_CAP.L1SS,
    at,
    version: 1,
    bytes: [...dword(0x0079_961f), ...zeros(8)],
    writable: [...zeros(4), ...dword(-0x1c00_00f1), ...word(0x00fb), 0, 0],
  };
}

/** What differs between boards and chips. */
export interface ConfigOptions {
  readonly device: number;
  readonly revision: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
  /** Bytes of the memory BAR. */
  readonly bytes: number;
  readonly msix: { readonly bytes: number; readonly table: number; readonly pending: number; readonly vectors: number };
  /** MSI with mask bits. */
  readonly maskable?: boolean;
  /** 1: 2.5 GT/s, 2: 5 GT/s. */
  readonly speed: 1 | 2;
  /** Extended capabilities beside AER. */
  readonly extended: readonly CapabilityDeclaration[];
}

/** The configuration space of a chip. */
export function configOf(options: ConfigOptions): ConfigDeclaration {
  const { msix } = options;
  return {
    vendor: 0x10ec,
    device: options.device,
    revision: options.revision,
    classCode: 0x020000,
    subsystemVendor: options.subsystemVendor,
    subsystem: options.subsystem,
    interruptPin: 1,
    bars: [
      { index: Bar.io, kind: 'io', bytes: 256, name: 'registers' },
      { index: Bar.registers, kind: 'memory64', bytes: options.bytes, name: 'registers' },
      { index: Bar.msix, kind: 'memory64', bytes: msix.bytes, name: 'MSI-X' },
    ],
    capabilities: [
      express(options.speed),
      // Its behaviour is the model's: VpdUnit.
      { id: pci.CAP.VPD, at: VPD_AT, bytes: zeros(6), writable: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
      ERRORS,
      ...options.extended,
    ],
    pm: { at: 0x40, capabilities: 0xffc3, noSoftReset: true },
    msi: { at: 0x50, vectors: 1, address64: true, ...(options.maskable ? { maskable: true } : {}) },
    msix: { at: 0xb0, vectors: msix.vectors, bar: Bar.msix, tableAt: msix.table, pbaAt: msix.pending },
    configBytes: 4096,
  };
}
