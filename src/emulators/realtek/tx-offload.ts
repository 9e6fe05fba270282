/**
 * Checksums and segmentation as transmit descriptors ask for them, version 2: the descriptor says where the TCP or UDP header
 * begins (with IPv4 it may leave that out), everything else the chip reads in the packet. Source: r8169 rtl8169_tso_csum_v2,
 * r8168 rtl8168_tso_csum, DPDK rtl_setup_csum_offload, FreeBSD RL_TDESC_CMD_*; that sums of IPv4 are made from nothing, and that a segmented IPv6 packet must hold the sum of its pseudo header without the length, is
 * what r8169 does before it sends.
 */
import type { Arena } from '../../platform/arena.js';
import { finish } from '../../platform/kernels.js';
import { pick, rtl8168h } from '../../registers/index.js';
import type { DeviceBus } from '../function.js';
import { insertChecksum, pseudoSum, wordInSum } from '../offload/checksum.js';
import type { SegmentPlan } from '../offload/segment.js';
import { MAX_SEND, Segmenter } from '../offload/segmenter.js';

const { GTSENV4, GTSENV6, GTS_TCPHO } = rtl8168h.TXD_OPTS1;
const { IPV4_CS, IPV6_CS, TCP_CS, UDP_CS, TCPHO } = rtl8168h.TXD_OPTS2;
const { MSS } = rtl8168h.TXD_OPTS2_GTS;

const REF = 'RTL8169 specification, Tx descriptor §opts';
const VLAN = 0x8100;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const TCP = 6;
const UDP = 17;
const LEAST = { tcp: 20, udp: 8, ipv4: 20, ipv6: 40 } as const;
/** Where checksums stand in their headers. */
const FIELD = { ipv4: 10, tcp: 16, udp: 6 } as const;

/** Any request for a checksum. */
export const SUMS = IPV4_CS | IPV6_CS | TCP_CS | UDP_CS;

/** What the offloads of one ring work on. */
export interface OffloadOwner {
  /** Where its packet is. */
  readonly packet: number;
  /** Most bytes of a packet. */
  readonly mostBytes: number;
  /** Takes a finished segment. */
  send(bytes: number): void;
}

/** The offloads of one ring. */
export class OffloadUnit {
  readonly segmenter: Segmenter;
  readonly #bus: DeviceBus;
  readonly #owner: OffloadOwner;
  #l3 = 0;
  #type = 0;
  #mss = 0;

  constructor(bus: DeviceBus, owner: OffloadOwner) {
    this.#bus = bus;
    this.#owner = owner;
    this.segmenter = new Segmenter(bus, {
      packet: owner.packet,
      send: (bytes) => owner.send(bytes),
      header: (plan) => this.#header(plan),
      tooLong: (bytes) =>
        bus.report({
          rule: 'frame-too-long',
          register: 'LEN',
          value: bytes,
          message: `more than ${MAX_SEND} bytes in one send`,
          ref: REF,
        }),
    });
  }

