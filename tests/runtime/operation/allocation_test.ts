import { assertEquals, assertLess } from "@std/assert";

Deno.test("operations of a generator allocate nothing", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--v8-flags=--min-semi-space-size=64,--max-semi-space-size=64",
      new URL("_allocation_child.ts", import.meta.url).pathname,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((row) => row.split(" "));
  assertEquals(rows.map(([name]) => name), ["echo", "queue"]);
  // The smallest object has 16 bytes. What is left is the loop's own, once in many operations.
  for (const [name, bytes] of rows) assertLess(Number(bytes), 4, `${name} allocates`);
});
