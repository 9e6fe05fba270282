/** What is done to both chips alike: reset, station address, filters, link, interrupts (r8169 unless something else is named). */
import { NicError } from '../../platform/errors.js';
import type { Mmio } from '../../platform/mmio.js';
import { readReg, sleep, type Task, writeReg } from '../../platform/task.js';
import { meta, pick, put } from '../../registers/define.js';
import * as common from '../../registers/realtek/mac.js';
import { OCP_E092 } from '../../registers/realtek/ocp.js';
import type { ReceiveFilter } from '../base.js';
import type { LinkState, WakeEvent } from '../driver.js';
import { type Access, change, type StepList } from './access.js';
import type { Rtl } from './chip.js';

const { CFG9346, CONFIG2, CONFIG3, CONFIG5, CPCR, CR, IDR0, IDR4, MAR0, MAR4, MCU, MISC, PMCH, RMS } = common;
const ALL_ONES = -1;
/** CFG9346.EEM: configuration registers may be written, or not. */
const UNLOCKED = 3;
const LOCKED = 0;
/** RTL8169 specification, register 37h: at most 10 ms. */
const RESET_US = 10_000;
const RESET_LOOK_US = 100;
/** rtl_enable_rxdvgate and rtl8169_cleanup: so long what is under way may take. */
const GATE_US = 2_000;
/** rtl_wait_txrx_fifo_empty, r8168g_wait_ll_share_fifo_ready: 42 looks, 100 us apart. */
const FIFO_US = 4_200;
const FIFO_LOOK_US = 100;
const STOP_US = 1_000;
const HASH_SHIFT = 26;
const POLYNOMIAL = 0x04c1_1db7;

/** Power states of the bus that would let accesses wait. */
export const NO_ASPM: StepList = {
  source: 'r8169 rtl_hw_aspm_clkreq_enable: off before the PCI Express PHY is touched; this driver leaves it off',
  steps: [
    change('ocp', OCP_E092, OCP_E092.L12, 0),
    change('mac', CONFIG2, CONFIG2.CLKREQ_EN, 0),
    change('mac', CONFIG5, CONFIG5.ASPM_EN, 0),
  ],
};

/** True when the device no longer answers. */
export function isGone(io: Mmio, rtl: Rtl): boolean {
  return io.read32(rtl.map.TXCFG.at) === ALL_ONES;
}

/** No interrupt, and none pending. */
export function silence(io: Mmio, rtl: Rtl): void {
  const { IMR, ISR, TXCFG } = rtl.map;
  writeReg(io, IMR, 0);
  writeReg(io, ISR, ALL_ONES);
  // A read flushes what was posted.
  io.read32(TXCFG.at);
}

/** Lets configuration registers and the station address be written, or not. */
export function unlock(io: Mmio, open: boolean): void {
  io.write8(CFG9346.at, put(0, CFG9346.EEM, open ? UNLOCKED : LOCKED));
}

/**
 * Shuts the receiver's gate and lets the FIFOs run empty. One that does not is no error: what follows is a reset, and a
 * transmitter that hangs is the reason for it.
 * @throws NicError `gone`
 */
function* shutGate(access: Access, rtl: Rtl): Task<void> {
  access.changeMac(MISC, 0, MISC.RXDV_GATED_EN);
  yield* sleep(GATE_US);
  if (rtl.stopRequest) access.changeMac(CR, 0, CR.STOP_REQ);
  for (const { register, mask } of rtl.fifoEmpty)
    yield* atMost(access.until(register, mask, mask, FIFO_US, FIFO_LOOK_US));
}

/** The end of everything that moves: masked, nothing accepted, FIFOs empty, reset (rtl8169_cleanup). @throws NicError */
export function* quiesce(access: Access, rtl: Rtl): Task<void> {
  silence(access.io, rtl);
  access.io.write32(rtl.map.RCR.at, rtl.receive);
  yield* shutGate(access, rtl);
  yield* sleep(GATE_US);
  yield* reset(access);
}

