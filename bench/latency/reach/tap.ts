/**
 * The way to catnip: a tap device, of which a server has one end through DPDK, and the kernel the other.
 *
 * @module
 */
import { Namespace } from "../../../tests/_network/namespace.ts";
import {
  ealOnTap,
  equipKernelEnd,
  LIBOS,
  NEIGHBOURS,
  TAP,
} from "../../../tests/_network/network.ts";
import { NativeConfigurationFile } from "../../_harness/demikernel_peer.ts";
import type { Machine } from "../../_harness/machine.ts";
import type { Reach } from "../reach.ts";

/**
 * Servers on catnip, to which clients on the kernel's sockets of the same host come. The kernel cannot be at DPDK's end,
 * so the only ones to compare with are C programs on catnip.
 */
export function tap({ cores }: Machine): Reach {
  using made = new DisposableStack();
  const ealInit = ealOnTap(cores?.server);
  const configuration = made.use(
    new NativeConfigurationFile("catnip", { ...LIBOS, neighbours: NEIGHBOURS, ealInit }),
  );
  const host = made.use(new Namespace());
  const resources = made.move();
  return {
    wire: "a tap device",
    libos: {
      hostname: LIBOS.address,
      serverPrefix: host.prefix,
      clientPrefix: host.prefix,
      serverEnv: { CONFIG_PATH: configuration.path },
      exclusive: true,
      // It drops a segment whose checksum is 0xffff each time that it is sent: one in 65 536.
      stalls: true,
      // DPDK makes the device when a server starts.
      complete: () => equipKernelEnd(host, TAP),
    },
    upstream: { libos: "catnip", configuration },
    [Symbol.dispose]: () => resources.dispose(),
  };
}
