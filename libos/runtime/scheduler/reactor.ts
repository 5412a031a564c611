/**
 * Deno's reactor: the epoll instance that its event loop on this thread asks for sockets, finished file reads, messages
 * of Workers and signals. One that watches it knows when Deno has something to do.
 *
 * Deno does not tell which file descriptors those are. All epoll instances that were there before are watched at first.
 * Those of other threads are told apart by calls aside: whenever one comes back, our reactor gets something to do, and
 * others only by chance.
 *
 * @module
 */

import { check } from "../../../ffi/libc/call.ts";
import { EPOLL } from "../../../ffi/libc/constants.ts";
import { DATA_WORD, EVENT_WORDS, makeEpollEvent } from "../../../ffi/libc/epoll_event.ts";
import type { Libc } from "../../../ffi/libc/load.ts";
import { addressOf } from "../../../ffi/libc/memory.ts";
import { Words } from "../../../ffi/libc/words.ts";

/** What `/proc/self/fd` says of an epoll instance. */
const EPOLL_LINK = "anon_inode:[eventpoll]";
/** Beyond the descriptor that was opened last, it is looked for until there is so long a gap. */
const LONGEST_GAP = 64;
/** How many events one look gives at most. */
const EVENTS = 32;
/** How many calls aside are made at most, how many of them have to agree, and how long each takes, in milliseconds. */
const TRIES = 64;
const AGREEING = 3;
const ASIDE = 1;

/** See the module's description. */
export class Reactor {
  readonly #libc: Libc;
  /** An epoll instance that watches the candidates, each with its descriptor as data. */
  readonly #epoll: number;
  readonly #events = new Uint32Array(EVENTS * EVENT_WORDS);
  readonly #words = new Words(2);
  /** The descriptors that are watched, and who watches them. */
  #candidates: number[];
  readonly #watchers: readonly number[];
  /** Calls aside that were made; no more are when this is {@linkcode TRIES}. */
  #tries = 0;
  #asideIsUnderWay = false;
  /** The calls aside, which have to be over in the end. */
  #asides: Promise<void> = Promise.resolve();
  /** Those that were ready at the last look, and those that became so during the call aside. */
  #ready: readonly number[] = [];
  readonly #became = new Set<number>();
  /** Those that became so during each call aside, and how many agree on that. */
  #suspects: readonly number[] = [];
  #agreeing = 0;

  /**
   * Watches Deno's reactor, by another epoll instance as well. Throws {@linkcode LibcError} when there are no descriptors
   * left.
   */
  constructor(libc: Libc, watcher: number) {
    this.#libc = libc;
    this.#candidates = epollInstances(libc, watcher).filter((fd) => fd !== watcher);
    this.#epoll = check("epoll_create1", libc.epoll_create1(EPOLL.CLOEXEC));
    this.#watchers = [this.#epoll, watcher];
    this.#words.set(0, addressOf(new Uint8Array(this.#events.buffer)));
    for (const fd of this.#candidates) {
      for (const watcher of this.#watchers) {
        libc.epoll_ctl(watcher, EPOLL.CTL_ADD, fd, makeEpollEvent(EPOLL.IN, fd));
      }
    }
  }

  /** Whether there is anything that may be the reactor. */
  get isFound(): boolean {
    return this.#candidates.length > 0;
  }

  /** Whether Deno has something to do. */
  isReady(): boolean {
    const count = this.#libc.epoll_wait(this.#epoll, this.#words.u64[0]!, EVENTS, 0);
    if (this.#tries < TRIES) this.#identify(count);
    return count > 0;
  }

  /** What is no reactor, as whoever opened it knows. */
  leaveOut(fd: number): void {
    if (!this.#candidates.includes(fd)) return;
    this.#candidates = this.#candidates.filter((candidate) => candidate !== fd);
    for (const watcher of this.#watchers) {
      this.#libc.epoll_ctl(watcher, EPOLL.CTL_DEL, fd, makeEpollEvent(0, fd));
    }
  }

  /** Lets go of it. Resolves when nothing of its own is under way. */
  async close(): Promise<void> {
    this.#tries = TRIES;
    this.#libc.close(this.#epoll);
    await this.#asides;
  }

  /** Notes who became ready, and has calls aside made. */
  #identify(count: number): void {
    const ready: number[] = [];
    for (let i = 0; i < count; i++) ready.push(this.#events[i * EVENT_WORDS + DATA_WORD]!);
    for (const fd of ready) if (!this.#ready.includes(fd)) this.#became.add(fd);
    this.#ready = ready;
    if (!this.#asideIsUnderWay) this.#askAside();
  }

  #askAside(): void {
    this.#tries++;
    this.#asideIsUnderWay = true;
    this.#became.clear();
    // There are no events on an empty set: it waits, for a moment.
    const nothing = this.#libc.epoll_create1(EPOLL.CLOEXEC);
    const over = this.#libc.epoll_wait_aside(nothing, this.#words.u64[1]!, 1, ASIDE).then(() => {
      this.#libc.close(nothing);
      this.#asideIsUnderWay = false;
      if (this.#tries < TRIES && this.#became.size > 0) this.#conclude();
    });
    this.#asides = this.#asides.then(() => over);
  }

  /** A call aside came back. Once enough of them agree, everybody else is left out. */
  #conclude(): void {
    const became = [...this.#became];
    const suspects = this.#suspects.filter((fd) => became.includes(fd));
    this.#agreeing = suspects.length > 0 ? this.#agreeing + 1 : 1;
    this.#suspects = suspects.length > 0 ? suspects : became;
    if (this.#agreeing < AGREEING) return;
    for (const fd of this.#candidates) if (!this.#suspects.includes(fd)) this.leaveOut(fd);
    this.#tries = TRIES;
  }
}

/** The descriptors that are epoll instances. */
function epollInstances(libc: Libc, last: number): number[] {
  const encoder = new TextEncoder();
  const link = new Uint8Array(EPOLL_LINK.length + 1);
  const found: number[] = [];
  for (let fd = 0, gap = 0; fd <= last || gap < LONGEST_GAP; fd++) {
    const path = encoder.encode(`/proc/self/fd/${fd}\0`);
    const length = libc.readlink(path, link, BigInt(link.length));
    gap = length < 0 ? gap + 1 : 0;
    if (length !== EPOLL_LINK.length) continue;
    if (new TextDecoder().decode(link.subarray(0, length)) === EPOLL_LINK) found.push(fd);
  }
  return found;
}
