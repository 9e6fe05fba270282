/** What happens to a frame before it finds a descriptor: lengths, FCS, PAUSE, address and VLAN filters, and their counters. */
import type { FrameFate, LinkFrame } from '../../link/port.js';
import { i82540em, type RegisterFile } from '../../registers/index.js';
import { isBroadcast } from '../offload/addresses.js';
import type { IntelRegisters } from './chip.js';
import { FilterUnit, Match } from './filter.js';
import type { FlowControl } from './flow-control.js';
import type { StatisticsUnit } from './statistics.js';

const { RCTL } = i82540em;

const FCS = 4;
const MIN_FRAME = 60;
const MAX_FRAME = 1518;
/** With LPE (8254x §13.4.22; 82574 §10.2.5). */
const MAX_LONG = 16384;

/** What is known of an admitted frame. */
export const Admitted = { tagged: 1, inexact: 2, bad: 4 } as const;

/** The filters in their order. */
export class Admission {
  /** Of the frame admitted last: bits of {@link Admitted}. */
  flags = 0;
  readonly #values: Int32Array;
  readonly #map: IntelRegisters;
  readonly #statistics: StatisticsUnit;
  readonly #flow: FlowControl;
  readonly #filter: FilterUnit;
  readonly #rctl: number;
  readonly #vet: number;

  constructor(regs: RegisterFile, map: IntelRegisters, statistics: StatisticsUnit, flow: FlowControl) {
    this.#values = regs.values;
    this.#map = map;
    this.#statistics = statistics;
    this.#flow = flow;
    this.#filter = new FilterUnit(regs, map);
    this.#rctl = regs.slot(map.RCTL);
    this.#vet = regs.slot(map.VET);
  }

  /** Undefined: the frame goes on, and {@link Admission.flags} tells more. Otherwise what became of it. */
  admit(frame: LinkFrame): FrameFate | undefined {
    const control = this.#values[this.#rctl]!;
    if ((control & RCTL.EN) === 0) return 'receiver-off';
    const { arena, offset, length } = frame;
    const u8 = arena.u8;
    this.#statistics.seen(length + FCS);
    if (!frame.fcsOk) {
      const { RFC, RJC, CRCERRS } = this.#map;
      this.#statistics.count(length < MIN_FRAME ? RFC : length > this.#longest(control, u8, offset) ? RJC : CRCERRS);
      if ((control & RCTL.SBP) === 0) return 'bad-fcs';
    }
    if (length < MIN_FRAME) {
      if (frame.fcsOk) this.#statistics.count(this.#map.RUC);
      return 'too-short';
    }
    if (length > this.#longest(control, u8, offset)) {
      this.#statistics.count(this.#map.ROC);
      return 'too-long';
    }
    if (frame.fcsOk && this.#flow.isPause(u8, offset)) {
      this.#flow.received(u8, offset);
      if ((control & RCTL.PMCF) === 0 || (control & RCTL.DPF) !== 0) return 'pause-frame';
    }
    const match = this.#filter.address(u8, offset);
    if (match === Match.none) return 'filtered';
    const type = (u8[offset + 12]! << 8) | u8[offset + 13]!;
    const tagged = type === this.#values[this.#vet];
    if (tagged && (control & RCTL.VFE) !== 0) {
      const tag = (u8[offset + 14]! << 8) | u8[offset + 15]!;
      if (!this.#filter.vlan(tag)) return 'vlan-filtered';
      if ((control & RCTL.CFIEN) !== 0 && ((tag & 0x1000) !== 0) !== ((control & RCTL.CFI) !== 0))
        return 'vlan-filtered';
    }
    if (frame.fcsOk) {
      const group = (u8[offset]! & 1) !== 0;
      this.#statistics.received(length + FCS, group, group && isBroadcast(u8, offset));
    }
    this.flags =
      (tagged ? Admitted.tagged : 0) |
      (match === Match.inexact ? Admitted.inexact : 0) |
      (frame.fcsOk ? 0 : Admitted.bad);
    return undefined;
  }

  #longest(control: number, u8: Uint8Array, at: number): number {
    if ((control & RCTL.LPE) !== 0) return MAX_LONG - FCS;
    const type = (u8[at + 12]! << 8) | u8[at + 13]!;
    return type === this.#values[this.#vet] ? MAX_FRAME : MAX_FRAME - FCS;
  }
}
