/**
 * What the kinds of catnap queue share: a non-blocking socket whose readiness epoll tells, edge-triggered.
 *
 * A queue believes that its socket is readable, or writable, until the kernel says `EAGAIN`, and then until
 * epoll says otherwise. So an operation is tried at once where it may succeed, and no socket is asked twice
 * in vain; data stays in the kernel until it is popped.
 *
 * @module
 */

import { check, LibcError } from "../../ffi/libc/call.ts";
import { AF, EPOLL, SOCK } from "../../ffi/libc/constants.ts";
import { makeEpollEvent } from "../../ffi/libc/epoll_event.ts";
import type { Libc } from "../../ffi/libc/load.ts";
import { errno } from "../../ffi/libc/memory.ts";
import { Errno } from "../error.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Queue, type QueueContext } from "../runtime/queue/queue.ts";
import type { TimerHeap } from "../runtime/scheduler/timers.ts";
import type { Clock } from "../runtime/scheduler/driver.ts";
import {
  type InterfaceIndex,
  layOut,
  layOutTarget,
  readAddress,
} from "../runtime/socket_address.ts";
import { nameOf, readName } from "./address.ts";
import { getOption, setOption } from "./options.ts";
import { bindUnix, type SocketFile } from "./socket_file.ts";
import type { Backlog } from "./backlog.ts";
import type { Receiver } from "./receiver.ts";
import type { Sender } from "./sender.ts";
import type { Domain, InetAddress, SocketAddress, SocketOptions, SocketType } from "../pdpix.ts";

/** What the queues of catnap share. */
export interface CatnapContext extends QueueContext {
  /** The functions of libc. */
  readonly libc: Libc;
  /** Receives into buffers of the heap. */
  readonly receiver: Receiver;
  /** The index of an interface that the kernel has. */
  readonly interfaceIndex: InterfaceIndex;
  /** Sends from them. */
  readonly sender: Sender;
  /** The epoll instance. */
  readonly epoll: number;
  /** For what has to be tried again later. */
  readonly timers: TimerHeap;
  /** The clock of those timers. */
  readonly clock: Clock;
  /** The number of the poll that goes on now. */
  readonly turn: number;
  /** Lets the next poll serve a queue. */
  activate(queue: SocketQueue): void;
  /** Polls a queue's socket without asking epoll, for a while: it just had data, and may soon again. */
  heat(queue: SocketQueue): void;
  /** Lets epoll watch a queue again: it waits for something else than data. */
  cool(queue: SocketQueue): void;
  /** What epoll told of a queue, and was not passed on yet, is true no more. */
  forget(queue: SocketQueue): void;
  /** Epoll tells of a queue from now on. */
  watched(queue: SocketQueue): void;
  /** A queue was closed: what waits for a free descriptor may go on. */
  closed(queue: SocketQueue): void;
  /** Who waits for a free descriptor to accept with. */
  readonly starved: Set<Backlog>;
}

/** Operations that one queue may do in one turn, before its neighbours have theirs. */
const CREDIT = 32;
/** Of what is sent, so many bytes count as one operation more. */
const BYTES_PER_CREDIT = 1 << 15;
/** Bytes of a stream that are sent at a time: a long push holds up nobody. */
export const PIECE: number = CREDIT * BYTES_PER_CREDIT;

/** A queue over a socket. */
export abstract class SocketQueue extends Queue {
  declare protected readonly context: CatnapContext;
  /** The socket. */
  readonly fd: number;
  /** Its domain. */
  readonly domain: Domain;
  /** Whether it is in line to be served. */
  active = false;
  /** Polls in a row that found nothing, while it was polled without epoll. */
  misses = 0;
  /** Whether it is polled without epoll. */
  hot = false;
  /** Whether the kernel would block the thread that closes it, until all is sent. */
  lingers = false;
  /** Pops that wait for data. */
  readonly pops = new OperationList();
  protected readable = false;
  protected writable = true;
  /** Whether it is bound to an address of IPv6, from which no way leads to one of IPv4. */
  protected onlyIPv6 = false;
  /** The file that a Unix socket is bound to. */
  #file: SocketFile | null = null;
  #turn = -1;
  #credit = 0;

  /** Makes a queue over a socket, which it then owns. */
  constructor(context: CatnapContext, domain: Domain, fd: number) {
    super(context);
    this.domain = domain;
    this.fd = fd;
  }

  /** Does what can be done without waiting, as long as it is its turn; says how much that was. */
  serve(): number {
    const before = this.pending;
    // Pushes have a credit of their own, so that a long one does not hold up the pops.
    let credit = CREDIT;
    while (this.pushes.head !== null && this.writable && credit > 0) {
      credit -= 1 + this.resumePush(this.pushes.head) / BYTES_PER_CREDIT;
    }
    while (this.readable && this.pops.head !== null && this.spend()) this.receive(this.pops.head);
    const ended = before - this.pending;
    if (this.waiting()) {
      this.context.activate(this);
      return ended + 1;
    }
    if (ended > 0) this.context.heat(this);
    return ended;
  }

  /** Tries the oldest pop although epoll said nothing; says whether it ended. */
  tryPop(): boolean {
    const operation = this.pops.head;
    if (operation === null) return false;
    this.receive(operation);
    return operation.over;
  }

