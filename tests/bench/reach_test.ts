import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { spawn } from "../../bench/_harness/children.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { cDemikernelEcho } from "../../bench/_harness/demikernel_peer.ts";
import { loadConnect, loadEcho } from "../../bench/_harness/load.ts";
import { LOOPBACK, routed } from "../../bench/_harness/route.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { inC, OUR_ECHO } from "../../bench/_harness/targets.ts";
import { type Reach, reach, WAY_NAMES } from "../../bench/latency/reach.ts";
import { subjects } from "../../bench/latency/subjects.ts";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { type Missing, missingLibrary, missingUcx, missingUcxHeaders, needing } from "../_needs.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { assertMeasured, machine, missing, test } from "./_load.ts";

const ECHOES = 200;
const SIZE = 64;

/** Defines a test on a libOS, ignored with the reason where that is not to be reached. */
function testOn(libos: string, name: string, fn: (way: Reach) => Promise<void>): void {
  Deno.test({
    ...needing(missing ?? missingServer(libos) ?? unreachable(libos), name),
    async fn() {
      using way = reach(machine, libos) as Reach;
      await fn(way);
    },
  });
}

/** The way to a server on libdemikernel may be there without it: the kernel's loopback is. */
function missingServer(libos: string): Missing {
  const [provider, name] = libos.split(":");
  return provider === "demikernel" ? missingLibrary(name as NativeLibOS) : undefined;
}

/** Tried before the tests: a native library stays open, which the sanitizer would take for a leak of one. */
function unreachable(libos: string): Missing {
  const tried = reach(machine, libos);
  if ("skipped" in tried) return tried.skipped;
  tried[Symbol.dispose]();
  return undefined;
}

async function assertEchoes(command: ServerCommand): Promise<void> {
  await using server = await Server.start(machine, command);
  const result = await loadEcho(machine, server, { iterations: ECHOES, warmup: 10 });
  assertMeasured(result, ECHOES, ECHOES * SIZE);
}

for (const libos of WAY_NAMES.filter((name) => name !== "demikernel:catmem")) {
  testOn(
    libos,
    `reach() leads to our server on ${libos}, started twice`,
    async ({ libos: way }) => {
      const command = routed(OUR_ECHO.generator("adaptive", libos), way);
      await assertEchoes(command);
      await assertEchoes(command);
    },
  );

  testOn(libos, `reach() leads to the kernel's sockets beside ${libos}`, async ({ kernel }) => {
    // At the other end of catnip's wire there is none.
    assertEquals(kernel === undefined, libos === "demikernel:catnip");
    if (kernel !== undefined) await assertEchoes(routed(await inC(machine, "echo_spin"), kernel));
  });
}

for (const libos of ["demikernel:catnap", "demikernel:catloop", "demikernel:catpowder"]) {
  testOn(libos, `reach() leads to a C program on ${libos}, started twice`, (way) => leadsToC(way));
}

Deno.test({
  ...needing(
    missing ?? missingLibrary("catpowder") ?? unreachable("catpowder"),
    "reach() leads to a C program beside catpowder",
  ),
  async fn() {
    using way = reach(machine, "catpowder") as Reach;
    await leadsToC(way);
  },
});

async function leadsToC(way: Reach): Promise<void> {
  const peer = await cDemikernelEcho(machine, way.upstream!);
  const command = routed(peer, way.upstream!.route ?? way.libos);
  await assertEchoes(command);
  // It was killed, and what it left does not stand in the way of the next one.
  await assertEchoes(command);
}

Deno.test({
  ...needing(
    missingUcx() ?? missingUcxHeaders(),
    "reach() leads to a C program on UCX, started twice",
  ),
  async fn() {
    using way = reach(machine, "catmint") as Reach;
    const peer = routed(await inC(machine, "ucx_echo"), way.libos);
    await assertEchoes(peer);
    await assertEchoes(peer);
  },
});

for (const protocol of ["tcp", "udp"] as const) {
  testOn("catnip", `subjects() on catnip echo over ${protocol}, and C on its rings`, async () => {
    const only = ["c-memif", "ours-generator"];
    const options = { libos: ["catnip"], fetch: false, only };
    using found = await subjects(machine, protocol, options);
    assertEquals(found.available.map(({ id }) => id), only);
    for (const { command } of found.available) {
      await using server = await Server.start(machine, command);
      for (const size of [1, SIZE, 1448]) {
        const udp = protocol === "udp";
        const result = await loadEcho(machine, server, { iterations: ECHOES, size, udp });
        assertMeasured(result, ECHOES, ECHOES * size);
      }
    }
  });
}

Deno.test("reach() tells that catmem has no sockets", () => {
  const way = reach(machine, "demikernel:catmem");
  assert("skipped" in way);
  assertStringIncludes(way.skipped, "no sockets");
});

Deno.test("reach() refuses an unknown libOS, and lists the known ones", () => {
  const error = assertThrows(() => reach(machine, "catfish"), BenchmarkError, '"catfish"');
  for (const name of WAY_NAMES) assertStringIncludes(error.message, name);
});

