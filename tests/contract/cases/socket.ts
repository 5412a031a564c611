/**
 * Making sockets.
 *
 * @module
 */

import { code, codes, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { socket } from "../world.ts";
import type { Domain, SocketType } from "../../../libos/pdpix.ts";

const DOMAINS: readonly Domain[] = ["inet", "inet6", "unix"];
const TYPES: readonly SocketType[] = ["stream", "dgram", "seqpacket"];

/** See the module's description. */
export const SOCKET: readonly Case[] = [
  {
    id: "socket/unsupported-domain",
    upstream: [
      "tcp-test/socket/using_unsupported_domain",
      "tcp.rs/bad_socket",
      "syscalls.c/socket",
    ],
    needs: ["stream"],
    rule: "A domain that the libOS has not is refused, and no queue is made.",
    pdpix: "ENOTSUP 0",
    run({ libos, subject }) {
      const known: readonly string[] = libos.capabilities.domains;
      const others = ["ax25", "packet", "", "INET", 2, null, undefined, ...DOMAINS] as Domain[];
      const answer = codes(
        others.filter((domain) => !known.includes(domain)),
        (domain) => libos.socket(domain, subject.stream!.type),
      );
      return list([answer, String(libos.statistics().queues)]);
    },
  },
  {
    id: "socket/unsupported-type",
    upstream: ["tcp-test/socket/using_unsupported_type"],
    needs: ["stream"],
    rule: "A type that the libOS has not is refused, and no queue is made.",
    pdpix: "ENOTSUP 0",
    run({ libos, subject }) {
      const known: readonly string[] = libos.capabilities.types;
      const others = ["raw", "rdm", "", "STREAM", 1, null, undefined, ...TYPES] as SocketType[];
      const answer = codes(
        others.filter((type) => !known.includes(type)),
        (type) => libos.socket(subject.stream!.domain, type),
      );
      return list([answer, String(libos.statistics().queues)]);
    },
  },
  {
    id: "socket/combinations",
    needs: [],
    rule: "Domains and types that the capabilities do not name together are refused.",
    pdpix: "ok or ENOTSUP",
    run({ libos }) {
      const answers = DOMAINS.flatMap((domain) =>
        TYPES.map((type) => code(() => libos.socket(domain, type)))
      );
      const odd = answers.filter((answer) => answer !== "ok" && answer !== "ENOTSUP");
      return odd.length === 0 ? "ok or ENOTSUP" : list(odd);
    },
  },
  {
    id: "socket/descriptors",
    upstream: ["tcp.rs/connection_setup"],
    needs: ["stream"],
    rule: "A descriptor is a positive integer, and no other open queue's.",
    pdpix: "64 of 64",
    run(world) {
      const qds = Array.from({ length: 64 }, () => socket(world));
      const good = new Set(qds.filter((qd) => Number.isSafeInteger(qd) && qd > 0));
      return `${good.size} of ${world.libos.statistics().queues}`;
    },
  },
];
