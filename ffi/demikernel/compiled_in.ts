/**
 * Which libOSes a library has: asking it for one that it has not ends the process.
 *
 * @module
 */

import { BUILDS, fileName, NATIVE_LIBOSES, type NativeLibOS } from "./cache.ts";

/**
 * Tells which libOSes were compiled into a library; undefined if that cannot be told, since the file may not be
 * read, or is not known by its path. A library of our own tells by its name, another by the paths of its sources,
 * which are in its log messages.
 */
export function compiledIn(path: string): readonly NativeLibOS[] | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const build = BUILDS.find((build) => fileName(build) === name);
  if (build !== undefined) return build.liboses;
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  let text: string;
  try {
    text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
  } catch {
    return undefined;
  }
  const found = NATIVE_LIBOSES.filter((libos) => text.includes(`/${libos}/`));
  return found.length > 0 ? found : undefined;
}
