/**
 * The way to catnip, ours and Microsoft's: memif, and our client at its other end.
 *
 * @module
 */
import { OURS, prefixed, THEIRS } from "../../../tests/_network/link.ts";
import { ealWith, KERNEL, LIBOS, NEIGHBOURS } from "../../../tests/_network/network.ts";
import { NativeConfigurationFile } from "../../_harness/demikernel_peer.ts";
import type { Machine } from "../../_harness/machine.ts";
import { LOOPBACK } from "../../_harness/route.ts";
import type { Reach } from "../reach.ts";

/** Servers on catnip. Those on the kernel's sockets, and their clients, are on its loopback. */
export function memif({ cores }: Machine): Reach {
  // An abstract one: there is no file that could be left.
  const socket = `demikernel-bench-${Deno.pid}`;
  const vdev = `net_memif0,role=server,socket=${socket},mac=${LIBOS.linkAddress}`;
  const ealInit = ["demikernel", ...ealWith(vdev, cores?.server)];
  const configuration = new NativeConfigurationFile("catnip", {
    ...{ ...LIBOS, neighbours: NEIGHBOURS, ealInit },
  });
  return {
    wire: "memif, with catnip at both ends; the kernel's loopback for servers on its sockets",
    libos: {
      ...LOOPBACK,
      hostname: OURS.inet,
      exclusive: true,
      serverEnv: { DEVICE: `memif:@${socket},role=server`, ADDRESS: prefixed(OURS)[0]! },
      client: {
        libos: "catnip",
        device: `memif:@${socket},mac=${KERNEL.linkAddress}`,
        address: prefixed(THEIRS)[0]!,
      },
    },
    kernel: LOOPBACK,
    upstream: { libos: "catnip", configuration, preload: "memif_demikernel" },
    [Symbol.dispose]: () => configuration[Symbol.dispose](),
  };
}
