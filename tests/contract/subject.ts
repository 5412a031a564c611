/**
 * What the suite knows of a libOS of one provider: how to open it, its addresses, and where it is known to
 * answer otherwise.
 *
 * @module
 */

import type { Feature } from "./case.ts";
import type {
  Domain,
  LibOS,
  QueueDescriptor,
  SocketAddress,
  SocketType,
} from "../../libos/pdpix.ts";

/** How a libOS is opened. */
export interface SubjectOptions {
  /** See `OpenOptions.debug`. */
  readonly debug?: boolean;
}

/** Sockets of one domain and type. */
export interface Sockets {
  /** Their domain. */
  readonly domain: Domain;
  /** Their type. */
  readonly type: SocketType;
  /** An address of a libOS that nobody has; a port of 0 where the libOS chooses. */
  address(libos: LibOS): SocketAddress;
  /** The address that stands for all of the host's. */
  readonly wildcard?: string;
  /** An address that is somebody else's. */
  readonly nonlocal?: string;
  /** The path of a file that is not there yet, where an address may be one. */
  file?(): string;
  /** An address of another family, as an example of what does not fit. */
  readonly stranger: SocketAddress;
}

/** What is known to be otherwise: another answer, or a case that makes no sense; and why. */
export interface Deviation {
  /** What the subject answers; `n/a` if the case is not to be run. */
  readonly answer: string;
  /** Why that cannot be repaired. */
  readonly reason: string;
}

/** A libOS of one provider, or a part of it: a column of the table. */
export interface Subject {
  /** Its name, the head of the column. */
  readonly name: string;
  /** See `LibOS.name`. */
  readonly libos: string;
  /** See `LibOS.provider`. */
  readonly provider: string;
  /** What it has, besides what its capabilities tell. */
  readonly features: readonly Feature[];
  /** Runs in a process of its own: it may hang, or end the process. */
  readonly isolated: boolean;
  /** How often a case may be run until it does not fail: more than once where its answer is a matter of luck, and why is told. */
  readonly attempts?: number;
  /**
   * How many processes run its cases at a time, each its share of them, where they are isolated; 1 by default. More than one
   * for a libOS that waits for the kernel most of the time whenever it is opened and closed.
   */
  readonly processes?: number;
  /** Why it cannot be opened here, and what would help; undefined if it can. */
  readonly missing?: string | undefined;
  /** How many bytes of memory a connection holds at most that nobody popped, where a receive buffer is the libOS's own. */
  readonly readAhead?: number;
  /** Its stream sockets. */
  readonly stream?: Sockets;
  /** Its datagram sockets. */
  readonly datagram?: Sockets;
  /** By case. */
  readonly deviations: Readonly<Record<string, Deviation>>;
  /** Opens it. */
  open(options?: SubjectOptions): LibOS;
  /** Opens the libOS at the other end, where a libOS cannot talk with itself; closed by the suite. */
  openPeer?(libos: LibOS): LibOS;
  /** Makes the two ends of a channel, where it is no pair of connected stream sockets. */
  channel?(libos: LibOS): { readonly from: QueueDescriptor; readonly to: QueueDescriptor };
}
