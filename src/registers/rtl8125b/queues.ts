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
  RDU: bit(1, access, 'No receive descriptor was left; queue 0 has it at bit 4 of ISR'),
});
const mask = (queue: number) =>
  reg(
    `IMR${queue}`,
    0x7fc + 4 * queue,
    {
      ...w16,
      doc: `Interrupt mask of receive queue ${queue} in the first form; IMR is queue 0's`,
      ref: `DPDK IMR${queue}_8125, r8125 other_q_intr_mask for the bits: register of queue ${queue}`,
    },
    queueCauses('rw'),
  );
const status = (queue: number) =>
  reg(
    `ISR${queue}`,
    0x7fe + 4 * queue,
    {
      ...w16,
      doc: `Interrupt status of receive queue ${queue} in the first form; ISR is queue 0's`,
      ref: `DPDK ISR${queue}_8125 and rtl8125_clear_rdu, r8125 RxDU1 for the bits: register of queue ${queue}`,
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
    doc: 'Interrupt mitigation: element 2n is that of receive queue n and of transmit queue n, the other elements are stored; in 256 clocks of TCTR, 2.048 us. Linux writes 0 to all',
    ref: "r8169 rtl_hw_start_8125, OpenBSD RGE_INTMITI, DPDK INT_MITI_V2_0_RX to INT_MITI_V2_1_TX, and Realtek's r8125 for the queues (rtl8125_hw_set_timer_int_8125) and the unit (timer_count_v2): registers a00h to a7ch; Linux 6.1 goes on to afch",
    count: 64,
  },
  {
    RX: bits(7, 0, 'rw', 'Time after a received frame'),
    RX_HIGH: bits(15, 8, 'rw', 'Not public', { inert: true }),
    TX: bits(23, 16, 'rw', 'Time after a sent frame'),
    TX_HIGH: bits(31, 24, 'rw', 'Not public', { inert: true }),
  },
);
/** Elements of {@link INT_MITI} from one queue to the next. */
export const INT_MITI_STEP = 2;

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
  doc: 'Transmit queues that ran empty, by its name; no driver reads it, the model keeps what is written',
  ref: 'DPDK TDU_STA_8125: register d08h',
});
export const RDU_STA = word('RDU_STA', 0x0d0a, 'rw', {
  ...w16,
  doc: 'Receive queues without a descriptor, by its name; no driver reads it, the model keeps what is written',
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
export const RDSAR_Q1_LO = reg(
  'RDSAR_Q1_LO',
  0x4000,
  {
    doc: 'Rings of receive queues 1 to 3, low: element n - 1 is that of queue n. Queue 0 has RDSAR',
    ref: 'DPDK RDSAR_Q1_LOW_8125, r8125 rtl8125_setup_mqs_reg: registers 4000h, 4008h, 4010h',
    count: RX_QUEUES - 1,
    stride: 8,
  },
  { ADDR: bits(31, 8, 'rw', 'Address; the ring starts at a multiple of 256') },
);
export const RDSAR_Q1_HI = word('RDSAR_Q1_HI', 0x4004, 'rw', {
  doc: 'Rings of receive queues 1 to 3, high',
  ref: 'DPDK RDSAR_Q1_LOW_8125, r8125 rtl8125_setup_mqs_reg: registers 4004h, 400ch, 4014h',
  count: RX_QUEUES - 1,
  stride: 8,
});
export const RSS_CTRL = reg(
  'RSS_CTRL',
  0x4500,
  {
    doc: 'Receive side scaling: which frames are hashed. 0: none; r8169 and OpenBSD write that',
    ref: 'r8125 enum rtl8125_rss_register_content, DPDK enum rtl_rss_register_content; r8169 rtl_hw_start_8125_common, OpenBSD RGE_RSS_CTRL: register 4500h',
  },
  {
    TCP_IPV4: bit(0, 'rw', 'TCP over IPv4: addresses and ports'),
    IPV4: bit(1, 'rw', 'Other IPv4: addresses'),
    TCP_IPV6: bit(2, 'rw', 'TCP over IPv6 without extension headers: addresses and ports'),
    IPV6: bit(3, 'rw', 'Other IPv6 without extension headers: addresses'),
    IPV6_EXT: bit(4, 'rw', 'Other IPv6, with or without extension headers: addresses'),
    TCP_IPV6_EXT: bit(5, 'rw', 'TCP over IPv6, with or without extension headers: addresses and ports'),
    HALF: bit(7, 'rw', 'Not public (RSS_HALF_SUPP)', { inert: true }),
    MASK_BITS: bits(10, 8, 'rw', 'As many low bits of the hash choose the element of RSS_TABLE; 7 for all 128'),
    UDP_IPV4: bit(11, 'rw', 'UDP over IPv4: addresses and ports'),
    UDP_IPV6: bit(12, 'rw', 'UDP over IPv6 without extension headers: addresses and ports'),
    UDP_IPV6_EXT: bit(13, 'rw', 'UDP over IPv6, with or without extension headers: addresses and ports'),
    CPU_NUM: bits(18, 16, 'rw', 'Logarithm of the number of queues; drivers write what Q_NUM_CTRL has, which counts', {
      inert: true,
    }),
    HQ: bit(31, 'rw', 'Not public (RSS_HQ_Q_SUP_R)', { inert: true }),
  },
);
export const RSS_KEY = word('RSS_KEY', 0x4600, 'rw', {
  doc: 'Key of the Toeplitz hash, 40 bytes; the first byte is the low one of the first element',
  ref: 'r8125 rtl8125_store_rss_key, DPDK RSS_KEY_8125: registers 4600h to 4624h',
  count: 10,
});
export const RSS_TABLE = word('RSS_TABLE', 0x4700, 'rw', {
  doc: 'Receive queue of a hash: 128 bytes, four in an element, the first one in the low byte',
  ref: 'r8125 rtl8125_store_reta, DPDK RSS_INDIRECTION_TBL_8125_V2: registers 4700h to 477ch',
  count: 32,
});
export const Q_NUM_CTRL = reg(
  'Q_NUM_CTRL',
  0x4800,
  {
    ...w16,
    doc: 'Number of receive queues; r8169 and OpenBSD write 0: one queue',
    ref: 'r8125 and DPDK rtl8125_set_rx_q_num; r8169 rtl_hw_start_8125_common, OpenBSD RGE_RXQUEUE_CTRL: register 4800h',
  },
  {
    LOW: bits(1, 0, 'rw', 'Not public', { inert: true }),
    RX: bits(4, 2, 'rw', 'Logarithm of the number of receive queues: at most 2'),
    HIGH: bits(15, 5, 'rw', 'Not public', { inert: true }),
  },
);
export const EEE_TXIDLE_TIMER = word('EEE_TXIDLE_TIMER', 0x6048, 'rw', {
  ...w16,
  doc: 'How long the transmitter is idle before low power idle, in byte times; drivers write MTU + 46',
  ref: 'r8169 rtl_set_eee_txidle_timer, OpenBSD RGE_EEE_TXIDLE_TIMER: register 6048h',
});
