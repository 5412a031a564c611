/**
 * Which libOSes can be measured on this machine.
 *
 * @module
 */
import type { LibOSName } from "../mod.ts";
import { openSpinning } from "./_open_spinning.ts";

/**
 * Tells why a libOS does not work here; `undefined` if it does. It is tried in a process of its own, as
 * `deno task doctor` does, since a native one can end its process.
 */
export function whyUnavailable(libos: LibOSName): string | undefined {
  const doctor = new URL("../examples/doctor.ts", import.meta.url).pathname;
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", doctor, libos],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  // The places that were tried stand in lines of their own.
  return success ? undefined : new TextDecoder().decode(stderr).trim().replaceAll(/\s*\n\s*/g, " ");
}

/**
 * As {@linkcode whyUnavailable}, for a native libOS that is not the first one of the process. Upstream has
 * one to a thread, which stays, and `deno bench` may run a file on the thread of an earlier one.
 *
 * @param file The file that measures it, alone.
 */
export async function whyUnavailableOnThread(
  libos: LibOSName,
  file: string,
): Promise<string | undefined> {
  const reason = whyUnavailable(libos);
  if (reason !== undefined) return reason;
  try {
    await openSpinning(libos).exit();
    return undefined;
  } catch {
    return `this thread has had another native libOS; run it alone: deno bench -A ${file}`;
  }
}
