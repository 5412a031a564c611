/**
 * PDPIX, the portable datapath interface of the Demikernel paper (SOSP'21, figure 2): the one
 * interface that every libOS implements, and its types.
 *
 * A queue descriptor (`qd`) names a queue; a queue token (`qt`) names one operation on it and is used
 * once. Control calls act at once. Data calls (`accept connect push pushTo pop`) give a token at once
 * and complete later; {@linkcode LibOS.wait} and its family give the result itself, so that no second
 * call is needed. Coroutines use {@linkcode LibOS.operations} instead, where the same calls give an
 * {@linkcode Operation} to `yield*` or `await`.
 *
 * What every libOS promises:
 * - Argument and state errors throw at the call, and nothing has happened then. I/O errors complete
 *   the operation as failed.
 * - Operations on one queue complete in the order they were asked for.
 * - `push` is whole: it completes when every byte was taken, never interleaved with another push.
 * - `pop` gives `null` at the end of the stream, and again each time it is asked.
 * - A reset by the peer is `ECONNRESET` in every push and pop from then on; so is a push to a peer that has closed.
 *   `EPIPE` follows the own `shutdown("write")`, or tells that nobody pops from a pipe any more.
 * - Closing a queue completes what is pending on it with `ECANCELED`, and does not block.
 *
 * @module
 */

import type { DemikernelError } from "./error.ts";

/** A queue descriptor: a small integer that names one queue of one libOS. */
export type QueueDescriptor = number;

/** A queue token: a safe integer that names one operation, and is used once. */
export type QToken = number;

/** The address family of a socket. `inet6` reaches IPv4 as well, unless it is bound to an address of IPv6. */
export type Domain = "inet" | "inet6" | "unix";

/** The kind of a socket: byte stream, datagrams, or connected records. */
export type SocketType = "stream" | "dgram" | "seqpacket";

/** An IPv4 or IPv6 address, as literals, and a port. */
export interface InetAddress {
  /** An IPv4 (`127.0.0.1`) or IPv6 (`::1`) literal; never a name. */
  readonly hostname: string;
  /** 0 to 65535; 0 lets the libOS choose. */
  readonly port: number;
}

/** The address of a Unix socket. */
export interface UnixAddress {
  /** A file system path; empty for an unnamed socket; a leading NUL makes it abstract. */
  readonly path: string;
}

/** Where a socket is bound or connected. */
export type SocketAddress = InetAddress | UnixAddress;

/** Keep-alive probing of an idle connection (RFC 9293, section 3.8.4). */
export interface KeepAlive {
  /** Seconds of silence before the first probe. */
  readonly idle?: number;
  /** Seconds between probes. */
  readonly interval?: number;
  /** Unanswered probes before the connection is reset. */
  readonly count?: number;
}

/** A multicast group and the interface on which to join it. */
export interface MulticastGroup {
  /** The group's IPv4 or IPv6 address. */
  readonly group: string;
  /** IPv4: an address of the interface; IPv6: its index. The libOS chooses by default. */
  readonly interface?: string | number;
}

