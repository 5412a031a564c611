import { assert, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { whyUnavailable } from "../../bench/_availability.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { Message, SIZE } from "../../bench/_message.ts";
import { needing } from "../_needs.ts";

const FOLDER = new URL("../../bench/", import.meta.url).pathname;
/** Marks the processes of one run, so that they are found among those of others. */
const MARK = "DEMIKERNEL_BENCH_TEST";
/** How long servers may take to notice that nobody needs them, in milliseconds. */
const PATIENCE = 6_000;

const catnapMissing = whyUnavailable("catnap");

interface Result {
  readonly name: string;
  readonly group: string;
  readonly baseline: boolean;
  readonly results: readonly { readonly ok?: { readonly avg: number } }[];
}

function command(mark: string, files: readonly string[], filter: string, env = {}): Deno.Command {
  const flags = ["bench", "-A", "--no-check", "--json", "--filter", filter];
  return new Deno.Command(Deno.execPath(), {
    args: [...flags, ...files.map((file) => `${FOLDER}${file}_bench.ts`)],
    env: { NO_COLOR: "1", [MARK]: mark, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function bench(files: readonly string[], filter: string, env = {}) {
  const mark = crypto.randomUUID();
  const { code, stdout, stderr } = await command(mark, files, filter, env).output();
  const decoder = new TextDecoder();
  const benches: Result[] = JSON.parse(decoder.decode(stdout)).benches;
  return { mark, code, benches, stderr: decoder.decode(stderr) };
}

/** The processes of a run that still live. */
function processes(mark: string): number[] {
  const marked = `${MARK}=${mark}`;
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return pid > 0 && Deno.readTextFileSync(`/proc/${pid}/environ`).includes(marked);
    } catch {
      // It ended meanwhile, or is somebody else's.
      return false;
    }
  });
}

async function until(reached: () => boolean): Promise<boolean> {
  const end = performance.now() + PATIENCE;
  while (!reached() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return reached();
}

Deno.test("deno bench measures our own costs, in groups, as JSON", async () => {
  const expected = {
    "1 000 operations, over at once": "operation slab: 1 µs is 1 ns per operation",
    "1 000 turns with nothing to do": "scheduler: 1 µs is 1 ns per turn",
    "1 000 calls, numbers": "FFI: 1 µs is 1 ns per call",
  };
  const files = ["slab", "scheduler", "ffi"];
  const names = Object.keys(expected).join("|");
  const { code, benches } = await bench(files, `/^(${names})$/`);
  assertEquals(code, 0);
  const groups = Object.fromEntries(benches.map(({ name, group }) => [name, group]));
  assertEquals(groups, expected);
  for (const { results } of benches) assertGreater(results[0]!.ok!.avg, 0);
});

Deno.test({
  ...needing(
    catnapMissing,
    "deno bench measures an echo beside its baseline, and leaves no server behind",
  ),
  async fn() {
    const { mark, code, benches } = await bench(["echo"], "/^(Deno.listen|catnap, generator)$/");
    assertEquals(code, 0);
    assertEquals(benches.map(({ name, baseline }) => [name, baseline]), [
      ["Deno.listen", true],
      ["catnap, generator", false],
    ]);
    assertEquals(new Set(benches.map(({ group }) => group)), new Set(["TCP echo, 64 B"]));
    for (const { results } of benches) assertGreater(results[0]!.ok!.avg, 0);
    assert(await until(() => processes(mark).length === 0), "a server stayed behind");
  },
});

Deno.test({
  ...needing(catnapMissing, "the servers of deno bench end with it when it is killed"),
  async fn() {
    const mark = crypto.randomUUID();
    const child = command(mark, ["echo"], "/^catnap, generator$/").spawn();
    const output = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    // Itself, and the server.
    const started = await until(() => processes(mark).length >= 2);
    child.kill("SIGKILL");
    await child.status;
    assert(started, "no server was started");
    assert(await until(() => processes(mark).length === 0), "a server stayed behind");
    await output;
  },
});

Deno.test("deno bench says why it leaves a libOS out, and fails not", async () => {
  const env = { DEMIKERNEL_LIBRARY: "/nowhere/libdemikernel.so" };
  const { code, stderr } = await bench(["echo_catloop"], "/^demikernel:catloop, generator$/", env);
  assertEquals(code, 0);
  assertMatch(stderr, /^bench: no "demikernel:catloop, generator" here: .*\/nowhere\//m);
});

Deno.test("Message.take() says when the echo is whole, also in parts", () => {
  const message = new Message();
  const bytes = message.next().slice();
  assertEquals(message.take(bytes.subarray(0, 10)), false);
  assertEquals(message.take(bytes.subarray(10)), true);
  assertEquals(bytes.length, SIZE);
});

Deno.test("Message.take() throws for what was not sent, as the echo of the message before", () => {
  const message = new Message();
  const before = message.next().slice();
  message.next();
  assertThrows(() => message.take(before), BenchmarkError, "byte 0 of echo 2 came back wrong");
  message.next();
  assertThrows(() => message.take(new Uint8Array(SIZE + 1)), BenchmarkError, "came back wrong");
});
