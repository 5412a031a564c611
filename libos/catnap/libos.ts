/**
 * catnap: PDPIX over the kernel's sockets, by non-blocking calls of libc.
 *
 * @module
 */

import { LibcError } from "../../ffi/libc/call.ts";
import { EPOLL } from "../../ffi/libc/constants.ts";
import { DATA_WORD, EVENT_WORDS } from "../../ffi/libc/epoll_event.ts";
import { type Libc, libc } from "../../ffi/libc/load.ts";
import { addressOf, errno } from "../../ffi/libc/memory.ts";
import { discard } from "../../ffi/libc/map.ts";
import { Words } from "../../ffi/libc/words.ts";
import { DemikernelError } from "../error.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../runtime/libos.ts";
import type { Queue } from "../runtime/queue/queue.ts";
import { ServedQueues } from "../runtime/queue/served.ts";
import { setNodelay } from "./backlog.ts";
import { DatagramQueue } from "./datagram_queue.ts";
import { HotSet } from "./hot_set.ts";
import { OPTIONS } from "./options.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { type CatnapContext, makeSocket, type SocketQueue } from "./socket_queue.ts";
import { StreamQueue } from "./stream_queue.ts";
import type { Capabilities, Domain, SocketType } from "../pdpix.ts";

/** Events that one look at epoll gives at most. */
const EVENTS = 256;
/** A descriptor that no queue has. */
const NOBODY = 0;
/** While sockets are polled without epoll, it is asked only every so many polls. */
const EPOLL_INTERVAL = 16;

const CAPABILITIES: Capabilities = Object.freeze({
  domains: Object.freeze(["inet", "inet6", "unix"] as const),
  types: Object.freeze(["stream", "dgram", "seqpacket"] as const),
  options: Object.freeze(OPTIONS),
  halfClose: true,
  storage: false,
  pipes: false,
  closesAtOnce: true,
  parks: true,
  blocks: true,
});

/** How a {@linkcode Catnap} is made. */
export interface CatnapOptions extends Omit<RuntimeOptions, "addressOf"> {
  /** Whether it is a part of another libOS, which polls it and sleeps for it: the scheduler does not know of it then. */
  readonly isPart?: boolean;
}

/** The libOS over kernel sockets. */
export class Catnap extends RuntimeLibOS {
  override readonly name = "catnap";
  override readonly capabilities: Capabilities = CAPABILITIES;
  /** The epoll instance; -1 once closed, as its number may be somebody else's then. */
  override fd: number;
  readonly #libc: Libc;
  readonly #context: CatnapContext & { turn: number };
  readonly #receiver: Receiver;
  readonly #words = new Words(1);
  readonly #events = new Uint32Array(EVENTS * EVENT_WORDS);
  /** Queues that epoll tells of, by descriptor. */
  readonly #sockets: (SocketQueue | undefined)[] = [];
  readonly #hot = new HotSet();
  /** Queues to serve, first in first out. */
  readonly #served = new ServedQueues();
  #untilEpoll = 0;
  /** Events in `#events` that are being told now. */
  #count = 0;

  /**
   * Opens an epoll instance. Throws what {@linkcode libc} throws, and {@linkcode DemikernelError} as the
   * kernel says.
   */
  constructor(options: CatnapOptions) {
    super({ ...options, addressOf, discard });
    this.#libc = libc();
    this.fd = this.#libc.epoll_create1(EPOLL.CLOEXEC);
    if (this.fd < 0) throw new DemikernelError(errno(), "open");
    this.#words.set(0, addressOf(new Uint8Array(this.#events.buffer)));
    this.#receiver = new Receiver(this.#libc, this.context.heap);
    this.#context = this.#makeContext();
    if (options.isPart) return;
    try {
      this.scheduler.attach(this, options.idle);
    } catch (error) {
      this.closeDevice();
      throw error instanceof LibcError ? new DemikernelError(error.errno, "open") : error;
    }
  }

  /** See {@linkcode Driver.deadline}: what has to happen by time is in the scheduler's own timers. */
  override deadline(): number {
    return Infinity;
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {
    this.#hot.clear();
  }

  /** See {@linkcode Driver.poll}. */
  override poll(): number {
    this.#context.turn = (this.#context.turn + 1) | 0;
    let work = 0;
    if (this.#hot.size > 0) {
      work += this.#hot.poll();
      // Whoever was just heard of is answered first, unless the others have waited for twice as long.
      if (--this.#untilEpoll < 0 && (work === 0 || this.#untilEpoll < -EPOLL_INTERVAL)) {
        this.#untilEpoll = EPOLL_INTERVAL;
        this.#pollEvents();
      }
    } else {
      this.#pollEvents();
    }
    if (this.#served.size > 0) work += this.#served.serve();
    return work;
  }

  protected override createSocket(domain: Domain, type: SocketType): Queue {
    if (type === (domain === "unix" ? "dgram" : "seqpacket")) {
      throw new DemikernelError("ENOTSUP", "socket", {
        detail: `catnap has no ${type} sockets of domain ${domain}`,
      });
    }
    let fd: number;
    try {
      fd = makeSocket(this.#libc, domain, type);
    } catch (error) {
      if (error instanceof LibcError) throw new DemikernelError(error.errno, "socket");
      throw error;
    }
    if (type === "dgram") return new DatagramQueue(this.#context, domain, fd);
    if (domain !== "unix") setNodelay(this.#context, fd);
    return new StreamQueue(this.#context, domain, type, fd, null);
  }

  protected override closeDevice(): void {
    this.#receiver.close();
    this.#libc.close(this.fd);
    this.fd = -1;
  }

  #makeContext(): CatnapContext & { turn: number } {
    return {
      ...this.context,
      libc: this.#libc,
      receiver: this.#receiver,
      interfaceIndex: (name) => this.#libc.if_nametoindex(new TextEncoder().encode(`${name}\0`)),
      sender: new Sender(this.#libc),
      epoll: this.fd,
      timers: this.scheduler.timers,
      clock: this.scheduler.clock,
      turn: 0,
      starved: new Set(),
      activate: (queue) => this.#served.add(queue),
      watched: (queue) => void (this.#sockets[queue.qd] = queue),
      heat: (queue) => {
        // Whoever was told of its data may have closed it.
        const open = this.#sockets[queue.qd] === queue;
        // Before a sleep, epoll has to watch it again.
        if (open && this.scheduler.spins) this.#hot.add(queue, this.#context.turn);
      },
      forget: (queue) => this.#forget(queue),
      cool: (queue) => this.#hot.cool(queue),
      closed: (queue) => this.#closed(queue),
    };
  }

  /** Tells the sockets of events. That is no work by itself: a socket that is watched anew has room, whoever cares. */
  #pollEvents(): void {
    const events = this.#events;
    const count = this.#libc.epoll_wait(this.fd, this.#words.u64[0]!, EVENTS, 0);
    this.#count = count;
    for (let i = 0; i < count; i++) {
      const at = i * EVENT_WORDS;
      this.#sockets[events[at + DATA_WORD]!]?.signal(events[at]!);
    }
    this.#count = 0;
  }

  /** Events that are told later must not be taken for those of who gets the descriptor next. */
  #forget(queue: SocketQueue): void {
    for (let i = 0; i < this.#count; i++) {
      const at = i * EVENT_WORDS + DATA_WORD;
      if (this.#events[at] === queue.qd) this.#events[at] = NOBODY;
    }
  }

  #closed(queue: SocketQueue): void {
    this.#sockets[queue.qd] = undefined;
    this.#forget(queue);
    this.#hot.remove(queue);
    for (const backlog of this.#context.starved) backlog.resume();
  }
}
