/** 82574L: statistics, all cleared by reading, none of which wraps. Source: Intel 317694 (82574 datasheet), §10.2.7. */
import { type Field, type Reg, word } from '../define.js';

/** Low half of a 64-bit counter: reading keeps it, reading the high half clears both. */
const low = (name: string, at: number, doc: string): Reg<{ VALUE: Field }> =>
  word(name, at, 'ro', { doc, ref: '82574 §10.2.7' });
const counter = (name: string, at: number, doc: string): Reg<{ VALUE: Field }> =>
  word(name, at, 'rc', { doc, ref: '82574 §10.2.7' });

export const CRCERRS = counter('CRCERRS', 0x4000, 'Frames with a bad FCS');
export const ALGNERRC = counter('ALGNERRC', 0x4004, 'Frames not of whole bytes');
export const SYMERRS = counter('SYMERRS', 0x4008, 'Symbol errors');
export const RXERRC = counter('RXERRC', 0x400c, 'Frames with RX_ER');
export const MPC = counter('MPC', 0x4010, 'Frames missed for want of FIFO space');
export const SCC = counter('SCC', 0x4014, 'Single collisions');
export const ECOL = counter('ECOL', 0x4018, 'Excessive collisions');
export const MCC = counter('MCC', 0x401c, 'Multiple collisions');
export const LATECOL = counter('LATECOL', 0x4020, 'Late collisions');
export const COLC = counter('COLC', 0x4028, 'Collisions');
export const DC = counter('DC', 0x4030, 'Deferred transmissions');
export const TNCRS = counter('TNCRS', 0x4034, 'Transmissions without carrier sense');
export const SEC = counter('SEC', 0x4038, 'Sequence errors');
export const CEXTERR = counter('CEXTERR', 0x403c, 'Carrier extension errors');
export const RLEC = counter('RLEC', 0x4040, 'Receive length errors');
export const XONRXC = counter('XONRXC', 0x4048, 'XON frames received');
export const XONTXC = counter('XONTXC', 0x404c, 'XON frames sent');
export const XOFFRXC = counter('XOFFRXC', 0x4050, 'XOFF frames received');
export const XOFFTXC = counter('XOFFTXC', 0x4054, 'XOFF frames sent');
export const FCRUC = counter('FCRUC', 0x4058, 'Unsupported MAC control frames received');
export const PRC64 = counter('PRC64', 0x405c, 'Good frames received of 64 bytes');
export const PRC127 = counter('PRC127', 0x4060, 'Good frames received of 65 to 127 bytes');
export const PRC255 = counter('PRC255', 0x4064, 'Good frames received of 128 to 255 bytes');
export const PRC511 = counter('PRC511', 0x4068, 'Good frames received of 256 to 511 bytes');
export const PRC1023 = counter('PRC1023', 0x406c, 'Good frames received of 512 to 1023 bytes');
export const PRC1522 = counter('PRC1522', 0x4070, 'Good frames received of 1024 bytes to the maximum');
export const GPRC = counter('GPRC', 0x4074, 'Good frames received');
export const BPRC = counter('BPRC', 0x4078, 'Good broadcasts received');
export const MPRC = counter('MPRC', 0x407c, 'Good multicasts received');
export const GPTC = counter('GPTC', 0x4080, 'Good frames sent');
export const GORCL = low('GORCL', 0x4088, 'Good bytes received, low; cleared by reading GORCH');
export const GORCH = counter('GORCH', 0x408c, 'Good bytes received, high');
export const GOTCL = low('GOTCL', 0x4090, 'Good bytes sent, low; cleared by reading GOTCH');
export const GOTCH = counter('GOTCH', 0x4094, 'Good bytes sent, high');
export const RNBC = counter('RNBC', 0x40a0, 'Frames that found no receive descriptor');
export const RUC = counter('RUC', 0x40a4, 'Frames shorter than 64 bytes with a good FCS');
export const RFC = counter('RFC', 0x40a8, 'Frames shorter than 64 bytes with a bad FCS');
export const ROC = counter('ROC', 0x40ac, 'Oversized frames with a good FCS');
export const RJC = counter('RJC', 0x40b0, 'Oversized frames with a bad FCS');
export const MGTPRC = counter('MGTPRC', 0x40b4, 'Management frames received');
export const MGTPDC = counter('MGTPDC', 0x40b8, 'Management frames dropped');
export const MGTPTC = counter('MGTPTC', 0x40bc, 'Management frames sent');
export const TORL = low('TORL', 0x40c0, 'Bytes received, low; cleared by reading TORH');
export const TORH = counter('TORH', 0x40c4, 'Bytes received, high');
export const TOTL = low('TOTL', 0x40c8, 'Bytes sent, low; cleared by reading TOTH');
export const TOTH = counter('TOTH', 0x40cc, 'Bytes sent, high');
export const TPR = counter('TPR', 0x40d0, 'Frames received');
export const TPT = counter('TPT', 0x40d4, 'Frames sent');
export const PTC64 = counter('PTC64', 0x40d8, 'Frames sent of 64 bytes');
export const PTC127 = counter('PTC127', 0x40dc, 'Frames sent of 65 to 127 bytes');
export const PTC255 = counter('PTC255', 0x40e0, 'Frames sent of 128 to 255 bytes');
export const PTC511 = counter('PTC511', 0x40e4, 'Frames sent of 256 to 511 bytes');
export const PTC1023 = counter('PTC1023', 0x40e8, 'Frames sent of 512 to 1023 bytes');
export const PTC1522 = counter('PTC1522', 0x40ec, 'Frames sent of 1024 bytes or more');
export const MPTC = counter('MPTC', 0x40f0, 'Multicasts sent');
export const BPTC = counter('BPTC', 0x40f4, 'Broadcasts sent');
export const TSCTC = counter('TSCTC', 0x40f8, 'TCP segmentation contexts done');
export const TSCTFC = counter('TSCTFC', 0x40fc, 'TCP segmentation contexts failed');

export const IAC = counter('IAC', 0x4100, 'Interrupts asserted');
export const ICRXPTC = counter('ICRXPTC', 0x4104, 'Interrupts by the receive packet timer (RDTR)');
export const ICRXATC = counter('ICRXATC', 0x4108, 'Interrupts by the receive absolute timer (RADV)');
export const ICTXPTC = counter('ICTXPTC', 0x410c, 'Interrupts by the transmit packet timer (TIDV)');
export const ICTXATC = counter('ICTXATC', 0x4110, 'Interrupts by the transmit absolute timer (TADV)');
export const ICTXQEC = counter('ICTXQEC', 0x4118, 'Interrupts because the transmit queue ran empty');
export const ICTXQMTC = counter('ICTXQMTC', 0x411c, 'Interrupts by the transmit low threshold');
export const ICRXDMTC = counter('ICRXDMTC', 0x4120, 'Interrupts by the receive minimum threshold');
export const ICRXOC = counter('ICRXOC', 0x4124, 'Interrupts by a receiver overrun');
