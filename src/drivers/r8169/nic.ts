/**
 * A bound NIC of Realtek's family: bring-up as tasks, the packet path in `rx` and `tx`, everything rare in `step`. What the chips
 * do differently is in their {@link Rtl}.
 */
import type { PciFunction } from '../../pci/function.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { TypedEmitter } from '../../platform/events.js';
import type { Frame, PhyCapabilities } from '../../platform/phy.js';
import { readReg, type Task, writeReg } from '../../platform/task.js';
import { meta } from '../../registers/define.js';
import { RING_MAX } from '../../registers/realtek/descriptors.js';
import { CR } from '../../registers/realtek/mac.js';
import { Background, HangWatch, NicStatus } from '../base.js';
import type { DriverOptions, InterruptMode, LinkState, Nic, NicEvents, WakeEvent } from '../driver.js';
import { chooseInterrupts, DEFAULT_INTERRUPTS } from '../interrupts.js';
import { DmaSet, ringSize } from '../ring.js';
import type { Access } from './access.js';
import type { Rtl } from './chip.js';
import * as hw from './hw.js';
import { startPhy, stopPhy } from './phy.js';
import { RtlRx } from './rx.js';
import { Tally } from './tally.js';
import { MAX_SEGMENT_BYTES, RtlTx } from './tx.js';

const ALL_ONES = -1;
const RINGS = { least: 32, most: RING_MAX, usual: 256 } as const;
const USUAL_MTU = 1500;
const LEAST_MTU = 68;
/** At most 20000 interrupts a second, as the other drivers of ours. */
const USUAL_DELAY: Micros = 50;
/** Before a link tells. */
const USUAL_SPEED = 1000;
const HANG_US: Micros = 2_000_000;
const LINK_POLL_US: Micros = 250_000;
const WATCHDOG_US: Micros = 2_000_000;
const WAKE_EVENTS: readonly WakeEvent[] = ['magic', 'link', 'unicast', 'multicast', 'broadcast'];

/** A bound RTL8168H or RTL8125B. */
export class R8169Nic implements Nic {
  readonly name: string;
  readonly driver = 'r8169';
  readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  readonly wakeEvents: readonly WakeEvent[];
  onReady: (() => void) | undefined;
  readonly #fn: PciFunction;
  readonly #rtl: Rtl;
  readonly #access: Access;
  readonly #options: DriverOptions;
  readonly #set: DmaSet;
  readonly #rx: RtlRx;
  readonly #tx: RtlTx;
  readonly #tally: Tally;
  readonly #status = new NicStatus();
  readonly #background: Background;
  readonly #hang = new HangWatch(HANG_US);
  /** Interrupt causes to hear of, in ISR's bits (r8169 rtl_set_irq_mask). */
  readonly #causes: number;
  #mode: InterruptMode = 'polled';
  #filter: hw.RxFilter = hw.NARROW;
  #wake: readonly WakeEvent[] = [];
  /** Causes seen by a handler and not yet by `step`. */
  #seen = 0;
  #armed = false;
  #nextLook: Micros = 0;
  #counts = { interrupts: 0, missedInterrupts: 0, resets: 0, linkChanges: 0 };

  /** Brings a chip up. @throws NicError; the function is then quiet and holds no memory */
  static *open(fn: PciFunction, rtl: Rtl, access: Access, options: DriverOptions): Task<R8169Nic> {
    yield* hw.takeOver(access, rtl);
    const nic = new R8169Nic(fn, rtl, access, yield* hw.readStationAddress(access, rtl), options);
    yield* nic.#bringUp();
    return nic;
  }

