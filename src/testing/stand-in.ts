/** Functions that are only a configuration space: for probe chains, which decide by it. */
import type { BarDeclaration, CapabilityDeclaration, ConfigDeclaration, EmulatedFunction } from '../emulators/index.js';

/** What a stand-in shows. Whatever is absent is 0 or empty. */
export interface StandIn {
  readonly vendor: number;
  readonly device: number;
  readonly revision?: number;
  /** Base class << 16 | sub-class << 8 | programming interface. Default 020000h, an Ethernet controller. */
  readonly classCode?: number;
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** INTA# to INTD# as 1 to 4. */
  readonly interruptPin?: number;
  readonly bars?: readonly BarDeclaration[];
  readonly capabilities?: readonly CapabilityDeclaration[];
  /** Power management; a driver that wakes a function needs it. */
  readonly pm?: ConfigDeclaration['pm'];
  /** 256, or 4096 for PCI Express. Default 256. */
  readonly configBytes?: 256 | 4096;
  /** What its registers read: each byte of an access, or the 32-bit word at an offset; default FFh, as where nobody answers. */
  readonly reads?: number | ((at: number) => number);
}

const EVERY_BYTE = 0x0101_0101;

/** A device model without behaviour: its registers read the same for ever and take no write. */
export function standIn(spec: StandIn): EmulatedFunction {
  const { reads = 0xff } = spec;
  const word = typeof reads === 'function' ? reads : () => (reads & 0xff) * EVERY_BYTE;
  const id = (n: number): string => n.toString(16).padStart(4, '0');
  return {
    name: `${id(spec.vendor)}:${id(spec.device)}`,
    config: {
      vendor: spec.vendor,
      device: spec.device,
      revision: spec.revision ?? 0,
      classCode: spec.classCode ?? 0x020000,
      subsystemVendor: spec.subsystemVendor ?? 0,
      subsystem: spec.subsystem ?? 0,
      interruptPin: spec.interruptPin ?? 0,
      bars: spec.bars ?? [],
      capabilities: spec.capabilities ?? [],
      ...(spec.pm ? { pm: spec.pm } : {}),
      configBytes: spec.configBytes ?? 256,
    },
    port: undefined,
    attach: () => {},
    readBar: (_bar, at, width) => (width === 32 ? word(at) | 0 : word(at) & (2 ** width - 1)),
    writeBar: () => {},
    reset: () => {},
  };
}
