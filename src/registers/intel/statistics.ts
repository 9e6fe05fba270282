/**
 * Statistics that 82540EM and 82574L have alike, all cleared by reading, none of which wraps.
 * Source: Intel 317453 (8254x SDM), §13.7; 317694 (82574 datasheet), §10.2.7.
 */
import { type Field, type Reg, word } from '../define.js';

/** Low half of a 64-bit counter: reading keeps it, reading the high half clears both. */
const low = (name: string, at: number, section: number, doc: string): Reg<{ VALUE: Field }> =>
  word(name, at, 'ro', { doc, ref: `8254x §13.7.${section}, 82574 §10.2.7` });
const counter = (name: string, at: number, section: number, doc: string): Reg<{ VALUE: Field }> =>
  word(name, at, 'rc', { doc, ref: `8254x §13.7.${section}, 82574 §10.2.7` });

export const CRCERRS = counter('CRCERRS', 0x4000, 1, 'Frames with a bad FCS');
export const ALGNERRC = counter('ALGNERRC', 0x4004, 2, 'Frames not of whole bytes');
export const SYMERRS = counter('SYMERRS', 0x4008, 3, 'Symbol errors');
export const RXERRC = counter('RXERRC', 0x400c, 4, 'Frames with RX_ER');
export const MPC = counter('MPC', 0x4010, 5, 'Frames missed for want of FIFO space');
export const SCC = counter('SCC', 0x4014, 6, 'Single collisions');
export const ECOL = counter('ECOL', 0x4018, 7, 'Excessive collisions');
export const MCC = counter('MCC', 0x401c, 8, 'Multiple collisions');
export const LATECOL = counter('LATECOL', 0x4020, 9, 'Late collisions');
export const COLC = counter('COLC', 0x4028, 10, 'Collisions');
export const DC = counter('DC', 0x4030, 11, 'Deferred transmissions');
export const TNCRS = counter('TNCRS', 0x4034, 12, 'Transmissions without carrier sense');
export const SEC = counter('SEC', 0x4038, 13, 'Sequence errors');
export const CEXTERR = counter('CEXTERR', 0x403c, 14, 'Carrier extension errors');
export const RLEC = counter('RLEC', 0x4040, 15, 'Receive length errors');
export const XONRXC = counter('XONRXC', 0x4048, 16, 'XON frames received');
export const XONTXC = counter('XONTXC', 0x404c, 17, 'XON frames sent');
export const XOFFRXC = counter('XOFFRXC', 0x4050, 18, 'XOFF frames received');
export const XOFFTXC = counter('XOFFTXC', 0x4054, 19, 'XOFF frames sent');
export const FCRUC = counter('FCRUC', 0x4058, 20, 'Unsupported MAC control frames received');
export const PRC64 = counter('PRC64', 0x405c, 21, 'Good frames received of 64 bytes');
export const PRC127 = counter('PRC127', 0x4060, 22, 'Good frames received of 65 to 127 bytes');
export const PRC255 = counter('PRC255', 0x4064, 23, 'Good frames received of 128 to 255 bytes');
export const PRC511 = counter('PRC511', 0x4068, 24, 'Good frames received of 256 to 511 bytes');
export const PRC1023 = counter('PRC1023', 0x406c, 25, 'Good frames received of 512 to 1023 bytes');
export const PRC1522 = counter('PRC1522', 0x4070, 26, 'Good frames received of 1024 bytes to the maximum');
export const GPRC = counter('GPRC', 0x4074, 27, 'Good frames received');
export const BPRC = counter('BPRC', 0x4078, 28, 'Good broadcasts received');
export const MPRC = counter('MPRC', 0x407c, 29, 'Good multicasts received');
export const GPTC = counter('GPTC', 0x4080, 30, 'Good frames sent');
export const GORCL = low('GORCL', 0x4088, 31, 'Good bytes received, low; cleared by reading GORCH');
export const GORCH = counter('GORCH', 0x408c, 31, 'Good bytes received, high');
export const GOTCL = low('GOTCL', 0x4090, 32, 'Good bytes sent, low; cleared by reading GOTCH');
export const GOTCH = counter('GOTCH', 0x4094, 32, 'Good bytes sent, high');
export const RNBC = counter('RNBC', 0x40a0, 33, 'Frames that found no receive descriptor');
export const RUC = counter('RUC', 0x40a4, 34, 'Frames shorter than 64 bytes with a good FCS');
export const RFC = counter('RFC', 0x40a8, 35, 'Frames shorter than 64 bytes with a bad FCS');
export const ROC = counter('ROC', 0x40ac, 36, 'Oversized frames with a good FCS');
export const RJC = counter('RJC', 0x40b0, 37, 'Oversized frames with a bad FCS');
export const MGTPRC = counter('MGTPRC', 0x40b4, 38, 'Management frames received');
export const MGTPDC = counter('MGTPDC', 0x40b8, 39, 'Management frames dropped');
export const MGTPTC = counter('MGTPTC', 0x40bc, 40, 'Management frames sent');
export const TORL = low('TORL', 0x40c0, 41, 'Bytes received, low; cleared by reading TORH');
export const TORH = counter('TORH', 0x40c4, 41, 'Bytes received, high');
export const TOTL = low('TOTL', 0x40c8, 42, 'Bytes sent, low; cleared by reading TOTH');
export const TOTH = counter('TOTH', 0x40cc, 42, 'Bytes sent, high');
export const TPR = counter('TPR', 0x40d0, 43, 'Frames received');
export const TPT = counter('TPT', 0x40d4, 44, 'Frames sent');
export const PTC64 = counter('PTC64', 0x40d8, 45, 'Frames sent of 64 bytes');
export const PTC127 = counter('PTC127', 0x40dc, 46, 'Frames sent of 65 to 127 bytes');
export const PTC255 = counter('PTC255', 0x40e0, 47, 'Frames sent of 128 to 255 bytes');
export const PTC511 = counter('PTC511', 0x40e4, 48, 'Frames sent of 256 to 511 bytes');
export const PTC1023 = counter('PTC1023', 0x40e8, 49, 'Frames sent of 512 to 1023 bytes');
export const PTC1522 = counter('PTC1522', 0x40ec, 50, 'Frames sent of 1024 bytes or more');
export const MPTC = counter('MPTC', 0x40f0, 51, 'Multicasts sent');
export const BPTC = counter('BPTC', 0x40f4, 52, 'Broadcasts sent');
export const TSCTC = counter('TSCTC', 0x40f8, 53, 'TCP segmentation contexts done');
export const TSCTFC = counter('TSCTFC', 0x40fc, 54, 'TCP segmentation contexts failed');
