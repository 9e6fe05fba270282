/**
 * A bound NIC of Realtek's family: bring-up as tasks, the packet path in `rx` and `tx`, everything rare in `step`. What the chips
 * do differently is in their {@link Rtl}.
 */
import type { PciFunction } from '../../pci/function.js';
import type { Micros } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { PhyCapabilities } from '../../platform/phy.js';
import { readReg, type Task, writeReg } from '../../platform/task.js';
import { meta } from '../../registers/define.js';
import { RING_MAX } from '../../registers/realtek/descriptors.js';
import { CR } from '../../registers/realtek/mac.js';
import { ChipNic, chipCapabilities } from '../chip.js';
import type { DriverOptions, InterruptMode, WakeEvent } from '../driver.js';
import { chooseInterrupts } from '../interrupts.js';
import { DmaSet, mtuOf, ringSizes, USUAL_MTU } from '../ring.js';
import type { Access } from './access.js';
import type { Rtl } from './chip.js';
import * as hw from './hw.js';
import { startPhy, stopPhy } from './phy.js';
import { RtlRx } from './rx.js';
import { Tally } from './tally.js';
import { MAX_SEGMENT_BYTES, RtlTx } from './tx.js';

const ALL_ONES = -1;
const LEAST_RING = 32;
/** At most 20000 interrupts a second, as the other drivers of ours. */
const USUAL_DELAY: Micros = 50;
/** Before a link tells. */
const USUAL_SPEED = 1000;
const WAKE_EVENTS: readonly WakeEvent[] = ['magic', 'link', 'unicast', 'multicast', 'broadcast'];

/** A bound RTL8168H or RTL8125B. */
export class R8169Nic extends ChipNic {
  readonly driver = 'r8169';
  readonly capabilities: PhyCapabilities;
  readonly wakeEvents: readonly WakeEvent[];
  protected readonly rx: RtlRx;
  protected readonly tx: RtlTx;
  protected readonly linkCause: number;
  readonly #rtl: Rtl;
  readonly #access: Access;
  readonly #options: DriverOptions;
  readonly #tally: Tally;
  /** Interrupt causes to hear of, in ISR's bits (r8169 rtl_set_irq_mask). */
  readonly #causes: number;
  #wake: readonly WakeEvent[] = [];
  #missedInterrupts = 0;

  /** Brings a chip up. @throws NicError; the function is then quiet and holds no memory */
  static *open(fn: PciFunction, rtl: Rtl, access: Access, options: DriverOptions): Task<R8169Nic> {
    yield* hw.takeOver(access, rtl);
    const nic = new R8169Nic(fn, rtl, access, yield* hw.readStationAddress(access, rtl), options);
    yield* nic.bringUp(nic.#startAll(), options.interrupts);
    return nic;
  }

  /** Takes memory and nothing else. @throws NicError `no-resource` */
  private constructor(fn: PciFunction, rtl: Rtl, access: Access, mac: Uint8Array, options: DriverOptions) {
    super(fn, rtl.name, mac, new DmaSet(fn.dma));
    this.#rtl = rtl;
    this.#access = access;
    this.#options = options;
    this.wakeEvents = fn.canWake ? WAKE_EVENTS : [];
    const { IMR, ISR } = rtl.map;
    this.linkCause = ISR.LINKCHG;
    this.#causes = IMR.ROK | IMR.RER | IMR.TOK | IMR.TER | IMR.LINKCHG;
    const mtu = mtuOf(options, rtl.largestMtu);
    // With jumbo frames the transmitter neither sums nor segments (r8169 rtl8169_fix_features).
    this.capabilities = chipCapabilities(options, mtu, MAX_SEGMENT_BYTES, mtu <= USUAL_MTU);
    const sizes = ringSizes(options, LEAST_RING, RING_MAX);
    const { set } = this;
    this.rx = set.filled(() => new RtlRx(set, sizes.rx, mtu));
    this.tx = set.filled(() => new RtlTx(access.io, rtl, set, sizes.tx, mtu, this.capabilities.tso6));
    this.#tally = set.filled(() => new Tally(access.io, rtl, set));
  }

  /** After the first reset: address and PHY, then MAC and rings. */
  *#startAll(): Task<void> {
    const [access, rtl, { eee }] = [this.#access, this.#rtl, this.#options];
    hw.writeStationAddress(access.io, this.mac);
    yield* hw.writeWake(access, rtl, []);
    // With jumbo frames the chip has no PAUSE (r8169 rtl_jumbo_config).
    yield* startPhy(access, rtl, eee ?? false, this.capabilities.mtu <= USUAL_MTU);
    yield* this.#start();
  }

  /** MAC and rings after a reset, as r8169 rtl_hw_start; used again after a hang, when the PHY goes on as it is. */
  *#start(): Task<void> {
    const [access, rtl, { capabilities }] = [this.#access, this.#rtl, this];
    const { io } = access;
    this.fn.enable({ memory: true, master: true });
    hw.unlock(io, true);
    hw.setReceive(io, rtl, this.rx.bufferBytes, capabilities.rxChecksum, capabilities.vlan);
    yield* rtl.start(access, capabilities.mtu);
    this.#setDelay(USUAL_SPEED);
    this.tx.start();
    this.rx.start(io);
    hw.unlock(io, false);
    // r8169 turns both on before it says how they work, and nothing is accepted until the filter is written.
    io.write32(rtl.map.RCR.at, rtl.receive);
    io.write8(CR.at, CR.TE | CR.RE);
    io.write32(rtl.map.TXCFG.at, rtl.transmit);
    this.applyFilter();
    this.#tally.reset();
  }

  #setDelay(speed: number): void {
    this.#rtl.setInterruptDelay(this.#access, this.#options.interruptDelay ?? USUAL_DELAY, speed);
  }

