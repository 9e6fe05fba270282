/** Intel's gigabit MACs: set-up of everything but reset and rings, filters, flow control, statistics. */
import type { Mmio } from '../../platform/mmio.js';
import { type AnyReg, at, meta, pick, put } from '../../registers/define.js';
import type { IntelChip } from './family.js';

const ALL_ONES = -1;
const BYTES_PER_KIB = 1024;
/** Two largest frames: what may still come after XOFF was sent. */
const HEADROOM = 2 * 1536;
/** Pause for the whole of what the field can say would starve the partner; Linux and BSD use this. */
const PAUSE_TIME = 0x0680;
const MAC_CONTROL_TYPE = 0x8808;
const PAUSE_ADDRESS = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x01];
const VLAN_TYPE = 0x8100;
const HASH_BITS = 12;

/** True when the device no longer answers. */
export function isGone(io: Mmio, chip: IntelChip): boolean {
  return io.read32(chip.STATUS.at) === ALL_ONES;
}

/** Sets everything that a reset leaves undefined or that nobody may rely on (8254x §14.4, §14.6; 82574 §4.6). */
export function initMac(io: Mmio, chip: IntelChip, mac: Uint8Array, vlan: boolean): void {
  const { CTRL, FCAH, FCAL, FCT, FCTTV, MTA, RAH, RAL, VET, VFTA, WUC, WUFC } = chip;
  // Link up when the PHY says so; speed and duplex from the PHY, nothing forced (8254x §8.6).
  let control = io.read32(CTRL.at);
  control &= ~(CTRL.FRCSPD | CTRL.FRCDPX | CTRL.ASDE | CTRL.LRST | CTRL.ILOS | CTRL.PHY_RST | CTRL.RFCE | CTRL.TFCE);
  control = vlan ? control | CTRL.VME : control & ~CTRL.VME;
  io.write32(CTRL.at, control | CTRL.SLU);
  io.write32(WUC.at, 0);
  io.write32(WUFC.at, 0);
  io.write32(VET.at, VLAN_TYPE);
  for (let i = 0; i < VFTA[meta].count; i++) io.write32(at(VFTA, i), 0);
  for (let i = 0; i < MTA[meta].count; i++) io.write32(at(MTA, i), 0);
  io.write32(RAL.at, mac[0]! | (mac[1]! << 8) | (mac[2]! << 16) | (mac[3]! << 24));
  io.write32(RAH.at, put(RAH.AV, RAH.RAH, mac[4]! | (mac[5]! << 8)));
  for (let i = 1; i < RAL[meta].count; i++) {
    io.write32(at(RAL, i), 0);
    io.write32(at(RAH, i), 0);
  }
  const [a, b, c, d, e, f] = PAUSE_ADDRESS as [number, number, number, number, number, number];
  io.write32(FCAL.at, a | (b << 8) | (c << 16) | (d << 24));
  io.write32(FCAH.at, e | (f << 8));
  io.write32(FCT.at, MAC_CONTROL_TYPE);
  io.write32(FCTTV.at, PAUSE_TIME);
}

/** Levels of the receive FIFO at which XOFF and XON are sent (8254x §13.4.23, §13.4.24; 82574 §10.2.5). */
export function setFlowControl(io: Mmio, chip: IntelChip, receive: boolean, send: boolean): void {
  const { CTRL, FCRTH, FCRTL, PBA } = chip;
  const control = io.read32(CTRL.at) & ~(CTRL.RFCE | CTRL.TFCE);
  io.write32(CTRL.at, control | (receive ? CTRL.RFCE : 0) | (send ? CTRL.TFCE : 0));
  const fifo = pick(io.read32(PBA.at), PBA.RXA) * BYTES_PER_KIB;
  const high = Math.max(0, fifo - HEADROOM) & FCRTH.RTH;
  const low = Math.max(0, high - HEADROOM / 2) & FCRTL.RTL;
  io.write32(FCRTL.at, send ? low | FCRTL.XONE : 0);
  io.write32(FCRTH.at, send ? high : 0);
}

/** Bit of the multicast table for an address, with RCTL.MO = 0: bits 47 to 36 of it (8254x §13.5.1). */
export function hashOf(mac: Uint8Array): number {
  return ((mac[4]! >> 4) | (mac[5]! << 4)) & ((1 << HASH_BITS) - 1);
}

/** Writes the multicast table: exactly these addresses' bits. */
export function writeMulticast(io: Mmio, chip: IntelChip, addresses: readonly Uint8Array[]): void {
  const { MTA } = chip;
  const table = new Int32Array(MTA[meta].count);
  for (const address of addresses) {
    const hash = hashOf(address);
    table[hash >> 5]! |= 1 << (hash & 31);
  }
  for (let i = 0; i < table.length; i++) io.write32(at(MTA, i), table[i]!);
}

/** Checks IPv4, TCP and UDP checksums of received frames, or not (8254x §13.4.47). @param more other bits of RXCSUM */
export function setReceiveChecksum(io: Mmio, chip: IntelChip, on: boolean, more: number): void {
  const { RXCSUM } = chip;
  io.write32(RXCSUM.at, more | (on ? RXCSUM.IPOFL | RXCSUM.TUOFL : 0));
}

/** Link as the MAC sees it. */
export function readLink(chip: IntelChip, status: number): { up: boolean; speed: number; fullDuplex: boolean } {
  const { STATUS } = chip;
  const speed = pick(status, STATUS.SPEED);
  return {
    up: (status & STATUS.LU) !== 0,
    speed: speed === 0 ? 10 : speed === 1 ? 100 : 1000,
    fullDuplex: (status & STATUS.FD) !== 0,
  };
}

/** Counters whose low half has a high half in the next register. */
const HIGH_HALVES: Readonly<Record<string, string>> = { GORCH: 'GORCL', GOTCH: 'GOTCL', TORH: 'TORL', TOTH: 'TOTL' };
const HIGH = 0x1_0000_0000;

/** The chip's counters, which clear when they are read (8254x §13.7, 82574 §10.2.7): read and added up here. */
export class ChipStatistics {
  readonly totals: Record<string, number> = {};
  readonly #registers: Readonly<Record<string, AnyReg>>;

  constructor(chip: IntelChip) {
    this.#registers = chip.statisticsRegisters;
  }

  /** Reads all; about sixty register reads. */
  read(io: Mmio): void {
    for (const [name, register] of Object.entries(this.#registers)) {
      const value = io.read32(register.at) >>> 0;
      // All ones from a counter that stops at all ones is indistinguishable from a device that is gone.
      if (value === 0 || value === 0xffff_ffff) continue;
      const low = HIGH_HALVES[name];
      const key = low ?? name;
      this.totals[key] = (this.totals[key] ?? 0) + (low === undefined ? value : value * HIGH);
    }
  }

  /** Forgets what the chip has counted so far. */
  clear(io: Mmio): void {
    this.read(io);
    for (const name of Object.keys(this.totals)) delete this.totals[name];
  }
}
