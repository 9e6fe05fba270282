/** QEMU's own device models as a machine for our drivers: registers over qtest, memory mapped, time real. */

import { EcamConfigAccess, PortConfigAccess } from '../../pci/config-access.js';
import type { MappingKind, PciHost, PciResources } from '../../pci/host.js';
import { Scheduler } from '../../platform/clock.js';
import type { ConfigAccess } from '../../platform/config-access.js';
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { spawn, type Task } from '../../platform/task.js';
import { GuestMemory } from './dma.js';
import { QemuInterrupts } from './interrupts.js';
import { type QemuOptions, type QemuProcess, startQemu } from './process.js';
import { ECAM_BASE, ECAM_BYTES, enableEcam, Q35_RESOURCES } from './q35.js';
import { QtestMmio, qtestPorts } from './qtest.js';

/** Options of {@link openQemu}. */
export interface QemuHostOptions extends QemuOptions {
  /** How configuration space is reached; default `ecam`. */
  readonly config?: 'ecam' | 'ports';
  /** Address space to hand out; default what q35 leaves to PCI. */
  readonly resources?: PciResources;
}

/** Idle rounds in {@link QemuHost.until} before it sleeps for a millisecond instead of a turn of the event loop. */
const BUSY_ROUNDS = 200;

/** A q35 with QEMU's devices. Everything but {@link QemuHost.until} is synchronous and blocks for a round trip. */
export class QemuHost implements PciHost {
  readonly process: QemuProcess;
  readonly config: ConfigAccess;
  readonly resources: PciResources;
  readonly lastBus = 255;
  readonly interrupts: QemuInterrupts;
  readonly scheduler: Scheduler;
  readonly memory: GuestMemory;

  constructor(process: QemuProcess, options: QemuHostOptions) {
    this.process = process;
    const ports = new PortConfigAccess(qtestPorts(process.qtest));
    if (options.config === 'ports') {
      this.config = ports;
    } else {
      enableEcam(ports);
      this.config = new EcamConfigAccess(new QtestMmio(process.qtest, ECAM_BASE, ECAM_BYTES, false));
    }
    this.resources = options.resources ?? Q35_RESOURCES;
    this.memory = new GuestMemory(process.ram);
    this.interrupts = new QemuInterrupts(process.qtest, this.config, this.memory);
    this.scheduler = new Scheduler({ now: () => performance.now() * 1000 });
  }

  map(address: number, bytes: number, kind: MappingKind): Mmio {
    if (kind === 'io' && address + bytes > 0x1_0000)
      throw new NicError('no-resource', `ports 0x${address.toString(16)} and up cannot be reached`);
    return new QtestMmio(this.process.qtest, address, bytes, kind === 'io');
  }

  dma(): GuestMemory {
    return this.memory;
  }

  /** Delivers interrupts and fires timers that are due. Returns how much it did. */
  step(): number {
    const calls = this.interrupts.deliver();
    return calls + this.scheduler.runDue();
  }

  /**
   * Steps, with turns of the event loop in between, until `done` holds.
   * @throws NicError `timeout` naming `what` after `withinMs`; `gone` when QEMU has ended
   */
  async until(done: () => boolean, what: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    let idle = 0;
    while (!done()) {
      const { failure } = this.process.qtest;
      if (failure !== undefined) throw new NicError('gone', failure);
      if (Date.now() > deadline) throw new NicError('timeout', `${what} did not happen within ${withinMs} ms`);
      idle = this.step() > 0 ? 0 : idle + 1;
      await new Promise<void>((resolve) => {
        if (idle > BUSY_ROUNDS) setTimeout(resolve, 1);
        else setImmediate(resolve);
      });
    }
  }

  /** Runs a task to its end. @throws what the task throws, or NicError `timeout` */
  async run<T>(task: Task<T>, what: string, withinMs = 30_000): Promise<T> {
    const result: { value?: T; error?: unknown; over: boolean } = { over: false };
    const running = spawn(
      this.scheduler,
      task,
      (value) => {
        result.value = value;
        result.over = true;
      },
      (error) => {
        result.error = error;
        result.over = true;
      },
    );
    try {
      await this.until(() => result.over, what, withinMs);
    } finally {
      running.stop();
    }
    if ('error' in result) throw result.error;
    return result.value as T;
  }

  /** Ends QEMU. */
  close(): Promise<void> {
    return this.process.stop();
  }
}

/** Starts QEMU and makes a host of it. */
export async function openQemu(options: QemuHostOptions): Promise<QemuHost> {
  return new QemuHost(await startQemu(options), options);
}
