/** Coverage of the hardware: which registers and fields a run read and wrote, and which it never touched. */
import BitField from 'bitfield';
import { type AnyReg, maskOf, meta, type RegisterFile } from '../registers/index.js';

/** What was touched of one register. */
export interface RegisterCoverage {
  readonly register: string;
  readonly read: boolean;
  readonly written: boolean;
  /** Fields that were seen with a value other than their reset value, or written as such. */
  readonly fields: readonly string[];
}

/** Watches a register file. Sets of bits in this process's memory; nothing of it is shared with a device. */
export class HardwareCoverage {
  readonly #file: RegisterFile;
  readonly #registers: readonly AnyReg[];
  readonly #numbers = new Map<AnyReg, number>();
  readonly #fieldAt = new Map<AnyReg, number>();
  readonly #read: BitField;
  readonly #written: BitField;
  readonly #fields: BitField;

  /** Takes the file's access hook. */
  constructor(file: RegisterFile) {
    this.#file = file;
    this.#registers = Object.values(file.map.registers);
    let fields = 0;
    this.#registers.forEach((register, i) => {
      this.#numbers.set(register, i);
      this.#fieldAt.set(register, fields);
      fields += Object.keys(register[meta].fields).length;
    });
    this.#read = new BitField(this.#registers.length);
    this.#written = new BitField(this.#registers.length);
    this.#fields = new BitField(Math.max(1, fields));
    file.onAccess = (register, _index, write, value) => this.#touch(register, write, value);
  }

  /** Everything, in the order of the map. */
  report(): RegisterCoverage[] {
    return this.#registers.map((register, i) => ({
      register: register[meta].name,
      read: this.#read.get(i),
      written: this.#written.get(i),
      fields: Object.keys(register[meta].fields).filter((_name, f) =>
        this.#fields.get(this.#fieldAt.get(register)! + f),
      ),
    }));
  }

  /** Names of registers that nobody touched. */
  untouched(): string[] {
    return this.report()
      .filter((entry) => !entry.read && !entry.written)
      .map((entry) => entry.register);
  }

  /** Stops watching. */
  stop(): void {
    this.#file.onAccess = undefined;
  }

  #touch(register: AnyReg, write: boolean, value: number): void {
    const i = this.#numbers.get(register)!;
    (write ? this.#written : this.#read).set(i);
    const { fields, reset } = register[meta];
    let at = this.#fieldAt.get(register)!;
    for (const field of Object.values(fields)) {
      if (((value ^ reset) & maskOf(field)) !== 0) this.#fields.set(at);
      at++;
    }
  }
}
