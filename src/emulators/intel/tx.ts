/**
 * A transmit queue. It fetches descriptors from TDH to TDT, gathers a packet, sums and segments it, and hands finished
 * frames to the link. Source: 8254x §3.3 to §3.5; 82574 §7.2 and §7.3.
 */
import { crc32 } from '../../link/crc32.js';
import type { LinkFrame } from '../../link/port.js';
import { i82540em, meta, pick, type RegisterFile } from '../../registers/index.js';
import { type DeviceBus, DmaFault, type FrameDescriptor, type ModelAlarm } from '../function.js';
import { insertChecksum } from '../offload/checksum.js';
import type { IntelChip, TxRing } from './chip.js';
import type { StatisticsUnit } from './statistics.js';
import { type OffloadContext, TsoUnit } from './tso.js';
import type { TxInterrupts, TxOwner, TxQueueOptions } from './tx-owner.js';

const { TCTL, TDLEN, TXDCTL, CTRL, ICR } = i82540em;
const { DESCRIPTOR_BYTES } = i82540em;
const { LENGTH, CSO, EOP, IFCS, IC, RS, DEXT, VLE, IDE } = i82540em.TXD_CMD;
const { CSS, SPECIAL } = i82540em.TXD_STATUS;
const { DTALEN, DTYP, TSE } = i82540em.TXD_DATA;
const { IXSM, TXSM, DD } = i82540em.TXD_POPTS;
const { CTX_IP, CTX_TU, CTX_CMD } = i82540em;

/** Descriptors fetched at a time; also the most that one slice sends. */
const BATCH = 64;
/** Largest packet without segmentation (8254x §3.3.2). */
const MAX_PACKET = 16288;
/** Before the frame there is room for a VLAN tag. */
const HEADROOM = 18;
const MIN_FRAME = 60;