testOn("demikernel:catpowder", "Reach disposal lets the hosts vanish", (way) => {
  const namespace = way.libos.serverPrefix.find((part) => part.startsWith("--net="))!.slice(6);
  assertStringIncludes(Deno.readLinkSync(namespace), "net:[");
  way[Symbol.dispose]();
  assertThrows(() => Deno.readLinkSync(namespace), Deno.errors.NotFound);
  return Promise.resolve();
});

testOn("demikernel:catloop", "loads that our client cannot make are refused", async ({ libos }) => {
  const command = routed(OUR_ECHO.generator("adaptive", "demikernel:catloop"), libos);
  await using server = await Server.start(machine, command);
  const echo = { iterations: 10 };
  for (
    const refused of [
      () => loadEcho(machine, server, { ...echo, rate: 1000 }),
      () => loadEcho(machine, server, { ...echo, pipeline: 2 }),
      () => loadConnect(machine, server, echo),
    ]
  ) {
    await assertRejects(refused, BenchmarkError, "on demikernel:catloop there is a client for");
  }
});

testOn("demikernel:catloop", "subjects() on catloop are for one client, over TCP", async () => {
  const options = { libos: ["demikernel:catloop"], fetch: false };
  const only = ["c-epoll", "c-demikernel", "ours-generator"];
  using tcp = await subjects(machine, "tcp", { ...options, only });
  assertEquals(tcp.available.map(({ id, many }) => ({ id, many })), [
    { id: "c-epoll", many: false },
    { id: "c-demikernel", many: false },
    { id: "ours-generator", many: false },
  ]);
  using udp = await subjects(machine, "udp", { ...options, only: ["c-spin", "ours-generator"] });
  assertEquals(udp.skipped.map(({ id }) => id), ["ours-generator"]);
});

testOn("demikernel:catpowder", "subjects() on catpowder serve over every protocol", async () => {
  const options = { libos: ["demikernel:catpowder"], fetch: false };
  for (const protocol of ["tcp", "udp", "kv"] as const) {
    const only = ["c-spin", "ours-generator"];
    using found = await subjects(machine, protocol, { ...options, only });
    assertEquals(found.skipped, []);
    assert(found.available.some(({ libos }) => libos !== undefined));
  }
});

Deno.test("subjects() refuses libOSes that are on different wires", async () => {
  const libos = ["catnap", "demikernel:catpowder"];
  await assertRejects(
    () => subjects(machine, "tcp", { libos, only: [], fetch: false }),
    BenchmarkError,
    "demikernel:catpowder is on a wire of its own",
  );
});

test("loadEcho() leaves a connection that stalls, on a route that does, and counts that", async () => {
  // A message is not taken when it is the hundredth one of the first connection.
  const body =
    "globalThis.stalled ??= 0; if (total === 6400 && stalled++ === 0) await new Promise(() => {})";
  const command = fakeTcp(body);
  await using server = await Server.start(machine, {
    ...command,
    route: { ...LOOPBACK, stalls: true },
  });
  const result = await loadEcho(machine, server, { iterations: ECHOES });
  assertMeasured(result, ECHOES, ECHOES * SIZE);
  assertEquals(result.lost, 1);
});

Deno.test("Server.start() rejects, and stops it, when its route cannot be completed", async () => {
  const command = fakeTcp("");
  const fails = () => {
    throw new Error("no such wire");
  };
  const start = () =>
    Server.start(machine, { ...command, route: { ...LOOPBACK, complete: fails } });
  await assertRejects(start, BenchmarkError, "Cannot reach fake: no such wire");
});

testOn(
  "demikernel:catloop",
  "an interrupt leaves no file and no shared memory behind",
  async () => {
    const folder = await Deno.makeTempDir();
    const module = (path: string) => import.meta.resolve(`../../bench/${path}.ts`);
    const code = `
    import { runProgram } from "${module("_harness/command_line")}";
    import { inspectMachine } from "${module("_harness/machine")}";
    import { cDemikernelEcho } from "${module("_harness/demikernel_peer")}";
    import { routed } from "${module("_harness/route")}";
    import { Server } from "${module("_harness/server")}";
    import { reach } from "${module("latency/reach")}";
    await runProgram({ name: "test.ts", summary: "", options: {} }, async () => {
      const machine = { ...inspectMachine(), cores: undefined };
      using way = reach(machine, "demikernel:catloop");
      const peer = routed(await cDemikernelEcho(machine, way.upstream), way.libos);
      await using server = await Server.start(machine, peer);
      console.log(way.libos.hostname + " " + server.pid + ";");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
    const child = spawn([Deno.execPath(), "eval", code], { env: { TMPDIR: folder } });
    let output = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      if (output.includes(";")) break;
    }
    const [hostname, pid] = output.split(/[ ;]/);
    const pipes = () =>
      [...Deno.readDirSync("/dev/shm")].filter(({ name }) => name.includes(`${hostname}:`));
    assert(pipes().length > 0);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
    child.kill("SIGINT");
    assertEquals((await child.status).code, 130);
    await child.stderr.cancel();
    assertEquals(pipes(), []);
    assertEquals([...Deno.readDirSync(folder)], []);
    assertThrows(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
    await Deno.remove(folder);
  },
);
