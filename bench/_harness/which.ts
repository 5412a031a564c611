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

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
