/**
 * 82574L's internal PHY, in drivers "BM" (BME1000): clause 22 registers, Marvell-like ones of page 0, and pages 2, 3, 5
 * and 6; port control on page 769 and the wake-up registers behind page 800.
 * Source: Intel 317694 (82574 datasheet), §9; paging and pages 769 and 800: e1000e's and em's access to BM PHYs.
 */
import { bit, bits, reg, registerMap, word } from '../define.js';
import * as mii from '../mii.js';

const w = { width: 16 } as const;
const S = '82574 §9';
/** Offset of register `n`: two bytes each. */
const r = (n: number): number => 2 * n;

/** PHYSID1 and PHYSID2: drivers ask for exactly this. */
export const PHY_ID = 0x0141_0cb1;

export const BM_CS_CTRL1 = reg(
  'BM_CS_CTRL1',
  r(16),
  { ...w, doc: 'Copper specific control 1', ref: S, reset: 0x3360 },
  {
    JABBER_DISABLE: bit(0, 'rw', 'No jabber detection', { inert: true }),
    POLARITY_REVERSAL: bit(1, 'rw', 'No polarity correction', { inert: true }),
    POWER_DOWN: bit(2, 'rw', 'Copper power down', { inert: true }),
    TRANSMITTER_DISABLE: bit(3, 'rw', 'Transmitter off', { inert: true }),
    MDI_X_MODE: bits(6, 5, 'rw', 'Crossover', { values: { 0: 'MDI', 1: 'MDI-X', 3: 'automatic' } }),
    EXT_DISTANCE: bit(7, 'rw', 'Long cable', { inert: true }),
    ENERGY_DETECT: bits(9, 8, 'rw', 'Energy detect', { inert: true }),
    FORCE_LINK_GOOD: bit(10, 'rw', 'Say the link is good', { inert: true }),
    DOWNSHIFT: bit(11, 'rw', 'Lower the speed when 1000 fails', { inert: true }),
    DOWNSHIFT_COUNT: bits(14, 12, 'rw', 'Tries before that', { inert: true }),
    DISABLE_LINK_PULSES: bit(15, 'rw', 'No link pulses', { inert: true }),
  },
);
export const BM_CS_STATUS = reg(
  'BM_CS_STATUS',
  r(17),
  { ...w, doc: 'Copper specific status 1', ref: S },
  {
    JABBER: bit(0, 'ro', 'Jabber'),
    REV_POLARITY: bit(1, 'ro', 'Polarity reversed'),
    DTE: bit(2, 'ro', 'Partner wants power'),
    LINK_GLOBAL: bit(3, 'ro', 'Global link'),
    ENERGY: bit(4, 'ro', 'Asleep for want of energy'),
    DOWNSHIFT: bit(5, 'ro', 'Speed was lowered'),
    MDIX: bit(6, 'ro', 'Pairs are crossed'),
    RX_PAUSE: bit(8, 'ro', 'PAUSE is obeyed'),
    TX_PAUSE: bit(9, 'ro', 'PAUSE is sent'),
    LINK: bit(10, 'ro', 'Link, not latched'),
    SPD_DPLX_RESOLVED: bit(11, 'ro', 'Speed and duplex are settled'),
    PAGE_RCVD: bit(12, 'latched', 'A page was received'),
    DPLX: bit(13, 'ro', 'Full duplex'),
    SPEED: bits(15, 14, 'ro', 'Speed', { values: { 0: '10', 1: '100', 2: '1000' } }),
  },
);
export const BM_CS_INT_ENABLE = word('BM_CS_INT_ENABLE', r(18), 'rw', { ...w, doc: 'Interrupt enable', ref: S });
export const BM_CS_INT_STATUS = word('BM_CS_INT_STATUS', r(19), 'rc', { ...w, doc: 'Interrupt status', ref: S });
export const BM_CS_CTRL2 = word('BM_CS_CTRL2', r(20), 'rw', { ...w, doc: 'Copper specific control 3', ref: S });
export const BM_RX_ERR_CNTR = word('BM_RX_ERR_CNTR', r(21), 'rc', { ...w, doc: 'Receive errors', ref: S });
/** Page of registers 16 to 28, by its number. */
export const BM_PAGE_SELECT = word('BM_PAGE_SELECT', r(22), 'rw', { ...w, doc: 'Page', ref: S });
export const BM_OEM_BITS = word('BM_OEM_BITS', r(25), 'rw', { ...w, doc: 'OEM bits', ref: S });
export const BM_BIAS1 = word('BM_BIAS1', r(29), 'rw', { ...w, doc: 'Bias setting 1', ref: S });
export const BM_BIAS2 = word('BM_BIAS2', r(30), 'rw', { ...w, doc: 'Bias setting 2', ref: S });
/** Page as drivers select pages 769 and 800: its number in bits 15 to 5. */
export const BM_PORT_PAGE = reg(
  'BM_PORT_PAGE',
  r(31),
  { ...w, doc: 'Page, for port control and wake-up', ref: S },
  {
    LOW: bits(4, 0, 'rw', 'Ignored'),
    PAGE: bits(15, 5, 'rw', 'Page'),
  },
);

