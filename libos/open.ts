/**
 * Opening a libOS by name.
 *
 * @module
 */

import { LibcUnavailableError } from "../ffi/libc/load.ts";
import { Catnap } from "./catnap/libos.ts";
import { MonotonicClock } from "./runtime/epoll_parker.ts";
import { DemikernelError } from "./error.ts";
import { type IdlePolicy, Scheduler } from "./runtime/scheduler.ts";
import type { LibOS } from "./pdpix.ts";

/** The names of the libOSes. */
export type LibOSName = "catnap";

/** How a libOS is opened. */
export interface OpenOptions {
  /**
   * Which one.
   *
   * @default {"catnap"}
   */
  readonly libos?: LibOSName;
  /**
   * What to do when there is nothing to do: `spin` polls on, `park` sleeps at once, `adaptive` polls for
   * 0.1 ms and then sleeps.
   *
   * @default {"adaptive"}
   */
  readonly idle?: IdlePolicy;
  /** Shares the scheduler of another libOS of this thread, and its idle policy: one loop polls both. */
  readonly beside?: LibOS;
  /**
   * Finds mistakes with memory, at a price: freed buffers are poisoned, nothing freed is used twice, and
   * leaks are told with the place where they were allocated.
   *
   * @default {false}
   */
  readonly debug?: boolean;
}

const IDLE_POLICIES: readonly unknown[] = ["spin", "adaptive", "park"];

const LIBOSES: Record<LibOSName, (scheduler: Scheduler, debug: boolean) => LibOS> = {
  catnap: (scheduler, debug) => new Catnap({ scheduler, debug }),
};

/** The schedulers of the open libOSes, for {@linkcode OpenOptions.beside}. */
const schedulers = new WeakMap<LibOS, Scheduler>();

/**
 * Opens a libOS. It belongs to the thread that opened it, and is closed by `exit()` or `await using`.
 *
 * Throws {@linkcode DemikernelError}: `EINVAL` for an option that is not understood, `ENOSYS` where this
 * libOS cannot work, and says what is missing. Throws `Deno.errors.NotCapable` without the permission that
 * it needs (catnap: `--allow-ffi` for libc).
 *
 * @example Open catnap, make a socket, and close it all
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 *
 * const libos = open({ libos: "catnap" });
 * const qd = libos.socket("inet", "stream");
 * libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
 * const report = await libos.exit();
 * assertEquals(report.openQueues, 1);
 * ```
 */
export function open(options: OpenOptions | LibOSName = {}): LibOS {
  if (typeof options === "string") return open({ libos: options });
  const { libos: name = "catnap", idle, beside, debug = false } = options;
  if (!Object.hasOwn(LIBOSES, name)) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `there is no libOS "${name}"; there is ${Object.keys(LIBOSES).join(", ")}`,
    });
  }
  if (idle !== undefined && !IDLE_POLICIES.includes(idle)) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `an idle policy is ${IDLE_POLICIES.join(", ")}, not ${idle}`,
    });
  }
  const shared = beside === undefined ? undefined : schedulers.get(beside);
  if (beside !== undefined && shared === undefined) {
    throw new DemikernelError("EINVAL", "open", { detail: "`beside` is no libOS of this thread" });
  }
  if (shared !== undefined && idle !== undefined && idle !== shared.idle) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `the libOS beside has the idle policy ${shared.idle}, and both share it`,
    });
  }
  try {
    const scheduler = shared ?? new Scheduler({
      clock: new MonotonicClock(),
      idle: idle ?? "adaptive",
    });
    const libos = LIBOSES[name](scheduler, debug);
    schedulers.set(libos, scheduler);
    return libos;
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new DemikernelError("ENOSYS", "open", { detail: `${name}: ${cause.message}`, cause });
  }
}
