/**
 * Loading libc: once in a process, when first asked for.
 *
 * @module
 */

import { SYMBOLS } from "./symbols.ts";

/** Where libc is, by processor, so that `--allow-ffi` may be scoped to that one path. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/libc.so.6", "/lib64/libc.so.6"],
  aarch64: ["/lib/aarch64-linux-gnu/libc.so.6", "/usr/lib/libc.so.6", "/lib64/libc.so.6"],
};

/** libc is not to be had here: another system, or no permission. */
export class LibcUnavailableError extends Error {
  override readonly name = "LibcUnavailableError";
}

/** The functions of libc. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let loaded: Libc | undefined;

/**
 * The functions of libc. The library is opened once and stays open: a call site that saw two libraries is
 * fifteen times slower for ever.
 *
 * @throws {LibcUnavailableError} On a system other than Linux on x86-64 or aarch64 with glibc.
 * @throws {Deno.errors.NotCapable} Without the permission to load it.
 */
export function libc(): Libc {
  return loaded ??= load();
}

/**
 * Where libc may be on a system, the likeliest place first.
 *
 * @throws {LibcUnavailableError} For a system other than Linux on x86-64 or aarch64.
 */
export function libcPaths(os: string, arch: string): readonly string[] {
  if (os === "linux" && Object.hasOwn(PATHS, arch)) return PATHS[arch]!;
  throw new LibcUnavailableError(
    `Cannot load libc: this system is ${os} on ${arch}; ` +
      `kernel sockets (catnap) need Linux on x86_64 or aarch64`,
  );
}

function load(): Libc {
  const paths = libcPaths(Deno.build.os, Deno.build.arch);
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") {
    return openLibc("libc.so.6");
  }
  const granted = paths.filter((path) =>
    Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
  );
  let failure: unknown;
  for (const path of granted) {
    try {
      return openLibc(path);
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  // Without a permission this asks for one where there is a terminal, and else throws NotCapable.
  try {
    return openLibc(paths[0]!);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Deno.errors.NotCapable(
      `Cannot load libc: the permission is missing; run again with --allow-ffi=${paths[0]}, ` +
        `or where libc is elsewhere, with --allow-ffi`,
      { cause: error },
    );
  }
}

/**
 * Opens a library as libc; {@linkcode libc} does so with the right one.
 *
 * @throws {LibcUnavailableError} If it is not there, or lacks a function that glibc has.
 * @throws {Deno.errors.NotCapable} Without the permission to load it.
 */
export function openLibc(path: string): Libc {
  try {
    return Deno.dlopen(path, SYMBOLS).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new LibcUnavailableError(
      `Cannot load libc: ${path} is no glibc (musl is not supported): ${(cause as Error).message}`,
      { cause },
    );
  }
}
