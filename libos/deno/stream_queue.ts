/**
 * Stream sockets over Deno's: TCP, and Unix where Deno has it.
 *
 * Deno listens as soon as it binds, and connects from an address of its own choosing; so a socket that is bound is one
 * that will listen. A read of Deno's begins when a pop waits, and cannot be taken back: what it brings when nobody waits
 * any more is kept for the next pop, and nothing is read beyond that.
 *
 * @module
 */

import { DemikernelError, Errno } from "../error.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { Backlog } from "./backlog.ts";
import { bytesOf } from "./bytes.ts";
import { Connector } from "./connector.ts";
import { Call, type DenoContext } from "./device.ts";
import { errnoOf, reasonOf } from "./errors.ts";
import { DenoQueue, fromDeno } from "./socket_queue.ts";
import { Staging } from "./staging.ts";
import type { Domain, Sga, SocketAddress } from "../pdpix.ts";

const FRESH = 0;
const BOUND = 1;
const LISTENING = 2;
const CONNECTING = 3;
const CONNECTED = 4;

/** How much is read at a time: the least, for connections of which little comes, and the most. */
const SMALLEST_READ = 4096;
const LARGEST_READ = 65536;
/** Segments are sent together, so many bytes at a time. */
const PIECE = 65536;

/** See the module's description. */
export class StreamQueue extends DenoQueue {
  protected override readonly kind = "stream socket";
  protected override readonly options;
  #state = FRESH;
  #backlog: Backlog | null = null;
  /** The connect that is under way. */
  #connector: Connector | null = null;
  #conn: Deno.Conn | null = null;
  #local: SocketAddress;
  #peer: SocketAddress | null = null;
  readonly #staging: Staging;
  readonly #read: Call<number | null>;
  readonly #write: Call<number>;
  #readSize = SMALLEST_READ;
  /** Whether a read of Deno's keeps the process alive. */
  #isHeld = true;
  /** The peer sent its last byte, and it was popped; or nobody wants more. */
  #ended = false;
  /** The errno that broke the connection; 0 while it is whole. */
  #broken = 0;
  /** The errno that a push failed with, after which none can be sent; what came before may still be popped. */
  #lost = 0;
  /** The peer had not sent its end when a push failed: where the kernel tells of one, it is none. */
  #torn = false;
  /** The write side was closed, or will be when what is being pushed is gone. */
  #closing = false;

