/** What frame-level tests of drivers on QEMU's models share: bringing one up, and a loop around it. */
import { expect } from 'vitest';
import type { DriverOptions, InterruptMode, Nic, NicDriver } from '../../src/drivers/index.js';
import type { QemuHost } from '../../src/hosts/qemu/index.js';
import { enumerate, issuesText, type PciHost, type ProbeOutcome, score } from '../../src/pci/index.js';
import { emptyFrame, type Frame } from '../../src/platform/phy.js';
import * as f from './frames.js';

/** A device of QEMU's and its driver. */
export interface Model {
  readonly driver: NicDriver;
  readonly device: string;
  readonly modes: readonly InterruptMode[];
  /** Another way to look at QEMU's machine. */
  readonly see?: (host: QemuHost) => PciHost;
  readonly options?: DriverOptions;
}

/** Binds the driver to the one function that it knows. */
export async function bring(
  host: QemuHost,
  { driver, see, options }: Omit<Model, 'modes' | 'device'>,
  mode: InterruptMode,
): Promise<Nic> {
  const topology = enumerate(see?.(host) ?? host);
  expect(issuesText(topology.issues)).toBe('');
  for (const fn of topology.functions) {
    const id = driver.ids.find((row) => score(row, fn) > 0);
    if (!id) continue;
    const outcome: ProbeOutcome<Nic> = await host.run(
      driver.probe(fn, id, { interrupts: [mode], ...options }),
      'bring-up',
    );
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'declined') throw new Error(outcome.reason);
    return outcome.value;
  }
  throw new Error('nothing to drive');
}

/** A loop around a NIC: in interrupt modes it looks only when told to, or when the driver asked for a time. */
export class Loop {
  readonly frame: Frame;
  readonly inbox: Uint8Array[] = [];
  ready = true;
  rounds = 0;
  readonly host: QemuHost;
  readonly nic: Nic;

  constructor(host: QemuHost, nic: Nic) {
    this.host = host;
    this.nic = nic;
    this.frame = emptyFrame(host.memory.arena);
    nic.onReady = () => {
      this.ready = true;
    };
  }

  poll(): void {
    const now = this.host.scheduler.now;
    if (this.nic.interruptMode !== 'polled' && !this.ready && now < this.nic.nextStep) return;
    this.ready = false;
    this.rounds++;
    for (let i = 0; i < 64 && this.nic.receive(now, this.frame); i++) this.inbox.push(f.bytesOf(this.frame));
    this.nic.step(now);
    this.nic.flush(now);
  }

  send(write: (frame: Frame) => void): void {
    expect(this.nic.reserve(this.host.scheduler.now, this.frame, 1514)).toBe(true);
    write(this.frame);
    this.nic.commit(this.frame);
    this.nic.flush(this.host.scheduler.now);
  }

  async until(done: () => boolean, what: string): Promise<void> {
    await this.host.until(
      () => {
        this.poll();
        return done();
      },
      what,
      10_000,
    );
  }
}
