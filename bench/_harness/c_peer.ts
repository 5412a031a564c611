/**
 * Building the peers that are written in C.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { cacheFolder } from "../../ffi/demikernel/cache.ts";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";

const FLAGS = ["-std=gnu99", "-O2", "-Wall", "-Wextra", "-pthread"];
/** Where Debian has the headers of DPDK. */
const DPDK = ["/usr/include/dpdk", `/usr/include/${Deno.build.arch}-linux-gnu/dpdk`];
/** Libraries come after the source that needs them. */
const LIBRARIES = ["-lm"];
const MORE_FLAGS: Readonly<Record<string, readonly string[]>> = {
  memif_demikernel: [
    ...DPDK.map((folder) => `-I${folder}`),
    ...["-include", "rte_config.h", "-march=native", "-shared", "-fPIC", "-Wl,--no-as-needed"],
    "-lrte_ethdev",
  ],
  ucx_echo: ["-lucp", "-lucs"],
};
const HEADERS = ["peer.h", "load.h", "frames.h"];
const built = new Map<string, string>();

/**
 * Returns the path of a C peer, by the name of its source below `bench/peers/`. It is compiled unless the cache has it
 * already. The cache is keyed by the source, so that an edit is never measured through an old binary.
 *
 * @throws {BenchmarkError} If there is no compiler, or it refuses the source.
 */
export async function buildPeer(machine: Machine, name: string): Promise<string> {
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
  const cache = cacheFolder();
  const made = cache && `${cache}/bench`;
  if (made !== undefined) await Deno.mkdir(made, { recursive: true });
  const path = `${
    made ?? await Deno.makeTempDir({ prefix: "demikernel-bench-" })
  }/${name}-${await key(machine.compiler, folder, name)}`;
  if (!existsSync(path)) {
    // Compiled beside its place and then moved there: another run never sees half a program.
    const unfinished = `${path}.${Deno.pid}`;
    const libraries = [...LIBRARIES, ...MORE_FLAGS[name] ?? []];
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

async function key(compiler: string, folder: URL, name: string): Promise<string> {
  const sources = await Promise.all(
    [...HEADERS, `${name}.c`].map((file) => Deno.readTextFile(new URL(file, folder))),
  );
  const flags = [...FLAGS, ...LIBRARIES, ...MORE_FLAGS[name] ?? []];
  const text = [Deno.build.target, compiler, ...flags, ...sources].join("\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 16);
}