/** The socket options of {@linkcode LibOS.setsockopt}, by name. */
export interface SocketOptions {
  /** Send small segments at once (TCP_NODELAY). */
  nodelay: boolean;
  /**
   * What close does to data that is not sent yet (SO_LINGER): 0 drops it and resets the connection; with null, and
   * with any number of seconds, the kernel goes on sending it in the background. Close never blocks.
   */
  linger: number | null;
  /** Probe idle connections (SO_KEEPALIVE); set with times of its own if given as an object. */
  keepalive: boolean | KeepAlive;
  /** Let several sockets share one port, each with a share of the traffic (SO_REUSEPORT). */
  reusePort: boolean;
  /**
   * Bind although something is left of who had the address before: connections that linger (SO_REUSEADDR), or the file
   * of a Unix socket that is gone, which is replaced. A file that somebody is bound to is never touched. Datagram
   * sockets that all have it share a port, and each gets what is sent to a group.
   */
  reuseAddress: boolean;
  /** Send buffer in bytes; the kernel doubles what is set (SO_SNDBUF). */
  sendBuffer: number;
  /** Receive buffer in bytes; the kernel doubles what is set (SO_RCVBUF). */
  receiveBuffer: number;
  /**
   * The most bytes of payload that a segment of a TCP connection is to have, either way, with the options that go with it
   * (TCP_MAXSEG; RFC 9293, section 3.7.1): 88 to 32767, to be set before the connection is made, or on its listener. The peer
   * and the way may allow less. Of a connection, it is what its segments may have now; before, 536 unless it was set.
   */
  maxSegmentSize: number;
  /** How the congestion window grows and shrinks: CUBIC (RFC 9438) by default, or Reno (RFC 5681). */
  congestion: "cubic" | "reno";
  /**
   * How many milliseconds what was pushed may wait to be acknowledged, also by a peer that keeps its window closed, until the
   * connection fails with `ETIMEDOUT` (RFC 5482); 0, the default, leaves it to the number of retransmissions.
   */
  userTimeout: number;
  /** Allow datagrams to a broadcast address (SO_BROADCAST). */
  broadcast: boolean;
  /** Join a multicast group; can only be set. */
  multicastJoin: MulticastGroup;
  /** Leave a multicast group; can only be set. */
  multicastLeave: MulticastGroup;
  /** Hop limit of multicast datagrams, 0 to 255. */
  multicastTtl: number;
  /** Whether own multicast datagrams come back to this host. */
  multicastLoopback: boolean;
}

/**
 * A scatter-gather array: one or more segments of memory from the heap of a libOS.
 *
 * It belongs to the application from `alloc` or `pop` until `free` or `push`. After that every access
 * throws; freeing one that was pushed is harmless, so `using` is always right.
 *
 * @example Fill a buffer, push it, and pop it again
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 *
 * await using libos = open({ libos: "catnap" });
 * const qd = libos.queue();
 * const sga = libos.alloc(3);
 * sga.bytes().set([1, 2, 3]);
 * libos.wait(libos.push(qd, sga));
 * const completion = libos.wait(libos.pop(qd));
 * assertEquals(completion.opcode, "pop");
 * if (completion.opcode === "pop") {
 *   using popped = completion.sga!;
 *   assertEquals(popped.toUint8Array(), new Uint8Array([1, 2, 3]));
 * }
 * ```
 */
export interface Sga extends Disposable {
  /** Total length in bytes. */
  readonly length: number;
  /** How many segments it has. */
  readonly numsegs: number;
  /** Where a popped datagram came from; null for streams. */
  readonly address: InetAddress | null;
  /** Whether the datagram was longer than the size that `pop` was given; the rest of it is gone. */
  readonly truncated: boolean;
  /**
   * The memory of one segment, the first by default, to read and to write until the sga is pushed or freed.
   * It is a view of memory that others have a part of: do not transfer or detach its buffer, as `postMessage` with
   * a transfer list and byte streams do; give them the copy of {@linkcode Sga.toUint8Array}.
   *
   * Throws {@linkcode DemikernelError} `EINVAL` for a segment that it has not.
   */
  bytes(segment?: number): Uint8Array<ArrayBuffer>;
  /** A copy of all its bytes, that outlives it. */
  toUint8Array(): Uint8Array<ArrayBuffer>;
  /**
   * Keeps `length` bytes from `start` of the first segment on, and drops the rest of that segment.
   * Throws {@linkcode DemikernelError} `EINVAL` for a range outside of it, or an empty one.
   */
  trim(start: number, length: number): void;
  /** Another sga over the same memory, which is free once both are; to push one message to many. */
  clone(): Sga;
  /**
   * Takes the segments of another sga, behind its own: a header and a body are one push then, without a copy. The other
   * is as one that was pushed. Throws {@linkcode DemikernelError} `EINVAL` if that is not the caller's, or this one.
   */
  extend(other: Sga): void;
  /** Gives its memory back. Throws {@linkcode DemikernelError} `EINVAL` if that was done already. */
  free(): void;
  /**
   * As {@linkcode Sga.free}, and gives the handle away too: it will be another buffer's. For loops that must not
   * allocate; nothing may keep the handle, so it does not go with `using`. Use of it throws for a while, then
   * it hits what is somebody else's by then. In debug mode it throws for ever.
   */
  recycle(): void;
  /** As {@linkcode Sga.free}, and harmless when it was freed already. */
  [Symbol.dispose](): void;
}

