/**
 * The peer on Microsoft's library: a C program, and the file that the library reads.
 *
 * @module
 */
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { load } from "../../ffi/demikernel/load.ts";
import {
  checkConfiguration,
  type NativeConfiguration,
  OWN_STACK,
  toYaml,
} from "../../libos/demikernel/configuration.ts";
import { buildPeer } from "./c_peer.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { freePort, type ServerCommand } from "./server.ts";
import type { Upstream } from "../latency/reach.ts";
import { TemporaryFile } from "./temporary_file.ts";

/** The file that upstream reads; disposing of it removes it. */
export class NativeConfigurationFile extends TemporaryFile {
  /** Writes it. */
  constructor(libos: NativeLibOS = "catnap", configuration: NativeConfiguration = {}) {
    super(toYaml(checkConfiguration(libos, configuration), OWN_STACK.includes(libos)));
  }
}

/**
 * A C program on a libOS of libdemikernel, busy polling.
 *
 * @throws {BenchmarkError} If there is no compiler, or no library; the message says how to get it.
 */
export async function cDemikernelEcho(
  machine: Machine,
  { libos, configuration, preload }: Upstream,
): Promise<ServerCommand> {
  const library = findLibrary(libos);
  const peer = await buildPeer(machine, "demikernel_echo");
  const port = freePort();
  return {
    name: "C on libdemikernel",
    argv: [peer, "--port", String(port)],
    env: {
      ...{ LIBRARY: library, LIBOS: libos, CONFIG_PATH: configuration.path },
      ...(preload && { LD_PRELOAD: await buildPeer(machine, preload) }),
    },
    port,
  };
}

/**
 * Returns the path of the library that has a libOS.
 *
 * @throws {BenchmarkError} If it cannot be loaded.
 */
export function findLibrary(libos: NativeLibOS = "catnap"): string {
  try {
    return load(libos).path;
  } catch (error) {
    throw new BenchmarkError((error as Error).message);
  }
}
