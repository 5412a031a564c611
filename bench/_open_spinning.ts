/**
 * Opening the libOS of a client, which spins.
 *
 * @module
 */
import { type LibOS, type LibOSName, open } from "../mod.ts";

/** Where upstream looks for the path of its configuration. */
const CONFIG_PATH = "CONFIG_PATH";

/**
 * Opens a libOS that spins while it waits. A native one is told of its configuration by the environment,
 * where servers that start later must not find it: the file is gone by then. Throws as {@linkcode open}.
 */
export function openSpinning(libos: LibOSName): LibOS {
  const before = Deno.env.get(CONFIG_PATH);
  try {
    return open({ libos, idle: "spin" });
  } finally {
    if (before === undefined) Deno.env.delete(CONFIG_PATH);
    else Deno.env.set(CONFIG_PATH, before);
  }
}
