import { assert, assertEquals, assertThrows } from "@std/assert";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { run } from "../../bench/_harness/children.ts";
import type { Frame } from "../../bench/latency/plots/flame_graph.ts";
import { attribute, flameTree } from "../../bench/profile/attribution.ts";
import { type CpuProfile, parseCpuProfile } from "../../bench/profile/cpu_profile.ts";
import { nameForeignCalls } from "../../bench/profile/foreign_calls.ts";
import { mapPositions } from "../../bench/profile/positions.ts";
import { foreignCalls, type ProfileReport, SCHEMA } from "../../bench/profile/report.ts";
import { workloadOf, WORKLOADS } from "../../bench/profile/workload.ts";

const PROGRAM = new URL("../../bench/profile.ts", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).href;

/** Sums of shares of samples are exact but for rounding. */
function assertClose(actual: number, expected: number, tolerance = 1e-6): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** Makes a node of a profile; its ticks are all in one line. */
function node(
  id: number,
  functionName: string,
  path: string,
  hitCount: number,
  children: number[] = [],
  line = 0,
) {
  const url = path === "" || path.includes(":") ? path : ROOT + path;
  const callFrame = { functionName, url, lineNumber: 9, columnNumber: 2 };
  return { id, callFrame, hitCount, children, positionTicks: [{ line, ticks: hitCount }] };
}

/** 100 samples of all categories; the nodes without names are foreign calls, but for the last. */
const PROFILE: CpuProfile = {
  startTime: 1_000_000,
  endTime: 1_010_000,
  nodes: [
    node(1, "(root)", "", 0, [2, 3, 4, 5, 15, 16]),
    node(2, "(idle)", "", 10),
    node(3, "(program)", "", 2),
    node(4, "(garbage collector)", "", 3),
    node(5, "runImmediates", "ext:core/01_core.js", 1, [6]),
    node(6, "turn", "libos/runtime/scheduler/scheduler.ts", 4, [7, 10, 11, 14]),
    node(7, "receive", "libos/catnap/receiver.ts", 5, [8, 9]),
    node(8, "", "", 30, [], 20),
    node(9, "", "", 2, [], 30),
    node(10, "take", "libos/runtime/memory/heap.ts", 3),
    node(11, "generator", "examples/tcp_echo.ts", 2, [12]),
    node(12, "push", "libos/net/connection.ts", 3, [13]),
    node(13, "", "", 25, [], 40),
    node(14, "read", "libos/runtime/scheduler/epoll_parker.ts", 1, [17]),
    node(15, "next", "", 4),
    node(16, "op_immediate_check", "", 2),
    node(17, "", "", 3, [], 50),
  ],
};

const LINES: Readonly<Record<number, string>> = {
  20: "const length = this.#libc.recv(fd, this.#words.u64[BUFFER]!);",
  30: "memcpy(words.u64[TARGET]!, words.u64[BUFFER]!);",
  // The call may be further down in the statement.
  40: "this.call(",
  41: "  () => this.context.libc.send(this.fd),",
  50: "this.#libc?.clock_gettime?.(CLOCK_MONOTONIC);",
};

const NAMED = nameForeignCalls(PROFILE, (_, line) => LINES[line]);

Deno.test("nameForeignCalls() names native code by the line that called it", () => {
  const names = [8, 9, 13, 17].map((id) => NAMED.nodes[id - 1]!.callFrame.functionName);
  assertEquals(names, ["recv", "memcpy", "send", "clock_gettime"]);
});

Deno.test("nameForeignCalls() leaves native code alone where the line calls nothing foreign", () => {
  const same = nameForeignCalls(PROFILE, () => "const received = this.received(text);");
  assertEquals(same, PROFILE);
});

Deno.test("attribute() gives each category its share of a request", () => {
  const { categories } = attribute(NAMED, 10_000);
  assertEquals(Object.fromEntries(categories.map(({ category, ns }) => [category, ns])), {
    device: 5500,
    libOS: 500,
    stack: 0,
    scheduler: 800,
    memory: 500,
    "coroutine layer": 300,
    handler: 200,
    "V8 and collector": 700,
    Deno: 500,
    idle: 1000,
  });
  assertClose(categories.reduce((sum, { share }) => sum + share, 0), 1);
});

Deno.test("attribute() orders the functions by their own time, and says where they are", () => {
  const { functions } = attribute(NAMED, 10_000);
  assertEquals(functions.slice(0, 4).map(({ name, ns, category }) => [name, ns, category]), [
    ["recv (foreign)", 3000, "device"],
    ["send (foreign)", 2500, "device"],
    ["(idle)", 1000, "idle"],
    ["receive libos/catnap/receiver.ts:10", 500, "libOS"],
  ]);
  assertClose(functions.reduce((sum, { ns }) => sum + ns, 0), 10_000);
});

Deno.test("attribute() shows a category without samples as nothing", () => {
  const { categories } = attribute(
    { ...PROFILE, nodes: [node(1, "(root)", "", 0, [2]), node(2, "(idle)", "", 7)] },
    500,
  );
  assertEquals(categories.filter(({ ns }) => ns > 0).map(({ category }) => category), ["idle"]);
  assertEquals(categories.length, 10);
});

