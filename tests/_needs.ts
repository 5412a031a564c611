/**
 * What a test needs beside Deno, and a machine may lack. The test is ignored there, and its name says why.
 *
 * @module
 */

import { inspectMachine } from "../bench/_harness/machine.ts";
import { which } from "../bench/_harness/which.ts";
import {
  buildOf,
  cacheFolder,
  fileName,
  type NativeLibOS,
  readEnv,
} from "../ffi/demikernel/cache.ts";
import { ucx, UcxUnavailableError } from "../ffi/ucx/load.ts";

/** Why a test cannot run here, and what would help; undefined if it can. */
export type Missing = string | undefined;

/** The programs that tests start, each with the package of Debian that has it. */
const PACKAGES = {
  "curl": "curl",
  "dpdk-testpmd": "dpdk-dev",
  "iperf3": "iperf3",
  "ping": "iputils-ping",
  "nc": "netcat-openbsd",
  "nft": "nftables",
  "openssl": "openssl",
  "redis-benchmark": "redis-tools",
  "redis-cli": "redis-tools",
  "redis-server": "redis-server",
  "setpriv": "util-linux",
  "socat": "socat",
  "ss": "iproute2",
  "tc": "iproute2",
  "tshark": "tshark",
  "wrk": "wrk",
} as const;

/** The version that the store is compared with. */
const REDIS = "7.0.";

/** The C compiler: `$CC`, or the first that there is. */
export const COMPILER: string = inspectMachine().compiler ?? "cc";

/** The name of a test, and whether it is ignored, to be spread into its definition. */
export function needing(missing: Missing, name: string): { name: string; ignore: boolean } {
  if (missing === undefined) return { name, ignore: false };
  // A test has one line, and a library that was not found has one for each place that was looked at.
  return { name: `${name} (${missing.trim().replaceAll(/\s*\n\s*/g, " ")})`, ignore: true };
}

/** For a test that starts a program. */
export function missingProgram(program: keyof typeof PACKAGES): Missing {
  return which(program) === undefined
    ? `needs ${program}: apt install ${PACKAGES[program]}`
    : undefined;
}

/** For a test that compiles C: without the headers of libc, a compiler is not enough. */
export function missingCompiler(): Missing {
  return outputOf(COMPILER, "-E", "-include", "stdio.h", "-xc", "/dev/null") === undefined
    ? "needs a C compiler: apt install gcc libc6-dev"
    : undefined;
}

/** For a test that compares with Redis. */
export function missingRedis(): Missing {
  const found = missingProgram("redis-server");
  if (found !== undefined) return found;
  const version = /v=(\S+)/.exec(outputOf("redis-server", "--version") ?? "")?.[1];
  return version?.startsWith(REDIS) ? undefined : `needs Redis ${REDIS}x, and has ${version}`;
}

/** Where Debian has the programs of PostgreSQL, which are not on the path; undefined if it is not installed. */
export function findPostgres(): string | undefined {
  const versions = "/usr/lib/postgresql";
  try {
    for (const { name } of Deno.readDirSync(versions)) {
      const programs = `${versions}/${name}/bin`;
      if (Deno.statSync(`${programs}/initdb`).isFile) return programs;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return undefined;
}

/** For a test on UCX: loads it, unless it is not there. */
export function missingUcx(): Missing {
  try {
    ucx();
    return undefined;
  } catch (error) {
    if (error instanceof UcxUnavailableError) return "needs UCX 1.13 or later: apt install libucx0";
    throw error;
  }
}

/** For a test that compiles C with the headers of UCX. */
export function missingUcxHeaders(): Missing {
  return outputOf(COMPILER, "-E", "-include", "ucp/api/ucp.h", "-xc", "/dev/null") === undefined
    ? "needs a C compiler and the headers of UCX: apt install gcc libc6-dev libucx-dev"
    : undefined;
}

/** For a test on a PostgreSQL. */
export function missingPostgres(): Missing {
  return findPostgres() === undefined ? "needs PostgreSQL: apt install postgresql" : undefined;
}

/** For a test on DPDK, with one of its drivers. */
export function missingDpdk(driver: "memif" | "ring" | "tap"): Missing {
  const needed = ["mempool_ring", "bus_vdev", `net_${driver}`].map((one) => `librte_${one}.so.23`);
  const isThere = (file: string) => {
    try {
      return Deno.statSync(`/usr/lib/${Deno.build.arch}-linux-gnu/${file}`).isFile;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return false;
    }
  };
  return needed.every(isThere)
    ? undefined
    : `needs DPDK 22.11: apt install librte-net-${driver}23 librte-mempool-ring23 librte-bus-vdev23`;
}

/** For a test on a libOS of libdemikernel. */
export function missingLibrary(libos: NativeLibOS): Missing {
  return findLibrary(libos) === undefined
    ? `needs libdemikernel: deno task demikernel ${libos}`
    : undefined;
}

/** The library that has a libOS: the one that `DEMIKERNEL_LIBRARY` names, or that has been built. */
export function findLibrary(libos: NativeLibOS): string | undefined {
  const named = readEnv("DEMIKERNEL_LIBRARY");
  if (named) return named;
  const folder = cacheFolder();
  const path = folder && `${folder}/${fileName(buildOf(libos))}`;
  try {
    return path !== undefined && Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}

/** What a program prints; undefined where it fails, or is not there. */
function outputOf(program: string, ...args: string[]): string | undefined {
  try {
    const { success, stdout } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}