  /** Makes a queue; one that was accepted has a connection. */
  constructor(context: DenoContext, domain: Domain, conn: Deno.Conn | null = null) {
    super(context, domain);
    const { device } = context;
    this.options = domain === "unix"
      ? []
      : ["nodelay", "keepalive", "reuseAddress", "reusePort"] as const;
    this.#staging = new Staging(context.heap);
    this.#read = new Call(
      device,
      (length) => this.#came(length),
      (error) => this.#readFailed(error),
    );
    this.#write = new Call(device, (sent) => this.#sent(sent), (error) => this.#writeFailed(error));
    this.#local = this.unboundName;
    if (conn !== null) this.#connected(conn);
  }

  /** See {@linkcode DenoQueue.isSending}. */
  protected override get isSending(): boolean {
    return this.#write.isUnderWay;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#state !== FRESH) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    const own = this.readOwn(address);
    try {
      const listener = Deno.listen(this.#listenOptions(own) as Deno.TcpListenOptions);
      const adopt = (conn: Deno.Conn) => this.#adopt(conn);
      this.#backlog = new Backlog(listener, this.context.device, this.referenced, adopt);
    } catch (error) {
      throw this.asError(error, "bind");
    }
    this.#local = fromDeno(this.#backlog.addr);
    this.#state = BOUND;
  }

  /** See {@linkcode Queue.listen}. Deno has chosen its backlog by now. */
  override listen(_backlog: number): void {
    if (this.#state === CONNECTED) throw this.error("EISCONN", "listen");
    if (this.#state === FRESH) {
      throw this.error("EDESTADDRREQ", "listen", "the socket has no address; bind it first");
    }
    if (this.#state !== BOUND) throw this.error("EADDRINUSE", "listen", "it listens or connects");
    this.#state = LISTENING;
  }

  /** See {@linkcode Queue.accept}. */
  override accept(): PooledOperation<number> {
    if (this.#state !== LISTENING) {
      throw this.error("EINVAL", "accept", "the socket does not listen");
    }
    const operation = this.start(Opcode.ACCEPT);
    this.#backlog!.accept(operation);
    return operation;
  }

  /** See {@linkcode Queue.connect}. */
  override connect(address: SocketAddress): PooledOperation<void> {
    if (this.#state === LISTENING) throw this.error("ENOTSUP", "connect", "the socket listens");
    if (this.#state === CONNECTED) throw this.error("EISCONN", "connect");
    if (this.#state === CONNECTING) throw this.error("EINPROGRESS", "connect");
    const target = this.readTarget(address, "connect");
    if (this.#state === BOUND) {
      const detail = "Deno connects from an address of its own choosing; do not bind the socket";
      throw this.error("ENOTSUP", "connect", detail);
    }
    const operation = this.start(Opcode.CONNECT);
    this.#state = CONNECTING;
    this.#connector = new Connector(
      operation,
      this.context.device,
      target,
      (operation, conn) => this.#arrived(operation, conn, target),
      (operation, error) => {
        this.#connector = null;
        this.#state = FRESH;
        this.failWith(operation, error);
      },
    );
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "push");
    if (this.#closing) throw this.error("EPIPE", "push");
    sga.checkOwned(this.context.heap, "push", this.qd);
    sga.move();
    if (this.#lost === 0 && this.pushes.head === null && sga.totalLength === 0) {
      sga.finish();
      return this.context.operations.completed(this);
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    if (this.#lost !== 0) {
      operation.fail(this.#lost);
    } else {
      this.pushes.push(operation);
      operation.suspend();
      if (!this.#write.isUnderWay) this.#send();
    }
    return operation;
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "pop");
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.pops.head === null) {
      if (this.#staging.length > 0 && !this.#read.isUnderWay) this.#give(operation);
      else if (this.#ended) operation.complete(null);
      else if (this.#broken !== 0) operation.fail(this.#broken);
      if (operation.over) return operation;
    }
    this.pops.push(operation);
    operation.suspend();
    this.#ask();
    return operation;
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    return this.#local;
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#peer === null) throw this.error("ENOTCONN", "getpeername");
    return this.#peer;
  }

  /** See {@linkcode Queue.shutdown}. */
  override shutdown(how: "read" | "write" | "both"): void {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "shutdown");
    if (how !== "write") {
      this.#ended = true;
      if (!this.#read.isUnderWay) this.#staging.drop();
      while (this.pops.head !== null) this.pops.shift().complete(null);
      this.#hold();
    }
    if (how !== "read" && !this.#closing) {
      this.#closing = true;
      this.#finishShutdown();
    }
  }

  /** See {@linkcode Queue.reference}. */
  override reference(referenced: boolean): void {
    super.reference(referenced);
    this.#backlog?.reference(referenced);
    this.#hold();
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (operation === this.#connector?.operation) {
      this.#connector.disconnect();
      this.#connector = null;
      this.#state = FRESH;
      return;
    }
    if (this.goesOnUnseen(operation)) return;
    if (this.pushes.replace(operation, null)) {
      this.#finishShutdown();
    } else if (this.pops.replace(operation, null)) {
      this.#hold();
    } else {
      this.#backlog?.cancel(operation);
    }
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.#connector?.close();
    this.#backlog?.close();
    super.close();
    if (!this.#read.isUnderWay) this.#staging.drop();
    if (this.#conn === null) return;
    // What is under way ends by this, which Deno has to live to see.
    if (!this.#isHeld) (this.#conn as Deno.TcpConn).ref();
    this.#conn.close();
  }

  protected override apply(
    option: "nodelay" | "keepalive" | "reuseAddress" | "reusePort",
    value: boolean,
  ): void {
    if (this.#conn === null) return;
    const conn = this.#conn as Deno.TcpConn;
    try {
      if (option === "nodelay") conn.setNoDelay(value);
      if (option === "keepalive") conn.setKeepAlive(value);
    } catch (error) {
      throw this.asError(error, "setsockopt");
    }
  }

  #listenOptions(own: SocketAddress): object {
    if ("path" in own) return { transport: "unix", path: own.path };
    return { transport: "tcp", ...own, ...(this.flags.reusePort ? { reusePort: true } : {}) };
  }

  /** Makes a queue of a connection that was accepted. */
  #adopt(conn: Deno.Conn): number {
    return this.context.register(new StreamQueue(this.context, this.domain, conn));
  }

  #arrived(operation: PooledOperation<void>, conn: Deno.Conn, target: SocketAddress): void {
    this.#connector = null;
    this.#connected(conn);
    // Of a Unix socket Deno tells no more than what it was asked for.
    if (this.domain === "unix") this.#peer = target;
    operation.complete(undefined);
  }

  #connected(conn: Deno.Conn): void {
    this.#conn = conn;
    this.#state = CONNECTED;
    this.#local = fromDeno(conn.localAddr);
    this.#peer = fromDeno(conn.remoteAddr);
    if (this.domain === "unix") return;
    try {
      (conn as Deno.TcpConn).setNoDelay(this.flags.nodelay ?? true);
      if (this.flags.keepalive) (conn as Deno.TcpConn).setKeepAlive(true);
    } catch {
      // The peer has reset it by now, which the first operation on it will tell.
    }
  }

  /** Reads, if somebody waits and nothing is read now. */
  #ask(): void {
    this.#hold();
    const operation = this.pops.head;
    if (operation === null || this.#read.isUnderWay || this.#ended || this.#broken !== 0) return;
    const { size } = operation;
    try {
      const most = size === 0 || size > this.#readSize ? this.#readSize : size;
      const memory = this.#staging.lend(most);
      this.#read.begin(this.#conn!.read(memory));
    } catch (error) {
      const { errno } = error as DemikernelError;
      this.pops.shift().fail(errno, error);
      this.#ask();
    }
  }

  #came(length: number | null): void {
    if (length === null || this.closed || this.#ended) {
      this.#staging.drop();
      if (!this.closed && length === null) this.#end();
      return;
    }
    this.#staging.fill(length);
    this.#adapt(length);
    while (this.pops.head !== null && this.#staging.length > 0) this.#give(this.pops.shift());
    this.#ask();
  }

  /** Reads more at a time where more comes. */
  #adapt(length: number): void {
    if (length === this.#readSize) this.#readSize = Math.min(2 * length, LARGEST_READ);
    else if (length * 4 < this.#readSize) {
      this.#readSize = Math.max(this.#readSize / 2, SMALLEST_READ);
    }
  }

  /** Completes a pop with what came. */
  #give(operation: PooledOperation): void {
    try {
      operation.complete(this.#staging.take(operation.size === 0 ? Infinity : operation.size));
    } catch (error) {
      if (!(error instanceof DemikernelError)) throw error;
      operation.fail(error.errno, error);
    }
  }

  /** The peer will send nothing more. A reset that a push was told of is told once; here it looks like the end. */
  #end(): void {
    if (this.#torn) return this.#break(this.#lost);
    this.#ended = true;
    while (this.pops.head !== null) this.pops.shift().complete(null);
  }

  #readFailed(error: unknown): void {
    this.#staging.drop();
    if (this.closed || this.#ended) return;
    this.#break(errnoOf(error), reasonOf(error));
  }

  /** The connection is gone: so is everything that waits for it. */
  #break(errno: number, reason?: unknown): void {
    this.#broken = this.#lost = errno;
    if (this.pops.head !== null) this.pops.shift().fail(errno, reason);
    this.failAll(this.pops, errno);
    this.failPushes(errno);
  }

  /** Writes of the oldest push what is left, as much as Deno takes at once. */
  #send(): void {
    const operation = this.pushes.head!;
    this.#write.begin(this.#conn!.write(bytesOf(operation.sga!, operation.size, PIECE)));
  }

  #sent(count: number): void {
    // It was closed, or broke, meanwhile.
    if (this.wasOrphan()) return;
    const operation = this.pushes.head!;
    operation.size += count;
    if (operation.size >= operation.sga!.totalLength) {
      this.pushes.shift().complete(undefined);
      this.#next();
    } else {
      this.#send();
    }
  }

  #writeFailed(error: unknown): void {
    if (this.wasOrphan()) return;
    // Nothing is sent here after our own shutdown: EPIPE means that the peer, which has sent its end, takes nothing more.
    const errno = errnoOf(error);
    this.#torn ||= errno !== Errno.EPIPE;
    this.#lost = errno === Errno.EPIPE ? Errno.ECONNRESET : errno;
    this.pushes.shift().fail(this.#lost, reasonOf(error));
    this.failAll(this.pushes, this.#lost);
    this.#finishShutdown();
  }

  /** Goes on with the next push that has something to send. */
  #next(): void {
    while (this.pushes.head?.sga?.totalLength === 0) {
      this.pushes.shift().complete(undefined);
    }
    if (this.pushes.head !== null) this.#send();
    else this.#finishShutdown();
  }

  /** Closes the write side if that was asked for, and nothing waits to be sent before. */
  #finishShutdown(): void {
    if (!this.#closing || this.pushes.head !== null) return;
    const { device } = this.context;
    device.begin();
    // A direction that the peer's reset closed already is closed well enough.
    this.#conn!.closeWrite().catch(() => {}).finally(() => device.end());
  }

  /** A read of Deno's goes on when nobody waits for it any more, and must not keep the process alive then. */
  #hold(): void {
    if (this.#conn === null) return;
    const isHeld = this.referenced && this.pops.head !== null;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    const conn = this.#conn as Deno.TcpConn;
    if (isHeld) conn.ref();
    else conn.unref();
  }
}
