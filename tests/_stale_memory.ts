/**
 * What processes on catloop that were killed have left in shared memory. Upstream gives connections the same
 * names again, and cannot make one whose name is there.
 *
 * @module
 */

const FOLDER = "/dev/shm";
/** A process that makes shared memory has mapped it by then, in milliseconds. */
const MAPPED_MS = 2_000;

/** Removes the shared memory of upstream's, and of this user's, that no process has mapped. */
export function removeStaleMemory(): void {
  const paths = [...Deno.readDirSync(FOLDER)].map(({ name }) => `${FOLDER}/${name}`);
  const candidates = paths.filter((path) =>
    path.startsWith(`${FOLDER}/demikernel-`) && isOld(path)
  );
  if (candidates.length === 0) return;
  const maps = [...Deno.readDirSync("/proc")].map(({ name }) => readMaps(name)).join("\n");
  for (const path of candidates.filter((path) => !maps.includes(path))) {
    try {
      Deno.removeSync(path);
    } catch (error) {
      // Another run was quicker.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function isOld(path: string): boolean {
  try {
    const { uid, ctime } = Deno.statSync(path);
    return uid === Deno.uid() && Date.now() - ctime!.getTime() > MAPPED_MS;
  } catch {
    // It has been removed meanwhile.
    return false;
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
