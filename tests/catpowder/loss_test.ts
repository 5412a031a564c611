/**
 * catpowder and the Linux kernel over a link that loses, doubles, marks and delays frames. `deno task bulk` sends a gigabyte,
 * `deno task loss` measures.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { ALL_FAULTS, serveTransfers, transfer } from "./_under_loss.ts";
import { FaultyLink } from "../_network/faulty_link.ts";
import { missingForLinks } from "../_network/link.ts";
import { missingProgram, needing } from "../_needs.ts";

const MEGABYTES = 20;

const missing = missingForLinks() ?? missingProgram("nft") ?? missingProgram("tc");

Deno.test({
  ...needing(missing, `${MEGABYTES} MB each way over a bad link arrive as they were sent`),
  async fn() {
    using link = new FaultyLink("libos");
    await link.set(ALL_FAULTS);
    await shell(link, "echo 1 > /proc/sys/net/ipv4/tcp_ecn");
    await using server = await serveTransfers(link, "catpowder");
    const up = transfer(link, server.port, "up", MEGABYTES);
    const seen = watch(link);
    const { here, there } = await up;
    assertEquals(there, here);
    // The kernel tells what the connection had in use.
    assertMatch(await seen, /ts sack ecn .* delivered_ce:\d+/);
    const down = await transfer(link, server.port, "down", MEGABYTES);
    assertEquals(down.here, here);
  },
});

/** What `ss` says of the connection as soon as a mark of congestion was told of. */
function watch(link: FaultyLink): Promise<string> {
  return shell(
    link,
    "for i in $(seq 500); do ss -tino | grep delivered_ce && exit; sleep 0.01; done",
  );
}

async function shell(link: FaultyLink, line: string): Promise<string> {
  const { stdout } = await link.kernel.command("bash", { args: ["-c", line] }).output();
  return new TextDecoder().decode(stdout);
}
