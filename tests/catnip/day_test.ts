import { assertEquals } from "@std/assert";
import { day } from "./day.ts";
import { missingDpdk, needing } from "../_needs.ts";
import { missingForLinks } from "../_network/link.ts";

const noLinux = Deno.build.os === "linux" ? undefined : "needs Linux";

for (const [kind, why] of [["memif", noLinux], ["xdp", missingForLinks()]] as const) {
  Deno.test({
    ...needing(why, `${kind} is as before when its other end was killed, stopped and cut off`),
    fn: () => day(kind, 3),
  });
}

Deno.test({
  ...needing(
    missingForLinks() ?? missingDpdk("tap"),
    "dpdk is as before when its other end was killed, stopped and cut off",
  ),
  async fn() {
    // In a process of its own, since EAL stays there.
    const program = new URL("day.ts", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", program, "3", "dpdk"];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const [said, failure] = [stdout, stderr].map((text) => new TextDecoder().decode(text));
    assertEquals(said, "dpdk: the other end was killed 3 times, and all is as before\n", failure);
  },
});
