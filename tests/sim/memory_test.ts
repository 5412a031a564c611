/**
 * What connections take that do nothing, and what is left of them.
 *
 * @module
 */

import { assert } from "@std/assert";

const PROGRAM = new URL("_idle.ts", import.meta.url).pathname;

Deno.test("idle connections take 5 KiB at each end with their handlers, and nothing once they are closed", async () => {
  const args = ["run", "--no-check", "--v8-flags=--expose-gc", PROGRAM, "5000"];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  const [idle, after] = JSON.parse(new TextDecoder().decode(stdout));
  assert(idle / 2 < 5 * 1024, `${idle / 2} bytes`);
  assert(after / 2 < 512, `${after / 2} bytes`);
});
