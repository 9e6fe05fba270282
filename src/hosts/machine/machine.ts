/**
 * A PC in this process: RAM, a root complex with ECAM and CF8/CFC, bridges, an interrupt controller, an optional IOMMU.
 * Device models plug in; the PCI layer finds them as it would on real hardware.
 */
import type { EmulatedFunction, Schedule } from '../../emulators/function.js';
import { PciShell, type ShellHost } from '../../emulators/shell.js';
import { EcamConfigAccess } from '../../pci/config-access.js';
import type { PciHost } from '../../pci/host.js';
import { OwnedArena } from '../../platform/arena.js';
import { Scheduler, type Timer } from '../../platform/clock.js';
import { type Bdf, bdf, bdfText, type ConfigAccess, type PortIo } from '../../platform/config-access.js';
import { Diagnostics, type Finding } from '../../platform/diagnostics.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { Random } from '../../platform/random.js';
import { pci, pick } from '../../registers/index.js';
import type { BridgeKind } from './bridge.js';
import { type BusNode, type Decoded, PciBusSlots } from './bus.js';
import { hostBridge } from './host-bridge.js';
import { MachineInterrupts } from './interrupts.js';
import { MachineDma, MachineMemory, type Ram, RamAllocator } from './memory.js';
import { type Decoder, MachineMmio } from './mmio.js';
import { MachinePorts } from './ports.js';

/** How a machine is built. */
export interface MachineOptions {
  /** Owns time; several machines of one world share it. Default: a virtual clock of its own. */
  readonly scheduler?: Scheduler;
  /** Memory that RAM and packet buffers come from; several machines may share it. */
  readonly arena?: OwnedArena;
  /** RAM for drivers, bytes. Default 64 MiB. */
  readonly ramBytes?: number;
  /** Bus address of RAM. Default 256 MiB; above 4 GiB, drivers that drop the upper half of an address are found out. */
  readonly ramBase?: number;
  readonly schedule?: Schedule;
  readonly seed?: number | string;
  /** DMA reaches only what was allocated for the function. Default true. */
  readonly iommu?: boolean;
  /** Poison freed and posted memory, watch sent buffers. Default false. */
  readonly strict?: boolean;
  readonly diagnostics?: Diagnostics;
  /** For diagnostics when several machines share a list. */
  readonly name?: string;
  /** Address space for enumeration, if not the usual one. */
  readonly resources?: PciHost['resources'];
}

const ECAM_BASE = 0xb000_0000;
const ECAM_BYTES = 0x1000_0000;
const RESOURCES: PciHost['resources'] = {
  memory32: { base: 0xc000_0000, bytes: 0x3000_0000 },
  memory64: { base: 0x80_0000_0000, bytes: 0x40_0000_0000 },
  io: { base: 0x2000, bytes: 0xe000 },
};
/** Bus latency of a posted write under the adversarial schedule, at most. */
const POSTED_FOR = 50;

/** A bus that devices can be plugged into. */
export interface PluggableBus {
  /** Plugs a model in. @param place device and function; default the next free device, function 0 */
  add(fn: EmulatedFunction, place?: { device?: number; function?: number }): PciShell;
  /** Adds a bridge and returns the bus below it. */
  addBridge(kind?: BridgeKind, place?: { device?: number; function?: number }): PluggableBus;
}

interface Posted {
  readonly shell: PciShell;
  readonly bar: number;
  readonly at: number;
  readonly width: number;
  readonly value: number;
}

