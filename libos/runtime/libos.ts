/**
 * What all libOSes in TypeScript share: PDPIX over queues. A libOS adds its kinds of queue and its poll.
 *
 * @module
 */

import { DemikernelError, inspect } from "../error.ts";
import { BufferHeap, type BufferHeapOptions } from "./memory/heap.ts";
import { MemoryQueue } from "./queue/memory_queue.ts";
import { PooledOperation } from "./operation/operation.ts";
import { Opcode } from "./operation/owner.ts";
import { OperationPool, type PushOperation } from "./operation/pool.ts";
import { notSga, RuntimeOperations } from "./operations.ts";
import { checkPipe } from "./queue/pipe.ts";
import type { Queue, QueueContext } from "./queue/queue.ts";
import { QueueTable } from "./queue/table.ts";
import type { Driver } from "./scheduler/driver.ts";
import type { IdlePolicy } from "./scheduler/loop.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
import { HeapSga } from "./memory/sga.ts";
import { TokenTable } from "./operation/tokens.ts";
import { Waits } from "./operation/waits.ts";
import type {
  Capabilities,
  Completion,
  Coroutine,
  Domain,
  ExitReport,
  LibOS,
  Operation,
  QToken,
  QueueDescriptor,
  QueueStatistics,
  Sga,
  SocketAddress,
  SocketOptions,
  SocketType,
  Statistics,
  StorageOptions,
} from "../pdpix.ts";

const LARGEST_BACKLOG = 65535;
/** How the shared part of a libOS is made. */
export interface RuntimeOptions extends BufferHeapOptions {
  /** The scheduler that polls it. */
  readonly scheduler: Scheduler;
  /** What that is to do when there is nothing to do; the default is up to it. */
  readonly idle?: IdlePolicy | undefined;
}

/** See the module's description; for the methods, {@linkcode LibOS}. */
export abstract class RuntimeLibOS implements LibOS, Driver {
  abstract readonly name: string;
  readonly provider: string = "typescript";
  abstract readonly capabilities: Capabilities;
  abstract readonly fd: number;
  readonly operations: RuntimeOperations;
  /** What the queues share. */
  protected readonly context: QueueContext;
  /** What polls this libOS. */
  protected readonly scheduler: Scheduler;
  readonly #heap: BufferHeap;
  readonly #queues = new QueueTable();
  readonly #tokens = new TokenTable();
  readonly #waits: Waits;
  #exit: Promise<ExitReport> | null = null;
  #closing = false;

