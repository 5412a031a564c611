/**
 * Connections over the stack, and sockets on the way there: TCP.
 *
 * @module
 */

import { Accepting } from "./accepting.ts";
import type { Connection, ConnectionUser } from "../tcp/connection.ts";
import { Credit, type Served } from "../../runtime/queue/served.ts";
import type { InetContext } from "./context.ts";
import { ahead } from "../tcp/sequence.ts";
import { Errno } from "../../error.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import { IpAddress } from "../ip_address.ts";
import { Opcode } from "../../runtime/operation/owner.ts";
import type { PooledOperation } from "../../runtime/operation/operation.ts";
import type { PushOperation } from "../../runtime/operation/pool.ts";
import { OperationList } from "../../runtime/operation/list.ts";
import { Queue } from "../../runtime/queue/queue.ts";
import { readEndpoint, readTarget, versionOf, writeEndpoint } from "./endpoint.ts";
import {
  applyOptions,
  DEFAULTS,
  getOption,
  setOption,
  type StreamOptions,
} from "./stream_options.ts";
import { STATE, STATE_NAMES } from "../tcp/state.ts";
import { WaitingPushes } from "./waiting_pushes.ts";
import type { Domain, Sga, SocketAddress, SocketOptions } from "../../pdpix.ts";

const FRESH = 0;
const CONNECTING = 1;
const CONNECTED = 2;
const LISTENING = 3;

/** See the module's description. */
export class StreamQueue extends Queue implements ConnectionUser, Served {
  declare protected readonly context: InetContext;
  protected override readonly kind = "stream socket";
  active = false;
  readonly #domain: Domain;
  readonly #credit: Credit;
  readonly #options: StreamOptions;
  #state = FRESH;
  /** The address and the port that it was given; the port is 0 if none was. */
  #address: IpAddress;
  #port = 0;
  #connection: Connection | null = null;
  #accepting: Accepting | null = null;
  #connecting: PooledOperation<void> | null = null;
  readonly #pops = new OperationList();
  readonly #waiting = new WaitingPushes(this.pushes);
  /** The peer sent its last byte, or nobody wants to know. */
  #ended = false;
  /** The write side was closed. */
  #closing = false;
  /** The errno that broke the connection; 0 while it is whole. */
  #broken = 0;

  /** Makes a socket, which is connected already if accepted. */
  constructor(
    context: InetContext,
    domain: Domain,
    options: StreamOptions = DEFAULTS,
    connection: Connection | null = null,
  ) {
    super(context);
    this.#domain = domain;
    this.#address = IpAddress.any(versionOf(domain));
    this.#options = { ...options };
    this.#credit = new Credit(context);
    if (connection === null) return;
    this.#adopt(connection);
    this.#broken = connection.error;
  }

  /** See {@linkcode Queue.opened}. */
  override opened(): void {
    this.context.opened(this);
  }

