/**
 * What every bound NIC of ours does alike: the order of the packet path, link state and events, the way out of a hang, and the
 * end. How rings, registers and interrupts look is in the classes made of this one.
 */
import type { PciFunction } from '../pci/function.js';
import { type Micros, NEVER } from '../platform/clock.js';
import { NicError } from '../platform/errors.js';
import { createEmitter, type TypedEmitter } from '../platform/events.js';
import type { Frame, PhyCapabilities } from '../platform/phy.js';
import type { Task } from '../platform/task.js';
import type { InterruptMode, LinkState, Nic, NicEvents } from './driver.js';
import type { DmaSet } from './ring.js';
import type { TxSlots } from './tx-slots.js';
import { Background, HangWatch } from './watch.js';

const ALL_ONES = -1;
const DOWN: LinkState = { up: false, speed: 0, fullDuplex: false };

/** The receive side, as far as it is the same for all. */
export interface ReceiveSide {
  /** Fills `frame` with the next good frame. */
  receive(frame: Frame): boolean;
  /** Hands the buffers given back to the device. */
  tell(): void;
  /** What was counted. */
  statistics(): Readonly<Record<string, number>>;
}

/** The transmit side, as far as it is the same for all. */
export interface TransmitSide {
  readonly slots: TxSlots;
  /** True when a frame of at most the MTU can be reserved. */
  readonly ready: boolean;
  reserve(frame: Frame, bytes: number): boolean;
  commit(frame: Frame): void;
  /** Tells the device about everything committed. */
  flush(): void;
  /** Takes back what the device has sent. Returns the number of frames. */
  reclaim(): number;
}

/** Which frames the device lets through besides its own and broadcast. */
export interface ReceiveFilter {
  readonly promiscuous: boolean;
  readonly allMulticast: boolean;
  readonly multicast: readonly Uint8Array[];
}

/** Nothing besides its own and broadcast. */
export const NARROW: ReceiveFilter = { promiscuous: false, allMulticast: false, multicast: [] };

/** A bound NIC. */
export abstract class BoundNic implements Nic {
  readonly name: string;
  abstract readonly driver: string;
  abstract readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  readonly events: TypedEmitter<NicEvents> = createEmitter<NicEvents>();
  onReady: (() => void) | undefined;
  protected readonly fn: PciFunction;
  /** Memory of its rings and buffers. */
  protected set: DmaSet;
  protected abstract readonly rx: ReceiveSide;
  protected abstract readonly tx: TransmitSide;
  protected readonly background: Background;
  protected readonly hang: HangWatch;
  /** Frames move. */
  protected running = false;
  protected mode: InterruptMode = 'polled';
  /** Interrupts are on. */
  protected armed = false;
  protected filter: ReceiveFilter = NARROW;
  protected nextLook: Micros = 0;
  protected readonly counts = { interrupts: 0, resets: 0, linkChanges: 0 };
  #link: LinkState = DOWN;
  #ended = false;

  /** @param still how long the transmitter may have frames and not move */
  constructor(fn: PciFunction, name: string, mac: Uint8Array, set: DmaSet, still: Micros) {
    this.fn = fn;
    this.name = name;
    this.mac = mac;
    this.set = set;
    this.hang = new HangWatch(still);
    this.background = new Background(fn.host.scheduler, (error) => this.lost(error));
  }

  /** Resets the device and sets it up again. What it had not sent is counted as lost, never as sent. */
  protected abstract restart(): Task<void>;

  /** Stops the device for good. */
  protected abstract shutDown(): Task<void>;

  /** Makes the device follow {@link BoundNic.filter}. */
  protected abstract applyFilter(): void;

  /** What is counted beside frames, interrupts and resets. */
  protected abstract chipStatistics(): Readonly<Record<string, number>>;

  abstract step(now: Micros): number;

  get interruptMode(): InterruptMode {
    return this.mode;
  }

  get link(): LinkState {
    return this.#link;
  }

  get linkUp(): boolean {
    return this.#link.up;
  }

  /** Closed or lost. */
  protected get ended(): boolean {
    return this.#ended;
  }

  get nextStep(): Micros {
    return this.running ? Math.min(this.nextLook, this.hang.deadline) : NEVER;
  }

  receive(_now: Micros, frame: Frame): boolean {
    if (!this.running) return false;
    // A received frame comes with room for one reply.
    if (!this.tx.ready && !(this.makeRoom() && this.tx.ready)) return false;
    return this.rx.receive(frame);
  }

  reserve(_now: Micros, frame: Frame, bytes: number): boolean {
    if (!this.running) return false;
    return this.tx.reserve(frame, bytes) || (this.makeRoom() && this.tx.reserve(frame, bytes));
  }

  commit(frame: Frame): void {
    if (this.running) this.tx.commit(frame);
  }

  flush(_now: Micros): void {
    if (!this.running) return;
    this.tx.flush();
    this.rx.tell();
  }

  /** The transmit side is full: true when the device has sent something since. */
  protected makeRoom(): boolean {
    return this.tx.reclaim() > 0;
  }

  /** Takes notice of what the link is now. True when it is not what it was. */
  protected notice(now: LinkState): boolean {
    const before = this.#link;
    const link = now.up ? now : DOWN;
    if (link.up === before.up && link.speed === before.speed && link.fullDuplex === before.fullDuplex) return false;
    this.counts.linkChanges++;
    this.#setLink(link);
    return true;
  }

  #setLink(link: LinkState): void {
    if (this.#link === link) return;
    this.#link = link;
    this.events.emit('link', link);
  }

  /** Stops the packet path and starts again, beside it. */
  protected recover(reason: string): void {
    this.running = false;
    this.armed = false;
    this.#setLink(DOWN);
    this.counts.resets++;
    this.background.run(this.#recovery(reason));
  }

  *#recovery(reason: string): Task<void> {
    yield* this.restart();
    this.hang.reset();
    this.nextLook = 0;
    this.running = true;
    this.events.emit('recovered', reason);
    this.onReady?.();
  }

  /** A register reads all ones. */
  protected gone(register: string, value = ALL_ONES): void {
    const place = { device: this.name, register, value };
    this.lost(new NicError('gone', `${register} reads all ones: the device is gone`, place));
  }

  /** The end, without a register access: the device may not be there. One event, ever. */
  protected lost(error: Error): void {
    if (this.#ended) return;
    this.release();
    this.#end();
    this.events.emit('failed', error);
  }

  /** Nothing moves any more. */
  #end(): void {
    this.running = false;
    this.#ended = true;
    this.#setLink(DOWN);
  }

  /** Gives everything back. */
  protected release(): void {
    this.background.stop();
    this.fn.disableInterrupts();
    // Without bus mastering nothing can write to memory that is given back.
    this.fn.disableMaster();
    this.set.free();
  }

  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all';
    const list = all ? [] : multicast.map((address) => address.slice());
    this.filter = { promiscuous, allMulticast: all, multicast: list };
    if (this.running) this.applyFilter();
  }

  /** What both sides of the packet path counted. */
  protected frameStatistics(): Readonly<Record<string, number>> {
    return { ...this.rx.statistics(), ...this.tx.slots.statistics() };
  }

  statistics(): Readonly<Record<string, number>> {
    return { ...this.frameStatistics(), ...this.counts, ...this.chipStatistics() };
  }

  *close(): Task<void> {
    if (this.#ended) return;
    this.background.stop();
    this.#end();
    try {
      yield* this.shutDown();
    } finally {
      this.release();
    }
  }
}
