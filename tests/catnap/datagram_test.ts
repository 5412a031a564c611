/**
 * UDP.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import {
  attempt,
  freeAddress,
  LOOPBACK,
  message,
  outcome,
  pattern,
  popped,
  receive,
  tell,
  WAIT,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";
import type { InetAddress, LibOS, QueueDescriptor, Sga, SocketAddress } from "../../libos/pdpix.ts";

const DOMAINS = ["inet", "inet6"] as const;

/** Makes a bound UDP socket. */
function bound(
  libos: LibOS,
  domain: (typeof DOMAINS)[number] = "inet",
): { qd: QueueDescriptor; address: InetAddress } {
  const qd = libos.socket(domain, "dgram");
  libos.bind(qd, freeAddress(domain));
  return { qd, address: libos.getsockname(qd) as InetAddress };
}

function sendTo(libos: LibOS, qd: QueueDescriptor, content: string, to: SocketAddress): void {
  assertEquals(outcome(libos, libos.pushTo(qd, message(libos, content), to)), "push");
}

/** Pops a datagram, for the caller to free. */
function receiveDatagram(libos: LibOS, qd: QueueDescriptor, size?: number): Sga {
  const completion = libos.wait(libos.pop(qd, size), WAIT);
  assert(completion.opcode === "pop" && completion.sga !== null, Deno.inspect(completion));
  return completion.sga;
}

for (const domain of DOMAINS) {
  Deno.test(`pushTo() sends to an address, and pop() tells where from (${domain})`, () =>
    withCatnap((libos) => {
      const [a, b] = [bound(libos, domain), bound(libos, domain)];
      sendTo(libos, a.qd, "ping", b.address);
      using ping = receiveDatagram(libos, b.qd);
      const { hostname, port } = ping.address!;
      assertEquals({ hostname, port }, a.address);
      assertEquals(ping.truncated, false);
      sendTo(libos, b.qd, "pong", ping.address!);
      assertEquals(receive(libos, a.qd), "pong");
    }));

  Deno.test(`connect() fixes the peer, whose datagrams alone are popped (${domain})`, () =>
    withCatnap((libos) => {
      const [a, b, stranger] = [1, 2, 3].map(() => bound(libos, domain));
      assertEquals(outcome(libos, libos.connect(a!.qd, b!.address)), "connect");
      assertEquals(libos.getpeername(a!.qd), b!.address);
      sendTo(libos, stranger!.qd, "not for you", a!.address);
      assertEquals(outcome(libos, libos.push(a!.qd, message(libos, "ping"))), "push");
      assertEquals(receive(libos, b!.qd), "ping");
      sendTo(libos, b!.qd, "pong", a!.address);
      assertEquals(receive(libos, a!.qd), "pong");
      assertEquals(outcome(libos, libos.connect(a!.qd, stranger!.address)), "connect");
      assertEquals(libos.getpeername(a!.qd), stranger!.address);
    }));

  for (const size of [0, 1, 1472, 32768, 32769, domain === "inet" ? 65507 : 65527]) {
    Deno.test(`a datagram of ${size} bytes arrives whole (${domain})`, () =>
      withCatnap((libos) => {
        const [a, b] = [bound(libos, domain), bound(libos, domain)];
        libos.wait(libos.pushTo(a.qd, message(libos, size), b.address));
        using sga = receiveDatagram(libos, b.qd);
        assertEquals(sga.toUint8Array(), pattern(size));
        assertEquals(sga.truncated, false);
      }));
  }
}

Deno.test("push() fails with EMSGSIZE for what is no datagram, and harms no other", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    for (const size of [65508, 1 << 20]) {
      assertEquals(
        outcome(libos, libos.pushTo(a.qd, libos.alloc(size), b.address)),
        "EMSGSIZE",
      );
    }
    using many = libos.alloc(new Array(1025).fill(1));
    assertCode("EMSGSIZE", () => libos.pushTo(a.qd, many, b.address));
    assertEquals(many.numsegs, 1025, "it stays with the caller");
    sendTo(libos, a.qd, "fits", b.address);
    assertEquals(receive(libos, b.qd), "fits");
  }));

