/**
 * A bound NIC of Intel's gigabit family: bring-up as tasks, the packet path in `rx` and `tx`, everything rare in `step`.
 * What the chips do differently (reset, NVM, interrupts, the receive format) is in the classes made of this one.
 */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { TypedEmitter } from '../../platform/events.js';
import type { Mmio } from '../../platform/mmio.js';
import type { Frame, PhyCapabilities } from '../../platform/phy.js';
import type { Task } from '../../platform/task.js';
import { put } from '../../registers/define.js';
import { Background, HangWatch, NicStatus } from '../base.js';
import type { DriverOptions, InterruptMode, LinkState, Nic, NicEvents } from '../driver.js';
import { DEFAULT_INTERRUPTS } from '../interrupts.js';
import { DmaSet, ringSize } from '../ring.js';
import * as hw from './hw.js';
import { identifyPhy, powerDownPhy, readPause, startNegotiation } from './phy.js';
import { IntelReceiver, type RxFilter } from './receiver.js';
import type { RxParts } from './rx.js';
import { IntelTx, MAX_SEGMENT_BYTES, type TxParts } from './tx.js';

const ALL_ONES = -1;
const RINGS = { least: 32, most: 4096, usual: 256 } as const;
const USUAL_MTU = 1500;
const LEAST_MTU = 68;
/** In units of 256 ns: at most 20000 interrupts a second. */
const THROTTLE = 195;
const HANG_US: Micros = 2_000_000;
const LINK_POLL_US: Micros = 250_000;
const WATCHDOG_US: Micros = 2_000_000;
/** Chip counters stop at their maximum: they are read at least so often. */
const STATISTICS_US: Micros = 60_000_000;

/** What a chip is, for the parts that all of them share. */
export interface IntelParts extends RxParts, TxParts {
  /** Name of its driver. */
  readonly driver: string;
  /** Largest IP packet. */
  readonly largestMtu: number;
  /** Bus addresses that it can master are below this. */
  readonly dmaBelow: number;
  /** Interrupt causes to hear of, in ICR's bits. */
  readonly causes: number;
  /** Of those, what to raise by ICS every two seconds, in case an interrupt got lost. */
  readonly missed: number;
  /** Bit of ICR without which an interrupt is another device's; 0: any cause will do. */
  readonly asserted: number;
}

/** A bound NIC of the family. */
export abstract class IntelNic implements Nic {
  readonly name: string;
  readonly driver: string;
  readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  onReady: (() => void) | undefined;
  protected readonly fn: PciFunction;
  protected readonly io: Mmio;
  protected parts: IntelParts;
  /** Receive rings in use. */
  protected readonly rxQueues: number;
  readonly #set: DmaSet;
  readonly #rx: IntelReceiver;
  readonly #tx: IntelTx;
  readonly #status = new NicStatus();
  readonly #chip: hw.ChipStatistics;
  readonly #vlan: boolean;
  #mode: InterruptMode = 'polled';
  #filter: RxFilter = { promiscuous: false, allMulticast: false };
  #multicast: readonly Uint8Array[] = [];
  /** Causes seen by a handler and not yet by `step`. */
  #causes = 0;
  #armed = false;
  #nextLook: Micros = 0;
  #nextStatistics: Micros = 0;
  readonly #hang = new HangWatch(HANG_US);
  readonly #background: Background;
  #counts = { interrupts: 0, resets: 0, linkChanges: 0 };

  /** Takes memory and nothing else. @throws NicError `no-resource` */
  protected constructor(
    fn: PciFunction,
    id: DriverId,
    mac: Uint8Array,
    io: Mmio,
    parts: IntelParts,
    options: DriverOptions,
  ) {
    this.fn = fn;
    this.io = io;
    this.parts = parts;
    this.name = id.name;
    this.driver = parts.driver;
    this.mac = mac;
    this.#chip = new hw.ChipStatistics(parts.chip);
    this.#background = new Background(fn.host.scheduler, (error) => this.#lost(error));
    const mtu = Math.max(LEAST_MTU, Math.min(parts.largestMtu, options.mtu ?? USUAL_MTU));
    const checksum = options.checksum ?? true;
    const segmentation = checksum && (options.segmentation ?? true);
    this.#vlan = options.vlan ?? true;
    this.capabilities = {
      mtu,
      maxSegmentBytes: segmentation ? MAX_SEGMENT_BYTES : 0,
      tso6: segmentation,
      txChecksum: checksum,
      rxChecksum: checksum,
      vlan: this.#vlan,
    };
    this.#set = new DmaSet(fn.dma, parts.dmaBelow);
    try {
      const interrupts = (options.interrupts ?? DEFAULT_INTERRUPTS)[0] !== 'polled';
      const rxSize = ringSize(options.rxRing, RINGS.least, RINGS.most, RINGS.usual);
      const txSize = ringSize(options.txRing, RINGS.least, RINGS.most, RINGS.usual);
      this.rxQueues = Math.max(1, Math.min(parts.rxRegisters.length, Math.floor(options.rxQueues ?? 1)));
      this.#rx = new IntelReceiver(io, parts, this.#set, this.rxQueues, rxSize, mtu);
      this.#tx = new IntelTx(io, parts, this.#set, txSize, mtu, segmentation, interrupts);
    } catch (error) {
      this.#set.free();
      throw error;
    }
  }