  /** The first descriptor of a packet that is to be segmented. */
  begin(opts1: number, opts2: number): void {
    const { plan } = this.segmenter;
    this.#mss = pick(opts2, MSS);
    this.segmenter.begin(Math.max(1, this.#mss));
    plan.ipv4 = (opts1 & GTSENV4) !== 0;
    plan.tcp = true;
    plan.l4 = pick(opts1, GTS_TCPHO);
    plan.headerBytes = plan.l4 + LEAST.tcp;
    if ((opts1 & GTSENV6) !== 0 && plan.ipv4) this.#refuse('GTSENV4', opts1, 'segmentation for IPv4 and IPv6 at once');
    else if (this.#mss === 0) this.#refuse('MSS', opts2, 'segmentation asked with segments of no bytes');
    else if (plan.l4 < 14 + (plan.ipv4 ? LEAST.ipv4 : LEAST.ipv6))
      this.#refuse('GTS_TCPHO', plan.l4, 'the TCP header would begin before the IP header ends');
    else return;
    this.segmenter.fail();
  }

  /** Shown TCP's first 20 bytes, then, when there are options, all of its header. */
  #header(plan: SegmentPlan): boolean {
    const { arena } = this.#bus;
    const at = this.#owner.packet;
    this.#look(arena, at);
    const bytes = (arena.u8[at + plan.l4 + 12]! >> 4) * 4;
    if (this.#type !== (plan.ipv4 ? IPV4 : IPV6) || plan.l4 < this.#l3 + (plan.ipv4 ? LEAST.ipv4 : LEAST.ipv6)) {
      this.#refuse(plan.ipv4 ? 'GTSENV4' : 'GTSENV6', this.#type, 'the packet to be segmented is of another kind');
      return false;
    }
    if (bytes < LEAST.tcp || plan.l4 + bytes + this.#mss > this.#owner.mostBytes) {
      this.#refuse('GTS_TCPHO', plan.l4, 'no TCP header stands there, or with a segment it would not fit in a frame');
      return false;
    }
    if (plan.headerBytes < plan.l4 + bytes) {
      plan.headerBytes = plan.l4 + bytes;
      return true;
    }
    plan.l3 = this.#l3;
    plan.l4ChecksumAt = plan.l4 + FIELD.tcp;
    plan.ipChecksumAt = plan.ipv4 ? plan.l3 + FIELD.ipv4 : 0;
    if (plan.ipv4) {
      store(arena.u8, at + plan.ipChecksumAt, 0);
      // What IPv6 packets bring along.
      store(arena.u8, at + plan.l4ChecksumAt, ~finish(pseudoSum(arena, at + plan.l3, true, TCP)));
    }
    return true;
  }

  /** Sums of a whole packet of `length` bytes that is not segmented. */
  checksums(opts2: number, length: number): void {
    const { arena } = this.#bus;
    const at = this.#owner.packet;
    const ipv4 = (opts2 & IPV4_CS) !== 0;
    this.#look(arena, at);
    if (ipv4 === ((opts2 & IPV6_CS) !== 0)) {
      this.#refuse('IPV4_CS', opts2, 'sums are for IPv4 or for IPv6');
      return;
    }
    if (this.#type !== (ipv4 ? IPV4 : IPV6) || length < this.#l3 + (ipv4 ? LEAST.ipv4 : LEAST.ipv6)) {
      this.#refuse(ipv4 ? 'IPV4_CS' : 'IPV6_CS', this.#type, 'the packet to be summed is of another kind');
      return;
    }
    const l3 = at + this.#l3;
    const inside = this.#l3 + (ipv4 ? (arena.u8[l3]! & 15) * 4 : LEAST.ipv6);
    if (inside > length || (ipv4 && inside < this.#l3 + LEAST.ipv4)) {
      this.#refuse('IPV4_CS', arena.u8[l3]!, 'the IPv4 header has an impossible length');
      return;
    }
    if (ipv4) {
      store(arena.u8, l3 + FIELD.ipv4, 0);
      insertChecksum(arena, l3, at + inside, l3 + FIELD.ipv4, false);
    }
    if ((opts2 & (TCP_CS | UDP_CS)) !== 0) this.#transport(opts2, l3, inside, length, ipv4);
  }

  #transport(opts2: number, l3: number, inside: number, length: number, ipv4: boolean): void {
    const { arena } = this.#bus;
    const at = this.#owner.packet;
    const tcp = (opts2 & TCP_CS) !== 0;
    // Realtek's own drivers tell the place for IPv6 only: an IPv4 header says itself how long it is.
    const l4 = pick(opts2, TCPHO) || (ipv4 ? inside : 0);
    if (tcp && (opts2 & UDP_CS) !== 0) {
      this.#refuse('TCP_CS', opts2, 'a TCP and a UDP checksum at once');
      return;
    }
    // The packet may be padded: its own length says where it ends.
    const told = ipv4
      ? (arena.u8[l3 + 2]! << 8) | arena.u8[l3 + 3]!
      : LEAST.ipv6 + ((arena.u8[l3 + 4]! << 8) | arena.u8[l3 + 5]!);
    const end = Math.min(length, l3 - at + told);
    if (l4 < inside || l4 + (tcp ? LEAST.tcp : LEAST.udp) > end) {
      this.#refuse('TCPHO', l4, `no ${tcp ? 'TCP' : 'UDP'} header has room there`);
      return;
    }
    const field = at + l4 + (tcp ? FIELD.tcp : FIELD.udp);
    store(arena.u8, field, 0);
    const extra = pseudoSum(arena, l3, ipv4, tcp ? TCP : UDP) + wordInSum(end - l4);
    insertChecksum(arena, at + l4, at + end, field, !tcp, extra);
  }

  /** Where the network header begins, and of what kind it is. */
  #look(arena: Arena, at: number): void {
    const { u8 } = arena;
    this.#l3 = 14;
    this.#type = (u8[at + 12]! << 8) | u8[at + 13]!;
    if (this.#type !== VLAN) return;
    this.#l3 = 18;
    this.#type = (u8[at + 16]! << 8) | u8[at + 17]!;
  }

  #refuse(register: string, value: number, message: string): void {
    this.#bus.report({ rule: 'offload-context', register, value, message, ref: REF });
  }
}

function store(u8: Uint8Array, place: number, value: number): void {
  u8[place] = value >> 8;
  u8[place + 1] = value;
}
