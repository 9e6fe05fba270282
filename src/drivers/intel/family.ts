/** What the drivers of Intel's gigabit chips share: the chips' maps, and the registers of a ring by role. */
import type { AnyReg } from '../../registers/define.js';
import type * as i82540em from '../../registers/i82540em/index.js';
import type * as i82574 from '../../registers/i82574/index.js';

/** The register map of a chip that this code drives. What is used of it has one name and one meaning in all of them. */
export type IntelChip = typeof i82540em | typeof i82574;

/** Registers of a receive ring. */
export interface RxRegisters {
  readonly RDBAL: AnyReg;
  readonly RDBAH: AnyReg;
  readonly RDLEN: AnyReg;
  readonly RDH: AnyReg;
  readonly RDT: AnyReg;
  readonly RXDCTL: AnyReg;
}

/** Registers of a transmit ring. */
export interface TxRegisters {
  readonly TDBAL: AnyReg;
  readonly TDBAH: AnyReg;
  readonly TDLEN: AnyReg;
  readonly TDH: AnyReg;
  readonly TDT: AnyReg;
  readonly TXDCTL: AnyReg;
}

/** Where a receive descriptor that came back has what; DD, EOP, IXSM, VP, TCPCS and IPCS are the same in all formats. */
export interface RxFormat {
  /** Byte offsets of the word with the length and of the word with status and errors. */
  readonly lengthAt: number;
  readonly statusAt: number;
  /** Byte offset of the word whose upper half is the tag. */
  readonly tagAt: number;
  /** Errors that damage the frame, and wrong checksums, in the status word. */
  readonly damaged: number;
  readonly wrongSum: number;
}
