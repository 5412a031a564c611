/**
 * What a run of the tests that was killed has left behind: processes, some of which spin, and their shared
 * memory. The next run clears it.
 *
 * @module
 */

import { removeStaleMemory } from "./_stale_memory.ts";

/**
 * The environment variable that says which run started a process. All that a run starts inherit it, whatever
 * they are and whoever of them starts them.
 */
const RUN = "DEMIKERNEL_TEST_RUN";

/** How long killed processes may take to be gone, in milliseconds, and how often to look. */
const GONE_MS = 10_000;
const LOOK_MS = 10;

/** Says of all that this process starts from now on that it belongs to this run, or to the one it is in itself. */
export function markRun(): void {
  const run = Deno.env.get(RUN);
  if (!run || !isLive(run)) Deno.env.set(RUN, describe(Deno.pid)!);
}

/** Kills the processes of runs that are no more, and removes the shared memory that nobody has. */
export async function clearLeftovers(): Promise<void> {
  const leftovers = orphans().map((pid) => [pid, describe(pid)] as const);
  for (const [pid] of leftovers) kill(pid);
  const end = performance.now() + GONE_MS;
  const isThere = ([pid, was]: typeof leftovers[number]) =>
    was !== undefined && describe(pid) === was;
  while (leftovers.some(isThere) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  removeStaleMemory();
}

/** The processes that belong to a run that is no more. */
function orphans(): number[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name));
  return pids.filter((pid) => {
    const run = pid > 0 && pid !== Deno.pid ? runOf(pid) : undefined;
    return run !== undefined && !isLive(run);
  });
}

/** The run that a process belongs to; undefined if to none, or if it is another user's. */
function runOf(pid: number): string | undefined {
  const environment = read(`/proc/${pid}/environ`)?.split("\0");
  return environment?.find((line) => line.startsWith(`${RUN}=`))?.slice(RUN.length + 1) ||
    undefined;
}

/** Whether the process that a run is called after still runs; also of those that cannot be seen from here. */
function isLive(run: string): boolean {
  const [host, pid] = run.split(" ");
  return host !== here() || describe(Number(pid)) === run;
}

/** A process as no other was or will be, since pids come again; undefined when it has ended. */
function describe(pid: number): string | undefined {
  // After the name, which may have anything in it: the state as the first field, and when it started.
  const [state, ...fields] = read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ") ?? [];
  return state === undefined || state === "Z" ? undefined : `${here()} ${pid} ${fields[18]}`;
}

/** Where pids are what they are here: containers have their own. */
function here(): string {
  return Deno.readLinkSync("/proc/self/ns/pid");
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // It ended meanwhile, or is another user's.
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}