/** What a libOS can do. A call that needs what it cannot do throws `ENOTSUP`. */
export interface Capabilities {
  /** Address families of {@linkcode LibOS.socket}. */
  readonly domains: readonly Domain[];
  /** Socket types of {@linkcode LibOS.socket}. */
  readonly types: readonly SocketType[];
  /** Socket options of {@linkcode LibOS.setsockopt}. */
  readonly options: readonly (keyof SocketOptions)[];
  /** `shutdown` closes one direction alone. */
  readonly halfClose: boolean;
  /** `open`, `creat`, `lseek` and `truncate` work. */
  readonly storage: boolean;
  /** `pipe` works. */
  readonly pipes: boolean;
  /** `close` never blocks; else it may until the peer has closed too, as its page in `docs/` says. */
  readonly closesAtOnce: boolean;
  /** An idle libOS can sleep until its device has something to say, and use no CPU. */
  readonly parks: boolean;
  /**
   * `wait` and its family block the thread until an operation is over. Else the device works only while the thread is
   * Deno's: they give what is over already, and throw `ENOTSUP` where they would have to wait. `await`
   * {@linkcode LibOS.operation} instead.
   */
  readonly blocks: boolean;
}

/** What {@linkcode LibOS.wait} gives for an operation that succeeded, by `opcode`, or failed. */
export type Completion =
  | PushCompletion
  | PopCompletion
  | AcceptCompletion
  | ConnectCompletion
  | FailedCompletion;

/** What all completions have. */
export interface CompletionBase {
  /** The queue that the operation was on. */
  readonly qd: QueueDescriptor;
  /** The token that named it, now used up. */
  readonly qt: QToken;
}

/** All bytes of a push were taken; its buffers went back to the heap. */
export interface PushCompletion extends CompletionBase {
  /** Tells the kinds of completion apart. */
  readonly opcode: "push";
}

/** A pop has data. */
export interface PopCompletion extends CompletionBase {
  /** Tells the kinds of completion apart. */
  readonly opcode: "pop";
  /** The data, now the caller's to free; null at the end of the stream. */
  readonly sga: Sga | null;
}

/** A connection was accepted. */
export interface AcceptCompletion extends CompletionBase {
  /** Tells the kinds of completion apart. */
  readonly opcode: "accept";
  /** The queue of the new connection. */
  readonly accepted: QueueDescriptor;
}

/** A connection was made. */
export interface ConnectCompletion extends CompletionBase {
  /** Tells the kinds of completion apart. */
  readonly opcode: "connect";
}

/** The operation failed. */
export interface FailedCompletion extends CompletionBase {
  /** Tells the kinds of completion apart. */
  readonly opcode: "failed";
  /** Why, with the errno and the name of the call. */
  readonly error: DemikernelError;
}

/** What a coroutine yields while it waits; only an {@linkcode Operation} makes one. */
export interface Suspension {
  /** Whether the operation is over. */
  readonly done?: boolean;
}

/** A handler written as a generator: it waits by `yield*` on operations, and nothing else. */
export type Coroutine<T = void> = Generator<Suspension, T, unknown>;

