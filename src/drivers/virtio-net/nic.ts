/** virtio-net: the bound NIC (virtio 1.2 §5.1). */

import type { PciFunction } from '../../pci/function.js';
import type { DriverId } from '../../pci/probe.js';
import { type Micros, NEVER } from '../../platform/clock.js';
import { NicError } from '../../platform/errors.js';
import type { TypedEmitter } from '../../platform/events.js';
import type { Frame, PhyCapabilities } from '../../platform/phy.js';
import { type RunningTask, readReg, spawn, type Task } from '../../platform/task.js';
import * as virtio from '../../registers/virtio.js';
import { NicStatus } from '../base.js';
import type { DriverOptions, InterruptMode, LinkState, Nic, NicEvents } from '../driver.js';
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

interface Totals {
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly rxMalformed: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly txRefused: number;
}

/** A bound virtio-net function. */
export class VirtioNic implements Nic {
  readonly name: string;
  readonly driver = 'virtio-net';
  readonly capabilities: PhyCapabilities;
  readonly mac: Uint8Array;
  /** What was settled with the device. */
  readonly features: Features;
  onReady: (() => void) | undefined;
  readonly #fn: PciFunction;
  readonly #options: DriverOptions;
  readonly #status = new NicStatus();
  #set: DmaSet;
  #pci: VirtioPci;
  #queues: readonly VirtQueue[];
  #rx: VirtioNetRx;
  #tx: VirtioNetTx;
  #control: VirtioNetControl | undefined;
  #mode: InterruptMode = 'polled';
  #configChanged = true;
  #armed = false;
  #nextLook: Micros = 0;
  #stalledSince: Micros = NEVER;
  #stalledAt = 0;
  #recovery: RunningTask | undefined;
  #filter: { promiscuous: boolean; all: boolean; multicast: readonly Uint8Array[] } | undefined;
  #counts = { interrupts: 0, resets: 0, linkChanges: 0, kicks: 0, txLost: 0 };
  /** Of device generations before a recovery. */
  #before: Totals = { rxPackets: 0, rxBytes: 0, rxMalformed: 0, txPackets: 0, txBytes: 0, txRefused: 0 };

