/** 82574L: wake-up registers. Source: Intel 317694 (82574 datasheet), §5.4 and §10.2.5. */
import { bit, reg, word } from '../define.js';
import { WAKE_CONTROL, WAKE_FILTERS } from '../intel/fields.js';

const S = '82574 §5.4';

export const WUC = reg(
  'WUC',
  0x5800,
  { doc: 'Wake-up control', ref: S, volatile: true },
  {
    ...WAKE_CONTROL,
    PHY_WAKE: bit(8, 'rw', 'The PHY filters', { inert: true }),
  },
);

export const WUFC = reg(
  'WUFC',
  0x5808,
  { doc: 'Wake-up filters', ref: S },
  { ...WAKE_FILTERS('rw'), NOTCO: bit(15, 'rw', 'Ignore management packets', { inert: true }) },
);
export const FTFT = word('FTFT', 0x9400, 'rw', {
  doc: 'Flexible management filter: masks and values',
  ref: S,
  count: 256,
  volatile: true,
});
