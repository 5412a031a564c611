/**
 * What the tests of the binding to libdemikernel share: the library, a stand-in for it, and child processes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { COMPILER, findLibrary, missingCompiler, missingLibrary, needing } from "../_needs.ts";
import type { Action } from "./_demikernel_child.ts";

/** A test on the library itself. */
export function nativeTest(
  libos: NativeLibOS,
  name: string,
  run: (path: string) => Promise<void>,
): void {
  Deno.test({
    ...needing(missingLibrary(libos), name),
    fn: () => run(findLibrary(libos)!),
  });
}

/** A test that compiles C. */
export function compilingTest(name: string, run: () => Promise<void>): void {
  Deno.test({ ...needing(missingCompiler(), name), fn: run });
}

/** A folder that goes away with its scope. */
export class Folder implements Disposable {
  /** Where it is. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "demikernel-test-" });

  /** Writes a file, and gives its path. */
  write(name: string, text: string): string {
    const path = `${this.path}/${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** Compiles C, and gives the path of what comes out. */
  async compile(source: string, name: string, ...flags: string[]): Promise<string> {
    const path = `${this.path}/${name}`;
    const args = ["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-o", path, source, ...flags];
    const { code, stderr } = await new Deno.Command(COMPILER, { args }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return path;
  }

  /** Makes a library that stands in for libdemikernel.so. */
  async mock(layout: "1513" | "2025" | "0"): Promise<string> {
    const source = new URL("_demikernel_mock.c", import.meta.url).pathname;
    // It depends on libc also where it calls nothing of it, as the library does.
    const flags = ["-shared", "-fPIC", "-Wl,--no-as-needed", `-DLAYOUT=${layout}`];
    return await this.compile(source, `libmock${layout}.so`, ...flags);
  }

  /** Writes the configuration that catnap and catmem need. */
  configuration(): string {
    return this.write("demikernel.yaml", "demikernel:\n  local_ipv4_addr: 127.0.0.1\n");
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** How a child runs. */
export interface ChildOptions {
  /** Flags of `deno run`. */
  readonly flags?: readonly string[];
  /** More environment variables. */
  readonly env?: Record<string, string>;
}

/** What became of a child. */
export interface ChildResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a Deno process of its own. */
export async function runDeno(
  program: string,
  args: readonly string[],
  { flags = ["-A"], env = {} }: ChildOptions = {},
): Promise<ChildResult> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, new URL(program, import.meta.url).href, ...args],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Does something with a library in a process of its own, and gives what came out. */
export async function inChild(
  action: Action,
  path: string,
  configuration: string,
  options?: ChildOptions,
): Promise<unknown> {
  const args = [action, path, configuration];
  const { code, stdout, stderr } = await runDeno("_demikernel_child.ts", args, options);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}
