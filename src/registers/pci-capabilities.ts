/**
 * PCI capabilities; offsets are from the capability's start. Sources: PCI Local Bus 3.0, PCI Express Base 4.0, PCI PM 1.2.
 */
import { bit, bits, reg, word } from './define.js';

const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

/** Capability identifiers (PCI Code and ID Assignment). */
export const CAP = {
  PM: 0x01,
  AGP: 0x02,
  VPD: 0x03,
  SLOT_ID: 0x04,
  MSI: 0x05,
  HOTSWAP: 0x06,
  PCIX: 0x07,
  HT: 0x08,
  VENDOR: 0x09,
  DEBUG: 0x0a,
  HOTPLUG: 0x0c,
  SSVID: 0x0d,
  PCIE: 0x10,
  MSIX: 0x11,
  SATA: 0x12,
  AF: 0x13,
  EA: 0x14,
} as const;
/** Extended capability identifiers. */
export const EXT_CAP = {
  AER: 0x0001,
  VC: 0x0002,
  DSN: 0x0003,
  PWR_BUDGET: 0x0004,
  VSEC: 0x000b,
  ACS: 0x000d,
  ARI: 0x000e,
  LTR: 0x0018,
  TPH: 0x0017,
  L1SS: 0x001e,
  PTM: 0x001f,
} as const;

/** First byte of every capability. */
export const CAP_ID = word('CAP_ID', 0, 'ro', { ...w8, doc: 'Which capability', ref: 'PCI 3.0 §6.7', volatile: true });
/** Second byte of every capability. */
export const CAP_NEXT = word('CAP_NEXT', 1, 'ro', {
  ...w8,
  doc: 'Where the next one is; 0 ends the list',
  ref: 'PCI 3.0 §6.7',
  volatile: true,
});

export const PM_CAP = reg(
  'PM_CAP',
  2,
  { ...w16, doc: 'Power management capabilities', ref: 'PM 1.2 §3.2.3', volatile: true },
  {
    VERSION: bits(2, 0, 'ro', 'Version'),
    PME_CLOCK: bit(3, 'ro', 'PME# needs the clock'),
    DSI: bit(5, 'ro', 'Needs device-specific initialisation'),
    AUX_CURRENT: bits(8, 6, 'ro', 'Auxiliary current'),
    D1: bit(9, 'ro', 'Has D1'),
    D2: bit(10, 'ro', 'Has D2'),
    PME: bits(15, 11, 'ro', 'States from which PME# comes'),
  },
);
export const PMCSR = reg(
  'PMCSR',
  4,
  { ...w16, doc: 'Power management control and status', ref: 'PM 1.2 §3.2.4' },
  {
    STATE: bits(1, 0, 'rw', 'Power state', { values: { 0: 'D0', 1: 'D1', 2: 'D2', 3: 'D3hot' } }),
    NO_SOFT_RESET: bit(3, 'ro', 'D3hot keeps the state'),
    PME_EN: bit(8, 'rw', 'PME#'),
    DATA_SELECT: bits(12, 9, 'rw', 'Which datum', { inert: true }),
    DATA_SCALE: bits(14, 13, 'ro', 'Its scale'),
    PME_STATUS: bit(15, 'w1c', 'PME# was asserted'),
  },
);

export const MSI_CONTROL = reg(
  'MSI_CONTROL',
  2,
  { ...w16, doc: 'MSI control', ref: 'PCI 3.0 §6.8.1.3', volatile: true },
  {
    ENABLE: bit(0, 'rw', 'Messages instead of INTx'),
    CAPABLE: bits(3, 1, 'ro', 'Vectors wanted, log 2'),
    ENABLED: bits(6, 4, 'rw', 'Vectors granted, log 2'),
    ADDR64: bit(7, 'ro', '64-bit address'),
    MASKABLE: bit(8, 'ro', 'Mask bits per vector'),
  },
);
export const MSI_ADDR = word('MSI_ADDR', 4, 'rw', { doc: 'Message address, low', ref: 'PCI 3.0 §6.8.1.4', lo: 2 });
export const MSI_ADDR_UPPER = word('MSI_ADDR_UPPER', 8, 'rw', {
  doc: 'Message address, high',
  ref: 'PCI 3.0 §6.8.1.5',
});
export const MSI_DATA32 = word('MSI_DATA32', 8, 'rw', {
  ...w16,
  doc: 'Message data, without 64-bit address',
  ref: 'PCI 3.0 §6.8.1.6',
});
export const MSI_DATA64 = word('MSI_DATA64', 12, 'rw', {
  ...w16,
  doc: 'Message data, with 64-bit address',
  ref: 'PCI 3.0 §6.8.1.6',
});
export const MSI_MASK64 = word('MSI_MASK64', 16, 'rw', {
  doc: 'Mask bits, with 64-bit address',
  ref: 'PCI 3.0 §6.8.1.7',
});
export const MSI_PENDING64 = word('MSI_PENDING64', 20, 'ro', {
  doc: 'Pending bits, with 64-bit address',
  ref: 'PCI 3.0 §6.8.1.8',
});

