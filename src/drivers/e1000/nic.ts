/** 82540EM: the bound NIC. Bring-up as tasks, the packet path in `rx` and `tx`, everything rare in `step`. */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { TypedEmitter } from '../../platform/events.js';
import type { Mmio } from '../../platform/mmio.js';
import type { Frame, PhyCapabilities } from '../../platform/phy.js';
import { type RunningTask, spawn, type Task } from '../../platform/task.js';
import { put } from '../../registers/define.js';
import * as chip from '../../registers/i82540em/index.js';
import { NicStatus } from '../base.js';
import type { DriverOptions, InterruptMode, LinkState, Nic, NicEvents } from '../driver.js';
import { chooseInterrupts, DEFAULT_INTERRUPTS } from '../interrupts.js';
import { DmaSet, ringSize } from '../ring.js';
import * as hw from './hw.js';
import { QUIRK } from './ids.js';
import { macOf, type NvmMethod, readNvm } from './nvm.js';
import { identifyPhy, powerDownPhy, readPause, startNegotiation } from './phy.js';
import { E1000Rx, type RxFilter } from './rx.js';
import { E1000Tx, MAX_SEGMENT_BYTES } from './tx.js';

const { ICR, IMC, IMS, ITR, MANC, RCTL, STATUS, TCTL } = chip;
const { LSC, RXDMT0, RXO, RXSEQ, RXT0, TXDW } = IMS;
/** What a driver of this chip wants to hear of. */
const CAUSES = RXT0 | RXDMT0 | RXO | RXSEQ | LSC | TXDW;
const ALL_ONES = -1;
const RINGS = { least: 32, most: 4096, usual: 256 } as const;
/** 82540EM masters 32 bits on a PC's bus. */
const DMA_BELOW = 2 ** 32;
/** 8254x §13.4.22, LPE: the largest frame is 16384 bytes. */
const LARGEST_MTU = 16_110;
const USUAL_MTU = 1500;
const LEAST_MTU = 68;
/** In units of 256 ns: at most 20000 interrupts a second. */
const THROTTLE = 195;
const HANG_US: Micros = 2_000_000;
const LINK_POLL_US: Micros = 250_000;
const WATCHDOG_US: Micros = 2_000_000;
/** Chip counters stop at their maximum: they are read at least so often. */
const STATISTICS_US: Micros = 60_000_000;

/** A bound 82540EM. */
export class E1000Nic implements Nic {
  readonly name: string;
  readonly driver = 'e1000';
  readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  /** How the EEPROM was read. */
  nvmMethod: NvmMethod = 'eerd';
  onReady: (() => void) | undefined;
  readonly #fn: PciFunction;
  readonly #io: Mmio;
  readonly #port: Mmio | undefined;
  readonly #set: DmaSet;
  readonly #rx: E1000Rx;
  readonly #tx: E1000Tx;
  readonly #status = new NicStatus();
  readonly #chip = new hw.ChipStatistics();
  readonly #vlan: boolean;
  #mode: InterruptMode = 'polled';
  #filter: RxFilter = { promiscuous: false, allMulticast: false };
  #multicast: readonly Uint8Array[] = [];
  /** Causes seen by the handler and not yet by `step`. */
  #causes = 0;
  #armed = false;
  #nextLook: Micros = 0;
  #nextStatistics: Micros = 0;
  /** Since when the transmitter has not moved; NEVER when nothing is pending. */
  #stuckSince: Micros = NEVER;
  #recovery: RunningTask | undefined;
  #counts = { interrupts: 0, resets: 0, linkChanges: 0 };

  private constructor(
    fn: PciFunction,
    id: DriverId,
    mac: Uint8Array,
    io: Mmio,
    port: Mmio | undefined,
    options: DriverOptions,
  ) {
    this.#fn = fn;
    this.#io = io;
    this.#port = port;
    this.name = id.name;
    this.mac = mac;
    const mtu = Math.max(LEAST_MTU, Math.min(LARGEST_MTU, options.mtu ?? USUAL_MTU));
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
    this.#set = new DmaSet(fn.dma, DMA_BELOW);
    try {
      const interrupts = (options.interrupts ?? DEFAULT_INTERRUPTS)[0] !== 'polled';
      this.#rx = new E1000Rx(io, this.#set, ringSize(options.rxRing, RINGS.least, RINGS.most, RINGS.usual), mtu);
      const txSize = ringSize(options.txRing, RINGS.least, RINGS.most, RINGS.usual);
      this.#tx = new E1000Tx(io, this.#set, txSize, mtu, segmentation, interrupts);
    } catch (error) {
      this.#set.free();
      throw error;
    }
  }