  private constructor(
    fn: PciFunction,
    id: DriverId,
    set: DmaSet,
    parts: Parts,
    mac: Uint8Array,
    mtu: number,
    options: DriverOptions,
  ) {
    this.#fn = fn;
    this.#options = options;
    this.name = id.name;
    this.mac = mac;
    this.#set = set;
    this.#pci = parts.pci;
    this.features = parts.features;
    this.#queues = parts.queues;
    this.#rx = parts.rx;
    this.#tx = parts.tx;
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
    this.#rx.start();
    this.#status.running = true;
    this.#configChanged = true;
    this.#stalledSince = NEVER;
    this.#nextLook = 0;
    const { features } = this;
    if (!has(features, NET_FEATURE.MAC) && has(features, NET_FEATURE.CTRL_MAC_ADDR)) this.#control?.setMac(this.mac);
    if (this.#filter) this.#applyFilter();
    if (this.#mode !== 'polled') this.#arm();
  }

  #enableInterrupts(modes: readonly InterruptMode[]): void {
    const config = (): void => {
      this.#counts.interrupts++;
      this.#configChanged = true;
      this.onReady?.();
    };
    const queue = (): void => {
      this.#counts.interrupts++;
      this.#disarm();
      this.onReady?.();
    };
    const both = (): void => {
      this.#configChanged = true;
      queue();
    };
    const chosen = chooseInterrupts(this.#fn, modes, {
      intx: () => this.#intx(),
      // Configuration, receive, transmit; or one for both queues; or one for everything.
      msix: [[config, queue, queue], [config, queue], [both]],
    });
    this.#mode = chosen.mode;
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
      this.#gone('ISR');
      return false;
    }
    this.#counts.interrupts++;
    if ((cause & ISR.CONFIG) !== 0) this.#configChanged = true;
    if ((cause & ISR.QUEUE) !== 0) this.#disarm();
    this.onReady?.();
    return true;
  }

  #disarm(): void {
    this.#armed = false;
    this.#queues[RX_QUEUE]!.setInterrupts(false);
    this.#queues[TX_QUEUE]!.setInterrupts(false);
  }

  /** Interrupts on again. Something that came before is work for the caller, not for an interrupt. */
  #arm(): boolean {
    this.#armed = true;
    const received = this.#queues[RX_QUEUE]!.setInterrupts(true);
    // A sent frame is worth an interrupt only while somebody waits for room.
    const sent = !this.#tx.ready && this.#queues[TX_QUEUE]!.setInterrupts(true);
    // What is there already was counted without an interrupt, and with EVENT_IDX none comes before the index is moved
    // on: it is armed again once that is taken.
    if (received || sent) this.#armed = false;
    // A received frame that must wait for room to answer it is no work yet: the transmit queue will tell.
    return sent || (received && this.#tx.ready);
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
    if (!this.#tx.ready && !this.#reclaim()) return false;
    return this.#rx.receive(frame);
  }

  reserve(_now: Micros, frame: Frame, bytes: number): boolean {
    if (!this.#status.running) return false;
    if (this.#tx.reserve(frame, bytes)) return true;
    if (this.#reclaim() && this.#tx.reserve(frame, bytes)) return true;
    return false;
  }

  /** Makes room; when there is none, the device says when there is some. */
  #reclaim(): boolean {
    if (this.#tx.reclaim() > 0) return true;
    if (this.#mode === 'polled') return false;
    return this.#queues[TX_QUEUE]!.setInterrupts(true) && this.#tx.reclaim() > 0;
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
    if (this.#control) work += this.#control.step();
    this.#watch(now, work > 0);
    if (this.#configChanged || now >= this.#nextLook) work += this.#look(now);
    if (!this.#status.running) return work;
    if (this.#queues.some(isBroken)) this.#recover('a queue held something impossible');
    else if (this.#mode !== 'polled' && !this.#armed && this.#arm()) work++;
    return work;
  }

  get nextStep(): Micros {
    if (!this.#status.running) return NEVER;
    const stall = this.#stalledSince + STALL_US;
    const control = this.#control?.pending ? this.#nextLook - LOOK_US + POLL_US : NEVER;
    return Math.min(this.#nextLook, stall, control);
  }

  /** Is it there, is it well, is the link up. */
  #look(now: Micros): number {
    this.#configChanged = false;
    const status = this.#pci.status;
    this.#nextLook = now + (this.#mode === 'polled' ? POLL_US : LOOK_US);
    if (status === GONE) {
      this.#gone('DEVICE_STATUS');
      return 1;
    }
    if ((status & DEVICE_STATUS.NEEDS_RESET) !== 0) {
      this.#recover('the device asked to be reset');
      return 1;
    }
    this.#missed();
    const link = readLink(this.#pci, this.features);
    if (link.announce && this.#control && has(this.features, NET_FEATURE.GUEST_ANNOUNCE)) this.#control.announced();
    const { up } = this.#status.link;
    this.#status.setLink(link.up, link.speed, true);
    if (link.up === up) return 0;
    this.#counts.linkChanges++;
    return 1;
  }

  /**
   * An interrupt that got lost is the last one: its pin stays high until ISR is read, its message is not sent again before
   * the index is moved on. Every two seconds both are done without being asked.
   */
  #missed(): void {
    if (this.#mode === 'polled') return;
    this.#armed = false;
    if (this.#mode === 'intx') this.#intx();
  }

  /** Frames that stay with the device although it should have taken them: ring again, in case a doorbell got lost. */
  #watch(now: Micros, moved: boolean): void {
    const { pending } = this.#tx;
    if (moved || pending === 0 || pending !== this.#stalledAt) {
      this.#stalledSince = pending === 0 ? NEVER : now;
      this.#stalledAt = pending;
      return;
    }
    if (now - this.#stalledSince < STALL_US) return;
    this.#stalledSince = now;
    this.#counts.kicks++;
    this.#queues[TX_QUEUE]!.ring();
  }

  /** Resets and starts again with new queues; frames that the device had are counted as lost, never as sent. */
  #recover(reason: string): void {
    this.#status.running = false;
    this.#status.setLink(false, 0, false);
    this.#counts.resets++;
    this.#counts.txLost += this.#tx.pending;
    this.#recovery = spawn(
      this.#fn.host.scheduler,
      this.#restart(reason),
      () => {
        this.#recovery = undefined;
      },
      (error) => {
        this.#recovery = undefined;
        this.#lost(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  *#restart(reason: string): Task<void> {
    const pci = this.#pci;
    yield* pci.reset();
    this.#keepCounts();
    // After the reset the device uses none of it (§2.4.1).
    this.#set.free();
    this.#set = new DmaSet(this.#fn.dma);
    const features = pci.negotiate(this.features, this.name);
    if (features.low !== this.features.low || features.high !== this.features.high)
      throw new NicError('bad-device', 'it offers other features than before its reset', { device: this.name });
    const parts = build(pci, features, this.#set, this.capabilities.mtu, this.#options, this.name);
    this.#queues = parts.queues;
    this.#rx = parts.rx;
    this.#tx = parts.tx;
    this.#control = parts.control;
    this.#enableInterrupts([this.#mode]);
    this.#run();
    this.#status.events.emit('recovered', reason);
    this.onReady?.();
  }

  #keepCounts(): void {
    this.#before = this.#totals();
  }

  #gone(register: string): void {
    const place = { device: this.name, register, value: GONE };
    this.#lost(new NicError('gone', `${register} reads all ones: the device is gone`, place));
  }

  #lost(error: Error): void {
    if (this.#status.ended) return;
    this.#keepCounts();
    this.#release();
    this.#status.fail(error);
  }

  #release(): void {
    this.#recovery?.stop();
    this.#recovery = undefined;
    this.#fn.disableInterrupts();
    this.#fn.disableMaster();
    this.#set.free();
  }

  setReceiveFilter(promiscuous: boolean, multicast: readonly Uint8Array[] | 'all'): void {
    const all = multicast === 'all' || multicast.length > MOST_ADDRESSES;
    this.#filter = {
      promiscuous,
      all,
      multicast: all ? [] : (multicast as readonly Uint8Array[]).map((mac) => mac.slice()),
    };
    if (this.#status.running) this.#applyFilter();
  }

  /** Without CTRL_RX the device lets everything through, or does as it likes (§5.1.6.5.1). */
  #applyFilter(): void {
    const { promiscuous, all, multicast } = this.#filter!;
    this.#control?.setFilter(promiscuous, all, multicast, this.mac);
  }

  #totals(): Totals {
    const [before, rx, tx] = [this.#before, this.#rx, this.#tx];
    return {
      rxPackets: before.rxPackets + rx.packets,
      rxBytes: before.rxBytes + rx.bytes,
      rxMalformed: before.rxMalformed + rx.malformed,
      txPackets: before.txPackets + tx.slots.packets,
      txBytes: before.txBytes + tx.slots.bytes,
      txRefused: before.txRefused + tx.slots.refused,
    };
  }

  statistics(): Readonly<Record<string, number>> {
    return {
      ...(this.#status.ended ? this.#before : this.#totals()),
      ...this.#counts,
      rxDoorbells: this.#queues[RX_QUEUE]!.doorbells,
      txDoorbells: this.#queues[TX_QUEUE]!.doorbells,
      controlRefused: this.#control?.refused ?? 0,
      controlSent: this.#control?.sent ?? 0,
    };
  }

  /** Resets the device, then gives everything back. */
  *close(): Task<void> {
    if (this.#status.ended) return;
    this.#recovery?.stop();
    this.#keepCounts();
    this.#status.end();
    try {
      yield* this.#pci.reset();
    } finally {
      this.#release();
    }
  }
}

function isBroken(queue: VirtQueue): boolean {
  return queue.broken;
}
