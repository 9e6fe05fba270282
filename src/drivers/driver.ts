/** The fourth seam: a NIC driver, and the NIC it makes of a function. */

import type { PciFunction } from '../pci/function.js';
import type { DriverId, ProbeOutcome } from '../pci/probe.js';
import type { Micros } from '../platform/clock.js';
import type { TypedEmitter } from '../platform/events.js';
import type { PhyDevice } from '../platform/phy.js';
import type { Task } from '../platform/task.js';

/** How a NIC tells that it has something. */
export type InterruptMode = 'polled' | 'intx' | 'msi' | 'msix';

/** Choices of whoever binds a driver. */
export interface DriverOptions {
  /** Interrupt modes to try, best first; default MSI-X, MSI, INTx, polled. */
  readonly interrupts?: readonly InterruptMode[];
  /** Descriptors of a receive ring and of a transmit ring; the driver rounds to what the chip takes. */
  readonly rxRing?: number;
  readonly txRing?: number;
  /** Receive rings among which the chip spreads flows by hash (RSS), as far as it has them. Default 1. */
  readonly rxQueues?: number;
  /** Use checksum offload, segmentation and VLAN offload when the chip has them. Default true each. */
  readonly checksum?: boolean;
  readonly segmentation?: boolean;
  readonly vlan?: boolean;
  /** Largest IP packet. Default 1500. */
  readonly mtu?: number;
  /** Longest time in microseconds that an interrupt may wait for more frames, 0 for none. Default: what the driver chooses. */
  readonly interruptDelay?: Micros;
  /** Energy efficient Ethernet, where chip and driver have it. Saves power; each burst then begins later. Default false. */
  readonly eee?: boolean;
}

/** For what a sleeping NIC wakes its machine: a magic packet to it, a link that comes, or any frame of a kind. */
export type WakeEvent = 'magic' | 'link' | 'unicast' | 'multicast' | 'broadcast';

/** State of the link. */
export interface LinkState {
  readonly up: boolean;
  /** Mbit/s; 0 when down or unknown. */
  readonly speed: number;
  readonly fullDuplex: boolean;
}

/** Events of a NIC. */
export type NicEvents = {
  link: (state: LinkState) => void;
  /** The driver reset a hung device and goes on. */
  recovered: (reason: string) => void;
  /** The device is lost; the NIC is closed. */
  failed: (error: Error) => void;
};

/** A bound NIC: frames in and out, and `step` for everything else. Nothing in here waits, and the packet path does not throw. */
export interface Nic extends PhyDevice {
  /** Chip name as on command lines, e.g. `82540em`. */
  readonly name: string;
  readonly driver: string;
  readonly interruptMode: InterruptMode;
  readonly link: LinkState;
  readonly events: TypedEmitter<NicEvents>;
  /** Called when the device has interrupted: there is something to receive, complete or notice. */
  onReady: (() => void) | undefined;
  /** Collects completions, takes notice of link changes, runs the watchdog. Returns how much it did. */
  step(now: Micros): number;
  /** When `step` wants to run next without an interrupt: the watchdog, a link poll; NEVER if not at all. */
  readonly nextStep: Micros;
  /** Which frames the chip lets through besides its own unicast and broadcast. */
  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void;
  /** Counters by name: the driver's and, where read, the chip's. */
  statistics(): Readonly<Record<string, number>>;
  /** What it can wake the machine for; absent when the driver cannot, empty when the function has no PME#. */
  readonly wakeEvents?: readonly WakeEvent[];
  /**
   * For what the next {@link Nic.close} leaves the chip awake: it then sleeps in D3hot and asserts PME# when that happens.
   * An empty list, as at first: for nothing.
   * @throws NicError `unsupported` for an event that is not among {@link Nic.wakeEvents}
   */
  setWake?(events: readonly WakeEvent[]): void;
  /** Stops DMA and interrupts, frees rings and buffers. */
  close(): Task<void>;
}

/** A driver. `probe` talks to the hardware only as far as it must to decide. */
export interface NicDriver {
  /** e.g. `e1000`. */
  readonly name: string;
  readonly ids: readonly DriverId[];
  /** Every reason for which it declines, word for word. */
  readonly declines: readonly string[];
  probe(fn: PciFunction, id: DriverId, options: DriverOptions): Task<ProbeOutcome<Nic>>;
}
