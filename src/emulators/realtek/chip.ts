/**
 * What the units that RTL8168H and RTL8125B share need to know of a chip: its registers where the two differ. Registers that
 * both have are the same objects in both maps. Masks are taken from RTL8168H's map, as constants: every field that shared
 * code uses stands at the same place in both, and a test compares them.
 */

import type { LinkFrame } from '../../link/port.js';
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
  /** The queue whose interrupts it causes. */
  readonly queue: number;
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

/** A receive ring. */
export interface RxRingRegisters {
  /** In reports. */
  readonly name: string;
  /** Address of its first descriptor: element `index` of both. */
  readonly low: AnyReg;
  readonly high: AnyReg;
  readonly index: number;
}

/** How a chip writes received frames. */
export interface RxFormat {
  /** Any of these bits of RCR chooses descriptors of 32 bytes; 0: it has none. */
  readonly wide: number;
  /** The last descriptor of a frame tells of the bytes in its own buffer, not of the whole frame. */
  readonly pieces: boolean;
  /** RXD_OPTS1.PID of IP that is neither TCP nor UDP. */
  readonly otherIp: number;
}

/** What {@link Spreading.classify} says of a frame that no queue may take. */
export const NO_QUEUE = -1;

/** Receive side scaling. Results hold until the next frame. */
export interface Spreading {
  /** Frames are hashed; while they are not, queue 0 gets them all. */
  readonly on: boolean;
  /** Receive queues that are on, at least 1. */
  readonly queues: number;
  /** Hash of the frame, and what it covers, for descriptors of 32 bytes; both 0: there is none. */
  readonly hash: number;
  readonly info: number;
  /** Hashes a good frame. @returns its queue, or {@link NO_QUEUE} */
  classify(frame: LinkFrame): number;
  /** The frame is not hashed. @returns its queue, 0 */
  unhashed(): number;
  /** Nothing was hashed, no key is set. */
  reset(): void;
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
  /** Receive rings by queue. */
  readonly rxRings: readonly RxRingRegisters[];
  readonly rxFormat: RxFormat;
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
  /** Its receive side scaling, when it has one. */
  spreading?(bus: DeviceBus, regs: RegisterFile): Spreading;
}
