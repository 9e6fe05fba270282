/**
 * The transmitter: rings by priority, the doorbell, what tells that all is done.
 * Source: RTL8169 specification, registers 37h, 38h and 40h; r8169 rtl8169_doorbell.
 */
import type { LinkFrame } from '../../link/port.js';
import { meta, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, FrameDescriptor, ModelAlarm } from '../function.js';
import { isBroadcast } from '../offload/addresses.js';
import type { RealtekChip } from './chip.js';
import type { InterruptUnit } from './interrupts.js';
import type { TallyUnit } from './tally.js';
import { Turn, TxRing } from './tx-ring.js';

const { CR, TXCFG } = rtl8168h;
const { TOK, TER, TDU, SERR } = rtl8168h.ISR;
const { TALLY_TX_ER } = rtl8168h;

/** Descriptors that one slice works on. */
const BATCH = 64;
/** Preamble, FCS and gap, in bytes. */
const AROUND = 24;

/** What the transmitter needs of the rest of the chip. */
export interface TxParts {
  readonly interrupts: InterruptUnit;
  readonly tally: TallyUnit;
  readonly slot: FrameDescriptor;
  /** False while there is no link, or the partner has paused us. */
  canSend(): boolean;
  /** Mbit/s. */
  speed(): number;
  /** Bytes of a descriptor now. */
  descriptorBytes(): number;
  emit(frame: LinkFrame): void;
  /** COMMAND.MASTER. */
  mayMaster(): boolean;
}

/** The transmit unit. */
export class TxUnit {
  readonly rings: readonly TxRing[];
  /** Rings that can count descriptors, by their element of the counters. */
  readonly #counted: TxRing[] = [];
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #chip: RealtekChip;
  readonly #parts: TxParts;
  readonly #alarm: ModelAlarm;
  readonly #cr: number;
  readonly #config: number;
  readonly #poll: number;
  /** All rings' bits of TPPOLL. */
  readonly #polls: number;
  /** A DMA fault: nothing goes on before the transmitter was set up again. */
  #stopped = false;
  #wireFree = 0;

