/**
 * Descriptors that wake a libOS which sleeps, watched all the time: they have something to say only when it is wanted.
 *
 * @module
 */

import { check } from "../../ffi/libc/call.ts";
import { EPOLL } from "../../ffi/libc/constants.ts";
import { libc } from "../../ffi/libc/load.ts";
import { makeEpollEvent } from "../../ffi/libc/epoll_event.ts";

/** See the module's description. */
export class Watch {
  /** Readable when one of them is; -1 once closed. */
  fd: number;
  readonly #libc = libc();
  readonly #event = makeEpollEvent(EPOLL.IN, 0);

  /** Watches nothing. Throws `LibcError`. */
  constructor() {
    this.fd = check("epoll_create1", this.#libc.epoll_create1(EPOLL.CLOEXEC));
  }

  /** Watches one more. */
  add(fd: number): void {
    check("epoll_ctl", this.#libc.epoll_ctl(this.fd, EPOLL.CTL_ADD, fd, this.#event));
  }

  /** Watches it no more; to be called before it is closed, since another process may have it open. */
  remove(fd: number): void {
    this.#libc.epoll_ctl(this.fd, EPOLL.CTL_DEL, fd, this.#event);
  }

  /** Lets go of it. */
  close(): void {
    this.#libc.close(this.fd);
    this.fd = -1;
  }
}
