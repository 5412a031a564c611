/**
 * What the parts of catmint share.
 *
 * @module
 */

import type { UcxWorker } from "../../ffi/ucx/worker.ts";
import type { Catnap } from "../catnap/libos.ts";
import type { QueueContext } from "../runtime/queue/queue.ts";
import type { Served } from "../runtime/queue/served.ts";
import type { Clock } from "../runtime/scheduler/driver.ts";
import type { Scheduler } from "../runtime/scheduler/scheduler.ts";
import type { TimerHeap } from "../runtime/scheduler/timers.ts";
import type { Connection } from "./connection.ts";
import type { Flights } from "./flights.ts";
import type { RegisteredMemory } from "./memory.ts";
import type { Peers } from "./peer.ts";

/** See the module's description. */
export interface CatmintContext extends QueueContext {
  /** UCX; another one when it was found stuck. */
  worker: UcxWorker;
  /** The memory of the heap, as UCX's devices know it. */
  readonly memory: RegisteredMemory;
  /** Requests under way. */
  readonly flights: Flights;
  /** Who is at the other ends. */
  readonly peers: Peers;
  /** The kernel's sockets, over which connections begin, and by which peers are known to be there. */
  readonly control: Catnap;
  /** Runs the coroutines of that. */
  readonly scheduler: Scheduler;
  /** For what has to happen by time. */
  readonly timers: TimerHeap;
  /** The clock of those timers. */
  readonly clock: Clock;
  /** The number of the poll that goes on now. */
  readonly turn: number;
  /** Lets the next poll serve a queue. */
  activate(queue: Served): void;
  /** Somebody died who may have written to this worker's memory in that moment. */
  suspect(): void;
  /** Whether it is not known yet if the worker is stuck: a connection that began now might be broken at once. */
  isSuspect(): boolean;
  /** Closes one of the kernel's sockets, unless all of them are closed. */
  hangUp(qd: number): void;
  /** Something may happen on the kernel's sockets soon. */
  expect(): void;
  /** Something was sent to this libOS itself, of which UCX's progress does not tell. */
  sentToSelf(): void;
  /** Takes the message that was found, and drops it. */
  discard(): void;
  /** Gives a connection the id that messages for it have. Throws {@linkcode DemikernelError} `EMFILE`. */
  identify(connection: Connection): number;
  /** No message is for it any more. */
  forget(connection: Connection): void;
}
