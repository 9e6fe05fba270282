/**
 * Our device models inside any virtual machine that speaks vfio-user (QEMU 10.1 or later).
 * @module
 */

export { RealTime } from '../native/real-time.js';
export { FunctionDevice, type HostOptions } from './device.js';
export { DmaTable } from './dma-table.js';
export { IrqTable } from './irqs.js';
export { type ServeOptions, serveVfioUser, type VfioUserServer } from './server.js';
export { ProtocolError, type VfioDevice, VfioUserSession } from './session.js';
