/** 82574L: statistics that 82540EM lacks, all cleared by reading, none of which wraps. Source: Intel 317694 (82574 datasheet), §10.2.7. */
import { type Field, type Reg, word } from '../define.js';

const counter = (name: string, at: number, doc: string): Reg<{ VALUE: Field }> =>
  word(name, at, 'rc', { doc, ref: '82574 §10.2.7' });

export const IAC = counter('IAC', 0x4100, 'Interrupts asserted');
export const ICRXPTC = counter('ICRXPTC', 0x4104, 'Interrupts by the receive packet timer (RDTR)');
export const ICRXATC = counter('ICRXATC', 0x4108, 'Interrupts by the receive absolute timer (RADV)');
export const ICTXPTC = counter('ICTXPTC', 0x410c, 'Interrupts by the transmit packet timer (TIDV)');
export const ICTXATC = counter('ICTXATC', 0x4110, 'Interrupts by the transmit absolute timer (TADV)');
export const ICTXQEC = counter('ICTXQEC', 0x4118, 'Interrupts because the transmit queue ran empty');
export const ICTXQMTC = counter('ICTXQMTC', 0x411c, 'Interrupts by the transmit low threshold');
export const ICRXDMTC = counter('ICRXDMTC', 0x4120, 'Interrupts by the receive minimum threshold');
export const ICRXOC = counter('ICRXOC', 0x4124, 'Interrupts by a receiver overrun');
