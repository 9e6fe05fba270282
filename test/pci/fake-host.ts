/** A small PCI bus in memory for tests: bytes and write masks per function, bridges that forward by bus number. */

import type { PciHost, PciResources } from '../../src/pci/index.js';
import { arenaOver } from '../../src/platform/arena.js';
import { Scheduler } from '../../src/platform/clock.js';
import { type Bdf, bdf, type ConfigAccess } from '../../src/platform/config-access.js';
import type { DmaMemory } from '../../src/platform/dma.js';
import type { InterruptController, MessageTarget } from '../../src/platform/interrupts.js';
import type { Mmio } from '../../src/platform/mmio.js';
import { spawn, type Task } from '../../src/platform/task.js';
import * as pci from '../../src/registers/pci.js';

/** One function: its 256 or 4096 bytes, and which bits a write changes. */
export class FakeFunction {
  readonly bytes: Uint8Array;
  readonly writable: Uint8Array;
  readonly view: DataView;
  /** Buses reached through it, when it is a bridge: device number << 3 | function. */
  readonly below = new Map<number, FakeFunction>();
  onWrite: ((at: number, value: number) => void) | undefined;
  gone = false;

  constructor(vendor: number, device: number, classCode: number, bytes = 256) {
    this.bytes = new Uint8Array(bytes);
    this.writable = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
    this.view.setUint16(pci.VENDOR_ID.at, vendor, true);
    this.view.setUint16(pci.DEVICE_ID.at, device, true);
    this.view.setUint8(pci.PROG_IF.at, classCode);
    this.view.setUint8(pci.SUBCLASS.at, classCode >> 8);
    this.view.setUint8(pci.BASE_CLASS.at, classCode >> 16);
    this.allow(pci.COMMAND.at, 0xff, 0x07);
  }

  allow(at: number, ...mask: number[]): this {
    this.writable.set(mask, at);
    return this;
  }

  bar(index: number, bytes: number, kind: 'io' | 'memory32' | 'memory64' = 'memory32', prefetchable = false): this {
    const at = pci.BAR.at + index * 4;
    const flags = kind === 'io' ? 1 : (kind === 'memory64' ? 4 : 0) | (prefetchable ? 8 : 0);
    this.view.setUint32(at, flags, true);
    this.mask(at, bytes <= 0x1_0000_0000 ? 0x1_0000_0000 - bytes : 0);
    if (kind === 'memory64')
      this.mask(at + 4, bytes <= 0x1_0000_0000 ? 0xffff_ffff : (0x1_0000_0000 - bytes / 0x1_0000_0000) >>> 0);
    return this;
  }

  rom(bytes: number): this {
    this.mask(pci.ROM_BAR.at, ((0x1_0000_0000 - bytes) | 1) >>> 0);
    return this;
  }

  multi(): this {
    this.bytes[pci.HEADER_TYPE.at]! |= pci.HEADER_TYPE.MULTI;
    return this;
  }

  /** Chains capabilities: identifier, offset, bytes after the next pointer. */
  caps(...list: readonly [id: number, at: number, ...rest: number[]][]): this {
    this.bytes[pci.STATUS.at]! |= pci.STATUS.CAP_LIST;
    let pointer = pci.CAP_POINTER.at;
    for (const [id, at, ...rest] of list) {
      this.bytes[pointer] = at;
      this.bytes.set([id, 0, ...rest], at);
      pointer = at + 1;
    }
    return this;
  }

  mask(at: number, mask: number): void {
    for (let i = 0; i < 4; i++) this.writable[at + i] = (mask >>> (8 * i)) & 0xff;
  }

  write(at: number, width: number, value: number): void {
    for (let i = 0; i < width; i++) {
      const old = this.bytes[at + i]!;
      const can = this.writable[at + i]!;
      this.bytes[at + i] = (old & ~can) | ((value >>> (8 * i)) & can);
    }
    this.onWrite?.(at, value);
  }
}

/** A bridge with all windows, 64-bit prefetchable unless told otherwise. */
export function fakeBridge(options: { io?: boolean; wide?: boolean } = {}): FakeFunction {
  const bridge = new FakeFunction(0x1b36, 0x0001, 0x060400);
  bridge.bytes[pci.HEADER_TYPE.at] = 1;
  bridge.allow(pci.PRIMARY_BUS.at, 0xff, 0xff, 0xff, 0xff);
  if (options.io !== false) bridge.allow(pci.IO_BASE.at, 0xf0, 0xf0).allow(pci.IO_BASE_UPPER.at, 0, 0, 0, 0);
  bridge.allow(pci.MEMORY_BASE.at, 0xf0, 0xff, 0xf0, 0xff);
  if (options.wide !== false) {
    bridge.bytes[pci.PREFETCH_BASE.at] = 1;
    bridge.bytes[pci.PREFETCH_LIMIT.at] = 1;
    bridge.allow(pci.PREFETCH_BASE.at, 0xf0, 0xff, 0xf0, 0xff);
    bridge.mask(pci.PREFETCH_BASE_UPPER.at, 0xffff_ffff);
    bridge.mask(pci.PREFETCH_LIMIT_UPPER.at, 0xffff_ffff);
  }
  bridge.allow(pci.BRIDGE_CONTROL.at, 0xff, 0);
  return bridge;
}

/** Where a function sits on its bus. */
export function slot(device: number, fn = 0): number {
  return (device << 3) | fn;
}

