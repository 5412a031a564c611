/**
 * Every bound of the stack, each with its reason. What a stranger can make grow is in here, or is a bug.
 *
 * Times are in milliseconds.
 *
 * @module
 */

/** What a host holds at most. */
export const BOUNDS = Object.freeze(
  {
    /** Frames taken from a device in one poll: a burst of a fast link, and timers and coroutines still have their turn. */
    BURST: 64,

    /** Neighbours known at once: a /22 in full. Who was silent longest goes, unless a connection uses it. */
    NEIGHBOURS: 1024,
    /** Packets that wait for the address of one neighbour: a datagram of 64 KiB in fragments. RFC 4861, section 7.2.2, asks for one. */
    NEIGHBOUR_WAITING: 64,
    /** Destinations whose ways are known to take smaller packets: a power of two, and as many as there are neighbours. */
    PATHS: 1024,
    /** Addresses of a host, and groups that it joined: both are searched from end to end. */
    ADDRESSES: 64,

    /** Bytes of fragments that wait for others; a fourth of what Linux takes. */
    FRAGMENT_BYTES: 1 << 20,
    /** Datagrams that are being put together: who sends first fragments alone holds no more. */
    FRAGMENT_DATAGRAMS: 64,
    /** Fragments of one datagram: 64 KiB in pieces of 576 bytes are 120. Smaller pieces are nobody's honest choice. */
    FRAGMENTS_EACH: 128,
    /** How long a datagram may take to be whole (RFC 8200, section 4.5; RFC 1122, section 3.3.2). */
    FRAGMENT_LIFETIME: 60_000,

    /** ICMP errors sent in a second, beyond which they are left out (RFC 1812, section 4.3.2.8; RFC 4443, section 2.4). */
    ICMP_ERRORS: 100,
    /** Challenge ACKs of one connection in a period of so many milliseconds (RFC 5961, section 7). */
    CHALLENGE_ACKS: 10,
    CHALLENGE_PERIOD: 5000,
    /** Resets sent in a second to those who speak to no connection. */
    RESETS: 1000,

    /** Bytes of datagrams that a socket holds until they are popped; more are dropped. Linux's default. */
    DATAGRAM_BYTES: 212_992,
    /** What each of them counts for at least, so that empty ones are bounded too. */
    DATAGRAM_OVERHEAD: 256,

    /** Bytes that a connection keeps until they are acknowledged; beyond it a push is pending. */
    SEND_BUFFER: 256 * 1024,
    /** Bytes that a connection holds until they are popped: the receive window. */
    RECEIVE_BUFFER: 128 * 1024,
    /** What they grow to by themselves, where the user set nothing: Linux's figures. */
    AUTO_SEND_BUFFER: 4 << 20,
    AUTO_RECEIVE_BUFFER: 6 << 20,
    /** The least and the most that either may be set to: a few segments; what a window scale of 14 still tells. */
    LEAST_BUFFER: 4096,
    MOST_BUFFER: 1 << 30,
    /**
     * Memory of all connections for what came and was not taken. From half of it on no window grows, and what comes out of
     * order is not kept where it is not needed; beyond it nothing is, and nobody new may connect.
     */
    TCP_MEMORY: 256 << 20,
    /** The largest piece that arriving bytes of a stream are put together in. */
    STREAM_CHUNK: 65_536,
    /** Ranges of one connection that came out of order: a loss in a window of full segments leaves far fewer. */
    OUT_OF_ORDER: 256,

    /** Records of what one connection has under way; beyond it, segments share one. Full segments for 11 MiB. */
    SCOREBOARD: 8192,

    /** Connections in TIME-WAIT; beyond it the oldest goes. A thousand closes a second for a minute are 60 000. */
    TIME_WAIT: 65_536,
    /** Half-open connections of all listeners beside their backlogs' own bounds. */
    SYN_RECEIVED: 16_384,
    /** Retransmissions of a segment until the neighbour is doubted (R1 of RFC 9293, section 3.8.3). */
    DOUBTFUL_RETRANSMISSIONS: 3,
    /** Retransmissions of a segment until the connection is given up: some 15 minutes (R2 of RFC 9293, section 3.8.3). */
    RETRANSMISSIONS: 15,
    /** The same of a SYN, some two minutes; R2 of a SYN has to be three minutes or what the user says. */
    SYN_RETRANSMISSIONS: 6,
    /** The same of a SYN,ACK: a stranger may have sent the SYN. */
    SYN_ACK_RETRANSMISSIONS: 5,
    /**
     * How long a peer may take nothing of what a closed connection has still to send: nobody is left to abort it, and its
     * buffer would be held for ever by a window that stays closed (RFC 9293, section 3.8.6.1; RFC 6429). Linux's is of two to
     * three minutes, by its orphans' retries.
     */
    ORPHAN_TIMEOUT: 120_000,
    /** Bytes of payload in a segment at least, whatever a peer or a router says: Linux's figure against tiny segments. */
    LEAST_MSS: 48,
  } as const,
);
