/**
 * Datagrams.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, endings, list, NO_DESCRIPTORS, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { boundDatagram, datagramSocket, message, pattern, refused, textOf } from "../world.ts";
import type { End } from "../world.ts";
import type { InetAddress, Sga, SocketAddress } from "../../../libos/pdpix.ts";
import { NO_ADDRESSES } from "./bind.ts";

function pushTo(end: End, content: string | number, address: SocketAddress): string {
  const { libos, qd } = end;
  return ending(libos, libos.pushTo(qd, message(libos, content), address));
}

/** Pops a datagram, which must come. */
function take(end: End, size?: number): Sga {
  const completion = end.libos.wait(end.pop(size), 2000);
  if (completion.opcode === "pop" && completion.sga !== null) return completion.sga;
  throw new Error(`a pop ended with ${tell(completion)}`);
}

/** See the module's description. */
export const DATAGRAM: readonly Case[] = [
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
    id: "datagram/port-0",
    needs: ["datagram", "inet"],
    rule: "Port 0 lets the libOS choose, any number of times.",
    pdpix: "8",
    compat: "EADDRINUSE the second time",
    run(world) {
      const addresses = Array.from({ length: 8 }, () => boundDatagram(world).address);
      return String(new Set(addresses.map((address) => (address as InetAddress).port)).size);
    },
  },
  {
    id: "datagram/wildcard",
    needs: ["datagram", "inet"],
    rule: "A socket of the wildcard address gets what is sent to any of the host's.",
    pdpix: "ok push data",
    run(world) {
      const { wildcard, address } = world.subject.datagram!;
      const end = datagramSocket(world);
      const answer = code(() => end.libos.bind(end.qd, { hostname: wildcard!, port: 0 }));
      if (answer !== "ok") return answer;
      const { port } = end.libos.getsockname(end.qd) as InetAddress;
      const { hostname } = address(end.libos) as InetAddress;
      const sender = boundDatagram(world, world.peer);
      return list([answer, pushTo(sender, "data", { hostname, port }), end.receive()]);
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
    id: "datagram/push",
    upstream: ["udp.rs/push_remote"],
    needs: ["datagram"],
    rule: "A datagram arrives, and tells where it came from.",
    pdpix: "push data",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const answer = pushTo(a, "data", b.address);
      const sga = take(b);
      const { hostname, port } = sga.address!;
      assertEquals({ hostname, port }, a.address as InetAddress);
      return list([answer, textOf(sga)]);
    },
  },
  {
    id: "datagram/reply",
    needs: ["datagram"],
    rule: "The address that a datagram came from is one to push to.",
    pdpix: "push pong",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      pushTo(a, "ping", b.address);
      using sga = take(b);
      return list([pushTo(b, "pong", sga.address!), a.receive()]);
    },
  },
  {
    id: "datagram/loopback",
    upstream: ["udp.rs/loopback", "udp.rs/connect_loopback"],
    needs: ["datagram"],
    rule: "A socket can send to itself.",
    pdpix: "push data",
    run(world) {
      const a = boundDatagram(world);
      return list([pushTo(a, "data", a.address), a.receive()]);
    },
  },
  {
    id: "datagram/boundaries",
    needs: ["datagram"],
    rule: "Datagrams stay apart, and those of one sender to one socket come in order.",
    pdpix: "1 1000 3 1400",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const sizes = [1, 1000, 3, 1400];
      for (const size of sizes) assertEquals(pushTo(a, size, b.address), "push");
      return list(sizes.map((size) => {
        using sga = take(b);
        assertEquals(sga.toUint8Array(), pattern(size));
        return String(sga.length);
      }));
    },
  },
  {
    id: "datagram/order-of-pops",
    needs: ["datagram"],
    rule: "Pops that wait get them in the order in which they were asked.",
    pdpix: "one two three",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const pops = [b.pop(), b.pop(), b.pop()];
      for (const text of ["one", "two", "three"]) pushTo(a, text, b.address);
      return list(pops.map((qt) => b.told(qt)));
    },
  },
  {
    id: "datagram/truncated",
    needs: ["datagram"],
    rule: "One longer than the pop wants is cut and says so; the rest is gone.",
    pdpix: "abc true next false",
    compat: "the size cannot be given",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      pushTo(a, "abcdef", b.address);
      pushTo(a, "next", b.address);
      return list([take(b, 3), take(b, 4)].flatMap((sga) => {
        const { truncated } = sga;
        return [textOf(sga), String(truncated)];
      }));
    },
  },
  {
    id: "datagram/empty",
    needs: ["datagram"],
    rule: "An empty datagram is one, and no end.",
    pdpix: "push 0 data",
    compat: "EINVAL",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      using nothing = message(a.libos, "");
      const answer = code(() => a.libos.wait(a.libos.pushTo(a.qd, nothing, b.address), 2000));
      if (answer !== "ok") return answer;
      using sga = take(b);
      pushTo(a, "data", b.address);
      return list(["push", String(sga.length), b.receive()]);
    },
  },
  {
    id: "datagram/too-large",
    needs: ["datagram"],
    rule: "One that is too large fails, and does no harm.",
    pdpix: "EMSGSIZE data",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const answers = [70_000].map((size) => {
        using sga = message(a.libos, size);
        let answer = "";
        const thrown = code(() => {
          answer = ending(a.libos, a.libos.pushTo(a.qd, sga, b.address));
        });
        return thrown === "ok" ? answer : thrown;
      });
      pushTo(a, "data", b.address);
      return list([...answers, b.receive()]);
    },
  },
  {
    id: "datagram/segments",
    needs: ["datagram"],
    rule: "The segments of an sga are one datagram.",
    pdpix: "push abcdef",
    compat: "one segment alone",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const sga = a.libos.alloc([3, 3]);
      sga.bytes(0).set(new TextEncoder().encode("abc"));
      sga.bytes(1).set(new TextEncoder().encode("def"));
      return list([ending(a.libos, a.libos.pushTo(a.qd, sga, b.address)), b.receive()]);
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
    id: "datagram/unbound-push",
    needs: ["datagram"],
    rule: "A push gives a socket an address, if it had none.",
    pdpix: "push ping pong",
    compat: "ENOTSUP on the own stack (#973)",
    run(world) {
      const a = datagramSocket(world);
      const b = boundDatagram(world, world.peer);
      const answer = pushTo(a, "ping", b.address);
      const sga = take(b);
      pushTo(b, "pong", sga.address!);
      return list([answer, textOf(sga), a.receive()]);
    },
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
    id: "datagram/connect",
    needs: ["datagram"],
    rule: "Connecting fixes the peer: pushes go there, and what others send is not popped.",
    pdpix: "connect push ping pong",
    compat: "EINVAL",
    run(world) {
      const a = datagramSocket(world);
      const b = boundDatagram(world, world.peer);
      const other = boundDatagram(world, world.peer);
      const answer = ending(a.libos, a.libos.connect(a.qd, b.address));
      if (answer !== "connect") return answer;
      const push = ending(a.libos, a.push("ping"));
      const sga = take(b);
      const { address } = sga;
      pushTo(other, "stranger", address!);
      pushTo(b, "pong", address!);
      return list([answer, push, textOf(sga), a.receive()]);
    },
  },
  {
    id: "datagram/close",
    needs: ["datagram"],
    rule: "Closing cancels what waits, and frees the address.",
    pdpix: "ECANCELED ECANCELED ok",
    compat: "EBADF EBADF ok",
    run(world) {
      const a = boundDatagram(world);
      const pops = [a.pop(), a.pop()];
      a.close();
      return list([
        endings(a.libos, pops),
        code(() => a.libos.bind(datagramSocket(world).qd, a.address)),
      ]);
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
  {
    id: "datagram/cancel",
    needs: ["datagram"],
    rule: "A pop that was cancelled takes no datagram from the next one.",
    pdpix: "ECANCELED data",
    compat: "there is no cancelling",
    run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const pops = [b.pop(), b.pop()];
      b.libos.cancel(pops[0]!);
      pushTo(a, "data", b.address);
      return list(pops.map((qt) => b.told(qt)));
    },
  },
];
