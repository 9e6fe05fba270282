/**
 * The PCI layer: configuration space both ways, enumeration from nothing, functions as drivers get them, the probe chain.
 * Nothing in here knows a host or a device.
 * @packageDocumentation
 */
export { type Bar, type BarKind, ROM_INDEX, sizeText } from './bars.js';
export { type Capability, type ConfigReader, walkCapabilities } from './capabilities.js';
export {
  CONFIG_BYTES,
  ECAM_BUS_BYTES,
  EcamConfigAccess,
  EXTENDED_CONFIG_BYTES,
  PortConfigAccess,
} from './config-access.js';
export { type EnumerateOptions, enumerate, issuesText } from './enumerate.js';
export { PciFunction } from './function.js';
export type { AddressWindow, MappingKind, PciHost, PciResources } from './host.js';
export { className, describeFunction, deviceName, idText, vendorName } from './ids.js';
export type { EnabledInterrupts } from './interrupts.js';
export { type LspciFunction, type LspciOptions, lspci } from './lspci.js';
export * from './probe.js';
export { type Rescan, rescan } from './rescan.js';
export { type RootPin, rootPin } from './swizzle.js';
export {
  functionAt,
  type PciBus,
  type PciIssue,
  type PciIssueKind,
  type PciTopology,
  topologyText,
} from './topology.js';
