/**
 * What is preloaded into a server to observe it: it begins on one SIGUSR2, and ends on the next.
 *
 * @module
 */

/** What starts an observation and ends it. */
export const SIGNAL = "SIGUSR2";
/** The environment variable that names the file for the result. */
export const FILE = "DEMIKERNEL_PROFILE_FILE";

/** The environment variable that holds the sampling interval of a profile, in microseconds. */
export const INTERVAL = "DEMIKERNEL_PROFILE_INTERVAL";

/** Calls one function on the first signal, and leaves what the other gives on the next one in the file, as JSON. */
export function whenSignalled(
  begin: () => void | Promise<void>,
  end: () => unknown | Promise<unknown>,
): void {
  const path = Deno.env.get(FILE)!;
  let on = false;
  Deno.addSignalListener(SIGNAL, async () => {
    on = !on;
    if (on) return await begin();
    const text = JSON.stringify(await end());
    // Written beside its place and then moved there: whoever waits for it never sees half of it.
    await Deno.writeTextFile(`${path}.part`, text);
    await Deno.rename(`${path}.part`, path);
  });
}
