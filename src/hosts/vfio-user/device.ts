/**
 * A device model as a vfio-user device. The client owns BAR decoding and the MSI and MSI-X tables; what mode the guest
 * uses, bus mastering and function resets are learned by the shell from the configuration writes that it forwards.
 */
import { DmaFault, type EmulatedFunction, type Schedule } from '../../emulators/function.js';
import { type GuestMemory, PciShell, type ShellHost } from '../../emulators/shell.js';
import { OwnedArena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import type { Diagnostics } from '../../platform/diagnostics.js';
import { Random } from '../../platform/random.js';
import type { RealTime } from '../native/real-time.js';
import type { IrqTable } from './irqs.js';
import { Irq, Region } from './protocol.js';
import type { VfioDevice } from './session.js';

/** Where a model lives while it is served. */
export interface HostOptions {
  readonly time: RealTime;
  readonly diagnostics: Diagnostics;
  /** How findings name the device; default the model's name. */
  readonly label?: string;
  /** Default `fast`. */
  readonly schedule?: Schedule;
  /** Seed of the adversarial schedule. */
  readonly seed?: number | string;
  /** Memory for the model's packet buffers; default 4 MiB of its own. */
  readonly arena?: OwnedArena;
}

/** What a connection lends to the device. */
export interface Connection {
  readonly dma: GuestMemory;
  readonly irqs: IrqTable;
}

const NO_MEMORY = DmaFault.noMemory;

/** The model between connections: no memory, no interrupts. */
const NOWHERE: GuestMemory = {
  read: () => NO_MEMORY,
  write: () => NO_MEMORY,
  read32: () => 0,
  read16: () => 0,
  write32: () => NO_MEMORY,
  write16: () => NO_MEMORY,
  fault: NO_MEMORY,
};

/** Serves one {@link EmulatedFunction}; made once, lent to one connection after the other. */
export class FunctionDevice implements VfioDevice {
  readonly shell: PciShell;
  readonly irqCounts: readonly number[];
  readonly #fn: EmulatedFunction;
  #connection: Connection | undefined;

  constructor(fn: EmulatedFunction, options: HostOptions) {
    this.#fn = fn;
    const { config } = fn;
    this.irqCounts = [config.interruptPin === 0 ? 0 : 1, config.msi?.vectors ?? 0, config.msix?.vectors ?? 0, 1, 0];
    const arena = options.arena ?? new OwnedArena(4 << 20);
    const schedule = options.schedule ?? 'fast';
    const random = new Random(options.seed ?? 1);
    const label = options.label ?? fn.name;
    const { time } = options;
    const { scheduler } = time;
    const memory = (): GuestMemory => this.#connection?.dma ?? NOWHERE;
    const gate: GuestMemory = {
      read: (address, to, at, bytes) => memory().read(address, to, at, bytes),
      write: (address, from, at, bytes) => memory().write(address, from, at, bytes),
      read32: (address) => memory().read32(address),
      read16: (address) => memory().read16(address),
      write32: (address, value) => memory().write32(address, value),
      write16: (address, value) => memory().write16(address, value),
      get fault() {
        return memory().fault;
      },
    };
    const host: ShellHost = {
      memory: gate,
      arena,
      allocBuffer: (bytes) => arena.alloc(bytes),
      get now(): Micros {
        return scheduler.now;
      },
      alarm: (fire) => time.alarm(fire),
      schedule,
      delay: (most) => (schedule === 'adversarial' ? random.below(most + 1) : 0),
      slice: (most) => (schedule === 'adversarial' ? 1 + random.below(most) : most),
      setPin: (on) => {
        this.#connection?.irqs.setLevel(on);
        time.soon();
      },
      message: (vector) => {
        this.#connection?.irqs.message(this.shell.msixEnabled ? Irq.msix : Irq.msi, vector);
        time.soon();
      },
      pme: () => undefined,
      report: (finding) => options.diagnostics.report(label, scheduler.now, finding),
      decodingChanged: () => undefined,
    };
    this.shell = new PciShell(fn, host, { externalVectors: true });
    // Frames and timers raise interrupts outside any message.
    time.afterWork(() => this.deliver());
  }

  /** Lends a connection's memory and interrupts, or takes them back: the model is then as after power-on. */
  connect(connection: Connection | undefined): void {
    if (connection === undefined) this.shell.reset('power-on');
    this.#connection = connection;
  }

  /** Sends interrupts that were latched outside a message. */
  deliver(): void {
    this.#connection?.irqs.deliver();
  }

  regionBytes(region: number): number {
    const { config } = this.#fn;
    if (region === Region.config) return config.configBytes;
    return config.bars.find((bar) => bar.index === region)?.bytes ?? 0;
  }

  read(region: number, at: number, width: number): number {
    return region === Region.config ? this.shell.readConfig(at, width) : this.shell.readBar(region, at, width);
  }

  write(region: number, at: number, width: number, value: number): void {
    if (region === Region.config) this.shell.writeConfig(at, width, value);
    else this.shell.writeBar(region, at, width, value);
  }

  reset(): void {
    this.shell.reset('bus');
  }
}
