/**
 * The states of a connection (RFC 9293, section 3.3.2).
 *
 * @module
 */

/**
 * The states, in an order in which comparisons make sense: from `ESTABLISHED` on both sides know each other's numbers. Who
 * listens is no connection yet, so there is no `LISTEN`.
 */
export const STATE = Object.freeze(
  {
    CLOSED: 0,
    SYN_SENT: 1,
    SYN_RECEIVED: 2,
    ESTABLISHED: 3,
    CLOSE_WAIT: 4,
    FIN_WAIT_1: 5,
    FIN_WAIT_2: 6,
    CLOSING: 7,
    LAST_ACK: 8,
    TIME_WAIT: 9,
  } as const,
);

/** Their names, by number. */
export const STATE_NAMES = [
  "CLOSED",
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
