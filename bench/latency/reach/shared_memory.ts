/**
 * The way to catloop: both ends are on it, in two processes of one host.
 *
 * @module
 */
import { NativeConfigurationFile } from "../../_harness/demikernel_peer.ts";
import { LOOPBACK } from "../../_harness/route.ts";
import { FilesOfOthers } from "../../_harness/temporary_file.ts";
import type { Reach } from "../reach.ts";

/**
 * Servers on catloop, to which our client comes over catloop. Those that they are compared with are on the kernel's
 * loopback, and the same client comes to them over our catnap.
 */
export function sharedMemory(): Reach {
  using made = new DisposableStack();
  const address = ownAddress();
  // A server that is killed leaves its pipes, which have its address in their names, and the next one cannot have them.
  const pipes = made.use(new FilesOfOthers("/dev/shm", `demikernel-${address}:`));
  const configuration = made.use(new NativeConfigurationFile("catloop", { address }));
  const { path } = configuration;
  const resources = made.move();
  return {
    wire: "shared memory, or the kernel's loopback for servers on its sockets; the client is ours",
    libos: {
      ...LOOPBACK,
      hostname: address,
      exclusive: true,
      prepare: () => pipes.remove(),
      serverEnv: { CONFIG_PATH: path },
      client: { libos: "demikernel:catloop", configuration: path },
    },
    kernel: { ...LOOPBACK, client: { libos: "catnap" } },
    upstream: { libos: "catloop", configuration },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** An address of the loopback's network that no other run has: catloop's is no more than a name. */
function ownAddress(): string {
  const { pid } = Deno;
  return `127.${64 + (pid >> 16 & 63)}.${pid >> 8 & 255}.${pid & 255}`;
}