  /** Takes memory and nothing else. @throws NicError `no-resource` */
  private constructor(fn: PciFunction, rtl: Rtl, access: Access, mac: Uint8Array, options: DriverOptions) {
    this.#fn = fn;
    this.#rtl = rtl;
    this.#access = access;
    this.#options = options;
    this.name = rtl.name;
    this.mac = mac;
    this.wakeEvents = fn.canWake ? WAKE_EVENTS : [];
    const { IMR } = rtl.map;
    this.#causes = IMR.ROK | IMR.RER | IMR.TOK | IMR.TER | IMR.LINKCHG;
    const mtu = Math.max(LEAST_MTU, Math.min(rtl.largestMtu, options.mtu ?? USUAL_MTU));
    // With jumbo frames the transmitter neither sums nor segments (r8169 rtl8169_fix_features).
    const checksum = options.checksum ?? true;
    const txChecksum = checksum && mtu <= USUAL_MTU;
    const segmentation = txChecksum && (options.segmentation ?? true);
    this.capabilities = {
      mtu,
      maxSegmentBytes: segmentation ? MAX_SEGMENT_BYTES : 0,
      tso6: segmentation,
      txChecksum,
      rxChecksum: checksum,
      vlan: options.vlan ?? true,
    };
    this.#background = new Background(fn.host.scheduler, (error) => this.#lost(error));
    this.#set = new DmaSet(fn.dma);
    try {
      const rxSize = ringSize(options.rxRing, RINGS.least, RINGS.most, RINGS.usual);
      const txSize = ringSize(options.txRing, RINGS.least, RINGS.most, RINGS.usual);
      this.#rx = new RtlRx(this.#set, rxSize, mtu);
      this.#tx = new RtlTx(access.io, rtl, this.#set, txSize, mtu, segmentation);
      this.#tally = new Tally(access.io, rtl, this.#set);
    } catch (error) {
      this.#set.free();
      throw error;
    }
  }

