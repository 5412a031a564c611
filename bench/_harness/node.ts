/**
 * Finding Node.js.
 *
 * @module
 */
import { which } from "./which.ts";

/**
 * Returns the path of Node.js on `PATH`, or `undefined`. Where there is none, Deno puts a `node` on the `PATH` of
 * its process that is Deno itself, and no peer.
 */
export function findNode(): string | undefined {
  const path = which("node");
  if (path === undefined) return undefined;
  const isDeno = Deno.realPathSync(path) === Deno.realPathSync(Deno.execPath());
  return isDeno ? undefined : path;
}
