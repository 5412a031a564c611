/**
 * Deno's event loop, as the scheduler sees it.
 *
 * @module
 */

import process from "node:process";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Host, Later } from "./driver.ts";

/** The longest time that Deno's timers take, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The event loop of this thread. */
export const denoHost: Host = {
  go(then: () => void, referenced: boolean): void {
    const immediate = setImmediate(then);
    if (!referenced) immediate.unref();
  },

  step(then: () => void): void {
    queueMicrotask(then);
  },

  later(then: () => void, milliseconds: number, referenced: boolean): Later {
    const timeout = setTimeout(
      then,
      Math.min(Math.max(0, Math.ceil(milliseconds)), LONGEST_TIMEOUT),
    );
    if (!referenced) timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },

  pending(): "now" | "later" | "nothing" {
    // What Node calls so: functions given to `setImmediate`, and timers that keep the process alive.
    const resources = process.getActiveResourcesInfo();
    if (resources.includes("Immediate")) return "now";
    return resources.includes("Timeout") ? "later" : "nothing";
  },
};
