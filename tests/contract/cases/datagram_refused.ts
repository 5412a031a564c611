/**
 * Datagrams and datagram sockets that are refused.
 *
 * @module
 */

import { code, codeLater, codes, ending, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { message, pushTo, refused } from "../end.ts";
import { boundDatagram, datagramSocket } from "../world.ts";
import { NO_ADDRESSES } from "./bind.ts";

/** See the module's description. */
export const DATAGRAM_REFUSED: readonly Case[] = [
  {
    id: "datagram/no-descriptor",
    upstream: ["udp-tests/bind_bad_queue_descriptor", "udp-tests/close_bad_queue_descriptor"],
    needs: ["datagram"],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF EBADF EBADF",
    run(world) {
      const { libos } = world;
      const { address } = boundDatagram(world);
      return list([
        codes(NO_DESCRIPTORS, (qd) => libos.bind(qd, address)),
        codes(NO_DESCRIPTORS, (qd) => libos.close(qd)),
        refused(libos, (sga) => libos.pushTo(NO_DESCRIPTORS[1]!, sga, address)),
      ]);
    },
  },
  {
    id: "datagram/in-use",
    upstream: ["udp-tests/bind_address_in_use"],
    needs: ["datagram"],
    rule: "An address is one socket's.",
    pdpix: "EADDRINUSE",
    run(world) {
      const { address } = boundDatagram(world);
      return code(() => world.libos.bind(datagramSocket(world).qd, address));
    },
  },
  {
    id: "datagram/nonlocal",
    needs: ["datagram", "inet"],
    rule: "An address that is not the libOS's own is refused.",
    pdpix: "EADDRNOTAVAIL",
    run(world) {
      const hostname = world.subject.datagram!.nonlocal!;
      return code(() => world.libos.bind(datagramSocket(world).qd, { hostname, port: 8080 }));
    },
  },
  {
    id: "datagram/too-large",
    needs: ["datagram"],
    rule: "One that is too large fails, and does no harm.",
    pdpix: "EMSGSIZE data",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const answers = await Array.fromAsync([70_000], async (size) => {
        using sga = message(a.libos, size);
        let answer = "";
        const thrown = await codeLater(async () => {
          answer = await ending(a.libos, a.libos.pushTo(a.qd, sga, b.address));
        });
        return thrown === "ok" ? answer : thrown;
      });
      await pushTo(a, "data", b.address);
      return list([...answers, await b.receive()]);
    },
  },
  {
    id: "datagram/unbound-pop",
    needs: ["datagram"],
    rule: "A socket without an address can get nothing, and refuses to wait for it.",
    pdpix: "EDESTADDRREQ",
    run: (world) => code(() => datagramSocket(world).pop()),
  },
  {
    id: "datagram/no-peer",
    needs: ["datagram"],
    rule: "A push without an address needs a peer, and leaves the buffer with the caller.",
    pdpix: "EDESTADDRREQ",
    compat: "ENOTSUP",
    run(world) {
      const a = boundDatagram(world);
      return refused(a.libos, (sga) => a.libos.push(a.qd, sga));
    },
  },
  {
    id: "datagram/no-address",
    needs: ["datagram", "inet"],
    rule: "What is no address is refused, and the buffer stays with the caller.",
    pdpix: "EINVAL",
    run(world) {
      const a = boundDatagram(world);
      const answers = NO_ADDRESSES.map((address) =>
        refused(a.libos, (sga) => a.libos.pushTo(a.qd, sga, address))
      );
      return [...new Set(answers)].join(" ");
    },
  },
  {
    id: "datagram/stranger",
    needs: ["datagram"],
    rule: "An address of another family is refused, and the buffer stays with the caller.",
    pdpix: "EAFNOSUPPORT",
    compat: "EINVAL",
    run(world) {
      const a = boundDatagram(world);
      const { stranger } = world.subject.datagram!;
      return refused(a.libos, (sga) => a.libos.pushTo(a.qd, sga, stranger));
    },
  },
  {
    id: "datagram/streams-only",
    needs: ["datagram"],
    rule: "There is no listening, accepting or half closing with datagrams.",
    pdpix: "ENOTSUP",
    run(world) {
      const { libos, qd } = boundDatagram(world);
      return codes(
        [() => libos.listen(qd), () => libos.accept(qd), () => libos.shutdown(qd, "write")],
        (call) => call(),
      );
    },
  },
];
