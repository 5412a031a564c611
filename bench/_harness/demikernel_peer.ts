/**
 * The peer on Microsoft's library: a C program on its catnap, and the file that the library reads.
 *
 * @module
 */
import { load } from "../../ffi/demikernel/load.ts";
import { checkConfiguration, toYaml } from "../../libos/demikernel/configuration.ts";
import { buildPeer } from "./c_peer.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { freePort, type ServerCommand } from "./server.ts";

/** The file that upstream's catnap reads; disposing of it removes it. */
export class NativeConfigurationFile implements Disposable {
  /** Where it is. */
  readonly path: string = Deno.makeTempFileSync({ suffix: ".yaml" });

  /** Writes it. */
  constructor() {
    Deno.writeTextFileSync(this.path, toYaml(checkConfiguration("catnap", {})));
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}

/**
 * A C program on libdemikernel's catnap, busy polling.
 *
 * @throws {BenchmarkError} If there is no compiler, or no library; the message says how to get it.
 */
export async function cDemikernelEcho(
  machine: Machine,
  configuration: NativeConfigurationFile,
): Promise<ServerCommand> {
  const library = findLibrary();
  const peer = await buildPeer(machine, "demikernel_echo");
  const environment = ["LIBOS=catnap", `CONFIG_PATH=${configuration.path}`];
  const port = freePort();
  return {
    name: "C on libdemikernel",
    argv: ["/usr/bin/env", ...environment, peer, "--library", library, "--port", String(port)],
    port,
  };
}

/**
 * Returns the path of the library.
 *
 * @throws {BenchmarkError} If it cannot be loaded.
 */
export function findLibrary(): string {
  try {
    return load("catnap").path;
  } catch (error) {
    throw new BenchmarkError((error as Error).message);
  }
}