export const MSIX_CONTROL = reg(
  'MSIX_CONTROL',
  2,
  { ...w16, doc: 'MSI-X control', ref: 'PCI 3.0 §6.8.2.3', volatile: true },
  {
    TABLE_SIZE: bits(10, 0, 'ro', 'Vectors, less one'),
    MASK_ALL: bit(14, 'rw', 'All vectors masked'),
    ENABLE: bit(15, 'rw', 'Messages instead of INTx'),
  },
);
export const MSIX_TABLE = reg(
  'MSIX_TABLE',
  4,
  { doc: 'Where the table is', ref: 'PCI 3.0 §6.8.2.4', volatile: true },
  {
    BIR: bits(2, 0, 'ro', 'BAR'),
    OFFSET: bits(31, 3, 'ro', 'Offset, in 8 bytes'),
  },
);
export const MSIX_PBA = reg(
  'MSIX_PBA',
  8,
  { doc: 'Where the pending bits are', ref: 'PCI 3.0 §6.8.2.5', volatile: true },
  {
    BIR: bits(2, 0, 'ro', 'BAR'),
    OFFSET: bits(31, 3, 'ro', 'Offset, in 8 bytes'),
  },
);
/** One entry of the MSI-X table, 16 bytes. */
export const MSIX_ENTRY_BYTES = 16;
export const MSIX_ENTRY_ADDR = word('MSIX_ENTRY_ADDR', 0, 'rw', {
  doc: 'Message address, low',
  ref: 'PCI 3.0 §6.8.2.7',
});
export const MSIX_ENTRY_ADDR_UPPER = word('MSIX_ENTRY_ADDR_UPPER', 4, 'rw', {
  doc: 'Message address, high',
  ref: 'PCI 3.0 §6.8.2.8',
});
export const MSIX_ENTRY_DATA = word('MSIX_ENTRY_DATA', 8, 'rw', { doc: 'Message data', ref: 'PCI 3.0 §6.8.2.6' });
export const MSIX_ENTRY_CONTROL = reg(
  'MSIX_ENTRY_CONTROL',
  12,
  { doc: 'Vector control', ref: 'PCI 3.0 §6.8.2.9', reset: 1 },
  {
    MASK: bit(0, 'rw', 'The vector is masked'),
  },
);

export const PCIE_CAP = reg(
  'PCIE_CAP',
  2,
  { ...w16, doc: 'PCI Express capabilities', ref: 'PCIe 4.0 §7.5.3.2', volatile: true },
  {
    VERSION: bits(3, 0, 'ro', 'Version'),
    TYPE: bits(7, 4, 'ro', 'Port type', {
      values: {
        0: 'Endpoint',
        1: 'Legacy Endpoint',
        4: 'Root Port',
        5: 'Upstream Port',
        6: 'Downstream Port',
        7: 'PCIe to PCI Bridge',
        9: 'Root Complex Integrated Endpoint',
      },
    }),
    SLOT: bit(8, 'ro', 'Slot implemented'),
    MSG: bits(13, 9, 'ro', 'Interrupt message number'),
  },
);
export const PCIE_DEVCAP = reg(
  'PCIE_DEVCAP',
  4,
  { doc: 'Device capabilities', ref: 'PCIe 4.0 §7.5.3.3', volatile: true },
  {
    MAX_PAYLOAD: bits(2, 0, 'ro', 'Largest payload: 128 << n'),
    EXT_TAG: bit(5, 'ro', 'Extended tags'),
    RBER: bit(15, 'ro', 'Role-based error reporting'),
    FLR: bit(28, 'ro', 'Function level reset'),
  },
);
export const PCIE_DEVCTL = reg(
  'PCIE_DEVCTL',
  8,
  { ...w16, doc: 'Device control', ref: 'PCIe 4.0 §7.5.3.4', reset: 0x2810 },
  {
    CERE: bit(0, 'rw', 'Report correctable errors'),
    NFERE: bit(1, 'rw', 'Report non-fatal errors'),
    FERE: bit(2, 'rw', 'Report fatal errors'),
    URRE: bit(3, 'rw', 'Report unsupported requests'),
    RELAX: bit(4, 'rw', 'Relaxed ordering'),
    MPS: bits(7, 5, 'rw', 'Payload: 128 << n'),
    EXT_TAG: bit(8, 'rw', 'Extended tags'),
    PHANTOM: bit(9, 'rw', 'Phantom functions'),
    AUX_PM: bit(10, 'rw', 'Auxiliary power'),
    NO_SNOOP: bit(11, 'rw', 'No snoop'),
    MRRS: bits(14, 12, 'rw', 'Read request: 128 << n'),
    FLR: bit(15, 'sc', 'Reset this function'),
  },
);
export const PCIE_LNKCAP = reg(
  'PCIE_LNKCAP',
  12,
  { doc: 'Link capabilities', ref: 'PCIe 4.0 §7.5.3.6', volatile: true },
  {
    SPEED: bits(3, 0, 'ro', 'Speed', { values: { 1: '2.5GT/s', 2: '5GT/s', 3: '8GT/s', 4: '16GT/s' } }),
    WIDTH: bits(9, 4, 'ro', 'Lanes'),
  },
);
export const PCIE_LNKSTA = reg(
  'PCIE_LNKSTA',
  18,
  { ...w16, doc: 'Link status', ref: 'PCIe 4.0 §7.5.3.8', volatile: true },
  {
    SPEED: bits(3, 0, 'ro', 'Speed', { values: { 1: '2.5GT/s', 2: '5GT/s', 3: '8GT/s', 4: '16GT/s' } }),
    WIDTH: bits(9, 4, 'ro', 'Lanes'),
  },
);
