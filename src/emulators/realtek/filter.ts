/**
 * Which frames get in by their address. Source: RTL8169 specification, registers 08h and 44h; r8169 rtl_set_rx_mode for where
 * the bits of the hash stand on PCI Express chips.
 */
import type { LinkFrame } from '../../link/port.js';
import { type RegisterFile, rtl8168h } from '../../registers/index.js';
import { isAddress, isBroadcast, isMagic } from '../offload/addresses.js';
import type { RealtekRegisters } from './chip.js';

const { IDR0, IDR4, MAR0, MAR4, RCR } = rtl8168h;

/** What the destination of a frame is that is let through. */
export const Match = { none: 0, station: 1, stranger: 2, multicast: 3, broadcast: 4 } as const;

const ADDRESS_BYTES = 6;
/** CRC-32 with the most significant bit first (802.3 §3.2.9). */
const POLYNOMIAL = 0x04c1_1db7;
/** The hash is this many bits from the top. */
const HASH_SHIFT = 26;

/** The filter, over the registers. */
export class FilterUnit {
  readonly #values: Int32Array;
  readonly #rcr: number;
  readonly #idr0: number;
  readonly #idr4: number;
  readonly #mar0: number;
  readonly #mar4: number;

  constructor(regs: RegisterFile, registers: RealtekRegisters) {
    this.#values = regs.values;
    this.#rcr = regs.slot(registers.RCR);
    [this.#idr0, this.#idr4] = [regs.slot(IDR0), regs.slot(IDR4)];
    [this.#mar0, this.#mar4] = [regs.slot(MAR0), regs.slot(MAR4)];
  }

  /** Is this the station address? */
  isOurs(u8: Uint8Array, at: number): boolean {
    return isAddress(u8, at, this.#values[this.#idr0]!, this.#values[this.#idr4]! & IDR4.VALUE);
  }

  /** Is the frame a magic packet to the station address? */
  isMagic({ arena, offset, length }: LinkFrame): boolean {
    return isMagic(arena.u8, offset, length, this.#values[this.#idr0]!, this.#values[this.#idr4]! & IDR4.VALUE);
  }

  /** Is the frame at `at` let through, and as what? One of {@link Match}. */
  address(u8: Uint8Array, at: number): number {
    const control = this.#values[this.#rcr]!;
    if ((u8[at]! & 1) === 0) {
      if ((control & (RCR.APM | RCR.AAP)) === 0) return Match.none;
      if (this.isOurs(u8, at)) return Match.station;
      return (control & RCR.AAP) !== 0 ? Match.stranger : Match.none;
    }
    if (isBroadcast(u8, at)) return (control & RCR.AB) !== 0 ? Match.broadcast : Match.none;
    return (control & RCR.AM) !== 0 && this.#chosen(hash(u8, at)) ? Match.multicast : Match.none;
  }

  /** MAR0 and MAR4 are one number of 64 bits, its most significant byte first: bit 63 is bit 7 of MAR0's first byte. */
  #chosen(bit: number): boolean {
    const byte = 7 - (bit >> 3);
    const word = this.#values[byte < 4 ? this.#mar0 : this.#mar4]!;
    return ((word >>> (8 * (byte & 3) + (bit & 7))) & 1) === 1;
  }
}

/** The top six bits of an address's CRC, which is not complemented. */
export function hash(u8: Uint8Array, at: number): number {
  let crc = -1;
  for (let i = 0; i < ADDRESS_BYTES; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const feedback = (crc >>> 31) ^ ((u8[at + i]! >> bit) & 1);
      crc = (crc << 1) ^ (feedback === 0 ? 0 : POLYNOMIAL);
    }
  }
  return crc >>> HASH_SHIFT;
}
