/**
 * Looking and sleeping on Linux: `epoll_wait` over the descriptors of the libOSes and Deno's reactor.
 *
 * The thread itself sleeps for moments, over both: one wake-up by the kernel, straight into the loop. For longer sleeps,
 * in which Deno's timers must live, there is one aside: a `nonblocking` FFI call, on a thread that Deno keeps for those.
 * One such call is under way at most. It is joined, not repeated, when the loop was woken by something else and wants
 * to sleep again; an eventfd ends it.
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
import { HostBell } from "./host_bell.ts";
import { Reactor } from "./reactor.ts";

/** See the module's description. */
export class EpollParker implements Parker {
  readonly #libc: Libc = libc();
  /** What this holds: closed at the end. */
  readonly #fds: number[] = [];
  /** The libOSes and the eventfd, which only a sleep aside may read; the libOSes; they and Deno. */
  readonly #aside: number;
  readonly #libOSes: number;
  readonly #all: number;
  readonly #reactor: Reactor | undefined;
  readonly #bell: HostBell | undefined;
  readonly #eventfd: number;
  /** One event, which nobody reads: whoever was woken looks. */
  readonly #event = new Uint8Array(4 * EVENT_WORDS);
  /** Where an event is written to by a sleep aside, and by all others. */
  readonly #words = new Words(2);
  readonly #counter = new Uint8Array(8);
  #sleep: Promise<void> | null = null;

  /** Opens the descriptors. */
  constructor() {
    // Whoever sleeps aside may outlive this thread, if that is a Worker's, and all of its own memory.
    this.#words.set(0, Number(this.#libc.malloc(BigInt(this.#event.length))));
    this.#words.set(1, addressOf(this.#event));
    try {
      const epoll = () => this.#open("epoll_create1", this.#libc.epoll_create1(EPOLL.CLOEXEC));
      this.#all = epoll();
      // Before there are more epoll instances that it would find.
      this.#reactor = new Reactor(this.#libc, this.#all);
      this.#bell = new HostBell(this.#libc);
      this.#aside = epoll();
      this.#libOSes = epoll();
      this.#eventfd = this.#open("eventfd", this.#libc.eventfd(0, EFD.NONBLOCK | EFD.CLOEXEC));
      this.#add(this.#aside, this.#eventfd);
    } catch (error) {
      void this.#reactor?.close();
      void this.#bell?.close();
      this.#release();
      throw error;
    }
  }

  /** See {@linkcode Parker.watch}. */
  watch(fd: number): void {
    this.#reactor!.leaveOut(fd);
    for (const epoll of [this.#aside, this.#libOSes, this.#all]) this.#add(epoll, fd);
  }

  /** See {@linkcode Parker.unwatch}. */
  unwatch(fd: number): void {
    const event = makeEpollEvent(0, fd);
    for (const epoll of [this.#aside, this.#libOSes, this.#all]) {
      check("epoll_ctl", this.#libc.epoll_ctl(epoll, EPOLL.CTL_DEL, fd, event));
    }
  }

  /** See {@linkcode Parker.seesHost}. */
  get seesHost(): boolean {
    return this.#reactor!.isFound;
  }

  /** See {@linkcode Parker.hostIsReady}. */
  hostIsReady(): boolean {
    return this.#reactor!.isReady();
  }

  /** See {@linkcode Parker.harvest}. */
  harvest(then: () => void): void {
    this.#bell!.ring(then);
  }

  /** See {@linkcode Parker.doze}. */
  doze(timeout: number): void {
    this.#wait(this.#all, timeout);
  }

  /** See {@linkcode Parker.block}. */
  block(timeout: number): void {
    this.#wait(this.#libOSes, timeout);
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

  /** See {@linkcode Parker.close}. */
  async close(): Promise<void> {
    this.#release();
    await Promise.all([this.#reactor!.close(), this.#bell!.close()]);
  }

  #open(call: string, fd: number): number {
    this.#fds.push(check(call, fd));
    return fd;
  }

  #release(): void {
    for (const fd of this.#fds) this.#libc.close(fd);
    this.#libc.free(this.#words.u64[0]!);
  }

  #add(epoll: number, fd: number): void {
    const event = makeEpollEvent(EPOLL.IN, fd);
    check("epoll_ctl", this.#libc.epoll_ctl(epoll, EPOLL.CTL_ADD, fd, event));
  }

  #wait(epoll: number, timeout: number): void {
    const milliseconds = Math.min(Math.max(0, Math.ceil(timeout)), 0x7fffffff);
    this.#libc.epoll_wait(epoll, this.#words.u64[1]!, 1, milliseconds);
  }

  async #park(): Promise<void> {
    await this.#libc.epoll_wait_aside(this.#aside, this.#words.u64[0]!, 1, -1);
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
