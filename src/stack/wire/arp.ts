/** ARP for IPv4 over Ethernet (RFC 826). */
import { get16, get32, set16, set32 } from './bytes.js';

/** Bytes of an Ethernet/IPv4 ARP packet. */
export const ARP_BYTES = 28;
/** Operation values. */
export const ArpOp = { request: 1, reply: 2 } as const;

/** Field offsets. */
export const Arp = { operation: 6, senderMac: 8, senderIp: 14, targetMac: 18, targetIp: 24 } as const;

/** True when `bytes` at `at` hold a whole Ethernet/IPv4 ARP packet with a known operation and a unicast sender. */
export function checkArp(u8: Uint8Array, at: number, bytes: number): boolean {
  if (bytes < ARP_BYTES) return false;
  if (get16(u8, at) !== 1 || get16(u8, at + 2) !== 0x0800 || u8[at + 4] !== 6 || u8[at + 5] !== 4) return false;
  const operation = get16(u8, at + Arp.operation);
  return (operation === ArpOp.request || operation === ArpOp.reply) && (u8[at + Arp.senderMac]! & 1) === 0;
}

/** Operation of a checked packet. */
export function arpOperation(u8: Uint8Array, at: number): number {
  return get16(u8, at + Arp.operation);
}

/** Sender protocol address of a checked packet, int32. */
export function arpSenderIp(u8: Uint8Array, at: number): number {
  return get32(u8, at + Arp.senderIp);
}

/** Target protocol address of a checked packet, int32. */
export function arpTargetIp(u8: Uint8Array, at: number): number {
  return get32(u8, at + Arp.targetIp);
}

/** Writes the fixed part, the operation and the protocol addresses; the caller writes the two MAC addresses. */
export function writeArp(u8: Uint8Array, at: number, operation: number, senderIp: number, targetIp: number): void {
  set16(u8, at, 1);
  set16(u8, at + 2, 0x0800);
  u8[at + 4] = 6;
  u8[at + 5] = 4;
  set16(u8, at + Arp.operation, operation);
  set32(u8, at + Arp.senderIp, senderIp);
  set32(u8, at + Arp.targetIp, targetIp);
}
