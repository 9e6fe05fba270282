/** PCI: configuration space headers, capabilities, and the ways to reach them. Source: PCI Local Bus 3.0, PCI Express Base 4.0. */
import { bit, bits, reg, word } from './define.js';

export * from './pci-capabilities.js';
export * from './pci-headers.js';

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
