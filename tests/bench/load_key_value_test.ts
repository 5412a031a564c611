import { assertRejects } from "@std/assert";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { loadKeyValue } from "../../bench/_harness/load.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { assertMeasured, machine, test } from "./_load.ts";

function ourKeyValue(): ServerCommand {
  const path = new URL("../../examples/kv.ts", import.meta.url).pathname;
  return { name: "kv", argv: [Deno.execPath(), "run", "-A", path, "--port", "0"] };
}

test("loadKeyValue() checks GET and SET, at every depth", async () => {
  await using server = await Server.start(machine, ourKeyValue());
  const load = { iterations: 2_000, warmup: 100, keys: 500 };
  assertMeasured(await loadKeyValue(machine, server, load), 2_000, 2_000 * 64);
  const deep = { ...load, pipeline: 16, connections: 3, getShare: 0.9 };
  assertMeasured(await loadKeyValue(machine, server, deep), 2_000, 2_000 * 64);
  const short = { ...load, connections: 1, pipeline: 7, getShare: 1 };
  assertMeasured(await loadKeyValue(machine, server, short), 2_000, 2_000 * 64);
});

for (
  const [what, getShare, reply] of [
    ["an error", 1, '"-ERR no\\r\\n"'],
    ["another value", 1, 'command === "SET" ? "+OK\\r\\n" : "$4\\r\\nxxxx\\r\\n"'],
    ["no value", 1, 'command === "SET" ? "+OK\\r\\n" : "$-1\\r\\n"'],
    ["one reply too many", 0, '"+OK\\r\\n+OK\\r\\n"'],
  ] as const
) {
  test(`loadKeyValue() rejects ${what}`, async () => {
    const body = `const command = new TextDecoder().decode(data.subarray(8, 11));
      data = new TextEncoder().encode(${reply})`;
    await using server = await Server.start(machine, fakeTcp(body));
    const load = { iterations: 100, connections: 1, keys: 1, getShare };
    await assertRejects(
      () => loadKeyValue(machine, server, load),
      BenchmarkError,
      "Replies of fake came back wrong",
    );
  });
}

test("loadKeyValue() rejects when the server died", async () => {
  const body = "if (total > 5_000) Deno.exit(7); data = new TextEncoder().encode('+OK\\r\\n')";
  await using server = await Server.start(machine, fakeTcp(body));
  const load = { iterations: 1_000, connections: 1, keys: 1, getShare: 0 };
  await assertRejects(
    () => loadKeyValue(machine, server, load),
    BenchmarkError,
    "Server fake died while measured (exit code 7)",
  );
});
