/**
 * Every process that a benchmark starts goes through here, so that none outlives it.
 *
 * @module
 */
import { removeTemporaryFiles } from "./temporary_file.ts";

const running = new Set<Deno.ChildProcess>();

/**
 * Starts a process with piped output, to be killed with this one if it has not ended before.
 *
 * @throws {Error} If the program cannot be started.
 */
export function spawn(
  argv: readonly string[],
  { env = {} }: { readonly env?: Record<string, string> } = {},
): Deno.ChildProcess {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("Cannot start a process: no program was given");
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env,
  }).spawn();
  running.add(child);
  child.status.finally(() => running.delete(child));
  return child;
}

/** Runs a process to its end and returns what it wrote. */
export async function run(
  argv: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await spawn(argv).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr).trim() };
}

/** Sends `signal` to a process that may have ended already. */
export function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended, which is what was wanted.
  }
}

/** Kills whatever is still running, waits for its end, and removes what it wrote to; for the way out. */
export async function killAll(): Promise<void> {
  const children = [...running];
  for (const child of children) signal(child, "SIGKILL");
  await Promise.all(children.map((child) => child.status));
  removeTemporaryFiles();
}
