/**
 * Interrupts into v86. Pins go through the PIIX3's PIRQ registers to the interrupt controllers; messages are put into the
 * local APIC's request register, as v86 has no way to receive them. Two facts of v86's memory layout are used: EFLAGS
 * lies at 120, the APIC's IRR 64 bytes into its state.
 */

/** What of v86's exports interrupts need. */
export interface V86InterruptExports {
  readonly memory: WebAssembly.Memory;
  device_raise_irq(irq: number): void;
  device_lower_irq(irq: number): void;
  handle_irqs(): void;
  get_apic_addr(): number;
}

const EFLAGS = 120;
const EFLAGS_IF = 1 << 9;
const APIC_IRR = 64;
const PIRQS = 4;
/** PIRQ register: bit 7 set routes nowhere (82371SB §2.2.8). */
const PIRQ_OFF = 0x80;
const IRQS = 16;

/** Levels of our functions, and where they go. */
export class V86Interrupts {
  readonly #exports: V86InterruptExports;
  /** Shadow of the PIRQ registers 60h to 63h of the PIIX3. */
  readonly #route = new Uint8Array(PIRQS).fill(PIRQ_OFF);
  /** How many of our functions assert each PIRQ. */
  readonly #asserted = new Uint8Array(PIRQS);
  /** Lines that we hold high. */
  readonly #high = new Uint8Array(IRQS);
  /** True while an instruction of the guest waits for its access to end. */
  trapped = false;

  constructor(exports: V86InterruptExports) {
    this.#exports = exports;
  }

  /** The PIIX3's register `index` (0 to 3) was written. */
  setRoute(index: number, value: number): void {
    this.#route[index & 3] = value;
    this.#update();
  }

  /** A function's pin (1 to 4) in slot `device` changed. */
  setPin(device: number, pin: number, on: boolean): void {
    const pirq = (pin - 1 + device - 1) & 3;
    this.#asserted[pirq]! += on ? 1 : -1;
    this.#update();
  }

  /** An MSI or MSI-X message: fixed delivery to the one processor. */
  message(address: number, data: number): void {
    if ((address & 0xfff0_0000) >>> 0 !== 0xfee0_0000) return;
    const vector = data & 0xff;
    if (vector < 16) return;
    const words = new Int32Array(this.#exports.memory.buffer);
    words[(this.#exports.get_apic_addr() + APIC_IRR) / 4 + (vector >> 5)]! |= 1 << (vector & 31);
    this.#guarded(() => this.#exports.handle_irqs());
  }

  #update(): void {
    for (let irq = 0; irq < IRQS; irq++) {
      let high = false;
      for (let pirq = 0; pirq < PIRQS; pirq++) {
        const route = this.#route[pirq]!;
        if (this.#asserted[pirq]! > 0 && (route & PIRQ_OFF) === 0 && (route & 15) === irq) high = true;
      }
      if (high === (this.#high[irq] === 1)) continue;
      this.#high[irq] = high ? 1 : 0;
      this.#guarded(() => (high ? this.#exports.device_raise_irq(irq) : this.#exports.device_lower_irq(irq)));
    }
  }

  /**
   * v86 takes interrupts inside `device_raise_irq`. In the middle of an instruction that would save a wrong return
   * address, so interrupts are off for the call; the request stays and is taken at the next chance.
   */
  #guarded(call: () => void): void {
    if (!this.trapped) {
      call();
      return;
    }
    const at = EFLAGS / 4;
    const before = new Int32Array(this.#exports.memory.buffer);
    const enabled = before[at]! & EFLAGS_IF;
    before[at]! &= ~EFLAGS_IF;
    call();
    new Int32Array(this.#exports.memory.buffer)[at]! |= enabled;
  }
}
