/** virtio-net: the bound NIC (virtio 1.2 §5.1). */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import type { Micros } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { PhyCapabilities } from '../../platform/phy.js';
import { readReg, type Task } from '../../platform/task.js';
import * as virtio from '../../registers/virtio.js';
import { BoundNic, NARROW } from '../base.js';
import type { DriverOptions, InterruptMode } from '../driver.js';
import { chooseInterrupts, DEFAULT_INTERRUPTS } from '../interrupts.js';
import { DmaSet } from '../ring.js';
import { MOST_ADDRESSES, type VirtioNetControl } from './control.js';
import type { VirtQueue } from './queue.js';
import type { VirtioNetRx } from './rx.js';
import { build, type Parts, RX_QUEUE, readLink, readMac, readMtu, TX_QUEUE, wanted } from './setup.js';
import { type Features, has, NO_VECTOR, VirtioPci } from './transport.js';
import { MAX_SEGMENT_BYTES, type VirtioNetTx } from './tx.js';

const { DEVICE_STATUS, ISR, NET_FEATURE } = virtio;
const GONE = 0xff;
/** With a configuration interrupt the device is only looked at to notice that it has gone. */
const LOOK_US: Micros = 2_000_000;
const POLL_US: Micros = 250_000;
/** A doorbell that got lost is rung again. */
const STALL_US: Micros = 1_000_000;

/** A bound virtio-net function. */
export class VirtioNic extends BoundNic {
  readonly driver = 'virtio-net';
  readonly capabilities: PhyCapabilities;
  /** What was settled with the device. */
  readonly features: Features;
  protected rx: VirtioNetRx;
  protected tx: VirtioNetTx;
  readonly #options: DriverOptions;
  readonly #pci: VirtioPci;
  #queues: readonly VirtQueue[];
  #control: VirtioNetControl | undefined;
  #configChanged = true;
  /** Frames that the device had when it was looked last. */
  #pendingThen = 0;
  #kicks = 0;
  /** Of queues before a recovery. */
  #before: Readonly<Record<string, number>> = {};

  private constructor(
    fn: PciFunction,
    id: DriverId,
    set: DmaSet,
    parts: Parts,
    mac: Uint8Array,
    mtu: number,
    options: DriverOptions,
  ) {
    super(fn, id.name, mac, set, STALL_US);
    this.#options = options;
    this.#pci = parts.pci;
    this.features = parts.features;
    this.#queues = parts.queues;
    this.rx = parts.rx;
    this.tx = parts.tx;
    this.#control = parts.control;
    const segments = has(parts.features, NET_FEATURE.HOST_TSO4);
    this.capabilities = {
      mtu,
      maxSegmentBytes: segments ? MAX_SEGMENT_BYTES : 0,
      tso6: segments && has(parts.features, NET_FEATURE.HOST_TSO6),
      txChecksum: has(parts.features, NET_FEATURE.CSUM),
      rxChecksum: has(parts.features, NET_FEATURE.GUEST_CSUM),
      vlan: false,
    };
  }

  /** Brings a function up (§3.1.1, §5.1.5). @throws NicError; the function is then reset and holds no memory */
  static *open(fn: PciFunction, id: DriverId, options: DriverOptions): Task<VirtioNic> {
    yield* fn.powerUp();
    fn.enable({ memory: true, master: true });
    const pci = new VirtioPci(fn);
    const set = new DmaSet(fn.dma);
    try {
      yield* pci.reset();
      const features = pci.negotiate(wanted(options), id.name);
      const mac = readMac(fn, pci, features);
      const mtu = readMtu(pci, features, options);
      const parts = build(pci, features, set, mtu, options, id.name);
      const nic = new VirtioNic(fn, id, set, parts, mac, mtu, options);
      nic.#enableInterrupts(options.interrupts ?? DEFAULT_INTERRUPTS);
      nic.#run();
      nic.running = true;
      return nic;
    } catch (error) {
      fn.disableInterrupts();
      pci.addStatus(DEVICE_STATUS.FAILED);
      fn.disableMaster();
      set.free();
      throw error;
    }
  }

