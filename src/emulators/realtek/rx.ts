/**
 * The receiver: lengths, FCS, PAUSE and addresses decide whether a frame comes in; it is summed and written to the guest's
 * buffers, and what finds no descriptor waits in the FIFO. No doorbell tells of new descriptors: the chip looks again with the
 * next frame, and after some time. A chip may spread frames over several queues: while more than one is on, a frame whose queue
 * has no descriptor is lost, so that it does not stop the others.
 * Source: RTL8169 specification, registers 37h, 44h, DAh and E0h, Rx descriptor.
 */

import type { FrameFate, LinkFrame } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, meta, put, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor, ModelAlarm } from '../function.js';
import { type ChecksumFindings, checkFrame, emptyFindings } from '../offload/checksum.js';
import { RxFifo } from '../offload/fifo.js';
import { FrameWriter } from '../offload/frame-writer.js';
import { NO_QUEUE, type RealtekChip, type Spreading } from './chip.js';
import { type FilterUnit, Match } from './filter.js';
import type { FlowControl } from './flow-control.js';
import type { InterruptUnit } from './interrupts.js';
import { Protocol, Room, RxRing } from './rx-ring.js';
import type { TallyUnit } from './tally.js';

const { CR, RMS, CPCR, MISC, MCU, RXD_OPTS1, RXD_OPTS2, RCR } = rtl8168h;
const { ROK, RER, FOVW, SERR } = rtl8168h.ISR;
const { TALLY_RX_ER, TALLY_MISS_PKT } = rtl8168h;

/** Frames that one slice moves out of the FIFO. */
const BATCH = 64;
const FCS = 4;
const TAG = 4;
const MIN_FRAME = 60;
/** Longest length that a descriptor can tell, FCS included. */
const MAX_LENGTH = RXD_OPTS1.LEN;
const VLAN = 0x8100;
const IPV6 = 0x86dd;
const TCP = 6;
/** How long the chip waits before it looks at a descriptor again that it did not own. */
const AGAIN: Micros = 50;
const RARELY: Micros = 1_600;
/** Beside the kind of match, of frames that wait: the FCS was bad. */
const BAD = 8;

/** What the receiver needs of the rest of the chip. */
export interface RxParts {
  readonly interrupts: InterruptUnit;
  readonly tally: TallyUnit;
  readonly flow: FlowControl;
  readonly filter: FilterUnit;
  readonly slot: FrameDescriptor;
  /** COMMAND.MASTER: without it frames wait. Drivers clear it before they stop the chip (r8169 rtl8169_down). */
  mayMaster(): boolean;
}

/** The receive unit. */
export class RxUnit {
  /** By queue. */
  readonly rings: readonly RxRing[];
  readonly #first: RxRing;
  readonly #spreading: Spreading | undefined;
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #chip: RealtekChip;
  readonly #parts: RxParts;
  readonly #fifo: RxFifo;
  readonly #alarm: ModelAlarm;
  readonly #found: ChecksumFindings = emptyFindings();
  readonly #queued: LinkFrame = { arena: undefined as never, offset: 0, length: 0, fcsOk: true };
  readonly #cr: number;
  readonly #rcr: number;
  readonly #rms: number;
  readonly #cpcr: number;
  readonly #misc: number;
  readonly #mcu: number;
  readonly #strip: number;
  readonly #wide: number;
  /** Of each queue, by its bit: the guest was told that it has no descriptor; it is told again when it had one in between. */
  #starved = 0;
  /** Of each queue: the guest was told that it has no ring. */
  #ringless = 0;
  #wait: Micros = AGAIN;
  #stopped = false;
  #told = false;

