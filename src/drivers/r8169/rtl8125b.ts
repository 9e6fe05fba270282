/**
 * RTL8125B (XID 641h) as data. No document of it is public: every list names the driver that does so, and for registers without
 * public meaning the numbers are all there is.
 */
import { sleep, type Task, untilTrue } from '../../platform/task.js';
import { meta, pick, put } from '../../registers/define.js';
import * as map from '../../registers/rtl8125b/index.js';
import { type Access, change, parameter, type StepList, write } from './access.js';
import type { Rtl } from './chip.js';
import { NO_ASPM } from './hw.js';

const { BACKUP_ADDR0, BACKUP_ADDR1, CFG_1880, CONFIG1, CONFIG3, CRC_WAKE_DISABLE, DMY_PWR0 } = map;
const { EEE_ADV, EEE_ADV2, EEE_CR, EEE_TUNE, EEE_TXIDLE_TIMER, EPHY_REG, FIFO_CTRL, FIFO_STATUS, FORCE_MODE } = map;
const {
  FTR_MCU_CTRL,
  INT_CFG0,
  INT_CFG1,
  INT_MITI,
  INT_MITI_UNIT,
  MAC_PWRDWN_CR0,
  MCU,
  MISC,
  OCP_C01E,
  OCP_C0A6,
  OCP_C0AA,
} = map;
const { OCP_D3E2, OCP_D3E4, OCP_D430, OCP_E00E, OCP_E052, OCP_E056, OCP_E098, OCP_E614, OCP_E63E } = map;
const { OCP_E860, OCP_EA1C, OCP_EB50, OCP_EB6A, PARAM_ADDR, PARAM_DATA, PARAM2_ADDR, PARAM2_DATA, PHY_A442 } = map;
const { PHY_A4A2, PHY_A4CA, PHY_A6D8, PHY_AC46, PHY_AD30, PHY_BF00, PHY_BF46, PHY_BF84, PHYCR1, PHYCR2 } = map;
const { Q_NUM_CTRL, RCR, RSS_CTRL, TALLY_CTRL, TCAM_CLEAR, TCAM_CTRL, TX_FORMAT, TXCFG, UPS, WAKE_LINK, WAKE_MAGIC } =
  map;

/** Value of MXDMA: bursts as long as they like. */
const UNLIMITED = 7;
/** 96 bit times. */
const INTER_FRAME_GAP = 3;
/** Descriptors fetched at once (r8169 RX_FETCH_DFLT_8125). */
const FETCH = 8;
/** r8169 rtl_set_eee_txidle_timer: the Ethernet header and 32 bytes on top of the packet. */
const EEE_IDLE_EXTRA = 46;
/** r8169 rtl_hw_start_8125_common: ten looks, a millisecond apart. */
const BUSY_US = 10_000;
/** Events of WAKE_LINK that stand for a link that comes (r8169 __rtl8169_set_wol). */
const LINK_EVENTS = 0x13;

