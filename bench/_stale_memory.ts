/**
 * What processes on catloop that were killed have left in shared memory. Upstream gives connections the same
 * names again, and cannot make one whose name is there.
 *
 * @module
 */

const FOLDER = "/dev/shm";

/** Removes the shared memory of upstream's that no process has mapped. */
export function removeStaleMemory(): void {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  const maps = [...Deno.readDirSync("/proc")].map(({ name }) => readMaps(name)).join("\n");
  for (const name of names.filter((name) => name.startsWith("demikernel-"))) {
    if (!maps.includes(`${FOLDER}/${name}`)) Deno.removeSync(`${FOLDER}/${name}`);
  }
}

function readMaps(pid: string): string {
  try {
    return /^\d+$/.test(pid) ? Deno.readTextFileSync(`/proc/${pid}/maps`) : "";
  } catch {
    // It ended meanwhile, or is another user's, whose memory cannot be removed here either.
    return "";
  }
}
