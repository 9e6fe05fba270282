/** 82574L: wake-up registers. Source: Intel 317694 (82574 datasheet), §5.4 and §10.2.5. */
import { type Access, bit, bits, reg, word } from '../define.js';

const S = '82574 §5.4';

export const WUC = reg(
  'WUC',
  0x5800,
  { doc: 'Wake-up control', ref: S, volatile: true },
  {
    APME: bit(0, 'rw', 'Wake on a magic packet, set by firmware'),
    PME_EN: bit(1, 'rw', 'PME#'),
    PME_STATUS: bit(2, 'w1c', 'PME# was asserted'),
    APMPME: bit(3, 'rw', 'Assert PME# on APM wake-up'),
    PHY_WAKE: bit(8, 'rw', 'The PHY filters', { inert: true }),
  },
);

const FILTERS = (access: Access) => ({
  LNKC: bit(0, access, 'Link change'),
  MAG: bit(1, access, 'Magic packet'),
  EX: bit(2, access, 'Unicast to this station'),
  MC: bit(3, access, 'Multicast that passes the filter'),
  BC: bit(4, access, 'Broadcast'),
  ARP: bit(5, access, 'ARP request for an address of IP4AT'),
  IPV4: bit(6, access, 'IPv4 to an address of IP4AT'),
  IPV6: bit(7, access, 'IPv6 to the address of IP6AT'),
  FLX: bits(19, 16, access, 'Flexible filters 0 to 3'),
});

export const WUFC = reg(
  'WUFC',
  0x5808,
  { doc: 'Wake-up filters', ref: S },
  { ...FILTERS('rw'), NOTCO: bit(15, 'rw', 'Ignore management packets', { inert: true }) },
);
export const WUS = reg('WUS', 0x5810, { doc: 'What woke; writing 1 clears', ref: S }, FILTERS('w1c'));
export const IPAV = reg(
  'IPAV',
  0x5838,
  { doc: 'Which IP addresses are valid', ref: S, volatile: true },
  {
    V4: bits(3, 0, 'rw', 'IP4AT entries'),
    V6: bit(16, 'rw', 'IP6AT'),
  },
);
export const IP4AT = word('IP4AT', 0x5840, 'rw', {
  doc: 'IPv4 addresses, as in memory',
  ref: S,
  count: 4,
  stride: 8,
  volatile: true,
});
export const IP6AT = word('IP6AT', 0x5880, 'rw', {
  doc: 'IPv6 address, as in memory',
  ref: S,
  count: 4,
  volatile: true,
});
export const WUPL = word('WUPL', 0x5900, 'ro', {
  doc: 'Length of the frame that woke',
  ref: S,
  bits: 12,
  volatile: true,
});
export const WUPM = word('WUPM', 0x5a00, 'ro', {
  doc: 'First 128 bytes of the frame that woke',
  ref: S,
  count: 32,
  volatile: true,
});
export const FFLT = word('FFLT', 0x5f00, 'rw', {
  doc: 'Flexible filter lengths, bytes',
  ref: S,
  count: 4,
  stride: 8,
  bits: 11,
  volatile: true,
});
export const FFMT = word('FFMT', 0x9000, 'rw', {
  doc: 'Flexible filter masks: bit i for filter i',
  ref: S,
  count: 128,
  stride: 8,
  bits: 4,
  volatile: true,
});
export const FTFT = word('FTFT', 0x9400, 'rw', {
  doc: 'Flexible management filter: masks and values',
  ref: S,
  count: 256,
  volatile: true,
});
export const FFVT = word('FFVT', 0x9800, 'rw', {
  doc: 'Flexible filter values: byte i for filter i',
  ref: S,
  count: 128,
  stride: 8,
  volatile: true,
});