  /** After a reset: address, PHY, MAC, interrupts. */
  *#bringUp(): Task<void> {
    const [access, rtl, { interrupts, eee }] = [this.#access, this.#rtl, this.#options];
    try {
      hw.writeStationAddress(access.io, this.mac);
      yield* hw.writeWake(access, rtl, []);
      // With jumbo frames the chip has no PAUSE (r8169 rtl_jumbo_config).
      yield* startPhy(access, rtl, eee ?? false, this.capabilities.mtu <= USUAL_MTU);
      yield* this.#start();
      const handler = (): boolean => this.#interrupt();
      const message = (): void => void handler();
      const handlers = { intx: handler, msi: message, msix: [[message]] };
      this.#mode = chooseInterrupts(this.#fn, interrupts ?? DEFAULT_INTERRUPTS, handlers).mode;
      if (this.#mode !== 'polled') this.#arm();
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#status.running = true;
  }

  /** MAC and rings after a reset, as r8169 rtl_hw_start; used again after a hang, when the PHY goes on as it is. */
  *#start(): Task<void> {
    const [access, rtl, { capabilities }] = [this.#access, this.#rtl, this];
    const { io } = access;
    this.#fn.enable({ memory: true, master: true });
    hw.unlock(io, true);
    hw.setReceive(io, rtl, this.#rx.bufferBytes, capabilities.rxChecksum, capabilities.vlan);
    yield* rtl.start(access, capabilities.mtu);
    this.#setDelay(USUAL_SPEED);
    this.#tx.start();
    this.#rx.start(io);
    hw.unlock(io, false);
    // r8169 turns both on before it says how they work, and nothing is accepted until the filter is written.
    io.write32(rtl.map.RCR.at, rtl.receive);
    io.write8(CR.at, CR.TE | CR.RE);
    io.write32(rtl.map.TXCFG.at, rtl.transmit);
    hw.writeFilter(io, rtl, this.#filter, capabilities.vlan);
    this.#tally.reset();
    this.#hang.reset();
    this.#nextLook = 0;
  }

  #setDelay(speed: number): void {
    this.#rtl.setInterruptDelay(this.#access, this.#options.interruptDelay ?? USUAL_DELAY, speed);
  }

  #arm(): void {
    this.#armed = true;
    writeReg(this.#access.io, this.#rtl.map.IMR, this.#causes);
  }

  /** An interrupt in any mode, between accesses. Nothing of ours in ISR means that another device shares the line. */
  #interrupt(): boolean {
    const { io } = this.#access;
    const { IMR, ISR } = this.#rtl.map;
    const causes = readReg(io, ISR);
    if (causes === (ISR[meta].width === 32 ? ALL_ONES : 0xffff)) {
      this.#gone(ISR[meta].name);
      return false;
    }
    if ((causes & this.#causes) === 0) return false;
    // Masked until `step` has looked: a burst of frames is one interrupt.
    writeReg(io, IMR, 0);
    writeReg(io, ISR, causes);
    this.#counts.interrupts++;
    this.#armed = false;
    this.#seen |= causes;
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
    if (this.#status.running) this.#tx.flush();
  }

  step(now: Micros): number {
    if (!this.#status.running) return 0;
    let work = this.#tx.reclaim();
    if (this.#hang.hangs(now, work > 0, this.#tx.pending, this.#status.link.up)) this.#hung();
    const seen = this.#seen;
    this.#seen = 0;
    if (this.#status.running && ((seen & this.#rtl.map.ISR.LINKCHG) !== 0 || now >= this.#nextLook))
      work += this.#look(now);
    if (!this.#armed && this.#mode !== 'polled' && this.#status.running) this.#arm();
    return work;
  }

  get nextStep(): Micros {
    if (!this.#status.running) return NEVER;
    return Math.min(this.#nextLook, this.#hang.deadline);
  }

  /** The link, the counters, a lost interrupt, and whether the device is still there. */
  #look(now: Micros): number {
    const { io } = this.#access;
    if (hw.isGone(io, this.#rtl)) {
      this.#gone('TXCFG');
      return 1;
    }
    let work = 0;
    // A message that got lost is not sent again before its cause is acknowledged. Looked for when it is time only: what is
    // found is looked at in the next step, and a register that is stuck would make that endless.
    if (this.#armed && now >= this.#nextLook && this.#interrupt()) {
      this.#counts.missedInterrupts++;
      work = 1;
    }
    this.#tally.step();
    const link = hw.readLink(io, this.#rtl);
    const before = this.#status.link;
    this.#nextLook = now + (this.#mode === 'polled' || !link.up ? LINK_POLL_US : WATCHDOG_US);
    if (link.up === before.up && (!link.up || link.speed === before.speed)) return work;
    this.#counts.linkChanges++;
    if (link.up) this.#setDelay(link.speed);
    this.#status.setLink(link.up, link.speed, link.fullDuplex);
    return 1;
  }

  /** Pending descriptors that do not move for two seconds although there is a link. */
  #hung(): void {
    if (hw.isGone(this.#access.io, this.#rtl)) {
      this.#gone('TXCFG');
      return;
    }
    this.#status.running = false;
    this.#status.setLink(false, 0, false);
    this.#counts.resets++;
    this.#background.run(this.#restart());
  }

  /** Resets and starts again. Frames that the chip had not sent are counted as lost, never as sent. */
  *#restart(): Task<void> {
    this.#tally.read();
    yield* hw.quiesce(this.#access, this.#rtl);
    hw.writeStationAddress(this.#access.io, this.mac);
    yield* this.#start();
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
    this.#fn.disableInterrupts();
    // Without bus mastering nothing can write to memory that is given back.
    this.#fn.disableMaster();
    this.#set.free();
  }

  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all';
    const list = all ? [] : multicast.map((address) => address.slice());
    this.#filter = { promiscuous, allMulticast: all, multicast: list };
    if (this.#status.running) hw.writeFilter(this.#access.io, this.#rtl, this.#filter, this.capabilities.vlan);
  }

  setWake(events: readonly WakeEvent[]): void {
    for (const event of events)
      if (!this.wakeEvents.includes(event))
        throw new NicError('unsupported', `it cannot wake the machine for ${event}`, { device: this.name });
    this.#wake = [...events];
  }

  statistics(): Readonly<Record<string, number>> {
    if (this.#status.running) this.#tally.read();
    return {
      ...this.#rx.statistics(),
      ...this.#tx.slots.statistics(),
      ...this.#counts,
      ...this.#tally.statistics(),
    };
  }

  /** Stops everything, as r8169 rtl8169_down. What shall wake the machine stays awake; otherwise the PHY sleeps, too. */
  *close(): Task<void> {
    if (this.#status.ended) return;
    this.#background.stop();
    this.#status.end();
    const [access, rtl, wake] = [this.#access, this.#rtl, this.#wake];
    try {
      yield* hw.quiesce(access, rtl);
      hw.writeStationAddress(access.io, this.mac);
      yield* hw.writeWake(access, rtl, wake);
      if (wake.length > 0) hw.listen(access, rtl);
      else yield* stopPhy(access, rtl);
    } finally {
      this.#release();
    }
    if (wake.length > 0) yield* this.#fn.powerDown(true);
  }
}
