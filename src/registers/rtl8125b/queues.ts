/** RTL8125B: MAC registers from 100h on: mitigation, the second form of interrupts, queues, RSS, the board's station address. */
import { bit, bits, reg, word } from '../define.js';

const w16 = { width: 16 } as const;

/** Bytes of a transmit descriptor when MAC OCP TX_FORMAT.NEW is 1: the same four words, then 16 bytes of 0 (OpenBSD rge_tx_desc). */
export const TX_DESCRIPTOR_NEW_BYTES = 32;
/** Queues of the receiver and of the transmitter. */
export const RX_QUEUES = 4;
export const TX_QUEUES = 2;

export const TCAM_CTRL = word('TCAM_CTRL', 0x0382, 'rw', {
  ...w16,
  doc: 'Drivers write 221bh; meaning not public',
  ref: 'r8169 rtl_hw_start_8125_common, DPDK rtl8125_hw_config: register 382h',
});
export const RADMFIFO_PROTECT = word('RADMFIFO_PROTECT', 0x0402, 'rw', {
  ...w16,
  doc: 'Protection of a FIFO; meaning not public',
  ref: 'OpenBSD RGE_RADMFIFO_PROTECT: register 402h',
});
const queueCauses = (access: 'rw' | 'w1c') => ({
  ROK: bit(0, access, 'Frame received'),
  RDU: bit(4, access, 'No receive descriptor was left'),
});
const mask = (queue: number) =>
  reg(
    `IMR${queue}`,
    0x7fc + 4 * queue,
    {
      ...w16,
      doc: `Interrupt mask of receive queue ${queue}`,
      ref: `DPDK IMR${queue}_8125: register of queue ${queue}`,
    },
    queueCauses('rw'),
  );
const status = (queue: number) =>
  reg(
    `ISR${queue}`,
    0x7fe + 4 * queue,
    {
      ...w16,
      doc: `Interrupt status of receive queue ${queue}`,
      ref: `DPDK ISR${queue}_8125: register of queue ${queue}`,
    },
    queueCauses('w1c'),
  );
export const IMR1 = mask(1);
export const ISR1 = status(1);
export const IMR2 = mask(2);
export const ISR2 = status(2);
export const IMR3 = mask(3);
export const ISR3 = status(3);

/** Unit of INT_MITI in microseconds: 256 clocks of 125 MHz (Realtek's r8125, timer_count_v2). */
export const INT_MITI_UNIT = 2.048;

export const INT_MITI = reg(
  'INT_MITI',
  0x0a00,
  {
    doc: 'Interrupt mitigation: queue n has element 2n, the other elements are stored; in 256 clocks of TCTR, 2.048 us. Linux writes 0 to all',
    ref: "r8169 rtl_hw_start_8125, OpenBSD RGE_INTMITI, DPDK INT_MITI_V2_0_RX, and Realtek's r8125 for the unit (timer_count_v2): registers a00h to a7ch; Linux 6.1 goes on to afch",
    count: 64,
  },
  {
    RX: bits(7, 0, 'rw', 'Time after a received frame'),
    RX_HIGH: bits(15, 8, 'rw', 'Not public', { inert: true }),
    TX: bits(23, 16, 'rw', 'Time after a sent frame'),
    TX_HIGH: bits(31, 24, 'rw', 'Not public', { inert: true }),
  },
);

