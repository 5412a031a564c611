/**
 * An end of a pipe of catmem: a named queue between processes.
 *
 * @module
 */

import { Errno } from "../error.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { BytesQueue } from "./bytes_queue.ts";
import type { NativeContext } from "./native_queue.ts";

/** See the module's description. */
export class PipeQueue extends BytesQueue {
  protected override readonly kind = "pipe";
  readonly #end: "pop" | "push";

  /** Wraps a descriptor of one end. */
  constructor(context: NativeContext, nativeQd: number, end: "pop" | "push") {
    super(context, nativeQd);
    this.#end = end;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    const operation = super.push(sga);
    // Upstream's pipes go both ways, and whoever closes one says so to the other end: what comes back is that.
    if (!this.reading && this.broken === 0) this.startPop();
    return operation;
  }

  /** See {@linkcode NativeQueue.read}. */
  override read(errno: number): void {
    if (this.#end === "pop") return super.read(errno);
    this.reading = false;
    if (errno !== 0) return;
    const sga = this.context.device.take();
    if (sga === null) this.break(Errno.EPIPE);
    else sga.free();
  }

  /** See {@linkcode NativeQueue.wrote}. */
  override wrote(errno: number): void {
    // So upstream calls a pipe whose end it has seen.
    if (errno !== Errno.EBADF) return super.wrote(errno);
    this.writing = false;
    this.break(Errno.EPIPE);
  }

  protected override checkConnected(operation: "pop" | "push"): void {
    if (operation !== this.#end) {
      throw this.error("ENOTSUP", operation, `this end of the pipe can only ${this.#end}`);
    }
  }
}
