/**
 * Accepting: the part of a stream socket that listens.
 *
 * @module
 */

import { Credit, type Served } from "../../runtime/queue/served.ts";
import type { InetContext } from "./context.ts";
import { Errno } from "../../error.ts";
import type { IpAddress } from "../ip_address.ts";
import { Listener, type ListenerUser } from "../tcp/listener.ts";
import { OperationList } from "../../runtime/operation/list.ts";
import type { PooledOperation } from "../../runtime/operation/operation.ts";
import type { StreamOptions } from "./stream_options.ts";
import { StreamQueue } from "./stream_queue.ts";
import type { Domain } from "../../pdpix.ts";

/** Accepts for one listening socket. */
export class Accepting implements ListenerUser {
  readonly #context: InetContext;
  readonly #queue: Served;
  readonly #domain: Domain;
  readonly #options: StreamOptions;
  readonly #listener: Listener;
  readonly #accepts = new OperationList();
  readonly #credit: Credit;

  /** Begins to listen. */
  constructor(
    context: InetContext,
    queue: Served,
    domain: Domain,
    address: IpAddress,
    port: number,
    backlog: number,
    options: StreamOptions,
  ) {
    this.#context = context;
    this.#queue = queue;
    this.#domain = domain;
    this.#options = options;
    this.#credit = new Credit(context);
    const { receiveLimit, sendLimit } = options;
    this.#listener = new Listener(address, port, backlog, receiveLimit, sendLimit);
    this.#listener.maxSegmentSize = options.maxSegmentSize;
    this.#listener.user = this;
    context.stack.tcp.listen(this.#listener);
  }

  /** The oldest accept that waits. */
  get waiting(): PooledOperation | null {
    return this.#accepts.head;
  }

  /** Takes a connection, or waits for one. */
  accept(operation: PooledOperation<number>): void {
    if (this.#accepts.head === null && this.#listener.isReady && this.#credit.spend()) {
      this.#complete(operation);
      return;
    }
    this.#accepts.push(operation);
    operation.suspend();
    if (this.#listener.isReady) this.#context.activate(this.#queue);
  }

  /** Unlinks one that waits. */
  cancel(operation: PooledOperation): void {
    this.#accepts.replace(operation, null);
  }

  /** What connections have that come from now on. */
  setLimits({ receiveLimit, sendLimit, maxSegmentSize }: StreamOptions): void {
    this.#listener.receiveLimit = receiveLimit;
    this.#listener.sendLimit = sendLimit;
    this.#listener.maxSegmentSize = maxSegmentSize;
  }

  /** See {@linkcode ListenerUser.acceptable}: it is accepted after the segment was looked at. */
  acceptable(): void {
    if (this.#accepts.head !== null) this.#context.activate(this.#queue);
  }

  /** See {@linkcode Served.serve}. */
  serve(): number {
    let count = 0;
    while (this.#accepts.head !== null && this.#listener.isReady) {
      if (!this.#credit.spend()) {
        this.#context.activate(this.#queue);
        break;
      }
      this.#complete(this.#accepts.shift());
      count++;
    }
    return count;
  }

  /** Listens no more; completes what waits with `ECANCELED`. */
  close(): void {
    while (this.#accepts.head !== null) this.#accepts.shift().fail(Errno.ECANCELED);
    this.#context.stack.tcp.unlisten(this.#listener);
  }

  #complete(operation: PooledOperation<number>): void {
    const connection = this.#listener.accept()!;
    const queue = new StreamQueue(this.#context, this.#domain, this.#options, connection);
    operation.complete(this.#context.register(queue));
  }
}