/** Page 0: what is there after reset. Registers 0 to 15, 22 and 29 to 31 are on every page. */
export const phyMap = registerMap('82574l', 'PHY', 64, [16], {
  ...mii,
  BM_CS_CTRL1,
  BM_CS_STATUS,
  BM_CS_INT_ENABLE,
  BM_CS_INT_STATUS,
  BM_CS_CTRL2,
  BM_RX_ERR_CNTR,
  BM_PAGE_SELECT,
  BM_OEM_BITS,
  BM_BIAS1,
  BM_BIAS2,
  BM_PORT_PAGE,
});

export const BM_MAC_CTRL1 = reg(
  'BM_MAC_CTRL1',
  r(16),
  { ...w, doc: 'MAC specific control 1', ref: S, reset: 0x0088 },
  {
    OPTIONS: bits(13, 0, 'rw', 'MAC interface options', { inert: true }),
    FIFO: bits(15, 14, 'rw', 'FIFO depth', { inert: true }),
  },
);
export const BM_MAC_INT_ENABLE = word('BM_MAC_INT_ENABLE', r(18), 'rw', { ...w, doc: 'MAC interrupt enable', ref: S });
export const BM_MAC_STATUS = word('BM_MAC_STATUS', r(19), 'ro', { ...w, doc: 'MAC specific status', ref: S });
export const BM_MAC_CTRL2 = reg(
  'BM_MAC_CTRL2',
  r(21),
  { ...w, doc: 'MAC specific control 2', ref: S, reset: 0x1046 },
  {
    SPEED_LOW: bits(2, 0, 'rw', 'MAC interface speed', { inert: true }),
    OPTIONS: bits(15, 3, 'rw', 'MAC interface options', { inert: true }),
  },
);
export const phyPage2Map = registerMap('82574l', 'PHY page 2', 64, [16], {
  BM_MAC_CTRL1,
  BM_MAC_INT_ENABLE,
  BM_MAC_STATUS,
  BM_MAC_CTRL2,
});

export const BM_LED_FUNC = word('BM_LED_FUNC', r(16), 'rw', { ...w, doc: 'LED functions', ref: S });
export const BM_LED_POLARITY = word('BM_LED_POLARITY', r(17), 'rw', { ...w, doc: 'LED polarity', ref: S });
export const BM_LED_TIMER = word('BM_LED_TIMER', r(18), 'rw', { ...w, doc: 'LED timer', ref: S, reset: 0x4005 });
export const BM_LED45 = word('BM_LED45', r(19), 'rw', { ...w, doc: 'LED 4 and 5', ref: S });
export const phyPage3Map = registerMap('82574l', 'PHY page 3', 64, [16], {
  BM_LED_FUNC,
  BM_LED_POLARITY,
  BM_LED_TIMER,
  BM_LED45,
});

export const BM_PAIR_SKEW = word('BM_PAIR_SKEW', r(20), 'ro', { ...w, doc: '1000BASE-T pair skew', ref: S });
export const BM_PAIR_SWAP = word('BM_PAIR_SWAP', r(21), 'ro', { ...w, doc: '1000BASE-T pair swap', ref: S });
export const phyPage5Map = registerMap('82574l', 'PHY page 5', 64, [16], { BM_PAIR_SKEW, BM_PAIR_SWAP });