/** Bounds on how long an operation may take. */
export interface OperationOptions {
  /** Milliseconds until it fails with `ETIMEDOUT`; not given means for ever. */
  readonly timeout?: number;
  /** Cancels it; it then fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * One operation under way. It is a promise, for all that is done with promises; and in a coroutine `yield*` waits for
 * it, where that costs nanoseconds and allocates nothing. An operation waited for by `yield*` goes back to a pool:
 * wait so once, and do not keep it.
 *
 * What fails and is waited for by nobody is an unhandled rejection: at once where it was asked for outside of
 * coroutines, as of every promise; else when its queue is closed, since until then a coroutine may wait for it, or, of
 * `sleep` and `join`, in the next turn. What
 * is cancelled, by whomever, is not missed, unless it is a push: the stream would be torn without a word.
 *
 * @example As a promise
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * const pop: Promise<unknown> = libos.operations.pop(libos.queue()).within({ timeout: 1 });
 * assertEquals(await pop.catch((error) => error.code), "ETIMEDOUT");
 * ```
 */
export interface Operation<T> extends Promise<T> {
  /** Waits for the result in a coroutine. */
  [Symbol.iterator](): Iterator<Suspension, T, unknown>;
  /**
   * Completes it with `ECANCELED`, unless it is already over; it is not missed then if nobody waits for it. Once
   * `yield*` has given the result, the object may be another operation, which a late call would cancel: where that
   * can happen, use a signal and {@linkcode Operation.within}, which ends with the operation.
   */
  cancel(): void;
  /** Sets a deadline or a signal on it, and gives it back. */
  within(options: OperationOptions): this;
}

/** What is made of how an operation ended, for whoever waits for it. What is not given leaves it as it is. */
export interface Outcome<T, U = T> {
  /** Changes the result. */
  readonly result?: ((value: T) => U) | undefined;
  /** Throws another error, or gives a result in its place. */
  readonly error?: ((error: unknown) => U) | undefined;
  /**
   * Called when there will be no result for anybody, at once and whether somebody waits or not: it failed, or its
   * coroutine was closed. It lets go of what the result would have owned.
   */
  readonly lost?: (() => void) | undefined;
  /** Told of the error when nobody waited for it, in place of an unhandled rejection. */
  readonly unclaimed?: ((error: unknown) => void) | undefined;
}

/**
 * The data calls of {@linkcode LibOS}, giving operations instead of tokens. An {@linkcode Outcome} says what is made of
 * the result before whoever waits gets it.
 */
export interface Operations {
  /** As {@linkcode LibOS.accept}. */
  accept<U = QueueDescriptor>(
    qd: QueueDescriptor,
    outcome?: Outcome<QueueDescriptor, U>,
  ): Operation<U>;
  /** As {@linkcode LibOS.connect}. */
  connect<U = void>(
    qd: QueueDescriptor,
    address: SocketAddress,
    outcome?: Outcome<void, U>,
  ): Operation<U>;
  /** As {@linkcode LibOS.push}. One that is over at once and went well has no use for an outcome's `result`. */
  push(qd: QueueDescriptor, sga: Sga, outcome?: Outcome<void>): Operation<void>;
  /** As {@linkcode LibOS.pushTo}, and as {@linkcode Operations.push}. */
  pushTo(
    qd: QueueDescriptor,
    sga: Sga,
    address: SocketAddress,
    outcome?: Outcome<void>,
  ): Operation<void>;
  /** As {@linkcode LibOS.pop}. */
  pop<U = Sga | null>(
    qd: QueueDescriptor,
    size?: number,
    outcome?: Outcome<Sga | null, U>,
  ): Operation<U>;
  /** Completes after so many milliseconds on the scheduler's clock. */
  sleep(milliseconds: number): Operation<void>;
  /**
   * Waits for a promise, or for a coroutine that was spawned, in a coroutine. It fails with what the promise was
   * rejected with, or with `EIO` if that is null or undefined. To cancel it ends the waiting, and nothing else.
   *
   * @example A relay in both directions
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { connect, type Connection, type Coroutine, open, serve } from "@demikernel/deno";
   *
   * await using libos = open("catnap");
   * const loopback = { libos, hostname: "127.0.0.1", port: 0 } as const;
   *
   * function* copy(from: Connection, to: Connection): Coroutine {
   *   for (let sga; (sga = yield* from.pop()) !== null;) yield* to.push(sga);
   *   to.closeWrite();
   * }
   *
   * await using behind = serve(loopback, (connection) => copy(connection, connection));
   * await using relay = serve(loopback, function* (connection) {
   *   using target = yield* connect({ libos, port: behind.addr.port });
   *   const both = [copy(connection, target), copy(target, connection)];
   *   yield* libos.operations.join(Promise.all(both.map((one) => libos.spawn(one))));
   * });
   *
   * using client = await connect({ libos, port: relay.addr.port });
   * await client.push(new TextEncoder().encode("ping"));
   * using sga = await client.pop();
   * assertEquals(new TextDecoder().decode(sga?.bytes()), "ping");
   * ```
   */
  join<T, U = T>(promise: PromiseLike<T>, outcome?: Outcome<T, U>): Operation<U>;
}

/** What a libOS counts, since it was opened. */
export interface Statistics {
  /** Queues open now. */
  readonly queues: number;
  /** Operations that are pending now. */
  readonly pending: number;
  /** Tokens given out and not yet waited for. */
  readonly tokens: number;
  /** Buffers held by the application or by operations now. */
  readonly buffers: number;
  /** Bytes in those buffers. */
  readonly bufferBytes: number;
  /** Bytes that the heap holds from the system, free or not. */
  readonly heapBytes: number;
  /** The TCP connections, those too that were closed and are not over, where the stack is the libOS's own. */
  readonly connections?: readonly ConnectionStatistics[];
  /** What its device counted, where the libOS has one to itself. */
  readonly device?: DeviceStatistics;
}

/** What a network device counted since it was opened. */
export interface DeviceStatistics {
  /** Frames that came. */
  readonly received: number;
  /** Bytes in them. */
  readonly receivedBytes: number;
  /** Frames that came and could not be taken: no room, cut short, of a VLAN. */
  readonly receiveDrops: number;
  /** Frames that were to be sent. */
  readonly sent: number;
  /** Bytes in them. */
  readonly sentBytes: number;
  /** Those of them that the device did not take. */
  readonly sendDrops: number;
  /** Of a device whose link comes and goes: `up`, or why not. */
  readonly link?: string;
  /** How often the link came up. */
  readonly links?: number;
  /** How often there was no room for a frame to send. */
  readonly fullRings?: number;
  /** How often a sleep was over. */
  readonly wakeups?: number;
  /** How a device gets its frames, where there are several ways, such as `generic, copied`. */
  readonly mode?: string;
  /** Frames that a device has, where they are its own. */
  readonly frames?: number;
  /** Those of them that are not under way. */
  readonly freeFrames?: number;
}

/** A TCP connection from inside, as `ss -ti` shows those of Linux. Times are in milliseconds, sizes in bytes. */
export interface ConnectionStatistics {
  /** The own end. */
  readonly local: InetAddress;
  /** The other end. */
  readonly remote: InetAddress;
  /** The state, by its name in RFC 9293: `ESTABLISHED`, `TIME-WAIT`, … */
  readonly state: string;
  /** The round-trip time, smoothed; 0 as long as nothing was measured. */
  readonly rtt: number;
  /** How much it varies. */
  readonly rttVariance: number;
  /** The retransmission timeout. */
  readonly rto: number;
  /** The name of the congestion control. */
  readonly congestion: string;
  /** The congestion window. */
  readonly congestionWindow: number;
  /** The slow-start threshold; Infinity as long as nothing was lost. */
  readonly slowStartThreshold: number;
  /** The largest text of a segment that is sent. */
  readonly mss: number;
  /** Sent, and not acknowledged. */
  readonly inFlight: number;
  /** Pushed, and not acknowledged. */
  readonly sendQueue: number;
  /** Received in order, and not popped. */
  readonly receiveQueue: number;
  /** Ranges that came out of order. */
  readonly outOfOrder: number;
  /** The window that the peer offers. */
  readonly sendWindow: number;
  /** The window that is offered to the peer. */
  readonly receiveWindow: number;
  /** Segments sent again. */
  readonly retransmitted: number;
  /** Whether timestamps are in use (RFC 7323). */
  readonly timestamps: boolean;
  /** Whether selective acknowledgments are (RFC 2018). */
  readonly selectiveAcknowledgments: boolean;
}

/** What a libOS counts on one queue. */
export interface QueueStatistics {
  /** Operations that were asked for, modulo 2³⁰: it changes as long as the queue is used. */
  readonly operations: number;
  /** Operations that are pending now. */
  readonly pending: number;
  /** Bytes of pending pushes that the device did not take yet. */
  readonly pushBytes: number;
}

/** What was left behind when a libOS was closed. */
export interface ExitReport {
  /** Buffers that the application never freed. */
  readonly leakedBuffers: number;
  /** Bytes in those buffers. */
  readonly leakedBytes: number;
  /** Where they were allocated, in debug mode. */
  readonly leaks: readonly string[];
  /** Queues that were still open, and were closed. */
  readonly openQueues: number;
  /** Tokens that were never waited for. */
  readonly unusedTokens: number;
}

/** The flags of {@linkcode LibOS.open}. */
export interface StorageOptions {
  /** Make the log if it is not there. */
  readonly create?: boolean;
}

/**
 * A libOS: PDPIX over one datapath. It belongs to the thread that opened it.
 *
 * Errors are {@linkcode DemikernelError}; each call names its own. Every call that takes a `qd` throws
 * `EBADF` for one that is not open.
 */
export interface LibOS extends AsyncDisposable {
  /** Its name: `catnap`, `catmem`, … */
  readonly name: string;
  /** Who implements it: `typescript` or `demikernel`. */
  readonly provider: string;
  /** What it can do. */
  readonly capabilities: Capabilities;
  /** The data calls for coroutines and promises. */
  readonly operations: Operations;