  /** From enabled queues to frames. */
  #run(): void {
    for (const queue of this.#queues) queue.enable(this.#pci);
    this.#pci.addStatus(DEVICE_STATUS.DRIVER_OK);
    this.rx.start();
    this.#configChanged = true;
    const { features } = this;
    if (!has(features, NET_FEATURE.MAC) && has(features, NET_FEATURE.CTRL_MAC_ADDR)) this.#control?.setMac(this.mac);
    if (this.filter !== NARROW) this.applyFilter();
    if (this.mode !== 'polled') this.#arm();
  }

  #enableInterrupts(modes: readonly InterruptMode[]): void {
    const config = (): void => {
      this.counts.interrupts++;
      this.#configChanged = true;
      this.onReady?.();
    };
    const queue = (): void => {
      this.counts.interrupts++;
      this.#disarm();
      this.onReady?.();
    };
    const both = (): void => {
      this.#configChanged = true;
      queue();
    };
    const chosen = chooseInterrupts(this.fn, modes, {
      intx: () => this.#intx(),
      // Configuration, receive, transmit; or one for both queues; or one for everything.
      msix: [[config, queue, queue], [config, queue], [both]],
    });
    this.mode = chosen.mode;
    if (chosen.mode !== 'msix') return;
    const last = chosen.vectors - 1;
    this.#pci.setConfigVector(0, this.name);
    this.#pci.setQueueVector(RX_QUEUE, Math.min(1, last), this.name);
    this.#pci.setQueueVector(TX_QUEUE, last, this.name);
    // Answers of the control queue are collected by `step`.
    if (this.#queues.length > 2) this.#pci.setQueueVector(2, NO_VECTOR, this.name);
  }

  /** Reading ISR clears it and lowers the pin; 0 means that another device shares the line (§4.1.4.5). */
  #intx(): boolean {
    const cause = readReg(this.#pci.isr, ISR);
    if (cause === 0) return false;
    if (cause === GONE) {
      this.gone('ISR', GONE);
      return false;
    }
    this.counts.interrupts++;
    if ((cause & ISR.CONFIG) !== 0) this.#configChanged = true;
    if ((cause & ISR.QUEUE) !== 0) this.#disarm();
    this.onReady?.();
    return true;
  }

