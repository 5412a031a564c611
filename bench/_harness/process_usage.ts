/**
 * What a process uses, as Linux tells it in `/proc`.
 *
 * @module
 */
import type { ServerFigures } from "../latency/schema.ts";

/** Memory of a process that is in RAM, in bytes. */
export type Memory = Required<Pick<ServerFigures, "resident" | "anonymous">>;

/** The unit of the times in `/proc/PID/stat` is 10 ms on every Linux (`USER_HZ`). */
const TICK_MS = 10;

/** Returns the memory that a process has in RAM. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    resident: parseStatusField(status, "VmRSS") * 1024,
    anonymous: parseStatusField(status, "RssAnon") * 1024,
  };
}

/** Returns the processor time of all threads of a process, in milliseconds, to the 10 ms of the kernel's clock. */
export async function cpuOf(pid: number): Promise<number> {
  return parseStatTicks(await Deno.readTextFile(`/proc/${pid}/stat`)) * TICK_MS;
}

/**
 * Returns a number out of a `status` file.
 *
 * @throws {Error} If the file has no such field.
 */
export function parseStatusField(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status);
  if (match === null) throw new Error(`Cannot read ${name}: the status file has no such field`);
  return Number(match[1]);
}

/** Returns the user and kernel time out of a `stat` file, in ticks. */
export function parseStatTicks(stat: string): number {
  // The second field is the program's name in parentheses and may hold anything, spaces included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
