/** Counters of one stack, by cause: the answer to "where did my packet go". All only grow. */
export class StackStatistics {
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Frames for nobody here: other station, unknown EtherType, other VLAN. */
  ethernetOther = 0;
  /** Frames, headers or options that do not parse, any layer. */
  malformed = 0;
  /** IPv4, ICMP, UDP or TCP checksum wrong, found here or by the device. */
  badChecksum = 0;
  arpRequestsIn = 0;
  arpRepliesIn = 0;
  arpRequestsOut = 0;
  arpRepliesOut = 0;
  arpConflicts = 0;
  neighbourFailures = 0;
  /** Packets dropped while waiting for a neighbour: queue full or resolution failed. */
  neighbourDrops = 0;
  neighbourEvictions = 0;
  ipIn = 0;
  ipOut = 0;
  /** Packets for an address that is not ours. */
  ipNotOurs = 0;
  /** Impossible source or destination (RFC 1122 §3.2.1.3). */
  ipMartian = 0;
  ipNoRoute = 0;
  ipUnknownProtocol = 0;
  fragmentsIn = 0;
  fragmentsOut = 0;
  reassembled = 0;
  reassemblyTimeouts = 0;
  /** Fragments dropped: no slot, overlap, too long, too many holes. */
  reassemblyDrops = 0;
  icmpIn = 0;
  icmpEchoIn = 0;
  icmpErrorsIn = 0;
  icmpErrorsOut = 0;
  /** Errors not sent because of the rate limit. */
  icmpRateLimited = 0;
  /** ICMP errors ignored because they name nothing in flight (RFC 5927). */
  icmpIgnored = 0;
  udpIn = 0;
  udpOut = 0;
  udpNoPort = 0;
  /** Datagrams dropped because a socket's queue was full. */
  udpOverflow = 0;
  tcpIn = 0;
  tcpOut = 0;
  tcpRetransmits = 0;
  tcpTimeouts = 0;
  tcpFastRetransmits = 0;
  tcpDuplicateAcks = 0;
  tcpOutOfOrder = 0;
  /** Segments outside the window or with an unacceptable acknowledgement. */
  tcpUnacceptable = 0;
  tcpChallengeAcks = 0;
  tcpChallengeLimited = 0;
  tcpResetsIn = 0;
  tcpResetsOut = 0;
  /** Connection attempts dropped because a listener's backlog was full. */
  tcpBacklogDrops = 0;
  tcpPaws = 0;
  /** Times transmission stopped because the device had no slot. */
  deviceFull = 0;
  loopbackDrops = 0;
}