  #disarm(): void {
    this.armed = false;
    this.#queues[RX_QUEUE]!.setInterrupts(false);
    this.#queues[TX_QUEUE]!.setInterrupts(false);
  }

  /** Interrupts on again. Something that came before is work for the caller, not for an interrupt. */
  #arm(): boolean {
    this.armed = true;
    const received = this.#queues[RX_QUEUE]!.setInterrupts(true);
    // A sent frame is worth an interrupt only while somebody waits for room.
    const sent = !this.tx.ready && this.#queues[TX_QUEUE]!.setInterrupts(true);
    // What is there already was counted without an interrupt, and with EVENT_IDX none comes before the index is moved
    // on: it is armed again once that is taken.
    if (received || sent) this.armed = false;
    // A received frame that must wait for room to answer it is no work yet: the transmit queue will tell.
    return sent || (received && this.tx.ready);
  }

  /** When there is none, the device says when there is some. */
  protected override makeRoom(): boolean {
    if (super.makeRoom()) return true;
    if (this.mode === 'polled') return false;
    return this.#queues[TX_QUEUE]!.setInterrupts(true) && super.makeRoom();
  }

  step(now: Micros): number {
    if (!this.running) return 0;
    let work = this.tx.reclaim();
    if (this.#control) work += this.#control.step();
    this.#watch(now, work > 0);
    if (this.#configChanged || now >= this.nextLook) work += this.#look(now);
    if (!this.running) return work;
    if (this.#queues.some(isBroken)) this.recover('a queue held something impossible');
    else if (this.mode !== 'polled' && !this.armed && this.#arm()) work++;
    return work;
  }

  override get nextStep(): Micros {
    const next = super.nextStep;
    return this.running && this.#control?.pending ? Math.min(next, this.nextLook - LOOK_US + POLL_US) : next;
  }

  /** Is it there, is it well, is the link up. */
  #look(now: Micros): number {
    this.#configChanged = false;
    const status = this.#pci.status;
    this.nextLook = now + (this.mode === 'polled' ? POLL_US : LOOK_US);
    if (status === GONE) {
      this.gone('DEVICE_STATUS', GONE);
      return 1;
    }
    if ((status & DEVICE_STATUS.NEEDS_RESET) !== 0) {
      this.recover('the device asked to be reset');
      return 1;
    }
    this.#missed();
    const { up, speed, announce } = readLink(this.#pci, this.features);
    if (announce && this.#control && has(this.features, NET_FEATURE.GUEST_ANNOUNCE)) this.#control.announced();
    return this.notice({ up, speed, fullDuplex: true }) ? 1 : 0;
  }

  /**
   * An interrupt that got lost is the last one: its pin stays high until ISR is read, its message is not sent again before
   * the index is moved on. Every two seconds both are done without being asked.
   */
  #missed(): void {
    if (this.mode === 'polled') return;
    this.armed = false;
    if (this.mode === 'intx') this.#intx();
  }

  /** Frames that stay with the device although it should have taken them: ring again, in case a doorbell got lost. */
  #watch(now: Micros, moved: boolean): void {
    const { pending } = this.tx;
    const changed = moved || pending !== this.#pendingThen;
    this.#pendingThen = pending;
    if (!this.hang.hangs(now, changed, pending > 0, true)) return;
    this.#kicks++;
    this.#queues[TX_QUEUE]!.ring();
  }

  /** With new queues: after a reset the device uses none of the old ones (§2.4.1). */
  protected override *restart(): Task<void> {
    const pci = this.#pci;
    this.tx.slots.forget();
    yield* pci.reset();
    this.set.free();
    this.set = new DmaSet(this.fn.dma);
    const features = pci.negotiate(this.features, this.name);
    if (features.low !== this.features.low || features.high !== this.features.high)
      throw new NicError('bad-device', 'it offers other features than before its reset', { device: this.name });
    const parts = build(pci, features, this.set, this.capabilities.mtu, this.#options, this.name);
    this.#before = this.frameStatistics();
    this.#queues = parts.queues;
    this.rx = parts.rx;
    this.tx = parts.tx;
    this.#control = parts.control;
    this.#enableInterrupts([this.mode]);
    this.#run();
  }

  override setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all' || multicast.length > MOST_ADDRESSES;
    super.setReceiveFilter(promiscuous, all ? 'all' : multicast);
  }

  /** Without CTRL_RX the device lets everything through, or does as it likes (§5.1.6.5.1). */
  protected override applyFilter(): void {
    const { promiscuous, allMulticast, multicast } = this.filter;
    this.#control?.setFilter(promiscuous, allMulticast, multicast, this.mac);
  }

  /** Of these queues and of those before them. */
  protected override frameStatistics(): Readonly<Record<string, number>> {
    const now = Object.entries(super.frameStatistics());
    return Object.fromEntries(now.map(([name, value]) => [name, value + (this.#before[name] ?? 0)]));
  }

  protected override chipStatistics(): Readonly<Record<string, number>> {
    return {
      kicks: this.#kicks,
      rxDoorbells: this.#queues[RX_QUEUE]!.doorbells,
      txDoorbells: this.#queues[TX_QUEUE]!.doorbells,
      controlRefused: this.#control?.refused ?? 0,
      controlSent: this.#control?.sent ?? 0,
    };
  }

  protected override shutDown(): Task<void> {
    return this.#pci.reset();
  }
}

function isBroken(queue: VirtQueue): boolean {
  return queue.broken;
}
