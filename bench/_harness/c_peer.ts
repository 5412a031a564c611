/**
 * Building the peers that are written in C.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";

/** The C programs below `bench/peers/`. */
export type CPeer =
  | "calibrate"
  | "demikernel_echo"
  | "echo_epoll"
  | "echo_spin"
  | "load_connect"
  | "load_echo"
  | "load_http"
  | "load_kv"
  | "load_stream"
  | "memif_echo"
  | "pingpong"
  | "ucx_echo"
  | "xdp_echo";

const FLAGS = ["-std=gnu99", "-O2", "-Wall", "-Wextra", "-pthread"];
/** Libraries come after the source that needs them. */
const LIBRARIES = ["-lm"];
const MORE_LIBRARIES: Partial<Record<CPeer, readonly string[]>> = { ucx_echo: ["-lucp", "-lucs"] };
const HEADERS = ["peer.h", "load.h", "frames.h"];
const built = new Map<CPeer, string>();

/**
 * Returns the path of a C peer, which is compiled unless the cache has it already. The cache is keyed
 * by the source, so that an edit is never measured through an old binary.
 *
 * @throws {BenchmarkError} If there is no compiler, or it refuses the source.
 */
export async function buildPeer(machine: Machine, name: CPeer): Promise<string> {
  if (machine.compiler === undefined) {
    throw new BenchmarkError(
      `Cannot build bench/peers/${name}.c: no C compiler found (looked for $CC, cc, gcc, clang); ` +
        "install one, or run bench/demo.ts, which does without",
    );
  }
  const known = built.get(name);
  if (known !== undefined) return known;
  const folder = new URL("../peers/", import.meta.url);
  const source = new URL(`${name}.c`, folder).pathname;
  const path = `${await cacheFolder()}/${name}-${await key(machine.compiler, folder, name)}`;
  if (!existsSync(path)) {
    // Compiled beside its place and then moved there: another run never sees half a program.
    const unfinished = `${path}.${Deno.pid}`;
    const libraries = [...LIBRARIES, ...MORE_LIBRARIES[name] ?? []];
    const argv = [machine.compiler, ...FLAGS, "-o", unfinished, source, ...libraries];
    const { code, stderr } = await run(argv);
    if (code !== 0) {
      throw new BenchmarkError(`Cannot build bench/peers/${name}.c: ${argv.join(" ")}\n${stderr}`);
    }
    await Deno.rename(unfinished, path);
  }
  built.set(name, path);
  return path;
}

async function key(compiler: string, folder: URL, name: CPeer): Promise<string> {
  const sources = await Promise.all(
    [...HEADERS, `${name}.c`].map((file) => Deno.readTextFile(new URL(file, folder))),
  );
  const text = [Deno.build.target, compiler, ...FLAGS, ...LIBRARIES, ...sources].join("\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 16);
}

async function cacheFolder(): Promise<string> {
  const home = Deno.env.get("HOME");
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? (home && `${home}/.cache`);
  if (!cache) return await Deno.makeTempDir({ prefix: "demikernel-bench-" });
  const folder = `${cache}/demikernel-deno/bench`;
  await Deno.mkdir(folder, { recursive: true });
  return folder;
}
