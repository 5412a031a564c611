/**
 * Loading UCX: `libucp.so.0`, once in a process, when first asked for.
 *
 * @module
 */

import { libc } from "../libc/load.ts";
import { SYMBOLS } from "./symbols.ts";

/** The name by which the system loader finds it, and where it is, by processor, for a permission that is scoped. */
const NAME = "libucp.so.0";
const PATHS: Readonly<Record<string, readonly string[]>> = {
  x86_64: [`/usr/lib/x86_64-linux-gnu/${NAME}`, `/usr/lib64/${NAME}`, `/usr/lib/${NAME}`],
  aarch64: [`/usr/lib/aarch64-linux-gnu/${NAME}`, `/usr/lib64/${NAME}`, `/usr/lib/${NAME}`],
};

/** The oldest version of its interface that is understood, and tested. */
const MAJOR = 1;
const MINOR = 13;

/**
 * What UCX has to find in the environment when it is loaded, unless it says otherwise already: no handlers of signals, which
 * are V8's; no hooks into `mmap`; no word on standard error, since every failure is an error here; and shared memory that
 * can be told that a peer is gone.
 */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  UCX_ERROR_SIGNALS: "",
  UCX_HANDLE_ERRORS: "none",
  UCX_MEM_EVENTS: "n",
  UCX_WARN_UNUSED_ENV_VARS: "n",
  UCX_LOG_LEVEL: "fatal",
  UCX_MM_ERROR_HANDLING: "y",
};

/** UCX is not to be had here, or is none that is understood. The message says what to do. */
export class UcxUnavailableError extends Error {
  override readonly name = "UcxUnavailableError";
}

/** The functions of UCX. */
export type Ucx = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The version of a library: `1.13.1` is `[1, 13, 1]`. */
export type UcxVersion = readonly [major: number, minor: number, release: number];

let loaded: Ucx | undefined;

/**
 * The functions of UCX. The library is opened once and stays open.
 *
 * @throws {UcxUnavailableError} Where there is none, or one of another version; it says which package has it.
 * @throws {LibcUnavailableError} Where there is no libc.
 * @throws {Deno.errors.NotCapable} Without the permission to load it.
 */
export function ucx(): Ucx {
  return loaded ??= load();
}

/** The version of a library. */
export function versionOf(symbols: Pick<Ucx, "ucp_get_version">): UcxVersion {
  const parts = [new Uint32Array(1), new Uint32Array(1), new Uint32Array(1)] as const;
  symbols.ucp_get_version(...parts);
  return [parts[0][0]!, parts[1][0]!, parts[2][0]!];
}

/** Throws {@linkcode UcxUnavailableError} for a version that is not understood. */
export function checkVersion(version: UcxVersion): void {
  const [major, minor] = version;
  if (major === MAJOR && minor >= MINOR) return;
  throw new UcxUnavailableError(
    `Cannot use UCX: it is version ${version.join(".")}, and ${MAJOR}.${MINOR} or a later ` +
      `${MAJOR}.x is needed`,
  );
}

function load(): Ucx {
  setEnvironment();
  const symbols = openLibrary();
  checkVersion(versionOf(symbols));
  return symbols;
}

function setEnvironment(): void {
  const { setenv } = libc();
  const encoder = new TextEncoder();
  for (const [name, value] of Object.entries(ENVIRONMENT)) {
    setenv(encoder.encode(`${name}\0`), encoder.encode(`${value}\0`), 0);
  }
}

function openLibrary(): Ucx {
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") return openUcx(NAME);
  const paths = PATHS[Deno.build.arch] ?? [];
  const granted = paths.filter((path) =>
    Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
  );
  let failure: unknown;
  for (const path of granted) {
    try {
      return openUcx(path);
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? new Deno.errors.NotCapable(
    `Cannot load UCX: the permission is missing; run again with --allow-ffi, or with ` +
      `--allow-ffi=${paths[0]} beside that for libc`,
  );
}

/**
 * Opens a library as UCX; {@linkcode ucx} does so with the right one.
 *
 * @throws {UcxUnavailableError} If it is not there, or lacks a function that UCX has.
 */
export function openUcx(path: string): Ucx {
  try {
    return Deno.dlopen(path, SYMBOLS).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new UcxUnavailableError(
      `Cannot load UCX: ${path} is not there, or no UCX; on Debian and Ubuntu the package ` +
        `libucx0 has it, on Fedora and its kin ucx: ${(cause as Error).message.split("\n")[0]}`,
      { cause },
    );
  }
}
