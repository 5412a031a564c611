/**
 * Preloaded into a server: on one SIGUSR2 it starts V8's profiler, and on the next it stops it and leaves the
 * {@linkcode CpuProfile}, with positions in the TypeScript rather than in what V8 was given.
 *
 * An inspector session within the process disturbs least. `deno run --cpu-prof` would profile the start and
 * the compilation as well, and `--inspect` needs a port, a client and a thread that serves it.
 *
 * @module
 */
import { Session } from "node:inspector";
import { findSourceMap } from "node:module";
import { fileURLToPath } from "node:url";
import type { CpuProfile } from "./cpu_profile.ts";
import { mapPositions } from "./positions.ts";
import { INTERVAL, whenSignalled } from "./when_signalled.ts";

// At once, so that what it costs is over before the load begins.
const session = new Session();
session.connect();

function post<T>(method: string, parameters: object = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error: unknown, result?: object) => {
      if (error) reject(error);
      else resolve(result as T);
    });
  });
}

async function begin(): Promise<void> {
  await post("Profiler.enable");
  await post("Profiler.setSamplingInterval", { interval: Number(Deno.env.get(INTERVAL)) });
  await post("Profiler.start");
}

async function end(): Promise<CpuProfile> {
  const { profile } = await post<{ profile: CpuProfile }>("Profiler.stop");
  return mapPositions(profile, (url) => findSourceMap(fileURLToPath(url)));
}

whenSignalled(begin, end);
