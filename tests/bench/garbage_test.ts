import { assert, assertEquals, assertGreater } from "@std/assert";
import { NO_PAUSES, parsePauses, PauseLog } from "../../bench/_harness/garbage.ts";
import { inspectMachine } from "../../bench/_harness/machine.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { traced } from "../../bench/_harness/targets.ts";
import { findNode } from "../../bench/_harness/which.ts";
import { needing } from "../_needs.ts";

const machine = { ...inspectMachine(), cores: undefined };

// As Node.js 20 printed them, and then Deno 2.9.6.
const LINES: readonly [line: string, count: number, total: number, longest: number][] = [
  [
    "[5786:0x3bc7ac40]       23 ms: Scavenge 3.9 (4.0) -> 3.8 (5.0) MB, 1.60 / 0.00 ms  " +
    "(average mu = 1.000, current mu = 1.000) allocation failure; ",
    1,
    1_600_000,
    1_600_000,
  ],
  [
    "[6313:0x35fd6c00]      551 ms: Mark-Compact 133.0 (166.6) -> 56.2 (90.7) MB, 44.83 / 0.00 ms  " +
    "(+ 0.3 ms in 4 steps since start of marking, biggest step 0.1 ms, walltime since start of " +
    "marking 50 ms) (average mu = 1.000, current mu = 1.000) finalize incremental marking via " +
    "stack guard; GC in old space requested",
    5,
    45_130_000,
    44_830_000,
  ],
  [
    "[5794:0x55a7d3703000]       89 ms: Scavenge (during sweeping) 2.2 (27.8) -> 2.3 (27.8) MB, " +
    "pooled: 45.0 MB, 0.07 / 0.00 ms (average mu = 0.971, current mu = 0.971) testing; ",
    1,
    70_000,
    70_000,
  ],
  [
    "[6322:0x556de6c43000]      697 ms: Incremental Mark-Compact 256.2 (265.3) -> 55.9 (74.5) MB, " +
    "pooled: 177.0 MB, 0.51 / 0.00 ms (+ 1.2 ms in 2 steps since start of marking, biggest step " +
    "0.7 ms, walltime since start of marking 26 ms) (average mu = 0.966, current mu = 0.966) " +
    "finalize incremental marking via stack guard; GC in old space requested",
    3,
    1_710_000,
    700_000,
  ],
];

Deno.test("parsePauses() reads the lines of Node.js and Deno, with the steps of marking", () => {
  for (const [line, count, total, longest] of LINES) {
    assertEquals(parsePauses(line), { count, total, longest });
  }
});

Deno.test("parsePauses() gives undefined for any other line", () => {
  assertEquals(parsePauses("listening on 127.0.0.1:7000"), undefined);
  assertEquals(parsePauses(""), undefined);
});

Deno.test("PauseLog counts lines that come in pieces, from a mark on", () => {
  const log = new PauseLog();
  const [first, second] = LINES;
  log.write(`listening on 127.0.0.1:7000\n${first![0]}\n${second![0].slice(0, 40)}`);
  const mark = log.length;
  assertEquals(mark, 1);
  assertEquals(log.since(mark), NO_PAUSES);
  log.write(`${second![0].slice(40)}\n`);
  assertEquals(log.since(mark), { count: 5, total: 45_130_000, longest: 44_830_000 });
  assertEquals(log.since(0), { count: 6, total: 46_730_000, longest: 44_830_000 });
});

/** Collects its garbage for whoever connects, and then tells so. */
const COLLECTOR = `import { createServer } from "node:net";
  const server = createServer((socket) => {
    gc();
    gc();
    socket.end("x");
  });
  server.listen(0, "127.0.0.1", () => {
    console.log("listening on 127.0.0.1:" + server.address().port);
  });`;

async function collect(server: Server): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  assertEquals(await conn.read(new Uint8Array(1)), 1);
}

async function assertTells(command: ServerCommand): Promise<void> {
  await using server = await Server.start(machine, command);
  const before = await server.mark();
  await collect(server);
  const pauses = await server.pausesSince(before);
  assert(pauses !== undefined);
  assertGreater(pauses.count, 1);
  assertGreater(pauses.total, pauses.longest);
  assertGreater(pauses.longest, 0);
  assertEquals(await server.pausesSince(await server.mark()), NO_PAUSES);
}

Deno.test("Server.pausesSince() tells the pauses of Deno since a mark", async () => {
  const file = `data:text/javascript,${encodeURIComponent(COLLECTOR)}`;
  const argv = [Deno.execPath(), "run", "-A", "--v8-flags=--expose-gc", file];
  await assertTells(traced({ name: "Deno", argv }));
});

const node = findNode();
const missingNode = node === undefined ? "needs node: apt install nodejs" : undefined;

Deno.test({
  ...needing(missingNode, "Server.pausesSince() tells the pauses of Node.js since a mark"),
  async fn() {
    const argv = [node!, "--expose-gc", "--input-type=module", "--eval", COLLECTOR];
    await assertTells(traced({ name: "node", argv }));
  },
});

Deno.test("Server.pausesSince() gives undefined for a server that does not tell", async () => {
  const argv = [Deno.execPath(), "eval", COLLECTOR.replaceAll("gc();", "")];
  await using server = await Server.start(machine, { name: "silent", argv });
  const mark = await server.mark();
  await collect(server);
  assertEquals(await server.pausesSince(mark), undefined);
});
