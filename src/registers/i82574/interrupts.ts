/** 82574L: interrupt registers. Source: Intel 317694 (82574 datasheet), §7.4 and §10.2.4. */
import { type Access, bit, bits, reg } from '../define.js';
import { COMMON_CAUSES } from '../intel/fields.js';

const S = '82574 §10.2.4';

const CAUSES = (access: Access) => ({
  ...COMMON_CAUSES(access),
  RXSEQ: bit(3, access, 'No cause sets it; software may'),
  ACK: bit(17, access, 'TCP ACK received'),
  MNG: bit(18, access, 'Management event'),
  RXQ0: bit(20, access, 'Receive queue 0: write-back or threshold'),
  RXQ1: bit(21, access, 'Receive queue 1: write-back or threshold'),
  TXQ0: bit(22, access, 'Transmit queue 0: write-back'),
  TXQ1: bit(23, access, 'Transmit queue 1: write-back'),
  OTHER: bit(24, access, 'LSC, RXO, MDAC, SRPD, ACK or MNG'),
});

export const ICR = reg(
  'ICR',
  0x00c0,
  { doc: 'Interrupt causes; reading clears when INT_ASSERTED or nothing is enabled', ref: S },
  { ...CAUSES('w1c'), INT_ASSERTED: bit(31, 'ro', 'The chip interrupts because of an enabled cause') },
);
export const ICS = reg('ICS', 0x00c8, { doc: 'Interrupt cause set', ref: S }, CAUSES('wo'));
export const IMS = reg(
  'IMS',
  0x00d0,
  { doc: 'Interrupt mask: causes that interrupt; writing 1 adds', ref: S },
  CAUSES('sc'),
);
export const IMC = reg('IMC', 0x00d8, { doc: 'Interrupt mask clear: writing 1 removes', ref: S }, CAUSES('wo'));
export const EIAC = reg(
  'EIAC',
  0x00dc,
  { doc: 'Causes that are cleared when their MSI-X message is sent', ref: S },
  {
    RXQ0: bit(20, 'rw', 'Receive queue 0'),
    RXQ1: bit(21, 'rw', 'Receive queue 1'),
    TXQ0: bit(22, 'rw', 'Transmit queue 0'),
    TXQ1: bit(23, 'rw', 'Transmit queue 1'),
    OTHER: bit(24, 'rw', 'Other causes'),
  },
);
export const IAM = reg(
  'IAM',
  0x00e0,
  { doc: 'Causes that are masked when an interrupt is acknowledged (CTRL_EXT.IAME) or sent (CTRL_EXT.EIAME)', ref: S },
  { MASK: bits(31, 0, 'rw', 'Causes') },
);
export const IVAR = reg(
  'IVAR',
  0x00e4,
  { doc: 'MSI-X vectors of the causes', ref: S },
  {
    RXQ0: bits(2, 0, 'rw', 'Vector of receive queue 0'),
    RXQ0_VALID: bit(3, 'rw', 'Receive queue 0 has a vector'),
    RXQ1: bits(6, 4, 'rw', 'Vector of receive queue 1'),
    RXQ1_VALID: bit(7, 'rw', 'Receive queue 1 has a vector'),
    TXQ0: bits(10, 8, 'rw', 'Vector of transmit queue 0'),
    TXQ0_VALID: bit(11, 'rw', 'Transmit queue 0 has a vector'),
    TXQ1: bits(14, 12, 'rw', 'Vector of transmit queue 1'),
    TXQ1_VALID: bit(15, 'rw', 'Transmit queue 1 has a vector'),
    OTHER: bits(18, 16, 'rw', 'Vector of the other causes'),
    OTHER_VALID: bit(19, 'rw', 'The other causes have a vector'),
    TX_WB: bit(31, 'rw', 'TXQ0 and TXQ1 on every write-back, not only on those that RS and IDE ask for'),
  },
);
/** Vectors of the MSI-X table. */
export const MSIX_VECTORS = 5;
export const EITR = reg(
  'EITR',
  0x00e8,
  { doc: 'Throttling of each MSI-X vector', ref: S, count: 5 },
  { INTERVAL: bits(15, 0, 'rw', 'Least time between messages, in 256 ns; 0 is none') },
);
