import { assertRejects } from "@std/assert";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { loadConnect } from "../../bench/_harness/load.ts";
import { Server } from "../../bench/_harness/server.ts";
import { inC } from "../../bench/_harness/targets.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { assertMeasured, machine, test } from "./_load.ts";

test("loadConnect() makes connections, one by one", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
  const load = { iterations: 200, warmup: 10 };
  assertMeasured(await loadConnect(machine, server, load), 200, 200 * 64);
});

test("loadConnect() rejects when an echo came back wrong", async () => {
  const body = "globalThis.count = (globalThis.count ?? 0) + 1; if (count === 50) data[63]++";
  await using server = await Server.start(machine, fakeTcp(body));
  await assertRejects(
    () => loadConnect(machine, server, { iterations: 200 }),
    BenchmarkError,
    "Replies of fake came back wrong",
  );
});
