/**
 * The messages of ICMPv6 (RFC 4443), of Neighbor Discovery (RFC 4861) and of Multicast Listener Discovery (RFC 2710).
 *
 * @module
 */

/** Where the fields are. */
export const ICMPV6 = Object.freeze(
  {
    TYPE: 0,
    CODE: 1,
    CHECKSUM: 2,
    /** In an error: the MTU, or the pointer. In an advertisement: the flags. */
    WORD: 4,
    /** Length of the header, behind which the quoted packet, or the target, is. */
    SIZE: 8,
  } as const,
);

/** The types that are spoken. */
export const ICMPV6_TYPE = Object.freeze(
  {
    UNREACHABLE: 1,
    PACKET_TOO_BIG: 2,
    TIME_EXCEEDED: 3,
    PARAMETER_PROBLEM: 4,
    ECHO: 128,
    ECHO_REPLY: 129,
    LISTENER_QUERY: 130,
    LISTENER_REPORT: 131,
    LISTENER_DONE: 132,
    NEIGHBOR_SOLICITATION: 135,
    NEIGHBOR_ADVERTISEMENT: 136,
  } as const,
);

/** The codes of "destination unreachable" (RFC 4443, section 3.1). */
export const UNREACHABLE6 = Object.freeze({ NO_ROUTE: 0, ADDRESS: 3, PORT: 4 } as const);

/** The code of "parameter problem" for a next header that nobody speaks. */
export const UNKNOWN_NEXT_HEADER = 1;

/** Where the fields of a solicitation or advertisement are (RFC 4861, sections 4.3 and 4.4). */
export const NEIGHBOR = Object.freeze(
  {
    TARGET: 8,
    OPTIONS: 24,
    /** Length with the option of the own Ethernet address. */
    SIZE: 32,
  } as const,
);

/** The flags of an advertisement, as the word lies in memory. */
export const ADVERTISEMENT = Object.freeze(
  { ROUTER: 0x80, SOLICITED: 0x40, OVERRIDE: 0x20 } as const,
);

/** The options that tell the sender's and the target's Ethernet address. */
export const LINK_OPTION = Object.freeze({ SOURCE: 1, TARGET: 2 } as const);
