/**
 * QEMU's device models as hardware for our drivers, through the qtest protocol. Needs Linux, QEMU and the package koffi.
 * @packageDocumentation
 */
export { GuestMemory } from './dma.js';
export { openQemu, QemuHost, type QemuHostOptions } from './host.js';
export { QemuInterrupts } from './interrupts.js';
export { libcMissing } from './libc.js';
export { findQemu, type QemuOptions, type QemuProcess, type QemuProgram, qemuMissing, startQemu } from './process.js';
export { type LineChange, QtestClient, QtestMmio, qtestPorts } from './qtest.js';
