/**
 * Causes, mask, mitigation, and the ways to the processor: INTx and MSI as one level, MSI-X by its vector 0. Causes of frames
 * may wait for a time or a number of frames; the status shows them at once, only the interrupt waits.
 * Source: RTL8169 specification, registers 3Ch, 3Eh and E2h; what r8169 and FreeBSD's re expect of them.
 */
import type { Micros } from '../../platform/clock.js';
import { meta, type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { Mitigation, RealtekRegisters } from './chip.js';

const { ROK, RER, TOK, TER, RDU } = rtl8168h.ISR;
const RECEIVED = ROK | RER;
const SENT = TOK | TER;
/** No driver of these chips uses another one, and no register that assigns vectors is known. */
const VECTOR = 0;

/**
 * Causes of frames come so long after what was written to memory. On the bus they would, too: a driver that acknowledges a
 * cause and then looks at its rings must not have the cause of a later descriptor acknowledged with it. A read of the status
 * brings them at once.
 */
const BEHIND_MEMORY: Micros = 1;

/** What comes behind memory beside causes of ISR stands above them, see {@link InterruptUnit.further}. */
const FURTHER_SHIFT = 4;

/**
 * A driver that has read causes acknowledges them, and on the way from a guest in another process the acknowledgement is slower
 * than memory: frames written meanwhile must not lose their cause to it. With the fast schedule their causes wait for it so long;
 * the others show what a driver does wrong that acknowledges only after it has looked at its rings. iPXE, whose ring has four
 * descriptors and which looks at it only when there is a cause, would stand still for ever.
 */
const ACKNOWLEDGING: Micros = 20_000;

/** The interrupt unit. */
export class InterruptUnit {
  readonly #bus: DeviceBus;
  readonly #values: Int32Array;
  readonly #mitigation: Mitigation;
  readonly #isr: number;
  readonly #imr: number;
  readonly #causes: number;
  readonly #rx: ModelAlarm;
  readonly #tx: ModelAlarm;
  readonly #coming: ModelAlarm;
  /** Causes on their way behind memory, and of how many frames. */
  #comes = 0;
  #comesReceived = 0;
  #comesSent = 0;
  /** No cause of a frame before that: an acknowledgement may be under way. */
  #quietUntil: Micros = 0;
  #rxFrames = 0;
  #txFrames = 0;
  /** Causes that wait. */
  #held = 0;
  /** The interrupt is asserted: another cause sends no message. */
  protected asserted = false;

  constructor(bus: DeviceBus, regs: RegisterFile, registers: RealtekRegisters, mitigation: Mitigation) {
    this.#bus = bus;
    this.#values = regs.values;
    this.#mitigation = mitigation;
    this.#isr = regs.slot(registers.ISR);
    this.#imr = regs.slot(registers.IMR);
    this.#causes = Object.values(registers.ISR[meta].fields).reduce(
      (all, field) => (field.inert ? all : all | (1 << field.lo)),
      0,
    );
    this.#coming = bus.alarm(() => this.arrive());
    this.#rx = bus.alarm(() => this.#release(RECEIVED));
    this.#tx = bus.alarm(() => this.#release(SENT));
    regs.on(registers.ISR, {
      read: () => {
        this.arrive();
        const causes = this.#values[this.#isr]!;
        this.#quietUntil = causes !== 0 && bus.schedule === 'fast' ? bus.now + ACKNOWLEDGING : 0;
        return causes;
      },
      peek: (stored) => stored,
      write: (value) => this.#acknowledge(value),
    });
    regs.on(registers.IMR, { write: () => this.update() });
  }

  reset(): void {
    this.#coming.cancel();
    this.#comes = this.#comesReceived = this.#comesSent = 0;
    this.#quietUntil = 0;
    this.#rx.cancel();
    this.#tx.cancel();
    this.#held = this.#rxFrames = this.#txFrames = 0;
    this.#values[this.#isr] = 0;
    this.#values[this.#imr] = 0;
    this.update();
  }

  /** Sets causes; an enabled one interrupts. */
  raise(causes: number): void {
    this.#values[this.#isr]! |= causes & this.#causes;
    this.update();
  }

  /** A frame was written to memory. @param cause ROK or RER */
  received(cause: number): void {
    this.#comesReceived++;
    this.#come(cause);
  }

  /** A frame of another queue than the first one was written to memory. */
  receivedBy(_queue: number): void {}

  /** `frames` frames were sent. @param causes TOK, TER; @param _queue which a chip with several has */
  sent(causes: number, frames: number, _queue = 0): void {
    this.#comesSent += frames;
    this.#come(causes);
  }

  /** A receive queue has no descriptor. */
  starved(_queue: number): void {
    this.raise(RDU);
  }

  /** Something else that was written to memory before: {@link InterruptUnit.further} gets its bits behind it. */
  protected comeFurther(events: number): void {
    this.#come(events << FURTHER_SHIFT);
  }

  /** What was given to {@link InterruptUnit.comeFurther} is there. */
  protected further(_events: number): void {}

  /** What is on its way behind memory is there. */
  protected arrive(): void {
    const comes = this.#comes;
    if (comes === 0) return;
    this.#coming.cancel();
    const received = this.#comesReceived;
    const sent = this.#comesSent;
    this.#comes = this.#comesReceived = this.#comesSent = 0;
    if ((comes & RECEIVED) !== 0) this.receivedNow(comes & RECEIVED, received);
    if ((comes & SENT) !== 0) this.sentNow(comes & SENT, sent);
    if (comes >>> FURTHER_SHIFT !== 0) this.further(comes >>> FURTHER_SHIFT);
  }

  #come(causes: number): void {
    this.#comes |= causes;
    if (!this.#coming.armed) this.#coming.arm(Math.max(this.#bus.now + BEHIND_MEMORY, this.#quietUntil));
  }

  protected receivedNow(cause: number, frames: number): void {
    const time = this.#mitigation.rxTime();
    if (time > 0) {
      const most = this.#mitigation.rxFrames();
      this.#rxFrames += frames;
      if (most === 0 || this.#rxFrames < most) {
        this.#hold(cause, this.#rx, time);
        return;
      }
      this.#rx.cancel();
    }
    this.#rxFrames = 0;
    this.#held &= ~RECEIVED;
    this.raise(cause);
  }

  protected sentNow(causes: number, frames: number): void {
    const time = this.#mitigation.txTime();
    if (time > 0) {
      const most = this.#mitigation.txFrames();
      this.#txFrames += frames;
      if (most === 0 || this.#txFrames < most) {
        this.#hold(causes, this.#tx, time);
        return;
      }
      this.#tx.cancel();
    }
    this.#txFrames = 0;
    this.#held &= ~SENT;
    this.raise(causes);
  }

  /** The first event starts the time, further ones do not move it. */
  #hold(causes: number, alarm: ModelAlarm, time: number): void {
    // A cause that is shown and not held interrupts already.
    this.#held |= causes & ~(this.#values[this.#isr]! & ~this.#held);
    this.#values[this.#isr]! |= causes;
    if (!alarm.armed) alarm.arm(this.#bus.now + Math.ceil(time));
  }

  #release(causes: number): void {
    if (causes === RECEIVED) this.#rxFrames = 0;
    else this.#txFrames = 0;
    this.#held &= ~causes;
    this.update();
  }

  /** The ones that were written are gone already. */
  #acknowledge(value: number): void {
    this.#quietUntil = 0;
    if (this.#comes !== 0) this.#coming.arm(this.#bus.now + BEHIND_MEMORY);
    this.#held &= ~value;
    if ((this.#held & RECEIVED) === 0) this.#stop(this.#rx);
    if ((this.#held & SENT) === 0) this.#stop(this.#tx);
    this.update();
  }

  #stop(alarm: ModelAlarm): void {
    if (!alarm.armed) return;
    alarm.cancel();
    if (alarm === this.#rx) this.#rxFrames = 0;
    else this.#txFrames = 0;
  }

  /** The line, or a message, follows what is shown, enabled and not held. */
  protected update(): void {
    this.signal((this.#values[this.#isr]! & this.#values[this.#imr]! & ~this.#held) !== 0);
  }

  /** Asserts the interrupt or not. */
  protected signal(on: boolean): void {
    const message = this.#bus.msixEnabled;
    this.#bus.setLevel(on && !message);
    if (on && !this.asserted && message) this.#bus.message(VECTOR);
    this.asserted = on;
  }
}
