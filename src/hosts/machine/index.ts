/**
 * A PC in this process: RAM, root complex, bridges, IOMMU and interrupt controller for device models.
 * @packageDocumentation
 */
export type { BridgeKind } from './bridge.js';
export { Machine, type MachineOptions, type PluggableBus } from './machine.js';
export { MachineDma, MachineMemory } from './memory.js';
