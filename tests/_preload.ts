/**
 * Before the first test, by `deno test --preload`: clears what a killed run has left, and opens libc. That is
 * opened once in a process and stays open, which the sanitizer would take for a leak of whichever test came first.
 *
 * @module
 */

import { libc } from "../ffi/libc/load.ts";
import { clearLeftovers, markRun } from "./_leftovers.ts";

libc();
markRun();
await clearLeftovers();
