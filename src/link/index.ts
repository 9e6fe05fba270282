/**
 * The cable: ports, cables, switches, faults and captures, on which device models meet.
 * @packageDocumentation
 */
export * from './cable.js';
export * from './crc32.js';
export * from './faults.js';
export * from './pcapng.js';
export * from './port.js';
export * from './switch.js';
