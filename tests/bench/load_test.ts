import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertRejects,
} from "@std/assert";
import { spawn } from "../../bench/_harness/children.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { loadEcho, loadHttp } from "../../bench/_harness/load.ts";
import { LOOPBACK, type Route } from "../../bench/_harness/route.ts";
import { Server } from "../../bench/_harness/server.ts";
import { inC, inDeno } from "../../bench/_harness/targets.ts";
import { needing } from "../_needs.ts";
import { fakeTcp, fakeUdp } from "./_fake_servers.ts";
import { assertMeasured, machine, missing, test } from "./_load.ts";

const echoes = { iterations: 300, warmup: 20 };
const OVER_CATNAP: Route = { ...LOOPBACK, client: { libos: "catnap" } };
const DENO_SERVE = inDeno("deno_serve.ts");

for (const route of [LOOPBACK, OVER_CATNAP]) {
  const needed = route.client === undefined ? missing : undefined;
  const name = route.client?.libos ?? "C";

  Deno.test({
    ...needing(missing, `loadEcho() counts the echoes of messages small and large, ${name} client`),
    async fn() {
      const command = { ...await inC(machine, "echo_epoll", "--block"), route };
      await using server = await Server.start(machine, command);
      assertMeasured(await loadEcho(machine, server, echoes), 300, 300 * 64);
      const large = await loadEcho(machine, server, { ...echoes, iterations: 5, size: 1 << 20 });
      assertMeasured(large, 5, 5 << 20);
      assertMeasured(await loadEcho(machine, server, { ...echoes, size: 1 }), 300, 300);
    },
  });

  Deno.test({
    ...needing(needed, `loadEcho() rejects when an echo came back wrong, ${name} client`),
    async fn() {
      const command = { ...fakeTcp("if (total > 6400) data[data.length - 1]++"), route };
      await using server = await Server.start(machine, command);
      await assertRejects(
        () => loadEcho(machine, server, echoes),
        BenchmarkError,
        "Replies of fake came back wrong: an echo came back wrong",
      );
    },
  });

  Deno.test({
    ...needing(needed, `loadEcho() rejects when the server died, ${name} client`),
    async fn() {
      const command = { ...fakeTcp("if (total > 6400) Deno.exit(7)"), route };
      await using server = await Server.start(machine, command);
      await assertRejects(
        () => loadEcho(machine, server, echoes),
        BenchmarkError,
        "Server fake died while measured (exit code 7)",
      );
    },
  });
}

test("loadEcho() rejects when more comes back than was sent", async () => {
  const body = "if (total === 6400) data = new Uint8Array([...data, ...data])";
  await using server = await Server.start(machine, fakeTcp(body));
  await assertRejects(() => loadEcho(machine, server, echoes), BenchmarkError, "came back");
});

test("loadEcho() rejects when a live server closes the connection, and says so", async () => {
  const body = "if (total === 6400) { connection.close(); return }";
  await using server = await Server.start(machine, fakeTcp(body));
  await assertRejects(
    () => loadEcho(machine, server, echoes),
    BenchmarkError,
    "Cannot measure fake: the server closed a connection",
  );
});

test("loadEcho() keeps many connections busy, or only some of them", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
  const load = { iterations: 2_000, warmup: 100, connections: 500 };
  assertMeasured(await loadEcho(machine, server, load), 2_000, 2_000 * 64);
  assertMeasured(await loadEcho(machine, server, { ...load, active: 3 }), 2_000, 2_000 * 64);
  assertMeasured(await loadEcho(machine, server, { ...load, active: 1 }), 2_000, 2_000 * 64);
});

test("loadEcho() has several requests under way on a connection, as a stream", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
  const load = { iterations: 100, warmup: 10, size: 65_536, pipeline: 16 };
  const { operations, bytes, times } = await loadEcho(machine, server, load);
  assertEquals([operations, bytes, times.length], [100, 100 * 65_536, 0]);
});

test("loadEcho() ends at the time limit", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_spin"));
  const { times, operations } = await loadEcho(machine, server, {
    iterations: 1_000_000,
    timeLimit: 50,
  });
  assertEquals(times.length, operations);
  assertGreater(1_000_000, operations);
});

