/**
 * RTL8168H/8111H (XID 541h) as data. No register document of it is public: every list names the driver that does so, and for
 * registers without public meaning the numbers are all there is.
 */
import type { Task } from '../../platform/task.js';
import { pick, put } from '../../registers/define.js';
import * as map from '../../registers/rtl8168h/index.js';
import { type Access, change, parameter, type StepList, write } from './access.js';
import type { Rtl } from './chip.js';
import { NO_ASPM } from './hw.js';

const { ADC_BIAS, ADC_BIAS_SELECT, ADC_IOFFSET, CONFIG3, CPCR, DLLPR, EEE_LED, EEE_TXIDLE_TIMER } = map;
const { EPHY_REG, ERI_5F0, ERI_B8, ERI_C0, ERI_EEE, ERI_FILTER, ERI_MAC0, ERI_MAC4, ERI_PAUSE_HIGH, ERI_PAUSE_LOW } =
  map;
const { ERI_PME_MASK, ERI_RX_FIFO, ERI_TX_FIFO, FIFO_CTRL, INTRMITIGATE, MCU, MISC, MTPS, OCP_C094, OCP_C09E } = map;
const { OCP_D420, OCP_E052, OCP_E056, OCP_E0D6, OCP_E63E, PARAM_ADDR, PARAM_DATA, PHY_A442, PHYCR1 } = map;
const {
  MITIGATION_FRAMES,
  MITIGATION_SCALE,
  MITIGATION_UNIT,
  PHYCR2,
  RCR,
  RLEN_IN,
  RLEN_OUT,
  RTUNE,
  SAW_CNT,
  SW_CNT_1MS,
  DMY_PWR0,
  TXCFG,
  EEE_ADV,
} = map;

/** Value of MXDMA: bursts as long as they like. */
const UNLIMITED = 7;
/** 96 bit times. */
const INTER_FRAME_GAP = 3;
/** MTPS where the FIFO is shared (r8169 EarlySize). */
const SHARED_FIFO = 0x27;
/** r8169 rtl_set_eee_txidle_timer: the Ethernet header and 32 bytes on top of the packet. */
const EEE_IDLE_EXTRA = 46;
/** r8169 rtl_hw_start_8168h_1. */
const SAW_CLOCKS = 16_000_000;
/** Shows the factory's bias in ADC_BIAS (r8169 rtl8168h_2_get_adc_bias_ioffset). */
const SHOW_BIAS = 0x807d;
/** Bits of ADC_BIAS on both sides of its unused bit 3. */
const BIAS_LOW = 0x0007;
const BIAS_HIGH = 0x7ff8;
const BIAS_TOP = 0x8000;
const NO_BIAS = 0xffff;
/** Bits 3 to 0 of a length level, four times in a word; drivers take 3 off. */
const FOUR_TIMES = 0x1111;
const RLEN_LESS = 3;
/** Units of a time in INTRMITIGATE at most. */
const MITIGATION_MOST = pick(INTRMITIGATE.RX_TIME, INTRMITIGATE.RX_TIME);
/** Frames after which an interrupt comes at once, whatever time it has left: an eighth of a usual ring. */
const FRAMES = 32;

