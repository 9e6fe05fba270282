/** A bus for one unit of a chip: time by hand, memory, what was reported and signalled. */
import { type DeviceBus, DmaFault, type ModelAlarm, type Schedule } from '../../src/emulators/index.js';
import { type Arena, OwnedArena } from '../../src/platform/arena.js';
import { Scheduler } from '../../src/platform/clock.js';
import type { Finding } from '../../src/platform/diagnostics.js';

/** Guest memory begins here. */
export const MEMORY = 0x10_0000;
const MEMORY_BYTES = 0x1_0000;

export class UnitBus implements DeviceBus {
  readonly scheduler = new Scheduler();
  readonly arena = new OwnedArena(1 << 20);
  readonly memory = new Uint8Array(MEMORY_BYTES);
  readonly findings: Finding[] = [];
  readonly schedule: Schedule;
  readonly fault = DmaFault.none;
  readonly msixEnabled = false;
  pmes = 0;
  /** The interrupt pin. */
  level = false;
  /** Bus mastering. */
  master = true;
  /** Adversarial: how late each piece of work is, of what it may be. */
  lateness = 1;

  constructor(schedule: Schedule = 'fast') {
    this.schedule = schedule;
  }

  get now(): number {
    return this.scheduler.now;
  }

  get rules(): string[] {
    return this.findings.map((finding) => finding.rule);
  }

  /** Lets `time` microseconds pass. */
  wait(time: number): void {
    const end = this.scheduler.now + time;
    this.scheduler.at(end, () => {});
    while (this.scheduler.advance(end));
  }

  alarm(fire: () => void): ModelAlarm {
    return this.scheduler.timer(fire);
  }

  delay(most: number): number {
    return this.schedule === 'adversarial' ? Math.floor(most * this.lateness) : 0;
  }

  slice(most: number): number {
    return most;
  }

  allocBuffer(bytes: number): number {
    return this.arena.alloc(bytes);
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    if (!this.master) return DmaFault.masterOff;
    if (address < MEMORY || address + bytes > MEMORY + MEMORY_BYTES) return DmaFault.noMemory;
    this.memory.set(arena.u8.subarray(at, at + bytes), address - MEMORY);
    return DmaFault.none;
  }

  read(): DmaFault {
    return DmaFault.noMemory;
  }

  read32(): number {
    return 0;
  }

  read16(): number {
    return 0;
  }

  write32(): DmaFault {
    return DmaFault.noMemory;
  }

  write16(): DmaFault {
    return DmaFault.noMemory;
  }

  setLevel(on: boolean): void {
    this.level = on;
  }

  message(): void {}

  clearMessage(): void {}

  pme(): void {
    this.pmes++;
  }

  report(finding: Finding): void {
    this.findings.push(finding);
  }
}
