import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildOf, CRATE_VERSION, fileName } from "../../ffi/demikernel/cache.ts";
import { compilingTest, Folder, nativeTest, runDeno } from "./_demikernel.ts";

/** Loads in a process of its own, with a cache and a setting that are given, and tells what came out. */
async function loading(
  args: readonly string[],
  env: { readonly cache: string; readonly library?: string; readonly paths?: string },
  flags: readonly string[] = ["-A"],
): Promise<string> {
  const { stdout, stderr } = await runDeno("_demikernel_load.ts", args, {
    flags,
    env: {
      XDG_CACHE_HOME: env.cache,
      DEMIKERNEL_LIBRARY: env.library ?? "",
      LD_LIBRARY_PATH: env.paths ?? "",
    },
  });
  assertEquals(stderr, "");
  return stdout.trimEnd();
}

/** Where a build is in a cache. */
function inCache(cache: string, libos: "catnap" | "catpowder"): string {
  return `${cache}/demikernel-deno/${fileName(buildOf(libos))}`;
}

/** Puts a file into a cache. */
function putInCache(cache: string, libos: "catnap" | "catpowder", source: string): string {
  const path = inCache(cache, libos);
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.copyFileSync(source, path);
  return path;
}

Deno.test("load() lists every place that it tried, and what to do", async () => {
  using folder = new Folder();
  const told = await loading(["catpowder"], { cache: folder.path });
  assertStringIncludes(
    told,
    "DemikernelUnavailableError: Cannot load libdemikernel with catpowder. Tried:\n",
  );
  assertStringIncludes(told, `  - the cache, ${inCache(folder.path, "catpowder")}: `);
  assertStringIncludes(told, "  - the system loader, libdemikernel.so: ");
  assertStringIncludes(told, "\nBuild one with: deno task demikernel catpowder\n");
  assertStringIncludes(told, "DEMIKERNEL_LIBRARY");
});

Deno.test("load() tries nothing else when a path is given", async () => {
  using folder = new Folder();
  const path = folder.write("no-library.so", "text");
  const env = { cache: folder.path, library: "/nowhere.so" };
  for (const args of [["catnap", path], ["catnap"]]) {
    const told = await loading(args, env);
    const place = args.length > 1
      ? `the path that was given, ${path}`
      : "DEMIKERNEL_LIBRARY, /nowhere.so";
    assertStringIncludes(told, `DemikernelUnavailableError: Cannot load libdemikernel with catnap`);
    assertEquals(told.match(/^ {2}- .*$/gm)?.length, 1);
    assertStringIncludes(told, `\n  - ${place}: `);
    assertStringIncludes(told, "Nothing else is tried when a path is given");
  }
});

Deno.test("load() says that a library is none", async () => {
  using folder = new Folder();
  const env = { cache: folder.path, library: "libc.so.6" };
  assertStringIncludes(await loading(["catnap"], env), "undefined symbol: demi_");
});

compilingTest(
  "load() takes the path, then the setting, then the cache, then the system's",
  async () => {
    using folder = new Folder();
    const mock = await folder.mock("1513");
    const cached = putInCache(folder.path, "catnap", mock);
    const [given, set] = [`${folder.path}/given.so`, `${folder.path}/set.so`];
    for (const path of [given, set, `${folder.path}/libdemikernel.so`]) {
      Deno.copyFileSync(
        mock,
        path,
      );
    }
    const all = { cache: folder.path, library: set, paths: folder.path };
    assertEquals(await loading(["catnap", given], all), given);
    assertEquals(await loading(["catnap"], all), set);
    const unset = { cache: folder.path, paths: folder.path };
    assertEquals(await loading(["catnap"], unset), cached);
    assertEquals(await loading(["catpowder"], unset), "libdemikernel.so");
  },
);

compilingTest("load() refuses a library that has not the libOS", async () => {
  using folder = new Folder();
  const mock = await folder.mock("1513");
  const ours = putInCache(folder.path, "catpowder", mock);
  const env = { cache: folder.path };
  assertStringIncludes(await loading(["catnap", ours], env), `${ours}: has catpowder only`);
  // A library that was made elsewhere tells by the paths of its sources.
  const theirs = `${folder.path}/theirs.so`;
  Deno.copyFileSync(mock, theirs);
  Deno.writeTextFileSync(theirs, " src/rust/catmem/queue.rs", { append: true });
  assertStringIncludes(await loading(["catnap", theirs], env), `${theirs}: has catmem only`);
  assertEquals(await loading(["catmem", theirs], env), theirs);
});

compilingTest("load() needs only the permission for the library", async () => {
  using folder = new Folder();
  const path = await folder.mock("1513");
  const env = { cache: folder.path };
  assertEquals(await loading(["catnap", path], env, [`--allow-ffi=${path}`]), path);
  const told = await loading(["catnap", path], env, []);
  assertStringIncludes(told, "NotCapable: Cannot load libdemikernel with catnap");
  assertStringIncludes(told, `${path}: the permission is missing`);
  assertStringIncludes(told, `Run again with --allow-ffi=${path}\n`);
});

Deno.test("load() says which permissions are missing when it has none", async () => {
  using folder = new Folder();
  const told = await loading(["catnap"], { cache: folder.path }, []);
  assertStringIncludes(told, "NotCapable: Cannot load libdemikernel with catnap");
  assertStringIncludes(
    told,
    "Run again with --allow-env=HOME,XDG_CACHE_HOME,DEMIKERNEL_LIBRARY --allow-ffi",
  );
});

nativeTest("catnap", "load() finds the library that is built, by name", async (path) => {
  const { stdout } = await runDeno("_demikernel_load.ts", ["catnap"], {
    env: { DEMIKERNEL_LIBRARY: "" },
  });
  assertEquals(stdout.trimEnd(), path);
  assertStringIncludes(path, CRATE_VERSION);
});