const EPHY: StepList = {
  source: 'r8169 rtl_hw_start_8168h_1 (e_info_8168h_1)',
  steps: [
    change('ephy', EPHY_REG, 0x0800, 0x0001, 0x1e),
    change('ephy', EPHY_REG, 0x0000, 0x0800, 0x1d),
    write('ephy', EPHY_REG, 0x2089, 0x05),
    write('ephy', EPHY_REG, 0x5881, 0x06),
    write('ephy', EPHY_REG, 0x854a, 0x04),
    write('ephy', EPHY_REG, 0x068b, 0x01),
  ],
};
const MAC: StepList = {
  source: 'r8169 rtl_hw_start_8168h_1, rtl_set_fifo_size, rtl8168g_set_pause_thresholds, rtl_reset_packet_filter',
  steps: [
    write('eri', ERI_RX_FIFO, put(put(0, ERI_RX_FIFO.STATIC, 0x08), ERI_RX_FIFO.DYNAMIC, 0x02)),
    write('eri', ERI_TX_FIFO, put(put(0, ERI_TX_FIFO.STATIC, 0x10), ERI_TX_FIFO.DYNAMIC, 0x06)),
    change('eri', ERI_PAUSE_LOW, ERI_PAUSE_LOW.THRESHOLD, put(0, ERI_PAUSE_LOW.THRESHOLD, 0x38)),
    change('eri', ERI_PAUSE_HIGH, ERI_PAUSE_HIGH.THRESHOLD, put(0, ERI_PAUSE_HIGH.THRESHOLD, 0x48)),
    change('eri', ERI_FILTER, ERI_FILTER.ENABLE, 0),
    change('eri', ERI_FILTER, 0, ERI_FILTER.ENABLE),
    change('eri', ERI_FILTER, 0, ERI_FILTER.BITS42),
    change('eri', ERI_5F0, 0xffff, 0x4f87),
    change('mac', MISC, MISC.RXDV_GATED_EN, 0),
    change('eri', ERI_C0, 0xffff, 0),
    change('eri', ERI_B8, 0xffff, 0),
    change('mac', DLLPR, DLLPR.PFM_EN | DLLPR.TX_10M_PS_EN, 0),
    change('mac', MISC, MISC.PFM_D3COLD_EN, 0),
    change('eri', ERI_EEE, ERI_EEE.BIT12, 0),
    change('mac', CONFIG3, CONFIG3.RDY_TO_L23, 0),
  ],
};
const OCP: StepList = {
  source: 'r8169 rtl_hw_start_8168h_1, rtl_enable_exit_l1',
  steps: [
    change('ocp', OCP_E056, 0x00f0, 0x0000),
    change('ocp', OCP_E052, 0x6000, 0x8008),
    change('ocp', OCP_E0D6, OCP_E0D6.MASK, put(0, OCP_E0D6.MASK, 0x17f)),
    change('ocp', OCP_D420, 0x0fff, 0x047f),
    write('ocp', OCP_E63E, 0x0001),
    write('ocp', OCP_E63E, 0x0000),
    write('ocp', OCP_C094, 0x0000),
    write('ocp', OCP_C09E, 0x0000),
    change(
      'ocp',
      DMY_PWR0,
      0,
      DMY_PWR0.TXPLA | DMY_PWR0.PKTAVI | DMY_PWR0.XADM | DMY_PWR0.TXDMA_POLL | DMY_PWR0.LTR_MSG | DMY_PWR0.RXDV,
    ),
  ],
};
const PHY: StepList = {
  source: 'r8169 rtl8168h_2_hw_phy_config, rtl8168g_enable_gphy_10m, rtl8168g_disable_aldps, rtl8168g_config_eee_phy',
  steps: [
    parameter(PARAM_ADDR, PARAM_DATA, 0x808a, 0x003f, 0x000a),
    parameter(PARAM_ADDR, PARAM_DATA, 0x0811, 0x0000, 0x0800),
    change('phy', RTUNE, 0, RTUNE.ENABLE),
    change('phy', PHY_A442, 0, PHY_A442.GPHY_10M),
    change('phy', PHY_A442, PHY_A442.PFM, 0),
    change('phy', PHYCR1, PHYCR1.BIT0 | PHYCR1.ALDPS, 0),
    change('phy', PHYCR2, 0, PHYCR2.EEE_ENABLE),
  ],
};