Deno.test("pop() with a size tells that a datagram was longer, and the next is whole", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    for (const content of ["truncated", "exact", ""]) sendTo(libos, a.qd, content, b.address);
    const got = [5, 5, 5].map((size) => {
      using sga = receiveDatagram(libos, b.qd, size);
      return [new TextDecoder().decode(sga.toUint8Array()), sga.truncated];
    });
    assertEquals(got, [["trunc", true], ["exact", false], ["", false]]);
  }));

Deno.test("one sga of many segments is one datagram", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    const sga = libos.alloc(new Array(1024).fill(0).map((_, i) => i % 64));
    let at = 0;
    for (let i = 0; i < 1024; i++) sga.bytes(i).set(pattern(i % 64, at)), at += i % 64;
    assertEquals(outcome(libos, libos.pushTo(a.qd, sga, b.address)), "push");
    using got = receiveDatagram(libos, b.qd);
    assertEquals(got.toUint8Array(), pattern(at));
    assertEquals(outcome(libos, libos.connect(a.qd, b.address)), "connect");
    assertEquals(outcome(libos, libos.push(a.qd, libos.alloc([0, 0, 0]))), "push");
    using empty = receiveDatagram(libos, b.qd);
    assertEquals(empty.length, 0);
  }));

Deno.test("pops complete in the order of the calls, one datagram each", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    const pops = [1, 2, 3, 4].map(() => libos.pop(b.qd));
    libos.cancel(pops[1]!);
    for (const content of ["one", "two", "three"]) sendTo(libos, a.qd, content, b.address);
    assertEquals(pops.map((qt) => popped(libos, qt)), ["one", "ECANCELED", "two", "three"]);
  }));

Deno.test("close() completes what waits with ECANCELED", () =>
  withCatnap((libos) => {
    const { qd } = bound(libos);
    const pops = [libos.pop(qd), libos.pop(qd)];
    libos.close(qd);
    assertEquals(pops.map((qt) => outcome(libos, qt)), ["ECANCELED", "ECANCELED"]);
  }));

Deno.test("a datagram that nobody takes fails one later operation, and harms no other", () =>
  withCatnap((libos) => {
    const [a, gone] = [bound(libos), bound(libos)];
    libos.close(gone.qd);
    assertEquals(outcome(libos, libos.connect(a.qd, gone.address)), "connect");
    const pops = [libos.pop(a.qd), libos.pop(a.qd)];
    assertEquals(outcome(libos, libos.push(a.qd, message(libos, "nobody"))), "push");
    assertEquals(outcome(libos, pops[0]!), "ECONNREFUSED");
    assertEquals(attempt(libos, pops[1]!), null);
    const other = bound(libos);
    assertEquals(outcome(libos, libos.connect(a.qd, other.address)), "connect");
    sendTo(libos, other.qd, "data", a.address);
    assertEquals(popped(libos, pops[1]!), "data");
  }));

Deno.test("a socket without an address or a peer says so", () =>
  withCatnap((libos) => {
    const qd = libos.socket("inet", "dgram");
    using sga = message(libos, "x");
    assertCode("EDESTADDRREQ", () => libos.pop(qd));
    assertCode("EDESTADDRREQ", () => libos.push(qd, sga));
    assertCode("ENOTCONN", () => libos.getpeername(qd));
    assertCode("ENOTSUP", () => libos.listen(qd));
    assertCode("ENOTSUP", () => libos.accept(qd));
    assertCode("ENOTSUP", () => libos.shutdown(qd, "both"));
    assertEquals(
      outcome(libos, libos.pushTo(qd, message(libos, "x"), { hostname: "127.0.0.1", port: 0 })),
      "EINVAL",
    );
    assertCode("EDESTADDRREQ", () => libos.pop(qd));
    sendTo(libos, qd, "gives it a port", bound(libos).address);
    const pop = libos.pop(qd);
    libos.close(qd);
    assertEquals(outcome(libos, pop), "ECANCELED");
  }));

