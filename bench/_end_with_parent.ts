/**
 * Preloaded into the servers of `deno bench`: a server ends, gracefully, with the process that started it,
 * however that ended.
 *
 * @module
 */

/** How often to look, in milliseconds, and how long to wait for a graceful end. */
const LOOK_MS = 250;
const GRACE_MS = 3_000;

const parent = Deno.ppid;
const timer = setInterval(() => {
  if (Deno.ppid === parent) return;
  clearInterval(timer);
  Deno.unrefTimer(setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), GRACE_MS));
  Deno.kill(Deno.pid, "SIGINT");
}, LOOK_MS);
Deno.unrefTimer(timer);
