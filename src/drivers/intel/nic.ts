/**
 * A bound NIC of Intel's gigabit family: bring-up as tasks, the packet path in `rx` and `tx`, everything rare in `step`.
 * What the chips do differently (reset, NVM, interrupts, the receive format) is in the classes made of this one.
 */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import type { Micros } from '../../platform/clock.js';
import type { Mmio } from '../../platform/mmio.js';
import type { PhyCapabilities } from '../../platform/phy.js';
import type { Task } from '../../platform/task.js';
import { put } from '../../registers/define.js';
import { ChipNic, chipCapabilities } from '../chip.js';
import type { DriverOptions } from '../driver.js';
import { DEFAULT_INTERRUPTS } from '../interrupts.js';
import { DmaSet, mtuOf, ringSizes } from '../ring.js';
import * as hw from './hw.js';
import { identifyPhy, powerDownPhy, readPause, startNegotiation } from './phy.js';
import { IntelReceiver } from './receiver.js';
import type { RxParts } from './rx.js';
import { IntelTx, MAX_SEGMENT_BYTES, type TxParts } from './tx.js';

const ALL_ONES = -1;
const LEAST_RING = 32;
const LARGEST_RING = 4096;
/** In units of 256 ns: at most 20000 interrupts a second. */
const THROTTLE = 195;
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
export abstract class IntelNic extends ChipNic {
  readonly driver: string;
  readonly capabilities: PhyCapabilities;
  protected readonly io: Mmio;
  protected parts: IntelParts;
  /** Receive rings in use. */
  protected readonly rxQueues: number;
  protected readonly rx: IntelReceiver;
  protected readonly tx: IntelTx;
  protected readonly linkCause: number;
  readonly #chip: hw.ChipStatistics;
  #nextStatistics: Micros = 0;

  /** Takes memory and nothing else. @throws NicError `no-resource` */
  protected constructor(
    fn: PciFunction,
    id: DriverId,
    mac: Uint8Array,
    io: Mmio,
    parts: IntelParts,
    options: DriverOptions,
  ) {
    super(fn, id.name, mac, new DmaSet(fn.dma, parts.dmaBelow));
    this.io = io;
    this.parts = parts;
    this.driver = parts.driver;
    this.linkCause = parts.chip.ICR.LSC;
    this.#chip = new hw.ChipStatistics(parts.chip);
    const mtu = mtuOf(options, parts.largestMtu);
    this.capabilities = chipCapabilities(options, mtu, MAX_SEGMENT_BYTES, true);
    const interrupts = (options.interrupts ?? DEFAULT_INTERRUPTS)[0] !== 'polled';
    const sizes = ringSizes(options, LEAST_RING, LARGEST_RING);
    const { set } = this;
    this.rxQueues = Math.max(1, Math.min(parts.rxRegisters.length, Math.floor(options.rxQueues ?? 1)));
    this.rx = set.filled(() => new IntelReceiver(io, parts, set, this.rxQueues, sizes.rx, mtu));
    this.tx = set.filled(() => new IntelTx(io, parts, set, sizes.tx, mtu, this.capabilities.tso6, interrupts));
  }

  /** Masks interrupts, stops both units, resets the chip and waits until it has read its NVM. @throws NicError */
  protected abstract reset(): Task<void>;

  /** What the chip needs besides after a reset, before its rings run. */
  protected abstract setUpChip(): void;

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

  /** After a reset: registers, PHY, rings. Used again after a hang. */
  protected *start(): Task<void> {
    const { io } = this;
    const { chip } = this.parts;
    hw.initMac(io, chip, this.mac, this.capabilities.vlan);
    this.setUpChip();
    this.#chip.clear(io);
    yield* this.withPhy(this.#negotiate());
    hw.setFlowControl(io, chip, false, false);
    hw.setReceiveChecksum(io, chip, this.capabilities.rxChecksum, this.rxChecksumBits());
    hw.writeMulticast(io, chip, this.filter.multicast);
    this.fn.enable({ memory: true, master: true });
    this.tx.start();
    this.rx.start(this.filter);
    io.write32(chip.ITR.at, put(0, chip.ITR.INTERVAL, THROTTLE));
  }

  *#negotiate(): Task<void> {
    const { io } = this;
    const { chip } = this.parts;
    yield* startNegotiation(io, chip, yield* identifyPhy(io, chip), true);
  }

  protected override unmask(): void {
    this.io.write32(this.parts.chip.IMS.at, this.parts.causes);
  }

  /** INTx or MSI, between accesses. ICR clears when it is read; nothing in it means that another device shares the line. */
  protected interrupt(): boolean {
    const { chip, asserted } = this.parts;
    const causes = this.io.read32(chip.ICR.at);
    if (causes === ALL_ONES) {
      this.gone('ICR');
      return false;
    }
    if (causes === 0 || (asserted !== 0 && (causes & asserted) === 0)) return false;
    this.io.write32(chip.IMC.at, ALL_ONES);
    this.message(causes);
    return true;
  }

  /** The link, the counters, a lost interrupt, and whether the device is still there. */
  protected override look(now: Micros): number {
    const { chip } = this.parts;
    const status = this.io.read32(chip.STATUS.at);
    if (status === ALL_ONES) {
      this.gone('STATUS');
      return 1;
    }
    if (this.armed) this.io.write32(chip.ICS.at, this.parts.missed);
    if (now >= this.#nextStatistics) {
      this.#nextStatistics = now + STATISTICS_US;
      this.#chip.read(this.io);
    }
    const link = hw.readLink(chip, status);
    if (!this.looked(now, link)) return 0;
    if (link.up && !this.background.running) this.background.run(this.#settlePause(link.fullDuplex));
    return 1;
  }

  /** PAUSE as both ends settled it; PHY accesses take their time, so it is a task (802.3 annex 28B). */
  *#settlePause(fullDuplex: boolean): Task<void> {
    const { chip } = this.parts;
    const pause = yield* this.withPhy(readPause(this.io, chip));
    if (this.running) hw.setFlowControl(this.io, chip, fullDuplex && pause.receive, fullDuplex && pause.send);
  }

  /** PAUSE excuses it. */
  protected override hung(): void {
    const { STATUS } = this.parts.chip;
    const status = this.io.read32(STATUS.at);
    if (status === ALL_ONES) this.gone('STATUS');
    else if ((status & STATUS.TXOFF) === 0) super.hung();
  }

  protected override *restart(): Task<void> {
    this.#chip.read(this.io);
    const kept = { ...this.#chip.totals };
    yield* this.reset();
    yield* this.start();
    Object.assign(this.#chip.totals, kept);
  }

  protected override release(): void {
    this.rx.stop();
    super.release();
  }

  protected override applyFilter(): void {
    hw.writeMulticast(this.io, this.parts.chip, this.filter.multicast);
    this.rx.setFilter(this.filter);
  }

  protected override chipStatistics(): Readonly<Record<string, number>> {
    if (this.running) this.#chip.read(this.io);
    return Object.fromEntries(Object.entries(this.#chip.totals).map(([name, value]) => [`chip.${name}`, value]));
  }

  /** The PHY sleeps unless management uses it. */
  protected override *shutDown(): Task<void> {
    yield* this.reset();
    if (!this.managed()) yield* this.withPhy(powerDownPhy(this.io, this.parts.chip));
  }
}
