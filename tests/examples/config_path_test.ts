/**
 * `CONFIG_PATH`, the configuration file of a native libOS.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkConfiguration, toYaml } from "../../libos/demikernel/configuration.ts";
import { Folder, nativeTest } from "../ffi/_demikernel.ts";
import { Program, run } from "./_program.ts";

const LIBOS = "demikernel:catnap";

nativeTest("catnap", "an example has the address that the file in CONFIG_PATH says", async () => {
  using folder = new Folder();
  const address = "127.0.0.7";
  const text = toYaml(checkConfiguration("catnap", { address }));
  const env = { LIBOS, CONFIG_PATH: folder.write("catnap.yaml", text) };
  await using program = await Program.start("tcp_echo", ["--hostname", "0.0.0.0"], { env });
  assertStringIncludes(program.line, `listening on ${address}:`);
});

nativeTest("catnap", "an example says one line when CONFIG_PATH names no file", async () => {
  const env = { LIBOS, CONFIG_PATH: "/nonexistent.yaml" };
  const { code, stdout, stderr } = await run("tcp_echo", [], { env });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^error: [^\n]*\/nonexistent\.yaml[^\n]*\n$/);
});

Deno.test("CONFIG_PATH is nothing to a libOS that has no such file", async () => {
  const env = { LIBOS: "catnap", CONFIG_PATH: "/nonexistent.yaml" };
  await using program = await Program.start("tcp_echo", [], { env });
  assertStringIncludes(program.line, "over catnap (typescript)");
});
