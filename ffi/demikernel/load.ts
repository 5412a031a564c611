/**
 * Finding and loading `libdemikernel.so`.
 *
 * The first of these that is given is the one, and it has to load: the path that the caller names, then the
 * one that `DEMIKERNEL_LIBRARY` names. Else the first of these that loads: the one that `deno task demikernel`
 * put in the cache, then `libdemikernel.so` wherever the system loader finds it.
 *
 * @module
 */

import { buildOf, cacheFolder, fileName, type NativeLibOS, readEnv } from "./cache.ts";
import { compiledIn } from "./compiled_in.ts";
import { type DemikernelSymbols, SYMBOLS } from "./symbols.ts";

/** `libdemikernel.so` is not to be had here, or is not one that is understood. The message says what to do. */
export class DemikernelUnavailableError extends Error {
  override readonly name = "DemikernelUnavailableError";
}

/** A loaded library. */
export interface Library {
  /** Where it was found. */
  readonly path: string;
  /** Its functions. */
  readonly symbols: DemikernelSymbols;
}

/** The name that is left to the system loader. */
const SYSTEM_NAME = "libdemikernel.so";

const loaded = new Map<string, Library>();

/**
 * Loads the library that has a libOS. One file is opened once in a process, or Worker, and stays open: a call
 * site that saw two libraries is fifteen times slower for ever.
 *
 * @param libos What it must have compiled in.
 * @param path An absolute path, or one relative to the working directory; nothing else is tried then.
 * @throws {DemikernelUnavailableError} If there is none; it lists every place that was tried.
 * @throws {Deno.errors.NotCapable} If there may be one, but the permission to load it is missing.
 */
export function load(libos: NativeLibOS, path?: string): Library {
  if (Deno.build.os !== "linux" || !["x86_64", "aarch64"].includes(Deno.build.arch)) {
    throw new DemikernelUnavailableError(
      `Cannot load libdemikernel: this system is ${Deno.build.os} on ${Deno.build.arch}; ` +
        `it needs Linux on x86_64 or aarch64`,
    );
  }
  const search = new Search(libos);
  const environment = readEnv("DEMIKERNEL_LIBRARY") || undefined;
  const named = path ?? environment;
  const found = named === undefined
    ? search.cache() ?? search.system()
    : search.file(path === undefined ? "DEMIKERNEL_LIBRARY" : "the path that was given", named);
  if (found === undefined) throw search.failure(named !== undefined);
  return found;
}

/** One search, and what came of it so far. */
class Search {
  readonly #libos: NativeLibOS;
  readonly #tried: string[] = [];
  /** The flags that would let places be looked at that are forbidden. */
  readonly #flags: string[] = [];

  constructor(libos: NativeLibOS) {
    this.#libos = libos;
  }

  cache(): Library | undefined {
    const folder = cacheFolder();
    if (folder !== undefined) {
      return this.file("the cache", `${folder}/${fileName(buildOf(this.#libos))}`);
    }
    if (Deno.permissions.querySync({ name: "env", variable: "HOME" }).state === "granted") {
      this.#tried.push("the cache: neither XDG_CACHE_HOME nor HOME is set");
    } else {
      this.#tried.push("the cache: the permission to read where it is, is missing");
      this.#flags.push("--allow-env=HOME,XDG_CACHE_HOME,DEMIKERNEL_LIBRARY", "--allow-ffi");
    }
    return undefined;
  }

  system(): Library | undefined {
    // Where the permission is scoped to a path, Deno takes a bare name for a file in the working directory.
    if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") {
      return this.file("the system loader", SYSTEM_NAME);
    }
    this.#tried.push(`the system loader, ${SYSTEM_NAME}: needs --allow-ffi without a path`);
    return undefined;
  }

  file(place: string, path: string): Library | undefined {
    const known = loaded.get(path);
    if (known !== undefined) return this.#has(place, known) ? known : undefined;
    if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") {
      this.#tried.push(`${place}, ${path}: the permission is missing`);
      this.#flags.push(`--allow-ffi=${path}`);
      return undefined;
    }
    try {
      const library = { path, symbols: Deno.dlopen(path, SYMBOLS).symbols };
      loaded.set(path, library);
      return this.#has(place, library) ? library : undefined;
    } catch (error) {
      // The first line says it all; Deno adds the path, and on the second line, a hint for Windows.
      this.#tried.push(`${place}, ${path}: ${(error as Error).message.split("\n")[0]}`);
      return undefined;
    }
  }

  #has(place: string, { path }: Library): boolean {
    const liboses = compiledIn(path);
    if (liboses === undefined || liboses.includes(this.#libos)) return true;
    this.#tried.push(`${place}, ${path}: has ${liboses.join(", ")} only`);
    return false;
  }

  failure(named: boolean): Error {
    const tried = this.#tried.map((line) => `\n  - ${line}`).join("");
    const what = `Cannot load libdemikernel with ${this.#libos}. Tried:${tried}\n`;
    // A place that may not be looked at may hold one, so permission comes first.
    if (this.#flags.length > 0) {
      return new Deno.errors.NotCapable(
        `${what}Run again with ${this.#flags.join(" ")}\n` +
          `If there is none, build one with: deno task demikernel ${this.#libos}`,
      );
    }
    return new DemikernelUnavailableError(
      named
        ? `${what}Nothing else is tried when a path is given. Give another one, or none.`
        : `${what}Build one with: deno task demikernel ${this.#libos}\n` +
          `Or give the path of one that was made elsewhere in DEMIKERNEL_LIBRARY.`,
    );
  }
}
