/**
 * What the queues of a libOS over the stack share.
 *
 * @module
 */

import type { QueueContext } from "../../runtime/queue/queue.ts";
import type { DatagramQueue } from "./datagram_queue.ts";
import type { Stack } from "../stack.ts";
import type { StreamQueue } from "./stream_queue.ts";

/** A queue that may have something to do in the next turn. */
export interface Served {
  /** Whether it is in line. */
  active: boolean;
  /** Does what can be done, as long as it is its turn; says how much that was. */
  serve(): number;
}

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

/** Operations that one queue may end in one turn, before its neighbours have theirs. */
const CREDIT = 32;

/** What a queue may do in a turn. */
export class Credit {
  readonly #context: InetContext;
  #turn = -1;
  #left = 0;

  /** Makes the credit of one queue. */
  constructor(context: InetContext) {
    this.#context = context;
  }

  /** Takes one; says whether there was one. */
  spend(): boolean {
    if (this.#turn !== this.#context.turn) {
      this.#turn = this.#context.turn;
      this.#left = CREDIT;
    }
    return this.#left-- > 0;
  }
}
