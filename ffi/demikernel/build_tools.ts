/**
 * What building the library needs, and how to install what is missing.
 *
 * @module
 */

import type { Build } from "./cache.ts";

/** What is there to build with. */
export interface Tools {
  /** Rust's package manager; undefined if there is none. */
  readonly cargo: string | undefined;
  /** Whether there is a C compiler, which also links. */
  readonly compiler: boolean;
  /** What DPDK's binding needs and is missing. */
  readonly missingForDpdk: readonly string[];
}

/** Looks what is there. */
export async function readTools(): Promise<Tools> {
  const home = Deno.env.get("HOME") ?? "";
  const cargo = await firstThatRuns(["cargo", `${home}/.cargo/bin/cargo`]);
  const compiler = await firstThatRuns([Deno.env.get("CC") || "cc"]) !== undefined;
  const missingForDpdk: string[] = [];
  if (!await runs("pkg-config", "--exists", "libdpdk")) missingForDpdk.push("libdpdk-dev");
  if (!await runs("pkg-config", "--version")) missingForDpdk.push("pkg-config");
  if (!await runs("clang", "--version")) missingForDpdk.push("clang", "libclang-dev");
  return { cargo, compiler, missingForDpdk };
}

/** What is missing for a build, and how to install it; undefined if nothing is. */
export function missing(tools: Tools, { liboses }: Build): string | undefined {
  if (tools.cargo === undefined) {
    return "cargo was not found; install Rust with rustup (1.95 is known to do), or put cargo on the PATH";
  }
  if (!tools.compiler) {
    return "no C compiler was found (looked for $CC, cc), which also links; install one: " +
      "apt install build-essential";
  }
  if (liboses.includes("catnip") && tools.missingForDpdk.length > 0) {
    return `DPDK's headers, or what reads them, are missing; install them: ` +
      `apt install ${tools.missingForDpdk.join(" ")} libnuma-dev`;
  }
  return undefined;
}

async function firstThatRuns(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    if (await runs(program, "--version")) return program;
  }
  return undefined;
}

async function runs(program: string, ...args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch {
    return false;
  }
}
