/** A model and its bus passed through unchanged: what wrappers of models are made of. */

import type {
  BarMap,
  ConfigDeclaration,
  DeviceBus,
  DmaFault,
  EmulatedFunction,
  FrameDescriptor,
  IndirectSpace,
  ModelAlarm,
  ResetKind,
  RingState,
  Schedule,
} from '../emulators/index.js';
import type { LinkPort } from '../link/index.js';
import type { Arena } from '../platform/arena.js';
import type { Micros } from '../platform/clock.js';
import type { Finding } from '../platform/diagnostics.js';

/** Another function under the same name, with the same port. */
export class WrappedFunction implements EmulatedFunction {
  readonly name: string;
  readonly config: ConfigDeclaration;
  readonly port: LinkPort | undefined;
  readonly maps: readonly BarMap[] | undefined;
  readonly descriptor: FrameDescriptor | undefined;
  protected readonly fn: EmulatedFunction;

  constructor(fn: EmulatedFunction, config: ConfigDeclaration = fn.config) {
    this.fn = fn;
    this.name = fn.name;
    this.config = config;
    this.port = fn.port;
    this.maps = fn.maps;
    this.descriptor = fn.descriptor;
  }

  spaces(): readonly IndirectSpace[] {
    return this.fn.spaces?.() ?? [];
  }

  rings(): readonly RingState[] {
    return this.fn.rings?.() ?? [];
  }

  attach(bus: DeviceBus): void {
    this.fn.attach(bus);
  }

  readBar(bar: number, at: number, width: number): number {
    return this.fn.readBar(bar, at, width);
  }

  writeBar(bar: number, at: number, width: number, value: number): void {
    this.fn.writeBar(bar, at, width, value);
  }

  readConfig(at: number, width: number): number | undefined {
    return this.fn.readConfig?.(at, width);
  }

  configRead(at: number, width: number, value: number): void {
    this.fn.configRead?.(at, width, value);
  }

  writeConfig(at: number, width: number, value: number): void {
    this.fn.writeConfig?.(at, width, value);
  }

  reset(kind: ResetKind): void {
    this.fn.reset(kind);
  }

  powerState(state: number): void {
    this.fn.powerState?.(state);
  }
}

/** The bus that a wrapped model sees. */
export class WrappedBus implements DeviceBus {
  readonly arena: Arena;
  protected readonly bus: DeviceBus;

  constructor(bus: DeviceBus) {
    this.bus = bus;
    this.arena = bus.arena;
  }

  read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    return this.bus.read(address, arena, at, bytes);
  }

  write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    return this.bus.write(address, arena, at, bytes);
  }

  read32(address: number): number {
    return this.bus.read32(address);
  }

  write32(address: number, value: number): DmaFault {
    return this.bus.write32(address, value);
  }

  read16(address: number): number {
    return this.bus.read16(address);
  }

  write16(address: number, value: number): DmaFault {
    return this.bus.write16(address, value);
  }

  get fault(): DmaFault {
    return this.bus.fault;
  }

  allocBuffer(bytes: number): number {
    return this.bus.allocBuffer(bytes);
  }

  get now(): Micros {
    return this.bus.now;
  }

  alarm(fire: () => void): ModelAlarm {
    return this.bus.alarm(fire);
  }

  get schedule(): Schedule {
    return this.bus.schedule;
  }

  delay(most: Micros): Micros {
    return this.bus.delay(most);
  }

  slice(most: number): number {
    return this.bus.slice(most);
  }

  setLevel(on: boolean): void {
    this.bus.setLevel(on);
  }

  message(vector: number): void {
    this.bus.message(vector);
  }

  clearMessage(vector: number): void {
    this.bus.clearMessage(vector);
  }

  get msixEnabled(): boolean {
    return this.bus.msixEnabled;
  }

  pme(): void {
    this.bus.pme();
  }

  report(finding: Finding): void {
    this.bus.report(finding);
  }
}