  constructor(bus: DeviceBus, regs: RegisterFile, chip: RealtekChip, parts: TxParts) {
    this.#bus = bus;
    this.#values = regs.values;
    this.#chip = chip;
    this.#parts = parts;
    [this.#cr, this.#config, this.#poll] = [
      regs.slot(CR),
      regs.slot(chip.registers.TXCFG),
      regs.slot(chip.registers.TPPOLL),
    ];
    this.#polls = chip.rings.reduce((all, ring) => all | ring.poll, 0);
    this.#alarm = bus.alarm(() => this.#run());
    this.rings = chip.rings.map((ring) => new TxRing(bus, regs, this, ring, parts.slot, chip.mostFrame));
    for (const ring of this.rings) {
      const { low, high } = ring.registers;
      regs.on(low, {
        write: (value, _index, old) => this.#given(ring, value, old, old !== 0 || regs.get(high) !== 0),
      });
      regs.on(high, {
        write: (value, _index, old) => this.#given(ring, value, old, old !== 0 || regs.get(low) !== 0),
      });
    }
    for (const ring of this.rings) {
      const { noClose } = ring.registers;
      if (noClose === undefined) continue;
      this.#counted[noClose.index] = ring;
      regs.on(noClose.tail, { write: (_value, index) => this.#filled(index) });
    }
  }

  reset(): void {
    this.#alarm.cancel();
    for (const ring of this.rings) ring.reset();
    this.#values[this.#poll]! &= ~this.#polls;
    this.#stopped = false;
    this.#wireFree = 0;
  }

  /** Nothing is left to do. */
  get idle(): boolean {
    return (this.#values[this.#poll]! & this.#polls) === 0;
  }

  /** @internal For rings. */
  get free(): boolean {
    return this.#bus.schedule !== 'timed' || this.#wireFree <= this.#bus.now;
  }

  /** @internal For rings. */
  get descriptorBytes(): number {
    return this.#parts.descriptorBytes();
  }

  /** @internal For rings. */
  get bringsFcs(): boolean {
    return (this.#values[this.#config]! & TXCFG.NOCRC) !== 0;
  }

  /** @internal For rings. */
  configured(mask: number): boolean {
    return (this.#values[this.#config]! & mask) !== 0;
  }

  /** The guest wrote TPPOLL; its bits read 1 until the ring is empty. @param old what it was */
  rung(value: number, old: number): void {
    const asked = value & this.#polls;
    this.#values[this.#poll]! |= old & this.#polls;
    if (asked === 0) return;
    if ((this.#values[this.#cr]! & CR.TE) === 0) {
      this.#values[this.#poll]! &= ~this.#polls;
      this.#mistake('use-while-disabled', asked, 'the doorbell was rung while CR.TE is 0');
      return;
    }
    for (const ring of this.rings) {
      if ((asked & ring.registers.poll) === 0 || ring.base !== 0) continue;
      this.#values[this.#poll]! &= ~ring.registers.poll;
      this.#mistake(
        'use-before-ready',
        asked,
        `the doorbell of the ${ring.registers.name} was rung, and it has no address`,
      );
    }
    this.kick();
  }

  /** The guest counted on: with TX_NO_CLOSE that is the doorbell. */
  #filled(index: number): void {
    const ring = this.#counted[index];
    if (!ring?.counts) return;
    const polls = this.#values[this.#poll]! & this.#polls;
    this.#values[this.#poll]! |= ring.registers.poll;
    this.rung(ring.registers.poll, polls);
  }

  /** CR was written. */
  enabled(value: number, old: number): void {
    if (((value ^ old) & CR.TE) === 0) return;
    this.#stopped = false;
    if ((value & CR.TE) !== 0) this.kick();
    else {
      this.#alarm.cancel();
      this.#values[this.#poll]! &= ~this.#polls;
    }
  }

  /** Looks whether there is work: after a doorbell, or when the link has come. */
  kick(): void {
    if (!this.idle && !this.#alarm.armed) this.#alarm.arm(this.#bus.now + this.#bus.delay(200));
  }

  /** @internal For rings: a frame is finished. */
  emit(frame: LinkFrame): void {
    const { u8 } = frame.arena;
    const group = (u8[frame.offset]! & 1) !== 0;
    this.#parts.tally.sent(frame.length, group, group && isBroadcast(u8, frame.offset));
    if (this.#bus.schedule === 'timed')
      this.#wireFree = Math.max(this.#wireFree, this.#bus.now) + ((frame.length + AROUND) * 8) / this.#parts.speed();
    this.#parts.emit(frame);
  }

  /** @param had the ring had an address before */
  #given(ring: TxRing, value: number, old: number, had: boolean): void {
    if (value !== old && had && (this.#values[this.#cr]! & CR.TE) !== 0) {
      this.#bus.report({
        rule: 'ring-while-enabled',
        register: ring.registers.low[meta].name,
        value,
        message: 'the ring was changed while CR.TE is set',
        ref: ring.registers.low[meta].ref,
      });
    }
    this.#stopped = false;
    ring.reset();
  }

  #run(): void {
    if (this.#stopped || this.idle || (this.#values[this.#cr]! & CR.TE) === 0 || !this.#parts.canSend()) return;
    let left = this.#bus.slice(BATCH);
    const { interrupts } = this.#parts;
    let causes = 0;
    for (const ring of this.rings) {
      const { poll } = ring.registers;
      if ((this.#values[this.#poll]! & poll) === 0 || left <= 0) continue;
      const turn = ring.run(left);
      const done = (ring.sent > 0 ? TOK : 0) | (ring.failed > 0 ? TER : 0);
      if (ring.failed > 0) this.#parts.tally.count(TALLY_TX_ER, ring.failed);
      if (done !== 0) interrupts.sent(done, ring.sent, ring.registers.queue);
      ring.sent = ring.failed = 0;
      if (turn === Turn.fault) {
        // Without bus mastering it waits; after a master abort only a reset goes on (PCI 3.0 §3.7.4.2).
        this.#stopped = this.#parts.mayMaster();
        if (this.#stopped) causes |= SERR;
        break;
      }
      if (turn === Turn.more) {
        // The rings below have to wait.
        left = 0;
        break;
      }
      this.#values[this.#poll]! &= ~poll;
    }
    if (this.idle) causes |= TDU;
    if (causes !== 0) interrupts.raise(causes);
    if (!this.idle && !this.#stopped && this.#parts.mayMaster())
      this.#alarm.arm(
        Math.max(this.#bus.now + this.#bus.delay(100), this.#bus.schedule === 'timed' ? Math.ceil(this.#wireFree) : 0),
      );
  }

  #mistake(rule: 'use-while-disabled' | 'use-before-ready', value: number, message: string): void {
    const { name, ref } = this.#chip.registers.TPPOLL[meta];
    this.#bus.report({ rule, register: name, value, message, ref });
  }
}