/** @throws NicError `timeout`, `gone` */
function* reset(access: Access): Task<void> {
  access.io.write8(CR.at, CR.RST);
  yield* access.until(CR, CR.RST, 0, RESET_US, RESET_LOOK_US);
}

/** Takes the chip from whoever had it: firmware, or a management processor (rtl_hw_init_8168g, rtl_hw_init_8125). @throws NicError */
export function* takeOver(access: Access, rtl: Rtl): Task<void> {
  access.io.write32(rtl.map.RCR.at, rtl.receive);
  silence(access.io, rtl);
  yield* shutGate(access, rtl);
  access.changeMac(CR, CR.TE | CR.RE, 0);
  yield* sleep(STOP_US);
  access.changeMac(MCU, MCU.NOW_IS_OOB, 0);
  for (const list of rtl.linkList) {
    yield* access.run(list);
    yield* access.until(MCU, MCU.LINK_LIST_RDY, MCU.LINK_LIST_RDY, FIFO_US, FIFO_LOOK_US);
  }
  yield* reset(access);
}

/** Waits as `task` does, and goes on when its time is over. */
function* atMost(task: Task<unknown>): Task<void> {
  try {
    yield* task;
  } catch (error) {
    if (!(error instanceof NicError) || error.code !== 'timeout') throw error;
  }
}

/** Station address as the board has it, or else as the chip was given it. @throws NicError `bad-nvm` when neither is one */
export function* readStationAddress(access: Access, rtl: Rtl): Task<Uint8Array> {
  const { io } = access;
  const board = bytesOf(...(yield* rtl.readBoardMac(access)));
  if (isStation(board)) return board;
  const low = io.read32(IDR0.at);
  const own = bytesOf(low, pick(io.read32(IDR4.at), IDR4.VALUE));
  if (isStation(own)) return own;
  throw new NicError('bad-nvm', 'the board gave the chip no station address', {
    device: access.device,
    register: IDR0[meta].name,
    value: low,
    ref: IDR0[meta].ref,
  });
}

function bytesOf(low: number, high: number): Uint8Array {
  return Uint8Array.of(low, low >> 8, low >> 16, low >> 24, high, high >> 8);
}

function isStation(mac: Uint8Array): boolean {
  return (mac[0]! & 1) === 0 && mac.some((byte) => byte !== 0);
}

/** The upper bytes first (rtl_rar_set). */
export function writeStationAddress(io: Mmio, mac: Uint8Array): void {
  unlock(io, true);
  io.write32(IDR4.at, mac[4]! | (mac[5]! << 8));
  io.write32(IDR0.at, mac[0]! | (mac[1]! << 8) | (mac[2]! << 16) | (mac[3]! << 24));
  unlock(io, false);
}

/**
 * Longest frame, checksums and tags of received frames; configuration registers are unlocked. Of CPCR only the mode is kept as
 * firmware left it (r8169 CPCMD_MASK): a forced PAUSE or duplex would go against what the PHY settles.
 */
export function setReceive(io: Mmio, rtl: Rtl, longest: number, checksum: boolean, vlan: boolean): void {
  io.write16(RMS.at, longest);
  const kept = io.read16(CPCR.at) & CPCR.NORMAL_MODE;
  io.write16(CPCR.at, kept | (checksum ? CPCR.RXCHKSUM : 0) | (vlan ? rtl.untag.cpcr : 0));
}

/** Writes the hash table, then what is accepted (rtl_set_rx_mode). */
export function writeFilter(io: Mmio, rtl: Rtl, filter: ReceiveFilter, vlan: boolean): void {
  const { RCR } = rtl.map;
  const { promiscuous, allMulticast, multicast } = filter;
  let accepted = RCR.APM | RCR.AB;
  if (promiscuous) accepted |= RCR.AAP;
  const all = promiscuous || allMulticast;
  if (all || multicast.length > 0) accepted |= RCR.AM;
  const [low, high] = all ? [ALL_ONES, ALL_ONES] : hashTable(multicast);
  // PCI Express chips have the bytes of the table the other way round.
  io.write32(MAR4.at, swap32(low));
  io.write32(MAR0.at, swap32(high));
  io.write32(RCR.at, rtl.receive | (vlan ? rtl.untag.rcr : 0) | accepted);
}

