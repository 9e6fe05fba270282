/** Hand-written frames: just enough ARP, ICMP and DHCP to hear from slirp without a stack. */

import { finish, sumPlain } from '../../src/platform/kernels.js';
import { Checksum, type Frame } from '../../src/platform/phy.js';

export const GUEST = [10, 0, 2, 15];
export const GATEWAY = [10, 0, 2, 2];
const BROADCAST = [255, 255, 255, 255, 255, 255];

/** Writes bytes into a reserved frame. */
export function fill(frame: Frame, bytes: readonly number[]): void {
  frame.arena.u8.set(bytes, frame.offset);
  frame.length = bytes.length;
}

/** The bytes of a received frame. */
export function bytesOf(frame: Frame): Uint8Array {
  return frame.arena.u8.slice(frame.offset, frame.offset + frame.length);
}

const be16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

/** Who has the gateway's address? Padded to the minimum. */
export function arpRequest(mac: Uint8Array): number[] {
  const frame = [
    ...BROADCAST,
    ...mac,
    0x08,
    0x06,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    1,
    ...mac,
    ...GUEST,
    0,
    0,
    0,
    0,
    0,
    0,
    ...GATEWAY,
  ];
  while (frame.length < 60) frame.push(0);
  return frame;
}

/** True for the gateway's answer. */
export function isArpReply(bytes: Uint8Array, mac: Uint8Array): boolean {
  return (
    bytes[12] === 0x08 &&
    bytes[13] === 0x06 &&
    bytes[21] === 2 &&
    GATEWAY.every((byte, i) => bytes[28 + i] === byte) &&
    mac.every((byte, i) => bytes[i] === byte)
  );
}

function ipv4(protocol: number, from: number[], to: number[], payload: number[]): number[] {
  const header = [0x45, 0, ...be16(20 + payload.length), 0, 7, 0x40, 0, 64, protocol, 0, 0, ...from, ...to];
  const sum = finish(sumPlain(Uint8Array.from(header), 0, 20, 0));
  header.splice(10, 2, ...be16(sum));
  return [...header, ...payload];
}

/** An echo request with a pattern of `bytes` bytes. */
export function ping(mac: Uint8Array, gateway: Uint8Array, sequence: number, bytes: number): number[] {
  const icmp = [8, 0, 0, 0, 0x4e, 0x46, ...be16(sequence)];
  for (let i = 0; i < bytes; i++) icmp.push((i * 7 + sequence) & 0xff);
  icmp.splice(2, 2, ...be16(finish(sumPlain(Uint8Array.from(icmp), 0, icmp.length, 0))));
  return [...gateway, ...mac, 0x08, 0x00, ...ipv4(1, GUEST, GATEWAY, icmp)];
}

/** Sequence number of an echo reply whose pattern is right, or -1. */
export function pong(frame: Uint8Array, bytes: number): number {
  if (frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 1 || frame[34] !== 0) return -1;
  const sequence = (frame[40]! << 8) | frame[41]!;
  for (let i = 0; i < bytes; i++) if (frame[42 + i] !== ((i * 7 + sequence) & 0xff)) return -1;
  return sequence;
}

/** DHCPDISCOVER; with `offload` the UDP checksum is left to the NIC: only the pseudo-header's sum is in the field. */
export function discover(mac: Uint8Array, frame: Frame, xid: number, offload: boolean): void {
  const bootp = new Array<number>(300).fill(0);
  bootp.splice(0, 4, 1, 1, 6, 0);
  bootp.splice(4, 4, 0, 0, ...be16(xid));
  bootp.splice(10, 2, 0x80, 0);
  bootp.splice(28, 6, ...mac);
  bootp.splice(236, 8, 99, 130, 83, 99, 53, 1, 1, 255);
  const length = 8 + bootp.length;
  const pseudo = [0, 0, 0, 0, 255, 255, 255, 255, 0, 17, ...be16(length)];
  const partial = ~finish(sumPlain(Uint8Array.from(pseudo), 0, pseudo.length, 0)) & 0xffff;
  const udp = [0, 68, 0, 67, ...be16(length), ...be16(partial), ...bootp];
  if (!offload) {
    const whole = [...pseudo, ...udp.slice(0, 6), 0, 0, ...bootp];
    udp.splice(6, 2, ...be16(finish(sumPlain(Uint8Array.from(whole), 0, whole.length, 0))));
  }
  fill(frame, [...BROADCAST, ...mac, 0x08, 0x00, ...ipv4(17, [0, 0, 0, 0], [255, 255, 255, 255], udp)]);
  if (!offload) return;
  frame.checksum = Checksum.partial;
  frame.csumStart = 34;
  frame.csumOffset = 6;
}

/** The address that a DHCPOFFER to `xid` offers, or undefined. */
export function offered(frame: Uint8Array, xid: number): string | undefined {
  if (frame[12] !== 8 || frame[23] !== 17 || frame[35] !== 67 || ((frame[48]! << 8) | frame[49]!) !== xid)
    return undefined;
  return [...frame.subarray(58, 62)].join('.');
}