/** The machine. It is the {@link PciHost} that enumeration runs on. */
export class Machine implements PciHost, Decoder {
  readonly scheduler: Scheduler;
  readonly arena: OwnedArena;
  readonly diagnostics: Diagnostics;
  readonly schedule: Schedule;
  readonly config: ConfigAccess;
  /** Port I/O: CF8/CFC and the I/O BARs. */
  readonly ports: PortIo;
  readonly interrupts: MachineInterrupts;
  readonly resources: PciHost['resources'];
  readonly lastBus = 255;
  readonly bus: PluggableBus;
  epoch = 0;
  readonly posting: boolean;
  readonly #root = new PciBusSlots();
  readonly #ram: Ram;
  readonly #allocator: RamAllocator;
  readonly #random: Random;
  readonly #strict: boolean;
  readonly #name: string;
  readonly #ids = new Map<PciShell, { id: number; bus: PciBusSlots; devfn: number }>();
  readonly #dmas = new Map<PciShell, MachineDma>();
  #decoded: { io: Decoded[]; memory: Decoded[] } | undefined;
  #posted: Posted[] = [];
  readonly #postTimer: Timer;
  #nextId = 1;
  /** PME# of some function. */
  onPme: ((address: Bdf) => void) | undefined;

  constructor(options: MachineOptions = {}) {
    this.scheduler = options.scheduler ?? new Scheduler();
    const ramBytes = options.ramBytes ?? 64 * 1024 * 1024;
    this.arena = options.arena ?? new OwnedArena(ramBytes + 32 * 1024 * 1024);
    this.diagnostics = options.diagnostics ?? new Diagnostics();
    this.schedule = options.schedule ?? 'fast';
    this.resources = options.resources ?? RESOURCES;
    this.#random = new Random(`machine ${options.seed ?? 0}`);
    this.#strict = options.strict ?? false;
    this.#name = options.name ? `${options.name} ` : '';
    this.posting = this.schedule === 'adversarial';
    this.#ram = {
      arena: this.arena,
      base: options.ramBase ?? 0x1000_0000,
      offset: this.arena.alloc(ramBytes, 4096),
      bytes: ramBytes,
    };
    this.#allocator = new RamAllocator(this.#ram, options.iommu ?? true);
    this.#postTimer = this.scheduler.timer(() => this.#flushAll());
    this.interrupts = new MachineInterrupts(
      this.scheduler,
      (address, pin) => this.#route(address, pin),
      () => (this.posting ? this.#random.below(40) : 0),
    );
    this.interrupts.onIgnored = (line) =>
      this.diagnostics.report(`${this.#name}interrupt controller`, this.scheduler.now, {
        rule: 'interrupt-ignored',
        register: `line ${line}`,
        message: 'the line stayed asserted and no handler claimed it; it is masked',
        ref: 'PCI 3.0 §2.2.6',
      });
    this.ports = new MachinePorts(
      (address) => this.#configTarget(address),
      (port) => this.decode('io', port),
    );
    this.config = new EcamConfigAccess(this.#ecam());
    this.bus = this.#pluggable(this.#root);
    this.#root.claim(0, { kind: 'function', shell: this.#shell(hostBridge(), this.#root, 0) });
  }

  map(address: number, bytes: number, kind: 'memory' | 'prefetchable' | 'io'): Mmio {
    const space = kind === 'io' ? 'io' : 'memory';
    if (this.decode(space, address) === undefined && !(address >= 0)) {
      throw new NicError('no-resource', `nothing can be mapped at ${address}`);
    }
    return new MachineMmio(this, space, address, bytes);
  }

  dma(address: Bdf): MachineDma {
    const node = this.#root.find(address);
    const shell = node?.kind === 'function' ? node.shell : undefined;
    const known = shell ? this.#dmas.get(shell) : undefined;
    if (known) return known;
    const entry = shell ? this.#ids.get(shell) : undefined;
    if (!shell || !entry) throw new NicError('no-resource', `there is no function at ${bdfText(address)}`);
    const dma = new MachineDma(this.#allocator, entry.id, this.#strict, (finding) => this.#report(shell, finding));
    this.#dmas.set(shell, dma);
    return dma;
  }

  /** Surprise removal: the function is gone without warning. */
  remove(shell: PciShell): void {
    shell.remove();
    this.#changed();
  }

  /** Resets all functions and bridges, as the power button does. RAM keeps what is in it. */
  reset(): void {
    this.#root.visit((node) => {
      if (node.kind === 'function') node.shell.reset('power-on');
      else node.bridge.reset();
    });
    this.#posted = [];
    this.#changed();
  }

