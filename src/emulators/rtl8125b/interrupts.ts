/**
 * RTL8125B: interrupts in both forms. After reset it has those of the family, with a mask and a status of 32 bits, and a mask and
 * a status for each further receive queue. With INT_CFG0.ENABLE it has the second form: a cause for each queue and direction, and
 * with MSI-X the cause is the vector.
 * Source: Realtek's r8125 (IMR_V2_SET_REG_8125, rtl8125_enable_hw_interrupt_v2) and DPDK for the second form and the registers of
 * queues, Linux and OpenBSD for the first form.
 */
import type { Micros } from '../../platform/clock.js';
import { type AnyReg, pick, type RegisterFile, rtl8125b } from '../../registers/index.js';
import type { DeviceBus, ModelAlarm } from '../function.js';
import type { Mitigation } from '../realtek/chip.js';
import { InterruptUnit } from '../realtek/interrupts.js';

const { INT_CFG0, INT_MITI, INT_MITI_UNIT, INT_MITI_STEP, IMR_V2_SET, IMR_V2_CLEAR, ISR_V2, ISR } = rtl8125b;
const { IMR1, ISR1, IMR2, ISR2, IMR3, ISR3 } = rtl8125b;
/** Causes of the second form by queue; they also name a queue's delay in both forms. */
const RECEIVED = [ISR_V2.ROK_Q0, ISR_V2.ROK_Q1, ISR_V2.ROK_Q2, ISR_V2.ROK_Q3] as const;
const SENT = [ISR_V2.TOK_Q0, ISR_V2.TOK_Q1] as const;
const CAUSES = [...RECEIVED, ...SENT].reduce((all, cause) => all | cause, ISR_V2.LINKCHG);
/** ISR1 to ISR3 have the same bits. */
const { ROK, RDU } = ISR1;

/** Microseconds that INT_MITI asks for. @param field RX or TX */
function delayOf(regs: RegisterFile, queue: number, field: number): Micros {
  if ((regs.get(INT_CFG0) & INT_CFG0.MITIGATION_BYPASS) !== 0) return 0;
  return INT_MITI_UNIT * pick(regs.get(INT_MITI, INT_MITI_STEP * queue), field);
}

/** What INT_MITI asks for in the first form; frames are not counted. */
export function mitigation(regs: RegisterFile): Mitigation {
  return {
    rxTime: () => delayOf(regs, 0, INT_MITI.RX),
    rxFrames: () => 0,
    txTime: () => delayOf(regs, 0, INT_MITI.TX),
    txFrames: () => 0,
  };
}

/** Status and mask of a receive queue in the first form, and what its delay holds. */
interface QueueCauses {
  readonly status: number;
  readonly mask: number;
  readonly cause: number;
}