  /** Makes a socket. Throws `ENOTSUP` for a domain or type it has not, `EMFILE` when out of sockets. */
  socket(domain: Domain, type: SocketType): QueueDescriptor;
  /**
   * Gives a socket its address. Throws `EINVAL` if it has one, `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`. The file that
   * a Unix socket makes goes when it is closed.
   */
  bind(qd: QueueDescriptor, address: SocketAddress): void;
  /** Makes a bound socket listen. `backlog` is 1 to 65535. Throws `EDESTADDRREQ` if it is not bound. */
  listen(qd: QueueDescriptor, backlog?: number): void;
  /** Asks for the next connection. Throws `EINVAL` unless the socket listens. */
  accept(qd: QueueDescriptor): QToken;
  /** Asks for a connection. Throws `EISCONN`, `EINPROGRESS`, or `ENOTSUP` if the socket listens. */
  connect(qd: QueueDescriptor, address: SocketAddress): QToken;
  /** Closes a queue at once; what is pending on it fails with `ECANCELED`. */
  close(qd: QueueDescriptor): void;
  /** Closes one direction, or both, of a connection. Throws `ENOTCONN`. */
  shutdown(qd: QueueDescriptor, how: "read" | "write" | "both"): void;
  /** The address the socket is bound to. */
  getsockname(qd: QueueDescriptor): SocketAddress;
  /** The address the socket is connected to, also when the peer is gone. Throws `ENOTCONN` if it never was connected. */
  getpeername(qd: QueueDescriptor): SocketAddress;
  /** Sets a socket option. Throws `ENOPROTOOPT` for one it has not, `EINVAL` for a wrong value. */
  setsockopt<K extends keyof SocketOptions>(
    qd: QueueDescriptor,
    option: K,
    value: SocketOptions[K],
  ): void;
  /** Reads a socket option. Throws `ENOPROTOOPT` for one it has not, or that can only be set. */
  getsockopt<K extends keyof SocketOptions>(qd: QueueDescriptor, option: K): SocketOptions[K];
  /** Keeps the process alive while an operation is pending on the queue; the default. */
  ref(qd: QueueDescriptor): void;
  /** Lets the process end although an operation is pending on the queue. */
  unref(qd: QueueDescriptor): void;

