/**
 * RTL8125B: receive descriptors of 32 bytes, which RCR.RXDESC_V3 chooses for all queues. Other bits than in the 16-byte form of
 * ../realtek/descriptors.ts, and room for the hash. Rings and ownership are the same. What the first two words hold is not public.
 * Sources: Realtek's r8125 (struct RxDescV3), OpenBSD and FreeBSD rge (struct rge_rx_desc), DPDK (struct rtl_rx_descv3).
 */
import { bit, bits, reg, word } from '../define.js';

/** Bytes of one. */
export const RX_DESCRIPTOR_V3_BYTES = 32;

const REF = "Realtek's r8125 struct RxDescV3; OpenBSD and FreeBSD struct rge_rx_desc";

export const RXD3_HASH = word('RXD3_HASH', 8, 'rw', {
  doc: 'Receive, 32 bytes: the hash of the frame, when RXD3_INFO says that there is one',
  ref: `${REF}: RSSResult`,
});
export const RXD3_INFO = reg(
  'RXD3_INFO',
  12,
  {
    doc: 'Receive, 32 bytes: what was hashed',
    ref: `${REF}: HeaderBufferLen, HeaderInfo; r8125 rtl8125_rx_hash_v3 for the bits`,
  },
  {
    HEADER: bits(15, 0, 'rw', 'Bytes of the headers, by its name; no driver looks at it, the model writes 0'),
    UDP: bit(25, 'rw', 'The ports of UDP were hashed (RTL8125B)'),
    IPV4: bit(26, 'rw', 'Addresses of IPv4 were hashed'),
    IPV6: bit(28, 'rw', 'Addresses of IPv6 were hashed'),
    TCP: bit(29, 'rw', 'The ports of TCP were hashed'),
  },
);
export const RXD3_ADDR_LO = word('RXD3_ADDR_LO', 16, 'rw', {
  doc: 'Receive, 32 bytes: buffer address, low',
  ref: `${REF}: addr`,
});
export const RXD3_ADDR_HI = word('RXD3_ADDR_HI', 20, 'rw', {
  doc: 'Receive, 32 bytes: buffer address, high',
  ref: `${REF}: addr`,
});
export const RXD3_OPTS2 = reg(
  'RXD3_OPTS2',
  24,
  {
    doc: 'Receive, 32 bytes: tag, protocol and checksums',
    ref: `${REF}: opts2; r8125 enum _DescStatusBit (_v3), OpenBSD RGE_RDEXTSTS_*`,
  },
  {
    VLAN_TAG: bits(15, 0, 'rw', 'Tag control information, its bytes swapped'),
    TAVA: bit(16, 'rw', 'There was a tag; it is taken out of the frame'),
    SCTPF: bit(23, 'rw', 'SCTP checksum wrong; the model sums none'),
    TCPF: bit(24, 'rw', 'TCP checksum wrong'),
    UDPF: bit(25, 'rw', 'UDP checksum wrong'),
    IPF: bit(26, 'rw', 'IPv4 header checksum wrong'),
    SCTP: bit(27, 'rw', 'SCTP; the model tells it not'),
    TCP: bit(28, 'rw', 'TCP'),
    UDP: bit(29, 'rw', 'UDP'),
    IPV4: bit(30, 'rw', 'IPv4'),
    IPV6: bit(31, 'rw', 'IPv6'),
  },
);
/** As software gives the descriptor to the NIC. */
export const RXD3_COMMAND = reg(
  'RXD3_COMMAND',
  28,
  { doc: 'Receive, 32 bytes: size of the buffer', ref: `${REF}: opts1; r8125 rtl8125_mark_to_asic_v3` },
  {
    SIZE: bits(13, 0, 'rw', 'Bytes of the buffer'),
    EOR: bit(30, 'rw', 'End of ring: the next one is the first'),
    OWN: bit(31, 'rw', 'The NIC owns it'),
  },
);
/** As the NIC gives it back. */
export const RXD3_OPTS1 = reg(
  'RXD3_OPTS1',
  28,
  {
    doc: 'Receive, 32 bytes: length and status. A descriptor tells of the bytes in its own buffer, FCS included',
    ref: `${REF}: opts1; r8125 RxRES_V3, FirstFrag_V3, rtl8125_rx_desc_type`,
  },
  {
    LEN: bits(13, 0, 'rw', 'Bytes in the buffer'),
    CRC: bit(17, 'rw', 'Bad FCS'),
    RWT: bit(18, 'rw', 'Too long'),
    RUNT: bit(19, 'rw', 'Shorter than 64 bytes'),
    RES: bit(20, 'rw', 'One of CRC, RWT and RUNT'),
    LS: bit(24, 'rw', 'Last segment of its frame'),
    FS: bit(25, 'rw', 'First segment of its frame'),
    TYPE: bits(29, 26, 'rw', 'Kind of descriptor', {
      values: { 0: 'a frame', 1: 'a frame whose time stamp follows', 2: 'time stamp' },
    }),
    EOR: bit(30, 'rw', 'End of ring: the next one is the first'),
    OWN: bit(31, 'rw', 'The NIC owns it'),
  },
);