const INTERRUPTS: StepList = {
  source: 'r8169 rtl_hw_start_8125: the first form of interrupts, none of them mitigated yet',
  steps: [
    write('mac', INT_CFG0, 0),
    ...Array.from({ length: INT_MITI[meta].count }, (_, i) => write('mac', INT_MITI, 0, i)),
    write('mac', INT_CFG1, 0),
    change('ocp', TALLY_CTRL, 0, TALLY_CTRL.EXTENDED),
  ],
};
const EPHY: StepList = {
  source: 'r8169 rtl_hw_start_8125b (e_info_8125b)',
  steps: [
    write('ephy', EPHY_REG, 0xa908, 0x0b),
    write('ephy', EPHY_REG, 0x20eb, 0x1e),
    write('ephy', EPHY_REG, 0xa908, 0x4b),
    write('ephy', EPHY_REG, 0x20eb, 0x5e),
    change('ephy', EPHY_REG, 0x0030, 0x0020, 0x22),
    change('ephy', EPHY_REG, 0x0030, 0x0020, 0x62),
  ],
};
const MAC: StepList = {
  source: 'r8169 rtl_hw_start_8125_common, rtl_pcie_state_l2l3_disable',
  steps: [
    change('mac', CONFIG3, CONFIG3.RDY_TO_L23, 0),
    write('mac', TCAM_CTRL, 0x221b),
    write('mac', RSS_CTRL, 0),
    write('mac', Q_NUM_CTRL, 0),
    change('ocp', UPS, UPS.EN, 0),
    change('mac', CONFIG1, CONFIG1.SPEED_DOWN, 0),
    write('ocp', CRC_WAKE_DISABLE, 0xffff, 0),
    write('ocp', CRC_WAKE_DISABLE, 0xffff, 1),
    change('ocp', OCP_D3E2, 0x0fff, 0x03a9),
    change('ocp', OCP_D3E4, 0x00ff, 0x0000),
    change('ocp', OCP_E860, 0x0000, 0x0080),
    change('ocp', TX_FORMAT, TX_FORMAT.NEW, 0),
    change('ocp', OCP_E614, 0x0700, 0x0200),
    change('ocp', OCP_E63E, 0x0c30, 0x0000),
    change('ocp', FTR_MCU_CTRL, 0, FTR_MCU_CTRL.TXPLA_VALID),
    change('ocp', OCP_EB6A, 0x00ff, 0x0033),
    change('ocp', OCP_EB50, 0x03e0, 0x0040),
    change('ocp', OCP_E056, 0x00f0, 0x0000),
    change('ocp', EEE_CR, EEE_CR.BIT12, 0),
    change('ocp', OCP_EA1C, 0x0007, 0x0001),
    change('ocp', MAC_PWRDWN_CR0, 0x4f0f, 0x4403),
    change('ocp', OCP_E052, 0x0080, 0x0068),
    change('ocp', OCP_D430, 0x0fff, 0x047f),
    change('ocp', TCAM_CLEAR, 0, TCAM_CLEAR.CLEAR),
  ],
};
const AFTER_TCAM: StepList = {
  source: 'r8169 rtl_hw_start_8125_common',
  steps: [
    change('ocp', TCAM_CLEAR, TCAM_CLEAR.CLEAR, 0),
    change('mac', CFG_1880, CFG_1880.BITS54, 0),
    write('ocp', OCP_E098, 0xc302),
  ],
};
const OPEN: StepList = {
  source: 'r8169 rtl_disable_rxdvgate, rtl_enable_exit_l1',
  steps: [
    change('mac', MISC, MISC.RXDV_GATED_EN, 0),
    change(
      'ocp',
      DMY_PWR0,
      0,
      DMY_PWR0.TXPLA | DMY_PWR0.PKTAVI | DMY_PWR0.XADM | DMY_PWR0.TXDMA_POLL | DMY_PWR0.LTR_MSG | DMY_PWR0.RXDV,
    ),
  ],
};
const PHY: StepList = {
  source:
    'r8169 rtl8125b_hw_phy_config, rtl8168g_enable_gphy_10m, rtl8125_legacy_force_mode, rtl8168g_disable_aldps, rtl8125_config_eee_phy',
  steps: [
    change('phy', PHY_A442, 0, PHY_A442.GPHY_10M),
    change('phy', PHY_AC46, 0x00f0, 0x0090),
    change('phy', PHY_AD30, 0x0003, 0x0001),
    parameter(PARAM2_ADDR, PARAM2_DATA, 0x80f5, 0xffff, 0x760e),
    parameter(PARAM2_ADDR, PARAM2_DATA, 0x8107, 0xffff, 0x360e),
    parameter(PARAM2_ADDR, PARAM2_DATA, 0x8551, 0xff00, 0x0800),
    change('phy', PHY_BF00, 0xe000, 0xa000),
    change('phy', PHY_BF46, 0x0f00, 0x0300),
    ...[0x8044, 0x804a, 0x8050, 0x8056, 0x805c, 0x8062, 0x8068, 0x806e, 0x8074, 0x807a].map((number) =>
      parameter(PARAM_ADDR, PARAM_DATA, number, 0xffff, 0x2417),
    ),
    change('phy', PHY_A4CA, 0x0000, 0x0040),
    change('phy', PHY_BF84, 0xe000, 0xa000),
    change('phy', FORCE_MODE, FORCE_MODE.NEW, 0),
    change('phy', PHYCR1, PHYCR1.ALDPS, 0),
    change('phy', PHYCR2, 0, PHYCR2.EEE_ENABLE),
    change('phy', PHY_A6D8, 0x0010, 0x0000),
    change('phy', EEE_TUNE, EEE_TUNE.BIT7, 0),
    change('phy', PHY_A4A2, 0x0200, 0x0000),
  ],
};

