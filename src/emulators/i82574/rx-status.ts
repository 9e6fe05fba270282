/** 82574L: what a receive descriptor says of its frame. Source: 82574 §7.1. */
import type { LinkFrame } from '../../link/port.js';
import { finish, sum16 } from '../../platform/kernels.js';
import { i82574, pick, put, type RegisterFile } from '../../registers/index.js';
import { Admitted } from '../intel/admission.js';
import { checkFrame, emptyFindings } from '../offload/checksum.js';
import { packetSum } from '../offload/frame-writer.js';
import type { Headers } from '../offload/headers.js';
import type { RssUnit } from './rss.js';

const { RXCSUM, RFCTL, RXDX_MRQ, RXDX_CSUM } = i82574;
const { DD, EOP, IXSM, VP, UDPCS, TCPCS, IPCS, PIF, TST, IPIDV, UDPV, ACK, PTYPE, CE, TCPE, IPE } = i82574.RXDX_STATERR;

/** Values of PTYPE. */
const Kind = { mac: 0, ipv4: 1, ipv4Transport: 2, ipv6: 5, ipv6Transport: 6 } as const;
const UDP_CHECKSUM_AT = 6;

/** The words of one frame; the object is used again for each. */
export class RxStatus {
  /** RXDX_STATERR of the last descriptor. */
  status = 0;
  /** Packet checksum. */
  checksum = 0;
  /** RXDX_MRQ. */
  mrq = 0;
  /** RXDX_RSS or RXDX_CSUM. */
  second = 0;
  /** Tag control information, when the tag was stripped. */
  tag = 0;
  readonly #values: Int32Array;
  readonly #rxcsum: number;
  readonly #rfctl: number;
  readonly #found = emptyFindings();

  constructor(regs: RegisterFile) {
    this.#values = regs.values;
    this.#rxcsum = regs.slot(RXCSUM);
    this.#rfctl = regs.slot(RFCTL);
  }

  /** The RSS hash takes the place of the packet checksum. */
  get hashes(): boolean {
    return (this.#values[this.#rxcsum]! & RXCSUM.PCSD) !== 0;
  }

  /** Looks at a frame. */
  find(frame: LinkFrame, flags: number, strip: boolean, stamped: boolean, headers: Headers, rss: RssUnit): void {
    const { u8 } = frame.arena;
    let status = DD | EOP;
    if ((flags & Admitted.inexact) !== 0) status |= PIF;
    if ((flags & Admitted.bad) !== 0) status |= CE;
    if (stamped) status |= TST;
    if (headers.ack) status |= ACK;
    this.tag = 0;
    if (strip) {
      status |= VP;
      this.tag = (u8[frame.offset + 14]! << 8) | u8[frame.offset + 15]!;
    }
    status |= this.#sums(frame, headers);
    const closed = headers.ipv6 && (this.#values[this.#rfctl]! & RFCTL.IPV6_DIS) !== 0;
    const transport = headers.tcp || headers.udp;
    const kind = headers.ipv4
      ? transport
        ? Kind.ipv4Transport
        : Kind.ipv4
      : headers.ipv6 && !closed
        ? transport
          ? Kind.ipv6Transport
          : Kind.ipv6
        : Kind.mac;
    status = put(status, PTYPE, kind);
    this.mrq = 0;
    if (this.hashes) {
      this.second = rss.hash;
      this.mrq = put(put(0, RXDX_MRQ.RSS_TYPE, rss.type), RXDX_MRQ.QUEUE, rss.queue);
    } else {
      this.second = put(0, RXDX_CSUM.CSUM, this.checksum);
      if (headers.ipv4) {
        status |= IPIDV;
        this.second = put(this.second, RXDX_CSUM.IPID, headers.ident);
      }
      if (this.#sumsFragment(headers)) {
        const at = frame.offset + headers.l4;
        this.second = put(this.second, RXDX_CSUM.CSUM, finish(sum16(frame.arena, at, headers.end - headers.l4)));
        if (headers.first && (u8[at + UDP_CHECKSUM_AT]! | u8[at + UDP_CHECKSUM_AT + 1]!) !== 0) status |= UDPV;
      }
    }
    this.status = status;
  }

  /** IPv4 and TCP or UDP checksums as RXCSUM asks. */
  #sums(frame: LinkFrame, headers: Headers): number {
    const wanted = this.#values[this.#rxcsum]!;
    const found = this.#found;
    const control = this.#values[this.#rfctl]!;
    let status = 0;
    found.l4Checked = false;
    if ((wanted & (RXCSUM.IPOFL | RXCSUM.TUOFL)) !== 0) {
      checkFrame(frame.arena, frame.offset, frame.length, found);
      if (found.ipv4 && (wanted & RXCSUM.IPOFL) !== 0) status |= IPCS | (found.ipOk ? 0 : IPE);
      const looks = found.ipv4 || (control & (RFCTL.IPV6_DIS | RFCTL.IPV6_XSUM_DIS)) === 0;
      if (looks && found.l4Checked && (wanted & RXCSUM.TUOFL) !== 0)
        status |= TCPCS | (headers.udp ? UDPCS : 0) | (found.l4Ok ? 0 : TCPE);
    }
    // Software takes the field for a checksum: e1000e made the sum of a fragment from its complement.
    this.checksum = finish(packetSum(frame, pick(wanted, RXCSUM.PCSS), found));
    return status === 0 ? IXSM : status;
  }

  /** RXCSUM.IPPCSE: the payload of an IPv4 fragment of a UDP datagram is summed, for software to add up. */
  #sumsFragment(headers: Headers): boolean {
    return (
      (this.#values[this.#rxcsum]! & RXCSUM.IPPCSE) !== 0 &&
      headers.ipv4 &&
      headers.fragment &&
      (headers.udp || !headers.first)
    );
  }
}
