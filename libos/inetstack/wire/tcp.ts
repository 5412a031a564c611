/**
 * The header of TCP (RFC 9293, section 3.1), and its options.
 *
 * @module
 */

import { halves } from "./byte_order.ts";
import type { Memory } from "../../runtime/memory/memory.ts";

/** Where the fields are. */
export const TCP = Object.freeze(
  {
    SOURCE_PORT: 0,
    DESTINATION_PORT: 2,
    SEQUENCE: 4,
    ACKNOWLEDGMENT: 8,
    DATA_OFFSET: 12,
    FLAGS: 13,
    WINDOW: 14,
    CHECKSUM: 16,
    URGENT: 18,
    OPTIONS: 20,
    /** Length of a header without options. */
    SIZE: 20,
  } as const,
);

/** The control bits. */
export const FLAG = Object.freeze(
  { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const,
);

/** The kinds of options (RFC 9293 section 3.2, RFC 7323, RFC 2018). */
export const OPTION = Object.freeze(
  {
    END: 0,
    NO_OPERATION: 1,
    MSS: 2,
    WINDOW_SCALE: 3,
    SACK_PERMITTED: 4,
    SACK: 5,
    TIMESTAMPS: 8,
  } as const,
);

/** The largest scale of a window (RFC 7323, section 2.3). */
export const MOST_SCALE = 14;
/** Two NOPs, and the head of the timestamps option, as the word lies in memory (RFC 7323, appendix A). */
export const TIMESTAMPS_HEAD = 0x0a080101;
/** How much that option takes of each segment, with its NOPs. */
export const TIMESTAMPS_SIZE = 12;

/** The sum of the header at an aligned place whose only option is that of timestamps: nearly all have that length. */
export function sumHeader({ i32 }: Memory, at: number): number {
  const word = at >> 2;
  return halves(i32[word]!) + halves(i32[word + 1]!) + halves(i32[word + 2]!) +
    halves(i32[word + 3]!) + halves(i32[word + 4]!) + halves(i32[word + 5]!) +
    halves(i32[word + 6]!) + halves(i32[word + 7]!);
}