/** The chip. */
export const RTL8125B: Rtl = {
  name: 'rtl8125b',
  xid: map.XID,
  map,
  // What fits into the 14 bits of a receive descriptor with header, tag and FCS; r8169 rtl_jumbo_max says 8 bytes more.
  largestMtu: 16_354,
  multiGigabit: true,
  timeStamps: true,
  doorbell: map.TPPOLL.Q0,
  receive: put(put(RCR.PAUSE_SLOT_ON, RCR.MXDMA, UNLIMITED), RCR.FETCH, FETCH),
  transmit: put(put(0, TXCFG.MXDMA, UNLIMITED), TXCFG.IFG, INTER_FRAME_GAP),
  untag: { rcr: RCR.VLAN_INNER | RCR.VLAN_OUTER, cpcr: 0 },
  stopRequest: true,
  fifoEmpty: [
    { register: MCU, mask: MCU.RX_EMPTY | MCU.TX_EMPTY },
    { register: FIFO_STATUS, mask: FIFO_STATUS.EMPTY0 | FIFO_STATUS.EMPTY1 | FIFO_STATUS.EMPTY8 },
  ],
  tallyBytes: map.TALLY_EXTENDED_BYTES,
  tally: { ...map.TALLY, ...map.TALLY_EXTENDED },
  linkList: [
    { source: 'r8169 rtl_hw_init_8125', steps: [change('ocp', FIFO_CTRL, FIFO_CTRL.BIT14, 0)] },
    {
      source: 'r8169 rtl_hw_init_8125',
      steps: [write('ocp', OCP_C0AA, 0x07d0), write('ocp', OCP_C0A6, 0x0150), write('ocp', OCP_C01E, 0x5555)],
    },
  ],
  phy: PHY,
  eee: {
    on: {
      source: 'r8169 rtl8125b_config_eee_mac, 802.3 §45.2.7.13, §45.2.7.14a',
      steps: [
        change('ocp', EEE_CR, 0, EEE_CR.ENABLE),
        change('phy', EEE_ADV, 0, EEE_ADV.TX100 | EEE_ADV.T1000),
        change('phy', EEE_ADV2, 0, EEE_ADV2.T2500),
      ],
    },
    off: {
      source: 'r8169 rtl_enable_tx_lpi, 802.3 §45.2.7.13, §45.2.7.14a',
      steps: [
        change('ocp', EEE_CR, EEE_CR.ENABLE, 0),
        change('phy', EEE_ADV, EEE_ADV.TX100 | EEE_ADV.T1000, 0),
        change('phy', EEE_ADV2, EEE_ADV2.T2500, 0),
      ],
    },
  },
  phyDown: { source: 'nothing: it has no mask of management interrupts', steps: [] },
  wake: {
    magic: {
      on: { source: 'r8169 __rtl8169_set_wol', steps: [change('ocp', WAKE_MAGIC, 0, WAKE_MAGIC.EN)] },
      off: { source: 'r8169 __rtl8169_set_wol', steps: [change('ocp', WAKE_MAGIC, WAKE_MAGIC.EN, 0)] },
    },
    link: {
      on: {
        source: 'r8169 __rtl8169_set_wol',
        steps: [change('ocp', WAKE_LINK, WAKE_LINK.EVENTS, put(0, WAKE_LINK.EVENTS, LINK_EVENTS))],
      },
      off: { source: 'r8169 __rtl8169_set_wol', steps: [change('ocp', WAKE_LINK, WAKE_LINK.EVENTS, 0)] },
    },
  },
  startLists: [NO_ASPM, INTERRUPTS, EPHY, MAC, AFTER_TCAM, OPEN],

  // biome-ignore lint/correctness/useYield: it is a register of the BAR, which answers at once
  *readBoardMac({ io }: Access): Task<readonly [number, number]> {
    return [io.read32(BACKUP_ADDR0.at), pick(io.read32(BACKUP_ADDR1.at), BACKUP_ADDR1.VALUE)];
  },

  /** Nothing of this PHY's set-up depends on what it reads. */
  *tunePhy(): Task<void> {},

  *start(access: Access, mtu: number): Task<void> {
    yield* access.run(NO_ASPM);
    access.io.write16(EEE_TXIDLE_TIMER.at, mtu + EEE_IDLE_EXTRA);
    yield* access.run(INTERRUPTS);
    yield* access.run(EPHY);
    yield* access.run(MAC);
    yield* sleep(1);
    yield* access.run(AFTER_TCAM);
    yield* untilTrue(() => (access.readOcp(OCP_E00E) & OCP_E00E.BUSY) === 0, 'OCP_E00E.BUSY = 0', {
      within: BUSY_US,
      every: BUSY_US / 10,
      ref: OCP_E00E[meta].ref,
      device: access.device,
    });
    yield* access.run(OPEN);
  },

  /** Queue 0 has the first element; only time counts. */
  setInterruptDelay({ io }: Access, delay: number): void {
    const most = pick(INT_MITI.RX, INT_MITI.RX);
    const time = Math.min(most, Math.floor(delay / INT_MITI_UNIT));
    io.write32(INT_MITI.at, put(put(0, INT_MITI.RX, time), INT_MITI.TX, time));
  },
};