  /** The model at a place, as the guest numbered the buses. */
  functionAt(address: Bdf): EmulatedFunction | undefined {
    const node = this.#root.find(address);
    return node?.kind === 'function' ? node.shell.fn : undefined;
  }

  /** All models, in bus order. */
  functions(): readonly { readonly address: Bdf; readonly shell: PciShell }[] {
    const list: { address: Bdf; shell: PciShell }[] = [];
    this.#root.visit((node, address) => {
      if (node.kind === 'function') list.push({ address, shell: node.shell });
    });
    return list;
  }

  // --- Decoder.

  decode(kind: 'io' | 'memory', address: number): Decoded | undefined {
    this.#decoded ??= this.#decodeAll();
    return this.#decoded[kind].find((region) => address >= region.base && address < region.end);
  }

  post(shell: PciShell, bar: number, at: number, width: number, value: number): void {
    this.#posted.push({ shell, bar, at, width, value });
    if (!this.#postTimer.armed) this.#postTimer.arm(this.scheduler.now + this.#random.below(POSTED_FOR));
  }

  flushPosted(shell: PciShell): void {
    if (this.#posted.length === 0) return;
    const rest: Posted[] = [];
    const mine: Posted[] = [];
    for (const write of this.#posted) (write.shell === shell ? mine : rest).push(write);
    this.#posted = rest;
    for (const write of mine) shell.writeBar(write.bar, write.at, write.width, write.value);
  }

  #flushAll(): void {
    const all = this.#posted;
    this.#posted = [];
    for (const write of all) write.shell.writeBar(write.bar, write.at, write.width, write.value);
  }

  // --- Building.

  #pluggable(bus: PciBusSlots): PluggableBus {
    const place = (at: { device?: number; function?: number } | undefined): number =>
      ((at?.device ?? bus.freeDevice()) << 3) | (at?.function ?? 0);
    return {
      add: (fn, at) => {
        const devfn = place(at);
        const shell = this.#shell(fn, bus, devfn);
        bus.claim(devfn, { kind: 'function', shell });
        this.#markMultiFunction(bus, devfn);
        this.#changed();
        return shell;
      },
      addBridge: (kind = 'pci-bridge', at) => {
        const devfn = place(at);
        const below = bus.addBridge(kind, devfn);
        const node = bus.nodes.get(devfn);
        if (node?.kind === 'bridge') {
          node.bridge.onChange = () => this.#changed();
          node.bridge.onReset = () =>
            node.below.visit((inner) => (inner.kind === 'function' ? inner.shell.reset('bus') : inner.bridge.reset()));
        }
        this.#markMultiFunction(bus, devfn);
        return this.#pluggable(below);
      },
    };
  }

  /** Function 0 says in its header that there are others (PCI 3.0 §6.2.1). */
  #markMultiFunction(bus: PciBusSlots, devfn: number): void {
    if ((devfn & 7) === 0) return;
    const first = bus.nodes.get(devfn & ~7);
    if (first?.kind === 'function')
      first.shell.config.poke(pci.HEADER_TYPE.at, 8, first.shell.config.get(pci.HEADER_TYPE) | pci.HEADER_TYPE.MULTI);
    else if (first?.kind === 'bridge') first.bridge.regs.raise(pci.HEADER_TYPE, pci.HEADER_TYPE.MULTI);
  }

  #shell(fn: EmulatedFunction, bus: PciBusSlots, devfn: number): PciShell {
    const id = this.#nextId++;
    const random = this.#random.fork(`${fn.name} ${id}`);
    const adversarial = this.schedule === 'adversarial';
    let shell: PciShell | undefined;
    const scheduler = this.scheduler;
    const host: ShellHost = {
      memory: new MachineMemory(this.#ram, this.#allocator.owners, id),
      arena: this.arena,
      allocBuffer: (bytes) => this.arena.alloc(bytes),
      get now() {
        return scheduler.now;
      },
      alarm: (fire) => scheduler.timer(fire),
      schedule: this.schedule,
      delay: (most) => (adversarial ? random.below(most + 1) : 0),
      slice: (most) => (adversarial && most > 1 ? 1 + random.below(most) : most),
      setPin: (on) => this.interrupts.drive(bus.line(devfn >> 3, fn.config.interruptPin), id, on),
      message: (_vector, low, high, data) => {
        if (!this.interrupts.message(low, high, data) && shell) {
          this.#report(shell, {
            rule: 'message-vector',
            register: 'MSI',
            value: data,
            message: `a message to 0x${(low >>> 0).toString(16)} reached nobody`,
            ref: 'PCI 3.0 §6.8',
          });
        }
      },
      pme: () => this.onPme?.(bdf(bus.number, devfn >> 3, devfn & 7)),
      report: (finding) => {
        if (shell) this.#report(shell, finding);
      },
      decodingChanged: () => this.#changed(),
    };
    shell = new PciShell(fn, host);
    this.#ids.set(shell, { id, bus, devfn });
    return shell;
  }

  #report(shell: PciShell, finding: Finding): void {
    const place = this.#ids.get(shell);
    const where = place ? bdfText(bdf(place.bus.number, place.devfn >> 3, place.devfn & 7)) : '';
    this.diagnostics.report(`${this.#name}${shell.fn.name} ${where}`.trim(), this.scheduler.now, finding);
  }

  #changed(): void {
    this.epoch++;
    this.#decoded = undefined;
  }

  #decodeAll(): { io: Decoded[]; memory: Decoded[] } {
    const all = { io: [] as Decoded[], memory: [] as Decoded[] };
    this.#root.visit((node, _address, bus) => {
      if (node.kind !== 'function') return;
      for (const bar of node.shell.fn.config.bars) {
        const base = node.shell.barBase(bar.index);
        const kind = bar.kind === 'io' ? 'io' : 'memory';
        if (base === undefined || base === 0 || !bus.reaches(kind, base, bar.bytes)) continue;
        all[kind].push({ base, end: base + bar.bytes, shell: node.shell, bar });
      }
    });
    return all;
  }

  #route(address: Bdf, pin: number): number {
    const found = [...this.#ids.values()].find(({ bus, devfn }) => bdf(bus.number, devfn >> 3, devfn & 7) === address);
    return found ? found.bus.line((address >> 3) & 31, pin) : (pin - 1) & 3;
  }

  #configTarget(
    address: Bdf,
  ): { read(at: number, width: number): number; write(at: number, width: number, value: number): void } | undefined {
    const node: BusNode | undefined = this.#root.find(address);
    if (!node) return undefined;
    if (node.kind === 'bridge')
      return {
        read: (at, width) => node.bridge.readConfig(at, width),
        write: (at, width, value) => node.bridge.writeConfig(at, width, value),
      };
    const { shell } = node;
    return {
      read: (at, width) => {
        this.flushPosted(shell);
        return shell.readConfig(at, width);
      },
      write: (at, width, value) => {
        this.flushPosted(shell);
        shell.writeConfig(at, width, value);
      },
    };
  }

  /** The ECAM window as memory. */
  #ecam(): Mmio {
    const { ECAM_OFFSET } = pci;
    const target = (offset: number) =>
      this.#configTarget(
        bdf(pick(offset, ECAM_OFFSET.BUS), pick(offset, ECAM_OFFSET.DEVICE), pick(offset, ECAM_OFFSET.FUNCTION)),
      );
    const read = (offset: number, width: number): number =>
      target(offset)?.read(offset & 0xfff, width) ?? (width === 32 ? -1 : 2 ** width - 1);
    const write = (offset: number, width: number, value: number): void =>
      target(offset)?.write(offset & 0xfff, width, value);
    return {
      bytes: ECAM_BYTES,
      read8: (at) => read(at, 8),
      read16: (at) => read(at, 16),
      read32: (at) => read(at, 32),
      write8: (at, value) => write(at, 8, value),
      write16: (at, value) => write(at, 16, value),
      write32: (at, value) => write(at, 32, value),
    };
  }

  /** Where firmware would say the ECAM window is. */
  get ecamBase(): number {
    return ECAM_BASE;
  }
}
