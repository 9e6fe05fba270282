/**
 * What the units that RTL8168H and RTL8125B share need to know of a chip: its registers where the two differ. Registers that
 * both have are the same objects in both maps. Masks are taken from RTL8168H's map, as constants: every field that shared
 * code uses stands at the same place in both, and a test compares them.
 */

import type { Micros } from '../../platform/clock.js';
import type { AnyReg, RegisterFile, RegisterMap } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import type { InterruptUnit } from './interrupts.js';

/** Registers under the names that both maps have, at different places or of different width. */
export type RealtekRegisters = Readonly<Record<'IMR' | 'ISR' | 'TXCFG' | 'RCR' | 'TPPOLL', AnyReg>>;

/** A transmit ring. */
export interface TxRingRegisters {
  /** In the words of the documents. */
  readonly name: string;
  /** Address of its first descriptor. */
  readonly low: AnyReg;
  readonly high: AnyReg;
  /** Its bit of TPPOLL. */
  readonly poll: number;
  /** Chips that can leave descriptors as they are and count them instead; its counters are 16 bits wide and come round. */
  readonly noClose?: {
    /** This bit of TXCFG turns it on. */
    readonly mask: number;
    /** Element of both registers. */
    readonly index: number;
    /** Descriptors that software has filled; writing it is the doorbell. */
    readonly tail: AnyReg;
    /** Descriptors that the NIC has taken. */
    readonly closed: AnyReg;
  };
}

/** How long interrupts wait. Times are microseconds, 0: at once; frames are counts, 0: not counted. */
export interface Mitigation {
  rxTime(): Micros;
  rxFrames(): number;
  txTime(): Micros;
  txFrames(): number;
}

/** A chip, for shared units. */
export interface RealtekChip {
  /** Name on command lines and in reports. */
  readonly name: string;
  /** Registers of the memory BAR; the I/O BAR shows the first 256 bytes of it. */
  readonly map: RegisterMap;
  readonly registers: RealtekRegisters;
  /** By priority, the highest first. */
  readonly rings: readonly TxRingRegisters[];
  /** Any of these bits takes tags out of received frames. */
  readonly strip: { readonly register: AnyReg; readonly mask: number };
  /** Bytes of the receive FIFO: not public, see the chip's page of docs/faithfulness. */
  readonly fifoBytes: number;
  /** Bytes of the longest frame that it sends, tag and FCS included. */
  readonly mostFrame: number;
  /** Delays of interrupts. @param speed Mbit/s of the link */
  mitigation(bus: DeviceBus, regs: RegisterFile, speed: () => number): Mitigation;
  /** Its interrupt unit, when it has more than the family's. */
  interrupts?(bus: DeviceBus, regs: RegisterFile, mitigation: Mitigation): InterruptUnit;
}
