/** Names of vendors, devices and classes that turn up here. Our own short table; numbers stay when a name is unknown. */

const VENDORS: Readonly<Record<number, string>> = {
  4203: 'Apple Inc.',
  4098: 'Advanced Micro Devices, Inc. [AMD/ATI]',
  4130: 'Advanced Micro Devices, Inc. [AMD]',
  4318: 'NVIDIA Corporation',
  4332: 'Realtek Semiconductor Co., Ltd.',
  5348: 'Broadcom Inc. and subsidiaries',
  6900: 'Red Hat, Inc.',
  6966: 'Red Hat, Inc. [QEMU]',
  4660: 'QEMU',
  5549: 'VMware',
  32902: 'Intel Corporation',
};

/** Keyed by vendor << 16 | device, as text `vvvv:dddd`. */
const DEVICES: Readonly<Record<string, string>> = {
  '1af4:1000': 'Virtio network device',
  '1af4:1001': 'Virtio block device',
  '1af4:1005': 'Virtio RNG',
  '1af4:1041': 'Virtio 1.0 network device',
  '1af4:1042': 'Virtio 1.0 block device',
  '1af4:1044': 'Virtio 1.0 RNG',
  '1b36:0001': 'QEMU PCI-PCI bridge',
  '1b36:0002': 'QEMU PCI 16550A Adapter',
  '1b36:0005': 'QEMU PCI Test Device',
  '1b36:000b': 'QEMU PCIe Expander bridge',
  '1b36:000c': 'QEMU PCIe Root port',
  '1b36:000d': 'QEMU XHCI Host Controller',
  '1b36:000e': 'QEMU PCIe-to-PCI bridge',
  '1234:1111': 'QEMU virtual video controller',
  '1234:11e8': 'QEMU edu device',
  '8086:1000': '82542 Gigabit Ethernet Controller (Fiber)',
  '8086:1001': '82543GC Gigabit Ethernet Controller (Fiber)',
  '8086:1004': '82543GC Gigabit Ethernet Controller (Copper)',
  '8086:1008': '82544EI Gigabit Ethernet Controller (Copper)',
  '8086:100c': '82544GC Gigabit Ethernet Controller (Copper)',
  '8086:100d': '82544GC Gigabit Ethernet Controller (LOM)',
  '8086:100e': '82540EM Gigabit Ethernet Controller',
  '8086:100f': '82545EM Gigabit Ethernet Controller (Copper)',
  '8086:1010': '82546EB Gigabit Ethernet Controller (Copper)',
  '8086:1013': '82541EI Gigabit Ethernet Controller',
  '8086:1015': '82540EM Gigabit Ethernet Controller (LOM)',
  '8086:1016': '82540EP Gigabit Ethernet Controller (Mobile)',
  '8086:1017': '82540EP Gigabit Ethernet Controller',
  '8086:101e': '82540EP Gigabit Ethernet Controller (Mobile)',
  '8086:1026': '82545GM Gigabit Ethernet Controller',
  '8086:1076': '82541GI Gigabit Ethernet Controller',
  '8086:1079': '82546GB Gigabit Ethernet Controller',
  '8086:107c': '82541PI Gigabit Ethernet Controller',
  '8086:10d3': '82574L Gigabit Network Connection',
  '8086:15b7': 'Ethernet Connection (2) I219-LM',
  '8086:156f': 'Ethernet Connection I219-LM',
  '8086:1237': '440FX - 82441FX PMC [Natoma]',
  '8086:29c0': '82G33/G31/P35/P31 Express DRAM Controller',
  '8086:2918': '82801IB (ICH9) LPC Interface Controller',
  '8086:2922': '82801IR/IO/IH (ICH9R/DO/DH) 6 port SATA Controller [AHCI mode]',
  '8086:2930': '82801I (ICH9 Family) SMBus Controller',
  '8086:7000': '82371SB PIIX3 ISA [Natoma/Triton II]',
  '8086:7010': '82371SB PIIX3 IDE [Natoma/Triton II]',
  '8086:7113': '82371AB/EB/MB PIIX4 ACPI',
  '10ec:8029': 'RTL-8029(AS)',
  '10ec:8125': 'RTL8125 2.5GbE Controller',
  '10ec:8139': 'RTL-8100/8101L/8139 PCI Fast Ethernet Adapter',
  '10ec:8168': 'RTL8111/8168/8211/8411 PCI Express Gigabit Ethernet Controller',
  '14e4:167a': 'NetXtreme BCM5754 Gigabit Ethernet PCI Express',
  '1022:2000': '79c970 [PCnet32 LANCE]',
  '15ad:07b0': 'VMXNET3 Ethernet Controller',
};

const CLASSES: Readonly<Record<number, string>> = {
  0: 'Unclassified device',
  255: 'Unassigned class',
  257: 'IDE interface',
  262: 'SATA controller',
  256: 'SCSI storage controller',
  264: 'Non-Volatile memory controller',
  512: 'Ethernet controller',
  640: 'Network controller',
  768: 'VGA compatible controller',
  896: 'Display controller',
  1024: 'Multimedia video controller',
  1025: 'Multimedia audio controller',
  1027: 'Audio device',
  1280: 'RAM memory',
  1408: 'Memory controller',
  1536: 'Host bridge',
  1537: 'ISA bridge',
  1540: 'PCI bridge',
  1543: 'CardBus bridge',
  1664: 'Bridge',
  1792: 'Serial controller',
  1920: 'Communication controller',
  2048: 'PIC',
  2176: 'System peripheral',
  3075: 'USB controller',
  3077: 'SMBus',
};

const four = (value: number): string => (value & 0xffff).toString(16).padStart(4, '0');

/** `8086:100e`. */
export function idText(vendor: number, device: number): string {
  return `${four(vendor)}:${four(device)}`;
}

/** Name of a vendor, or `Vendor 1234`. */
export function vendorName(vendor: number): string {
  return VENDORS[vendor] ?? `Vendor ${four(vendor)}`;
}

/** Name of a device, or `Device 5678`. */
export function deviceName(vendor: number, device: number): string {
  return DEVICES[idText(vendor, device)] ?? `Device ${four(device)}`;
}

/** Name of a class code (24 bits), or `Class 0200`. */
export function className(classCode: number): string {
  const key = (classCode >> 8) & 0xffff;
  return CLASSES[key] ?? `Class ${four(key)}`;
}

/** `Ethernet controller: Intel Corporation 82540EM Gigabit Ethernet Controller`, as lspci prints it. */
export function describeFunction(fn: {
  readonly vendor: number;
  readonly device: number;
  readonly classCode: number;
}): string {
  return `${className(fn.classCode)}: ${vendorName(fn.vendor)} ${deviceName(fn.vendor, fn.device)}`;
}
