/** 82574L: how the guest wants its frames: descriptor format and buffer sizes. Source: 82574 §7.1 and §10.2.5. */
import { i82574, pick, type RegisterFile } from '../../registers/index.js';

const { RCTL, RFCTL, PSRCTL, CTRL, SPLIT_BUFFERS, SPLIT_DESCRIPTOR_BYTES, DESCRIPTOR_BYTES } = i82574;

/** Sizes by BSIZE; times 16 with BSEX, where 0 means reserved. */
const SIZES = [2048, 1024, 512, 256];
const KIB = 1024;
const SPLIT = 1;
const HEADER_UNIT = 128;

/** What RCTL, RFCTL and PSRCTL say; {@link RxSettings.refresh} looks again. */
export class RxSettings {
  /** Extended write-back. */
  extended = false;
  /** Packet-split descriptors. */
  split = false;
  /** 16-byte units of a descriptor. */
  units = 1;
  /** Bytes of one buffer, legacy and extended. */
  buffer = 2048;
  /** Bytes of the four buffers, packet split. */
  readonly buffers = new Int32Array(SPLIT_BUFFERS);
  /** Bytes that one descriptor takes, and of those behind buffer 0. */
  capacity = 2048;
  behind = 0;
  /** The FCS goes to the guest. */
  fcs = true;
  readonly #regs: RegisterFile;
  readonly #ctrl: number;
  readonly #rctl: number;
  readonly #rfctl: number;

  constructor(regs: RegisterFile) {
    this.#regs = regs;
    this.#ctrl = regs.slot(CTRL);
    this.#rctl = regs.slot(RCTL);
    this.#rfctl = regs.slot(RFCTL);
  }

  /** Tags are stripped. */
  get strips(): boolean {
    return (this.#regs.values[this.#ctrl]! & CTRL.VME) !== 0;
  }

  /** IP fragments are not split. */
  get keepsFragments(): boolean {
    return (this.#regs.values[this.#rfctl]! & RFCTL.IPFRSP_DIS) !== 0;
  }

  /** When a ring of `size` units has this many free, its threshold is reached. */
  threshold(size: number): number {
    return size >> (1 + pick(this.#regs.values[this.#rctl]!, RCTL.RDMTS));
  }

  /** The buffer sizes make sense. */
  get usable(): boolean {
    return this.split ? this.buffers[0]! > 0 && this.buffers[1]! > 0 : this.buffer > 0;
  }

  refresh(): void {
    const control = this.#regs.values[this.#rctl]!;
    this.extended = (this.#regs.values[this.#rfctl]! & RFCTL.EXSTEN) !== 0;
    this.split = this.extended && pick(control, RCTL.DTYP) === SPLIT;
    this.units = this.split ? SPLIT_DESCRIPTOR_BYTES / DESCRIPTOR_BYTES : 1;
    this.fcs = (control & RCTL.SECRC) === 0;
    const size = SIZES[pick(control, RCTL.BSIZE)]!;
    const flexible = pick(control, RCTL.FLXBUF);
    this.buffer = flexible !== 0 ? flexible * KIB : (control & RCTL.BSEX) !== 0 && size !== SIZES[0] ? size * 16 : size;
    const sizes = this.#regs.get(PSRCTL);
    this.buffers[0] = pick(sizes, PSRCTL.BSIZE0) * HEADER_UNIT;
    this.buffers[1] = pick(sizes, PSRCTL.BSIZE1) * KIB;
    this.buffers[2] = pick(sizes, PSRCTL.BSIZE2) * KIB;
    this.buffers[3] = pick(sizes, PSRCTL.BSIZE3) * KIB;
    this.behind = this.buffers[1]! + this.buffers[2]! + this.buffers[3]!;
    this.capacity = this.split ? this.buffers[0]! + this.behind : this.buffer;
  }
}
