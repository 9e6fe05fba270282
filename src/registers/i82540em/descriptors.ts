/** 82540EM: descriptor words in memory, 16 bytes each, little-endian. Source: Intel 317453 (8254x SDM), §3.2.3 and §3.3. */
import { reg } from '../define.js';
import { DATA_OPTIONS, RECEIVED } from '../intel/fields.js';
export const RXD_STATUS = reg('RXD_STATUS', 12, { doc: 'Status, errors and tag', ref: '8254x §3.2.3.1' }, RECEIVED);
export const TXD_POPTS = reg(
  'TXD_POPTS',
  12,
  { doc: 'Data descriptor: status, options, tag', ref: '8254x §3.3.7' },
  DATA_OPTIONS,
);