const v2 = (access: 'rw' | 'w1c') => ({
  ROK_Q0: bit(0, access, 'Queue 0 received'),
  ROK_Q1: bit(1, access, 'Queue 1 received'),
  ROK_Q2: bit(2, access, 'Queue 2 received'),
  ROK_Q3: bit(3, access, 'Queue 3 received'),
  OTHER: bits(15, 4, access, 'Not public', { inert: true }),
  TOK_Q0: bit(16, access, 'Queue 0 sent'),
  BIT17: bit(17, access, 'Not public', { inert: true }),
  TOK_Q1: bit(18, access, 'Queue 1 sent'),
  MIDDLE: bits(20, 19, access, 'Not public', { inert: true }),
  LINKCHG: bit(21, access, 'The link came or went'),
  HIGH: bits(31, 22, access, 'Not public', { inert: true }),
});
export const IMR_V2_CLEAR = reg(
  'IMR_V2_CLEAR',
  0x0d00,
  {
    doc: 'Mask of ISR_V2: ones turn causes off; reads the mask',
    ref: "DPDK IMR_V2_CLEAR_REG_8125; Realtek's r8125 (rtl8125_dump_regs) for the read: register d00h",
  },
  v2('rw'),
);
export const ISR_V2 = reg(
  'ISR_V2',
  0x0d04,
  {
    doc: 'Interrupt status when INT_CFG0.ENABLE is 1: a cause is also a vector',
    ref: 'DPDK ISR_V2_8125: register d04h',
  },
  v2('w1c'),
);
export const TDU_STA = word('TDU_STA', 0x0d08, 'rw', {
  ...w16,
  doc: 'Transmit queues that ran empty',
  ref: 'DPDK TDU_STA_8125: register d08h',
});
export const RDU_STA = word('RDU_STA', 0x0d0a, 'rw', {
  ...w16,
  doc: 'Receive queues without a descriptor',
  ref: 'DPDK RDU_STA_8125: register d0ah',
});
export const IMR_V2_SET = reg(
  'IMR_V2_SET',
  0x0d0c,
  { doc: 'Mask of ISR_V2: ones turn causes on; reads the mask', ref: 'DPDK IMR_V2_SET_REG_8125: register d0ch' },
  v2('rw'),
);
export const DOUBLE_VLAN = word('DOUBLE_VLAN', 0x1000, 'rw', {
  ...w16,
  doc: 'Frames with two tags; meaning not public',
  ref: 'DPDK DOUBLE_VLAN_CONFIG: register 1000h',
});
export const CFG_1880 = reg(
  'CFG_1880',
  0x1880,
  { ...w16, doc: 'Not public', ref: 'r8169 rtl_hw_start_8125_common, DPDK rtl8125_hw_config: register 1880h' },
  {
    LOW: bits(3, 0, 'rw', 'Not public', { inert: true }),
    BITS54: bits(5, 4, 'rw', 'Two drivers clear them', { inert: true }),
    HIGH: bits(15, 6, 'rw', 'Not public', { inert: true }),
  },
);
export const BACKUP_ADDR0 = word('BACKUP_ADDR0', 0x19e0, 'rw', {
  doc: 'Station address as the board has it, bytes 0 to 3, the first in the low byte; Linux reads it before IDR0',
  ref: 'r8169 rtl_read_mac_address (MAC0_BKP), OpenBSD rge_get_macaddr (RGE_ADDR0): register 19e0h',
  volatile: true,
});
export const BACKUP_ADDR1 = reg(
  'BACKUP_ADDR1',
  0x19e4,
  {
    doc: 'The same, bytes 4 and 5',
    ref: 'r8169 rtl_read_mac_address, OpenBSD rge_get_macaddr (RGE_ADDR1): register 19e4h',
    volatile: true,
  },
  { VALUE: bits(15, 0, 'rw', 'Bytes 4 and 5'), HIGH: bits(31, 16, 'rw', 'Written as 0', { inert: true }) },
);
export const TX_NEW_CTRL = word('TX_NEW_CTRL', 0x203e, 'rw', {
  ...w16,
  doc: 'The second form of transmit descriptors; meaning not public',
  ref: 'DPDK TX_NEW_CTRL: register 203eh',
});
export const TNPDS_Q1_LO = reg(
  'TNPDS_Q1_LO',
  0x2100,
  { doc: 'Ring of transmit queue 1, low', ref: 'DPDK TNPDS_Q1_LOW_8125: register 2100h' },
  { ADDR: bits(31, 8, 'rw', 'Address; the ring starts at a multiple of 256') },
);
export const TNPDS_Q1_HI = word('TNPDS_Q1_HI', 0x2104, 'rw', {
  doc: 'Ring of transmit queue 1, high',
  ref: 'DPDK TNPDS_Q1_LOW_8125: register 2104h',
});
export const TXQ_IDLE_CREDIT = word('TXQ_IDLE_CREDIT', 0x2500, 'rw', {
  doc: 'Credit of transmit queues 0 and 1; meaning not public',
  ref: 'DPDK PLA_TXQ0_IDLE_CREDIT: registers 2500h and 2504h',
  count: 2,
});
export const SW_TAIL_PTR = word('SW_TAIL_PTR', 0x2800, 'rw', {
  ...w16,
  doc: 'With TXCFG.TX_NO_CLOSE: up to where software filled transmit queue 0 and 1',
  ref: 'DPDK SW_TAIL_PTR0_8125: registers 2800h and 2804h',
  count: TX_QUEUES,
  stride: 4,
});
export const HW_CLO_PTR = word('HW_CLO_PTR', 0x2802, 'ro', {
  ...w16,
  doc: 'With TXCFG.TX_NO_CLOSE: up to where the NIC sent transmit queue 0 and 1',
  ref: 'DPDK HW_CLO_PTR0_8125: registers 2802h and 2806h',
  count: TX_QUEUES,
  stride: 4,
});
export const RDSAR_Q1_LO = word('RDSAR_Q1_LO', 0x4000, 'rw', {
  doc: 'Rings of receive queues 1 to 3, low',
  ref: 'DPDK RDSAR_Q1_LOW_8125: register 4000h',
  count: RX_QUEUES - 1,
  stride: 8,
});
export const RDSAR_Q1_HI = word('RDSAR_Q1_HI', 0x4004, 'rw', {
  doc: 'Rings of receive queues 1 to 3, high',
  ref: 'DPDK RDSAR_Q1_LOW_8125: register 4004h',
  count: RX_QUEUES - 1,
  stride: 8,
});
export const RSS_CTRL = word('RSS_CTRL', 0x4500, 'rw', {
  doc: 'Receive side scaling; r8169 and OpenBSD write 0: one queue',
  ref: 'r8169 rtl_hw_start_8125_common, OpenBSD RGE_RSS_CTRL: register 4500h',
});
export const RSS_KEY = word('RSS_KEY', 0x4600, 'rw', {
  doc: 'Hash key, 40 bytes',
  ref: 'DPDK RSS_KEY_8125: register 4600h',
  count: 10,
});
export const RSS_TABLE = word('RSS_TABLE', 0x4700, 'rw', {
  doc: 'Queue of a hash, a byte each, 128 of them',
  ref: 'DPDK RSS_INDIRECTION_TBL_8125_V2: register 4700h',
  count: 32,
});
export const Q_NUM_CTRL = word('Q_NUM_CTRL', 0x4800, 'rw', {
  ...w16,
  doc: 'Number of receive queues; r8169 and OpenBSD write 0: one queue',
  ref: 'r8169 rtl_hw_start_8125_common, OpenBSD RGE_RXQUEUE_CTRL: register 4800h',
});
export const EEE_TXIDLE_TIMER = word('EEE_TXIDLE_TIMER', 0x6048, 'rw', {
  ...w16,
  doc: 'How long the transmitter is idle before low power idle, in byte times; drivers write MTU + 46',
  ref: 'r8169 rtl_set_eee_txidle_timer, OpenBSD RGE_EEE_TXIDLE_TIMER: register 6048h',
});