/** The bus; counts accesses so that a test can bound them. */
export class FakeConfig implements ConfigAccess {
  readonly configBytes: number;
  readonly root = new Map<number, FakeFunction>();
  accesses = 0;

  constructor(configBytes = 256) {
    this.configBytes = configBytes;
  }

  find(address: Bdf): FakeFunction | undefined {
    this.accesses++;
    let bus = this.root;
    let from = 0;
    const wanted = address >> 8;
    for (let depth = 0; depth < 256 && wanted !== from; depth++) {
      let next: FakeFunction | undefined;
      for (const fn of bus.values()) {
        if ((fn.bytes[pci.HEADER_TYPE.at]! & 0x7f) !== 1) continue;
        const secondary = fn.bytes[pci.SECONDARY_BUS.at]!;
        if (secondary > 0 && wanted >= secondary && wanted <= fn.bytes[pci.SUBORDINATE_BUS.at]!) next = fn;
      }
      if (!next) return undefined;
      bus = next.below;
      from = next.bytes[pci.SECONDARY_BUS.at]!;
    }
    const fn = bus.get(address & 0xff);
    return fn?.gone ? undefined : fn;
  }

  read8(address: Bdf, at: number): number {
    return this.find(address)?.bytes[at] ?? 0xff;
  }

  read16(address: Bdf, at: number): number {
    const fn = this.find(address);
    return fn && at + 2 <= fn.bytes.length ? fn.view.getUint16(at, true) : 0xffff;
  }

  read32(address: Bdf, at: number): number {
    const fn = this.find(address);
    return fn && at + 4 <= fn.bytes.length ? fn.view.getInt32(at, true) : -1;
  }

  write8(address: Bdf, at: number, value: number): void {
    this.find(address)?.write(at, 1, value);
  }

  write16(address: Bdf, at: number, value: number): void {
    this.find(address)?.write(at, 2, value);
  }

  write32(address: Bdf, at: number, value: number): void {
    this.find(address)?.write(at, 4, value);
  }
}

/** Memory behind a BAR. */
export class FakeMmio implements Mmio {
  readonly bytes: number;
  readonly view: DataView;

  constructor(bytes: number) {
    this.bytes = bytes;
    this.view = new DataView(new ArrayBuffer(bytes));
  }

  read8(at: number): number {
    return this.view.getUint8(at);
  }
  read16(at: number): number {
    return this.view.getUint16(at, true);
  }
  read32(at: number): number {
    return this.view.getInt32(at, true);
  }
  write8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }
  write16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }
  write32(at: number, value: number): void {
    this.view.setInt32(at, value, true);
  }
}

/** A host for {@link FakeConfig}. */
export class FakeHost implements PciHost {
  readonly config: ConfigAccess;
  readonly resources: PciResources;
  readonly lastBus: number;
  readonly scheduler = new Scheduler();
  readonly mapped = new Map<number, FakeMmio>();
  readonly handlers = new Map<number, () => void>();
  pins: { address: Bdf; pin: number; handler: () => boolean }[] = [];
  vectors = 8;
  messageAddress = 0xfee0_0000;

  constructor(config: ConfigAccess, resources: Partial<PciResources> = {}, lastBus = 255) {
    this.config = config;
    this.lastBus = lastBus;
    this.resources = {
      memory32: { base: 0xc000_0000, bytes: 0x1000_0000 },
      memory64: { base: 2 ** 36, bytes: 2 ** 36 },
      io: { base: 0x1000, bytes: 0xf000 },
      ...resources,
    };
  }

  readonly interrupts: InterruptController = {
    messages: true,
    allocateMessage: (handler): MessageTarget | undefined => {
      if (this.vectors === 0) return undefined;
      const data = 0x40 + this.vectors--;
      this.handlers.set(data, handler);
      return {
        address: this.messageAddress,
        data,
        release: () => {
          this.handlers.delete(data);
          this.vectors++;
        },
      };
    },
    attachPin: (address, pin, handler) => {
      const entry = { address, pin, handler };
      this.pins.push(entry);
      return () => {
        this.pins = this.pins.filter((other) => other !== entry);
      };
    },
  };

  map(address: number, bytes: number): FakeMmio {
    let mmio = this.mapped.get(address);
    if (!mmio) this.mapped.set(address, (mmio = new FakeMmio(bytes)));
    return mmio;
  }

  dma(): DmaMemory {
    const arena = arenaOver(new ArrayBuffer(0));
    return {
      alloc: (bytes) => ({ address: 0, arena, offset: 0, bytes }),
      free: () => {},
      publish: () => {},
      syncForCpu: () => {},
    };
  }

  /** Runs a task to its end on the virtual clock. */
  run<T>(task: Task<T>): T {
    let value: T | undefined;
    let error: unknown;
    let over = false;
    spawn(
      this.scheduler,
      task,
      (result) => {
        value = result;
        over = true;
      },
      (reason) => {
        error = reason;
        over = true;
      },
    );
    for (let i = 0; i < 100_000 && !over; i++) this.scheduler.advance();
    if (error !== undefined) throw error;
    if (!over) throw new Error('the task did not end');
    return value as T;
  }
}

/** An 82540EM-like function. */
export function fakeNic(): FakeFunction {
  return new FakeFunction(0x8086, 0x100e, 0x020000).bar(0, 0x2_0000).bar(2, 64, 'io');
}

export { bdf };
