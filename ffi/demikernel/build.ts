/**
 * `deno task demikernel`: builds Microsoft's library from the Rust crate registry into the user's cache.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type Build, buildOf, BUILDS, cacheFolder, CRATE_VERSION, fileName } from "./cache.ts";
import { NATIVE_LIBOSES, type NativeLibOS } from "./cache.ts";
import { missing, readTools, type Tools } from "./build_tools.ts";

const USAGE = `Usage: deno task demikernel [--print] [LIBOS…]

Builds libdemikernel.so, version ${CRATE_VERSION} of Microsoft's demikernel crate, with cargo, and puts it in the cache.
Does nothing if it is there. It takes about two minutes on two cores, and 100 MB of crates.

  LIBOS    ${NATIVE_LIBOSES.join(", ")}
           All but catnip by default; catnip needs DPDK's headers.
  --print  Print the path of each library and build nothing.
  --help   Print this.

Libraries: ${
  BUILDS.map(({ liboses }) => liboses.join("+")).join(", ")
}; a libOS is built with those beside it.`;

/** What is copied from beside this file, since cargo needs a folder it may write to. */
const CRATE_FILES = ["Cargo.toml", "src/lib.rs"];

/** It cannot be built; reported as one line, without a stack. */
class BuildError extends Error {}

/** The builds that the command line asks for, each once. */
function chooseBuilds(liboses: readonly string[]): Build[] {
  const chosen = new Set<Build>();
  for (const libos of liboses.length > 0 ? liboses : ["catnap", "catpowder"]) {
    if (!NATIVE_LIBOSES.includes(libos as NativeLibOS)) {
      throw new BuildError(`there is no libOS "${libos}"; there is ${NATIVE_LIBOSES.join(", ")}`);
    }
    chosen.add(buildOf(libos as NativeLibOS));
  }
  return [...chosen];
}

async function build(build: Build, folder: string, tools: Tools): Promise<void> {
  const path = `${folder}/${fileName(build)}`;
  const crate = `${folder}/crate`;
  await Deno.mkdir(`${crate}/src`, { recursive: true });
  for (const file of CRATE_FILES) {
    const source = await fetch(new URL(`crate/${file}`, import.meta.url));
    await Deno.writeTextFile(`${crate}/${file}`, await source.text());
  }
  console.error(`Building ${build.liboses.join(", ")}: about two minutes…`);
  await lockVersions(crate, tools.cargo!);
  const target = `${folder}/target`;
  const args = ["build", "--locked", "--manifest-path", `${crate}/Cargo.toml`];
  args.push("--target-dir", target, "--profile", build.profile);
  args.push("--features", build.liboses.join(","));
  // The crate asks for features that a stable compiler has, and keeps behind this switch.
  const env = { RUSTC_BOOTSTRAP: "1" };
  // Progress is cargo's own, on stderr.
  const { code } = await new Deno.Command(tools.cargo!, { args, env, stdout: "inherit" }).spawn()
    .status;
  if (code !== 0) throw new BuildError(`cargo failed with code ${code}; see above`);
  // Moved into its place whole: nobody loads half a library, and who has the old one open keeps it.
  const unfinished = `${path}.${Deno.pid}`;
  await Deno.copyFile(`${target}/${build.profile}/libdemikernel_deno.so`, unfinished);
  await Deno.rename(unfinished, path);
}

/**
 * Writes `Cargo.lock`: ours names no registry, so it takes that from one that cargo makes, on whose versions nothing
 * depends then.
 */
async function lockVersions(crate: string, cargo: string): Promise<void> {
  const args = ["generate-lockfile", "--quiet", "--manifest-path", `${crate}/Cargo.toml`];
  const { success } = await new Deno.Command(cargo, { args }).spawn().status;
  const path = `${crate}/Cargo.lock`;
  const registry = success && /^source = "(.+)"$/m.exec(await Deno.readTextFile(path))?.[1];
  if (!registry) throw new BuildError("cargo cannot reach its registry; see above");
  const ours = await fetch(new URL("crate/Cargo.lock.in", import.meta.url));
  await Deno.writeTextFile(path, (await ours.text()).replaceAll("@REGISTRY@", registry));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return console.log(USAGE);
  const builds = chooseBuilds(positionals);
  const folder = cacheFolder();
  if (folder === undefined) throw new BuildError("neither XDG_CACHE_HOME nor HOME is set");
  if (values.print) return builds.forEach((build) => console.log(`${folder}/${fileName(build)}`));
  await Deno.mkdir(folder, { recursive: true });
  // Held until this process ends, however it ends: a second build waits, and then finds the library.
  using lock = await Deno.open(`${folder}/build.lock`, { write: true, create: true });
  await lock.lock(true);
  const absent: Build[] = [];
  for (const each of builds) {
    if (!await exists(`${folder}/${fileName(each)}`)) absent.push(each);
  }
  if (absent.length > 0) await buildAll(absent, folder);
  for (const each of builds) console.log(`${folder}/${fileName(each)}`);
}

async function buildAll(builds: readonly Build[], folder: string): Promise<void> {
  const tools = await readTools();
  // All are checked first: what is missing for the last one is not to be learned minutes later.
  for (const each of builds) {
    const problem = missing(tools, each);
    if (problem !== undefined) {
      throw new BuildError(`cannot build ${each.liboses.join(", ")}: ${problem}`);
    }
  }
  for (const each of builds) await build(each, folder, tools);
  // What cargo leaves behind is a hundred times the size of the libraries.
  await Deno.remove(`${folder}/target`, { recursive: true });
}

function parse(args: readonly string[]) {
  try {
    const options = { help: { type: "boolean" }, print: { type: "boolean" } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new BuildError((error as Error).message);
  }
}

try {
  await run(Deno.args);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`demikernel: ${error.message}`);
  Deno.exitCode = 1;
}
