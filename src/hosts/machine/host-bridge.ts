/** Device 0 of the root bus: the memory controller, which a PC always shows (Intel 82Q35, function 0). */
import type { ConfigDeclaration, EmulatedFunction } from '../../emulators/function.js';

const config: ConfigDeclaration = {
  vendor: 0x8086,
  device: 0x29c0,
  revision: 2,
  classCode: 0x060000,
  subsystemVendor: 0x8086,
  subsystem: 0x29c0,
  interruptPin: 0,
  bars: [],
  capabilities: [],
  configBytes: 256,
};

/** A host bridge without registers of its own. */
export function hostBridge(): EmulatedFunction {
  return {
    name: 'host bridge',
    config,
    port: undefined,
    attach: () => {},
    readBar: () => 0,
    writeBar: () => {},
    reset: () => {},
  };
}
