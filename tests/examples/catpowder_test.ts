/**
 * The tests of the examples that serve, unchanged, on our catpowder: clients are on the Linux kernel at the other end.
 *
 * @module
 */

import { assert } from "@std/assert";
import { KernelLink, KINDS, missingForLinks } from "../_network/link.ts";
import { needing } from "../_needs.ts";
import { SITE, type Site } from "./_program.ts";

/** Those that serve. What is not among them needs no libOS of its own, or runs on the simulated network. */
const SERVERS = ["chat", "echo", "http", "kv_server", "mdns", "relay", "rpc"];

for (const kind of KINDS) {
  for (const server of SERVERS) {
    // Groups are the kernel's there: docs/catpowder.md.
    if (kind === "xdp" && server === "mdns") continue;
    const name = `${server}_test.ts passes with LIBOS=catpowder on ${kind}`;
    Deno.test(needing(missingForLinks(), name), async () => {
      using link = new KernelLink(kind);
      const { device, host } = link.port;
      const site: Site = { device, namespace: host.path };
      const file = new URL(`${server}_test.ts`, import.meta.url).pathname;
      const preload = new URL("../_preload.ts", import.meta.url).pathname;
      const args = ["test", "-A", "--no-check", "--unstable-net", `--preload=${preload}`, file];
      const options = { args, env: { [SITE]: JSON.stringify(site), NO_COLOR: "1" } };
      const { success, stdout } = await link.kernel.command(Deno.execPath(), options).output();
      assert(success, new TextDecoder().decode(stdout));
    });
  }
}
