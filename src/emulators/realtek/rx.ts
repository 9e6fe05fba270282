/**
 * The receiver: lengths, FCS, PAUSE and addresses decide whether a frame comes in; it is summed and written to the guest's
 * buffers, and what finds no descriptor waits in the FIFO. No doorbell tells of new descriptors: the chip looks again with the
 * next frame, and after some time. Source: RTL8169 specification, registers 37h, 44h, DAh and E0h, Rx descriptor.
 */

import type { FrameFate, LinkFrame } from '../../link/port.js';
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, meta, put, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor, ModelAlarm } from '../function.js';
import { type ChecksumFindings, checkFrame, emptyFindings } from '../offload/checksum.js';
import { RxFifo } from '../offload/fifo.js';
import { FrameWriter } from '../offload/frame-writer.js';
import type { RealtekChip } from './chip.js';
import { type FilterUnit, Match } from './filter.js';
import type { FlowControl } from './flow-control.js';
import type { InterruptUnit } from './interrupts.js';
import { Room, RxRing } from './rx-ring.js';
import type { TallyUnit } from './tally.js';

const { CR, RMS, CPCR, MISC, MCU, RDSAR_LO, RDSAR_HI, RXD_OPTS1, RXD_OPTS2, RCR } = rtl8168h;
const { ROK, RER, RDU, FOVW, SERR } = rtl8168h.ISR;
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
/** PID. */
const Protocol = { tcp: 1, udp: 2, ip: 3 } as const;
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
  readonly ring: RxRing;
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
  /** The chip was told that it has no descriptor; it tells again when it had one in between. */
  #starved = false;
  #wait: Micros = AGAIN;
  #stopped = false;
  #told = false;

  constructor(bus: DeviceBus, regs: RegisterFile, chip: RealtekChip, parts: RxParts) {
    this.#bus = bus;
    this.#values = regs.values;
    this.#chip = chip;
    this.#parts = parts;
    this.ring = new RxRing(bus, regs, parts.slot);
    this.#fifo = new RxFifo(bus, chip.fifoBytes);
    this.#alarm = bus.alarm(() => this.#drain());
    [this.#cr, this.#rcr, this.#rms] = [regs.slot(CR), regs.slot(chip.registers.RCR), regs.slot(RMS)];
    [this.#cpcr, this.#misc, this.#mcu] = [regs.slot(CPCR), regs.slot(MISC), regs.slot(MCU)];
    this.#strip = regs.slot(chip.strip.register);
    regs.on(RDSAR_LO, {
      write: (value, _index, old) => this.#given(RDSAR_LO, value, old, old !== 0 || regs.get(RDSAR_HI) !== 0),
    });
    regs.on(RDSAR_HI, {
      write: (value, _index, old) => this.#given(RDSAR_HI, value, old, old !== 0 || regs.get(RDSAR_LO) !== 0),
    });
  }

  reset(): void {
    this.#empty();
    this.ring.reset();
    this.#stopped = this.#told = false;
  }

  /** Nothing waits in the FIFO. */
  get idle(): boolean {
    return this.#fifo.frames === 0;
  }

  /** CR was written. */
  enabled(value: number, old: number): void {
    if (((value ^ old) & CR.RE) === 0) return;
    this.#stopped = this.#told = false;
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
    if (this.#fifo.frames === 0 && this.#bus.schedule !== 'adversarial' && this.#deliver(frame, flags))
      return 'delivered';
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
      this.#alarm.arm(this.#bus.now + (this.#starved ? this.#wait : this.#bus.delay(200)));
    return 'queued';
  }

  #drain(): void {
    const frame = this.#queued;
    let left = this.#bus.slice(BATCH);
    while (this.#fifo.frames > 0 && left > 0 && (this.#values[this.#cr]! & CR.RE) !== 0 && !this.#stopped) {
      const flags = this.#fifo.peek(frame);
      frame.fcsOk = (flags & BAD) === 0;
      if (!this.#deliver(frame, flags)) {
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

  /** Writes one frame to the guest's buffers. False: not now, and nothing was done. */
  #deliver(frame: LinkFrame, flags: number): boolean {
    const { interrupts, tally } = this.#parts;
    if (this.#stopped || !this.#parts.mayMaster()) return false;
    if (this.ring.base === 0) {
      this.#ringless();
      return false;
    }
    const { u8 } = frame.arena;
    const at = frame.offset;
    const tagged = ((u8[at + 12]! << 8) | u8[at + 13]!) === VLAN;
    const strip = tagged && (this.#values[this.#strip]! & this.#chip.strip.mask) !== 0;
    const room = this.ring.look(FrameWriter.size(frame, strip, true));
    if (room !== Room.enough) return this.#without(room);
    this.#starved = false;
    this.#wait = AGAIN;
    const match = flags & ~BAD;
    const damaged = (flags & BAD) !== 0;
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
    this.ring.write(frame, strip, opts1, opts2);
    if (damaged || short) tally.count(TALLY_RX_ER);
    else tally.received(frame.length, match >= Match.multicast, match === Match.broadcast);
    interrupts.received(damaged || short ? ROK | RER : ROK);
    return true;
  }

  /** No descriptors for the frame. True: it is lost, and the next one may try. */
  #without(room: number): boolean {
    const { interrupts, tally } = this.#parts;
    if (room === Room.fault) {
      this.#stopped = true;
      interrupts.raise(SERR);
      return false;
    }
    if (room === Room.never) {
      tally.count(TALLY_MISS_PKT);
      return true;
    }
    if (!this.#starved) interrupts.raise(RDU);
    this.#starved = true;
    return false;
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
    if (found.protocol === 0) return put(failed, PID, Protocol.ip);
    const tcp = found.protocol === TCP;
    const wrong = found.l4Checked && !found.l4Ok ? (tcp ? TCPF : UDPF) : 0;
    return put(failed | wrong, PID, tcp ? Protocol.tcp : Protocol.udp);
  }

  /** @param had the ring had an address before */
  #given(register: AnyReg, value: number, old: number, had: boolean): void {
    if (value !== old && had && (this.#values[this.#cr]! & CR.RE) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: register[meta].name,
        value,
        message: 'the receive ring was changed while CR.RE is set',
        ref: register[meta].ref,
      });
    }
    this.ring.reset();
    this.#stopped = this.#starved = false;
    this.kick();
  }

  #ringless(): void {
    this.#stopped = true;
    this.#bus.report({
      rule: 'use-before-ready',
      register: RDSAR_LO[meta].name,
      value: 0,
      message: 'a frame came and the receive ring has no address',
      ref: RDSAR_LO[meta].ref,
    });
  }

  #empty(): void {
    this.#alarm.cancel();
    this.#fifo.reset();
    this.#starved = false;
    this.#wait = AGAIN;
    this.#parts.flow.level(0);
  }
}
