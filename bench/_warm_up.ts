/**
 * Warming up: `deno bench` itself does so for 10 ms, in which a long iteration is made once, and V8 has
 * compiled little of what it runs.
 *
 * @module
 */

/** How long, in milliseconds. */
const WARM_UP = 300;

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
    warm = true;
    await run();
  };
}
