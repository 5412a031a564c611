import { assert, assertEquals } from "@std/assert";
import { removeStaleMemory } from "./_stale_memory.ts";
import { clearLeftovers } from "./_leftovers.ts";
import { Folder } from "./ffi/_demikernel.ts";

const PRELOAD = new URL("_preload.ts", import.meta.url).pathname;
const DECODER = new TextDecoder();

/** A test that starts a process, says which, and waits for its end; or does nothing. */
const WAITING = `Deno.test("waits", async () => {
  const child = new Deno.Command("sleep", { args: ["600"], stdout: "null" }).spawn();
  console.log("started " + child.pid + ";");
  await child.status;
});`;
const EMPTY = `Deno.test("does nothing", () => {});`;

/** Runs of tests of their own: what they start belongs to them, and not to this run. */
class Runs implements AsyncDisposable {
  readonly #folder = new Folder();
  readonly #started = new Set<Deno.ChildProcess>();

  /** Starts one. */
  start(text: string): Deno.ChildProcess {
    const file = this.#folder.write(`${crypto.randomUUID()}_test.ts`, text);
    const run = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", `--preload=${PRELOAD}`, file],
      env: { NO_COLOR: "1", DEMIKERNEL_TEST_RUN: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#started.add(run);
    return run;
  }

  /** Starts one that starts a process, and gives both. */
  async startWaiting(): Promise<{ run: Deno.ChildProcess; pid: number }> {
    const run = this.start(WAITING);
    let output = "";
    for await (const chunk of run.stdout) {
      output += DECODER.decode(chunk);
      const pid = /started (\d+);/.exec(output)?.[1];
      if (pid !== undefined) return { run, pid: Number(pid) };
    }
    throw new Error(`nothing was started: ${output}`);
  }

  /** Kills those that still run. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#started) {
      try {
        run.kill("SIGKILL");
      } catch {
        // It ended.
      }
      await run.status;
    }
    this.#folder[Symbol.dispose]();
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

Deno.test("a run of the tests ends what a killed one has left, and nothing of a live one", async () => {
  let live: number;
  {
    await using runs = new Runs();
    const other = await runs.startWaiting();
    live = other.pid;
    const killed = await runs.startWaiting();
    killed.run.kill("SIGKILL");
    await killed.run.status;
    const next = runs.start(EMPTY);
    assertEquals((await next.output()).code, 0);
    assertEquals([isAlive(killed.pid), isAlive(live)], [false, true]);
  }
  await clearLeftovers();
  assertEquals(isAlive(live), false);
});

/** Shared memory as upstream makes it; some have it mapped. */
class SharedMemory implements Disposable {
  readonly path = `/dev/shm/demikernel-test-${crypto.randomUUID()}`;
  readonly #file = Deno.openSync(this.path, { createNew: true, write: true, read: true });

  /** Whether it is still there. */
  isThere(): boolean {
    return [...Deno.readDirSync("/dev/shm")].some(({ name }) => this.path.endsWith(name));
  }

  /** A process that has it mapped, until it is killed. */
  async map(): Promise<Deno.ChildProcess> {
    this.#file.truncateSync(4096);
    const code = `
      const { symbols } = Deno.dlopen("libc.so.6", {
        open: { parameters: ["buffer", "i32"], result: "i32" },
        mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
      });
      const fd = symbols.open(new TextEncoder().encode("${this.path}\\0"), 0);
      symbols.mmap(0n, 4096n, /* PROT_READ */ 1, /* MAP_SHARED */ 1, fd, 0n);
      console.log("mapped");
      setTimeout(() => {}, 600_000);`;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = process.stdout.getReader();
    await reader.read();
    await reader.cancel();
    return process;
  }

  [Symbol.dispose](): void {
    this.#file.close();
    if (this.isThere()) Deno.removeSync(this.path);
  }
}

Deno.test("removeStaleMemory() removes what nobody has mapped, unless it was made just now", async () => {
  using stale = new SharedMemory();
  using mapped = new SharedMemory();
  const process = await mapped.map();
  try {
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    using fresh = new SharedMemory();
    removeStaleMemory();
    assertEquals([stale, mapped, fresh].map((memory) => memory.isThere()), [false, true, true]);
  } finally {
    process.kill("SIGKILL");
    await process.status;
  }
  removeStaleMemory();
  assert(!mapped.isThere());
});
