/**
 * Captures, read by Wireshark's own tshark: nothing malformed, no checksum wrong.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runCaptured } from "./_captured.ts";

/** What tshark has to say against a frame. */
const WRONG = [
  "_ws.malformed",
  ...["ip", "tcp", "udp", "icmp", "icmpv6", "igmp"].map((one) => `${one}.checksum.status == 0`),
].join(" or ");

async function tshark(file: string, filter: string): Promise<string> {
  const checks = ["ip", "tcp", "udp"].flatMap((one) => ["-o", `${one}.check_checksum:TRUE`]);
  const { stdout } = await new Deno.Command("tshark", {
    args: ["-r", file, ...checks, "-Y", filter],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

function isThere(): boolean {
  try {
    return new Deno.Command("tshark", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

for (const version of [4, 6] as const) {
  Deno.test({
    name: `tshark finds nothing wrong in a capture of IPv${version}`,
    ignore: !isThere(),
    async fn() {
      const file = await Deno.makeTempFile({ suffix: ".pcapng" });
      try {
        await Deno.writeFile(file, await runCaptured(version));
        assertEquals(await tshark(file, WRONG), "");
        assertEquals((await tshark(file, "tcp")).split("\n").length > 300, true);
      } finally {
        await Deno.remove(file);
      }
    },
  });
}
