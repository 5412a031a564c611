import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { buildPeer } from "../../bench/_harness/c_peer.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { Connections } from "../../bench/_harness/connections.ts";
import { inspectMachine } from "../../bench/_harness/machine.ts";
import { type Client, pingpong } from "../../bench/_harness/pingpong.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { cEpollEcho, cSpinEcho, denoListenEcho } from "../../bench/_harness/targets.ts";
import { missingCompiler, needing } from "../_needs.ts";

// Not pinned: these tests run beside others, and look at behaviour, not at time.
const machine = { ...inspectMachine(), cores: undefined };
const missing = missingCompiler();
const load = { iterations: 200, warmup: 20, timeLimit: 2_000 };
const clients: Client[] = ["c", "deno"];

function fake(body: string): ServerCommand {
  const code = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("listening on 127.0.0.1:" + listener.addr.port);
    for await (const conn of listener) {
      const buffer = new Uint8Array(64);
      for (let i = 0; await conn.read(buffer) !== null; i++) { ${body}; await conn.write(buffer); }
    }`;
  return { name: "fake", argv: [Deno.execPath(), "eval", code] };
}

for (const client of clients) {
  const needed = client === "c" ? missing : undefined;

  Deno.test({
    ...needing(needed, `pingpong() measures Deno.listen with the ${client} client`),
    async fn() {
      await using server = await Server.start(machine, denoListenEcho());
      const latency = await pingpong(machine, server, load, client);
      assertGreater(latency.iterations, 0);
      assertGreater(latency.p50, 0);
      assertGreater(latency.max, latency.min);
    },
  });

  Deno.test({
    ...needing(needed, `pingpong() rejects when an echo came back wrong, ${client} client`),
    async fn() {
      await using server = await Server.start(machine, fake("if (i === 99) buffer[63]++"));
      await assertRejects(
        () => pingpong(machine, server, load, client),
        BenchmarkError,
        "Echoes of fake came back wrong",
      );
    },
  });

  Deno.test({
    ...needing(needed, `pingpong() rejects when the server died, ${client} client`),
    async fn() {
      await using server = await Server.start(machine, fake("if (i === 99) Deno.exit(7)"));
      await assertRejects(
        () => pingpong(machine, server, load, client),
        BenchmarkError,
        "Server fake died while measured (exit code 7)",
      );
    },
  });
}

Deno.test({
  ...needing(missing, "pingpong() measures the C servers, beside idle connections too"),
  async fn() {
    await using spin = await Server.start(machine, await cSpinEcho(machine));
    assertEquals((await pingpong(machine, spin, load)).iterations > 0, true);
    await using epoll = await Server.start(machine, await cEpollEcho(machine, true));
    const latency = await pingpong(machine, epoll, { ...load, size: 100_000, idleConnections: 50 });
    assertGreater(latency.iterations, 0);
  },
});

Deno.test({
  ...needing(missing, "Connections.open() holds connections until it is disposed of"),
  async fn() {
    await using server = await Server.start(machine, await cEpollEcho(machine, true));
    await using _held = await Connections.open(machine, server, { count: 50, echoes: 2 });
    await server.assertAlive();
  },
});

Deno.test({
  ...needing(missing, "Connections.open() rejects when the server answers wrongly"),
  async fn() {
    await using server = await Server.start(machine, fake("buffer[0]++"));
    await assertRejects(
      () => Connections.open(machine, server, { count: 1, echoes: 1 }),
      BenchmarkError,
      "an echo came back wrong",
    );
  },
});

Deno.test("Server.start() rejects with the output of a server that ends at once", async () => {
  const command = { name: "fake", argv: [Deno.execPath(), "eval", "console.error('no luck')"] };
  await assertRejects(() => Server.start(machine, command), BenchmarkError, "no luck");
});

Deno.test("Server disposal leaves no process behind", async () => {
  let pid: number;
  {
    await using server = await Server.start(machine, denoListenEcho());
    pid = server.pid;
  }
  await assertRejects(() => Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
});

Deno.test("buildPeer() says what to do when there is no compiler", async () => {
  await assertRejects(
    () => buildPeer({ ...machine, compiler: undefined }, "calibrate"),
    BenchmarkError,
    "no C compiler found",
  );
});