  /** Brings a function up (8254x chapter 14). @throws NicError; the function is then quiet and holds no memory */
  static *open(fn: PciFunction, id: DriverId, options: DriverOptions): Task<E1000Nic> {
    yield* fn.powerUp();
    const ioBar = fn.bars.find((bar) => bar.kind === 'io' && bar.address !== undefined);
    const throughIo = id.quirks.includes(QUIRK.resetThroughIo) && ioBar !== undefined;
    fn.enable({ memory: true, io: throughIo });
    const io = fn.mapBar(0);
    const port = throughIo ? fn.mapBar(ioBar.index) : undefined;
    if (hw.isGone(io))
      throw new NicError('gone', 'STATUS reads all ones', {
        device: id.name,
        register: 'STATUS',
        ref: '8254x §13.4.2',
      });
    yield* hw.resetMac(io, port);
    const nvm = yield* readNvm(io, id.name);
    const nic = new E1000Nic(fn, id, macOf(nvm.words, id.name), io, port, options);
    nic.nvmMethod = nvm.method;
    try {
      yield* nic.#start();
      nic.#enableInterrupts(options.interrupts ?? DEFAULT_INTERRUPTS);
    } catch (error) {
      nic.#release();
      throw error;
    }
    nic.#status.running = true;
    return nic;
  }

