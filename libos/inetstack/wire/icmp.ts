/**
 * The messages of ICMP (RFC 792).
 *
 * @module
 */

/** Where the fields are. */
export const ICMP = Object.freeze(
  {
    TYPE: 0,
    CODE: 1,
    CHECKSUM: 2,
    IDENTIFIER: 4,
    SEQUENCE: 6,
    /** In "fragmentation needed": the MTU of the next hop (RFC 1191, section 4). */
    NEXT_HOP_MTU: 6,
    /** Length of the header, behind which the quoted packet is. */
    SIZE: 8,
  } as const,
);

/** The types that are spoken. */
export const ICMP_TYPE = Object.freeze(
  { ECHO_REPLY: 0, UNREACHABLE: 3, ECHO: 8, TIME_EXCEEDED: 11, PARAMETER_PROBLEM: 12 } as const,
);

/** The codes of "destination unreachable" (RFC 792, RFC 1122 section 3.2.2.1). */
export const UNREACHABLE = Object.freeze(
  { NET: 0, HOST: 1, PROTOCOL: 2, PORT: 3, FRAGMENTATION_NEEDED: 4 } as const,
);

/** The code of "time exceeded" for fragments. */
export const REASSEMBLY_TIME = 1;
