/**
 * What an algorithm of congestion control decides: how the window grows, and to what it shrinks.
 *
 * When something was lost, and what is sent again, is decided elsewhere (`recovery.ts`); so algorithms and ways of recovery
 * can be combined.
 *
 * @module
 */

import type { Connection } from "../connection.ts";

/** An algorithm; what it has to remember is in the connection. */
export interface CongestionControl {
  /** Its name, as `statistics` tells it. */
  readonly name: string;
  /** The connection is made. */
  begin(connection: Connection): void;
  /** So many new bytes were acknowledged, outside of a recovery. */
  acknowledged(connection: Connection, bytes: number): void;
  /** Something was lost: gives the new ssthresh. */
  reduced(connection: Connection): number;
}