/** The 64 bits of the multicast filter, low half first. */
export function hashTable(addresses: readonly Uint8Array[]): [number, number] {
  const table: [number, number] = [0, 0];
  for (const address of addresses) {
    const bit = hashOf(address);
    table[bit >> 5]! |= 1 << (bit & 31);
  }
  return table;
}

/** Bit of an address in the filter: the top 6 bits of its CRC-32, most significant bit first (RTL8169 specification, MAR). */
export function hashOf(address: Uint8Array): number {
  let crc = ALL_ONES;
  for (const byte of address)
    for (let i = 0; i < 8; i++) {
      const carry = (crc >>> 31) ^ ((byte >> i) & 1);
      crc = (crc << 1) ^ (carry ? POLYNOMIAL : 0);
    }
  return crc >>> HASH_SHIFT;
}

function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** The link as the MAC sees it. PAUSE needs no help: the MAC does what the PHY has settled. */
export function readLink(io: Mmio, rtl: Rtl): LinkState {
  const { PHYSTATUS } = rtl.map;
  const status = readReg(io, PHYSTATUS);
  const fast = 'M2500' in PHYSTATUS && (status & (PHYSTATUS.M2500 | PHYSTATUS.M2500_LITE)) !== 0;
  const gigabit = (status & PHYSTATUS.M1000) !== 0;
  const speed = fast ? 2500 : gigabit ? 1000 : (status & PHYSTATUS.M100) !== 0 ? 100 : 10;
  return {
    up: (status & PHYSTATUS.LINKSTS) !== 0,
    speed,
    // The duplex bit is of the speeds that can be half.
    fullDuplex: speed >= 1000 || (status & PHYSTATUS.FULLDUP) !== 0,
  };
}

/** What wakes the machine once the chip sleeps (__rtl8169_set_wol). @throws NicError */
export function* writeWake(access: Access, rtl: Rtl, events: readonly WakeEvent[]): Task<void> {
  const { io } = access;
  const wants = (event: WakeEvent): boolean => events.includes(event);
  const any = events.length > 0;
  unlock(io, true);
  yield* access.run(wants('magic') ? rtl.wake.magic.on : rtl.wake.magic.off);
  yield* access.run(wants('link') ? rtl.wake.link.on : rtl.wake.link.off);
  access.changeMac(CONFIG3, CONFIG3.LINK_UP, wants('link') ? CONFIG3.LINK_UP : 0);
  let frames = any ? CONFIG5.LANWAKE : 0;
  if (wants('unicast')) frames |= CONFIG5.UWF;
  if (wants('broadcast')) frames |= CONFIG5.BWF;
  if (wants('multicast')) frames |= CONFIG5.MWF;
  access.changeMac(CONFIG5, CONFIG5.LANWAKE | CONFIG5.UWF | CONFIG5.BWF | CONFIG5.MWF, frames);
  access.changeMac(CONFIG2, CONFIG2.PME_SIGNAL, any ? CONFIG2.PME_SIGNAL : 0);
  unlock(io, false);
  // The clock goes on in D3cold only where something may wake (rtl_set_d3_pll_down).
  const cold = any ? PMCH.D3COLD_NO_PLL_DOWN : 0;
  access.changeMac(PMCH, PMCH.D3COLD_NO_PLL_DOWN, PMCH.D3HOT_NO_PLL_DOWN | cold);
}

/** The receiver of a chip that sleeps: it hears what may wake it, and writes none of it to memory (rtl_wol_enable_rx). */
export function listen(access: Access, rtl: Rtl): void {
  const { RCR } = rtl.map;
  const { io } = access;
  io.write32(RCR.at, io.read32(RCR.at) | RCR.AB | RCR.AM | RCR.APM);
  access.changeMac(MISC, MISC.RXDV_GATED_EN, 0);
}