  constructor(bus: DeviceBus, regs: RegisterFile, chip: RealtekChip, parts: RxParts) {
    this.#bus = bus;
    this.#values = regs.values;
    this.#chip = chip;
    this.#parts = parts;
    this.rings = chip.rxRings.map((ring) => new RxRing(bus, regs, parts.slot, ring, chip.rxFormat));
    this.#first = this.rings[0]!;
    this.#spreading = chip.spreading?.(bus, regs);
    this.#wide = chip.rxFormat.wide;
    this.#fifo = new RxFifo(bus, chip.fifoBytes);
    this.#alarm = bus.alarm(() => this.#drain());
    [this.#cr, this.#rcr, this.#rms] = [regs.slot(CR), regs.slot(chip.registers.RCR), regs.slot(RMS)];
    [this.#cpcr, this.#misc, this.#mcu] = [regs.slot(CPCR), regs.slot(MISC), regs.slot(MCU)];
    this.#strip = regs.slot(chip.strip.register);
    for (const register of new Set(chip.rxRings.map(({ low }) => low))) this.#watch(regs, register, 'high');
    for (const register of new Set(chip.rxRings.map(({ high }) => high))) this.#watch(regs, register, 'low');
  }

  reset(): void {
    this.#empty();
    for (const ring of this.rings) ring.reset();
    this.#stopped = this.#told = false;
    this.#ringless = 0;
  }

  /** All registers have the values of power-on. */
  forget(): void {
    this.#spreading?.reset();
  }

  /** Nothing waits in the FIFO. */
  get idle(): boolean {
    return this.#fifo.frames === 0;
  }

  /** CR was written. */
  enabled(value: number, old: number): void {
    if (((value ^ old) & CR.RE) === 0) return;
    this.#stopped = this.#told = false;
    this.#ringless = 0;
    if ((value & CR.RE) === 0) this.#empty();
  }

  /** Looks whether frames that wait find descriptors now. */
  kick(): void {
    if (this.#fifo.frames === 0) return;
    this.#wait = AGAIN;
    this.#alarm.arm(this.#bus.now);
  }

  /** A frame from the link, or from our own transmitter in loopback. */
  receive(frame: LinkFrame): FrameFate {
    const gated =
      (this.#values[this.#misc]! & MISC.RXDV_GATED_EN) !== 0 || (this.#values[this.#mcu]! & MCU.NOW_IS_OOB) !== 0;
    if ((this.#values[this.#cr]! & CR.RE) === 0 || gated) return 'receiver-off';
    const { u8 } = frame.arena;
    const { tally, filter, flow } = this.#parts;
    const refused = this.#refuses(frame);
    if (refused !== undefined) {
      tally.count(TALLY_RX_ER);
      return refused;
    }
    if (frame.fcsOk && flow.takes(frame)) return 'pause-frame';
    const match = filter.address(u8, frame.offset);
    if (match === Match.none) return 'filtered';
    const flags = match | (frame.fcsOk ? 0 : BAD);
    if (this.#fifo.frames === 0 && this.#bus.schedule !== 'adversarial') {
      const fate = this.#deliver(frame, flags);
      if (fate !== undefined) return fate;
    }
    return this.#queue(frame, flags);
  }

  /** What is wrong with the frame itself, unless RCR accepts it so. */
  #refuses(frame: LinkFrame): FrameFate | undefined {
    const control = this.#values[this.#rcr]!;
    const bytes = frame.length + FCS;
    if (bytes > Math.min(this.#values[this.#rms]!, MAX_LENGTH)) {
      this.#unset();
      return 'too-long';
    }
    if (!frame.fcsOk && (control & RCR.AER) === 0) return 'bad-fcs';
    return frame.length < MIN_FRAME && (control & RCR.AR) === 0 ? 'too-short' : undefined;
  }

  /** Frames that come although RMS was never set: no driver wants that. */
  #unset(): void {
    if (this.#values[this.#rms] !== 0 || this.#told) return;
    this.#told = true;
    this.#bus.report({
      rule: 'negotiation-order',
      register: RMS[meta].name,
      value: 0,
      message: 'the receiver is on and RMS lets no frame in',
      ref: RMS[meta].ref,
    });
  }

  #queue(frame: LinkFrame, flags: number): FrameFate {
    const { interrupts, tally, flow } = this.#parts;
    if (!this.#fifo.push(frame, flags, this.#chip.fifoBytes)) {
      tally.count(TALLY_MISS_PKT);
      interrupts.raise(FOVW);
      flow.level(this.#fifo.used);
      return 'fifo-full';
    }
    flow.level(this.#fifo.used);
    if (!this.#alarm.armed && !this.#stopped)
      this.#alarm.arm(this.#bus.now + (this.#starved !== 0 ? this.#wait : this.#bus.delay(200)));
    return 'queued';
  }

  #drain(): void {
    const frame = this.#queued;
    let left = this.#bus.slice(BATCH);
    while (this.#fifo.frames > 0 && left > 0 && (this.#values[this.#cr]! & CR.RE) !== 0 && !this.#stopped) {
      const flags = this.#fifo.peek(frame);
      frame.fcsOk = (flags & BAD) === 0;
      if (this.#deliver(frame, flags) === undefined) {
        if (this.#stopped || !this.#parts.mayMaster()) return;
        this.#alarm.arm(this.#bus.now + this.#wait);
        this.#wait = Math.min(2 * this.#wait, RARELY);
        return;
      }
      this.#fifo.pop(frame);
      left--;
      this.#parts.flow.level(this.#fifo.used);
    }
    if (this.#fifo.frames > 0 && !this.#stopped) this.#alarm.arm(this.#bus.now + this.#bus.delay(100));
  }

  /** Writes one frame to the guest's buffers. @returns what became of it; undefined: not now, and nothing was done */
  #deliver(frame: LinkFrame, flags: number): FrameFate | undefined {
    const { interrupts, tally } = this.#parts;
    if (this.#stopped || !this.#parts.mayMaster()) return undefined;
    const damaged = (flags & BAD) !== 0;
    const spreading = this.#spreading;
    let queue = 0;
    let ring = this.#first;
    if (spreading?.on) {
      queue = damaged ? spreading.unhashed() : spreading.classify(frame);
      if (queue === NO_QUEUE) return this.#lost();
      if (queue !== 0) ring = this.rings[queue]!;
    }
    if (ring.base === 0) return this.#withoutRing(queue);
    const { u8 } = frame.arena;
    const at = frame.offset;
    const tagged = ((u8[at + 12]! << 8) | u8[at + 13]!) === VLAN;
    const strip = tagged && (this.#values[this.#strip]! & this.#chip.strip.mask) !== 0;
    const wide = (this.#values[this.#rcr]! & this.#wide) !== 0;
    const room = ring.look(FrameWriter.size(frame, strip, true), wide);
    if (room !== Room.enough) return this.#without(room, queue);
    this.#starved &= ~(1 << queue);
    this.#wait = AGAIN;
    const match = flags & ~BAD;
    const short = frame.length < MIN_FRAME;
    let opts1 =
      match === Match.broadcast
        ? RXD_OPTS1.BAR
        : match === Match.multicast
          ? RXD_OPTS1.MAR
          : match === Match.station
            ? RXD_OPTS1.PAM
            : 0;
    if (damaged) opts1 |= RXD_OPTS1.CRC | RXD_OPTS1.RES;
    if (short) opts1 |= RXD_OPTS1.RUNT | RXD_OPTS1.RES;
    // The tag with its bytes swapped, as TXD_OPTS2 has it.
    let opts2 = strip ? RXD_OPTS2.TAVA | u8[at + 14]! | (u8[at + 15]! << 8) : 0;
    if ((this.#values[this.#cpcr]! & CPCR.RXCHKSUM) !== 0 && !damaged) {
      opts2 |= this.#network(u8, at, tagged);
      opts1 |= this.#sums(frame, opts2);
    }
    ring.write(frame, strip, opts1, opts2, wide ? spreading : undefined);
    if (damaged || short) tally.count(TALLY_RX_ER);
    else tally.received(frame.length, match >= Match.multicast, match === Match.broadcast);
    if (queue === 0) interrupts.received(damaged || short ? ROK | RER : ROK);
    else interrupts.receivedBy(queue);
    return 'delivered';
  }

  /** No descriptors for the frame: it waits, or is lost and the next one may try. */
  #without(room: number, queue: number): FrameFate | undefined {
    const { interrupts } = this.#parts;
    if (room === Room.fault) {
      this.#stopped = true;
      interrupts.raise(SERR);
      return undefined;
    }
    if (room === Room.never) return this.#lost();
    const bit = 1 << queue;
    if ((this.#starved & bit) === 0) interrupts.starved(queue);
    this.#starved |= bit;
    return this.#several ? this.#lost() : undefined;
  }

  /** More than one queue is on. */
  get #several(): boolean {
    return this.#spreading !== undefined && this.#spreading.queues > 1;
  }

  #lost(): FrameFate {
    this.#parts.tally.count(TALLY_MISS_PKT);
    return 'ring-empty';
  }

  #network(u8: Uint8Array, at: number, tagged: boolean): number {
    const place = at + 12 + (tagged ? TAG : 0);
    const type = (u8[place]! << 8) | u8[place + 1]!;
    return type === 0x0800 ? RXD_OPTS2.IPV4 : type === IPV6 ? RXD_OPTS2.IPV6 : 0;
  }

  #sums(frame: LinkFrame, opts2: number): number {
    if ((opts2 & (RXD_OPTS2.IPV4 | RXD_OPTS2.IPV6)) === 0) return 0;
    const found = this.#found;
    checkFrame(frame.arena, frame.offset, frame.length, found);
    if (found.l3 === 0) return 0;
    const { PID, IPF, TCPF, UDPF } = RXD_OPTS1;
    const failed = found.ipChecked && !found.ipOk ? IPF : 0;
    if (found.protocol === 0) return put(failed, PID, this.#chip.rxFormat.otherIp);
    const tcp = found.protocol === TCP;
    const wrong = found.l4Checked && !found.l4Ok ? (tcp ? TCPF : UDPF) : 0;
    return put(failed | wrong, PID, tcp ? Protocol.tcp : Protocol.udp);
  }

  /** Elements of `register` are halves of addresses of rings, `other` names the other halves. */
  #watch(regs: RegisterFile, register: AnyReg, other: 'low' | 'high'): void {
    regs.on(register, {
      write: (value, index, old) => {
        const mine = other === 'high' ? 'low' : 'high';
        const ring = this.rings.find(({ registers: own }) => own[mine] === register && own.index === index)!;
        const had = old !== 0 || regs.get(ring.registers[other], index) !== 0;
        this.#given(ring, register, value, value !== old && had);
      },
    });
  }

  /** Half of the address of `ring` was written. @param moved it had one before, and another one */
  #given(ring: RxRing, register: AnyReg, value: number, moved: boolean): void {
    if (moved && (this.#values[this.#cr]! & CR.RE) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: register[meta].name,
        value,
        message: 'the receive ring was changed while CR.RE is set',
        ref: register[meta].ref,
      });
    }
    ring.reset();
    this.#stopped = false;
    this.#starved = this.#ringless = 0;
    this.kick();
  }

  /** While one queue is on, nothing goes on before it has a ring. */
  #withoutRing(queue: number): FrameFate | undefined {
    const bit = 1 << queue;
    const told = (this.#ringless & bit) !== 0;
    this.#ringless |= bit;
    if (!told) {
      const { low } = this.rings[queue]!.registers;
      const { name, ref } = low[meta];
      const which = queue === 0 ? 'the receive ring' : `the ring of receive queue ${queue}`;
      this.#bus.report({
        rule: 'use-before-ready',
        register: name,
        value: 0,
        message: `a frame came and ${which} has no address`,
        ref,
      });
    }
    if (this.#several) return this.#lost();
    this.#stopped = true;
    return undefined;
  }

  #empty(): void {
    this.#alarm.cancel();
    this.#fifo.reset();
    this.#starved = 0;
    this.#wait = AGAIN;
    this.#parts.flow.level(0);
  }
}
