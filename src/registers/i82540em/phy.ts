/**
 * 82540EM's internal PHY, a Marvell 88E1011: the clause 22 registers and Marvell's own.
 * Source: 8254x SDM chapter 8 and §13.4.7; Marvell 88E1011S datasheet for registers 16 to 31.
 */
import { bit, bits, reg, registerMap, word } from '../define.js';
import * as mii from '../mii.js';

const w = { width: 16 } as const;

export const M88_PSCR = reg(
  'M88_PSCR',
  32,
  { ...w, doc: 'PHY specific control', ref: '88E1011 register 16', reset: 0x0068 },
  {
    JABBER_DISABLE: bit(0, 'rw', 'No jabber detection', { inert: true }),
    POLARITY_REVERSAL: bit(1, 'rw', 'No polarity correction', { inert: true }),
    SQE_TEST: bit(2, 'rw', 'SQE test', { inert: true }),
    CLK125_DISABLE: bit(4, 'rw', 'CLK125 low', { inert: true }),
    MDI_X_MODE: bits(6, 5, 'rw', 'Crossover', { values: { 0: 'MDI', 1: 'MDI-X', 3: 'automatic' } }),
    EXT_DISTANCE: bit(7, 'rw', 'Long cable', { inert: true }),
    ENERGY_DETECT: bits(9, 8, 'rw', 'Energy detect', { inert: true }),
    FORCE_LINK_GOOD: bit(10, 'rw', 'Say the link is good'),
    ASSERT_CRS_ON_TX: bit(11, 'rw', 'CRS while sending', { inert: true }),
    RX_FIFO: bits(13, 12, 'rw', 'Receive FIFO depth', { inert: true }),
    TX_FIFO: bits(15, 14, 'rw', 'Transmit FIFO depth', { inert: true }),
  },
);

export const M88_PSSR = reg(
  'M88_PSSR',
  34,
  { ...w, doc: 'PHY specific status', ref: '88E1011 register 17' },
  {
    JABBER: bit(0, 'ro', 'Jabber'),
    REV_POLARITY: bit(1, 'ro', 'Polarity reversed'),
    DOWNSHIFT: bit(5, 'ro', 'Speed was lowered'),
    MDIX: bit(6, 'ro', 'Pairs are crossed'),
    CABLE_LENGTH: bits(9, 7, 'ro', 'Cable length', {
      values: { 0: '<50 m', 1: '50-80 m', 2: '80-110 m', 3: '110-140 m', 4: '>140 m' },
    }),
    LINK: bit(10, 'ro', 'Link, not latched'),
    SPD_DPLX_RESOLVED: bit(11, 'ro', 'Speed and duplex are settled'),
    PAGE_RCVD: bit(12, 'latched', 'A page was received'),
    DPLX: bit(13, 'ro', 'Full duplex'),
    SPEED: bits(15, 14, 'ro', 'Speed', { values: { 0: '10', 1: '100', 2: '1000' } }),
  },
);

export const M88_INT_MASK = word('M88_INT_MASK', 36, 'rw', {
  ...w,
  doc: 'PHY interrupt enable',
  ref: '88E1011 register 18',
});
export const M88_INT_STATUS = word('M88_INT_STATUS', 38, 'rc', {
  ...w,
  doc: 'PHY interrupt status',
  ref: '88E1011 register 19',
});
export const M88_EPSCR = reg(
  'M88_EPSCR',
  40,
  { ...w, doc: 'Extended PHY specific control', ref: '88E1011 register 20', reset: 0x0d64 },
  {
    FIBER_LOOPBACK: bit(14, 'rw', 'Fiber loopback', { inert: true }),
    DOWN_NO_IDLE: bit(15, 'rw', 'No idle while down', { inert: true }),
    DELAYS: bits(13, 12, 'rw', 'Line loopback and RX delay', { inert: true }),
    MASTER_DOWNSHIFT: bits(11, 10, 'rw', 'Tries as master before lowering the speed', { inert: true }),
    SLAVE_DOWNSHIFT: bits(9, 8, 'rw', 'Tries as slave before lowering the speed', { inert: true }),
    RX_TIMING: bit(7, 'rw', 'Delay of RX_CLK', { inert: true }),
    TX_CLK: bits(6, 4, 'rw', 'MAC interface speed', { inert: true }),
    REST: bits(3, 0, 'rw', 'Fiber options', { inert: true }),
  },
);
export const M88_RX_ERR_CNTR = word('M88_RX_ERR_CNTR', 42, 'rc', {
  ...w,
  doc: 'Receive errors',
  ref: '88E1011 register 21',
});
export const M88_EXT_ADDR = word('M88_EXT_ADDR', 44, 'rw', {
  ...w,
  doc: 'Extended address',
  ref: '88E1011 register 22',
});
export const M88_LED = word('M88_LED', 48, 'rw', {
  ...w,
  doc: 'LED control',
  ref: '88E1011 register 24',
  reset: 0x4100,
});
export const M88_LED_MANUAL = word('M88_LED_MANUAL', 50, 'rw', {
  ...w,
  doc: 'LED override',
  ref: '88E1011 register 25',
});
export const M88_EXT_CTRL2 = word('M88_EXT_CTRL2', 52, 'rw', {
  ...w,
  doc: 'Extended control 2',
  ref: '88E1011 register 26',
});
export const M88_EXT_STATUS = word('M88_EXT_STATUS', 54, 'ro', {
  ...w,
  doc: 'Extended status: hardware configuration',
  ref: '88E1011 register 27',
  reset: 0x848b,
});
export const M88_VCT = word('M88_VCT', 56, 'ro', { ...w, doc: 'Cable tester', ref: '88E1011 register 28' });
export const M88_PHY_PAGE = word('M88_PHY_PAGE', 58, 'rw', {
  ...w,
  doc: 'Page for register 30',
  ref: '88E1011 register 29',
});
export const M88_PHY_GEN = word('M88_PHY_GEN', 60, 'rw', {
  ...w,
  doc: 'Register of the page in register 29',
  ref: '88E1011 register 30',
});

/** The PHY as MDIC reaches it; an offset is twice the register's number. */
export const phyMap = registerMap('82540em', 'PHY', 64, [16], {
  ...mii,
  M88_PSCR,
  M88_PSSR,
  M88_INT_MASK,
  M88_INT_STATUS,
  M88_EPSCR,
  M88_RX_ERR_CNTR,
  M88_EXT_ADDR,
  M88_LED,
  M88_LED_MANUAL,
  M88_EXT_CTRL2,
  M88_EXT_STATUS,
  M88_VCT,
  M88_PHY_PAGE,
  M88_PHY_GEN,
});
