/** DHCP for IPv4 (RFC 2131, options of RFC 2132). */
import { get32, set16, set32 } from './bytes.js';

/** UDP ports. */
export const DhcpPort = { server: 67, client: 68 } as const;
/** Bytes up to and including the magic cookie. */
export const DHCP_BYTES = 240;
/** Smallest message that every host accepts and relays expect (BOOTP's 300 bytes). */
export const DHCP_MINIMUM = 300;

/** Message types (option 53). */
export const DhcpType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** Option codes used here. */
export const DhcpOption = {
  mask: 1,
  router: 3,
  dns: 6,
  hostName: 12,
  domain: 15,
  mtu: 26,
  requestedIp: 50,
  leaseTime: 51,
  type: 53,
  server: 54,
  parameters: 55,
  renewal: 58,
  rebinding: 59,
  clientId: 61,
  end: 255,
} as const;

/** Field offsets. */
export const Dhcp = {
  op: 0,
  xid: 4,
  secs: 8,
  flags: 10,
  ciaddr: 12,
  yiaddr: 16,
  siaddr: 20,
  giaddr: 24,
  chaddr: 28,
  cookie: 236,
} as const;

/** True when `bytes` at `at` hold a BOOTP header for Ethernet with the magic cookie. */
export function checkDhcp(u8: Uint8Array, at: number, bytes: number): boolean {
  return bytes >= DHCP_BYTES && u8[at + 1] === 1 && u8[at + 2] === 6 && get32(u8, at + Dhcp.cookie) === 0x63825363;
}

/**
 * Offset of option `code`'s length byte, or 0 when it is absent or its length leaves the message or is below `least`.
 * Options in `sname`/`file` (option overload) are not looked for.
 */
export function findDhcpOption(u8: Uint8Array, at: number, bytes: number, code: number, least: number): number {
  const end = at + bytes;
  let p = at + DHCP_BYTES;
  while (p < end) {
    const kind = u8[p]!;
    if (kind === DhcpOption.end) return 0;
    if (kind === 0) {
      p++;
      continue;
    }
    if (p + 1 >= end || p + 2 + u8[p + 1]! > end) return 0;
    if (kind === code) return u8[p + 1]! >= least ? p + 1 : 0;
    p += 2 + u8[p + 1]!;
  }
  return 0;
}

/** A 32-bit option's value, or `otherwise` when it is absent. int32. */
export function dhcpOption32(u8: Uint8Array, at: number, bytes: number, code: number, otherwise: number): number {
  const found = findDhcpOption(u8, at, bytes, code, 4);
  return found === 0 ? otherwise : get32(u8, found + 1);
}

/** Message type of a checked message, or 0. */
export function dhcpType(u8: Uint8Array, at: number, bytes: number): number {
  const found = findDhcpOption(u8, at, bytes, DhcpOption.type, 1);
  return found === 0 ? 0 : u8[found + 1]!;
}

/** Builds one message into a buffer: header, then options one after another, then {@link DhcpWriter.finish}. */
export class DhcpWriter {
  readonly u8: Uint8Array;
  #at = 0;

  constructor(bytes = 576) {
    this.u8 = new Uint8Array(bytes);
  }

  /** Starts a message: `op` 1 request, 2 reply. Clears everything. */
  start(op: 1 | 2, xid: number, mac: Uint8Array, type: number): this {
    this.u8.fill(0);
    this.u8[0] = op;
    this.u8[1] = 1;
    this.u8[2] = 6;
    set32(this.u8, Dhcp.xid, xid);
    this.u8.set(mac, Dhcp.chaddr);
    set32(this.u8, Dhcp.cookie, 0x63825363);
    this.#at = DHCP_BYTES;
    return this.byte(DhcpOption.type, type);
  }

  /** Sets one of the header's 32-bit address fields. */
  field(offset: number, value: number): this {
    set32(this.u8, offset, value);
    return this;
  }

  /** Seconds since the client began, saturating, and the broadcast flag. */
  timing(seconds: number, broadcast: boolean): this {
    set16(this.u8, Dhcp.secs, Math.min(seconds, 0xffff));
    set16(this.u8, Dhcp.flags, broadcast ? 0x8000 : 0);
    return this;
  }

  byte(code: number, value: number): this {
    return this.bytes(code, [value]);
  }

  word(code: number, value: number): this {
    return this.bytes(code, [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
  }

  /** An option of up to 255 bytes; one that does not fit any more is left out. */
  bytes(code: number, value: ArrayLike<number>): this {
    if (value.length > 255 || this.#at + 3 + value.length > this.u8.length) return this;
    this.u8[this.#at] = code;
    this.u8[this.#at + 1] = value.length;
    for (let i = 0; i < value.length; i++) this.u8[this.#at + 2 + i] = value[i]!;
    this.#at += 2 + value.length;
    return this;
  }

  /** Ends the options; the length to send, at least {@link DHCP_MINIMUM}. */
  finish(): number {
    this.u8[this.#at] = DhcpOption.end;
    return Math.max(this.#at + 1, DHCP_MINIMUM);
  }
}