  /** After a reset: registers, PHY, rings. Used again after a hang. */
  *#start(): Task<void> {
    const io = this.#io;
    hw.initMac(io, this.mac, this.#vlan);
    this.#chip.clear(io);
    const phy = yield* identifyPhy(io);
    yield* startNegotiation(io, phy, true);
    hw.setFlowControl(io, false, false);
    hw.setReceiveChecksum(io, this.capabilities.rxChecksum);
    hw.writeMulticast(io, this.#multicast);
    this.#fn.enable({ memory: true, master: true });
    this.#tx.start();
    this.#rx.start(this.#filter);
    io.write32(ITR.at, put(0, ITR.INTERVAL, THROTTLE));
    this.#stuckSince = NEVER;
    this.#nextLook = 0;
  }

  #enableInterrupts(modes: readonly InterruptMode[]): void {
    const handler = (): boolean => this.#interrupt();
    const chosen = chooseInterrupts(this.#fn, modes, { intx: handler, msi: () => void handler() });
    this.#mode = chosen.mode;
    if (chosen.mode !== 'polled') this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#io.write32(IMS.at, CAUSES);
  }

  /** Runs between accesses. ICR clears when it is read; 0 means that another device shares the line. */
  #interrupt(): boolean {
    const causes = this.#io.read32(ICR.at);
    if (causes === 0) return false;
    if (causes === ALL_ONES) {
      this.#gone('ICR');
      return false;
    }
    this.#counts.interrupts++;
    // Masked until `step` has looked: a burst of frames is one interrupt.
    this.#io.write32(IMC.at, ALL_ONES);
    this.#armed = false;
    this.#causes |= causes;
    this.onReady?.();
    return true;
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
    this.#watch(now, work > 0);
    const causes = this.#causes;
    this.#causes = 0;
    if ((causes & (LSC | RXSEQ)) !== 0 || now >= this.#nextLook) work += this.#look(now);
    if (now >= this.#nextStatistics && this.#status.running) {
      this.#nextStatistics = now + STATISTICS_US;
      this.#chip.read(this.#io);
    }
    if (!this.#armed && this.#mode !== 'polled' && this.#status.running) this.#arm();
    return work;
  }

  get nextStep(): Micros {
    if (!this.#status.running) return NEVER;
    return Math.min(this.#nextLook, this.#stuckSince + HANG_US);
  }

  /** The link, and whether the device is still there. */
  #look(now: Micros): number {
    const status = this.#io.read32(STATUS.at);
    if (status === ALL_ONES) {
      this.#gone('STATUS');
      return 1;
    }
    const link = hw.readLink(status);
    const before = this.#status.link.up;
    this.#nextLook = now + (this.#mode === 'polled' || !link.up ? LINK_POLL_US : WATCHDOG_US);
    if (link.up === before && link.speed === this.#status.link.speed) return 0;
    this.#counts.linkChanges++;
    this.#status.setLink(link.up, link.speed, link.fullDuplex);
    if (link.up && this.#recovery === undefined) this.#background(this.#settlePause(link.fullDuplex));
    return 1;
  }

  /** PAUSE as both ends settled it; PHY accesses take their time, so it is a task (802.3 annex 28B). */
  *#settlePause(fullDuplex: boolean): Task<void> {
    const pause = yield* readPause(this.#io);
    if (this.#status.running) hw.setFlowControl(this.#io, fullDuplex && pause.receive, fullDuplex && pause.send);
  }

  /** Pending descriptors that do not move for two seconds, with a link and without PAUSE: the transmitter hangs. */
  #watch(now: Micros, moved: boolean): void {
    if (moved || !this.#tx.pending || !this.#status.link.up) {
      this.#stuckSince = this.#tx.pending ? now : NEVER;
      return;
    }
    if (this.#stuckSince === NEVER) this.#stuckSince = now;
    if (now - this.#stuckSince < HANG_US) return;
    this.#stuckSince = now;
    const status = this.#io.read32(STATUS.at);
    if (status === ALL_ONES) this.#gone('STATUS');
    else if ((status & STATUS.TXOFF) === 0) this.#recover();
  }

  /** Resets and starts again. Frames that the chip had not sent are counted as lost, never as sent. */
  #recover(): void {
    this.#recovery?.stop();
    this.#status.running = false;
    this.#status.setLink(false, 0, false);
    this.#counts.resets++;
    this.#background(this.#restart());
  }

  *#restart(): Task<void> {
    this.#chip.read(this.#io);
    const kept = { ...this.#chip.totals };
    yield* hw.resetMac(this.#io, this.#port);
    yield* this.#start();
    Object.assign(this.#chip.totals, kept);
    this.#armed = false;
    this.#status.running = true;
    this.#status.events.emit('recovered', 'the transmitter did not move for 2 s');
    this.onReady?.();
  }

  #background(task: Task<void>): void {
    this.#recovery = spawn(
      this.#fn.host.scheduler,
      task,
      () => {
        this.#recovery = undefined;
      },
      (error) => {
        this.#recovery = undefined;
        this.#lost(error instanceof Error ? error : new Error(String(error)));
      },
    );
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
    this.#recovery?.stop();
    this.#recovery = undefined;
    this.#rx.stop();
    this.#fn.disableInterrupts();
    // Without bus mastering nothing can write to memory that is given back.
    this.#fn.disableMaster();
    this.#set.free();
  }

  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all';
    this.#filter = { promiscuous, allMulticast: all };
    this.#multicast = all ? [] : multicast.map((address) => address.slice());
    if (!this.#status.running) return;
    hw.writeMulticast(this.#io, this.#multicast);
    this.#rx.setFilter(this.#filter);
  }

  statistics(): Readonly<Record<string, number>> {
    if (this.#status.running) this.#chip.read(this.#io);
    const rx = this.#rx;
    const tx = this.#tx;
    return {
      rxPackets: rx.packets,
      rxBytes: rx.bytes,
      rxDamaged: rx.damaged,
      rxMalformed: rx.malformed,
      txPackets: tx.packets,
      txBytes: tx.bytes,
      txRefused: tx.refused,
      txLost: tx.lost,
      ...this.#counts,
      ...Object.fromEntries(Object.entries(this.#chip.totals).map(([name, value]) => [`chip.${name}`, value])),
    };
  }

  /** Stops DMA and interrupts; the PHY sleeps unless management uses it (8254x §13.6.6). */
  *close(): Task<void> {
    if (this.#status.ended) return;
    this.#recovery?.stop();
    this.#status.end();
    this.#io.write32(IMC.at, ALL_ONES);
    this.#io.write32(RCTL.at, 0);
    this.#io.write32(TCTL.at, TCTL.PSP);
    try {
      yield* hw.resetMac(this.#io, this.#port);
      if ((this.#io.read32(MANC.at) & MANC.SMBUS_EN) === 0) yield* powerDownPhy(this.#io);
    } finally {
      this.#release();
    }
  }
}
