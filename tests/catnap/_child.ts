/**
 * Programs in processes of their own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** How a program is run. */
export interface ProgramOptions {
  /** The most file descriptors that it may have; as many as this process by default. */
  readonly descriptors?: number;
  /** What Deno may do; all by default. */
  readonly flags?: readonly string[];
  /** Environment variables. */
  readonly env?: Record<string, string>;
}

/** Runs a program in which `open` is imported and `libos` is a catnap; gives the lines that it said. */
export async function runProgram(program: string, options: ProgramOptions = {}): Promise<string[]> {
  const { descriptors, flags = ["--allow-all"], env = {} } = options;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import { open } from ${JSON.stringify(MOD)};\n${program}`,
  );
  const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  try {
    const { code, signal, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", `${limit}exec "$@"`, "sh", Deno.execPath(), "run", "--no-check", ...flags, file],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      signal: AbortSignal.timeout(20_000),
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals([code, signal], [0, null]);
    return decoder.decode(stdout).trimEnd().split("\n");
  } finally {
    await Deno.remove(file);
  }
}