  /** What it is, where, and what waits on it. */
  describe(): string {
    const connection = this.#connection;
    const where = connection === null
      ? `${this.#address}:${this.#port}`
      : `${connection.local}:${connection.localPort} to ${connection.remote}:${connection.remotePort}`;
    const state = this.#state === LISTENING
      ? "LISTEN"
      : STATE_NAMES[connection?.state ?? STATE.CLOSED];
    const details = connection === null
      ? ""
      : `, ${ahead(connection.sendBuffer.end, connection.sndUna)} bytes not acknowledged, ` +
        `window ${connection.sndWnd}`;
    const waiting = count(this.#pops.head, "pop") + count(this.pushes.head, "push") +
      (this.#connecting === null ? "" : ", a connect waits") +
      count(this.#accepting?.waiting ?? null, "accept");
    return `qd ${this.qd}: TCP ${where}, ${state}${details}${waiting}`;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    const endpoint = readEndpoint(address, this.#domain, "bind", this.qd);
    if (this.#port !== 0 || this.#state !== FRESH) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    const { addressing, tcp } = this.context.stack;
    const { address: own, port } = endpoint;
    if (!own.isUnspecified && !addressing.isOwn(own)) throw this.error("EADDRNOTAVAIL", "bind");
    this.#port = tcp.bind(own, port, this.#options.reuseAddress);
    if (this.#port === 0) throw this.error("EADDRINUSE", "bind");
    this.#address = own;
  }

  /** See {@linkcode Queue.listen}. */
  override listen(backlog: number): void {
    if (this.#state === CONNECTED) throw this.error("EISCONN", "listen");
    if (this.#state !== FRESH) throw this.error("EADDRINUSE", "listen", "it listens or connects");
    if (this.#port === 0) {
      throw this.error("EDESTADDRREQ", "listen", "the socket has no address; bind it first");
    }
    this.#state = LISTENING;
    this.#accepting = new Accepting(
      this.context,
      this,
      this.#domain,
      this.#address,
      this.#port,
      backlog,
      this.#options,
    );
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
    if (this.#state === LISTENING) {
      throw this.error("ENOTSUP", "connect", "the socket listens");
    }
    if (this.#state === CONNECTED) throw this.error("EISCONN", "connect");
    if (this.#state === CONNECTING) throw this.error("EINPROGRESS", "connect");
    const endpoint = readTarget(address, this.#domain, this.#address, "connect", this.qd);
    const { stack } = this.context;
    // What stands for all of a host's addresses is this host, here as on Linux.
    const remote = endpoint.address.isUnspecified
      ? IpAddress.parse(endpoint.address.version === 4 ? "127.0.0.1" : "::1")!
      : endpoint.address;
    const operation = this.start(Opcode.CONNECT);
    this.context.enter();
    const made = endpoint.port === 0
      ? Errno.ECONNREFUSED
      : stack.tcp.connect(this.#address, this.#port, remote, endpoint.port, this, this.#options);
    this.context.leave();
    if (typeof made === "number") {
      operation.fail(made);
      return operation;
    }
    this.#state = CONNECTING;
    this.#connection = made;
    this.#connecting = operation;
    operation.suspend();
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "push");
    if (this.#closing) throw this.error("EPIPE", "push");
    sga.checkOwned(this.context.heap, "push", this.qd);
    sga.move();
    if (this.#broken !== 0) return this.#refuse(sga);
    const connection = this.#connection!;
    const { tcp } = this.context.stack;
    if (sga.totalLength === 0) {
      sga.finish();
      return this.context.operations.completed(this);
    }
    const begin = connection.sendBuffer.end;
    const end = (begin + sga.totalLength) | 0;
    const fits = this.pushes.head === null && ahead(tcp.pushLimit(connection), end) >= 0;
    this.context.enter();
    tcp.push(connection, sga);
    this.context.leave();
    if (fits) return this.context.operations.completed(this);
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    this.#waiting.add(operation, begin);
    operation.suspend();
    this.writable();
    return operation;
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "pop");
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.#pops.head === null && this.#credit.spend()) this.#receive(operation);
    if (operation.over) return operation;
    this.#pops.push(operation);
    operation.suspend();
    if (this.#hasNews) this.context.activate(this);
    return operation;
  }

  /** See {@linkcode Queue.shutdown}. */
  override shutdown(how: "read" | "write" | "both"): void {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "shutdown");
    const connection = this.#connection!;
    if (how !== "write") {
      this.#ended = true;
      connection.deaf = true;
      connection.receiveBuffer.clear();
      while (this.#pops.head !== null) this.#pops.shift().complete(null);
    }
    if (how !== "read" && !this.#closing) {
      this.#closing = true;
      this.context.enter();
      this.context.stack.tcp.shutdown(connection);
      this.context.leave();
    }
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (operation === this.#connecting) {
      this.#connecting = null;
      this.#disconnect();
    } else if (operation.opcode === Opcode.PUSH) {
      const connection = this.#connection!;
      const limit = this.context.stack.tcp.pushLimit(connection);
      this.#waiting.cancel(operation, connection.sendBuffer, limit);
    } else {
      this.#pops.replace(operation, null) || this.#accepting?.cancel(operation);
    }
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    const connection = this.#connection;
    return connection === null
      ? writeEndpoint(this.#address, this.#port)
      : writeEndpoint(connection.local, connection.localPort);
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "getpeername");
    const { remote, remotePort } = this.#connection!;
    return writeEndpoint(remote, remotePort);
  }

  /** See {@linkcode Queue.setsockopt}. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    setOption(this.#options, this.qd, option, value);
    if (this.#connection !== null) this.#applyOptions(this.#connection);
    if (this.#accepting !== null) this.#accepting.setLimits(this.#options);
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(option: K): SocketOptions[K] {
    return getOption(this.#options, this.#connection, this.qd, option);
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.context.closed(this);
    const connection = this.#connection;
    const { tcp } = this.context.stack;
    this.context.enter();
    while (this.#pops.head !== null) this.#pops.shift().fail(Errno.ECANCELED);
    if (connection !== null) {
      this.#waiting.cancelAll(connection.sendBuffer, tcp.pushLimit(connection));
    }
    const connecting = this.#connecting;
    this.#connecting = null;
    this.#accepting?.close();
    if (connection !== null) {
      if (this.#options.linger === 0) tcp.abort(connection);
      else tcp.close(connection);
    }
    connecting?.fail(Errno.ECANCELED);
    if (this.#port !== 0) tcp.unbind(this.#address, this.#port);
    this.context.leave();
  }

  /** See {@linkcode ConnectionUser.connected}. */
  connected(): void {
    const operation = this.#connecting!;
    this.#connecting = null;
    this.#adopt(this.#connection!);
    operation.complete(undefined);
  }

  /** See {@linkcode ConnectionUser.readable}. */
  readable(): void {
    if (this.#pops.head !== null) this.#serveOrWait();
  }

  /** See {@linkcode ConnectionUser.writable}. */
  writable(): void {
    if (this.pushes.head === null) return;
    this.#waiting.complete(this.context.stack.tcp.pushLimit(this.#connection!));
  }

  /** See {@linkcode ConnectionUser.failed}. */
  failed(errno: number): void {
    const connecting = this.#connecting;
    if (connecting !== null) {
      this.#connecting = null;
      this.#connection = null;
      this.#state = FRESH;
      connecting.fail(errno);
      return;
    }
    this.#broken = errno;
    if (this.#hasNews) this.#serveOrWait();
    this.#waiting.fail(errno);
  }

  /** See {@linkcode Served.serve}. */
  serve(): number {
    if (this.#accepting !== null) return this.#accepting.serve();
    const before = this.pending;
    this.#serveOrWait();
    return before - this.pending;
  }

  /** Ends pops as long as there is something for them, and it is this queue's turn. */
  #serveOrWait(): void {
    for (let one = this.#pops.head; one !== null && this.#hasNews; one = this.#pops.head) {
      if (!this.#credit.spend()) return this.context.activate(this);
      this.#pops.shift();
      this.#receive(one);
    }
  }

  /** Whether a pop would be over at once. */
  get #hasNews(): boolean {
    const connection = this.#connection!;
    return this.#ended || this.#broken !== 0 || connection.receiveBuffer.available > 0 ||
      connection.finReceived;
  }

  #receive(operation: PooledOperation): void {
    const connection = this.#connection!;
    if (this.#ended) return operation.complete(null);
    this.context.enter();
    const sga = this.context.stack.tcp.take(connection, operation.size);
    if (sga !== null) return operation.complete(sga);
    if (this.#broken !== 0 && !connection.finReceived) operation.fail(this.#broken);
    else if (connection.finReceived) {
      this.#ended = true;
      operation.complete(null);
    }
  }

  #refuse(sga: HeapSga): PushOperation {
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    operation.fail(this.#broken);
    return operation;
  }

  #disconnect(): void {
    const connection = this.#connection!;
    this.#connection = null;
    this.#state = FRESH;
    this.context.stack.tcp.abort(connection);
  }

  #adopt(connection: Connection): void {
    this.#state = CONNECTED;
    this.#connection = connection;
    connection.user = this;
    this.#applyOptions(connection);
  }

  #applyOptions(connection: Connection): void {
    applyOptions(this.#options, connection);
    this.context.stack.tcp.keepAlive(connection);
  }
}

function count(first: PooledOperation | null, name: string): string {
  let waiting = 0;
  for (let one = first; one !== null; one = one.link) waiting++;
  return waiting === 0 ? "" : `, ${waiting} × ${name} waits`;
}
