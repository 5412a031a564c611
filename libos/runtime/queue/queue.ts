/**
 * Queues: what a queue descriptor names. Each libOS has kinds of its own; what a kind has not throws.
 *
 * @module
 */

import { DemikernelError, type ErrnoName } from "../../error.ts";
import type { BufferHeap } from "../memory/heap.ts";
import { OperationList } from "../operation/list.ts";
import type { PooledOperation } from "../operation/operation.ts";
import { Opcode, type OperationOwner } from "../operation/owner.ts";
import type { OperationPool, PushOperation } from "../operation/pool.ts";
import type { HeapSga } from "../memory/sga.ts";
import type { Sga, SocketAddress, SocketOptions } from "../../pdpix.ts";

/** What the queues of one libOS share. */
export interface QueueContext {
  /** Where operations come from. */
  readonly operations: OperationPool;
  /** Where buffers come from. */
  readonly heap: BufferHeap;
  /** Gives a queue a descriptor. */
  register(queue: Queue): number;
  /** Closes the queue of a descriptor. */
  close(qd: number): void;
}

/**
 * A queue. A libOS overrides the calls that a kind of queue has; the others throw `ENOTSUP`.
 *
 * Arguments are checked before they come here, but for what depends on the queue's state.
 */
export abstract class Queue implements OperationOwner {
  /** Its descriptor. */
  qd = -1;
  /** Whether its pending operations keep the process alive. */
  referenced = true;
  /** How many of its operations are pending. */
  pending = 0;
  /** See {@linkcode OperationOwner}. */
  begun = 0;
  /** See {@linkcode OperationOwner}. */
  woken = 0;
  /** See {@linkcode OperationOwner}. */
  wokenIn = 0;
  /** Pushes that wait for room. */
  readonly pushes = new OperationList();
  /** What it shares with its libOS. */
  protected readonly context: QueueContext;
  /** What it is, in errors. */
  protected abstract readonly kind: string;

  /** Makes a queue that has no descriptor yet. */
  constructor(context: QueueContext) {
    this.context = context;
  }

  /** It has its descriptor now. */
  opened(): void {}

  /** See {@linkcode LibOS.ref} and {@linkcode LibOS.unref}. */
  reference(referenced: boolean): void {
    this.referenced = referenced;
  }

  /** See {@linkcode LibOS.bind}. */
  bind(_address: SocketAddress): void {
    throw this.unsupported("bind");
  }

  /** See {@linkcode LibOS.listen}. */
  listen(_backlog: number): void {
    throw this.unsupported("listen");
  }

  /** See {@linkcode LibOS.accept}. */
  accept(): PooledOperation<number> {
    throw this.unsupported("accept");
  }

  /** See {@linkcode LibOS.connect}. */
  connect(_address: SocketAddress): PooledOperation<void> {
    throw this.unsupported("connect");
  }

  /** See {@linkcode LibOS.push}. */
  push(_sga: HeapSga): PushOperation {
    throw this.unsupported("push");
  }

  /** See {@linkcode LibOS.pushTo}. */
  pushTo(_sga: HeapSga, _address: SocketAddress): PushOperation {
    throw this.unsupported("pushTo");
  }

  /** See {@linkcode LibOS.pop}; a size of 0 means any. */
  pop(_size: number): PooledOperation<Sga | null> {
    throw this.unsupported("pop");
  }

  /** See {@linkcode LibOS.shutdown}. */
  shutdown(_how: "read" | "write" | "both"): void {
    throw this.unsupported("shutdown");
  }

  /** See {@linkcode LibOS.getsockname}. */
  getsockname(): SocketAddress {
    throw this.unsupported("getsockname");
  }

  /** See {@linkcode LibOS.getpeername}. */
  getpeername(): SocketAddress {
    throw this.unsupported("getpeername");
  }

  /** See {@linkcode LibOS.setsockopt}. */
  setsockopt<K extends keyof SocketOptions>(_option: K, _value: SocketOptions[K]): void {
    throw this.unsupported("setsockopt");
  }

  /** See {@linkcode LibOS.getsockopt}. */
  getsockopt<K extends keyof SocketOptions>(_option: K): SocketOptions[K] {
    throw this.unsupported("getsockopt");
  }

  /** Unlinks a pending operation, and does not touch it again. */
  abstract cancel(operation: PooledOperation): void;

  /** Frees the sga that was popped, or closes the connection that was accepted. */
  discard(operation: PooledOperation): void {
    if (operation.opcode === Opcode.POP) (operation.value as Sga | null)?.free();
    if (operation.opcode === Opcode.ACCEPT) this.context.close(operation.value as number);
  }

  /** Completes what is pending with `ECANCELED` and lets go of the device. */
  abstract close(): void;

  /** Begins an operation on this queue. */
  protected start(opcode: number): PooledOperation {
    return this.context.operations.take(opcode, this);
  }

  /** An error of a call on this queue. */
  protected error(
    errno: ErrnoName | number,
    operation: string,
    detail?: string,
  ): DemikernelError {
    return new DemikernelError(errno, operation, {
      qd: this.qd,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** The error of a call that this kind of queue has not. */
  protected unsupported(operation: string): DemikernelError {
    return this.error("ENOTSUP", operation, `a ${this.kind} has no such call`);
  }
}
