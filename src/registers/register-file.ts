/**
 * The storage behind a register map: default behaviour by table (reset, masks, write-1-to-clear, clear on read), so
 * that an emulator writes code for side effects only. Partial, wide and straddling accesses are resolved here and
 * nowhere else.
 */
import { type AnyReg, maskOf, meta, type RegisterMap } from './define.js';

/** What a register does beyond its declaration. */
export interface RegisterHooks {
  /** Given the stored value, returns what is read; runs before `rc` bits are cleared. */
  read?(stored: number, index: number): number;
  /** What {@link RegisterFile.peek} shows, for a `read` that changes something. It changes nothing. */
  peek?(stored: number, index: number): number;
  /** Runs after the default has been stored. `value` is what was written, `old` what was stored before. */
  write?(value: number, index: number, old: number): void;
}

/** What software did wrong at a register. */
export interface RegisterFault {
  readonly kind: 'unknown-register' | 'access-width' | 'reserved-bits' | 'read-only-register';
  readonly offset: number;
  readonly width: number;
  readonly value: number;
  readonly write: boolean;
  readonly register: AnyReg | undefined;
}

const NONE = -1;

/**
 * Registers of one address space. Values are int32. Reads and writes with side effects are `read` and `write`;
 * `get` and `set` are the model's own view, without any.
 */
export class RegisterFile {
  readonly map: RegisterMap;
  /** Called for each mistake; unset, mistakes cost nothing. */
  onFault: ((fault: RegisterFault) => void) | undefined;
  /** Called after each access of software: the trace and coverage hook. */
  onAccess: ((register: AnyReg, index: number, write: boolean, value: number) => void) | undefined;

  readonly #slotAt: Int16Array;
  readonly #values: Int32Array;
  readonly #resets: Int32Array;
  readonly #rw: Int32Array;
  readonly #w1c: Int32Array;
  readonly #rc: Int32Array;
  readonly #wo: Int32Array;
  readonly #declared: Int32Array;
  readonly #starts: Int32Array;
  readonly #widths: Uint8Array;
  readonly #index: Int32Array;
  readonly #registers: AnyReg[] = [];
  readonly #reads: (RegisterHooks['read'] | undefined)[] = [];
  readonly #peeks: (RegisterHooks['peek'] | undefined)[] = [];
  readonly #writes: (RegisterHooks['write'] | undefined)[] = [];
  readonly #first = new Map<AnyReg, number>();
  readonly #allowed: number;

  constructor(map: RegisterMap) {
    this.map = map;
    this.#slotAt = new Int16Array(map.bytes).fill(NONE);
    let slots = 0;
    for (const register of Object.values(map.registers)) slots += register[meta].count;
    const table = (): Int32Array => new Int32Array(slots);
    [this.#values, this.#resets, this.#rw, this.#w1c, this.#rc, this.#wo, this.#declared, this.#starts, this.#index] = [
      table(),
      table(),
      table(),
      table(),
      table(),
      table(),
      table(),
      table(),
      table(),
    ];
    this.#widths = new Uint8Array(slots);
    this.#allowed = map.widths.reduce((all, width) => all | width, 0);
    let slot = 0;
    for (const register of Object.values(map.registers)) {
      const info = register[meta];
      this.#first.set(register, slot);
      for (let i = 0; i < info.count; i++, slot++) {
        for (const base of [info.at, ...info.alias]) {
          this.#slotAt.fill(slot, base + i * info.stride, base + i * info.stride + info.width / 8);
        }
        this.#starts[slot] = info.at + i * info.stride;
        this.#widths[slot] = info.width;
        this.#index[slot] = i;
        this.#resets[slot] = info.reset;
        this.#registers.push(register);
        this.#reads.push(undefined);
        this.#writes.push(undefined);
        for (const field of Object.values(info.fields)) {
          const mask = maskOf(field);
          this.#declared[slot]! |= mask;
          if (field.access === 'rw' || field.access === 'sc' || field.access === 'wo') this.#rw[slot]! |= mask;
          if (field.access === 'w1c') this.#w1c[slot]! |= mask;
          if (field.access === 'rc') this.#rc[slot]! |= mask;
          if (field.access === 'wo') this.#wo[slot]! |= mask;
        }
      }
    }
    this.reset();
  }

  /** Every register back to its declared value. */
  reset(): void {
    this.#values.set(this.#resets);
  }

  /** Adds behaviour to a register (all elements of an array). Hooks may be added once per register. */
  on(register: AnyReg, hooks: RegisterHooks): this {
    const first = this.#slotOf(register);
    for (let i = 0; i < register[meta].count; i++) {
      if (hooks.read) this.#reads[first + i] = hooks.read;
      if (hooks.peek) this.#peeks[first + i] = hooks.peek;
      if (hooks.write) this.#writes[first + i] = hooks.write;
    }
    return this;
  }

  /** The stored value, without side effects. */
  get(register: AnyReg, index = 0): number {
    return this.#values[this.#slotOf(register) + index]!;
  }

  /**
   * What software would read, for looking on: nothing changes. Registers with `rc` fields give their stored value, others what
   * their hooks compute.
   */
  peek(register: AnyReg, index = 0): number {
    const slot = this.#slotOf(register) + index;
    const value = this.#values[slot]! & ~this.#wo[slot]!;
    const hook = this.#rc[slot] === 0 ? (this.#peeks[slot] ?? this.#reads[slot]) : undefined;
    return hook === undefined ? value : hook(value, index);
  }

  /** Stores a value, without side effects and whatever the access of its fields. */
  set(register: AnyReg, value: number, index = 0): void {
    this.#values[this.#slotOf(register) + index] = value;
  }

  /** Sets the bits of `mask`. */
  raise(register: AnyReg, mask: number): void {
    this.#values[this.#slotOf(register)]! |= mask;
  }

