/** 82574L: identity, BARs and capabilities. Source: 82574 §9 (PCI) and the configuration space of a Gigabit CT card. */
import { i82574, pci } from '../../registers/index.js';
import type { CapabilityDeclaration, ConfigDeclaration } from '../function.js';

/** BARs by index. */
export const Bar = { registers: 0, flash: 1, io: 2, msix: 3 } as const;
/** Bytes of the flash that its BAR shows. */
export const FLASH_BYTES = 0x20000;

const PCIE_AT = 0xe0;
const AER_AT = 0x100;
const DSN_AT = 0x140;
const AER_BYTES = 0x28;

const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const dword = (value: number): number[] => [...word(value), ...word(value >>> 16)];
const zeros = (bytes: number): number[] => new Array<number>(bytes).fill(0);

/** PCI Express 1.1 endpoint, 2.5 GT/s x1, payload 256, no function level reset. */
const EXPRESS: CapabilityDeclaration = {
  id: pci.CAP.PCIE,
  at: PCIE_AT,
  bytes: [
    ...word(0x0001), // Version 1, endpoint.
    ...dword(0x0000_8cc1), // Payload 256, L0s < 512 ns, L1 < 64 us, role-based errors.
    ...word(0x2810), // Relaxed ordering, no snoop, read request 512.
    ...word(0),
    ...dword(0x0003_1c11), // 2.5 GT/s, x1, L0s and L1.
    ...word(0),
    ...word(0x1011), // 2.5 GT/s, x1, slot clock.
  ],
  writable: [...zeros(6), ...word(0x7fff), ...zeros(6), ...word(0x01fb), ...zeros(2)],
  clearable: [...zeros(8), ...word(0x000f), ...zeros(8)],
};

/** Advanced error reporting: nothing ever goes wrong on this link, so its status stays 0. */
const ERRORS: CapabilityDeclaration = {
  id: pci.EXT_CAP.AER,
  at: AER_AT,
  version: 1,
  bytes: [
    ...dword(0), // Uncorrectable status.
    ...dword(0), // Uncorrectable mask.
    ...dword(0x0006_2011), // Uncorrectable severity.
    ...dword(0), // Correctable status.
    ...dword(0x0000_2000), // Correctable mask.
    ...dword(0),
    ...zeros(AER_BYTES - 24),
  ],
  writable: [
    ...zeros(4),
    ...dword(0x0017_f011),
    ...dword(0x0017_f011),
    ...zeros(4),
    ...dword(0x0000_31c1),
    ...zeros(AER_BYTES - 20),
  ],
};

/** Configuration space of revision 00 on a card with station address `mac`, from which its serial number is made. */
export function configOf(mac: Uint8Array): ConfigDeclaration {
  return {
    vendor: 0x8086,
    device: 0x10d3,
    revision: 0,
    classCode: 0x020000,
    subsystemVendor: 0x8086,
    subsystem: 0xa01f,
    interruptPin: 1,
    bars: [
      { index: Bar.registers, kind: 'memory32', bytes: 0x20000, name: 'registers' },
      { index: Bar.flash, kind: 'memory32', bytes: FLASH_BYTES, name: 'flash' },
      { index: Bar.io, kind: 'io', bytes: 32, name: 'register window' },
      { index: Bar.msix, kind: 'memory32', bytes: i82574.MSIX_BAR.bytes, name: 'MSI-X' },
    ],
    capabilities: [
      EXPRESS,
      ERRORS,
      {
        id: pci.EXT_CAP.DSN,
        at: DSN_AT,
        version: 1,
        bytes: [mac[5]!, mac[4]!, mac[3]!, 0xff, 0xff, mac[2]!, mac[1]!, mac[0]!],
      },
    ],
    pm: { at: 0xc8, capabilities: 0xc822, noSoftReset: false },
    msi: { at: 0xd0, vectors: 1, address64: true },
    msix: {
      at: 0xa0,
      vectors: i82574.MSIX_VECTORS,
      bar: Bar.msix,
      tableAt: i82574.MSIX_BAR.table,
      pbaAt: i82574.MSIX_BAR.pending,
    },
    configBytes: 4096,
  };
}
