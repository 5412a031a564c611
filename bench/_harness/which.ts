/**
 * Finding programs on `PATH`.
 *
 * @module
 */

/** Returns the full path of the first of `names` that `PATH` has, or `undefined`. */
export function which(...names: string[]): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const name of names) {
    const candidates = name.includes("/") ? [name] : folders.map((folder) => `${folder}/${name}`);
    const found = candidates.find(isExecutable);
    if (found !== undefined) return found;
  }
  return undefined;
}

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

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