  /** Clears the bits of `mask`. */
  lower(register: AnyReg, mask: number): void {
    this.#values[this.#slotOf(register)]! &= ~mask;
  }

  /** The place of a register in {@link RegisterFile.values}, for a model's hot path. */
  slot(register: AnyReg): number {
    return this.#slotOf(register);
  }

  /** The stored values by slot. */
  get values(): Int32Array {
    return this.#values;
  }

  /** Software reads `width` bits at byte offset `offset`. Unknown places read 0 and are reported. */
  read(offset: number, width: number): number {
    const slot = offset >= 0 && offset + width / 8 <= this.#slotAt.length ? this.#slotAt[offset]! : NONE;
    if ((this.#allowed & width) === 0) this.#fault('access-width', offset, width, 0, false, slot);
    if (slot !== NONE && this.#widths[slot] === width && ((offset - this.#starts[slot]!) & (width / 8 - 1)) === 0)
      return this.#readSlot(slot);
    return this.#readPieces(offset, width);
  }

  /** Software writes `width` bits at byte offset `offset`. */
  write(offset: number, width: number, value: number): void {
    const slot = offset >= 0 && offset + width / 8 <= this.#slotAt.length ? this.#slotAt[offset]! : NONE;
    if ((this.#allowed & width) === 0) this.#fault('access-width', offset, width, value, true, slot);
    if (slot !== NONE && this.#widths[slot] === width && ((offset - this.#starts[slot]!) & (width / 8 - 1)) === 0)
      this.#writeSlot(slot, value | 0, -1);
    else this.#writePieces(offset, width, value);
  }

  #slotOf(register: AnyReg): number {
    const slot = this.#first.get(register);
    if (slot === undefined)
      throw new RangeError(`${register[meta].name} is not in the map ${this.map.chip} ${this.map.space}`);
    return slot;
  }

  #readSlot(slot: number): number {
    const hook = this.#reads[slot];
    let value = this.#values[slot]! & ~this.#wo[slot]!;
    if (hook !== undefined) value = hook(value, this.#index[slot]!);
    this.#values[slot]! &= ~this.#rc[slot]!;
    if (this.onAccess !== undefined) this.onAccess(this.#registers[slot]!, this.#index[slot]!, false, value);
    return value;
  }

  /** `lanes` has ones where the access carries bytes: bits outside it keep their state. */
  #writeSlot(slot: number, value: number, lanes: number): void {
    const old = this.#values[slot]!;
    const rw = this.#rw[slot]! & lanes;
    this.#values[slot] = ((old & ~rw) | (value & rw)) & ~(value & this.#w1c[slot]! & lanes);
    if (this.onFault !== undefined) {
      // A reserved bit may be written back as it reads; only changing it is a mistake.
      const declared = this.#declared[slot]!;
      if (
        ((value ^ this.#resets[slot]!) &
          ~declared &
          lanes &
          (this.#widths[slot] === 32 ? -1 : (1 << this.#widths[slot]!) - 1)) !==
        0
      )
        this.#fault('reserved-bits', this.#starts[slot]!, this.#widths[slot]!, value, true, slot);
      else if ((rw | (this.#w1c[slot]! & lanes)) === 0 && this.#writes[slot] === undefined)
        this.#fault('read-only-register', this.#starts[slot]!, this.#widths[slot]!, value, true, slot);
    }
    const hook = this.#writes[slot];
    if (hook !== undefined)
      hook(lanes === -1 ? value : (value & lanes) | (old & ~lanes & ~this.#w1c[slot]!), this.#index[slot]!, old);
    if (this.onAccess !== undefined) this.onAccess(this.#registers[slot]!, this.#index[slot]!, true, value);
  }

  /** Byte by byte over whatever registers the access covers; each register is read once. */
  #readPieces(offset: number, width: number): number {
    let result = 0;
    let known = false;
    let lastSlot = NONE;
    let lastValue = 0;
    for (let i = 0; i < width / 8; i++) {
      const slot = this.#slotAt[offset + i] ?? NONE;
      if (slot === NONE) continue;
      known = true;
      if (slot !== lastSlot) {
        lastSlot = slot;
        lastValue = this.#readSlot(slot);
      }
      result |= ((lastValue >>> (8 * this.#byteIn(slot, offset + i))) & 0xff) << (8 * i);
    }
    if (!known) this.#fault('unknown-register', offset, width, 0, false, NONE);
    return result;
  }

  #writePieces(offset: number, width: number, value: number): void {
    let known = false;
    let i = 0;
    while (i < width / 8) {
      const slot = this.#slotAt[offset + i] ?? NONE;
      if (slot === NONE) {
        i++;
        continue;
      }
      known = true;
      let lanes = 0;
      let piece = 0;
      do {
        const shift = 8 * this.#byteIn(slot, offset + i);
        lanes |= 0xff << shift;
        piece |= ((value >>> (8 * i)) & 0xff) << shift;
        i++;
      } while (i < width / 8 && this.#slotAt[offset + i] === slot);
      this.#writeSlot(slot, piece, lanes);
    }
    if (!known) this.#fault('unknown-register', offset, width, value, true, NONE);
  }

  /** Which byte of its register the byte at `offset` is; aliases start at the same residue as the register. */
  #byteIn(slot: number, offset: number): number {
    return (offset - this.#starts[slot]!) & (this.#widths[slot]! / 8 - 1);
  }

  #fault(
    kind: RegisterFault['kind'],
    offset: number,
    width: number,
    value: number,
    write: boolean,
    slot: number,
  ): void {
    this.onFault?.({ kind, offset, width, value, write, register: slot === NONE ? undefined : this.#registers[slot] });
  }
}
