/**
 * What the machine offers a benchmark: cores to pin to, and the tools it needs.
 *
 * @module
 */
import { which } from "./which.ts";

/** The two cores of a measurement: the client spins on one, the server on the other. */
export interface Cores {
  /** The core of the client. */
  readonly client: number;
  /** The core of the server. */
  readonly server: number;
}

/** The machine, as far as the benchmarks care. */
export interface Machine {
  /** One line that says what was measured on. */
  readonly description: string;
  /** Where to pin to; `undefined` when nothing can or should be pinned. */
  readonly cores: Cores | undefined;
  /** The path of a C compiler, if one is installed. */
  readonly compiler: string | undefined;
  /** What is missing, and what that does to the figures; one line each. */
  readonly notices: readonly string[];
}

/** Looks at the machine; nothing is started or changed. */
export function inspectMachine(): Machine {
  const allowed = parseCpuList(readField("/proc/self/status", "Cpus_allowed_list") ?? "");
  const taskset = which("taskset");
  const compiler = which(...[Deno.env.get("CC") ?? "", "cc", "gcc", "clang"].filter(Boolean));
  const pair = chooseCores(allowed, siblingsOf);
  const notices: string[] = [];
  if (taskset === undefined) {
    notices.push("no taskset (package util-linux): nothing is pinned, so expect a wider spread");
  }
  if (pair === undefined) {
    notices.push("only one core: client and server share it, and no figure here means much");
  }
  if (compiler === undefined) {
    notices.push("no C compiler (package gcc, or set CC): the C peers cannot be built");
  }
  const cpu = readField("/proc/cpuinfo", "model name") ?? Deno.build.arch;
  const cores = taskset === undefined ? undefined : pair;
  return {
    description: `${cpu}, ${allowed.length || "?"} cores, Linux ${Deno.osRelease()}, ` +
      `Deno ${Deno.version.deno}` +
      (cores ? `; client on core ${cores.client}, server on core ${cores.server}` : ""),
    cores,
    compiler,
    notices,
  };
}

/** Returns the numbers that a kernel list such as `0-2,5` stands for. */
export function parseCpuList(list: string): number[] {
  const cpus: number[] = [];
  for (const range of list.trim().split(",")) {
    const [first, last] = range.split("-").map(Number);
    if (range === "" || first === undefined) continue;
    for (let cpu = first; cpu <= (last ?? first); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/**
 * Chooses two of the allowed cores, different physical ones if there are such: two hardware threads
 * of one core would take turns on it when both spin.
 *
 * @param allowed The cores that this process may use.
 * @param siblings The hardware threads that share a core with the one given.
 */
export function chooseCores(
  allowed: readonly number[],
  siblings: (cpu: number) => readonly number[],
): Cores | undefined {
  const [client, ...others] = allowed;
  if (client === undefined || others[0] === undefined) return undefined;
  const shared = siblings(client);
  return { client, server: others.find((cpu) => !shared.includes(cpu)) ?? others[0] };
}

function siblingsOf(cpu: number): number[] {
  try {
    const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
    return parseCpuList(Deno.readTextFileSync(`${topology}/thread_siblings_list`));
  } catch {
    return [];
  }
}

function readField(path: string, name: string): string | undefined {
  try {
    const line = Deno.readTextFileSync(path).split("\n").find((line) => line.startsWith(name));
    return line?.slice(line.indexOf(":") + 1).trim();
  } catch {
    return undefined;
  }
}
