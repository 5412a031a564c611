import { assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { run } from "./_program.ts";

Deno.test("doctor tells of each libOS whether it works, and what is missing for those that do not", async (t) => {
  const env = { DEMIKERNEL_LIBRARY: "/nonexistent/libdemikernel.so" };
  const { code, stdout, stderr } = await run("doctor", [], { env });
  assertEquals([code, stderr], [0, ""]);
  // Who is not root, or in a container, is told that as well.
  const [machine, ...liboses] = stdout.split("\n")
    .filter((line) => !/CAP_NET_RAW|CAP_BPF|\/dev\/net\/tun|for DPDK/.test(line));
  assertEquals(machine, `Deno ${Deno.version.deno} on ${Deno.build.os}, ${Deno.build.arch}`);
  // UCX may not be there.
  const told = liboses.join("\n").replace(/^(catmint +)no\n.*libucx0.*$/m, "$1yes");
  await assertSnapshot(t, told);
});
