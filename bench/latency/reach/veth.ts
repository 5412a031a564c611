/**
 * The way to catpowder: a pair of virtual Ethernet devices between two hosts.
 *
 * @module
 */
import { DEVICE, KERNEL, LIBOS, NEIGHBOURS, Network } from "../../../tests/_network/network.ts";
import { NativeConfigurationFile } from "../../_harness/demikernel_peer.ts";
import type { Route } from "../../_harness/route.ts";
import type { Reach } from "../reach.ts";

/**
 * Servers on catpowder at one end of a wire, and servers on the kernel's sockets at one end of another that was made
 * the same way. The clients are on the kernel's sockets, at the other ends.
 */
export function veth(): Reach {
  using made = new DisposableStack();
  const configuration = made.use(
    new NativeConfigurationFile("catpowder", {
      ...LIBOS,
      interface: DEVICE,
      neighbours: NEIGHBOURS,
    }),
  );
  const libos = made.use(new Network());
  const kernel = made.use(new Network());
  kernel.libos.ip(`address add ${LIBOS.address}/24 dev ${DEVICE}`);
  kernel.libos.ip(`neighbour replace ${KERNEL.address} lladdr ${KERNEL.linkAddress} dev ${DEVICE}`);
  const resources = made.move();
  return {
    wire: "a pair of virtual Ethernet devices, without offloads",
    libos: {
      ...routeOver(libos),
      serverEnv: { CONFIG_PATH: configuration.path },
      exclusive: true,
      // It drops a segment whose checksum is 0xffff each time that it is sent: one in 65 536.
      stalls: true,
    },
    kernel: routeOver(kernel),
    upstream: { libos: "catpowder", configuration },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** From the kernel's end to the other one. */
function routeOver({ libos, kernel }: Network): Route {
  return {
    hostname: LIBOS.address,
    serverPrefix: libos.prefix,
    clientPrefix: kernel.prefix,
    serverEnv: {},
  };
}
