/**
 * The few sockets that had data just now: they are polled themselves, and epoll does not watch them. At
 * microseconds, the detour through epoll is what a busy connection would notice, in the kernel's receive
 * path as well as here.
 *
 * With more sockets than fit, epoll is the cheaper way: then none is hot for a while.
 *
 * @module
 */

import type { DemikernelError } from "../error.ts";
import type { SocketQueue } from "./socket_queue.ts";

/** How many sockets can be hot. Each costs a call that may be in vain, on every poll. */
const CAPACITY = 2;
/** A socket that had nothing for so many polls in a row cools down: about 70 µs. */
const PATIENCE = 256;
/** For so many turns there are no hot sockets after too many wanted to be. */
const CROWDED = 4096;

/** See the module's description. */
export class HotSet {
  readonly #queues: SocketQueue[] = [];
  /** The turn in which too many wanted to be hot last; turns wrap around at 2³². */
  #crowdedAt = -CROWDED;

  /** How many are hot. */
  get size(): number {
    return this.#queues.length;
  }

  /** A queue just had data. One that waits for room as well stays with epoll, which alone tells of it. */
  add(queue: SocketQueue, turn: number): void {
    if (queue.hot || queue.pushes.head !== null) return;
    if (((turn - this.#crowdedAt) >>> 0) < CROWDED) return;
    if (this.#queues.length === CAPACITY) {
      this.#crowdedAt = turn;
      this.clear();
      return;
    }
    queue.hot = true;
    queue.misses = 0;
    queue.unwatch();
    this.#queues.push(queue);
  }

  /** Polls them all; says how many operations ended. */
  poll(): number {
    const queues = this.#queues;
    let ended = 0;
    for (let i = queues.length - 1; i >= 0; i--) {
      const queue = queues[i];
      // Whoever was told of the last one's data may have closed this one.
      if (queue === undefined) continue;
      if (queue.tryPop()) {
        queue.misses = 0;
        ended++;
      } else if (++queue.misses > PATIENCE) {
        this.cool(queue);
      }
    }
    return ended;
  }

  /** Lets epoll watch a queue again. */
  cool(queue: SocketQueue): void {
    if (!queue.hot) return;
    this.remove(queue);
    try {
      queue.watch();
    } catch (error) {
      // The kernel has no memory left to watch it: it would never be heard of again.
      queue.break((error as DemikernelError).errno);
    }
  }

  /** Lets epoll watch all of them again. */
  clear(): void {
    while (this.#queues.length > 0) this.cool(this.#queues[0]!);
  }

  /** A queue is being closed. */
  remove(queue: SocketQueue): void {
    if (!queue.hot) return;
    queue.hot = false;
    this.#queues.splice(this.#queues.indexOf(queue), 1);
  }
}
