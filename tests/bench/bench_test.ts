import { assertEquals, assertGreater } from "@std/assert";

Deno.test("deno bench measures our own costs, in groups, as JSON", async () => {
  const expected = {
    "1 000 operations, over at once": "operation slab: 1 µs is 1 ns per operation",
    "1 000 turns with nothing to do": "scheduler: 1 µs is 1 ns per turn",
    "1 000 calls, numbers": "FFI: 1 µs is 1 ns per call",
  };
  const files = ["slab", "scheduler", "ffi"].map((name) =>
    new URL(`../../bench/${name}_bench.ts`, import.meta.url).pathname
  );
  const filter = `/^(${Object.keys(expected).join("|")})$/`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--no-check", "--json", "--filter", filter, ...files],
    stdin: "null",
  }).output();
  assertEquals(code, 0);
  const benches: {
    readonly name: string;
    readonly group: string;
    readonly results: readonly { readonly ok?: { readonly avg: number } }[];
  }[] = JSON.parse(new TextDecoder().decode(stdout)).benches;
  const groups = Object.fromEntries(benches.map(({ name, group }) => [name, group]));
  assertEquals(groups, expected);
  for (const { results } of benches) assertGreater(results[0]!.ok!.avg, 0);
});
