/** PCI: extended capability header, advanced features capability, ECAM addressing. Sources: PCIe Base 4.0, PCI AF ECN. */
import { bit, bits, reg } from './define.js';

/** First dword of every extended capability. */
export const EXT_CAP_HEADER = reg(
  'EXT_CAP_HEADER',
  0,
  { doc: 'Which extended capability, and where the next one is', ref: 'PCIe 4.0 §7.6.3', volatile: true },
  {
    ID: bits(15, 0, 'ro', 'Identifier'),
    VERSION: bits(19, 16, 'ro', 'Version'),
    NEXT: bits(31, 20, 'ro', 'Next; 0 ends the list'),
  },
);
/** Where extended capabilities begin. */
export const EXT_CAP_START = 0x100;

export const AF_CAP = reg(
  'AF_CAP',
  3,
  { width: 8, doc: 'Advanced features', ref: 'AF ECN', volatile: true },
  {
    TP: bit(0, 'ro', 'Says whether transactions are pending'),
    FLR: bit(1, 'ro', 'Function level reset'),
  },
);
export const AF_CTRL = reg(
  'AF_CTRL',
  4,
  { width: 8, doc: 'Advanced features control', ref: 'AF ECN' },
  { FLR: bit(0, 'sc', 'Reset this function') },
);
export const AF_STATUS = reg(
  'AF_STATUS',
  5,
  { width: 8, doc: 'Advanced features status', ref: 'AF ECN', volatile: true },
  { TP: bit(0, 'ro', 'Transactions are pending') },
);

/** Layout of an offset in an ECAM window. */
export const ECAM_OFFSET = reg(
  'ECAM_OFFSET',
  0,
  { doc: 'Offset in the enhanced configuration window', ref: 'PCIe 4.0 §7.2.2' },
  {
    REGISTER: bits(11, 0, 'rw', 'Byte of configuration space'),
    FUNCTION: bits(14, 12, 'rw', 'Function'),
    DEVICE: bits(19, 15, 'rw', 'Device'),
    BUS: bits(27, 20, 'rw', 'Bus'),
  },
);
