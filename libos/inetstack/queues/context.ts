/**
 * What the queues of a libOS over the stack share.
 *
 * @module
 */

import type { QueueContext } from "../../runtime/queue/queue.ts";
import type { Served } from "../../runtime/queue/served.ts";
import type { DatagramQueue } from "./datagram_queue.ts";
import type { Stack } from "../stack.ts";
import type { StreamQueue } from "./stream_queue.ts";

/** See the module's description. */
export interface InetContext extends QueueContext {
  /** The host. */
  readonly stack: Stack;
  /** The number of the poll that goes on now. */
  readonly turn: number;
  /** Lets the next poll serve a queue. */
  activate(queue: Served): void;
  /** A socket is open. */
  opened(socket: DatagramQueue | StreamQueue): void;
  /** A socket is open no more. */
  closed(socket: DatagramQueue | StreamQueue): void;
  /** Tells the stack the time, before a call of the application. */
  enter(): void;
  /** Sends what the call of the application caused. */
  leave(): void;
}
