import { assertRejects } from "@std/assert";
import { buildPeer } from "../../bench/_harness/c_peer.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { holdConnections } from "../../bench/_harness/connections.ts";
import { inspectMachine } from "../../bench/_harness/machine.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { inC, inDeno } from "../../bench/_harness/targets.ts";
import { missingCompiler, needing } from "../_needs.ts";

// Not pinned: these tests run beside others, and look at behaviour, not at time.
const machine = { ...inspectMachine(), cores: undefined };
const missing = missingCompiler();

function fake(body: string): ServerCommand {
  const code = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("listening on 127.0.0.1:" + listener.addr.port);
    for await (const conn of listener) {
      const buffer = new Uint8Array(64);
      for (let i = 0; await conn.read(buffer) !== null; i++) { ${body}; await conn.write(buffer); }
    }`;
  return { name: "fake", argv: [Deno.execPath(), "eval", code] };
}

Deno.test({
  ...needing(missing, "holdConnections() holds connections until it is disposed of"),
  async fn() {
    await using server = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
    await using _held = await holdConnections(server, 50, 2);
    await server.assertAlive();
  },
});

Deno.test({
  ...needing(missing, "holdConnections() rejects when the server answers wrongly"),
  async fn() {
    await using server = await Server.start(machine, fake("buffer[0]++"));
    await assertRejects(
      () => holdConnections(server, 1, 1),
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
    await using server = await Server.start(machine, inDeno("deno_echo.ts"));
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
