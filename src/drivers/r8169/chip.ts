/** What the driver must know of a chip of the family: everything in which they differ. */
import type { Task } from '../../platform/task.js';
import type { AnyReg } from '../../registers/define.js';
import type { Access, RtlMap, StepList } from './access.js';

/** A tally counter's place in the dump is its register; wider ones are two words. */
export type TallyMap = Readonly<Record<string, AnyReg>>;

/** A chip. */
export interface Rtl {
  /** As on command lines. */
  readonly name: string;
  /** What TXCFG says it is. */
  readonly xid: number;
  readonly map: RtlMap;
  /** Largest IP packet. */
  readonly largestMtu: number;
  /** It negotiates 2.5GBASE-T. */
  readonly multiGigabit: boolean;
  /** Its transmitter looks for time stamps in short UDP frames, and needs them longer. */
  readonly timeStamps: boolean;
  /** Bits of TPPOLL that ring for the ring of normal priority. */
  readonly doorbell: number;
  /** RCR and TXCFG before anything is accepted. */
  readonly receive: number;
  readonly transmit: number;
  /** Bits of RCR and of CPCR that take tags out of received frames. */
  readonly untag: { readonly rcr: number; readonly cpcr: number };
  /** CR is asked to stop before the FIFOs are waited for. */
  readonly stopRequest: boolean;
  /** Bits that are all 1 when nothing is left in the FIFOs, one register after the other. */
  readonly fifoEmpty: readonly { readonly register: AnyReg; readonly mask: number }[];
  /** The tally dump: size and counters. */
  readonly tallyBytes: number;
  readonly tally: TallyMap;
  /** Writes with which the descriptor list of the shared FIFO is made ready, each followed by a wait. */
  readonly linkList: readonly StepList[];
  /** PHY set-up that is data; {@link Rtl.tunePhy} does the rest. */
  readonly phy: StepList;
  /** Energy efficient Ethernet of MAC and PHY, on and off. */
  readonly eee: { readonly on: StepList; readonly off: StepList };
  /** Before the PHY is powered down. */
  readonly phyDown: StepList;
  /** Wakes on a magic packet, or not; the same for the link beside CONFIG3. */
  readonly wake: { readonly magic: OnOff; readonly link: OnOff };
  /** All lists that {@link Rtl.start} uses, for whoever checks them. */
  readonly startLists: readonly StepList[];
  /** Station address as the board has it: bytes 0 to 3 and 4 to 5. */
  readBoardMac(access: Access): Task<readonly [number, number]>;
  /** PHY set-up that depends on what it reads. */
  tunePhy(access: Access): Task<void>;
  /** MAC set-up after a reset, configuration registers unlocked; at its end the RXDV gate is open. */
  start(access: Access, mtu: number): Task<void>;
  /** Mitigation of interrupts: at most `delay` microseconds, 0 for none, at a link of `speed` Mbit/s. */
  setInterruptDelay(access: Access, delay: number, speed: number): void;
}

/** A pair of lists. */
export interface OnOff {
  readonly on: StepList;
  readonly off: StepList;
}
