/**
 * Wake-up: what a sleeping chip looks for, and the event that it signals.
 * Source: RTL8169 specification, CONFIG3 and CONFIG5 and §Wake-on-LAN; r8169 __rtl8169_set_wol and rtl_wol_enable_rx, FreeBSD
 * re_setwol, OpenBSD rge_wol.
 */
import type { LinkFrame } from '../../link/port.js';
import { type RegisterFile, rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { type FilterUnit, Match } from './filter.js';

const { CONFIG1, CONFIG2, CONFIG3, CONFIG5, MISC } = rtl8168h;

const HEADER_BYTES = 14;
const CRC16_POLYNOMIAL = 0x1021;

/** What woke it. */
export type WakeCause = 'link' | 'magic' | 'unicast' | 'multicast' | 'broadcast' | 'pattern';

/** Patterns of a frame: which bytes count, and the CRC-16 of those. */
export interface WakePatterns {
  readonly count: number;
  /** Bytes that a mask covers. */
  readonly bytes: number;
  /** Bits 8i to 8i + 7 of the mask of pattern `p`. */
  mask(p: number, i: number): number;
  crc(p: number): number;
}

/** What chips keep in different places. */
export interface WakeChip {
  /** Wake on a magic packet. */
  magic(): boolean;
  /** Wake when the link comes, as CONFIG3.LINK_UP or a place of the chip's own says. */
  link(): boolean;
  readonly patterns?: WakePatterns;
}

/** The wake-up unit. It sees the frames that come while the function sleeps. */
export class WakeUnit {
  /** What woke it last; undefined: nothing since the last reset. */
  cause: WakeCause | undefined;
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #filter: FilterUnit;
  readonly #chip: WakeChip;

  /** @param filter holds while asleep, too */
  constructor(bus: DeviceBus, regs: RegisterFile, filter: FilterUnit, chip: WakeChip) {
    this.#bus = bus;
    this.#regs = regs;
    this.#filter = filter;
    this.#chip = chip;
  }

  reset(): void {
    this.cause = undefined;
  }

  /** The link came or went while asleep. */
  linkChanged(up: boolean): void {
    if (up && this.#chip.link()) this.#wake('link');
  }

  /** A frame came while asleep. It must pass the receive filter, and the RXDV gate must be open. */
  frame(frame: LinkFrame): void {
    if (!frame.fcsOk || frame.length < HEADER_BYTES) return;
    if ((this.#regs.get(MISC) & MISC.RXDV_GATED_EN) !== 0) return;
    const match = this.#filter.address(frame.arena.u8, frame.offset);
    const cause = match === Match.none ? undefined : this.#cause(frame, match);
    if (cause !== undefined) this.#wake(cause);
  }

  /** @param match as what the filter lets the frame through */
  #cause(frame: LinkFrame, match: number): WakeCause | undefined {
    const config = this.#regs.get(CONFIG5);
    if (this.#chip.magic() && this.#filter.isMagic(frame)) return 'magic';
    if (match === Match.station && (config & CONFIG5.UWF) !== 0) return 'unicast';
    if (match === Match.broadcast && (config & CONFIG5.BWF) !== 0) return 'broadcast';
    if (match === Match.multicast && (config & CONFIG5.MWF) !== 0) return 'multicast';
    return this.#pattern(frame.arena.u8, frame.offset, frame.length) ? 'pattern' : undefined;
  }

  #pattern(u8: Uint8Array, at: number, length: number): boolean {
    const { patterns } = this.#chip;
    if (patterns === undefined) return false;
    for (let p = 0; p < patterns.count; p++) {
      let crc = 0xffff;
      let seen = 0;
      for (let i = 0; i < patterns.bytes; i++) {
        if ((patterns.mask(p, i >> 3) & (1 << (i & 7))) === 0) continue;
        if (i >= length) {
          seen = 0;
          break;
        }
        seen++;
        crc = crc16(crc, u8[at + i]!);
      }
      if (seen > 0 && crc === patterns.crc(p)) return true;
    }
    return false;
  }

  /**
   * PME# needs CONFIG1.PMEN and one of the two ways in which drivers ask for it: Linux and OpenBSD set CONFIG2.PME_SIGNAL,
   * FreeBSD CONFIG5.LANWAKE alone.
   */
  #wake(cause: WakeCause): void {
    this.cause = cause;
    const asked =
      (this.#regs.get(CONFIG2) & CONFIG2.PME_SIGNAL) !== 0 || (this.#regs.get(CONFIG5) & CONFIG5.LANWAKE) !== 0;
    if ((this.#regs.get(CONFIG1) & CONFIG1.PMEN) !== 0 && asked) this.#bus.pme();
  }
}

/** Whether CONFIG3 asks to wake when the link comes. */
export function wakesOnLink(regs: RegisterFile): boolean {
  return (regs.get(CONFIG3) & CONFIG3.LINK_UP) !== 0;
}

/** CRC-16 of wake-up patterns: a byte more, its low bit first (RTL8169 specification §Wake-up frame). */
export function crc16(crc: number, byte: number): number {
  let value = crc;
  for (let i = 0; i < 8; i++) {
    const feedback = ((value >> 15) ^ (byte >> i)) & 1;
    value = ((value << 1) & 0xffff) ^ (feedback ? CRC16_POLYNOMIAL : 0);
  }
  return value;
}
