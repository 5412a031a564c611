/**
 * Giving sockets their addresses.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { code, codes, ending, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import {
  bound,
  connected,
  connecting,
  freeAddress,
  listening,
  socket,
  type World,
} from "../world.ts";
import type { InetAddress, SocketAddress } from "../../../libos/pdpix.ts";

/** The ports that IANA keeps for private use; a few of them, since others have some. */
const PRIVATE_PORTS = Array.from({ length: 64 }, (_, i) => 49152 + i * 255);

/** What is no address of any socket. */
export const NO_ADDRESSES: readonly SocketAddress[] = [
  null,
  undefined,
  5,
  "127.0.0.1:80",
  { hostname: "localhost", port: 80 },
  { hostname: "", port: 80 },
  { hostname: 1, port: 80 },
  { hostname: "127.0.0.1", port: -1 },
  { hostname: "127.0.0.1", port: 65536 },
  { hostname: "127.0.0.1", port: 1.5 },
  { hostname: "127.0.0.1", port: NaN },
  { hostname: "127.0.0.1", port: "80" },
  { hostname: "127.0.0.1" },
] as unknown as SocketAddress[];

/** Binds to a host, and says whether the port was chosen. */
function bindTo(world: World, hostname: string, port: number): string {
  const qd = socket(world);
  const answer = code(() => world.libos.bind(qd, { hostname, port }));
  if (answer !== "ok") return answer;
  return (world.libos.getsockname(qd) as InetAddress).port > 0 ? "ok" : "no port";
}

function own(world: World): InetAddress {
  return freeAddress(world) as InetAddress;
}

/** A port that is free now. */
function freePort(world: World): number {
  const { qd, address } = bound(world);
  world.libos.close(qd);
  return (address as InetAddress).port;
}

