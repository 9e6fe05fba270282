/**
 * What the units that all Intel gigabit chips share need to know of a chip: its registers, which they look up by
 * identity. Masks they take from the 82540EM's map, as constants: every field that shared code uses stands at the same
 * place in all maps of the family, and a test compares them.
 */
import type { AnyReg } from '../../registers/index.js';

/** Registers that shared units use, under the names that every map of the family has. */
export type IntelRegisters = Readonly<Record<RegisterName | CounterName, AnyReg>>;

/** Control registers. */
export type RegisterName =
  | 'CTRL'
  | 'FCAL'
  | 'FCAH'
  | 'FCT'
  | 'FCTTV'
  | 'FCRTL'
  | 'FCRTH'
  | 'FFLT'
  | 'FFMT'
  | 'FFVT'
  | 'IP4AT'
  | 'IP6AT'
  | 'IPAV'
  | 'MDIC'
  | 'MTA'
  | 'PBA'
  | 'RAH'
  | 'RAL'
  | 'RCTL'
  | 'TCTL'
  | 'VET'
  | 'VFTA'
  | 'WUC'
  | 'WUFC'
  | 'WUPL'
  | 'WUPM'
  | 'WUS';

/** Counters. */
export type CounterName =
  | 'PRC64'
  | 'PRC127'
  | 'PRC255'
  | 'PRC511'
  | 'PRC1023'
  | 'PRC1522'
  | 'PTC64'
  | 'PTC127'
  | 'PTC255'
  | 'PTC511'
  | 'PTC1023'
  | 'PTC1522'
  | 'GORCL'
  | 'GORCH'
  | 'GOTCL'
  | 'GOTCH'
  | 'TORL'
  | 'TORH'
  | 'TOTL'
  | 'TOTH'
  | 'GPRC'
  | 'GPTC'
  | 'TPR'
  | 'TPT'
  | 'BPRC'
  | 'MPRC'
  | 'BPTC'
  | 'MPTC'
  | 'TSCTC'
  | 'TSCTFC'
  | 'XONRXC'
  | 'XONTXC'
  | 'XOFFRXC'
  | 'XOFFTXC'
  | 'FCRUC'
  | 'CRCERRS'
  | 'RUC'
  | 'RFC'
  | 'ROC'
  | 'RJC'
  | 'MPC'
  | 'RNBC';

/** Registers of one transmit ring. */
export type TxRing = Readonly<Record<'TDBAL' | 'TDBAH' | 'TDLEN' | 'TDH' | 'TDT' | 'TXDCTL', AnyReg>>;

/** Datasheet sections that findings of shared units cite. */
export interface Sections {
  /** Transmit descriptors. */
  readonly transmit: string;
  /** Context descriptors. */
  readonly context: string;
  /** TCP segmentation. */
  readonly segmentation: string;
  /** Order of initialisation. */
  readonly initialisation: string;
}

/** A chip, for shared units. */
export interface IntelChip {
  readonly map: IntelRegisters;
  readonly sections: Sections;
}
