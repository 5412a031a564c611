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

/** To ask for resources costs as much as there are. Beyond so many, nobody asks for a while, in milliseconds. */
const MANY = 64;
const PAUSE = 1000;

let askAgain = -Infinity;

/** The event loop of this thread. */
export const denoHost: Host = {
  go(then: () => void): void {
    setImmediate(then);
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

  pending(): "now" | "later" | "nothing" | "unknown" {
    const now = performance.now();
    if (now < askAgain) return "unknown";
    // What Node calls so: functions given to `setImmediate`, and timers that keep the process alive.
    const resources = process.getActiveResourcesInfo();
    if (resources.length > MANY) {
      askAgain = now + PAUSE;
      return "unknown";
    }
    if (resources.includes("Immediate")) return "now";
    return resources.includes("Timeout") ? "later" : "nothing";
  },
};
