/**
 * The tests of the examples that serve, unchanged, on our catpowder: clients are on the Linux kernel at the other end.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { KernelLink, type Kind, KINDS, missingForLinks } from "../_network/link.ts";
import { needing } from "../_needs.ts";
import { SITE, type Site } from "./_program.ts";

/** Those that serve. What is not among them needs no libOS of its own, or runs on the simulated network. */
const SERVERS = ["chat", "echo", "http", "kv_server", "mdns", "relay", "rpc"];

/** Runs the tests of a server on a device; gives what they say, or nothing if they pass. */
async function failureOf(server: string, kind: Kind): Promise<string[]> {
  using link = new KernelLink(kind);
  const { device, host } = link.port;
  const site: Site = { device, namespace: host.path };
  const file = new URL(`${server}_test.ts`, import.meta.url).pathname;
  const preload = new URL("../_preload.ts", import.meta.url).pathname;
  const args = ["test", "-A", "--no-check", "--unstable-net", `--preload=${preload}`, file];
  const options = { args, env: { [SITE]: JSON.stringify(site), NO_COLOR: "1" } };
  const { success, stdout } = await link.kernel.command(Deno.execPath(), options).output();
  return success ? [] : [`on ${kind}: ${new TextDecoder().decode(stdout)}`];
}

for (const server of SERVERS) {
  // Groups are the kernel's there: docs/catpowder.md.
  const kinds = KINDS.filter((kind) => kind !== "xdp" || server !== "mdns");
  const name = `${server}_test.ts passes with LIBOS=catpowder on ${kinds.join(", ")}`;
  Deno.test(needing(missingForLinks(), name), async () => {
    // At once: most of the time each waits for a program, a device, or a time to pass.
    const failures = await Promise.all(kinds.map((kind) => failureOf(server, kind)));
    assertEquals(failures.flat(), []);
  });
}