test("loadEcho() tells the processor time of the server where that is asked for", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_spin"));
  // The kernel counts in steps of 10 ms.
  const long = { ...echoes, iterations: 3000 };
  assertGreater((await loadEcho(machine, server, { ...long, cpu: true })).cpu!, 0);
  assertEquals((await loadEcho(machine, server, echoes)).cpu, undefined);
});

Deno.test("loadEcho() has a client on catnap where there is no compiler", async () => {
  await using server = await Server.start(machine, fakeTcp(""));
  const bare = { ...machine, compiler: undefined };
  assertMeasured(await loadEcho(bare, server, echoes), 300, 300 * 64);
});

test("loadHttp() counts requests, beside an echo on another port too", async () => {
  await using server = await Server.start(machine, DENO_SERVE);
  await using echo = await Server.start(machine, await inC(machine, "echo_epoll", "--block"));
  for (const more of [{}, { echoPort: echo.port }]) {
    const { operations, times } = await loadHttp(machine, server, { ...echoes, ...more });
    assertEquals([operations, times.length], [300, 300]);
  }
});

Deno.test("loadHttp() asks by our client where the route has it on a libOS", async () => {
  await using server = await Server.start(machine, { ...DENO_SERVE, route: OVER_CATNAP });
  const load = { ...echoes, connections: 2, pipeline: 4 };
  const { operations, times } = await loadHttp(machine, server, load);
  assertEquals([operations, times.length], [300, 300]);
});

for (
  const [what, head] of [
    ["is no success", "HTTP/1.1 500 \\r\\ncontent-length: 1"],
    ["has no length", "HTTP/1.1 200 OK\\r\\nserver: fake"],
    ["grows", "HTTP/1.1 200 OK\\r\\ncontent-length: ${total > 1_000 ? 2 : 1}"],
  ] as const
) {
  test(`loadHttp() rejects when a reply ${what}`, async () => {
    const body =
      `data = new TextEncoder().encode(\`${head}\\r\\n\\r\\n\` + (total > 1_000 ? "aa" : "a"))`;
    for (const route of [LOOPBACK, OVER_CATNAP]) {
      await using server = await Server.start(machine, { ...fakeTcp(body), route });
      await assertRejects(
        () => loadHttp(machine, server, echoes),
        BenchmarkError,
        "came back wrong",
      );
    }
  });
}

test("loadHttp() rejects when the echo beside it came back wrong", async () => {
  await using server = await Server.start(machine, DENO_SERVE);
  await using echo = await Server.start(machine, fakeTcp("data[0]++"));
  await assertRejects(
    () => loadHttp(machine, server, { ...echoes, echoPort: echo.port }),
    BenchmarkError,
    "an echo came back wrong",
  );
});

test("loadEcho() counts from when a request was due in an open loop, so a stall shows", async () => {
  const body =
    "if (total >= 8_000 && !globalThis.stalled) { globalThis.stalled = true; stall(100) }";
  await using server = await Server.start(machine, fakeTcp(body));
  const load = { iterations: 1_000, rate: 2_000, connections: 4 } as const;
  const result = await loadEcho(machine, server, load);
  assertMeasured(result, 1_000, 1_000 * 64);
  assertEquals(result.unanswered, 0);
  // 200 requests, more or less, are due in 100 ms; those of the first 80 ms wait for 20 ms or more.
  const late = result.times.filter((time) => time >= 20e6).length;
  assertGreaterOrEqual(late, 100);
  assertGreater(result.times.toSorted()[989]!, 80e6);
});

test("loadEcho() sends on while replies are outstanding, and waits while a socket is full", async () => {
  await using server = await Server.start(machine, fakeTcp("if (total < 70000) stall(50)"));
  const load = { iterations: 40, rate: 10_000, size: 1 << 20 };
  assertMeasured(await loadEcho(machine, server, load), 40, 40 << 20);
});

