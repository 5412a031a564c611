/**
 * What the native provider needs of Deno, and what it says without.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Folder, nativeTest, runDeno } from "../ffi/_demikernel.ts";

/** Where libc is on this machine. */
const LIBC = `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`;
/** Where the configuration for upstream is written, and removed again. */
const TEMPORARY = Deno.env.get("TMPDIR") ?? "/tmp";
const PROGRAM = "../demikernel/_open.ts";
const NAME = "demikernel:catnap";

/** The least there is, with the library named by the environment. */
function scoped(path: string, ...without: string[]): string[] {
  return [
    `--allow-ffi=${LIBC},${path}`,
    `--allow-write=${TEMPORARY}`,
    "--allow-env=DEMIKERNEL_LIBRARY",
  ].filter((flag) => !without.some((one) => flag.startsWith(`--allow-${one}`)));
}

nativeTest("catnap", "open() works with scoped permissions alone", async (path) => {
  const env = { DEMIKERNEL_LIBRARY: path };
  const { stdout, stderr } = await runDeno(PROGRAM, [NAME], { flags: scoped(path), env });
  assertEquals({ stdout, stderr }, { stdout: "hello\n", stderr: "" });
});

nativeTest(
  "catnap",
  "open() finds the library in the cache with permission for where that is",
  async (path) => {
    const flags = [...scoped(path, "env"), "--allow-env=HOME,XDG_CACHE_HOME,DEMIKERNEL_LIBRARY"];
    const { stdout, stderr } = await runDeno(PROGRAM, [NAME], { flags });
    assertEquals({ stdout, stderr }, { stdout: "hello\n", stderr: "" });
  },
);

nativeTest("catnap", "open() reads an existing file with permission to read it", async (path) => {
  using folder = new Folder();
  const file = folder.configuration();
  const env = { DEMIKERNEL_LIBRARY: path };
  const args = [NAME, file];
  const flags = [...scoped(path), `--allow-read=${file}`];
  const { stdout, stderr } = await runDeno(PROGRAM, args, { flags, env });
  assertEquals({ stdout, stderr }, { stdout: "hello\n", stderr: "" });
  const without = await runDeno(PROGRAM, args, { flags: scoped(path), env });
  assertMatch(without.stdout, /^NotCapable: .*read/);
});

nativeTest(
  "catnap",
  "open() throws NotCapable, and names what is missing, without a permission",
  async (path) => {
    const env = { DEMIKERNEL_LIBRARY: path };
    const cases: [flags: string[], message: string][] = [
      [[], "--allow-ffi"],
      [scoped(path, "ffi"), "--allow-ffi"],
      [[`--allow-ffi=${LIBC}`, ...scoped(path, "ffi")], "--allow-ffi"],
      [scoped(path, "write"), "write"],
      [scoped(path, "env"), "--allow-env"],
    ];
    for (const [flags, message] of cases) {
      const { code, stdout, stderr } = await runDeno(PROGRAM, [NAME], { flags, env });
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^NotCapable: /);
      assertStringIncludes(stdout, message);
    }
  },
);

Deno.test("open() throws NotCapable without any permission, library or not", async () => {
  const { stdout } = await runDeno(PROGRAM, [NAME], { flags: [] });
  assertMatch(stdout, /^NotCapable: .*--allow-ffi/s);
});
