/**
 * The versions of everything that may take part in a measurement.
 *
 * @module
 */
import { basename } from "node:path";
import { findBun } from "../_harness/bun.ts";
import { run } from "../_harness/children.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { findLibrary } from "../_harness/demikernel_peer.ts";
import type { Machine } from "../_harness/machine.ts";
import { findNode, which } from "../_harness/which.ts";

/**
 * Returns the versions by name, for the `versions` of a run: of Deno and its V8, and of what else is found.
 * Nothing is fetched or built.
 */
export async function versions(machine: Machine): Promise<Record<string, string>> {
  const found: readonly [name: string, version: string | undefined][] = [
    ["deno", Deno.version.deno],
    ["v8", Deno.version.v8],
    ["node", await ask(findNode(), /^v(\S+)/)],
    ["bun", await unlessMissing(async () => (await findBun({ fetch: false })).version)],
    ["redis-server", await ask(which("redis-server"), /\bv=(\S+)/)],
    ["cc", await ask(machine.compiler, /^(.+)/)],
    ["libdemikernel", await unlessMissing(libdemikernelVersion)],
  ];
  return Object.fromEntries(
    found.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function ask(program: string | undefined, pattern: RegExp): Promise<string | undefined> {
  if (program === undefined) return undefined;
  const { stdout } = await run([program, "--version"]);
  return pattern.exec(stdout)?.[1];
}

/** The library does not tell its version; the name does that `deno task demikernel` gives it. */
function libdemikernelVersion(): string {
  const name = basename(findLibrary());
  return /^libdemikernel-([\d.]+)-/.exec(name)?.[1] ?? "unknown, not built here";
}

async function unlessMissing(
  find: () => Promise<string> | string,
): Promise<string | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof BenchmarkError) return undefined;
    throw error;
  }
}
