/**
 * What a host counts, as SNMP's MIB-II does (RFC 1213) where it has a name for it.
 *
 * @module
 */

/** Counters, since the host was made. */
export class Counters {
  /** Frames for somebody else, of a type that nobody here speaks, or cut short. */
  foreignFrames = 0;
  /** Frames with a VLAN tag, which are refused: the device has to take tags off. */
  taggedFrames = 0;
  /** IP packets that came. */
  ipReceived = 0;
  /** IP packets with a wrong header, or checksum, or a source that cannot be. */
  ipHeaderErrors = 0;
  /** IP packets for an address that is not of this host, which forwards nothing. */
  ipAddressErrors = 0;
  /** IP packets of a protocol that nobody speaks. */
  ipUnknownProtocols = 0;
  /** Datagrams put together of fragments. */
  reassembled = 0;
  /** Datagrams given up because a fragment did not come, overlapped, or there was no room. */
  reassemblyFailures = 0;
  /** IP packets sent. */
  ipSent = 0;
  /** IP packets not sent: no route, no room in the device, or their neighbour did not answer. */
  ipSendDrops = 0;
  /** Datagrams cut in fragments to be sent. */
  fragmented = 0;
  /** ICMP messages that came, and were whole. */
  icmpReceived = 0;
  /** ICMP messages sent. */
  icmpSent = 0;
  /** Packets of ARP or ND that came. */
  neighbourMessages = 0;
  /** Times that somebody else claimed an address of this host. */
  addressConflicts = 0;
  /** Datagrams given to a socket. */
  udpReceived = 0;
  /** Datagrams to a port that nobody has. */
  udpNoPorts = 0;
  /** Datagrams that were malformed, had a wrong checksum, or found their socket full. */
  udpErrors = 0;
  /** Datagrams sent. */
  udpSent = 0;
  /** Segments that came. */
  tcpReceived = 0;
  /** Segments that were malformed, or had a wrong checksum. */
  tcpErrors = 0;
  /** Segments sent, resets and retransmissions with them. */
  tcpSent = 0;
  /** Segments sent again. */
  tcpRetransmitted = 0;
  /** Times that a connection took smaller segments for a packet that was too big for its way, or seemed so. */
  tcpPathShrinks = 0;
  /** Resets sent. */
  tcpResets = 0;
  /** Connections begun by this host. */
  tcpActiveOpens = 0;
  /** Connections begun by others. */
  tcpPassiveOpens = 0;
  /** SYNs that were answered by a cookie (RFC 4987), since too many connections were half-open. */
  tcpCookiesSent = 0;
  /** Connections that began with one. */
  tcpCookiesTaken = 0;
  /** SYNs that were not answered: the backlog was full, or memory. */
  tcpListenDrops = 0;
}
