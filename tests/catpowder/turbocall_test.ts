/**
 * The calls of the datapath are V8 fast calls once they are warm, as those of catnap.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Kind, KINDS, missingForLinks } from "../_network/link.ts";
import { needing } from "../_needs.ts";

const missing = missingForLinks();

/** What sends, by device. */
const SENDS: Readonly<Record<Kind, readonly string[]>> = {
  tap: ["write_at"],
  packet: ["send", "sendmmsg"],
  xdp: ["send"],
};

for (const kind of KINDS) {
  Deno.test(needing(missing, `what sends on ${kind} is a fast call`), async () => {
    const program = new URL("_turbocalls.ts", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, kind],
      env: { DENO_UNSTABLE_FFI_TRACE_TURBO: "1" },
    }).output();
    const decoder = new TextDecoder();
    const seen = decoder.decode(stdout).trim().split(" ");
    const slow = SENDS[kind].filter((call) => !seen.includes(call));
    assertEquals(slow, [], `${seen} ${decoder.decode(stderr)}`);
  });
}