  /** Makes an in-memory queue: what is pushed is popped, in order, without a copy. */
  queue(): QueueDescriptor;
  /**
   * Makes one end of a named queue between processes or threads: the one that pops makes the pipe, and the
   * one that pushes opens it. Throws `ENOTSUP` where there are no pipes, `EEXIST` if one of that name was made
   * already, `ENOENT` if none was, `EINVAL` for what is no name: 1 to 64 letters, digits, and any of `- _ . :`.
   */
  pipe(name: string, end: "pop" | "push"): QueueDescriptor;
  /** Opens a storage log. Throws `ENOTSUP` where there is no storage. */
  open(path: string, options?: StorageOptions): QueueDescriptor;
  /** Makes a storage log, or empties it. Throws `ENOTSUP` where there is no storage. */
  creat(path: string): QueueDescriptor;
  /** Sets the read cursor of a storage log, in bytes. Throws `ENOTSUP` where there is no storage. */
  lseek(qd: QueueDescriptor, offset: number): void;
  /** Drops a storage log before an offset. Throws `ENOTSUP` where there is no storage. */
  truncate(qd: QueueDescriptor, offset: number): void;

  /**
   * Sends an sga; it moves to the libOS, which frees it. Throws `EINVAL` if it is not the caller's, and
   * then stays with the caller; `ENOTCONN`; `EPIPE` after `shutdown("write")`.
   */
  push(qd: QueueDescriptor, sga: Sga): QToken;
  /** Sends an sga as one datagram to an address; else as {@linkcode LibOS.push}. */
  pushTo(qd: QueueDescriptor, sga: Sga, address: SocketAddress): QToken;
  /**
   * As {@linkcode LibOS.push}, unless the sga would have to wait behind others, and all that waits would be more than
   * `limit` bytes: then this gives false, and the sga stays with the caller. Nobody waits for what was taken: when the
   * queue is found broken now, this throws why, and what breaks later is told by the next call.
   */
  tryPush(qd: QueueDescriptor, sga: Sga, limit: number): boolean;
  /** Asks for data, at most `size` bytes if given. Throws `ENOTCONN`. */
  pop(qd: QueueDescriptor, size?: number): QToken;

