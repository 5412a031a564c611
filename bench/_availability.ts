/**
 * Which libOSes can be measured on this machine.
 *
 * @module
 */
import type { LibOSName } from "../mod.ts";

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
