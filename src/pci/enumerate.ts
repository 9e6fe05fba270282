/**
 * Enumeration from nothing: numbers buses depth first, sizes every BAR, opens bridge windows and assigns addresses, as
 * firmware does. Bounded on any configuration space, also on a hostile one.
 */
import { bdf, bdfText } from '../platform/config-access.js';
import { pick } from '../registers/define.js';
import * as pci from '../registers/pci.js';
import { assign } from './assign.js';
import { PciFunction } from './function.js';
import type { PciHost } from './host.js';
import type { PciBus, PciIssue, PciTopology } from './topology.js';
import { isPort, SPACES, setWindow } from './windows.js';

const { BRIDGE_CONTROL, COMMAND, HEADER_TYPE, PRIMARY_BUS, SECONDARY_BUS, SUBORDINATE_BUS } = pci;
const { VENDOR_ID } = pci;
const DEVICES = 32;
const FUNCTIONS = 8;
const BRIDGE = 1;

/** Options of {@link enumerate}. */
export interface EnumerateOptions {
  /** Give up looking for more after this many functions. Default 4096. */
  readonly mostFunctions?: number;
  /** Only look: bus numbers, windows and addresses stay as firmware left them. Default false. */
  readonly keep?: boolean;
  /**
   * Bytes of memory kept free below each port for what is plugged in later ({@link rescan}), where the space allows.
   * Default 0; firmware for hot-plug uses 2 MiB.
   */
  readonly reserve?: number;
}

interface GrowingBus extends PciBus {
  readonly functions: PciFunction[];
  readonly children: GrowingBus[];
  last: number;
}

/** One run of enumeration. */
class Walk {
  readonly host: PciHost;
  readonly keep: boolean;
  readonly issues: PciIssue[] = [];
  readonly functions: PciFunction[] = [];
  /** Highest bus number given so far. */
  #highest = 0;
  readonly #most: number;
  readonly #seen = new Set<number>();
  #full = false;

  constructor(host: PciHost, options: EnumerateOptions) {
    this.host = host;
    this.keep = options.keep ?? false;
    this.#most = options.mostFunctions ?? 4096;
  }

  bus(number: number, bridge: PciFunction | undefined): GrowingBus {
    const bus: GrowingBus = { number, bridge, functions: [], children: [], last: number };
    this.#seen.add(number);
    const devices = bridge !== undefined && isPort(bridge) ? 1 : DEVICES;
    if (!this.keep) this.#silence(number, devices);
    for (let device = 0; device < devices && !this.#full; device++) this.#device(bus, device);
    return bus;
  }

  /** Bridges of this bus forward nothing until it is their turn: numbers left from before would answer twice. */
  #silence(number: number, devices: number): void {
    const { config } = this.host;
    for (let slot = 0; slot < devices * FUNCTIONS; slot++) {
      const address = bdf(number, Math.floor(slot / FUNCTIONS), slot % FUNCTIONS);
      if ((config.read16(address, VENDOR_ID.at) & 0xffff) === 0xffff) continue;
      if (pick(config.read8(address, HEADER_TYPE.at), HEADER_TYPE.LAYOUT) !== BRIDGE) continue;
      config.write8(address, SECONDARY_BUS.at, 0);
      config.write8(address, SUBORDINATE_BUS.at, 0);
    }
  }

  #device(bus: GrowingBus, device: number): void {
    const first = this.#function(bus, device, 0);
    // Functions 1 to 7 are looked at only when function 0 says so (PCI 3.0 §3.2.2.3.4).
    if (!first?.multiFunction) return;
    for (let fn = 1; fn < FUNCTIONS && !this.#full; fn++) this.#function(bus, device, fn);
  }

