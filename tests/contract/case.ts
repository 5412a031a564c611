/**
 * What a case of the contract is: one rule of PDPIX, and how a libOS is asked whether it keeps it.
 *
 * @module
 */

import type { World } from "./world.ts";

/** What a case may need of a libOS, and how to say that it is not there. */
export const FEATURES = {
  stream: "no stream sockets",
  datagram: "no datagram sockets",
  inet: "no sockets with IP addresses and ports",
  ipv6: "no IPv6 sockets",
  file: "its addresses are no files",
  channel: "nothing to push to and pop from",
  duplex: "its channels go one way",
  bytes: "its channels carry elements, not bytes",
  records: "its channels carry bytes, not elements",
  end: "its channels have no end of the stream",
  halfClose: "no half close",
  linger: "no option linger",
  nodelay: "no option nodelay",
  reuseAddress: "no option reuseAddress",
  maxSegmentSize: "no option maxSegmentSize",
  queue: "in-memory queues are a column of their own",
  pipe: "no pipes",
  noStorage: "it has storage",
} as const;

/** Something that a case may need. */
export type Feature = keyof typeof FEATURES;

/**
 * One case. `run` gives an answer in words: how calls and operations ended, by opcode or code, in order.
 * What must hold besides, it asserts.
 */
export interface Case {
  /** `topic/what`, its name everywhere. */
  readonly id: string;
  /** The cases of upstream's own suites that it covers, as in `upstream.ts`. */
  readonly upstream?: readonly string[];
  /** What the libOS must have for the case to make sense. */
  readonly needs: readonly Feature[];
  /** What PDPIX requires, in a sentence. */
  readonly rule: string;
  /** The answer that it requires. */
  readonly pdpix: string;
  /** What upstream answers, the `compat` profile; the same if it is not given. */
  readonly compat?: string;
  /** The case closes the libOS itself, and judges the report. */
  readonly exits?: boolean;
  /** Asks. */
  run(world: World): string | Promise<string>;
}
