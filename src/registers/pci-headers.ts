/** PCI configuration space: type 0 and type 1 headers. Sources: PCI Local Bus 3.0, PCI-to-PCI Bridge 1.2. */
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
