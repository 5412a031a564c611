/**
 * The ways to catpowder, ours and Microsoft's: a TAP device, or pairs of virtual Ethernet devices between two hosts.
 *
 * @module
 */
import {
  INTERFACE,
  KernelLink,
  type Kind,
  OURS,
  PairLink,
  prefixed,
  THEIRS,
} from "../../../tests/_network/link.ts";
import type { Namespace } from "../../../tests/_network/namespace.ts";
import { DEVICE, KERNEL, LIBOS, NEIGHBOURS, Network } from "../../../tests/_network/network.ts";
import { NativeConfigurationFile } from "../../_harness/demikernel_peer.ts";
import type { Route } from "../../_harness/route.ts";
import type { Reach } from "../reach.ts";

/** What they run on, and what peers do. */
const WIRES = {
  tap: "a TAP device; a veth pair for the peers",
  packet: "a veth pair",
  xdp: "a veth pair with XDP at our end; one without for the peers",
} as const;

/**
 * Servers on our catpowder. Those on the kernel's sockets are at one end of a pair of virtual Ethernet devices, with all
 * their offloads; C programs on Microsoft's catpowder are where {@linkcode upstream} has them. The clients are on the
 * kernel's sockets, at the other ends.
 */
export function ours(kind: Kind): Reach {
  using made = new DisposableStack();
  const { upstream: others, libos: route } = made.use(upstream());
  const { port, kernel: client } = made.use(new KernelLink(kind));
  const between = made.use(new KernelLink("packet"));
  between.port.host.ip(`address add ${prefixed(OURS)[0]} dev ${INTERFACE}`);
  const resources = made.move();
  return {
    wire: WIRES[kind],
    libos: {
      ...routeBetween(port.host, client),
      serverEnv: { DEVICE: port.device, ADDRESS: prefixed(OURS)[0]! },
      exclusive: true,
    },
    kernel: routeBetween(between.port.host, between.kernel),
    upstream: { ...others!, route },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** As {@linkcode ours}, and our client is on catpowder, too: no kernel's TCP is at either end. */
export function bothOurs(kind: Kind): Reach {
  using made = new DisposableStack();
  const way = made.use(ours(kind));
  const [server, client] = made.use(new PairLink(kind)).ports;
  const resources = made.move();
  return {
    ...way,
    wire: `${WIRES[kind]}; catpowder at both ends, and the kernel at those of the peers`,
    libos: {
      ...routeBetween(server.host, client.host),
      serverEnv: { DEVICE: server.device, ADDRESS: prefixed(OURS)[0]! },
      exclusive: true,
      client: { libos: "catpowder", device: client.device, address: prefixed(THEIRS)[0]! },
    },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/**
 * Servers on Microsoft's catpowder at one end of a wire, and servers on the kernel's sockets at one end of another that was
 * made the same way, without offloads. The clients are on the kernel's sockets, at the other ends.
 */
export function upstream(): Reach {
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
      ...routeBetween(libos.libos, libos.kernel),
      serverEnv: { CONFIG_PATH: configuration.path },
      exclusive: true,
      // It drops a segment whose checksum is 0xffff each time that it is sent: one in 65 536.
      stalls: true,
    },
    kernel: routeBetween(kernel.libos, kernel.kernel),
    upstream: { libos: "catpowder", configuration },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** From one host to another; servers have the same address on each of them. */
function routeBetween(server: Namespace, client: Namespace): Route {
  return {
    hostname: LIBOS.address,
    serverPrefix: server.prefix,
    clientPrefix: client.prefix,
    serverEnv: {},
  };
}
