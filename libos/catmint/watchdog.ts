/**
 * Finds out whether a worker of UCX's is stuck.
 *
 * Over shared memory all peers write to one queue of the worker's. One that dies while it writes leaves a place that is
 * taken and never filled, and all who come behind it wait for ever, without an error (seen with UCX 1.13). So when a peer
 * has died, another worker of this process sends a message the same way: if it does not come, a new worker is needed.
 *
 * @module
 */

import type { Handle, UcxContext } from "../../ffi/ucx/context.ts";
import { STATUS } from "../../ffi/ucx/layout.ts";
import { UcxError } from "../../ffi/ucx/struct.ts";
import { UcxWorker } from "../../ffi/ucx/worker.ts";

/** The id of its message, which no connection has. */
export const PROBE = 1 << 30;

/** How long that may take, in milliseconds, and polls. */
const PATIENCE = 200;
const POLLS = 1000;

/** See the module's description. */
export class Watchdog {
  readonly #ucx: UcxContext;
  #prober: UcxWorker | null = null;
  #endpoint: Handle | null = null;
  #began = 0;
  #polls = 0;
  /** Whether there was another reason meanwhile. */
  #again = false;

  /** Watches the workers of a context. */
  constructor(ucx: UcxContext) {
    this.#ucx = ucx;
  }

  /** Whether it is being found out. */
  get isBusy(): boolean {
    return this.#prober !== null;
  }

  /** Sends a message to a worker. */
  begin(worker: UcxWorker, now: number): void {
    this.#again = this.isBusy;
    if (this.isBusy) return;
    this.#began = now;
    this.#polls = 0;
    try {
      this.#prober = new UcxWorker(this.#ucx);
      this.#endpoint = this.#prober.connect(worker.address);
    } catch (error) {
      if (!(error instanceof UcxError)) throw error;
      // Without a way there, or memory for it, nothing can be told.
      return this.end();
    }
    if (this.#prober.send(this.#endpoint, 0, 0, 0, PROBE, null) === STATUS.IN_PROGRESS) {
      this.#prober.free(this.#prober.request[0]!);
    }
  }

  /** The message came: says whether to send another one, since somebody else died meanwhile. */
  came(): boolean {
    this.end();
    return this.#again;
  }

  /** Lets the message go on; says whether it should have come by now. */
  poll(now: number): boolean {
    this.#prober!.progress();
    return ++this.#polls > POLLS && now - this.#began > PATIENCE;
  }

  /** It is known, or not needed any more. */
  end(): void {
    if (this.#prober === null) return;
    if (this.#endpoint !== null) this.#prober.disconnect(this.#endpoint);
    this.#prober.progress();
    this.#prober.close();
    this.#prober = null;
    this.#endpoint = null;
  }
}