test("loadEcho() ends in time when the server does not keep up, and counts the others", async () => {
  await using server = await Server.start(machine, fakeTcp("if (total > 6400) stall(60_000)"));
  const load = { iterations: 100_000, rate: 1_000, timeLimit: 500 } as const;
  const { operations, times, unanswered } = await loadEcho(machine, server, load);
  assertEquals(times.length, operations);
  assertGreater(operations, 0);
  // 1 000 a second, more or less, for half a second.
  assertGreaterOrEqual(operations + unanswered!, 400);
});

test("loadEcho() counts what was due and could not even be sent", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_spin"));
  // All of it is due within a millisecond.
  const load = { iterations: 100_000, rate: 1e8, timeLimit: 100 } as const;
  const { operations, unanswered } = await loadEcho(machine, server, load);
  assertEquals(operations + unanswered!, 100_000);
});

test("loadEcho() echoes over UDP", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_spin", "--udp"));
  assertMeasured(await loadEcho(machine, server, { ...echoes, udp: true }), 300, 300 * 64);
  const largest = await loadEcho(machine, server, { iterations: 5, udp: true, size: 65_507 });
  assertEquals(largest.operations, 5);
});

test("loadEcho() counts lost datagrams, and makes up for them", async () => {
  const command = fakeUdp("if (count % 100 === 0) continue");
  await using server = await Server.start(machine, command);
  const result = await loadEcho(machine, server, { iterations: 250, udp: true });
  assertMeasured(result, 250, 250 * 64);
  assertGreaterOrEqual(result.lost!, 2);
});

test("loadEcho() takes no late datagram for another one's reply", async () => {
  const body = "if (count === 50) { setTimeout(() => socket.send(data, from), 300); continue }";
  await using server = await Server.start(machine, fakeUdp(body));
  const load = { iterations: 1_000_000, udp: true, timeLimit: 600 };
  const { operations, times, lost } = await loadEcho(machine, server, load);
  assertEquals(times.length, operations);
  assertGreaterOrEqual(lost!, 1);
});

test("loadEcho() rejects when a datagram came back wrong", async () => {
  await using server = await Server.start(machine, fakeUdp("if (count === 50) data[7]++"));
  await assertRejects(
    () => loadEcho(machine, server, { ...echoes, udp: true }),
    BenchmarkError,
    "an echo came back wrong",
  );
});

test("loadEcho() rejects options that contradict each other", async () => {
  await using server = await Server.start(machine, await inC(machine, "echo_spin", "--udp"));
  const load = { ...echoes, udp: true };
  for (const more of [{ connections: 3 }, { rate: 1_000 }, { size: 65_508 }]) {
    const wrong = { ...load, ...more };
    await assertRejects(() => loadEcho(machine, server, wrong), BenchmarkError, "Cannot measure");
  }
});

test("a load leaves no temporary file behind, done or interrupted", async () => {
  const folder = await Deno.makeTempDir();
  const harness = (name: string) => import.meta.resolve(`../../bench/_harness/${name}.ts`);
  const code = `
    import { runProgram } from "${harness("command_line")}";
    import { loadEcho } from "${harness("load")}";
    import { Server } from "${harness("server")}";
    import { inspectMachine } from "${harness("machine")}";
    import { inC } from "${harness("targets")}";
    await runProgram({ name: "test.ts", summary: "", options: {} }, async () => {
      const machine = { ...inspectMachine(), cores: undefined };
      await using server = await Server.start(machine, await inC(machine, "echo_spin"));
      await loadEcho(machine, server, { iterations: 10 });
      console.log("left: " + [...Deno.readDirSync("${folder}")].length + ";");
      await loadEcho(machine, server, { iterations: 5_000_000 });
    });`;
  const child = spawn([Deno.execPath(), "eval", code], { env: { TMPDIR: folder } });
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.includes(";")) break;
  }
  assertEquals(output, "left: 0;\n");
  const files = () => [...Deno.readDirSync(folder)];
  for (let i = 0; files().length === 0; i++) {
    assert(i < 2_000, "the second load has begun within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGINT");
  assertEquals((await child.status).code, 130);
  await child.stderr.cancel();
  assertEquals(files(), []);
  await Deno.remove(folder);
});
