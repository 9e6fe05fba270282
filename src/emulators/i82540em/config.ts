/** 82540EM: identity, BARs and capabilities (8254x §4.1 and a dump of a real part: PM at DCh, PCI-X at E4h, MSI at F0h). */
import { pci } from '../../registers/index.js';
import type { ConfigDeclaration } from '../function.js';

/** Configuration space of revision 02. */
export const config: ConfigDeclaration = {
  vendor: 0x8086,
  device: 0x100e,
  revision: 2,
  classCode: 0x020000,
  subsystemVendor: 0x8086,
  subsystem: 0x001e,
  interruptPin: 1,
  minGrant: 0xff,
  status: pci.STATUS.MHZ66 | (1 << 9),
  bars: [
    { index: 0, kind: 'memory32', bytes: 0x20000, name: 'registers' },
    { index: 2, kind: 'io', bytes: 64, name: 'register window' },
  ],
  capabilities: [
    // PCI-X: command (data parity recovery, relaxed ordering, read size, split transactions) and status (64-bit, 133 MHz).
    { id: pci.CAP.PCIX, at: 0xe4, bytes: [0x02, 0x00, 0xf8, 0xff, 0x41, 0x00], writable: [0x7f, 0x00, 0, 0, 0, 0], clearable: [0, 0, 0, 0, 0x0c, 0x00] },
  ],
  pm: { at: 0xdc, capabilities: 0xc822, noSoftReset: false },
  msi: { at: 0xf0, vectors: 1, address64: true },
  configBytes: 256,
};
