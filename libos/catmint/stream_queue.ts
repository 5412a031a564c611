/**
 * Stream sockets over UCX.
 *
 * @module
 */

import { type DemikernelError, Errno, type ErrnoName } from "../error.ts";
import { readFlag, readInteger } from "../inetstack/queues/options.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import { Queue } from "../runtime/queue/queue.ts";
import { Credit, type Served } from "../runtime/queue/served.ts";
import { Accepting } from "./accepting.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import type { CatmintContext } from "./context.ts";
import { dial } from "./handshake.ts";
import { costOf, fitting, LARGEST } from "./protocol.ts";
import type { Coroutine, Domain, Sga, SocketAddress, SocketOptions } from "../pdpix.ts";

const FRESH = 0;
const CONNECTING = 1;
const CONNECTED = 2;
const LISTENING = 3;

/** A socket of TCP that there is none of. */
const NONE = -1;

/** The options that there are. Those of the kernel are of the socket that listens, or connects. */
export const OPTIONS = ["linger", "reuseAddress", "reusePort"] as const;

/** See the module's description. */
export class StreamQueue extends Queue implements ConnectionUser, Served {
  declare protected readonly context: CatmintContext;
  protected override readonly kind = "stream socket";
  active = false;
  readonly #domain: Domain;
  readonly #credit: Credit;
  #state = FRESH;
  /** The socket of TCP that it is until it is connected. */
  #control = NONE;
  /** Where it was bound; what it is bound to again when a connection could not be made. */
  #bound: SocketAddress | null = null;
  #connection: Connection | null = null;
  #connecting: PooledOperation<void> | null = null;
  /** Which attempt to connect that is. */
  #attempt = 0;
  #accepting: Accepting | null = null;
  readonly #pops = new OperationList();
  #linger: number | null = null;
  /** The write side was closed, or will be when what is being pushed is gone. */
  #isClosing = false;
  /** Nobody wants to know what comes any more. */
  #isDeaf = false;
  /** Where the next part of a push is. */
  #chunk: Chunk | null = null;
  #offset = 0;

  /** Makes a socket; one that was accepted has a connection. Throws {@linkcode DemikernelError} `EMFILE`. */
  constructor(context: CatmintContext, domain: Domain, connection: Connection | null = null) {
    super(context);
    this.#domain = domain;
    this.#credit = new Credit(context);
    if (connection === null) this.#openControl();
    else this.#adopt(connection);
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#state !== FRESH || this.#bound !== null) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    this.#ask("bind", () => this.context.control.bind(this.#control, address));
    this.#bound = this.context.control.getsockname(this.#control);
  }

