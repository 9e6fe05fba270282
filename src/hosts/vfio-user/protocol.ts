/**
 * The vfio-user protocol's numbers (QEMU, docs/interop/vfio-user.rst; VFIO's own in the kernel's vfio documentation).
 * All fields are in host order, which is little-endian on every machine this host runs on.
 */

/** Commands. */
export const Command = {
  version: 1,
  dmaMap: 2,
  dmaUnmap: 3,
  getInfo: 4,
  getRegionInfo: 5,
  getRegionIoFds: 6,
  getIrqInfo: 7,
  setIrqs: 8,
  regionRead: 9,
  regionWrite: 10,
  dmaRead: 11,
  dmaWrite: 12,
  reset: 13,
  regionWriteMulti: 15,
} as const;

/** Bytes of a message's header. */
export const HEADER_BYTES = 16;
/** Header flags: bits 0-3 are the type. */
export const HeaderFlag = { typeMask: 0xf, command: 0, reply: 1, noReply: 0x10, error: 0x20 } as const;

/** Most data bytes in one region access or DMA message, as announced. */
export const MAX_TRANSFER = 1 << 20;
/** Largest message accepted: a full transfer with its headers. */
export const MAX_MESSAGE = MAX_TRANSFER + 64;
/** Most DMA regions at one time, as announced. */
export const MAX_DMA_REGIONS = 65_535;
/** Descriptors in one message, as announced. */
export const MAX_MESSAGE_FDS = 8;
/** Writes in one REGION_WRITE_MULTI. */
export const MAX_MULTI_WRITES = 1024;

/** GET_INFO flags. */
export const DeviceFlag = { reset: 1, pci: 2 } as const;

/** Region indexes of a PCI device: 0 to 5 are the BARs. */
export const Region = { rom: 6, config: 7, vga: 8, count: 9 } as const;
/** GET_REGION_INFO flags. */
export const RegionFlag = { read: 1, write: 2 } as const;

/** Interrupt indexes of a PCI device. */
export const Irq = { intx: 0, msi: 1, msix: 2, error: 3, request: 4, count: 5 } as const;
/** GET_IRQ_INFO flags. */
export const IrqFlag = { eventfd: 1, maskable: 2, autoMasked: 4, noResize: 8 } as const;
/** SET_IRQS flags: what the data are, and what to do. */
export const IrqSet = {
  none: 1,
  bool: 2,
  eventfd: 4,
  mask: 8,
  unmask: 16,
  trigger: 32,
  dataMask: 7,
  actionMask: 56,
} as const;

/** DMA_MAP flags. */
export const DmaFlag = { read: 1, write: 2, unmapAll: 2 } as const;
