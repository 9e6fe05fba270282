/**
 * The seam between a NIC and a stack: Ethernet frames, one caller-owned {@link Frame} at a time, nothing allocated.
 * It is smoltcp's `phy::Device` without its tokens.
 */
import type { Arena } from './arena.js';
import type { Micros } from './clock.js';

/** What is known about the checksums of a received frame, or asked for on a sent one. */
export const Checksum = {
  /** Received: nobody looked. Sent: all checksums are in place. */
  none: 0,
  /** Received: IPv4 header and TCP/UDP checksum were found right. */
  verified: 1,
  /** Received: a checksum was found wrong. The frame is delivered so that it can be counted. */
  bad: 2,
  /** The field at `csumStart + csumOffset` holds the pseudo-header sum; the sum from `csumStart` to the end is to be put there. */
  partial: 3,
} as const;
/** One of the values of {@link Checksum}. */
export type Checksum = (typeof Checksum)[keyof typeof Checksum];

/** One Ethernet frame, without FCS, described in place. The caller owns the object and uses it again and again. */
export interface Frame {
  /** Memory that holds the bytes. */
  arena: Arena;
  /** First byte of the destination address. 2 modulo 4, so that IP headers are aligned, unless hardware dictates otherwise. */
  offset: number;
  /** Bytes from the destination address to the end of the payload. */
  length: number;
  checksum: Checksum;
  /** With `partial`: bytes from `offset` to where summing starts (the TCP or UDP header). */
  csumStart: number;
  /** With `partial`: bytes from `csumStart` to the 16-bit field. */
  csumOffset: number;
  /** Sent: TCP payload bytes per segment when the NIC is to segment (TSO); 0 otherwise. Needs `checksum: partial`. */
  gsoSize: number;
  /** 802.1Q tag control information carried beside the frame, or -1. */
  vlan: number;
}

/** A frame that describes nothing yet. */
export function emptyFrame(arena: Arena): Frame {
  return { arena, offset: 0, length: 0, checksum: Checksum.none, csumStart: 0, csumOffset: 0, gsoSize: 0, vlan: -1 };
}

/** What a device can do. Constant while it is open. */
export interface PhyCapabilities {
  /** Largest IP packet in bytes (1500 for ordinary Ethernet): Ethernet header, tag and FCS not counted. */
  readonly mtu: number;
  /** Largest frame that may be committed with `gsoSize`, headers included; 0 when the device does not segment. */
  readonly maxSegmentBytes: number;
  /** The device can segment TCP over IPv6 too. */
  readonly tso6: boolean;
  /** The device completes `partial` checksums on transmit. */
  readonly txChecksum: boolean;
  /** The device says `verified` or `bad` on receive. */
  readonly rxChecksum: boolean;
  /** The device inserts and strips 802.1Q tags. */
  readonly vlan: boolean;
}

/**
 * A NIC as the stack sees it. No call waits, none throws, none allocates.
 *
 * A frame filled by `receive` stays valid until the next `receive` on the same device. Having received one, the device
 * keeps one transmit slot free: one `reserve` of at most the MTU then succeeds, so that a reply never fails.
 */
export interface PhyDevice {
  readonly capabilities: PhyCapabilities;
  /** Station address, 6 bytes. */
  readonly mac: Uint8Array;
  /** True when the cable carries frames. */
  readonly linkUp: boolean;
  /** Fills `frame` with the next received frame; false when there is none. */
  receive(now: Micros, frame: Frame): boolean;
  /**
   * Points `frame` at room for `bytes` (header included) and resets its fields; false when no slot is free or `bytes`
   * is more than can be sent. A reserved frame is committed before anything else is called on the device, or dropped
   * by reserving again.
   */
  reserve(now: Micros, frame: Frame, bytes: number): boolean;
  /** Hands the frame over, `frame.length` bytes of it. Fire and forget: completion is the driver's business. */
  commit(frame: Frame): void;
  /** Tells the device about all frames committed since the last call: one doorbell per batch. */
  flush(now: Micros): void;
}
