/**
 * Loading libc: once in a process, when first asked for.
 *
 * @module
 */

import { SYMBOLS } from "./symbols.ts";

/** Where libc is, by processor, so that `--allow-ffi` may be scoped to that one path. */
const PATHS: Partial<Record<typeof Deno.build.arch, readonly string[]>> = {
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

function load(): Libc {
  const { os, arch } = Deno.build;
  const paths = PATHS[arch];
  if (os !== "linux" || paths === undefined) {
    throw new LibcUnavailableError(
      `Cannot load libc: this system is ${os} on ${arch}; ` +
        `kernel sockets (catnap) need Linux on x86_64 or aarch64`,
    );
  }
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") {
    return open("libc.so.6");
  }
  const granted = paths.filter((path) =>
    Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
  );
  let failure: unknown;
  for (const path of granted) {
    try {
      return open(path);
    } catch (error) {
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  // Without a permission this asks for one where there is a terminal, and else throws NotCapable.
  try {
    return open(paths[0]!);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Deno.errors.NotCapable(
      `Cannot load libc: the permission is missing; run again with --allow-ffi=${paths[0]}, ` +
        `or where libc is elsewhere, with --allow-ffi`,
      { cause: error },
    );
  }
}

function open(path: string): Libc {
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
