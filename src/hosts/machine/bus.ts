/** The bus tree of the in-process machine: what is plugged where, who answers a configuration cycle, who decodes an address. */
import type { BarDeclaration } from '../../emulators/function.js';
import type { PciShell } from '../../emulators/shell.js';
import { type Bdf, bdf } from '../../platform/config-access.js';
import { Bridge, type BridgeKind } from './bridge.js';

/** Something that sits on a bus. */
export type BusNode =
  | { readonly kind: 'function'; readonly shell: PciShell }
  | { readonly kind: 'bridge'; readonly bridge: Bridge; readonly below: PciBusSlots };

/** A decoded BAR. */
export interface Decoded {
  readonly base: number;
  readonly end: number;
  readonly shell: PciShell;
  readonly bar: BarDeclaration;
}

/** A bus with 32 devices of 8 functions. */
export class PciBusSlots {
  readonly nodes = new Map<number, BusNode>();
  /** The bridge above, and its place. */
  readonly parent: { readonly bus: PciBusSlots; readonly devfn: number; readonly bridge: Bridge } | undefined;

  constructor(parent?: { bus: PciBusSlots; devfn: number; bridge: Bridge }) {
    this.parent = parent;
  }

  /** Bus number as the guest programmed it; 0 for the root bus. */
  get number(): number {
    return this.parent ? this.parent.bridge.secondary : 0;
  }

  /** @throws RangeError when the place is taken or does not exist */
  claim(devfn: number, node: BusNode): void {
    if (devfn < 0 || devfn > 255)
      throw new RangeError(`a bus has devices 0 to 31 and functions 0 to 7, not ${devfn >> 3}.${devfn & 7}`);
    const there = this.nodes.get(devfn);
    // The place of a function that was taken away is free again.
    if (there !== undefined && !(there.kind === 'function' && there.shell.removed))
      throw new RangeError(`device ${devfn >> 3} function ${devfn & 7} is taken`);
    this.nodes.set(devfn, node);
  }

  /** Lowest device number that has no function. */
  freeDevice(from = 0): number {
    for (let device = from; device < 32; device++) if (!this.nodes.has(device << 3)) return device;
    throw new RangeError('the bus is full: 32 devices');
  }

  addBridge(kind: BridgeKind, devfn: number): PciBusSlots {
    const bridge = new Bridge(kind);
    const below = new PciBusSlots({ bus: this, devfn, bridge });
    this.claim(devfn, { kind: 'bridge', bridge, below });
    return below;
  }

  /** Who answers a configuration cycle for `address`. Root ports have one device below. */
  find(address: Bdf): BusNode | undefined {
    const bus = address >> 8;
    if (bus === this.number) return this.#here(address & 0xff);
    for (const node of this.nodes.values()) {
      if (node.kind !== 'bridge') continue;
      const { secondary, subordinate } = node.bridge;
      if (secondary === 0 || bus < secondary || bus > subordinate || secondary <= this.number) continue;
      return node.below.find(address);
    }
    return undefined;
  }

  /** Visits every node below, with its place as the guest numbered it. */
  visit(each: (node: BusNode, address: Bdf, bus: PciBusSlots) => void): void {
    for (const [devfn, node] of this.nodes) {
      each(node, bdf(this.number, devfn >> 3, devfn & 7), this);
      if (node.kind === 'bridge') node.below.visit(each);
    }
  }

  /** Does every bridge above pass the range down? */
  reaches(kind: 'io' | 'memory', address: number, bytes: number): boolean {
    return (
      !this.parent ||
      (this.parent.bridge.forwards(kind, address, bytes) && this.parent.bus.reaches(kind, address, bytes))
    );
  }

  /** Line 0 to 3 on the root bus for a pin 1 to 4 of a device here (Bridge 1.2 §9.1). */
  line(device: number, pin: number): number {
    const swizzled = (pin - 1 + device) & 3;
    return this.parent ? this.parent.bus.line(this.parent.devfn >> 3, swizzled + 1) : swizzled;
  }

  #here(devfn: number): BusNode | undefined {
    const node = this.nodes.get(devfn);
    if (node?.kind === 'function' && node.shell.removed) return undefined;
    return node;
  }
}
