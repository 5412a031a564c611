/**
 * What the queues of a native libOS have in common: one read and one write under way at most, whatever is
 * asked for. So completions come in the order of the questions, which upstream does not promise, and what a
 * cancelled read brings is there for the next one.
 *
 * @module
 */

import { Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import { OperationList } from "../runtime/operation/list.ts";
import { Queue, type QueueContext } from "../runtime/queue/queue.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import type { TakeLock } from "./connect_lock.ts";
import { type Device, PUSHED, READ } from "./device.ts";

/** What the queues of a native libOS share. */
export interface NativeContext extends QueueContext {
  /** The library. */
  readonly device: Device;
  /** The IPv4 address that the libOS has. */
  readonly address: string;
  /** Closes a descriptor of the library's. */
  readonly closeNative: (nativeQd: number) => void;
  /** Takes the lock of a listener, where only one may connect at a time. */
  readonly connectLock: TakeLock | null;
  /** Whether a datagram socket receives nothing more after an empty datagram. */
  readonly stopsAtEmpty: boolean;
  /** The most that one push to upstream takes, in bytes. */
  readonly largestPush: number;
}

/** A queue of the library's. */
export abstract class NativeQueue extends Queue {
  declare protected readonly context: NativeContext;
  /** Its descriptor in the library. */
  nativeQd: number;
  /** Whether it was not closed. */
  open = true;
  /** Whether a pop or an accept is under way. */
  protected reading = false;
  /** Whether a push or a connect is under way. */
  protected writing = false;
  /** Pops or accepts that wait. Of the pushes that wait the first is under way. */
  protected readonly reads = new OperationList();
  /** Data that came for a pop which was cancelled, or was more than it wanted. */
  protected ahead: HeapSga | null = null;
  /** The errno that broke it; 0 while it is whole. */
  protected broken = 0;

  /** Wraps a descriptor, which it then owns. */
  constructor(context: NativeContext, nativeQd: number) {
    super(context);
    this.nativeQd = nativeQd;
  }

  /** Used by the device: begins to push. */
  readonly callPush = (place: number): number =>
    this.context.device.calls.push(this.nativeQd, place, PUSHED);

  /** Used by the device: begins to push to an address. */
  readonly callPushTo = (place: number): number =>
    this.context.device.calls.pushTo(this.nativeQd, place, PUSHED);

  readonly #callPop = (place: number): number =>
    this.context.device.calls.pop(this.nativeQd, place);

  /** Used by the device: the read is over; see {@linkcode NativeQueue.reading}. */
  abstract read(errno: number): void;
  /** Used by the device: the write is over; see {@linkcode NativeQueue.writing}. */
  abstract wrote(errno: number): void;

  /** Used by the device: a connection came when nobody listened any more. */
  closeAccepted(nativeQd: number): void {
    this.context.closeNative(nativeQd);
  }

  /** See {@linkcode Queue.cancel}: what is under way goes on, and what it brings is kept. */
  override cancel(operation: PooledOperation): void {
    if (this.reads.replace(operation, null)) return;
    if (operation === this.pushes.head && this.writing) {
      // The library has a part of it, and the rest has to follow.
      const rest = this.start(Opcode.PUSH);
      rest.sga = operation.sga;
      rest.size = operation.size;
      rest.ignored = true;
      operation.sga = null;
      this.pushes.replace(operation, rest);
      rest.suspend();
      return;
    }
    this.pushes.replace(operation, null);
  }

  /** See {@linkcode Queue.close}. Upstream's own call blocks for as long as that takes: microseconds, but on a stack of its
   * own through TIME_WAIT, which is configured to be over at once. */
  override close(): void {
    this.failAll(Errno.ECANCELED);
    this.ahead?.free();
    this.ahead = null;
    this.open = false;
    this.context.closeNative(this.nativeQd);
  }

  /** Fails all that waits. */
  protected failAll(errno: number): void {
    while (this.reads.head !== null) this.reads.shift().fail(errno);
    while (this.pushes.head !== null) this.pushes.shift().fail(errno);
  }

  /** Fails all that waits, and all that comes after. */
  protected break(errno: number): void {
    this.broken = errno;
    this.failAll(errno);
  }

  /** Begins to pop, if somebody waits for it and nothing is under way. */
  protected beginPop(): void {
    if (this.reading || this.reads.head === null) return;
    const result = this.startPop();
    if (result < 0) this.reads.shift().fail(-result);
  }

  /** Begins to pop. Gives 0 or a negative errno. */
  protected startPop(): number {
    const result = this.context.device.begin(this, READ, this.#callPop);
    this.reading = result >= 0;
    return result;
  }
}
