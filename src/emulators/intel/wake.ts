/**
 * Wake-up by link change, magic packet, unicast, multicast, broadcast, ARP, IP and patterns. Source: 8254x §6.4;
 * 82574 §5.4.
 */
import type { LinkFrame } from '../../link/port.js';
import { i82540em, pick, type RegisterFile } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { isBroadcast, isMagic } from '../offload/addresses.js';
import type { IntelRegisters } from './chip.js';
import type { FilterUnit } from './filter.js';

const { WUC, WUFC, WUS, IPAV } = i82540em;
/** The bytes of an address in RAH. */
const OURS = i82540em.RAH.RAH;
const PATTERNS = 4;
const PATTERN_BYTES = 128;

/** The wake-up unit. It sees the frames that come while the function sleeps. */
export class WakeUnit {
  readonly #bus: DeviceBus;
  readonly #regs: RegisterFile;
  readonly #map: IntelRegisters;
  readonly #filter: FilterUnit;

  constructor(bus: DeviceBus, regs: RegisterFile, map: IntelRegisters, filter: FilterUnit) {
    this.#bus = bus;
    this.#regs = regs;
    this.#map = map;
    this.#filter = filter;
  }

  /** The link came or went while asleep. */
  linkChanged(): void {
    if ((this.#regs.get(this.#map.WUFC) & WUFC.LNKC) !== 0) this.#wake(WUS.LNKC, undefined);
  }

  /** A frame came while asleep. */
  frame(frame: LinkFrame): void {
    if (!frame.fcsOk || frame.length < 14) return;
    const filters = this.#regs.get(this.#map.WUFC);
    const cause = this.#cause(frame, filters);
    if (cause !== 0) this.#wake(cause, frame);
    else if ((this.#regs.get(this.#map.WUC) & WUC.APME) !== 0 && this.#magic(frame)) this.#wake(WUS.MAG, frame);
  }

  #cause(frame: LinkFrame, filters: number): number {
    const { u8 } = frame.arena;
    const start = frame.offset;
    if ((filters & WUFC.MAG) !== 0 && this.#magic(frame)) return WUS.MAG;
    const group = (u8[start]! & 1) !== 0;
    const broadcast = group && isBroadcast(u8, start);
    if ((filters & WUFC.EX) !== 0 && !group && this.#filter.address(u8, start) !== 0) return WUS.EX;
    if ((filters & WUFC.BC) !== 0 && broadcast) return WUS.BC;
    if ((filters & WUFC.MC) !== 0 && group && !broadcast && this.#filter.address(u8, start) !== 0) return WUS.MC;
    const type = (u8[start + 12]! << 8) | u8[start + 13]!;
    if (
      (filters & WUFC.ARP) !== 0 &&
      type === 0x0806 &&
      frame.length >= 42 &&
      u8[start + 21] === 1 &&
      this.#isOurIpv4(frame, 38)
    )
      return WUS.ARP;
    if ((filters & WUFC.IPV4) !== 0 && type === 0x0800 && frame.length >= 34 && this.#isOurIpv4(frame, 30))
      return WUS.IPV4;
    if ((filters & WUFC.IPV6) !== 0 && type === 0x86dd && frame.length >= 54 && this.#isOurIpv6(frame, 38))
      return WUS.IPV6;
    const flexible = pick(filters, WUFC.FLX);
    for (let i = 0; i < PATTERNS; i++) if ((flexible & (1 << i)) !== 0 && this.#pattern(frame, i)) return 1 << (16 + i);
    return 0;
  }

  #magic({ arena, offset, length }: LinkFrame): boolean {
    const { RAL, RAH } = this.#map;
    return isMagic(arena.u8, offset, length, this.#regs.get(RAL), this.#regs.get(RAH) & OURS);
  }

  #isOurIpv4(frame: LinkFrame, offset: number): boolean {
    const value = frame.arena.view.getInt32(frame.offset + offset, true);
    const valid = pick(this.#regs.get(this.#map.IPAV), IPAV.V4);
    for (let i = 0; i < 4; i++)
      if ((valid & (1 << i)) !== 0 && this.#regs.get(this.#map.IP4AT, i) === value) return true;
    return false;
  }

  #isOurIpv6(frame: LinkFrame, offset: number): boolean {
    if ((this.#regs.get(this.#map.IPAV) & IPAV.V6) === 0) return false;
    for (let i = 0; i < 4; i++)
      if (this.#regs.get(this.#map.IP6AT, i) !== frame.arena.view.getInt32(frame.offset + offset + 4 * i, true))
        return false;
    return true;
  }

  /** Byte j of filter i is FFVT[j] byte i, compared where bit i of FFMT[j] is set. */
  #pattern(frame: LinkFrame, i: number): boolean {
    const length = Math.min(this.#regs.get(this.#map.FFLT, i) & 0x7ff, PATTERN_BYTES);
    if (length === 0 || length > frame.length) return false;
    for (let j = 0; j < length; j++) {
      if ((this.#regs.get(this.#map.FFMT, j) & (1 << i)) === 0) continue;
      if (frame.arena.u8[frame.offset + j] !== ((this.#regs.get(this.#map.FFVT, j) >>> (8 * i)) & 0xff)) return false;
    }
    return true;
  }

  #wake(cause: number, frame: LinkFrame | undefined): void {
    this.#regs.raise(this.#map.WUS, cause);
    this.#regs.raise(this.#map.WUC, WUC.PME_STATUS);
    if (frame !== undefined) {
      this.#regs.set(this.#map.WUPL, frame.length);
      const words = Math.min(32, frame.length >> 2);
      for (let i = 0; i < words; i++)
        this.#regs.set(this.#map.WUPM, frame.arena.view.getInt32(frame.offset + 4 * i, true), i);
    }
    this.#bus.pme();
  }
}
