/**
 * Queues that carry bytes: connections, and the ends of pipes.
 *
 * @module
 */

import { type DemikernelError, Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import type { Sga } from "../pdpix.ts";
import { NativeQueue } from "./native_queue.ts";

/** See the module's description. */
export abstract class BytesQueue extends NativeQueue {
  #ended = false;
  /** The peer takes nothing more; what it sent is popped all the same. */
  #refused = false;

  /** See {@linkcode Queue.push}. What is too large for the library goes in parts, one after the other. */
  override push(sga: HeapSga): PushOperation {
    this.checkConnected("push");
    sga.checkOwned(this.context.heap, "push", this.qd);
    const operation = this.start(Opcode.PUSH);
    sga.move();
    operation.sga = sga;
    if (this.broken !== 0 || this.#refused) {
      operation.fail(this.broken || Errno.ECONNRESET);
    } else {
      this.pushes.push(operation);
      operation.suspend();
      this.#beginPush();
    }
    return operation;
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    this.checkConnected("pop");
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.reads.head === null && this.#isKnown()) {
      this.#complete(operation);
    } else {
      this.reads.push(operation);
      operation.suspend();
      this.beginPop();
    }
    return operation;
  }

  /** See {@linkcode NativeQueue.read}. */
  override read(errno: number): void {
    this.reading = false;
    if (errno === 0) {
      let sga: HeapSga | null;
      try {
        sga = this.context.device.take();
      } catch (error) {
        // There is no memory for what came, and so a hole in the stream.
        return this.break((error as DemikernelError).errno);
      }
      // After a reset the kernel tells of an end, which is none.
      if (sga === null) this.#ended = this.broken === 0;
      this.ahead = sga;
    } else if (errno !== Errno.ETIMEDOUT) {
      // A timeout is upstream's own, of 120 s, that nobody asked for.
      return this.break(errno);
    }
    while (this.reads.head !== null && this.#isKnown()) this.#complete(this.reads.shift());
    this.beginPop();
  }

  /** See {@linkcode NativeQueue.wrote}. */
  override wrote(errno: number): void {
    this.writing = false;
    // Upstream's own timeout, of 120 s: it goes on to send what it has.
    if (errno === Errno.ETIMEDOUT) errno = 0;
    // There is no half-close here: so the kernel, and catloop, call a connection whose peer has closed. Pops tell more.
    if (errno === Errno.EPIPE || errno === Errno.EBADF) return this.#refuse();
    if (errno !== 0) return this.break(errno);
    const operation = this.pushes.head;
    if (operation === null) return;
    operation.size += this.#part(operation);
    if (operation.size < operation.sga!.totalLength) return this.#beginPush();
    this.pushes.shift().complete(undefined);
    this.#beginPush();
  }

  /** Throws `ENOTCONN` unless data can be exchanged. */
  protected checkConnected(_operation: string): void {}

  /** Whether a pop can be answered without asking the library. */
  #isKnown(): boolean {
    return this.ahead !== null || this.#ended || this.broken !== 0;
  }

  #complete(operation: PooledOperation<Sga | null>): void {
    if (this.ahead !== null) operation.complete(this.#takeAhead(operation.size));
    else if (this.#ended) operation.complete(null);
    else operation.fail(this.broken);
  }

  /** What came, or as much of it as the pop wanted. */
  #takeAhead(size: number): HeapSga {
    const sga = this.ahead!;
    const rest = sga.length - size;
    if (size === 0 || rest <= 0) {
      this.ahead = null;
      return sga;
    }
    const wanted = sga.clone();
    wanted.trim(0, size);
    sga.trim(size, rest);
    return wanted;
  }

  #refuse(): void {
    this.#refused = true;
    while (this.pushes.head !== null) this.pushes.shift().fail(Errno.ECONNRESET);
  }

  #part({ sga, size }: PooledOperation): number {
    return Math.min(sga!.totalLength - size, this.context.largestPush);
  }

  #beginPush(): void {
    const operation = this.pushes.head;
    if (operation === null || this.writing) return;
    const { device } = this.context;
    const part = this.#part(operation);
    if (part === 0) {
      // Nothing is a whole push, and upstream has no buffers of no bytes.
      this.pushes.shift().complete(undefined);
      return this.#beginPush();
    }
    const result = device.push(this, operation.sga!, operation.size, part, false);
    this.writing = result >= 0;
    if (this.writing) return;
    // The stream is whole as long as nothing of this push is in it.
    if (operation.size > 0) return this.break(-result);
    this.pushes.shift().fail(-result);
    this.#beginPush();
  }
}
