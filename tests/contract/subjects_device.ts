/**
 * The libOSes of Microsoft's library that have a device for themselves: one end of a wire, with the Linux kernel on
 * the other. A libOS cannot talk with itself over a device, so the peer is catnap, in a network namespace of its own.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import type { LibOS, SocketType } from "../../libos/pdpix.ts";
import { KERNEL, LIBOS, missingForNetwork, NEIGHBOURS, Network } from "../_network/network.ts";
import type { Deviation, Sockets, Subject } from "./subject.ts";

function sockets(type: SocketType): Sockets {
  return {
    domain: "inet",
    type,
    address: ({ provider }) => ({
      hostname: provider === "demikernel" ? LIBOS.address : KERNEL.address,
      port: 0,
    }),
    wildcard: "0.0.0.0",
    nonlocal: "192.0.2.1",
    stranger: { hostname: "::1", port: 0 },
  };
}

let network: Network | undefined;

const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  "datagram/empty": { answer: "ENOTSUP", reason: "upstream has no buffers of no bytes" },
};

/** catpowder, on a pair of virtual Ethernet devices. */
export const CATPOWDER: Subject = {
  name: "demikernel catpowder",
  libos: "catpowder",
  provider: "demikernel",
  isolated: true,
  features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end"],
  get missing() {
    return missingForNetwork();
  },
  stream: sockets("stream"),
  datagram: sockets("dgram"),
  deviations: DEVIATIONS,
  open(options = {}): LibOS {
    // Its socket is on the host where it is opened, which is done once: a thread has one for good.
    if (network === undefined) {
      network = new Network();
      network.libos.enterWithSysfs();
    }
    const libos = open({
      libos: "catpowder",
      provider: "demikernel",
      configuration: { ...LIBOS, interface: network.device, neighbours: NEIGHBOURS },
      ...options,
    });
    network.kernel.enter();
    return libos;
  },
  openPeer: (libos) => open({ libos: "catnap", beside: libos }),
};
