/**
 * An end of a pipe of catmem: a named queue between processes.
 *
 * @module
 */

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

  protected override checkConnected(operation: "pop" | "push"): void {
    if (operation !== this.#end) {
      throw this.error("ENOTSUP", operation, `this end of the pipe can only ${this.#end}`);
    }
  }
}
