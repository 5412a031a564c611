/**
 * A descriptor that is readable at a time: a timerfd.
 *
 * @module
 */

import { check } from "../../ffi/libc/call.ts";
import { CLOCK_MONOTONIC, TFD } from "../../ffi/libc/constants.ts";
import { libc } from "../../ffi/libc/load.ts";

/** See the module's description. */
export class Alarm {
  /** The descriptor. */
  readonly fd: number;
  readonly #libc = libc();
  readonly #times = new BigInt64Array(4);
  readonly #bytes = new Uint8Array(this.#times.buffer);
  readonly #expirations = new Uint8Array(8);

  /** Makes one that is not set. Throws `LibcError`. */
  constructor() {
    const flags = TFD.NONBLOCK | TFD.CLOEXEC;
    this.fd = check("timerfd_create", this.#libc.timerfd_create(CLOCK_MONOTONIC, flags));
  }

  /** It rings once, after so many milliseconds, and not as it was set before; 0 is never. */
  set(milliseconds: number): void {
    this.#times[3] = BigInt(Math.round(1e6 * milliseconds));
    this.#libc.timerfd_settime(this.fd, 0, this.#bytes, null);
  }

  /** Whether it rang since it was asked last. */
  rang(): boolean {
    return this.#libc.read(this.fd, this.#expirations, 8n) > 0;
  }

  /** Lets go of it. */
  close(): void {
    this.#libc.close(this.fd);
  }
}
