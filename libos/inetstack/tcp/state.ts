/**
 * The states of a connection (RFC 9293, section 3.3.2).
 *
 * @module
 */

/** The states, in an order in which comparisons make sense: from `ESTABLISHED` on both sides know each other's numbers. */
export const STATE = Object.freeze(
  {
    CLOSED: 0,
    LISTEN: 1,
    SYN_SENT: 2,
    SYN_RECEIVED: 3,
    ESTABLISHED: 4,
    CLOSE_WAIT: 5,
    FIN_WAIT_1: 6,
    FIN_WAIT_2: 7,
    CLOSING: 8,
    LAST_ACK: 9,
    TIME_WAIT: 10,
  } as const,
);

/** Their names, by number. */
export const STATE_NAMES = [
  "CLOSED",
  "LISTEN",
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "CLOSE-WAIT",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
] as const;