  /** See {@linkcode Queue.listen}. */
  override listen(backlog: number): void {
    if (this.#state === CONNECTED) throw this.error("EISCONN", "listen");
    if (this.#state !== FRESH) throw this.error("EADDRINUSE", "listen", "it listens or connects");
    if (this.#bound === null) {
      throw this.error("EDESTADDRREQ", "listen", "the socket has no address; bind it first");
    }
    this.#ask("listen", () => this.context.control.listen(this.#control, backlog));
    this.#state = LISTENING;
    const adopt = (connection: Connection) =>
      this.context.register(new StreamQueue(this.context, this.#domain, connection));
    this.#accepting = new Accepting(this.context, this.#control, backlog, adopt);
    this.#control = NONE;
  }

  /** See {@linkcode Queue.accept}. */
  override accept(): PooledOperation<number> {
    if (this.#accepting === null) {
      throw this.error("EINVAL", "accept", "the socket does not listen");
    }
    const operation = this.start(Opcode.ACCEPT);
    this.#accepting.accept(operation);
    return operation;
  }

  /** See {@linkcode Queue.connect}. */
  override connect(address: SocketAddress): PooledOperation<void> {
    if (this.#state === LISTENING) throw this.error("ENOTSUP", "connect", "the socket listens");
    if (this.#state === CONNECTED) throw this.error("EISCONN", "connect");
    if (this.#state === CONNECTING) throw this.error("EINPROGRESS", "connect");
    const { control, scheduler } = this.context;
    // The coroutine would begin in the next turn, and what is no address is told at once.
    const token = this.#ask("connect", () => control.connect(this.#control, address));
    const operation = this.start(Opcode.CONNECT);
    this.#state = CONNECTING;
    this.#connecting = operation;
    operation.suspend();
    this.context.expect();
    void scheduler.spawn(this.#connect(this.#control, token, this.#attempt));
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "push");
    if (this.#isClosing) throw this.error("EPIPE", "push");
    sga.checkOwned(this.context.heap, "push", this.qd);
    sga.move();
    const connection = this.#connection!;
    if (this.pushes.head === null && sga.more === null && !connection.isDead) {
      const length = sga.firstLength;
      if (length > 0 && length <= LARGEST && costOf(length) <= connection.credit) {
        connection.send(sga.firstChunk, sga.firstOffset, length);
        sga.finish();
        return this.context.operations.completed(this);
      }
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    if (connection.isDead) {
      operation.fail(Errno.ECONNRESET);
      return operation;
    }
    this.pushes.push(operation);
    operation.suspend();
    this.#send();
    return operation;
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "pop");
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.#pops.head === null && this.#hasNews && this.#credit.spend()) {
      this.#complete(operation);
      return operation;
    }
    this.#pops.push(operation);
    operation.suspend();
    if (this.#hasNews) this.context.activate(this);
    return operation;
  }

  /** See {@linkcode Queue.shutdown}. */
  override shutdown(how: "read" | "write" | "both"): void {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "shutdown");
    if (how !== "write" && !this.#isDeaf) {
      this.#isDeaf = true;
      this.#connection!.deafen();
      while (this.#pops.head !== null) this.#pops.shift().complete(null);
    }
    if (how !== "read" && !this.#isClosing) {
      this.#isClosing = true;
      this.#finishShutdown();
    }
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (operation === this.#connecting) {
      this.#endConnect();
      this.#disconnect();
    } else if (operation.opcode === Opcode.PUSH) {
      if (operation.size > 0) return this.#goOnUnseen(operation);
      this.pushes.replace(operation, null);
      this.#finishShutdown();
    } else {
      this.#pops.replace(operation, null) || this.#accepting?.cancel(operation);
    }
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    if (this.#connection !== null) return this.#connection.local;
    if (this.#bound !== null) return this.#bound;
    return this.#ask("getsockname", () => this.context.control.getsockname(this.#control));
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#connection === null) throw this.error("ENOTCONN", "getpeername");
    return this.#connection.remote;
  }

  /** See {@linkcode Queue.setsockopt}. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    if (option === "linger") {
      this.#linger = value === null ? null : readInteger(this.qd, option, value, 0, 0x7fffffff);
      return;
    }
    const flag = readFlag(this.qd, option, value);
    const { control } = this.context;
    if (this.#control === NONE) return;
    this.#ask("setsockopt", () => control.setsockopt(this.#control, option as "reusePort", flag));
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(option: K): SocketOptions[K] {
    if (option === "linger") return this.#linger as SocketOptions[K];
    if (this.#control === NONE) return false as SocketOptions[K];
    return this.#ask("getsockopt", () => this.context.control.getsockopt(this.#control, option));
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    const connecting = this.#endConnect();
    this.#accepting?.close();
    if (this.#control !== NONE) this.context.control.close(this.#control);
    this.#control = NONE;
    while (this.#pops.head !== null) this.#pops.shift().fail(Errno.ECANCELED);
    this.#failPushes(Errno.ECANCELED);
    this.#connection?.close(this.#linger === 0);
    connecting?.fail(Errno.ECANCELED);
  }

  /** See {@linkcode ConnectionUser.take}. */
  take(sga: HeapSga): boolean {
    const operation = this.#pops.head;
    if (operation === null) return false;
    if (operation.size !== 0 && operation.size < sga.totalLength) return false;
    if (!this.#credit.spend()) return false;
    this.#pops.shift();
    operation.complete(sga);
    return true;
  }

  /** See {@linkcode ConnectionUser.readable}. */
  readable(): void {
    while (this.#pops.head !== null && this.#hasNews) {
      if (!this.#credit.spend()) return this.context.activate(this);
      this.#complete(this.#pops.shift());
    }
  }

  /** See {@linkcode ConnectionUser.writable}. */
  writable(): void {
    this.#send();
  }

  /** See {@linkcode Served.serve}. */
  serve(): number {
    const before = this.pending;
    if (this.#connection !== null) this.readable();
    return before - this.pending;
  }

  /** Whether a pop would be over at once. */
  get #hasNews(): boolean {
    const { arrivals, isFinished, broken } = this.#connection!;
    return arrivals.isReady || this.#isDeaf ||
      (arrivals.length === 0 && (isFinished || broken !== 0));
  }

  #complete(operation: PooledOperation): void {
    const connection = this.#connection!;
    if (this.#isDeaf) operation.complete(null);
    else if (connection.arrivals.isReady) operation.complete(this.#takeArrival(operation.size));
    else if (connection.broken !== 0) operation.fail(connection.broken);
    else operation.complete(null);
  }

  /** What came first, or as much of it as is wanted. */
  #takeArrival(size: number): HeapSga {
    const connection = this.#connection!;
    const { first, cost } = connection.arrivals;
    const rest = first.totalLength - size;
    if (size === 0 || rest <= 0) {
      connection.arrivals.shift();
      connection.consumed(cost);
      return first;
    }
    const wanted = first.clone();
    wanted.trim(0, size);
    first.trim(size, rest);
    return wanted;
  }

  /** Sends what there is credit for, and ends the pushes that are gone. */
  #send(): void {
    const connection = this.#connection!;
    for (let head = this.pushes.head; head !== null; head = this.pushes.head) {
      if (connection.isDead) return this.#failPushes(Errno.ECONNRESET);
      const sga = head.sga!;
      const left = this.#find(sga, head.size);
      if (left === 0) {
        this.pushes.shift().complete(undefined);
        continue;
      }
      const length = fitting(left, connection.credit);
      if (length === 0) return;
      connection.send(this.#chunk!, this.#offset, length);
      head.size += length;
    }
    this.#finishShutdown();
  }

  /** Finds byte `at` of an sga; gives how many follow it in its segment, 0 if it is at the end. */
  #find(sga: HeapSga, at: number): number {
    this.#chunk = sga.firstChunk;
    this.#offset = sga.firstOffset + at;
    let left = sga.firstLength - at;
    const { more } = sga;
    for (let i = 0; left <= 0 && more !== null && i < more.length; i++) {
      const { chunk, offset, length } = more[i]!;
      this.#chunk = chunk;
      this.#offset = offset - left;
      left += length;
    }
    return left;
  }

  /** A part of it is on its way: the rest has to follow, or the stream would be torn. */
  #goOnUnseen(operation: PooledOperation): void {
    const rest = this.start(Opcode.PUSH);
    rest.sga = operation.sga;
    rest.size = operation.size;
    rest.ignored = true;
    operation.sga = null;
    this.pushes.replace(operation, rest);
    rest.suspend();
  }

  #failPushes(errno: number): void {
    while (this.pushes.head !== null) this.pushes.shift().fail(errno);
  }

  /** Closes the write side if that was asked for, and nothing waits to be sent before. */
  #finishShutdown(): void {
    if (!this.#isClosing || this.pushes.head !== null || this.#connection!.isDead) return;
    this.#connection!.finish();
  }

  *#connect(qd: number, token: number, attempt: number): Coroutine {
    let reason: DemikernelError;
    let wasMade = false;
    try {
      yield* this.context.control.operation(token);
      wasMade = true;
      const connection = yield* dial(this.context, qd);
      // It may have been cancelled, in the turn in which it was made.
      if (this.#attempt !== attempt) return connection.close(true);
      this.#control = NONE;
      this.#adopt(connection);
      this.#endConnect()!.complete(undefined);
      return;
    } catch (error) {
      reason = this.#translate(error, "connect");
    }
    if (this.#attempt !== attempt) return;
    if (wasMade) this.#disconnect();
    else this.#state = FRESH;
    this.#endConnect()!.fail(reason.errno, reason);
  }

  /** The attempt is over; gives the operation that waits for it. */
  #endConnect(): PooledOperation<void> | null {
    const operation = this.#connecting;
    this.#connecting = null;
    this.#attempt++;
    return operation;
  }

  /** Takes another socket of TCP, which can connect. */
  #disconnect(): void {
    this.context.control.close(this.#control);
    this.#state = FRESH;
    this.#openControl();
    if (this.#bound === null) return;
    try {
      this.context.control.bind(this.#control, this.#bound);
    } catch {
      // Somebody was quicker to have its address.
      this.#bound = null;
    }
  }

  #openControl(): void {
    const { control } = this.context;
    this.#control = this.#ask("socket", () => control.socket(this.#domain, "stream"));
    control.unref(this.#control);
  }

  #adopt(connection: Connection): void {
    this.#state = CONNECTED;
    this.#connection = connection;
    connection.user = this;
  }

  /** Asks the kernel, whose errors become this queue's. */
  #ask<T>(operation: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#translate(error, operation);
    }
  }

  /** The error of one of the kernel's sockets, or of a handshake on it, as this queue's. */
  #translate(error: unknown, operation: string): DemikernelError {
    const { code, message } = error as DemikernelError;
    const detail = /: (.*) \(/.exec(message)?.[1];
    return this.error(code as ErrnoName, operation, detail);
  }
}