/** The chip. */
export const RTL8168H: Rtl = {
  name: 'rtl8168h',
  xid: map.XID,
  map,
  // r8169 rtl_jumbo_max (JUMBO_9K): 9 KiB with header, tag and FCS.
  largestMtu: 9194,
  multiGigabit: false,
  timeStamps: false,
  doorbell: map.TPPOLL.NPQ,
  receive: put(RCR.RX128_INT_EN | RCR.MULTI_EN | RCR.EARLY_OFF, RCR.MXDMA, UNLIMITED),
  transmit: put(put(TXCFG.AUTO_FIFO, TXCFG.MXDMA, UNLIMITED), TXCFG.IFG, INTER_FRAME_GAP),
  untag: { rcr: 0, cpcr: CPCR.RXVLAN },
  stopRequest: false,
  fifoEmpty: [
    { register: TXCFG, mask: TXCFG.EMPTY },
    { register: MCU, mask: MCU.RX_EMPTY | MCU.TX_EMPTY },
  ],
  tallyBytes: map.TALLY_BYTES,
  tally: map.TALLY,
  linkList: [
    { source: 'r8169 rtl_hw_init_8168g', steps: [change('ocp', FIFO_CTRL, FIFO_CTRL.BIT14, 0)] },
    { source: 'r8169 rtl_hw_init_8168g', steps: [change('ocp', FIFO_CTRL, 0, FIFO_CTRL.BIT15)] },
  ],
  phy: PHY,
  eee: {
    on: {
      source: 'r8169 rtl8168_config_eee_mac, 802.3 §45.2.7.13',
      steps: [
        change('mac', EEE_LED, EEE_LED.FREQUENCY, 0),
        change('eri', ERI_EEE, 0, ERI_EEE.ENABLE),
        change('phy', EEE_ADV, 0, EEE_ADV.TX100 | EEE_ADV.T1000),
      ],
    },
    off: {
      source: 'r8169 rtl_enable_tx_lpi, 802.3 §45.2.7.13',
      steps: [change('eri', ERI_EEE, ERI_EEE.ENABLE, 0), change('phy', EEE_ADV, EEE_ADV.TX100 | EEE_ADV.T1000, 0)],
    },
  },
  phyDown: {
    source: 'r8169 rtl8168g_phy_suspend_quirk',
    steps: [change('eri', ERI_PME_MASK, ERI_PME_MASK.MASK, 0)],
  },
  wake: {
    magic: {
      on: { source: 'r8169 __rtl8169_set_wol', steps: [change('eri', ERI_FILTER, 0, ERI_FILTER.MAGIC)] },
      off: { source: 'r8169 __rtl8169_set_wol', steps: [change('eri', ERI_FILTER, ERI_FILTER.MAGIC, 0)] },
    },
    link: { on: { source: 'CONFIG3 alone', steps: [] }, off: { source: 'CONFIG3 alone', steps: [] } },
  },
  startLists: [NO_ASPM, EPHY, MAC, OCP],

  *readBoardMac(access: Access): Task<readonly [number, number]> {
    return [yield* access.readEri(ERI_MAC0), pick(yield* access.readEri(ERI_MAC4), ERI_MAC4.VALUE)];
  },

  *tunePhy(access: Access): Task<void> {
    access.writeOcp(ADC_BIAS_SELECT, SHOW_BIAS);
    const top = access.readOcp(ADC_BIAS_SELECT) & ADC_BIAS_SELECT.TOP;
    const low = access.readOcp(ADC_BIAS);
    const bias = ((low >> 1) & BIAS_HIGH) | (low & BIAS_LOW) | (top ? BIAS_TOP : 0);
    if (bias !== NO_BIAS) yield* access.writePhy(ADC_IOFFSET, bias);
    const length = pick(yield* access.readPhy(RLEN_IN), RLEN_IN.VALUE);
    yield* access.writePhy(RLEN_OUT, Math.max(0, length - RLEN_LESS) * FOUR_TIMES);
  },

  *start(access: Access, mtu: number): Task<void> {
    const { io } = access;
    yield* access.run(NO_ASPM);
    access.writeOcp(EEE_TXIDLE_TIMER, mtu + EEE_IDLE_EXTRA);
    io.write8(MTPS.at, put(0, MTPS.SIZE, SHARED_FIFO));
    yield* access.run(EPHY);
    yield* access.run(MAC);
    const count = pick(yield* access.readPhy(SAW_CNT), SAW_CNT.COUNT);
    // 0: nothing was measured. The quotient is cut to the field, as r8169 does.
    if (count > 0)
      access.changeOcp(SW_CNT_1MS, SW_CNT_1MS.COUNT, put(0, SW_CNT_1MS.COUNT, Math.floor(SAW_CLOCKS / count)));
    yield* access.run(OCP);
  },

  /** The unit in which the field comes nearest to the time; what units there are depends on the speed (r8169 rtl_set_coalesce). */
  setInterruptDelay(access: Access, delay: number, speed: number): void {
    const base = MITIGATION_UNIT[speed] ?? MITIGATION_UNIT[1000]!;
    let [time, choice] = [0, 0];
    for (const [i, scale] of MITIGATION_SCALE.entries()) {
      const units = Math.min(MITIGATION_MOST, Math.floor(delay / (scale * base)));
      if (units * scale > time * MITIGATION_SCALE[choice]!) [time, choice] = [units, i];
    }
    const frames = time > 0 ? FRAMES / MITIGATION_FRAMES : 0;
    let value = put(put(0, INTRMITIGATE.RX_TIME, time), INTRMITIGATE.TX_TIME, time);
    value = put(put(value, INTRMITIGATE.RX_FRAMES, frames), INTRMITIGATE.TX_FRAMES, frames);
    access.io.write16(INTRMITIGATE.at, value);
    access.changeMac(CPCR, CPCR.INTT | CPCR.PKTCNTR_DISABLE, put(0, CPCR.INTT, choice));
  },
};