  /** Makes the shared part. */
  constructor(options: RuntimeOptions) {
    const heap = new BufferHeap(options);
    const pool = new OperationPool(options.scheduler, this.#tokens, heap.debug);
    this.#heap = heap;
    this.scheduler = options.scheduler;
    this.#waits = new Waits(this.#tokens, options.scheduler);
    this.operations = new RuntimeOperations(this.#queues, pool);
    this.context = {
      heap,
      operations: pool,
      register: (queue) => this.#register(queue),
      close: (qd) => this.close(qd),
    };
  }

  /** Makes an end of a pipe, if the capabilities have them. */
  protected createPipe(_name: string, _end: "pop" | "push"): Queue {
    throw new DemikernelError("ENOTSUP", "pipe");
  }
  /** Makes a queue of a domain and type that the capabilities have. */
  protected abstract createSocket(domain: Domain, type: SocketType): Queue;
  /** Waits, when all queues are closed, for what the device has to finish before it is let go of. */
  protected settle(): Promise<void> | void {}
  /** Lets go of the device, at once or when that resolves; all queues are closed by then. */
  protected abstract closeDevice(): void | Promise<void>;
  /** See {@linkcode Driver.deadline}. */
  abstract deadline(): number;
  /** See {@linkcode Driver.prepareToPark}. */
  abstract prepareToPark(): void;

  /** See {@linkcode Driver.poll}; the application, which polls as {@linkcode LibOS.poll} says, tells nothing. */
  abstract poll(now?: number, patient?: boolean): number;

  socket(domain: Domain, type: SocketType): QueueDescriptor {
    this.#checkOpen("socket");
    const { domains, types } = this.capabilities;
    if (!domains.includes(domain) || !types.includes(type)) {
      throw new DemikernelError("ENOTSUP", "socket", {
        detail:
          `${this.name} has no sockets of domain ${inspect(domain)} and type ${inspect(type)}; ` +
          `it has ${types.join(", ")} of ${domains.join(", ")}`,
      });
    }
    return this.#register(this.createSocket(domain, type));
  }

  bind(qd: QueueDescriptor, address: SocketAddress): void {
    this.#queues.get(qd, "bind").bind(address);
  }

  listen(qd: QueueDescriptor, backlog = 511): void {
    const queue = this.#queues.get(qd, "listen");
    if (!(Number.isInteger(backlog) && backlog >= 1 && backlog <= LARGEST_BACKLOG)) {
      throw new DemikernelError("EINVAL", "listen", {
        qd,
        detail: `a backlog must be an integer from 1 to ${LARGEST_BACKLOG}, not ${
          inspect(backlog)
        }`,
      });
    }
    queue.listen(backlog);
  }

  accept(qd: QueueDescriptor): QToken {
    this.#tokens.checkRoom();
    return this.#tokens.register(this.operations.startAccept(qd));
  }

  connect(qd: QueueDescriptor, address: SocketAddress): QToken {
    this.#tokens.checkRoom();
    return this.#tokens.register(this.operations.startConnect(qd, address));
  }

  close(qd: QueueDescriptor): void {
    const queue = this.#queues.get(qd, "close");
    this.#queues.remove(queue);
    queue.close();
    this.context.operations.reportUnclaimed(queue);
  }

  shutdown(qd: QueueDescriptor, how: "read" | "write" | "both"): void {
    const queue = this.#queues.get(qd, "shutdown");
    if (how !== "read" && how !== "write" && how !== "both") {
      throw new DemikernelError("EINVAL", "shutdown", {
        qd,
        detail: `how must be read, write or both, not ${inspect(how)}`,
      });
    }
    queue.shutdown(how);
  }

  getsockname(qd: QueueDescriptor): SocketAddress {
    return this.#queues.get(qd, "getsockname").getsockname();
  }

  getpeername(qd: QueueDescriptor): SocketAddress {
    return this.#queues.get(qd, "getpeername").getpeername();
  }

  setsockopt<K extends keyof SocketOptions>(
    qd: QueueDescriptor,
    option: K,
    value: SocketOptions[K],
  ): void {
    this.#optionQueue(qd, option, "setsockopt").setsockopt(option, value);
  }

  getsockopt<K extends keyof SocketOptions>(qd: QueueDescriptor, option: K): SocketOptions[K] {
    return this.#optionQueue(qd, option, "getsockopt").getsockopt(option);
  }

  ref(qd: QueueDescriptor): void {
    this.#reference(this.#queues.get(qd, "ref"), true);
  }

  unref(qd: QueueDescriptor): void {
    this.#reference(this.#queues.get(qd, "unref"), false);
  }

  queue(): QueueDescriptor {
    this.#checkOpen("queue");
    return this.#register(new MemoryQueue(this.context));
  }

  pipe(name: string, end: "pop" | "push"): QueueDescriptor {
    this.#checkOpen("pipe");
    if (!this.capabilities.pipes) {
      throw new DemikernelError("ENOTSUP", "pipe", {
        detail: `${this.name} has no pipes; a libOS with the capability "pipes" has`,
      });
    }
    checkPipe(name, end);
    return this.#register(this.createPipe(name, end));
  }

  open(_path: string, _options?: StorageOptions): QueueDescriptor {
    throw this.#noStorage("open");
  }

  creat(_path: string): QueueDescriptor {
    throw this.#noStorage("creat");
  }

  lseek(_qd: QueueDescriptor, _offset: number): void {
    throw this.#noStorage("lseek");
  }

  truncate(_qd: QueueDescriptor, _offset: number): void {
    throw this.#noStorage("truncate");
  }

  push(qd: QueueDescriptor, sga: Sga): QToken {
    this.#tokens.checkRoom();
    return this.#registerPush(qd, this.operations.startPush(qd, sga));
  }

  pushTo(qd: QueueDescriptor, sga: Sga, address: SocketAddress): QToken {
    this.#tokens.checkRoom();
    return this.#registerPush(qd, this.operations.startPushTo(qd, sga, address));
  }

  pop(qd: QueueDescriptor, size?: number): QToken {
    this.#tokens.checkRoom();
    return this.#tokens.register(this.operations.startPop(qd, size));
  }

  tryPush(qd: QueueDescriptor, sga: Sga, limit: number): boolean {
    if (!(typeof limit === "number" && limit >= 0)) {
      throw new DemikernelError("EINVAL", "tryPush", {
        qd,
        detail: `a limit must be a number of 0 or more, not ${inspect(limit)}`,
      });
    }
    if (!(sga instanceof HeapSga)) throw notSga("tryPush", qd);
    const waiting = this.#queues.get(qd, "tryPush").pushes.bytes;
    if (waiting > 0 && waiting + sga.length > limit) return false;
    const operation = this.operations.startPush(qd, sga);
    if (!(operation instanceof PooledOperation)) return true;
    if (!operation.over) {
      operation.ignored = true;
    } else {
      const error = operation.failed ? operation.error() : null;
      operation.consume();
      if (error !== null) throw error;
    }
    return true;
  }

  wait(qt: QToken, timeout?: number): Completion {
    return this.#waits.wait(qt, timeout);
  }

  waitAny(qts: readonly QToken[], timeout?: number): Completion {
    return this.#waits.waitAny(qts, timeout);
  }

  waitAll(qts: readonly QToken[], timeout?: number): Completion[] {
    return this.#waits.waitAll(qts, timeout);
  }

  waitNextN(count: number, timeout?: number): Completion[] {
    return this.#waits.waitNextN(count, timeout);
  }

  cancel(qt: QToken): void {
    this.#tokens.get(qt, "cancel").cancel();
  }

  operation(qt: QToken): Operation<unknown> {
    const operation = this.#tokens.get(qt, "operation");
    this.#tokens.release(operation);
    return this.context.operations.give(operation, undefined);
  }

  alloc(size: number | readonly number[]): Sga {
    this.#checkOpen("alloc");
    return this.#heap.alloc(size);
  }

  free(sga: Sga): void {
    if (!(sga instanceof HeapSga)) throw notSga("free");
    sga.checkOwned(this.#heap, "free");
    sga.free();
  }

  spawn<T>(coroutine: Coroutine<T>): Promise<T> {
    this.#checkOpen("spawn");
    // An async generator would run on by itself, and nobody would see it fail.
    if (typeof coroutine?.next !== "function" || Symbol.asyncIterator in coroutine) {
      throw new DemikernelError("EINVAL", "spawn", {
        detail: `a coroutine is what a generator function gives, not ${inspect(coroutine)}`,
      });
    }
    return this.scheduler.spawn(coroutine);
  }

  statistics(): Statistics;
  statistics(qd: QueueDescriptor): QueueStatistics;
  statistics(qd?: QueueDescriptor): Statistics | QueueStatistics {
    if (qd !== undefined) {
      const { begun, pending, pushes } = this.#queues.get(qd, "statistics");
      return { operations: begun, pending, pushBytes: pushes.bytes };
    }
    let pending = 0;
    for (const queue of this.#queues) pending += queue.pending;
    return {
      queues: this.#queues.size,
      pending,
      tokens: this.#tokens.size,
      buffers: this.#heap.buffers,
      bufferBytes: this.#heap.bufferBytes,
      heapBytes: this.#heap.heapBytes,
    };
  }

  exit(): Promise<ExitReport> {
    return this.#exit ??= this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.exit();
  }

  async #close(): Promise<ExitReport> {
    this.#closing = true;
    const openQueues = this.#queues.size;
    for (const queue of [...this.#queues]) this.close(queue.qd);
    this.operations.close();
    await this.settle();
    await this.scheduler.detach(this);
    await this.closeDevice();
    return {
      leakedBuffers: this.#heap.buffers,
      leakedBytes: this.#heap.bufferBytes,
      leaks: this.#heap.origins,
      openQueues,
      unusedTokens: this.#tokens.size,
    };
  }

  #register(queue: Queue): QueueDescriptor {
    const qd = this.#queues.register(queue);
    try {
      queue.opened();
      return qd;
    } catch (error) {
      this.close(qd);
      throw error;
    }
  }

  #registerPush(qd: QueueDescriptor, operation: PushOperation): QToken {
    if (operation instanceof PooledOperation) return this.#tokens.register(operation);
    const over = this.context.operations.take(Opcode.PUSH, this.#queues.get(qd, "push"));
    over.complete(undefined);
    return this.#tokens.register(over);
  }

  #optionQueue(qd: QueueDescriptor, option: keyof SocketOptions, operation: string): Queue {
    const queue = this.#queues.get(qd, operation);
    if (this.capabilities.options.includes(option)) return queue;
    throw new DemikernelError("ENOPROTOOPT", operation, {
      qd,
      detail: `${this.name} has no option ${inspect(option)}; ` +
        `it has ${this.capabilities.options.join(", ") || "none"}`,
    });
  }

  #reference(queue: Queue, referenced: boolean): void {
    if (queue.referenced === referenced) return;
    for (let i = 0; i < queue.pending; i++) this.scheduler.retain(referenced);
    for (let i = 0; i < queue.pending; i++) this.scheduler.release(queue.referenced);
    queue.reference(referenced);
  }

  #checkOpen(operation: string): void {
    if (!this.#closing) return;
    throw new DemikernelError("ENODEV", operation, { detail: `${this.name} was closed` });
  }

  #noStorage(operation: string): DemikernelError {
    return new DemikernelError("ENOTSUP", operation, {
      detail: `${this.name} has no storage; a libOS with the capability "storage" has`,
    });
  }
}
