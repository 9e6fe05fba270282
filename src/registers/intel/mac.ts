/** MAC and interrupt registers that 82540EM and 82574L have at the same place with the same meaning. */
import { bit, bits, reg, word } from '../define.js';

export const MDIC = reg(
  'MDIC',
  0x0020,
  { doc: 'PHY register access (MDI)', ref: '8254x §13.4.7, 82574 §10.2.2' },
  {
    DATA: bits(15, 0, 'rw', 'Data to write or as read'),
    REGADD: bits(20, 16, 'rw', 'PHY register'),
    PHYADD: bits(25, 21, 'rw', 'PHY address: 1'),
    OP: bits(27, 26, 'rw', 'Operation', { values: { 1: 'write', 2: 'read' } }),
    R: bit(28, 'rw', 'Ready: the operation has ended'),
    I: bit(29, 'rw', 'Interrupt when ready'),
    E: bit(30, 'rw', 'Error: no PHY answered'),
  },
);

export const FCAL = word('FCAL', 0x0028, 'rw', {
  doc: 'Flow control address, low: bytes 01 80 C2 00',
  ref: '8254x §13.4.8, 82574 §10.2.2',
  reset: 0x00c2_8001,
});
export const FCAH = word('FCAH', 0x002c, 'rw', {
  doc: 'Flow control address, high: bytes 00 01',
  ref: '8254x §13.4.9, 82574 §10.2.2',
  reset: 0x0000_0100,
  bits: 16,
});
export const FCT = word('FCT', 0x0030, 'rw', {
  doc: 'Flow control type: 8808',
  ref: '8254x §13.4.10, 82574 §10.2.2',
  reset: 0x0000_8808,
  bits: 16,
});
export const VET = word('VET', 0x0038, 'rw', {
  doc: 'VLAN Ethernet type: 8100',
  ref: '8254x §13.4.11, 82574 §10.2.2',
  reset: 0x0000_8100,
  bits: 16,
});
export const FCTTV = word('FCTTV', 0x0170, 'rw', {
  doc: 'Pause time of a sent XOFF, in slots of 512 bits',
  ref: '8254x §13.4.12, 82574 §10.2.2',
  bits: 16,
});

export const ITR = reg(
  'ITR',
  0x00c4,
  { doc: 'Interrupt throttling, INTx and MSI', ref: '8254x §13.4.18, 82574 §10.2.4' },
  {
    INTERVAL: bits(15, 0, 'rw', 'Least time between interrupts, in 256 ns; 0 is none'),
  },
);

/** I/O BAR: the offset of the register that IODATA reaches. */
export const IOADDR = word('IOADDR', 0x0, 'rw', {
  doc: 'Register that IODATA reaches',
  ref: '8254x §13.3.1, 82574 §10.1.1',
});
/** I/O BAR: the register at IOADDR. */
export const IODATA = word('IODATA', 0x4, 'rw', { doc: 'The register at IOADDR', ref: '8254x §13.3.2, 82574 §10.1.1' });
