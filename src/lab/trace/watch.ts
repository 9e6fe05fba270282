/**
 * A model seen through: what the guest does to it and what it does to the guest, told to a watcher as it happens. The model
 * and its host notice nothing. Traces, captures and recordings are watchers.
 */
import type { DeviceBus, DmaFault, EmulatedFunction, ModelAlarm, ResetKind } from '../../emulators/index.js';
import type { Arena } from '../../platform/arena.js';
import type { Micros } from '../../platform/clock.js';
import type { Finding } from '../../platform/diagnostics.js';
import { WrappedBus, WrappedFunction } from '../wrap.js';

/** Told of everything. Values are int32. Calls must not throw and not touch the model. */
export interface FunctionWatcher {
  /** Before the first event: the bus that the model was given. */
  attached?(bus: DeviceBus): void;
  /** The model has taken the bus and set its hooks on its port. */
  ready?(): void;
  /** A read is about to reach the model; `read` follows. */
  reading?(bar: number, at: number, width: number): void;
  read?(bar: number, at: number, width: number, value: number): void;
  /** A write is about to reach the model. */
  write?(bar: number, at: number, width: number, value: number): void;
  /** The model is asked for a piece of configuration space, and what it said; undefined: as stored. */
  askingConfig?(at: number, width: number): void;
  askedConfig?(value: number | undefined): void;
  readConfig?(at: number, width: number, value: number): void;
  /** A write is about to reach the model, as are resets and power states. */
  writeConfig?(at: number, width: number, value: number): void;
  reset?(kind: ResetKind): void;
  powerState?(state: number): void;
  /** DMA of bytes; with a fault what lies in `arena` says nothing. */
  dma?(toGuest: boolean, address: number, arena: Arena, at: number, bytes: number, fault: DmaFault): void;
  /** DMA of one word of 16 or 32 bits. */
  dmaWord?(toGuest: boolean, address: number, width: number, value: number, fault: DmaFault): void;
  /** The model changed its INTx level, or sent a message. */
  level?(on: boolean): void;
  message?(vector: number): void;
  clearMessage?(vector: number): void;
  /** Alarm number `index` (in the order in which the model asked for them) is about to fire. */
  alarm?(index: number): void;
  report?(finding: Finding): void;
  pme?(): void;
  /** Chance, of the adversarial schedule. */
  delay?(value: Micros): void;
  slice?(value: number): void;
}

/** `fn` with a watcher. Several watchers: wrap several times. */
export function watchFunction(fn: EmulatedFunction, watcher: FunctionWatcher): EmulatedFunction {
  return new Watched(fn, watcher);
}

class Watched extends WrappedFunction {
  readonly #watcher: FunctionWatcher;

  constructor(fn: EmulatedFunction, watcher: FunctionWatcher) {
    super(fn);
    this.#watcher = watcher;
  }

  override attach(bus: DeviceBus): void {
    const watched = new WatchedBus(bus, this.#watcher);
    this.#watcher.attached?.(bus);
    this.fn.attach(watched);
    this.#watcher.ready?.();
  }

  override readBar(bar: number, at: number, width: number): number {
    this.#watcher.reading?.(bar, at, width);
    const value = this.fn.readBar(bar, at, width);
    this.#watcher.read?.(bar, at, width, value);
    return value;
  }

  override writeBar(bar: number, at: number, width: number, value: number): void {
    // Told before its consequences: what the model does because of it comes after it in every trace.
    this.#watcher.write?.(bar, at, width, value);
    this.fn.writeBar(bar, at, width, value);
  }

  override readConfig(at: number, width: number): number | undefined {
    if (this.fn.readConfig === undefined) return undefined;
    this.#watcher.askingConfig?.(at, width);
    const value = this.fn.readConfig(at, width);
    this.#watcher.askedConfig?.(value);
    return value;
  }

  override configRead(at: number, width: number, value: number): void {
    this.#watcher.readConfig?.(at, width, value);
    this.fn.configRead?.(at, width, value);
  }

  override writeConfig(at: number, width: number, value: number): void {
    this.#watcher.writeConfig?.(at, width, value);
    this.fn.writeConfig?.(at, width, value);
  }

  override reset(kind: ResetKind): void {
    this.#watcher.reset?.(kind);
    this.fn.reset(kind);
  }

  override powerState(state: number): void {
    this.#watcher.powerState?.(state);
    this.fn.powerState?.(state);
  }
}

class WatchedBus extends WrappedBus {
  readonly #watcher: FunctionWatcher;
  #alarms = 0;

  constructor(bus: DeviceBus, watcher: FunctionWatcher) {
    super(bus);
    this.#watcher = watcher;
  }

  override read(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const fault = this.bus.read(address, arena, at, bytes);
    this.#watcher.dma?.(false, address, arena, at, bytes, fault);
    return fault;
  }

  override write(address: number, arena: Arena, at: number, bytes: number): DmaFault {
    const fault = this.bus.write(address, arena, at, bytes);
    this.#watcher.dma?.(true, address, arena, at, bytes, fault);
    return fault;
  }

  override read32(address: number): number {
    const value = this.bus.read32(address);
    this.#watcher.dmaWord?.(false, address, 32, value, this.bus.fault);
    return value;
  }

  override write32(address: number, value: number): DmaFault {
    const fault = this.bus.write32(address, value);
    this.#watcher.dmaWord?.(true, address, 32, value, fault);
    return fault;
  }

  override read16(address: number): number {
    const value = this.bus.read16(address);
    this.#watcher.dmaWord?.(false, address, 16, value, this.bus.fault);
    return value;
  }

  override write16(address: number, value: number): DmaFault {
    const fault = this.bus.write16(address, value);
    this.#watcher.dmaWord?.(true, address, 16, value, fault);
    return fault;
  }

  override alarm(fire: () => void): ModelAlarm {
    const index = this.#alarms++;
    return this.bus.alarm(() => {
      this.#watcher.alarm?.(index);
      fire();
    });
  }

  override delay(most: Micros): Micros {
    const value = this.bus.delay(most);
    this.#watcher.delay?.(value);
    return value;
  }

  override slice(most: number): number {
    const value = this.bus.slice(most);
    this.#watcher.slice?.(value);
    return value;
  }

  override setLevel(on: boolean): void {
    this.#watcher.level?.(on);
    this.bus.setLevel(on);
  }

  override message(vector: number): void {
    this.#watcher.message?.(vector);
    this.bus.message(vector);
  }

  override clearMessage(vector: number): void {
    this.#watcher.clearMessage?.(vector);
    this.bus.clearMessage(vector);
  }

  override pme(): void {
    this.#watcher.pme?.();
    this.bus.pme();
  }

  override report(finding: Finding): void {
    this.#watcher.report?.(finding);
    this.bus.report(finding);
  }
}
