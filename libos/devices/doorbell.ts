/**
 * What wakes a libOS that sleeps: an epoll instance with the device in it as long as the sleep lasts.
 *
 * A device that is watched while it is busy has to tell of every frame, which costs its sender 0.1 µs and more. And one
 * that is gone is readable for ever, so that nobody could sleep any more; here it can be taken out.
 *
 * @module
 */

import { check } from "../../ffi/libc/call.ts";
import { EPOLL } from "../../ffi/libc/constants.ts";
import { makeEpollEvent } from "../../ffi/libc/epoll_event.ts";
import { libc } from "../../ffi/libc/load.ts";

/** See the module's description. */
export class Doorbell {
  /** Readable when the device is, as long as it is armed; -1 once closed. */
  fd: number;
  /** Whether the device is watched. */
  armed = false;
  readonly #libc = libc();
  readonly #device: number;
  readonly #event = makeEpollEvent(EPOLL.IN, 0);
  #disconnected = false;

  /** Makes the doorbell of a descriptor. Throws `LibcError`. */
  constructor(device: number) {
    this.#device = device;
    this.fd = check("epoll_create1", this.#libc.epoll_create1(EPOLL.CLOEXEC));
  }

  /** Watches the device: a sleep begins. */
  arm(): void {
    if (this.armed || this.#disconnected) return;
    this.#libc.epoll_ctl(this.fd, EPOLL.CTL_ADD, this.#device, this.#event);
    this.armed = true;
  }

  /** Watches it no more: the sleep is over. */
  disarm(): void {
    if (!this.armed) return;
    this.#libc.epoll_ctl(this.fd, EPOLL.CTL_DEL, this.#device, this.#event);
    this.armed = false;
  }

  /** Never watches it again: nothing will come. */
  disconnect(): void {
    this.disarm();
    this.#disconnected = true;
  }

  /** Lets go of it. */
  close(): void {
    this.#libc.close(this.fd);
    this.fd = -1;
  }
}