  /**
   * Polls, blocking the thread, until the operation is over. Throws `ETIMEDOUT`, `EINVAL` for no token, `ENOTSUP` where it
   * would have to wait and the capability `blocks` is not there.
   */
  wait(qt: QToken, timeout?: number): Completion;
  /** As {@linkcode LibOS.wait} for the first of several tokens that is over. */
  waitAny(qts: readonly QToken[], timeout?: number): Completion;
  /** As {@linkcode LibOS.wait} for all of several tokens; on `ETIMEDOUT` none of them is used up. */
  waitAll(qts: readonly QToken[], timeout?: number): Completion[];
  /**
   * Gives what is over of all tokens not waited for elsewhere, in the order in which they ended: at least
   * one, at most `count`. Empty after the timeout.
   */
  waitNextN(count: number, timeout?: number): Completion[];
  /** Does what is ready, without blocking, and says how much that was. */
  poll(): number;
  /** Completes an operation with `ECANCELED`, unless it is already over. Throws `EINVAL` for no token. */
  cancel(qt: QToken): void;
  /** Takes a token over for a coroutine: `wait` and its family know it no more. */
  operation(qt: QToken): Operation<unknown>;

  /** Takes a buffer from the heap, or one segment for each size. Throws `EINVAL`, `ENOMEM`. */
  alloc(size: number | readonly number[]): Sga;
  /** Gives an sga back. Throws `EINVAL` if it is not the caller's. */
  free(sga: Sga): void;

  /** Runs a coroutine under the scheduler. Gives what it returns, or rejects with what it throws. */
  spawn<T>(coroutine: Coroutine<T>): Promise<T>;
  /** What it counts. */
  statistics(): Statistics;
  /** What it counts on a queue. */
  statistics(qd: QueueDescriptor): QueueStatistics;
  /** Closes every queue and lets go of the device. Tells what the application left behind. */
  exit(): Promise<ExitReport>;
}
