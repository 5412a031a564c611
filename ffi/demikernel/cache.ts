/**
 * Where `deno task demikernel` puts what it builds, and `load()` finds it.
 *
 * @module
 */

/** The version of the crate that is built. */
export const CRATE_VERSION = "1.5.13";

/** A libOS of the library. */
export type NativeLibOS = "catnap" | "catmem" | "catloop" | "catpowder" | "catnip";

/** A library to build: some libOSes in one file. */
export interface Build {
  /** What is compiled in. */
  readonly liboses: readonly NativeLibOS[];
  /** The profile of `crate/Cargo.toml` it is compiled with. */
  readonly profile: "release" | "unaliased";
}

/**
 * What is built apart: catpowder, since it works only where its crate is not optimised, which would make the
 * others slower; and catnip, since it needs DPDK to be there.
 */
export const BUILDS: readonly Build[] = [
  { liboses: ["catnap", "catmem", "catloop"], profile: "release" },
  { liboses: ["catpowder"], profile: "unaliased" },
  { liboses: ["catnip"], profile: "release" },
];

/** The libOSes that can be asked for. */
export const NATIVE_LIBOSES: readonly NativeLibOS[] = BUILDS.flatMap(({ liboses }) => liboses);

/** The library that has a libOS. */
export function buildOf(libos: NativeLibOS): Build {
  return BUILDS.find(({ liboses }) => liboses.includes(libos))!;
}

/**
 * This user's cache folder of this project; undefined where the environment has neither `XDG_CACHE_HOME`
 * nor `HOME`, or may not be read.
 */
export function cacheFolder(): string | undefined {
  const home = readEnv("HOME");
  const cache = readEnv("XDG_CACHE_HOME") || (home && `${home}/.cache`);
  return cache && `${cache}/demikernel-deno`;
}

/** The file name of a build: version, struct layout, processor, libOSes. */
export function fileName({ liboses }: Build): string {
  return `libdemikernel-${CRATE_VERSION}-sga40-${Deno.build.target}-${liboses.join("-")}.so`;
}

/** An environment variable; undefined if it is not set, or may not be read. Never asks for the permission. */
export function readEnv(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
