/** The interrupt causes that every chip of the family has, at the same bits of its mask and its status. */
import { bit, bits, type Field } from '../define.js';

/** The causes as fields. @param access `rw` for the mask, `w1c` for the status */
export function causes(access: 'rw' | 'w1c') {
  return {
    ROK: bit(0, access, 'Frame received'),
    RER: bit(1, access, 'Frame received with an error'),
    TOK: bit(2, access, 'Frame sent'),
    TER: bit(3, access, 'Frame not sent'),
    RDU: bit(4, access, 'No receive descriptor was left'),
    LINKCHG: bit(5, access, 'The link came or went'),
    FOVW: bit(6, access, 'The receive FIFO overflowed'),
    TDU: bit(7, access, 'The transmit ring ran empty'),
    SWINT: bit(8, access, 'Software asked for it'),
    OTHER: bits(13, 9, access, 'Not public; drivers acknowledge them with the rest', { inert: true }),
    TIMEOUT: bit(14, access, 'TCTR reached TIMERINT0'),
    SERR: bit(15, access, 'System error on the bus'),
  } satisfies Record<string, Field>;
}
