/**
 * Deno's reactor: the epoll instance that its event loop on this thread asks for sockets, finished file reads, messages
 * of Workers and signals. One that watches it knows when Deno has something to do.
 *
 * Deno does not tell which file descriptors those are. All epoll instances that were there before are watched at first.
 * Those of other threads are told apart by a call aside: when that came back, our reactor, and no other, had something
 * to do until Deno's go.
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
/** The descriptors of Deno are among the first: it is looked for no further than this, nor beyond so long a gap. */
const MOST = 1024;
const LONGEST_GAP = 64;
/** How many events one look gives at most. */
const EVENTS = 32;
/** How often it is tried to tell this thread's reactor from others, and how long each call aside takes, in milliseconds. */
const TRIES = 16;
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
  /** How many of them had something to do when they were last looked at. */
  #count = 0;
  #tries = 0;
  /** The call aside that is under way, and what else of it was. */
  #asides: Promise<void> = Promise.resolve();
  #asideIsUnderWay = false;

  /**
   * Watches Deno's reactor, by another epoll instance as well. Throws {@linkcode LibcError} when there are no descriptors
   * left.
   */
  constructor(libc: Libc, watcher: number) {
    this.#libc = libc;
    this.#candidates = epollInstances(libc).filter((fd) => fd !== watcher);
    this.#epoll = check("epoll_create1", libc.epoll_create1(EPOLL.CLOEXEC));
    this.#watchers = [this.#epoll, watcher];
    this.#words.set(0, addressOf(new Uint8Array(this.#events.buffer)));
    for (const fd of this.#candidates) {
      for (const watcher of this.#watchers) {
        libc.epoll_ctl(watcher, EPOLL.CTL_ADD, fd, makeEpollEvent(EPOLL.IN, fd));
      }
    }
  }

  /** Whether Deno has something to do. */
  isReady(): boolean {
    this.#count = this.#libc.epoll_wait(this.#epoll, this.#words.u64[0]!, EVENTS, 0);
    if (this.#tries < TRIES && !this.#asideIsUnderWay) this.#askAside();
    return this.#count > 0;
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

  /** Begins a call aside, and leaves out whoever did not notice that it came back. */
  #askAside(): void {
    this.#tries++;
    this.#asideIsUnderWay = true;
    // It waits for nothing, for a moment: there are no events on an empty set.
    const nothing = this.#libc.epoll_create1(EPOLL.CLOEXEC);
    const over = this.#libc.epoll_wait_aside(nothing, this.#words.u64[1]!, 1, ASIDE).then(() => {
      this.#libc.close(nothing);
      this.#asideIsUnderWay = false;
      if (this.#tries < TRIES) this.#keep(this.#ready());
      else this.#tries = TRIES;
    });
    this.#asides = this.#asides.then(() => over);
  }

  /** The candidates that were ready when they were last looked at. */
  #ready(): number[] {
    const count = Math.max(0, this.#count);
    return Array.from(
      { length: count },
      (_, i) => this.#events[i * EVENT_WORDS + DATA_WORD]!,
    );
  }

  /** Keeps those candidates alone that were ready before Deno's go, and are no more. */
  #keep(before: readonly number[]): void {
    this.#count = this.#libc.epoll_wait(this.#epoll, this.#words.u64[0]!, EVENTS, 0);
    const after = this.#ready();
    const ours = before.filter((fd) => !after.includes(fd));
    if (ours.length === 0) return;
    for (const fd of this.#candidates) if (!ours.includes(fd)) this.leaveOut(fd);
    this.#tries = TRIES;
  }
}

/** The descriptors that are epoll instances. */
function epollInstances(libc: Libc): number[] {
  const encoder = new TextEncoder();
  const link = new Uint8Array(EPOLL_LINK.length + 1);
  const found: number[] = [];
  for (let fd = 0, gap = 0; fd < MOST && gap < LONGEST_GAP; fd++) {
    const path = encoder.encode(`/proc/self/fd/${fd}\0`);
    const length = libc.readlink(path, link, BigInt(link.length));
    gap = length < 0 ? gap + 1 : 0;
    if (length !== EPOLL_LINK.length) continue;
    if (new TextDecoder().decode(link.subarray(0, length)) === EPOLL_LINK) found.push(fd);
  }
  return found;
}
