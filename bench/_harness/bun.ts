/**
 * Finding Bun: on `PATH`, or else fetched from npm by Deno, into Deno's own cache.
 *
 * @module
 */
import { run, signal, spawn } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import { which } from "./which.ts";

/** The version that is fetched. One that is on `PATH` may be any. */
export const BUN_VERSION = "1.4.5";

/** A program that runs. */
export interface Program {
  /** Its path. */
  readonly path: string;
  /** What it says its version is. */
  readonly version: string;
}

/** A slow network takes a minute for the 40 MB. */
const FETCH_MS = 180_000;

/**
 * Finds Bun.
 *
 * @param fetch Whether to fetch it from npm if it is neither on `PATH` nor in the cache. Says so on stderr.
 * @throws {BenchmarkError} If it is not to be had.
 */
export async function findBun({ fetch }: { fetch: boolean }): Promise<Program> {
  const onPath = which("bun");
  if (onPath !== undefined) return await inspect(onPath);
  const name = packageOf(Deno.build.target, hasAvx2());
  if (name === undefined) {
    throw new BenchmarkError(`no bun on PATH, and npm has none for ${Deno.build.target}`);
  }
  const specifier = `npm:${name}@${BUN_VERSION}`;
  let path = await findInCache(name);
  if (path === undefined) {
    if (!fetch) throw new BenchmarkError(`no bun on PATH, and ${specifier} was not fetched before`);
    await fetchPackage(specifier);
    path = await findInCache(name);
  }
  if (path === undefined) {
    throw new BenchmarkError(
      `no bun on PATH, and ${specifier} was fetched but is not in the cache`,
    );
  }
  return await inspect(path);
}

/**
 * Returns the npm package with Bun's program for a system; `undefined` if there is none.
 *
 * @param target The system, as Rust calls it.
 * @param avx2 Whether the processor has AVX2, which the usual build for x86-64 needs.
 */
export function packageOf(target: string, avx2: boolean): string | undefined {
  if (!target.includes("linux")) return undefined;
  const [arch] = target.split("-", 1);
  const musl = target.includes("musl") ? "-musl" : "";
  if (arch === "x86_64") return `@oven/bun-linux-x64${musl}${avx2 ? "" : "-baseline"}`;
  if (arch === "aarch64") return `@oven/bun-linux-aarch64${musl}`;
  return undefined;
}

function hasAvx2(): boolean {
  try {
    return /^flags\s*:.*\bavx2\b/m.test(Deno.readTextFileSync("/proc/cpuinfo"));
  } catch {
    return false;
  }
}

/** Deno keeps packages below the name of the registry's host, which the user may have chosen. */
async function findInCache(name: string): Promise<string | undefined> {
  const { code, stdout } = await run([Deno.execPath(), "info", "--json", "--no-config"]);
  if (code !== 0) return undefined;
  const cache: string = JSON.parse(stdout).npmCache;
  try {
    for await (const host of Deno.readDir(cache)) {
      const path = which(`${cache}/${host.name}/${name}/${BUN_VERSION}/bin/bun`);
      if (path !== undefined) return path;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // Deno has not fetched any package yet.
  }
  return undefined;
}

/** Deno checks the package, and makes it appear in its cache whole; other runs may do the same meanwhile. */
async function fetchPackage(specifier: string): Promise<void> {
  console.error(`Fetching Bun ${BUN_VERSION} from npm, once; this may take a minute …`);
  const options = ["--quiet", "--no-config", "--no-lock", "--node-modules-dir=none"];
  const child = spawn([Deno.execPath(), "cache", ...options, specifier], {
    env: { NO_COLOR: "1" },
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signal(child, "SIGKILL");
  }, FETCH_MS);
  const { code, stderr } = await child.output();
  clearTimeout(timer);
  if (code === 0) return;
  const text = new TextDecoder().decode(stderr).trim();
  const failure = late
    ? `it takes more than ${FETCH_MS / 1000} s`
    : /^error: (.*)/m.exec(text)?.[1] ?? (text || `exit code ${code}`);
  throw new BenchmarkError(`no bun on PATH, and ${specifier} cannot be fetched: ${failure}`);
}

async function inspect(path: string): Promise<Program> {
  const { code, stdout, stderr } = await run([path, "--version"]);
  if (code === 0) return { path, version: stdout.trim() };
  throw new BenchmarkError(`${path} does not run here: ${stderr || `exit code ${code}`}`);
}
