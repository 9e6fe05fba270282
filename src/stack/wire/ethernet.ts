/** Ethernet II header and the 802.1Q tag (IEEE 802.3 §3.2, 802.1Q §9.3). */
import { get16 } from './bytes.js';

/** Bytes of destination, source and type. */
export const ETHERNET_BYTES = 14;
/** Bytes that a tag adds. */
export const VLAN_BYTES = 4;

/** EtherTypes known here. */
export const EtherType = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;

/** Field offsets from the start of the frame. */
export const Ethernet = { destination: 0, source: 6, type: 12, tci: 14, innerType: 16 } as const;

/** The type field: with a tag, 0x8100. */
export function etherType(u8: Uint8Array, at: number): number {
  return get16(u8, at + Ethernet.type);
}

/** The destination has the group bit: multicast or broadcast. */
export function isGroup(u8: Uint8Array, at: number): boolean {
  return (u8[at]! & 1) !== 0;
}

/** The six bytes are ff:ff:ff:ff:ff:ff. */
export function isBroadcastMac(u8: Uint8Array, at: number): boolean {
  return (u8[at]! & u8[at + 1]! & u8[at + 2]! & u8[at + 3]! & u8[at + 4]! & u8[at + 5]!) === 0xff;
}
