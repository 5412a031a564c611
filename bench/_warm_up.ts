/**
 * Warming up: `deno bench` itself does so for 10 ms, in which a long iteration is made once, and V8 has
 * compiled little of what it runs. And what a server holds is old to the collector, where a store of a
 * pointer costs less: so that is made old, too.
 *
 * @module
 */

/** How long, in milliseconds. */
const WARM_UP = 300;

/** Garbage enough for the collector to run several times. */
const GARBAGE = 2_000_000;
const garbage: unknown[] = [];

/**
 * Returns a benchmark whose first call, which `deno bench` does not measure, repeats the iteration until
 * V8 has compiled it.
 *
 * @param run One iteration.
 */
export function warmedUp(run: () => Promise<void>): () => Promise<void> {
  let warm = false;
  // An async function, since `deno bench` awaits no other.
  return async () => {
    for (const end = performance.now() + WARM_UP; !warm && performance.now() < end;) await run();
    for (let i = 0; !warm && i < GARBAGE; i++) garbage[0] = [i];
    warm = true;
    await run();
  };
}
