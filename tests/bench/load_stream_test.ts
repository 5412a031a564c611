import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { loadConnect, loadStream } from "../../bench/_harness/load.ts";
import { Server } from "../../bench/_harness/server.ts";
import { inC } from "../../bench/_harness/targets.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { assertMeasured, machine, test } from "./_load.ts";

test("loadStream() gets all bytes back", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
  const one = await loadStream(machine, server, { bytes: 5_000_001, warmup: 100_000 });
  assertEquals([one.bytes, one.times.length], [5_000_001, 0]);
  assertGreater(one.operations, 5_000_001 / 65_536 - 1);
});

test("loadStream() rejects when a byte came back wrong", async () => {
  await using server = await Server.start(machine, fakeTcp("if (total > 200_000) data[0]++"));
  await assertRejects(
    () => loadStream(machine, server, { bytes: 1_000_000 }),
    BenchmarkError,
    "Replies of fake came back wrong",
  );
});

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