  #function(bus: GrowingBus, device: number, number: number): PciFunction | undefined {
    const address = bdf(bus.number, device, number);
    const vendor = this.host.config.read16(address, VENDOR_ID.at) & 0xffff;
    // 0000h and FFFFh are nobody's (PCI 3.0 §6.2.1); some bridges answer 0001h for a retried request.
    if (vendor === 0xffff || vendor === 0) return undefined;
    if (this.functions.length >= this.#most) {
      this.#full = true;
      this.issues.push({
        address,
        kind: 'too-many',
        message: `more than ${this.#most} functions; the rest is ignored`,
      });
      return undefined;
    }
    const fn = new PciFunction(this.host, address);
    this.functions.push(fn);
    bus.functions.push(fn);
    for (const message of fn.issues) this.issues.push({ address, kind: 'config', message });
    if (fn.layout > 2)
      this.issues.push({ address, kind: 'header', message: `header layout ${fn.layout} is unknown; left alone` });
    if (fn.layout === BRIDGE) this.#descend(bus, fn);
    return fn;
  }

  #descend(bus: GrowingBus, bridge: PciFunction): void {
    const child = this.keep ? this.#found(bus, bridge) : this.#number(bus, bridge);
    if (child === undefined) return;
    bus.children.push(child);
    bus.last = Math.max(bus.last, child.last);
  }

  /** Firmware's numbers, taken as they are. */
  #found(bus: GrowingBus, bridge: PciFunction): GrowingBus | undefined {
    const secondary = bridge.read8(SECONDARY_BUS.at);
    if (secondary === 0) return undefined;
    if (secondary <= bus.number || secondary > this.host.lastBus || this.#seen.has(secondary)) {
      this.issues.push({
        address: bridge.address,
        kind: 'bridge',
        message: `its lower bus has the impossible number ${secondary}`,
      });
      return undefined;
    }
    return this.bus(secondary, bridge);
  }

  #number(bus: GrowingBus, bridge: PciFunction): GrowingBus | undefined {
    const { address } = bridge;
    bridge.command(COMMAND.IO | COMMAND.MEMORY | COMMAND.MASTER, 0);
    for (const space of SPACES) setWindow(bridge, space, 0, 0);
    if (this.#highest >= this.host.lastBus) {
      const message = `no bus number is left (the last is ${this.host.lastBus}); what is below stays unseen`;
      this.issues.push({ address, kind: 'no-bus-numbers', message });
      return undefined;
    }
    const secondary = ++this.#highest;
    bridge.write8(PRIMARY_BUS.at, bus.number);
    bridge.write8(SECONDARY_BUS.at, secondary);
    bridge.write8(SUBORDINATE_BUS.at, this.host.lastBus);
    // A bus that is still held in reset shows nobody.
    const control = bridge.read16(BRIDGE_CONTROL.at);
    if ((control & BRIDGE_CONTROL.RESET) !== 0) bridge.write16(BRIDGE_CONTROL.at, control & ~BRIDGE_CONTROL.RESET);
    if (bridge.read8(SECONDARY_BUS.at) !== secondary) {
      this.issues.push({ address, kind: 'bridge', message: `it does not keep its bus number ${secondary}` });
      return undefined;
    }
    const child = this.bus(secondary, bridge);
    child.last = Math.max(child.last, this.#highest);
    if (bridge.read8(SECONDARY_BUS.at) !== secondary) {
      // What was found below was this bridge itself, or something that rewires it: keep the numbers, forward nothing.
      this.issues.push({
        address,
        kind: 'bridge',
        message: `its bus number changed while bus ${secondary} was looked at`,
      });
      bridge.write8(SECONDARY_BUS.at, secondary);
    }
    bridge.write8(SUBORDINATE_BUS.at, child.last);
    return child;
  }
}

/**
 * Numbers, sizes and assigns everything below bus 0 and returns the tree. Functions whose BARs found no room are in the
 * tree without addresses, and in `issues` with what was asked and what was left. Never throws, whatever the hardware
 * answers; at most 256 buses and `mostFunctions` functions are looked at.
 */
export function enumerate(host: PciHost, options: EnumerateOptions = {}): PciTopology {
  const walk = new Walk(host, options);
  const root = walk.bus(0, undefined);
  if (!walk.keep) assign(host, root, walk.issues, options.reserve ?? 0);
  return { root, functions: walk.functions, issues: walk.issues };
}

/** One line for each issue. */
export function issuesText(issues: readonly PciIssue[]): string {
  return issues.map((issue) => `${bdfText(issue.address)}: ${issue.message} [${issue.kind}]`).join('\n');
}