  /** Masks interrupts, stops both units, resets the chip and waits until it has read its NVM. @throws NicError */
  protected abstract reset(): Task<void>;

  /** What the chip needs besides after a reset, before its rings run. */
  protected abstract setUpChip(): void;

  /** Enables the first mode that works; its handlers call {@link IntelNic.interrupt} or {@link IntelNic.message}. */
  protected abstract enableInterrupts(modes: readonly InterruptMode[]): InterruptMode;

  /** Bits of RXCSUM beside those for checksums. */
  protected rxChecksumBits(): number {
    return 0;
  }

  /** True while a management controller uses the PHY, which then stays awake. */
  protected abstract managed(): boolean;

  /** Runs accesses to the PHY; a chip that shares it with firmware asks for it first. */
  protected withPhy<T>(task: Task<T>): Task<T> {
    return task;
  }

  /** Brings the chip up after its reset. The NIC is quiet and holds no memory if that fails. @throws NicError */
  protected *bringUp(options: DriverOptions): Task<void> {
    try {
      yield* this.#start();
      this.#mode = this.enableInterrupts(options.interrupts ?? DEFAULT_INTERRUPTS);
      if (this.#mode !== 'polled') this.#arm();
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#status.running = true;
  }

  /** After a reset: registers, PHY, rings. Used again after a hang. */
  *#start(): Task<void> {
    const { io } = this;
    const { chip } = this.parts;
    hw.initMac(io, chip, this.mac, this.#vlan);
    this.setUpChip();
    this.#chip.clear(io);
    yield* this.withPhy(this.#negotiate());
    hw.setFlowControl(io, chip, false, false);
    hw.setReceiveChecksum(io, chip, this.capabilities.rxChecksum, this.rxChecksumBits());
    hw.writeMulticast(io, chip, this.#multicast);
    this.fn.enable({ memory: true, master: true });
    this.#tx.start();
    this.#rx.start(this.#filter);
    io.write32(chip.ITR.at, put(0, chip.ITR.INTERVAL, THROTTLE));
    this.#hang.reset();
    this.#nextLook = 0;
  }

  *#negotiate(): Task<void> {
    const { io } = this;
    const { chip } = this.parts;
    yield* startNegotiation(io, chip, yield* identifyPhy(io, chip), true);
  }

  #arm(): void {
    this.#armed = true;
    this.io.write32(this.parts.chip.IMS.at, this.parts.causes);
  }

  /** INTx or MSI, between accesses. ICR clears when it is read; nothing in it means that another device shares the line. */
  protected interrupt(): boolean {
    const { chip, asserted } = this.parts;
    const causes = this.io.read32(chip.ICR.at);
    if (causes === ALL_ONES) {
      this.#gone('ICR');
      return false;
    }
    if (causes === 0 || (asserted !== 0 && (causes & asserted) === 0)) return false;
    // Masked until `step` has looked: a burst of frames is one interrupt.
    this.io.write32(chip.IMC.at, ALL_ONES);
    this.message(causes);
    return true;
  }

  /** An interrupt because of `causes`, which the chip has masked. */
  protected message(causes: number): void {
    this.#counts.interrupts++;
    this.#armed = false;
    this.#causes |= causes;
    this.onReady?.();
  }

  get interruptMode(): InterruptMode {
    return this.#mode;
  }

  get link(): LinkState {
    return this.#status.link;
  }

  get linkUp(): boolean {
    return this.#status.link.up;
  }

  get events(): TypedEmitter<NicEvents> {
    return this.#status.events;
  }

  receive(_now: Micros, frame: Frame): boolean {
    if (!this.#status.running) return false;
    // A received frame comes with room for one reply.
    if (!this.#tx.ready && (this.#tx.reclaim() === 0 || !this.#tx.ready)) return false;
    return this.#rx.receive(frame);
  }

  reserve(_now: Micros, frame: Frame, bytes: number): boolean {
    if (!this.#status.running) return false;
    if (this.#tx.reserve(frame, bytes)) return true;
    return this.#tx.reclaim() > 0 && this.#tx.reserve(frame, bytes);
  }

  commit(frame: Frame): void {
    if (this.#status.running) this.#tx.commit(frame);
  }

  flush(_now: Micros): void {
    if (!this.#status.running) return;
    this.#tx.flush();
    this.#rx.tell();
  }

  step(now: Micros): number {
    if (!this.#status.running) return 0;
    let work = this.#tx.reclaim();
    if (this.#hang.hangs(now, work > 0, this.#tx.pending, this.#status.link.up)) this.#hung();
    const causes = this.#causes;
    this.#causes = 0;
    if ((causes & this.parts.chip.ICR.LSC) !== 0 || now >= this.#nextLook) work += this.#look(now);
    if (now >= this.#nextStatistics && this.#status.running) {
      this.#nextStatistics = now + STATISTICS_US;
      this.#chip.read(this.io);
    }
    if (!this.#armed && this.#mode !== 'polled' && this.#status.running) this.#arm();
    return work;
  }

  get nextStep(): Micros {
    if (!this.#status.running) return NEVER;
    return Math.min(this.#nextLook, this.#hang.deadline);
  }

  /** The link, and whether the device is still there. */
  #look(now: Micros): number {
    const { chip } = this.parts;
    const status = this.io.read32(chip.STATUS.at);
    if (status === ALL_ONES) {
      this.#gone('STATUS');
      return 1;
    }
    if (this.#armed) this.io.write32(chip.ICS.at, this.parts.missed);
    const link = hw.readLink(chip, status);
    const before = this.#status.link.up;
    this.#nextLook = now + (this.#mode === 'polled' || !link.up ? LINK_POLL_US : WATCHDOG_US);
    if (link.up === before && link.speed === this.#status.link.speed) return 0;
    this.#counts.linkChanges++;
    this.#status.setLink(link.up, link.speed, link.fullDuplex);
    if (link.up && !this.#background.running) this.#background.run(this.#settlePause(link.fullDuplex));
    return 1;
  }

  /** PAUSE as both ends settled it; PHY accesses take their time, so it is a task (802.3 annex 28B). */
  *#settlePause(fullDuplex: boolean): Task<void> {
    const { chip } = this.parts;
    const pause = yield* this.withPhy(readPause(this.io, chip));
    if (this.#status.running) hw.setFlowControl(this.io, chip, fullDuplex && pause.receive, fullDuplex && pause.send);
  }

  /** Pending descriptors that do not move for two seconds although there is a link; PAUSE excuses it. */
  #hung(): void {
    const { STATUS } = this.parts.chip;
    const status = this.io.read32(STATUS.at);
    if (status === ALL_ONES) this.#gone('STATUS');
    else if ((status & STATUS.TXOFF) === 0) this.#recover();
  }

  /** Resets and starts again. Frames that the chip had not sent are counted as lost, never as sent. */
  #recover(): void {
    this.#status.running = false;
    this.#status.setLink(false, 0, false);
    this.#counts.resets++;
    this.#background.run(this.#restart());
  }

  *#restart(): Task<void> {
    this.#chip.read(this.io);
    const kept = { ...this.#chip.totals };
    yield* this.reset();
    yield* this.#start();
    Object.assign(this.#chip.totals, kept);
    this.#armed = false;
    this.#status.running = true;
    this.#status.events.emit('recovered', 'the transmitter did not move for 2 s');
    this.onReady?.();
  }

  #gone(register: string): void {
    const place = { device: this.name, register, value: ALL_ONES };
    this.#lost(new NicError('gone', `${register} reads all ones: the device is gone`, place));
  }

  /** The end, without a register access: the device may not be there. */
  #lost(error: Error): void {
    if (this.#status.ended) return;
    this.#release();
    this.#status.fail(error);
  }

  #release(): void {
    this.#background.stop();
    this.#rx.stop();
    this.fn.disableInterrupts();
    // Without bus mastering nothing can write to memory that is given back.
    this.fn.disableMaster();
    this.#set.free();
  }

  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all';
    this.#filter = { promiscuous, allMulticast: all };
    this.#multicast = all ? [] : multicast.map((address) => address.slice());
    if (!this.#status.running) return;
    hw.writeMulticast(this.io, this.parts.chip, this.#multicast);
    this.#rx.setFilter(this.#filter);
  }

  statistics(): Readonly<Record<string, number>> {
    if (this.#status.running) this.#chip.read(this.io);
    return {
      ...this.#rx.statistics(),
      ...this.#tx.slots.statistics(),
      ...this.#counts,
      ...Object.fromEntries(Object.entries(this.#chip.totals).map(([name, value]) => [`chip.${name}`, value])),
    };
  }

  /** Stops DMA and interrupts; the PHY sleeps unless management uses it. */
  *close(): Task<void> {
    if (this.#status.ended) return;
    this.#background.stop();
    this.#status.end();
    try {
      yield* this.reset();
      if (!this.managed()) yield* this.withPhy(powerDownPhy(this.io, this.parts.chip));
    } finally {
      this.#release();
    }
  }
}