/** One transmit queue. */
export class TxUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #chip: IntelChip;
  readonly #registers: TxRing;
  readonly #queue: number;
  readonly #interrupts: TxInterrupts;
  readonly #statistics: StatisticsUnit;
  readonly #owner: TxOwner;
  readonly #slot: FrameDescriptor;
  readonly #ringName: string;
  readonly #alarm: ModelAlarm;
  readonly #values: Int32Array;
  readonly #tdh: number;
  readonly #tdt: number;
  readonly #tctl: number;
  readonly #ring: number;
  readonly #packet: number;
  readonly #frame: LinkFrame;
  readonly #context: OffloadContext = { known: false, ip: 0, tu: 0, command: 0, mss: 0 };
  readonly #tso: TsoUnit;
  readonly #ringWords: number;
  /** Bytes gathered of the current packet. */
  #length = 0;
  #overflow = false;
  /** First data descriptor's options hold for the packet (8254x §3.3.7.1). */
  #options = 0;
  #tag = 0;
  #tagged = false;

  constructor(
    bus: DeviceBus,
    regs: RegisterFile,
    chip: IntelChip,
    interrupts: TxInterrupts,
    statistics: StatisticsUnit,
    owner: TxOwner,
    options: TxQueueOptions,
  ) {
    const { ring } = options;
    this.#bus = bus;
    this.#regs = regs;
    this.#values = regs.values;
    this.#chip = chip;
    this.#registers = ring;
    this.#queue = options.index;
    this.#slot = options.slot;
    this.#ringName = `TX ring ${options.index}`;
    this.#interrupts = interrupts;
    this.#statistics = statistics;
    this.#owner = owner;
    this.#alarm = bus.alarm(() => this.#run());
    this.#tdh = regs.slot(ring.TDH);
    this.#tdt = regs.slot(ring.TDT);
    this.#tctl = regs.slot(chip.map.TCTL);
    this.#ring = bus.allocBuffer(BATCH * DESCRIPTOR_BYTES);
    this.#ringWords = this.#ring >> 2;
    this.#packet = bus.allocBuffer(HEADROOM + MAX_PACKET + 64) + HEADROOM;
    this.#tso = new TsoUnit(bus, chip.sections, this.#context, this.#packet, MAX_PACKET, (bytes) =>
      this.#send(bytes, true),
    );
    this.#frame = { arena: bus.arena, offset: 0, length: 0, fcsOk: true };
    regs.on(ring.TDT, { write: (value) => this.#doorbell(value & 0xffff) });
    regs.on(ring.TDLEN, { write: (value, _index, old) => this.#checkRing(value, old) });
  }

  reset(): void {
    this.#alarm.cancel();
    this.#length = 0;
    this.#overflow = this.#context.known = false;
    this.#tso.reset();
    this.#options = this.#tag = 0;
    this.#tagged = false;
  }

  /** The guest gave it a ring. */
  get hasRing(): boolean {
    return this.#regs.get(this.#registers.TDLEN) !== 0;
  }

  /** Looks whether there is work: after a doorbell, or when the link has come. */
  kick(): void {
    if (!this.#alarm.armed) this.#alarm.arm(this.#bus.now + this.#bus.delay(200));
  }

  #doorbell(tail: number): void {
    const size = this.#regs.get(this.#registers.TDLEN) / DESCRIPTOR_BYTES;
    if (size > 0 && tail >= size) {
      this.#bus.report({
        rule: 'tail-beyond-ring',
        register: this.#registers.TDT[meta].name,
        value: tail,
        message: `the ring has ${size} descriptors`,
        ref: this.#registers.TDT[meta].ref,
      });
    }
    if ((this.#values[this.#tctl]! & TCTL.EN) === 0) return; // Set-up code may write TDT before TCTL.EN.
    this.#owner.rung();
    this.kick();
  }

  /** TCTL.EN was set: frames that wait may go. @param alone no other queue can be meant, so it must have a ring */
  enabled(alone: boolean): void {
    if (alone && !this.hasRing) {
      this.#bus.report({
        rule: 'ring-length',
        register: this.#registers.TDLEN[meta].name,
        value: 0,
        message: 'the transmitter was enabled without a ring',
        ref: this.#chip.sections.initialisation,
      });
    }
    this.kick();
  }

  #checkRing(value: number, old: number): void {
    if ((value & ~TDLEN.LEN) !== 0) {
      this.#bus.report({
        rule: 'ring-length',
        register: this.#registers.TDLEN[meta].name,
        value,
        message: 'the length must be a multiple of 128 bytes below 1 MiB',
        ref: this.#registers.TDLEN[meta].ref,
      });
    }
    // Giving a unit that was enabled without a ring one is the end of that mistake, no second one.
    if (old !== 0 && (this.#values[this.#tctl]! & TCTL.EN) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: this.#registers.TDLEN[meta].name,
        value,
        message: 'the ring was changed while TCTL.EN is set',
        ref: this.#chip.sections.initialisation,
      });
    }
  }

  #run(): void {
    const size = (this.#regs.get(this.#registers.TDLEN) & TDLEN.LEN) / DESCRIPTOR_BYTES;
    if ((this.#values[this.#tctl]! & TCTL.EN) === 0 || size === 0 || !this.#owner.canSend) return;
    const head = this.#values[this.#tdh]!;
    const tail = this.#values[this.#tdt]!;
    if (head === tail) return;
    if (head >= size || tail >= size) {
      this.#bus.report({
        rule: 'tail-beyond-ring',
        register: (head >= size ? this.#registers.TDH : this.#registers.TDT)[meta].name,
        value: head >= size ? head : tail,
        message: `the ring has ${size} descriptors`,
        ref: this.#registers.TDH[meta].ref,
      });
      return;
    }
    const base =
      (this.#regs.get(this.#registers.TDBAH) >>> 0) * 0x1_0000_0000 +
      ((this.#regs.get(this.#registers.TDBAL) & ~15) >>> 0);
    const run = tail > head ? tail - head : size - head;
    const count = this.#bus.slice(Math.min(run, BATCH));
    if (
      this.#bus.read(base + head * DESCRIPTOR_BYTES, this.#bus.arena, this.#ring, count * DESCRIPTOR_BYTES) !==
      DmaFault.none
    ) {
      // A master abort stops the unit until it is enabled again.
      this.#values[this.#tctl]! &= ~TCTL.EN;
      return;
    }
    let done = 0;
    let wrote = false;
    let delayed = true;
    this.#slot.ring = this.#ringName;
    while (done < count && !this.#paced()) {
      const word = this.#ringWords + done * (DESCRIPTOR_BYTES / 4);
      const u32 = this.#bus.arena.u32;
      const command = u32[word + 2]!;
      this.#slot.index = head + done;
      this.#slot.address = base + (head + done) * DESCRIPTOR_BYTES;
      this.#descriptor(u32[word]!, u32[word + 1]!, command, u32[word + 3]!);
      if ((command & RS) !== 0) {
        this.#bus.write32(base + (head + done) * DESCRIPTOR_BYTES + 12, u32[word + 3]! | DD);
        wrote = true;
        if ((command & IDE) === 0) delayed = false;
      }
      done++;
    }
    const next = head + done === size ? 0 : head + done;
    this.#values[this.#tdh] = next;
    if (wrote) this.#interrupts.sent(delayed, this.#queue);
    if (next === this.#values[this.#tdt]) {
      this.#interrupts.raise(ICR.TXQE);
      if (this.#length > 0 || this.#tso.active) this.#unfinished();
    } else {
      this.#low(next, size);
      this.#alarm.arm(
        Math.max(
          this.#bus.now + this.#bus.delay(100),
          this.#bus.schedule === 'timed' ? Math.ceil(this.#owner.wireFree) : 0,
        ),
      );
    }
  }

  /** Timed schedule: true while the wire is still busy with the last frame. */
  #paced(): boolean {
    return this.#bus.schedule === 'timed' && this.#owner.wireFree > this.#bus.now && this.#length === 0;
  }

  #low(head: number, size: number): void {
    const threshold = pick(this.#regs.get(this.#registers.TXDCTL), TXDCTL.LWTHRESH) * 8;
    if (threshold === 0) return;
    const waiting = (this.#values[this.#tdt]! - head + size) % size;
    if (waiting < threshold) this.#interrupts.raise(ICR.TXD_LOW);
  }

  #descriptor(low: number, high: number, command: number, status: number): void {
    if ((command & DEXT) === 0) this.#legacy(low, high, command, status);
    else if (pick(command, DTYP) === 0) this.#takeContext(low, high, command, status);
    else if (pick(command, DTYP) === 1) this.#data(low, high, command, status);
    else {
      this.#bus.report({
        rule: 'descriptor-type',
        register: 'DTYP',
        value: command,
        message: 'descriptors are legacy, context (0) or data (1)',
        ref: this.#chip.sections.transmit,
      });
    }
  }

  #takeContext(low: number, high: number, command: number, status: number): void {
    if (this.#length > 0) {
      this.#bus.report({
        rule: 'descriptor-order',
        register: 'DTYP',
        value: command,
        message: 'a context descriptor stands inside a packet',
        ref: this.#chip.sections.context,
      });
    }
    this.#context.ip = low;
    this.#context.tu = high;
    this.#context.command = command;
    this.#context.mss = status;
    this.#context.known = true;
  }

  #legacy(low: number, high: number, command: number, status: number): void {
    if (this.#length === 0) this.#begin(command, status, 0);
    this.#gather(low, high, command & LENGTH);
    if ((command & EOP) === 0) return;
    if ((command & IC) !== 0 && !this.#overflow) {
      const start = pick(status, CSS);
      const field = pick(command, CSO);
      if (start < this.#length && field + 1 < this.#length) {
        insertChecksum(this.#bus.arena, this.#packet + start, this.#packet + this.#length, this.#packet + field, false);
      } else {
        this.#bus.report({
          rule: 'offload-context',
          register: 'CSO',
          value: field,
          message: `CSS ${start} or CSO ${field} is outside the packet`,
          ref: this.#chip.sections.transmit,
        });
      }
    }
    this.#finish(command);
  }

  #data(low: number, high: number, command: number, status: number): void {
    if (this.#length === 0 && !this.#tso.active) this.#begin(command, status, status);
    if ((command & TSE) !== 0) {
      if (!this.#tso.active) this.#tso.begin(this.#options);
      this.#tso.gather((high >>> 0) * 0x1_0000_0000 + (low >>> 0), command & DTALEN);
      if ((command & EOP) !== 0) this.#statistics.count(this.#tso.end() ? this.#chip.map.TSCTC : this.#chip.map.TSCTFC);
      return;
    }
    this.#gather(low, high, command & DTALEN);
    if ((command & EOP) === 0) return;
    if ((this.#options & (IXSM | TXSM)) !== 0 && !this.#overflow) this.#checksums();
    this.#finish(command);
  }

  #begin(command: number, status: number, options: number): void {
    this.#options = options;
    this.#overflow = false;
    this.#tagged = (command & VLE) !== 0 && (this.#regs.get(this.#chip.map.CTRL) & CTRL.VME) !== 0;
    this.#tag = pick(status, SPECIAL);
  }

  #gather(low: number, high: number, bytes: number): void {
    if (bytes === 0) {
      this.#bus.report({
        rule: 'descriptor-length',
        register: 'LENGTH',
        value: 0,
        message: 'a data buffer of no bytes',
        ref: this.#chip.sections.transmit,
      });
      return;
    }
    if (this.#length + bytes > MAX_PACKET) {
      if (!this.#overflow) {
        this.#bus.report({
          rule: 'frame-too-long',
          register: 'LENGTH',
          value: this.#length + bytes,
          message: `a packet has at most ${MAX_PACKET} bytes`,
          ref: this.#chip.sections.transmit,
        });
      }
      this.#overflow = true;
      return;
    }
    const address = (high >>> 0) * 0x1_0000_0000 + (low >>> 0);
    if (this.#bus.read(address, this.#bus.arena, this.#packet + this.#length, bytes) !== DmaFault.none)
      this.#overflow = true;
    this.#length += bytes;
  }

  /** IP and TCP/UDP checksums of a packet that is not segmented, as the context says. */
  #checksums(): void {
    const arena = this.#bus.arena;
    const at = this.#packet;
    if (!this.#context.known) {
      this.#bus.report({
        rule: 'offload-context',
        register: 'POPTS',
        value: this.#options,
        message: 'a checksum was asked for and no context descriptor came before',
        ref: this.#chip.sections.context,
      });
      return;
    }
    if ((this.#options & IXSM) !== 0) {
      const start = pick(this.#context.ip, CTX_IP.IPCSS);
      const field = pick(this.#context.ip, CTX_IP.IPCSO);
      if (this.#inside(start, field, 'IPCSS/IPCSO')) {
        insertChecksum(arena, at + start, at + this.#end(pick(this.#context.ip, CTX_IP.IPCSE)), at + field, false);
      }
    }
    if ((this.#options & TXSM) !== 0) {
      const start = pick(this.#context.tu, CTX_TU.TUCSS);
      const field = pick(this.#context.tu, CTX_TU.TUCSO);
      if (this.#inside(start, field, 'TUCSS/TUCSO')) {
        insertChecksum(
          arena,
          at + start,
          at + this.#end(pick(this.#context.tu, CTX_TU.TUCSE)),
          at + field,
          (this.#context.command & CTX_CMD.TCP) === 0,
        );
      }
    }
  }

  /** Where summing ends: behind byte `last`, or with the packet for 0. */
  #end(last: number): number {
    return last === 0 ? this.#length : Math.min(last + 1, this.#length);
  }

  #inside(start: number, field: number, what: string): boolean {
    if (start < this.#length && field + 1 < this.#length) return true;
    this.#bus.report({
      rule: 'offload-context',
      register: what,
      value: field,
      message: `start ${start} or field ${field} is outside the packet of ${this.#length} bytes`,
      ref: this.#chip.sections.context,
    });
    return false;
  }

  /** The packet is whole: pads it and sends it. */
  #finish(command: number): void {
    if (!this.#overflow) this.#send(this.#length, (command & IFCS) !== 0);
    this.#length = 0;
  }

  #send(bytes: number, insertFcs: boolean): void {
    const { u8 } = this.#bus.arena;
    const frame = this.#frame;
    let at = this.#packet;
    let length = bytes;
    frame.fcsOk = true;
    if (!insertFcs) {
      // Software supplied the FCS as the last four bytes.
      length -= 4;
      frame.fcsOk =
        length > 0 && crc32(this.#bus.arena, at, length) === this.#bus.arena.view.getInt32(at + length, true);
    }
    if (length < 14) {
      if (bytes === 0) return; // The empty buffer was reported.
      this.#bus.report({
        rule: 'frame-too-short',
        register: 'LENGTH',
        value: length,
        message: 'not even an Ethernet header',
        ref: '802.3 §3.2',
      });
      return;
    }
    if (this.#tagged) {
      u8.copyWithin(at - 4, at, at + 12);
      at -= 4;
      length += 4;
      const type = this.#regs.get(this.#chip.map.VET);
      u8[at + 12] = type >> 8;
      u8[at + 13] = type;
      u8[at + 14] = this.#tag >> 8;
      u8[at + 15] = this.#tag;
    }
    if (length < MIN_FRAME) {
      if ((this.#values[this.#tctl]! & TCTL.PSP) !== 0) {
        u8.fill(0, at + length, at + MIN_FRAME);
        length = MIN_FRAME;
      } else {
        this.#bus.report({
          rule: 'frame-too-short',
          register: 'TCTL',
          value: this.#values[this.#tctl]!,
          message: `a frame of ${length} bytes was sent without TCTL.PSP`,
          ref: this.#chip.map.TCTL[meta].ref,
        });
      }
    }
    frame.offset = at;
    frame.length = length;
    const group = (u8[at]! & 1) !== 0;
    this.#statistics.sent(
      length + 4,
      group,
      group &&
        u8[at] === 0xff &&
        u8[at + 1] === 0xff &&
        u8[at + 2] === 0xff &&
        u8[at + 3] === 0xff &&
        u8[at + 4] === 0xff &&
        u8[at + 5] === 0xff,
    );
    if (this.#bus.schedule === 'timed') {
      // Preamble, FCS and gap: 24 bytes.
      this.#owner.wireFree = Math.max(this.#owner.wireFree, this.#bus.now) + ((length + 24) * 8) / this.#owner.speed;
    }
    this.#owner.emit(frame);
    if ((this.#options & this.#owner.stampMask) !== 0) this.#owner.stamped();
  }

  #unfinished(): void {
    this.#bus.report({
      rule: 'frame-without-end',
      register: this.#registers.TDT[meta].name,
      value: this.#values[this.#tdt]!,
      message: 'the descriptors before the tail do not end with EOP',
      ref: this.#chip.sections.transmit,
    });
  }
}
