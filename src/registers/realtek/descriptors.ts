/**
 * Descriptor words in memory, little-endian, 16 bytes each: RTL8168C's layout, which RTL8168H has and RTL8125B calls version 1
 * (MAC OCP TX_FORMAT.NEW 0, RCR.RXDESC_V3 0). Rings have up to 1024 entries and start at a multiple of 256; EOR ends one.
 * RTL8125B's receive descriptors of 32 bytes are declared in ../rtl8125b/descriptors.ts.
 * Sources: RTL8169 specification (Tx and Rx descriptors); r8169 (rtl_tx_desc_bit_1, rtl_rx_desc_bit), FreeBSD re
 * (RL_TDESC_*, RL_RDESC_*) and OpenBSD rge (RGE_TD*, RGE_RD*) for version 2 of the checksum bits.
 */
import { bit, bits, reg, word } from '../define.js';

/** Bytes of a descriptor. */
export const DESCRIPTOR_BYTES = 16;
/** What a ring's first address must be a multiple of. */
export const RING_ALIGN = 256;
/** Entries that a ring may have at most. */
export const RING_MAX = 1024;

const T = 'RTL8169 specification, Tx descriptor §opts';
const R = 'RTL8169 specification, Rx descriptor §opts';
const ring = {
  LS: bit(28, 'rw', 'Last segment of its frame'),
  FS: bit(29, 'rw', 'First segment of its frame'),
  EOR: bit(30, 'rw', 'End of ring: the next one is the first'),
  OWN: bit(31, 'rw', 'The NIC owns it; set last for the first descriptor of a frame'),
} as const;

export const TXD_OPTS1 = reg(
  'TXD_OPTS1',
  0,
  {
    doc: 'Transmit: length and command. The NIC clears OWN when the descriptor is done',
    ref: `${T}1; r8169 rtl8169_tso_csum_v2`,
  },
  {
    LEN: bits(15, 0, 'rw', 'Bytes in the buffer'),
    GTS_TCPHO: bits(24, 18, 'rw', 'Offset of the TCP header, with GTSENV4 or GTSENV6: at most 127'),
    GTSENV6: bit(25, 'rw', 'Segment, IPv6'),
    GTSENV4: bit(26, 'rw', 'Segment, IPv4'),
    ...ring,
  },
);
export const TXD_OPTS2 = reg(
  'TXD_OPTS2',
  4,
  { doc: 'Transmit: tag and checksums, without GTSENV4 and GTSENV6', ref: `${T}2; r8169 rtl8169_tso_csum_v2` },
  {
    VLAN_TAG: bits(15, 0, 'rw', 'Tag control information, its bytes swapped'),
    TAGC: bit(17, 'rw', 'Insert the tag'),
    TCPHO: bits(27, 18, 'rw', 'Offset of the TCP or UDP header: at most 1023'),
    IPV6_CS: bit(28, 'rw', 'IPv6: sum TCP or UDP with its pseudo header'),
    IPV4_CS: bit(29, 'rw', 'IPv4: insert the header checksum'),
    TCP_CS: bit(30, 'rw', 'Insert the TCP checksum'),
    UDP_CS: bit(31, 'rw', 'Insert the UDP checksum'),
  },
);
/** The same word when the frame is segmented. */
export const TXD_OPTS2_GTS = reg(
  'TXD_OPTS2_GTS',
  4,
  {
    doc: 'Transmit: tag and segment size, with GTSENV4 or GTSENV6',
    ref: `${T}2; r8169 rtl8169_tso_csum_v2, FreeBSD RL_TDESC_CMD_MSSVALV2`,
  },
  {
    VLAN_TAG: bits(15, 0, 'rw', 'Tag control information, its bytes swapped'),
    TAGC: bit(17, 'rw', 'Insert the tag'),
    MSS: bits(28, 18, 'rw', 'Payload bytes of a segment'),
  },
);
/** {@link TXD_OPTS1} as the NIC gives it back; on chips since RTL8168C only OWN is sure. */
export const TXD_STATUS = reg(
  'TXD_STATUS',
  0,
  { doc: 'Transmit: what became of it', ref: `${T}1 (status); FreeBSD RL_TDESC_STAT_*, OpenBSD RGE_TDCMDSTS_*` },
  {
    CC: bits(19, 16, 'rw', 'Collisions'),
    EXC: bit(20, 'rw', 'Given up after 16 collisions'),
    LNKF: bit(21, 'rw', 'No link'),
    OWC: bit(22, 'rw', 'Late collision'),
    TES: bit(23, 'rw', 'One of the errors'),
    UNF: bit(25, 'rw', 'Memory was too slow'),
    EOR: ring.EOR,
    OWN: ring.OWN,
  },
);
export const TXD_ADDR_LO = word('TXD_ADDR_LO', 8, 'rw', { doc: 'Transmit: buffer address, low', ref: `${T} address` });
export const TXD_ADDR_HI = word('TXD_ADDR_HI', 12, 'rw', {
  doc: 'Transmit: buffer address, high',
  ref: `${T} address`,
});

/** As software gives the descriptor to the NIC. */
export const RXD_COMMAND = reg(
  'RXD_COMMAND',
  0,
  { doc: 'Receive: size of the buffer', ref: `${R}1` },
  { SIZE: bits(13, 0, 'rw', 'Bytes of the buffer, a multiple of 8 on old chips'), EOR: ring.EOR, OWN: ring.OWN },
);
/** As the NIC gives it back. */
export const RXD_OPTS1 = reg(
  'RXD_OPTS1',
  0,
  {
    doc: 'Receive: length and status. Status holds in the last descriptor of a frame',
    ref: `${R}1; r8169 rtl_rx_desc_bit`,
  },
  {
    LEN: bits(13, 0, 'rw', 'Bytes of the frame, FCS included'),
    TCPF: bit(14, 'rw', 'TCP checksum wrong'),
    UDPF: bit(15, 'rw', 'UDP checksum wrong'),
    IPF: bit(16, 'rw', 'IPv4 header checksum wrong'),
    PID: bits(18, 17, 'rw', 'Protocol', { values: { 0: 'not IP', 1: 'TCP', 2: 'UDP', 3: 'IP' } }),
    CRC: bit(19, 'rw', 'Bad FCS'),
    RUNT: bit(20, 'rw', 'Shorter than 64 bytes'),
    RES: bit(21, 'rw', 'One of CRC, RUNT and RWT'),
    RWT: bit(22, 'rw', 'Longer than 8192 bytes (RTL8169), or than RMS'),
    BAR: bit(25, 'rw', 'To the broadcast address'),
    PAM: bit(26, 'rw', 'To the station address'),
    MAR: bit(27, 'rw', 'To a multicast address'),
    ...ring,
  },
);
export const RXD_OPTS2 = reg(
  'RXD_OPTS2',
  4,
  { doc: 'Receive: tag and protocol', ref: `${R}2; FreeBSD RL_RDESC_IPV4, OpenBSD RGE_RDEXTSTS_IPV4` },
  {
    VLAN_TAG: bits(15, 0, 'rw', 'Tag control information, its bytes swapped'),
    TAVA: bit(16, 'rw', 'There was a tag; it is taken out of the frame'),
    IPV4: bit(30, 'rw', 'IPv4'),
    IPV6: bit(31, 'rw', 'IPv6'),
  },
);
export const RXD_ADDR_LO = word('RXD_ADDR_LO', 8, 'rw', { doc: 'Receive: buffer address, low', ref: `${R} address` });
export const RXD_ADDR_HI = word('RXD_ADDR_HI', 12, 'rw', { doc: 'Receive: buffer address, high', ref: `${R} address` });
