/**
 * What wakes a libOS that sleeps: an epoll instance with the device in it as long as the sleep lasts.
 *
 * A device that is watched while it is busy has to tell of every frame, which costs its sender 0.1 µs and more. And one
 * that is gone is readable for ever, so that nobody could sleep any more; here it can be taken out. The kernel may have no
 * room to watch it (ENOSPC, ENOMEM): then an alarm ends the sleep soon.
 *
 * @module
 */

import { Alarm } from "./alarm.ts";
import { check } from "../../ffi/libc/call.ts";
import { EPOLL } from "../../ffi/libc/constants.ts";
import { makeEpollEvent } from "../../ffi/libc/epoll_event.ts";
import { libc } from "../../ffi/libc/load.ts";

/** Milliseconds that a sleep takes in which the device cannot be watched. */
const SHORT = 1;

/** See the module's description. */
export class Doorbell {
  /** Readable when the device is, as long as it is armed; and when a sleep is over in which it could not be. */
  readonly fd: number;
  /** Whether the device is watched. */
  armed = false;
  readonly #libc = libc();
  readonly #device: number;
  readonly #event = makeEpollEvent(EPOLL.IN, 0);
  readonly #alarm: Alarm;
  /** Whether the alarm was set. */
  #alarmed = false;
  #disconnected = false;
  readonly #opened: DisposableStack;

  /** Makes the doorbell of a descriptor. Throws `LibcError`. */
  constructor(device: number) {
    this.#device = device;
    const { epoll_create1, epoll_ctl } = this.#libc;
    using opened = new DisposableStack();
    const fd = check("epoll_create1", epoll_create1(EPOLL.CLOEXEC));
    this.fd = opened.adopt(fd, (fd) => this.#libc.close(fd));
    this.#alarm = opened.adopt(new Alarm(), (alarm) => alarm.close());
    // Watched from the beginning, since there may be no room for it later either.
    check("epoll_ctl", epoll_ctl(fd, EPOLL.CTL_ADD, this.#alarm.fd, this.#event));
    this.#opened = opened.move();
  }

  /** Watches the device: a sleep begins. */
  arm(): void {
    if (this.armed || this.#disconnected) return;
    this.armed = this.#libc.epoll_ctl(this.fd, EPOLL.CTL_ADD, this.#device, this.#event) === 0;
    if (this.armed && !this.#alarmed) return;
    this.#alarmed = !this.armed;
    this.#alarm.set(this.armed ? 0 : SHORT);
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
    this.disconnect();
    this.#opened.dispose();
  }
}
