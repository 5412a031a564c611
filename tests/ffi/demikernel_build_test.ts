import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { BUILDS, fileName } from "../../ffi/demikernel/cache.ts";
import { missing } from "../../ffi/demikernel/build_tools.ts";
import { type ChildResult, Folder, runDeno } from "./_demikernel.ts";

/** Runs the program, with a cache of its own and no cargo to be found. */
function run(folder: Folder, ...args: string[]): Promise<ChildResult> {
  return runDeno("../../ffi/demikernel/build.ts", args, {
    env: { XDG_CACHE_HOME: folder.path, HOME: folder.path, PATH: folder.path },
  });
}

function path(folder: Folder, build: number): string {
  return `${folder.path}/demikernel-deno/${fileName(BUILDS[build]!)}`;
}

Deno.test("demikernel --print prints where the libraries go, and builds nothing", async () => {
  using folder = new Folder();
  const lines = (...builds: number[]) => builds.map((build) => `${path(folder, build)}\n`).join("");
  assertEquals((await run(folder, "--print")).stdout, lines(0, 1));
  assertEquals((await run(folder, "--print", "catnip")).stdout, lines(2));
  assertEquals((await run(folder, "--print", "catmem", "catloop")).stdout, lines(0));
  const entries = Array.from(Deno.readDirSync(folder.path), ({ name }) => name);
  assertEquals(entries.includes("demikernel-deno"), false);
});

Deno.test("demikernel --help names every libOS", async (t) => {
  using folder = new Folder();
  const { code, stdout } = await run(folder, "--help");
  assertEquals(code, 0);
  await assertSnapshot(t, stdout.replaceAll(folder.path, "…"));
});

Deno.test("demikernel ends with one line when it is used wrong", async () => {
  using folder = new Folder();
  for (const wrong of ["catfish", "--fast"]) {
    const { code, stdout, stderr } = await run(folder, wrong);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
    assertStringIncludes(stderr, wrong);
  }
});

Deno.test("demikernel says how to install cargo when there is none", async () => {
  using folder = new Folder();
  const { code, stderr } = await run(folder);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "cargo was not found; install Rust");
});

Deno.test("demikernel does nothing when the library is there", async () => {
  using folder = new Folder();
  Deno.mkdirSync(`${folder.path}/demikernel-deno`);
  Deno.writeTextFileSync(path(folder, 0), "");
  const { code, stdout, stderr } = await run(folder, "catnap", "catmem");
  assertEquals([code, stdout, stderr], [0, `${path(folder, 0)}\n`, ""]);
});

Deno.test("missing() says what to install for each build", () => {
  const tools = { cargo: "cargo", compiler: true, missingForDpdk: ["libdpdk-dev", "clang"] };
  const [software, , catnip] = BUILDS;
  assertEquals(missing(tools, software!), undefined);
  assertStringIncludes(missing(tools, catnip!)!, "apt install libdpdk-dev clang");
  assertEquals(missing({ ...tools, missingForDpdk: [] }, catnip!), undefined);
  assertStringIncludes(missing({ ...tools, compiler: false }, software!)!, "build-essential");
  assertStringIncludes(missing({ ...tools, cargo: undefined }, software!)!, "Rust");
});
