/**
 * PCI configuration space: headers, capabilities and their registers. Capability registers are offsets from the
 * capability's start. Sources: PCI Local Bus 3.0, PCI-to-PCI Bridge 1.2, PCI Express Base 4.0, PCI PM 1.2.
 */
import { bit, bits, reg, registerMap, word } from './define.js';

const w8 = { width: 8 } as const;
const w16 = { width: 16 } as const;

export const VENDOR_ID = word('VENDOR_ID', 0x00, 'ro', {
  ...w16,
  doc: 'Who made it; FFFF: nobody is here',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const DEVICE_ID = word('DEVICE_ID', 0x02, 'ro', {
  ...w16,
  doc: 'Which device of the vendor',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const COMMAND = reg(
  'COMMAND',
  0x04,
  { ...w16, doc: 'What the function may do', ref: 'PCI 3.0 §6.2.2' },
  {
    IO: bit(0, 'rw', 'Answer I/O'),
    MEMORY: bit(1, 'rw', 'Answer memory'),
    MASTER: bit(2, 'rw', 'Be bus master: DMA and messages'),
    SPECIAL: bit(3, 'rw', 'Watch special cycles', { inert: true }),
    MWI: bit(4, 'rw', 'Memory write and invalidate', { inert: true }),
    VGA_PALETTE: bit(5, 'rw', 'VGA palette snoop', { inert: true }),
    PARITY: bit(6, 'rw', 'Answer parity errors', { inert: true }),
    SERR: bit(8, 'rw', 'SERR#', { inert: true }),
    FAST_B2B: bit(9, 'rw', 'Fast back to back', { inert: true }),
    INTX_DISABLE: bit(10, 'rw', 'No INTx'),
  },
);
export const STATUS = reg(
  'STATUS',
  0x06,
  { ...w16, doc: 'What happened, what it has', ref: 'PCI 3.0 §6.2.3', volatile: true },
  {
    INTX: bit(3, 'ro', 'An INTx is pending'),
    CAP_LIST: bit(4, 'ro', 'Capability list at 34h'),
    MHZ66: bit(5, 'ro', '66 MHz capable'),
    FAST_B2B: bit(7, 'ro', 'Takes fast back to back'),
    PARITY: bit(8, 'w1c', 'Master data parity error'),
    DEVSEL: bits(10, 9, 'ro', 'DEVSEL timing', { values: { 0: 'fast', 1: 'medium', 2: 'slow' } }),
    SIG_TARGET_ABORT: bit(11, 'w1c', 'Signalled target abort'),
    REC_TARGET_ABORT: bit(12, 'w1c', 'Received target abort'),
    REC_MASTER_ABORT: bit(13, 'w1c', 'Received master abort'),
    SIG_SYSTEM_ERROR: bit(14, 'w1c', 'Signalled system error'),
    DETECTED_PARITY: bit(15, 'w1c', 'Parity error'),
  },
);
export const REVISION_ID = word('REVISION_ID', 0x08, 'ro', {
  ...w8,
  doc: 'Revision',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const PROG_IF = word('PROG_IF', 0x09, 'ro', {
  ...w8,
  doc: 'Programming interface',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const SUBCLASS = word('SUBCLASS', 0x0a, 'ro', {
  ...w8,
  doc: 'Sub-class',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const BASE_CLASS = word('BASE_CLASS', 0x0b, 'ro', {
  ...w8,
  doc: 'Base class; 2 is network',
  ref: 'PCI 3.0 §6.2.1',
  volatile: true,
});
export const CACHE_LINE_SIZE = word('CACHE_LINE_SIZE', 0x0c, 'rw', {
  ...w8,
  doc: 'Cache line, in 4 bytes',
  ref: 'PCI 3.0 §6.2.4',
});
export const LATENCY_TIMER = word('LATENCY_TIMER', 0x0d, 'rw', { ...w8, doc: 'Latency timer', ref: 'PCI 3.0 §6.2.4' });
export const HEADER_TYPE = reg(
  'HEADER_TYPE',
  0x0e,
  { ...w8, doc: 'Layout of the header', ref: 'PCI 3.0 §6.2.1', volatile: true },
  {
    LAYOUT: bits(6, 0, 'ro', 'Layout', { values: { 0: 'device', 1: 'bridge', 2: 'cardbus' } }),
    MULTI: bit(7, 'ro', 'There may be functions 1 to 7'),
  },
);
export const BIST = word('BIST', 0x0f, 'ro', { ...w8, doc: 'Self test', ref: 'PCI 3.0 §6.2.4' });

export const BAR = reg(
  'BAR',
  0x10,
  { doc: 'Base address', ref: 'PCI 3.0 §6.2.5.1', count: 6, volatile: true },
  {
    IO: bit(0, 'ro', 'An I/O region'),
    TYPE: bits(2, 1, 'ro', 'Where memory may be', { values: { 0: '32-bit', 2: '64-bit' } }),
    PREFETCH: bit(3, 'ro', 'Prefetchable'),
    ADDRESS: bits(31, 4, 'rw', 'Address; the lowest writable bit tells the size'),
  },
);
/** In an I/O BAR the address starts at bit 2. */
export const IO_BAR = reg(
  'IO_BAR',
  0x10,
  { doc: 'Base address of an I/O region', ref: 'PCI 3.0 §6.2.5.1', count: 6, volatile: true },
  {
    IO: bit(0, 'ro', '1'),
    ADDRESS: bits(31, 2, 'rw', 'Address'),
  },
);
export const CIS_POINTER = word('CIS_POINTER', 0x28, 'ro', { doc: 'CardBus CIS', ref: 'PCI 3.0 §6.2.4' });
export const SUBSYSTEM_VENDOR_ID = word('SUBSYSTEM_VENDOR_ID', 0x2c, 'ro', {
  ...w16,
  doc: 'Who made the board',
  ref: 'PCI 3.0 §6.2.4',
  volatile: true,
});
export const SUBSYSTEM_ID = word('SUBSYSTEM_ID', 0x2e, 'ro', {
  ...w16,
  doc: 'Which board',
  ref: 'PCI 3.0 §6.2.4',
  volatile: true,
});
export const ROM_BAR = reg(
  'ROM_BAR',
  0x30,
  { doc: 'Expansion ROM', ref: 'PCI 3.0 §6.2.5.2', volatile: true },
  {
    ENABLE: bit(0, 'rw', 'Answer at the address'),
    ADDRESS: bits(31, 11, 'rw', 'Address'),
  },
);
export const CAP_POINTER = word('CAP_POINTER', 0x34, 'ro', {
  ...w8,
  doc: 'First capability',
  ref: 'PCI 3.0 §6.7',
  volatile: true,
});
export const INTERRUPT_LINE = word('INTERRUPT_LINE', 0x3c, 'rw', {
  ...w8,
  doc: 'Scratch for software: the IRQ it routed',
  ref: 'PCI 3.0 §6.2.4',
});
export const INTERRUPT_PIN = word('INTERRUPT_PIN', 0x3d, 'ro', {
  ...w8,
  doc: '1 to 4 for INTA# to INTD#; 0 none',
  ref: 'PCI 3.0 §6.2.4',
  volatile: true,
});
export const MIN_GNT = word('MIN_GNT', 0x3e, 'ro', {
  ...w8,
  doc: 'Burst length wanted, in 250 ns',
  ref: 'PCI 3.0 §6.2.4',
  volatile: true,
});
export const MAX_LAT = word('MAX_LAT', 0x3f, 'ro', {
  ...w8,
  doc: 'How often the bus is wanted, in 250 ns',
  ref: 'PCI 3.0 §6.2.4',
  volatile: true,
});

/** Type 0 header: a device. */
export const type0Map = registerMap('pci', 'type 0 header', 0x40, [8, 16, 32], {
  VENDOR_ID,
  DEVICE_ID,
  COMMAND,
  STATUS,
  REVISION_ID,
  PROG_IF,
  SUBCLASS,
  BASE_CLASS,
  CACHE_LINE_SIZE,
  LATENCY_TIMER,
  HEADER_TYPE,
  BIST,
  BAR,
  CIS_POINTER,
  SUBSYSTEM_VENDOR_ID,
  SUBSYSTEM_ID,
  ROM_BAR,
  CAP_POINTER,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
  MIN_GNT,
  MAX_LAT,
});

export const PRIMARY_BUS = word('PRIMARY_BUS', 0x18, 'rw', {
  ...w8,
  doc: 'Bus on the upper side',
  ref: 'Bridge 1.2 §3.2.5.2',
});
export const SECONDARY_BUS = word('SECONDARY_BUS', 0x19, 'rw', {
  ...w8,
  doc: 'Bus on the lower side',
  ref: 'Bridge 1.2 §3.2.5.3',
});
export const SUBORDINATE_BUS = word('SUBORDINATE_BUS', 0x1a, 'rw', {
  ...w8,
  doc: 'Highest bus below',
  ref: 'Bridge 1.2 §3.2.5.4',
});
export const SECONDARY_LATENCY = word('SECONDARY_LATENCY', 0x1b, 'rw', {
  ...w8,
  doc: 'Latency timer below',
  ref: 'Bridge 1.2 §3.2.5.5',
});
export const IO_BASE = reg(
  'IO_BASE',
  0x1c,
  { ...w8, doc: 'I/O window, first', ref: 'Bridge 1.2 §3.2.5.6', volatile: true },
  {
    WIDE: bits(3, 0, 'ro', 'Addressing', { values: { 0: '16-bit', 1: '32-bit' } }),
    ADDRESS: bits(7, 4, 'rw', 'Address bits 15 to 12'),
  },
);
export const IO_LIMIT = reg(
  'IO_LIMIT',
  0x1d,
  { ...w8, doc: 'I/O window, last', ref: 'Bridge 1.2 §3.2.5.6', volatile: true },
  {
    WIDE: bits(3, 0, 'ro', 'Addressing'),
    ADDRESS: bits(7, 4, 'rw', 'Address bits 15 to 12'),
  },
);
export const SECONDARY_STATUS = word('SECONDARY_STATUS', 0x1e, 'w1c', {
  ...w16,
  doc: 'What happened below',
  ref: 'Bridge 1.2 §3.2.5.7',
});
export const MEMORY_BASE = reg(
  'MEMORY_BASE',
  0x20,
  { ...w16, doc: 'Memory window, first', ref: 'Bridge 1.2 §3.2.5.8' },
  {
    ADDRESS: bits(15, 4, 'rw', 'Address bits 31 to 20'),
  },
);
export const MEMORY_LIMIT = reg(
  'MEMORY_LIMIT',
  0x22,
  { ...w16, doc: 'Memory window, last', ref: 'Bridge 1.2 §3.2.5.8' },
  {
    ADDRESS: bits(15, 4, 'rw', 'Address bits 31 to 20'),
  },
);
export const PREFETCH_BASE = reg(
  'PREFETCH_BASE',
  0x24,
  { ...w16, doc: 'Prefetchable window, first', ref: 'Bridge 1.2 §3.2.5.9', volatile: true },
  {
    WIDE: bits(3, 0, 'ro', 'Addressing', { values: { 0: '32-bit', 1: '64-bit' } }),
    ADDRESS: bits(15, 4, 'rw', 'Address bits 31 to 20'),
  },
);
export const PREFETCH_LIMIT = reg(
  'PREFETCH_LIMIT',
  0x26,
  { ...w16, doc: 'Prefetchable window, last', ref: 'Bridge 1.2 §3.2.5.9', volatile: true },
  {
    WIDE: bits(3, 0, 'ro', 'Addressing'),
    ADDRESS: bits(15, 4, 'rw', 'Address bits 31 to 20'),
  },
);
export const PREFETCH_BASE_UPPER = word('PREFETCH_BASE_UPPER', 0x28, 'rw', {
  doc: 'Prefetchable window, first, bits 63 to 32',
  ref: 'Bridge 1.2 §3.2.5.10',
});
export const PREFETCH_LIMIT_UPPER = word('PREFETCH_LIMIT_UPPER', 0x2c, 'rw', {
  doc: 'Prefetchable window, last, bits 63 to 32',
  ref: 'Bridge 1.2 §3.2.5.10',
});
export const IO_BASE_UPPER = word('IO_BASE_UPPER', 0x30, 'rw', {
  ...w16,
  doc: 'I/O window, first, bits 31 to 16',
  ref: 'Bridge 1.2 §3.2.5.11',
});
export const IO_LIMIT_UPPER = word('IO_LIMIT_UPPER', 0x32, 'rw', {
  ...w16,
  doc: 'I/O window, last, bits 31 to 16',
  ref: 'Bridge 1.2 §3.2.5.11',
});
export const BRIDGE_ROM_BAR = word('BRIDGE_ROM_BAR', 0x38, 'ro', {
  doc: 'Expansion ROM of a bridge',
  ref: 'Bridge 1.2 §3.2.5.14',
});
export const BRIDGE_CONTROL = reg(
  'BRIDGE_CONTROL',
  0x3e,
  { ...w16, doc: 'Bridge control', ref: 'Bridge 1.2 §3.2.5.18' },
  {
    PARITY: bit(0, 'rw', 'Answer parity errors below', { inert: true }),
    SERR: bit(1, 'rw', 'Forward SERR#', { inert: true }),
    ISA: bit(2, 'rw', 'Keep ISA aliases above', { inert: true }),
    VGA: bit(3, 'rw', 'Forward VGA', { inert: true }),
    VGA16: bit(4, 'rw', 'Decode VGA with 16 bits', { inert: true }),
    MASTER_ABORT: bit(5, 'rw', 'Report master aborts', { inert: true }),
    RESET: bit(6, 'rw', 'Reset the bus below'),
  },
);

/** Type 1 header: a bridge. */
export const type1Map = registerMap('pci', 'type 1 header', 0x40, [8, 16, 32], {
  VENDOR_ID,
  DEVICE_ID,
  COMMAND,
  STATUS,
  REVISION_ID,
  PROG_IF,
  SUBCLASS,
  BASE_CLASS,
  CACHE_LINE_SIZE,
  LATENCY_TIMER,
  HEADER_TYPE,
  BIST,
  PRIMARY_BUS,
  SECONDARY_BUS,
  SUBORDINATE_BUS,
  SECONDARY_LATENCY,
  IO_BASE,
  IO_LIMIT,
  SECONDARY_STATUS,
  MEMORY_BASE,
  MEMORY_LIMIT,
  PREFETCH_BASE,
  PREFETCH_LIMIT,
  PREFETCH_BASE_UPPER,
  PREFETCH_LIMIT_UPPER,
  IO_BASE_UPPER,
  IO_LIMIT_UPPER,
  CAP_POINTER,
  BRIDGE_ROM_BAR,
  INTERRUPT_LINE,
  INTERRUPT_PIN,
  BRIDGE_CONTROL,
});

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

/** CF8: the address latch of configuration mechanism 1. */
export const CONFIG_ADDRESS = reg(
  'CONFIG_ADDRESS',
  0xcf8,
  { doc: 'Configuration address', ref: 'PCI 3.0 §3.2.2.3.2' },
  {
    REGISTER: bits(7, 2, 'rw', 'Dword'),
    FUNCTION: bits(10, 8, 'rw', 'Function'),
    DEVICE: bits(15, 11, 'rw', 'Device'),
    BUS: bits(23, 16, 'rw', 'Bus'),
    ENABLE: bit(31, 'rw', 'CFC reaches configuration space'),
  },
);
/** CFC: the data window of configuration mechanism 1. */
export const CONFIG_DATA = word('CONFIG_DATA', 0xcfc, 'rw', { doc: 'Configuration data', ref: 'PCI 3.0 §3.2.2.3.2' });

export * from './pci-extended.js';