Deno.test("pushTo() a broadcast address fails with EACCES unless it was allowed", () =>
  withCatnap((libos) => {
    const receiver = libos.socket("inet", "dgram");
    libos.bind(receiver, { hostname: "0.0.0.0", port: 0 });
    const { port } = libos.getsockname(receiver) as InetAddress;
    const everyone = { hostname: "127.255.255.255", port };
    const { qd } = bound(libos);
    assertEquals(outcome(libos, libos.pushTo(qd, message(libos, "x"), everyone)), "EACCES");
    assertEquals(outcome(libos, libos.connect(qd, everyone)), "EACCES");
    libos.setsockopt(qd, "broadcast", true);
    sendTo(libos, qd, "all of you", everyone);
    assertEquals(receive(libos, receiver), "all of you");
  }));

for (
  const [domain, group, through] of [
    ["inet", "239.1.2.3", "127.0.0.1"],
    ["inet6", "ff01::123", 1],
  ] as const
) {
  Deno.test(`a multicast group is joined once, and left once (${domain})`, () =>
    withCatnap((libos) => {
      const { qd } = bound(libos, domain);
      const membership = { group, interface: through };
      libos.setsockopt(qd, "multicastJoin", membership);
      assertCode("EADDRINUSE", () => libos.setsockopt(qd, "multicastJoin", membership));
      libos.setsockopt(qd, "multicastLeave", membership);
      assertCode("EADDRNOTAVAIL", () => libos.setsockopt(qd, "multicastLeave", membership));
    }));
}

Deno.test("a datagram to a multicast group reaches those who joined it", () =>
  withCatnap((libos) => {
    const receiver = libos.socket("inet", "dgram");
    libos.bind(receiver, { hostname: "0.0.0.0", port: 0 });
    const to = { hostname: "239.1.2.3", port: (libos.getsockname(receiver) as InetAddress).port };
    const membership = { group: to.hostname, interface: "127.0.0.1" };
    libos.setsockopt(receiver, "multicastJoin", membership);
    const { qd } = bound(libos);
    sendTo(libos, qd, "group", to);
    assertEquals(receive(libos, receiver), "group");
    libos.setsockopt(receiver, "multicastLeave", membership);
    // Without a member on this host there may be no way to the group at all.
    outcome(libos, libos.pushTo(qd, message(libos, "nobody"), to));
    const pop = libos.pop(receiver);
    assertEquals(attempt(libos, pop), null);
    libos.close(receiver);
    assertEquals(outcome(libos, pop), "ECANCELED");
  }));

Deno.test("pushes wait while there is no room, and go in order", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    using faults = failing("sendto", ["EINTR", "EAGAIN", "EAGAIN", null, "EMSGSIZE"]);
    const pushes = ["one", "two", "three"].map((text) =>
      libos.pushTo(a.qd, message(libos, text), b.address)
    );
    assertEquals(faults.calls, 2);
    assertEquals(libos.statistics().pending, 3);
    const cancelled = libos.pushTo(a.qd, message(libos, "never"), b.address);
    libos.cancel(cancelled);
    // Changing the buffer makes the kernel tell epoll of the room again.
    libos.setsockopt(a.qd, "sendBuffer", 65536);
    sendTo(libos, b.qd, "wakes it", a.address);
    assertEquals(outcome(libos, cancelled), "ECANCELED");
    assertEquals(pushes.map((qt) => outcome(libos, qt)), ["push", "EMSGSIZE", "push"]);
    assertEquals([receive(libos, b.qd), receive(libos, b.qd)], ["one", "three"]);
  }));

Deno.test("pop() goes on after EINTR, and one error is one pop's", () =>
  withCatnap((libos) => {
    const [a, b] = [bound(libos), bound(libos)];
    using _ = failing("recvfrom", ["EINTR", "EHOSTUNREACH", "EAGAIN"]);
    const pops = [libos.pop(b.qd), libos.pop(b.qd)];
    sendTo(libos, a.qd, "one", b.address);
    assertEquals(outcome(libos, pops[0]!), "EHOSTUNREACH");
    sendTo(libos, a.qd, "two", b.address);
    assertEquals(tell(libos.wait(pops[1]!, WAIT)), "pop");
    assertEquals(receive(libos, b.qd), "two");
  }));

Deno.test("the unspecified address and port 0 are told as they became", () =>
  withCatnap((libos) => {
    const { address } = bound(libos);
    assertEquals(address.hostname, LOOPBACK.hostname);
    assert(address.port > 0);
  }));