Deno.test("flameTree() sums up to the request, and no function to less than it called", () => {
  const tree = flameTree(NAMED, 10_000);
  assertClose(tree.value, 10_000);
  const check = ({ value, children }: Frame) => {
    const called = children.reduce((sum, child) => sum + child.value, 0);
    assert(value - called > -1e-6);
    children.forEach(check);
  };
  check(tree);
});

Deno.test("flameTree() makes one frame of a function that V8 told apart", () => {
  const tree = flameTree({
    ...PROFILE,
    nodes: [
      node(1, "(root)", "", 0, [2, 3]),
      node(2, "turn", "libos/runtime/scheduler/scheduler.ts", 1, [4]),
      node(3, "turn", "libos/runtime/scheduler/scheduler.ts", 2, [5]),
      node(4, "(garbage collector)", "", 3),
      node(5, "(garbage collector)", "", 4),
    ],
  }, 10);
  const turn = "turn libos/runtime/scheduler/scheduler.ts:10 [scheduler]";
  assertEquals(tree.children.map(({ name, value }) => [name, value]), [[turn, 10]]);
  assertEquals(tree.children[0]!.children.map(({ value }) => value), [7]);
});

Deno.test("mapPositions() gives functions, ticks and calls of native code their lines", () => {
  const profile = {
    ...PROFILE,
    nodes: [
      node(1, "(root)", "", 0, [2]),
      node(2, "receive", "libos/catnap/receiver.ts", 5, [3], 12),
      node(3, "", "", 30, [], 14),
    ],
  };
  // Lines were moved by a hundred, and begin in column 4.
  const mapped = mapPositions(profile, () => ({
    findEntry: (line, column) =>
      column < 2 ? {} : { originalLine: line + 100, originalColumn: column + 1 },
  }));
  const { lineNumber, columnNumber } = mapped.nodes[1]!.callFrame;
  assertEquals([lineNumber, columnNumber], [109, 3]);
  assertEquals(mapped.nodes.map(({ positionTicks }) => positionTicks![0]!.line), [0, 112, 114]);
});

Deno.test("mapPositions() leaves what has no map as it is", () => {
  assertEquals(mapPositions(PROFILE, () => undefined), PROFILE);
});

Deno.test("foreignCalls() says how each is called, and leaves the rare ones out", () => {
  const calls = [
    { symbol: "send", calls: 100, fast: 100, slow: 0 },
    { symbol: "recv", calls: 300, fast: 50, slow: 50 },
    { symbol: "epoll_wait", calls: 50, fast: 0, slow: 40 },
    { symbol: "memcpy", calls: 20, fast: 0, slow: 0 },
    { symbol: "accept4", calls: 1, fast: 0, slow: 1 },
  ];
  assertEquals(
    foreignCalls({ calls, requests: 101 }).map(({ symbol, verdict }) => `${symbol} ${verdict}`),
    ["recv mixed", "send fast", "epoll_wait slow", "memcpy hidden"],
  );
});

Deno.test("workloadOf() starts the example of each workload", () => {
  const options = { handler: "iterator", idle: "spin" };
  const servers = Object.keys(WORKLOADS).map((workload) =>
    workloadOf({ ...options, workload }).command.argv
  );
  assertEquals(
    servers.map((argv) => argv.find((word) => word.endsWith(".ts"))?.split("/").at(-1)),
    ["tcp_echo.ts", "udp_echo.ts", "kv.ts"],
  );
  assert(servers.every((argv) => argv.join(" ").includes("--idle spin")));
  assert(servers[0]!.join(" ").includes("--handler iterator"));
});

Deno.test("parseCpuProfile() refuses a profile without samples", () => {
  const text = JSON.stringify({ nodes: [node(1, "(root)", "", 0)] });
  assertThrows(() => parseCpuProfile(text), BenchmarkError, "no samples");
});

Deno.test("profile.ts shows a device at work, and leaves files that can be read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = ["--seconds", "3", "--out", folder, "--json"];
    const { code, stdout, stderr } = await run([Deno.execPath(), "run", "-A", PROGRAM, ...options]);
    assertEquals(code, 0, stderr);
    const report: ProfileReport = JSON.parse(stdout);
    assertEquals(report.schema, SCHEMA);
    const device = report.categories.find(({ category }) => category === "device")!;
    assert(device.ns > 0);
    assertClose(report.categories.reduce((sum, { share }) => sum + share, 0), 1);
    assertClose(
      report.categories.reduce((sum, { ns }) => sum + ns, 0),
      report.nsPerRequest,
      1e-3,
    );
    const send = report.foreignCalls.find(({ symbol }) => symbol === "send")!;
    assertClose(send.perRequest, 1, 0.05);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    assertEquals(JSON.parse(await read("profile.json")), report);
    const profile = parseCpuProfile(await read("profile.cpuprofile"));
    const names = profile.nodes.map(({ callFrame }) => callFrame.functionName);
    assert(names.includes("send") && names.includes("recv"));
    const svg = await read("flame.svg");
    assert(svg.startsWith("<svg ") && svg.trimEnd().endsWith("</svg>"));
    assert(svg.includes("send (foreign) [device]"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("profile.ts refuses a workload that it does not know, in one line", async () => {
  const argv = [Deno.execPath(), "run", "-A", PROGRAM, "--workload", "pigeons"];
  const { code, stdout, stderr } = await run(argv);
  assertEquals([code, stdout], [1, ""]);
  assert(/^error: Option '--workload' takes .*, not "pigeons"$/.test(stderr), stderr);
});
