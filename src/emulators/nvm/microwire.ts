/**
 * A Microwire serial EEPROM (93C46: 64 words; 93C56/66: 256) clocked bit by bit, with its write protocol.
 * Source: 93C46/93C66 datasheets; 8254x §5.3 and §13.4.3.
 */

/** Pins as the controller drives them, and the data pin it reads. */
export class MicrowireEeprom {
  readonly words: Uint16Array;
  readonly #addressBits: number;
  /** Called after a word was changed. */
  onWrite: (() => void) | undefined;
  #clock = false;
  #selected = false;
  #started = false;
  #shift = 0;
  #count = 0;
  #out = 0;
  #outBits = 0;
  #phase: 'command' | 'read' | 'write' | 'write-all' | 'idle' = 'idle';
  #address = 0;
  #writable = false;
  /** DO. */
  data = true;

  /** @param words content, 64 or 256 words; kept and changed in place */
  constructor(words: Uint16Array) {
    this.words = words;
    this.#addressBits = words.length > 64 ? 8 : 6;
  }

  /** Drives CS, SK and DI; the EEPROM acts on the rising clock. */
  drive(select: boolean, clock: boolean, input: boolean): void {
    if (!select) {
      if (this.#selected && (this.#phase === 'write' || this.#phase === 'write-all') && this.#count === 16) this.#commit();
      this.#selected = false;
      this.#phase = 'idle';
      this.data = true;
      this.#clock = clock;
      return;
    }
    if (!this.#selected) {
      this.#selected = true;
      this.#started = false;
      this.#shift = 0;
      this.#count = 0;
      this.#phase = 'command';
    }
    const rising = clock && !this.#clock;
    this.#clock = clock;
    if (rising) this.#tick(input ? 1 : 0);
  }

  #tick(bit: number): void {
    if (this.#phase === 'command') {
      if (!this.#started) {
        this.#started = bit === 1;
        return;
      }
      this.#shift = (this.#shift << 1) | bit;
      if (++this.#count === 2 + this.#addressBits) this.#decode();
    } else if (this.#phase === 'read') {
      if (this.#outBits === 0) {
        this.#address = (this.#address + 1) % this.words.length;
        this.#out = this.words[this.#address]!;
        this.#outBits = 16;
      }
      this.#outBits--;
      this.data = ((this.#out >> this.#outBits) & 1) === 1;
    } else if (this.#phase === 'write' || this.#phase === 'write-all') {
      if (this.#count < 16) {
        this.#shift = ((this.#shift << 1) | bit) & 0xffff;
        this.#count++;
      }
    }
  }

  #decode(): void {
    const opcode = this.#shift >> this.#addressBits;
    const address = this.#shift & ((1 << this.#addressBits) - 1);
    const special = address >> (this.#addressBits - 2);
    this.#shift = 0;
    this.#count = 0;
    this.#address = address % this.words.length;
    if (opcode === 2) {
      this.#phase = 'read';
      this.#out = this.words[this.#address]!;
      this.#outBits = 16;
      this.data = false; // The dummy zero before the first data bit.
    } else if (opcode === 1) this.#phase = 'write';
    else if (opcode === 3) {
      if (this.#writable) this.#store(this.#address, 0xffff);
      this.#phase = 'idle';
    } else {
      if (special === 3) this.#writable = true;
      if (special === 0) this.#writable = false;
      if (special === 2 && this.#writable) for (let i = 0; i < this.words.length; i++) this.#store(i, 0xffff);
      this.#phase = special === 1 ? 'write-all' : 'idle';
    }
  }

  #commit(): void {
    if (!this.#writable) return;
    if (this.#phase === 'write') this.#store(this.#address, this.#shift);
    else for (let i = 0; i < this.words.length; i++) this.#store(i, this.#shift);
  }

  #store(at: number, value: number): void {
    this.words[at] = value;
    this.onWrite?.();
  }
}