export const BM_CRC_COUNTERS = word('BM_CRC_COUNTERS', r(17), 'ro', { ...w, doc: 'CRC counters', ref: S });
export const phyPage6Map = registerMap('82574l', 'PHY page 6', 64, [16], { BM_CRC_COUNTERS });

export const BM_PORT_GENERAL = reg(
  'BM_PORT_GENERAL',
  r(17),
  { ...w, doc: 'Port general configuration', ref: 'e1000e and em: register BM_WUC_ENABLE_REG' },
  {
    LOW: bits(1, 0, 'rw', 'Port options', { inert: true }),
    WUC_ENABLE: bit(2, 'rw', 'The wake-up registers may be reached'),
    BIT3: bit(3, 'rw', 'Port option', { inert: true }),
    HOST_WU: bit(4, 'rw', 'The host wakes', { inert: true }),
    ME_WU: bit(5, 'rw', 'Management wakes', { inert: true }),
    REST: bits(15, 6, 'rw', 'Port options', { inert: true }),
  },
);
export const BM_PORT_FORCE = reg(
  'BM_PORT_FORCE',
  r(16),
  { ...w, doc: 'Port control', ref: "e1000e's loopback test: register 16 of page 769" },
  {
    LOW: bits(1, 0, 'rw', 'Port options', { inert: true }),
    DUPLEX: bits(3, 2, 'rw', 'Force full duplex', { inert: true }),
    MIDDLE: bits(5, 4, 'rw', 'Port options', { inert: true }),
    LINK: bit(6, 'rw', 'Force link', { inert: true }),
    REST: bits(15, 7, 'rw', 'Port options', { inert: true }),
  },
);
export const BM_PORT_EARLY = reg(
  'BM_PORT_EARLY',
  r(20),
  { ...w, doc: 'Early link', ref: "e1000e's loopback test: register 20 of page 769" },
  {
    LOW: bits(9, 0, 'rw', 'Port options', { inert: true }),
    ENABLE: bit(10, 'rw', 'Early link', { inert: true }),
    REST: bits(15, 11, 'rw', 'Port options', { inert: true }),
  },
);
/** Page 769. */
export const phyPortMap = registerMap('82574l', 'PHY page 769', 64, [16], {
  BM_PORT_FORCE,
  BM_PORT_GENERAL,
  BM_PORT_EARLY,
});

export const BM_WUC_ADDRESS = word('BM_WUC_ADDRESS', r(17), 'rw', {
  ...w,
  doc: 'Number of the wake-up register that BM_WUC_DATA reaches',
  ref: 'e1000e and em: register BM_WUC_ADDRESS_OPCODE',
});
export const BM_WUC_DATA = word('BM_WUC_DATA', r(18), 'rw', {
  ...w,
  doc: 'The wake-up register',
  ref: 'e1000e and em: register BM_WUC_DATA_OPCODE',
});
/** Page 800. */
export const phyWakeMap = registerMap('82574l', 'PHY page 800', 64, [16], { BM_WUC_ADDRESS, BM_WUC_DATA });

export const BM_LINK_FORCE = reg(
  'BM_LINK_FORCE',
  r(16),
  { ...w, doc: 'Forced link', ref: "e1000e's loopback test: register 16 of page 776" },
  {
    LOW: bits(5, 0, 'rw', 'Link options', { inert: true }),
    UP: bit(6, 'rw', 'Link up', { inert: true }),
    REST: bits(15, 7, 'rw', 'Link options', { inert: true }),
  },
);
/** Page 776. */
export const phyLinkMap = registerMap('82574l', 'PHY page 776', 64, [16], { BM_LINK_FORCE });

/** Wake-up registers behind page 800; all are stored. */
export const WAKE_REGISTERS = 256;
/** Pages by number, beside page 0. */
export const PHY_PAGES = {
  2: phyPage2Map,
  3: phyPage3Map,
  5: phyPage5Map,
  6: phyPage6Map,
  769: phyPortMap,
  776: phyLinkMap,
  800: phyWakeMap,
} as const;
/** Numbers of the pages that have a name. */
export const PHY_PAGE = { port: 769, wake: 800 } as const;
/** Registers from this number on are paged. */
export const FIRST_PAGED = 16;