  /** Tries the oldest pop, or one that is not in the list yet. */
  protected abstract receive(operation: PooledOperation): void;
  /** Sends more of the oldest push; says how many bytes. */
  protected abstract resumePush(operation: PooledOperation<void>): number;

  /** Fails what is pending, and on a stream all that comes after. */
  break(errno: number): void {
    this.failAll(this.pops, errno);
    this.failAll(this.pushes, errno);
  }

  /** Epoll says so. */
  signal(events: number): void {
    if ((events & ~EPOLL.OUT) !== 0) this.readable = true;
    if ((events & (EPOLL.OUT | EPOLL.ERR | EPOLL.HUP)) !== 0) this.writable = true;
    if (this.waiting()) this.context.activate(this);
  }

  /** Whether something pending could go on now. */
  protected waiting(): boolean {
    return (this.pops.head !== null && this.readable) ||
      (this.pushes.head !== null && this.writable);
  }

  /** Takes one from what the queue may do in this turn; says whether there was one. */
  spend(): boolean {
    if (this.#turn !== this.context.turn) {
      this.#turn = this.context.turn;
      this.#credit = CREDIT;
    }
    return this.#credit-- > 0;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    const layout = layOut(address, this.domain, "bind", this.qd, this.context.interfaceIndex);
    if (this.domain === "unix") {
      this.#file = bindUnix(this.#optionSocket, layout);
      return;
    }
    if (this.context.libc.bind(this.fd, layout, layout.length) < 0) {
      throw this.error(errno(), "bind");
    }
    const { hostname } = readAddress(layout) as InetAddress;
    this.onlyIPv6 = hostname.includes(":") && hostname !== "::";
  }

  /** Lays out where a connect or a push goes. */
  protected layOutTarget(address: SocketAddress, call: string): Uint8Array<ArrayBuffer> {
    const layout = layOutTarget(address, this.domain, call, this.qd, this.context.interfaceIndex);
    if (this.onlyIPv6 && !(readAddress(layout) as InetAddress).hostname.includes(":")) {
      throw this.error(
        "EAFNOSUPPORT",
        call,
        "the socket is bound to an IPv6 address; to reach IPv4 as well, bind it to ::",
      );
    }
    return layout;
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    return this.#name("getsockname");
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    return this.#name("getpeername");
  }

  /** See {@linkcode Queue.setsockopt}. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    this.call("setsockopt", () => setOption(this.#optionSocket, option, value));
    if (option === "linger") this.lingers = Number(value) > 0;
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(option: K): SocketOptions[K] {
    return this.call(
      "getsockopt",
      () => getOption(this.#optionSocket, option) as SocketOptions[K],
    );
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.failAll(this.pops, Errno.ECANCELED);
    this.failAll(this.pushes, Errno.ECANCELED);
    // Without the option the kernel goes on sending all the same, but nobody has to wait for it.
    if (this.lingers) setOption(this.#optionSocket, "linger", null);
    this.#file?.remove();
    this.context.libc.close(this.fd);
    this.context.closed(this);
  }

  /** Fails every operation of a list. */
  protected failAll(list: OperationList, errno: number): void {
    while (list.head !== null) list.shift().fail(errno);
  }

  /** Lets epoll tell of the socket from now on. */
  watch(): void {
    this.context.watched(this);
    const interest = EPOLL.IN | EPOLL.OUT | EPOLL.RDHUP | EPOLL.ET;
    const event = makeEpollEvent(interest, this.qd);
    this.call("epoll_ctl", () =>
      check(
        "epoll_ctl",
        this.context.libc.epoll_ctl(this.context.epoll, EPOLL.CTL_ADD, this.fd, event),
      ));
  }

  /** Lets epoll watch the socket no more. */
  unwatch(): void {
    const event = makeEpollEvent(0, this.qd);
    this.context.libc.epoll_ctl(this.context.epoll, EPOLL.CTL_DEL, this.fd, event);
  }

  /** Makes a call of libc off the datapath; its errors become those of the queue. */
  protected call<T>(operation: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (error instanceof LibcError) throw this.error(error.errno, operation);
      throw error;
    }
  }

  get #optionSocket() {
    return { libc: this.context.libc, fd: this.fd, domain: this.domain, qd: this.qd };
  }

  #name(call: "getsockname" | "getpeername"): SocketAddress {
    const name = nameOf(this.context.libc, this.fd, call);
    if (name === null) throw this.error(errno(), call);
    return readName(name);
  }
}

const DOMAINS = { inet: AF.INET, inet6: AF.INET6, unix: AF.UNIX } as const;
const TYPES = { stream: SOCK.STREAM, dgram: SOCK.DGRAM, seqpacket: SOCK.SEQPACKET } as const;

/** Makes a non-blocking socket. Throws {@linkcode LibcError}. */
export function makeSocket(libc: Libc, domain: Domain, type: SocketType): number {
  const flags = SOCK.NONBLOCK | SOCK.CLOEXEC;
  return check("socket", libc.socket(DOMAINS[domain], TYPES[type] | flags, 0));
}

/** Whether a pending operation was in one of the lists; it is no more. */
export function unlink(operation: PooledOperation, ...lists: OperationList[]): boolean {
  return lists.some((list) => list.replace(operation, null));
}
