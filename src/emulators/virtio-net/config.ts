/** virtio-net: identity, BARs and vendor capabilities (virtio 1.2 §4.1). */
import { pci, type RegisterFile, virtio } from '../../registers/index.js';
import type { BarMap, CapabilityDeclaration, ConfigDeclaration } from '../function.js';

/** Where the structures are in BAR 4. */
export const LAYOUT = {
  bar: 4,
  common: 0x0000,
  isr: 0x1000,
  device: 0x2000,
  notify: 0x3000,
  span: 0x1000,
  notifyMultiplier: 4,
} as const;
const TYPE = { common: 1, notify: 2, isr: 3, device: 4, pciCfg: 5 } as const;
/** Where the window onto the BAR is, whose fields the driver writes. */
export const PCI_CFG_AT = 0x84;

/** Registers by structure. */
export function mapsOf(common: RegisterFile, isr: RegisterFile, device: RegisterFile): readonly BarMap[] {
  return [
    { bar: LAYOUT.bar, at: LAYOUT.common, map: common.map, file: common },
    { bar: LAYOUT.bar, at: LAYOUT.isr, map: isr.map, file: isr },
    { bar: LAYOUT.bar, at: LAYOUT.device, map: device.map, file: device },
    { bar: LAYOUT.bar, at: LAYOUT.notify, map: virtio.notifyMap },
  ];
}

function dword(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}

function structure(
  at: number,
  type: number,
  offset: number,
  bytes: number,
  extra: readonly number[] = [],
): CapabilityDeclaration {
  return {
    id: pci.CAP.VENDOR,
    at,
    bytes: [16 + extra.length, type, LAYOUT.bar, 0, 0, 0, ...dword(offset), ...dword(bytes), ...extra],
  };
}

/** Configuration space of a modern device with `vectors` MSI-X vectors. */
export function configOf(vectors: number): ConfigDeclaration {
  const window = [20, TYPE.pciCfg, 0, 0, 0, 0, ...dword(0), ...dword(0), ...dword(0)];
  return {
    vendor: virtio.VIRTIO_VENDOR,
    device: virtio.VIRTIO_NET_MODERN,
    revision: 1,
    classCode: 0x020000,
    subsystemVendor: virtio.VIRTIO_VENDOR,
    subsystem: 0x1100,
    interruptPin: 1,
    bars: [
      { index: 1, kind: 'memory32', bytes: 0x1000, name: 'MSI-X' },
      { index: LAYOUT.bar, kind: 'memory64', prefetchable: true, bytes: 0x4000, name: 'virtio structures' },
    ],
    capabilities: [
      structure(0x40, TYPE.common, LAYOUT.common, LAYOUT.span),
      structure(0x50, TYPE.isr, LAYOUT.isr, LAYOUT.span),
      structure(0x60, TYPE.device, LAYOUT.device, LAYOUT.span),
      structure(0x70, TYPE.notify, LAYOUT.notify, LAYOUT.span, dword(LAYOUT.notifyMultiplier)),
      {
        id: pci.CAP.VENDOR,
        at: PCI_CFG_AT,
        bytes: window,
        writable: [0, 0, 0xff, 0, 0, 0, ...new Array<number>(8).fill(0xff), ...new Array<number>(4).fill(0xff)],
      },
    ],
    msix: { at: 0x98, vectors, bar: 1, tableAt: 0, pbaAt: 0x800 },
    configBytes: 256,
  };
}
