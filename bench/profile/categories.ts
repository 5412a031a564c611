/**
 * Whose time it is.
 *
 * @module
 */
import type { CallFrame } from "./cpu_profile.ts";
import { FOREIGN } from "./foreign_calls.ts";

/** The categories, from the device up, and what each one is. */
export const CATEGORIES = {
  device: "foreign calls: the kernel's sockets, or another library",
  libOS: "our code around them: libos/catnap, libos/devices, libos/demikernel, ffi",
  stack: "our own TCP/IP: libos/inetstack",
  scheduler: "the loop, coroutines, operations, tokens, timers, the clock",
  memory: "the heap, sgas, and copies by memcpy",
  "coroutine layer": "libos/net and mod.ts",
  handler: "examples",
  "V8 and collector": "garbage collection, promises, generators and other builtins",
  Deno: "its event loop, timers, and all other code",
  idle: "nothing to do",
} as const;

/** The name of a category. */
export type Category = keyof typeof CATEGORIES;

const ROOT = new URL("../../", import.meta.url).href;

/** Foreign calls that are no business of a device. */
const FOREIGN_HELP: Readonly<Record<string, Category>> = {
  clock_gettime: "scheduler",
  memcpy: "memory",
  address_of: "memory",
  malloc: "memory",
  free: "memory",
  sgaalloc_into: "memory",
  demi_sgaalloc: "memory",
  demi_sgafree: "memory",
};

/** Paths of this project; the first that matches says it. */
const PATHS: readonly (readonly [RegExp, Category])[] = [
  [/^libos\/net\/|^mod\.ts$/, "coroutine layer"],
  [/^libos\/runtime\/memory\//, "memory"],
  [/^libos\/runtime\/(operation|scheduler)\//, "scheduler"],
  [/^libos\/inetstack\//, "stack"],
  [/^(libos|ffi)\//, "libOS"],
  [/^examples\//, "handler"],
];

/**
 * Returns the category of a function's own time.
 *
 * @param frame The function; of foreign calls, one that was given its name.
 */
export function categoryOf({ functionName, url }: CallFrame): Category {
  if (url === FOREIGN) return FOREIGN_HELP[functionName] ?? "device";
  if (url.startsWith(ROOT)) {
    const path = url.slice(ROOT.length);
    return PATHS.find(([pattern]) => pattern.test(path))?.[1] ?? "Deno";
  }
  if (functionName === "(idle)") return "idle";
  // Native code outside of any script: Deno's loop in Rust, and its functions for scripts.
  const isDeno = url !== "" || functionName === "(program)" || functionName.startsWith("op_");
  return isDeno ? "Deno" : "V8 and collector";
}

/** Returns what tables and graphs call a function. */
export function labelOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === FOREIGN) return `${name} (foreign)`;
  if (url.startsWith(ROOT)) return `${name} ${url.slice(ROOT.length)}:${lineNumber + 1}`;
  return url === "" ? name : `${name} ${url}`;
}