/** The interrupt unit. */
export class VectorUnit extends InterruptUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #values: Int32Array;
  /** Delays by queue. */
  readonly #rx: readonly ModelAlarm[];
  readonly #tx: readonly ModelAlarm[];
  /** Receive queues 1 to 3 in the first form. */
  readonly #queues: readonly QueueCauses[];
  readonly #cfg: number;
  readonly #status: number;
  readonly #mask: number;
  /** Causes that wait for a timer, and vectors that were sent and not acknowledged. */
  #held = 0;
  #sent = 0;
  /** A further receive queue may have something to show in the first form. */
  #further = false;

  constructor(bus: DeviceBus, regs: RegisterFile, times: Mitigation = mitigation(regs)) {
    super(bus, regs, rtl8125b, times);
    this.#bus = bus;
    this.#regs = regs;
    this.#values = regs.values;
    this.#rx = RECEIVED.map((cause) => bus.alarm(() => this.#release(cause)));
    this.#tx = SENT.map((cause) => bus.alarm(() => this.#release(cause)));
    [this.#cfg, this.#status, this.#mask] = [regs.slot(INT_CFG0), regs.slot(ISR_V2), regs.slot(IMR_V2_SET)];
    this.#queues = [this.#queue(1, ISR1, IMR1), this.#queue(2, ISR2, IMR2), this.#queue(3, ISR3, IMR3)];
    regs.on(IMR_V2_SET, { write: (value, _index, old) => this.#masked(old | value) });
    regs.on(IMR_V2_CLEAR, {
      read: () => regs.get(IMR_V2_SET),
      write: (value) => this.#masked(regs.get(IMR_V2_SET) & ~value),
    });
    this.#shows(ISR_V2, (value) => this.#acknowledged(value));
    regs.on(INT_CFG0, { write: () => this.update() });
  }

  override reset(): void {
    super.reset();
    for (const alarm of [...this.#rx, ...this.#tx]) alarm.cancel();
    this.#held = this.#sent = 0;
    for (const { status, mask } of this.#queues) this.#values[status] = this.#values[mask] = 0;
    this.#values[this.#status] = 0;
    this.#masked(0);
  }

  override raise(causes: number): void {
    if (!this.#second) super.raise(causes);
    // The other causes of the first form have no known place in the second.
    else this.#set((causes & ISR.LINKCHG) !== 0 ? ISR_V2.LINKCHG : 0);
  }

  override receivedBy(queue: number): void {
    this.comeFurther(RECEIVED[queue]!);
  }

  override sent(causes: number, frames: number, queue: number): void {
    // In the first form both queues have the same causes.
    if (queue === 0 || !this.#second) super.sent(causes, frames, 0);
    else this.comeFurther(SENT[queue]!);
  }

  override starved(queue: number): void {
    if (queue === 0) super.starved(0);
    else if (!this.#second) {
      this.#further = true;
      this.#values[this.#queues[queue - 1]!.status]! |= RDU;
      this.update();
    }
  }

  protected override receivedNow(cause: number, frames: number): void {
    if (!this.#second) super.receivedNow(cause, frames);
    else this.#came(0);
  }

  protected override sentNow(causes: number, frames: number): void {
    if (!this.#second) super.sentNow(causes, frames);
    else this.#left(0);
  }

  protected override further(events: number): void {
    for (let queue = 1; queue < RECEIVED.length; queue++) if ((events & RECEIVED[queue]!) !== 0) this.#came(queue);
    if ((events & SENT[1]) !== 0) this.#left(1);
  }

  get #second(): boolean {
    return (this.#values[this.#cfg]! & INT_CFG0.ENABLE) !== 0;
  }

  /** Frames were received. */
  #came(queue: number): void {
    const cause = RECEIVED[queue]!;
    const own = queue > 0 && !this.#second;
    if (own) this.#further = true;
    const slot = own ? this.#queues[queue - 1]!.status : this.#status;
    this.#later(slot, own ? ROK : cause, cause, this.#rx[queue]!, delayOf(this.#regs, queue, INT_MITI.RX));
  }

  /** Frames were sent, in the second form. */
  #left(queue: number): void {
    const cause = SENT[queue]!;
    this.#later(this.#status, cause, cause, this.#tx[queue]!, delayOf(this.#regs, queue, INT_MITI.TX));
  }

  /** The status at `slot` shows `bit` at once; only its interrupt waits. @param cause names the delay */
  #later(slot: number, bit: number, cause: number, alarm: ModelAlarm, time: Micros): void {
    if (time > 0 && (this.#values[slot]! & bit) === 0) {
      this.#held |= cause;
      alarm.arm(this.#bus.now + Math.ceil(time));
    }
    this.#values[slot]! |= bit;
    this.update();
  }

  #release(cause: number): void {
    this.#held &= ~cause;
    this.update();
  }

  #set(causes: number): void {
    this.#values[this.#status]! |= causes & CAUSES;
    this.update();
  }

  #masked(mask: number): void {
    this.#values[this.#mask] = mask;
    this.update();
  }

  /** Declares what mask and status of receive queue `queue` do. */
  #queue(queue: number, status: AnyReg, mask: AnyReg): QueueCauses {
    const cause = RECEIVED[queue]!;
    this.#shows(status, (value) => {
      if ((value & ROK) !== 0) this.#acknowledged(cause);
      else this.update();
    });
    this.#regs.on(mask, { write: () => this.update() });
    return { status: this.#regs.slot(status), mask: this.#regs.slot(mask), cause };
  }

  /** A status: what is under way is in it when it is read. */
  #shows(status: AnyReg, acknowledge: (value: number) => void): void {
    const slot = this.#regs.slot(status);
    this.#regs.on(status, {
      read: () => {
        this.arrive();
        return this.#values[slot]!;
      },
      peek: (stored) => stored,
      write: acknowledge,
    });
  }

  /** Causes, by their bits of the second form, were acknowledged. */
  #acknowledged(value: number): void {
    this.#held &= ~value;
    for (let i = 0; i < RECEIVED.length; i++) if ((value & RECEIVED[i]!) !== 0) this.#rx[i]!.cancel();
    for (let i = 0; i < SENT.length; i++) if ((value & SENT[i]!) !== 0) this.#tx[i]!.cancel();
    this.update();
  }

  /** First form: a further receive queue asks for an interrupt. */
  get #asked(): boolean {
    if (!this.#further) return false;
    this.#further = this.#queues.some(({ status }) => this.#values[status] !== 0);
    for (const { status, mask, cause } of this.#queues) {
      const held = (this.#held & cause) !== 0 ? ROK : 0;
      if ((this.#values[status]! & this.#values[mask]! & ~held) !== 0) return true;
    }
    return false;
  }

  /** By the form that is on: the other one's causes and mask do not count. */
  protected override update(): void {
    if (!this.#second) {
      this.#sent = 0;
      super.update();
      return;
    }
    this.asserted = false;
    const active = this.#values[this.#status]! & this.#values[this.#mask]! & ~this.#held;
    const message = this.#bus.msixEnabled;
    this.#bus.setLevel(active !== 0 && !message);
    if (message) {
      // Lowest vector first; a cause that stays set and enabled sends none again.
      for (let left = active & ~this.#sent; left !== 0; left &= left - 1)
        this.#bus.message(31 - Math.clz32(left & -left));
    }
    this.#sent = active;
  }

  /** First form: all queues have one interrupt; nothing is known that would give a vector to another one. */
  protected override signal(on: boolean): void {
    super.signal(on || this.#asked);
  }
}