  protected override enableInterrupts(modes: readonly InterruptMode[]): InterruptMode {
    const intx = (): boolean => this.#interrupt();
    const message = (): void => void intx();
    return chooseInterrupts(this.fn, modes, { intx, msi: message, msix: [[message]] }).mode;
  }

  protected override unmask(): void {
    writeReg(this.#access.io, this.#rtl.map.IMR, this.#causes);
  }

  /** An interrupt in any mode, between accesses. Nothing of ours in ISR means that another device shares the line. */
  #interrupt(): boolean {
    const { io } = this.#access;
    const { IMR, ISR } = this.#rtl.map;
    const causes = readReg(io, ISR);
    if (causes === (ISR[meta].width === 32 ? ALL_ONES : 0xffff)) {
      this.gone(ISR[meta].name);
      return false;
    }
    if ((causes & this.#causes) === 0) return false;
    writeReg(io, IMR, 0);
    writeReg(io, ISR, causes);
    this.message(causes);
    return true;
  }

  /** The link, the counters, a lost interrupt, and whether the device is still there. */
  protected override look(now: Micros): number {
    const { io } = this.#access;
    if (hw.isGone(io, this.#rtl)) {
      this.gone('TXCFG');
      return 1;
    }
    let work = 0;
    // A message that got lost is not sent again before its cause is acknowledged. Looked for when it is time only: what is
    // found is looked at in the next step, and a register that is stuck would make that endless.
    if (this.armed && now >= this.nextLook && this.#interrupt()) {
      this.#missedInterrupts++;
      work = 1;
    }
    this.#tally.step();
    const link = hw.readLink(io, this.#rtl);
    if (!this.looked(now, link)) return work;
    if (link.up) this.#setDelay(link.speed);
    return 1;
  }

  protected override hung(): void {
    if (hw.isGone(this.#access.io, this.#rtl)) this.gone('TXCFG');
    else super.hung();
  }

  protected override *restart(): Task<void> {
    this.#tally.read();
    yield* hw.quiesce(this.#access, this.#rtl);
    hw.writeStationAddress(this.#access.io, this.mac);
    yield* this.#start();
  }

  protected override applyFilter(): void {
    hw.writeFilter(this.#access.io, this.#rtl, this.filter, this.capabilities.vlan);
  }

  setWake(events: readonly WakeEvent[]): void {
    for (const event of events)
      if (!this.wakeEvents.includes(event))
        throw new NicError('unsupported', `it cannot wake the machine for ${event}`, { device: this.name });
    this.#wake = [...events];
  }

  protected override chipStatistics(): Readonly<Record<string, number>> {
    if (this.running) this.#tally.read();
    return { missedInterrupts: this.#missedInterrupts, ...this.#tally.statistics() };
  }

  /** As r8169 rtl8169_down. What shall wake the machine stays awake; otherwise the PHY sleeps, too. */
  protected override *shutDown(): Task<void> {
    const [access, rtl, wake] = [this.#access, this.#rtl, this.#wake];
    yield* hw.quiesce(access, rtl);
    hw.writeStationAddress(access.io, this.mac);
    yield* hw.writeWake(access, rtl, wake);
    if (wake.length > 0) hw.listen(access, rtl);
    else yield* stopPhy(access, rtl);
  }

  override *close(): Task<void> {
    const sleeps = !this.ended && this.#wake.length > 0;
    yield* super.close();
    if (sleeps) yield* this.fn.powerDown(true);
  }
}
