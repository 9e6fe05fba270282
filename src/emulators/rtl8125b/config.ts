/** RTL8125B: its configuration space, revision 05. Source: lspci on a board with it (Rock 5 ITX), and PCI Express Base 4.0. */
import { pci, rtl8125b } from '../../registers/index.js';
import type { CapabilityDeclaration } from '../function.js';
import { configOf, latency, serialNumber, substates, virtualChannel } from '../realtek/config.js';

const { PCI_ID, MSIX_BAR } = rtl8125b;

/** Hints of where packets are processed: the table lies with the vectors of MSI-X, off after reset. */
const HINTS: CapabilityDeclaration = {
  id: pci.EXT_CAP.TPH,
  at: 0x178,
  version: 1,
  bytes: [0x05, 0x04, 0, 0, 0, 0, 0, 0],
  writable: [0, 0, 0, 0, 0x07, 0x03, 0, 0],
};

/** Realtek's own; its contents are not public. */
const OWN: CapabilityDeclaration = {
  id: pci.EXT_CAP.VSEC,
  at: 0x21c,
  version: 1,
  bytes: [0x02, 0x00, 0x41, 0x01, ...new Array<number>(12).fill(0)],
};

/** Configuration space. */
export const config = configOf({
  device: PCI_ID.device,
  revision: PCI_ID.revision,
  subsystemVendor: PCI_ID.vendor,
  subsystem: PCI_ID.device,
  bytes: rtl8125b.bar2Map.bytes,
  msix: MSIX_BAR,
  maskable: true,
  speed: 2,
  extended: [virtualChannel(0x148), serialNumber(0x168), HINTS, latency(0x204), substates(0x20c), OWN],
});