/** See the module's description. */
export const BIND: readonly Case[] = [
  {
    id: "bind/no-descriptor",
    upstream: ["tcp-test/bind/invalid_queue_descriptor", "tcp.rs/bad_bind", "syscalls.c/bind"],
    needs: ["stream"],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: (world) => codes(NO_DESCRIPTORS, (qd) => world.libos.bind(qd, freeAddress(world))),
  },
  {
    id: "bind/closed",
    upstream: ["tcp-test/bind/closed"],
    needs: ["stream"],
    rule: "A closed socket is refused.",
    pdpix: "EBADF",
    run(world) {
      const qd = socket(world);
      world.libos.close(qd);
      return code(() => world.libos.bind(qd, freeAddress(world)));
    },
  },
  {
    id: "bind/twice",
    upstream: ["tcp-test/bind/multiple_addresses_to_same_socket"],
    needs: ["stream"],
    rule: "A socket has one address, and keeps it.",
    pdpix: "EINVAL",
    run(world) {
      const { qd, address } = bound(world);
      const answer = code(() => world.libos.bind(qd, freeAddress(world)));
      assertEquals(world.libos.getsockname(qd), address);
      return answer;
    },
  },
  {
    id: "bind/in-use",
    upstream: ["tcp-test/bind/same_address_to_two_sockets"],
    needs: ["stream"],
    rule: "An address is one socket's; who was refused it may have another.",
    pdpix: "EADDRINUSE ok",
    run(world) {
      const { address } = bound(world);
      const qd = socket(world);
      return list(
        [address, freeAddress(world)].map((one) => code(() => world.libos.bind(qd, one))),
      );
    },
  },
  {
    id: "bind/freed",
    needs: ["stream"],
    rule: "The address of a socket that was closed before it listened is free.",
    pdpix: "ok",
    run(world) {
      const { qd, address } = bound(world);
      world.libos.close(qd);
      return code(() => world.libos.bind(socket(world), address));
    },
  },
  {
    id: "bind/private-ports",
    upstream: ["tcp-test/bind/to_private_ports"],
    needs: ["stream", "inet"],
    rule: "The private ports, 49152 to 65535, can be bound, unless somebody has them.",
    pdpix: "ok",
    compat: "ok, or EADDRINUSE or EBADF",
    run(world) {
      const answers = PRIVATE_PORTS.map((port) => bindTo(world, own(world).hostname, port));
      const odd = answers.filter((answer) => answer !== "ok" && answer !== "EADDRINUSE");
      assert(answers.includes("ok"), "all of them are in use");
      return odd.length === 0 ? "ok" : list(odd);
    },
  },
  {
    id: "bind/port-0",
    upstream: ["tcp-test/bind/wildcard_port"],
    needs: ["stream", "inet"],
    rule: "Port 0 lets the libOS choose, and getsockname tells which.",
    pdpix: "ok",
    compat: "ENOTSUP",
    run: (world) => bindTo(world, own(world).hostname, 0),
  },
  {
    id: "bind/wildcard",
    upstream: ["tcp-test/bind/wildcard_address"],
    needs: ["stream", "inet"],
    rule: "The wildcard address stands for all that the libOS has.",
    pdpix: "ok",
    compat: "ENOTSUP",
    run(world) {
      // Another program may have the port on another address.
      const ports = Array.from({ length: 8 }, () => freePort(world));
      const answers = ports.map((port) => bindTo(world, world.subject.stream!.wildcard!, port));
      return answers.find((answer) => answer !== "EADDRINUSE") ?? "EADDRINUSE";
    },
  },
  {
    id: "bind/wildcard-port-0",
    upstream: ["tcp-test/bind/wildcard_address_and_port"],
    needs: ["stream", "inet"],
    rule: "The wildcard address and port 0 go together.",
    pdpix: "ok",
    compat: "ENOTSUP",
    run: (world) => bindTo(world, world.subject.stream!.wildcard!, 0),
  },
  {
    id: "bind/nonlocal",
    upstream: ["tcp-test/bind/non_local"],
    needs: ["stream", "inet"],
    rule: "An address that is not the libOS's own is refused.",
    pdpix: "EADDRNOTAVAIL",
    compat: "EADDRNOTAVAIL or EBADF",
    run: (world) => bindTo(world, world.subject.stream!.nonlocal!, 8080),
  },
  {
    id: "bind/no-address",
    needs: ["stream", "inet"],
    rule: "What is no address is refused: names, wrong ports, and things that are no object.",
    pdpix: "EINVAL",
    run(world) {
      const answers = NO_ADDRESSES.map((address) => bindOnce(world, address));
      return [...new Set(answers)].join(" ");
    },
  },
  {
    id: "bind/stranger",
    needs: ["stream"],
    rule: "An address of another family is refused.",
    pdpix: "EAFNOSUPPORT",
    compat: "EINVAL",
    run: (world) => bindOnce(world, world.subject.stream!.stranger),
  },
  {
    id: "bind/listening",
    needs: ["stream"],
    rule: "A socket that listens has its address.",
    pdpix: "EINVAL",
    run(world) {
      const { qd } = listening(world);
      return code(() => world.libos.bind(qd, freeAddress(world)));
    },
  },
  {
    id: "bind/connecting",
    needs: ["stream"],
    rule: "A socket that connects has its address.",
    pdpix: "EINVAL",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      const answer = code(() => libos.bind(qd, freeAddress(world)));
      libos.close(qd);
      await ending(libos, qt);
      return answer;
    },
  },
  {
    id: "bind/connected",
    needs: ["stream"],
    rule: "A socket that is connected has its address.",
    pdpix: "EINVAL",
    compat: "EISCONN",
    async run(world) {
      const { a } = await connected(world);
      return code(() => world.libos.bind(a.qd, freeAddress(world)));
    },
  },
];

function bindOnce(world: World, address: SocketAddress): string {
  const qd = socket(world);
  const answer = code(() => world.libos.bind(qd, address));
  world.libos.close(qd);
  return answer;
}
