/**
 * Internet addresses. An address is a family and four int32 words, so that IPv6 fits without touching TCP; IPv4 uses the
 * last word. Addresses on the packet path are kept objects that are written into, never made.
 */

/** An IPv4 (later IPv6) address. Words are int32, most significant first. */
export class IpAddress {
  family: 4 | 6 = 4;
  w0 = 0;
  w1 = 0;
  w2 = 0;
  /** The whole address for IPv4. */
  w3 = 0;

  /** From a 32-bit value such as `0x7f000001`. */
  static v4(value: number): IpAddress {
    return new IpAddress().set4(value);
  }

  set4(value: number): this {
    this.family = 4;
    this.w0 = this.w1 = this.w2 = 0;
    this.w3 = value | 0;
    return this;
  }

  copy(from: IpAddress): this {
    this.family = from.family;
    this.w0 = from.w0;
    this.w1 = from.w1;
    this.w2 = from.w2;
    this.w3 = from.w3;
    return this;
  }

  clone(): IpAddress {
    return new IpAddress().copy(this);
  }

  equals(other: IpAddress): boolean {
    return (
      this.w3 === other.w3 &&
      this.family === other.family &&
      this.w2 === other.w2 &&
      this.w1 === other.w1 &&
      this.w0 === other.w0
    );
  }

  /** 0.0.0.0 or ::. */
  get unspecified(): boolean {
    return (this.w0 | this.w1 | this.w2 | this.w3) === 0;
  }

  /** 127.0.0.0/8 (RFC 1122 §3.2.1.3 g) or ::1. */
  get loopback(): boolean {
    return this.family === 4 ? this.w3 >>> 24 === 127 : (this.w0 | this.w1 | this.w2) === 0 && this.w3 === 1;
  }

  /** 224.0.0.0/4 or ff00::/8. */
  get multicast(): boolean {
    return this.family === 4 ? this.w3 >>> 28 === 14 : this.w0 >>> 24 === 0xff;
  }

  /** 255.255.255.255. */
  get limitedBroadcast(): boolean {
    return this.family === 4 && this.w3 === -1;
  }

  toString(): string {
    return this.family === 4 ? formatIpv4(this.w3) : formatIpv6(this.w0, this.w1, this.w2, this.w3);
  }
}

/** Where an address is expected, its text will do. */
export type AddressLike = IpAddress | string;

/** Dotted quad of a 32-bit value. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIpv6(...words: number[]): string {
  const groups = words.flatMap((word) => [(word >>> 16) & 0xffff, word & 0xffff]);
  return groups.map((group) => group.toString(16)).join(':');
}

/** Reads a dotted quad (four decimal numbers, no leading zeros, nothing else); undefined when it is not one. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    if (Number(part) > 255 || (part.length > 1 && part[0] === '0')) return undefined;
    value = (value << 8) | Number(part);
  }
  return value;
}

/** An address from text. @throws RangeError when the text is not an IPv4 address. */
export function ip(address: AddressLike): IpAddress {
  if (typeof address !== 'string') return address;
  const value = parseIpv4(address);
  if (value === undefined) throw new RangeError(`not an IPv4 address: ${address}`);
  return IpAddress.v4(value);
}

/** Mask of a prefix of 0 to 32 bits as an int32. */
export function prefixMask(prefix: number): number {
  return prefix === 0 ? 0 : -1 << (32 - prefix);
}

/** Length of a contiguous mask, or -1 when its ones are not contiguous. */
export function maskPrefix(mask: number): number {
  const inverted = ~mask >>> 0;
  if ((inverted & (inverted + 1)) !== 0) return -1;
  return Math.clz32(inverted);
}

/** An address with the length of its network prefix. */
export interface Cidr {
  readonly address: IpAddress;
  /** 0 to 32 for IPv4. */
  readonly prefix: number;
}

/** Reads `10.0.0.1/24`; without a slash the prefix is 32. @throws RangeError when it is neither. */
export function cidr(text: string | Cidr): Cidr {
  if (typeof text !== 'string') return text;
  const [host = '', bits = '32'] = text.split('/', 2);
  if (!/^\d{1,2}$/.test(bits) || Number(bits) > 32) throw new RangeError(`not an IPv4 prefix: ${text}`);
  return { address: ip(host), prefix: Number(bits) };
}

/** True when `address` lies in the network of `net`. */
export function contains(net: Cidr, address: IpAddress): boolean {
  return address.family === net.address.family && ((address.w3 ^ net.address.w3) & prefixMask(net.prefix)) === 0;
}

/** `52:54:00:12:34:56` of six bytes at `at`. */
export function formatMac(u8: Uint8Array, at = 0): string {
  let out = '';
  for (let i = 0; i < 6; i++) out += `${i === 0 ? '' : ':'}${u8[at + i]!.toString(16).padStart(2, '0')}`;
  return out;
}
