/**
 * Sleeping on Linux: in `epoll_wait`, over the descriptors of the libOSes and an eventfd to be woken by.
 *
 * The sleep is a `nonblocking` FFI call, on a thread that Deno keeps for those: the main thread stays free
 * for timers, signals and Deno's own sockets. One such call is under way at most. It is joined, not
 * repeated, when the loop was woken by something else and wants to sleep again.
 *
 * @module
 */

import { check } from "../../../ffi/libc/call.ts";
import { CLOCK_MONOTONIC, EFD, EPOLL } from "../../../ffi/libc/constants.ts";
import { EVENT_WORDS, makeEpollEvent } from "../../../ffi/libc/epoll_event.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { addressOf } from "../../../ffi/libc/memory.ts";
import { Words } from "../../../ffi/libc/words.ts";
import type { Clock, Parker } from "./driver.ts";

/** See the module's description. */
export class EpollParker implements Parker {
  readonly #libc: Libc = libc();
  readonly #epoll: number;
  readonly #eventfd: number;
  /** The same descriptors but for the eventfd, which only a sleep aside may read. */
  readonly #blocking: number;
  /** One event, which nobody reads: the libOSes look for themselves. */
  readonly #event = new Uint8Array(4 * EVENT_WORDS);
  /** Where an event is written to by a sleep aside, and by one that blocks. */
  readonly #words = new Words(2);
  readonly #counter = new Uint8Array(8);
  #sleep: Promise<void> | null = null;

  /** Opens the descriptors. */
  constructor() {
    // Whoever sleeps aside may outlive this thread, if that is a Worker's, and all of its own memory.
    this.#words.set(0, Number(this.#libc.malloc(BigInt(this.#event.length))));
    this.#words.set(1, addressOf(this.#event));
    this.#epoll = check("epoll_create1", this.#libc.epoll_create1(EPOLL.CLOEXEC));
    const opened = [this.#epoll];
    const open = (call: string, result: number) => {
      opened.push(check(call, result));
      return result;
    };
    try {
      this.#blocking = open("epoll_create1", this.#libc.epoll_create1(EPOLL.CLOEXEC));
      this.#eventfd = open("eventfd", this.#libc.eventfd(0, EFD.NONBLOCK | EFD.CLOEXEC));
      this.#add(this.#epoll, this.#eventfd);
    } catch (error) {
      for (const fd of opened) this.#libc.close(fd);
      throw error;
    }
  }

  /** See {@linkcode Parker.watch}. */
  watch(fd: number): void {
    this.#add(this.#epoll, fd);
    this.#add(this.#blocking, fd);
  }

  /** See {@linkcode Parker.unwatch}. */
  unwatch(fd: number): void {
    const event = makeEpollEvent(0, fd);
    for (const epoll of [this.#epoll, this.#blocking]) {
      check("epoll_ctl", this.#libc.epoll_ctl(epoll, EPOLL.CTL_DEL, fd, event));
    }
  }

  /** See {@linkcode Parker.parked}. */
  get parked(): boolean {
    return this.#sleep !== null;
  }

  /** See {@linkcode Parker.park}. */
  park(): Promise<void> {
    return this.#sleep ??= this.#park();
  }

  /** See {@linkcode Parker.wake}. */
  wake(): void {
    if (this.#sleep === null) return;
    this.#counter.fill(0);
    this.#counter[0] = 1;
    this.#libc.write(this.#eventfd, this.#counter, 8n);
  }

  /** See {@linkcode Parker.block}. */
  block(timeout: number): void {
    const milliseconds = Math.min(Math.max(0, Math.ceil(timeout)), 0x7fffffff);
    this.#libc.epoll_wait(this.#blocking, this.#words.u64[1]!, 1, milliseconds);
  }

  /** See {@linkcode Parker.close}. */
  close(): void {
    for (const fd of [this.#eventfd, this.#blocking, this.#epoll]) this.#libc.close(fd);
    this.#libc.free(this.#words.u64[0]!);
  }

  #add(epoll: number, fd: number): void {
    const event = makeEpollEvent(EPOLL.IN, fd);
    check("epoll_ctl", this.#libc.epoll_ctl(epoll, EPOLL.CTL_ADD, fd, event));
  }

  async #park(): Promise<void> {
    await this.#libc.epoll_wait_aside(this.#epoll, this.#words.u64[0]!, 1, -1);
    this.#libc.read(this.#eventfd, this.#counter, 8n);
    this.#sleep = null;
  }
}

/** `CLOCK_MONOTONIC` by libc: a quarter of what `performance.now()` costs. */
export class MonotonicClock implements Clock {
  readonly #libc: Libc = libc();
  readonly #time = new Uint32Array(4);
  readonly #words = new Words(1);

  /** Finds the address that the time is written to. */
  constructor() {
    this.#words.set(0, addressOf(new Uint8Array(this.#time.buffer)));
  }

  /** See {@linkcode Clock.read}. */
  read(): number {
    this.#libc.clock_gettime(CLOCK_MONOTONIC, this.#words.u64[0]!);
    return this.#time[0]! * 1e3 + this.#time[2]! / 1e6;
  }
}
