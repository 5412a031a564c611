/**
 * Connecting: what it needs, how it fails, and what comes after a failure.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { assertCode, assertRejectsCode } from "../runtime/_assert.ts";
import {
  accept,
  attempt,
  connectedPair,
  freeAddress,
  KINDS,
  listening,
  LOOPBACK,
  outcome,
  popped,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";
import type {
  Domain,
  LibOS,
  QueueDescriptor,
  SocketAddress,
  SocketType,
} from "../../libos/pdpix.ts";

/** The address of a TCP port on which nothing listens. */
function closedPort(libos: LibOS): SocketAddress {
  const listener = listening(libos);
  libos.close(listener.qd);
  return listener.address;
}

/** A listener whose backlog is full, so that a connect to it stays in progress. */
function fullListener(
  libos: LibOS,
): { qd: QueueDescriptor; address: SocketAddress; waiting: QueueDescriptor[] } {
  const listener = listening(libos, "inet", "stream", 1);
  const waiting: QueueDescriptor[] = [];
  // A backlog of 1 holds two.
  for (let i = 0; i < 2; i++) {
    const qd = libos.socket("inet", "stream");
    assertEquals(outcome(libos, libos.connect(qd, listener.address)), "connect");
    waiting.push(qd);
  }
  return { ...listener, waiting };
}

for (const [domain, type] of KINDS) {
  Deno.test(`connect() gives both ends their addresses (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const listener = listening(libos, domain, type);
      const client = libos.socket(domain, type);
      if (domain === "unix") libos.bind(client, freeAddress(domain));
      const connect = libos.connect(client, listener.address);
      const server = accept(libos, listener.qd);
      assertEquals(outcome(libos, connect), "connect");
      assertEquals(libos.getpeername(client), listener.address);
      assertEquals(libos.getsockname(server), listener.address);
      assertEquals(libos.getpeername(server), libos.getsockname(client));
    }));

  Deno.test(`connect() throws EISCONN when connected, ENOTSUP when listening (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const listener = listening(libos, domain, type);
      const [client, server] = connectedPair(libos, domain, type);
      for (const qd of [client, server]) {
        assertCode("EISCONN", () => libos.connect(qd, listener.address));
        assertCode("EISCONN", () => libos.listen(qd));
        assertCode("EINVAL", () => libos.accept(qd));
        assertCode("EINVAL", () => libos.bind(qd, freeAddress(domain)));
      }
      assertCode("ENOTSUP", () => libos.connect(listener.qd, listener.address));
      assertCode("EADDRINUSE", () => libos.listen(listener.qd));
      assertCode("EINVAL", () => libos.bind(listener.qd, freeAddress(domain)));
    }));

  Deno.test(`a socket that is not connected has no peer, and carries nothing (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const qd = libos.socket(domain, type);
      using sga = libos.alloc(1);
      assertCode("ENOTCONN", () => libos.getpeername(qd));
      assertCode("ENOTCONN", () => libos.push(qd, sga));
      assertCode("ENOTCONN", () => libos.pop(qd));
      assertCode("ENOTCONN", () => libos.shutdown(qd, "both"));
      assertCode("ENOTSUP", () => libos.pushTo(qd, sga, freeAddress(domain)));
      assertCode("EDESTADDRREQ", () => libos.listen(qd));
      assertCode("EINVAL", () => libos.accept(qd));
    }));
}

Deno.test("connect() fails with ECONNREFUSED where nobody listens", () =>
  withCatnap((libos) => {
    const refused: [QueueDescriptor, SocketAddress][] = [
      [libos.socket("inet", "stream"), closedPort(libos)],
      [libos.socket("unix", "stream"), { path: "\0nobody listens here" }],
      [libos.socket("unix", "seqpacket"), { path: "\0nobody listens here" }],
    ];
    for (const [qd, address] of refused) {
      assertEquals(outcome(libos, libos.connect(qd, address)), "ECONNREFUSED");
    }
    const missing = libos.connect(libos.socket("unix", "stream"), { path: "/nonexistent/socket" });
    assertEquals(outcome(libos, missing), "ENOENT");
  }));

Deno.test("connect() can be tried again on a socket that was refused", () =>
  withCatnap((libos) => {
    const address = closedPort(libos);
    const client = libos.socket("inet", "stream");
    for (let i = 0; i < 3; i++) {
      assertEquals(outcome(libos, libos.connect(client, address)), "ECONNREFUSED");
    }
    const listener = listening(libos);
    const connect = libos.connect(client, listener.address);
    const server = accept(libos, listener.qd);
    assertEquals(outcome(libos, connect), "connect");
    const pop = libos.pop(client);
    send(libos, server, "hello");
    assertEquals(popped(libos, pop), "hello");
    libos.close(server);
    assertEquals(receive(libos, client), null);
  }));

Deno.test("connect() throws EINPROGRESS while one is under way", () =>
  withCatnap((libos) => {
    const full = fullListener(libos);
    const client = libos.socket("inet", "stream");
    const connect = libos.connect(client, full.address);
    assertEquals(attempt(libos, connect), null);
    assertCode("EINPROGRESS", () => libos.connect(client, full.address));
    assertCode("EADDRINUSE", () => libos.listen(client));
    assertCode("ENOTCONN", () => libos.pop(client));
    libos.close(client);
    assertEquals(outcome(libos, connect), "ECANCELED");
  }));

Deno.test("connect() that was cancelled leaves a socket that can connect", () =>
  withCatnap((libos) => {
    const full = fullListener(libos);
    const client = libos.socket("inet", "stream");
    const first = libos.connect(client, full.address);
    assertEquals(attempt(libos, first), null);
    libos.cancel(first);
    assertEquals(outcome(libos, first), "ECANCELED");
    const listener = listening(libos);
    const second = libos.connect(client, listener.address);
    const server = accept(libos, listener.qd);
    assertEquals(outcome(libos, second), "connect");
    assertEquals(libos.getpeername(client), listener.address);
    send(libos, server, "hello");
    assertEquals(receive(libos, client), "hello");
  }));

Deno.test("connect() with a timeout fails with ETIMEDOUT, and the peer never sees it", async () => {
  await withCatnap(async (libos) => {
    const full = fullListener(libos);
    const client = libos.socket("inet", "stream");
    const connect = libos.operations.connect(client, full.address).within({ timeout: 5 });
    await assertRejectsCode("ETIMEDOUT", Promise.resolve(connect));
    assertCode("ENOTCONN", () => libos.pop(client));
    assertEquals(libos.statistics().pending, 0);
  });
});

Deno.test("connect() to a Unix socket waits while the backlog is full, and loses nothing", () =>
  withCatnap((libos) => {
    const listener = listening(libos, "unix", "stream", 1);
    const connects = Array.from({ length: 8 }, () => {
      const qd = libos.socket("unix", "stream");
      return { qd, qt: libos.connect(qd, listener.address) };
    });
    assertEquals(attempt(libos, connects[7]!.qt), null);
    for (let i = 0; i < 8; i++) send(libos, accept(libos, listener.qd), `number ${i}`);
    for (const { qt } of connects) assertEquals(outcome(libos, qt), "connect");
    const told = connects.map(({ qd }) => receive(libos, qd));
    assertEquals(told.toSorted(), Array.from({ length: 8 }, (_, i) => `number ${i}`));
  }));

Deno.test("connect() to a full Unix socket, once cancelled, is not tried again", () =>
  withCatnap((libos) => {
    const full = listening(libos, "unix", "stream", 1);
    for (let i = 0; i < 2; i++) {
      const qd = libos.socket("unix", "stream");
      assertEquals(outcome(libos, libos.connect(qd, full.address)), "connect");
    }
    const other = listening(libos, "unix", "stream", 1);
    for (let i = 0; i < 2; i++) {
      const qd = libos.socket("unix", "stream");
      assertEquals(outcome(libos, libos.connect(qd, other.address)), "connect");
    }
    const client = libos.socket("unix", "stream");
    const first = libos.connect(client, full.address);
    libos.cancel(first);
    assertEquals(outcome(libos, first), "ECANCELED");
    // The operation comes back from the pool: the retry of the first must not take it for its own.
    const second = libos.connect(client, other.address);
    const accepts = [1, 2, 3].map(() => libos.accept(full.qd));
    assertEquals([0, 1].map((i) => outcome(libos, accepts[i]!)), ["accept", "accept"]);
    using _ = failing("connect", []);
    assertEquals(attempt(libos, second), null);
    const accepted = accept(libos, other.qd);
    assertEquals(outcome(libos, second), "connect");
    assertEquals(libos.getpeername(client), other.address);
    libos.close(accepted);
    libos.close(full.qd);
    assertEquals(outcome(libos, accepts[2]!), "ECANCELED");
  }));

Deno.test("connect() that waits to be retried is cancelled by close()", () =>
  withCatnap((libos) => {
    const full = listening(libos, "unix", "stream", 1);
    const tried = Array.from({ length: 3 }, () => {
      const qd = libos.socket("unix", "stream");
      return { qd, qt: libos.connect(qd, full.address) };
    });
    libos.close(tried[2]!.qd);
    assertEquals(tried.map(({ qt }) => outcome(libos, qt)), ["connect", "connect", "ECANCELED"]);
    using connects = failing("connect", []);
    libos.wait(libos.accept(full.qd));
    libos.wait(libos.accept(full.qd));
    const pop = libos.pop(tried[0]!.qd);
    assertCode("ETIMEDOUT", () => libos.wait(pop, 5));
    assertEquals(connects.calls, 0);
    libos.close(tried[0]!.qd);
    assertEquals(outcome(libos, pop), "ECANCELED");
  }));

Deno.test("an event of a socket that was closed does not reach the one that got its descriptor", async () => {
  await withCatnap((libos) => {
    const full = fullListener(libos);
    const listener = listening(libos);
    // Both connect within one look at epoll; the first that does closes the other.
    const clients = [libos.socket("inet", "stream"), libos.socket("inet", "stream")];
    let reborn = 0;
    let third = 0;
    const replace = (other: QueueDescriptor) => () => {
      if (reborn > 0) return;
      libos.close(other);
      reborn = libos.socket("inet", "stream");
      assertEquals(reborn, other);
      third = libos.connect(reborn, full.address);
    };
    clients.forEach((qd, i) => {
      libos.operations.connect(qd, listener.address, { result: replace(clients[1 - i]!) });
    });
    for (let i = 0; i < 1000 && reborn === 0; i++) libos.poll();
    assertEquals(attempt(libos, third), null);
    libos.close(reborn);
    assertEquals(outcome(libos, third), "ECANCELED");
  });
});

Deno.test("listen() throws EADDRINUSE where another listens, and the socket can be closed", () =>
  withCatnap((libos) => {
    const [first, second] = [libos.socket("inet", "stream"), libos.socket("inet", "stream")];
    for (const qd of [first, second]) libos.setsockopt(qd, "reuseAddress", true);
    libos.bind(first, LOOPBACK);
    libos.bind(second, libos.getsockname(first));
    libos.listen(first);
    assertCode("EADDRINUSE", () => libos.listen(second));
    assertCode("EINVAL", () => libos.accept(second));
    libos.close(first);
    libos.listen(second);
  }));

Deno.test("a socket keeps the port that it was bound to when it is refused, and connects from there", () =>
  withCatnap((libos) => {
    const own = closedPort(libos);
    const client = libos.socket("inet", "stream");
    libos.setsockopt(client, "reuseAddress", true);
    libos.bind(client, own);
    assertEquals(outcome(libos, libos.connect(client, closedPort(libos))), "ECONNREFUSED");
    assertEquals(libos.getsockname(client), own);
    const listener = listening(libos);
    const connect = libos.connect(client, listener.address);
    assertEquals(libos.getpeername(accept(libos, listener.qd)), own);
    assertEquals(outcome(libos, connect), "connect");
  }));

Deno.test("socket() throws ENOTSUP for a kind that catnap has not", () =>
  withCatnap((libos) => {
    for (
      const [domain, type] of [
        ["unix", "dgram"],
        ["inet", "seqpacket"],
        ["inet6", "seqpacket"],
        ["inet", "raw"],
        ["packet", "dgram"],
      ]
    ) {
      assertCode("ENOTSUP", () => libos.socket(domain as Domain, type as SocketType));
    }
    assertEquals(libos.statistics().queues, 0);
  }));

Deno.test("bind() throws for an address that is in use, or not of this host", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    assertCode("EADDRINUSE", () => libos.bind(libos.socket("inet", "stream"), listener.address));
    const unix = listening(libos, "unix");
    assertCode("EADDRINUSE", () => libos.bind(libos.socket("unix", "stream"), unix.address));
    for (const type of ["stream", "dgram"] as const) {
      const qd = libos.socket("inet", type);
      assertCode("EADDRNOTAVAIL", () => libos.bind(qd, { hostname: "192.0.2.1", port: 0 }));
      libos.bind(qd, LOOPBACK);
      assertCode("EINVAL", () => libos.bind(qd, LOOPBACK));
    }
    const [missing, file] = [libos.socket("unix", "stream"), libos.socket("unix", "stream")];
    assertCode("ENOENT", () => libos.bind(missing, { path: "/nonexistent/socket" }));
    assertCode("ENOTDIR", () => libos.bind(file, { path: "/dev/null/socket" }));
  }));

for (const [domain, wildcard] of [["inet", "0.0.0.0"], ["inet6", "::"]] as const) {
  for (const type of ["stream", "dgram"] as const) {
    Deno.test(`bind() to the wildcard and port 0 chooses a port (${domain} ${type})`, () =>
      withCatnap((libos) => {
        const qd = libos.socket(domain, type);
        libos.bind(qd, { hostname: wildcard, port: 0 });
        const { hostname, port } = libos.getsockname(qd) as { hostname: string; port: number };
        assertEquals([hostname, port > 0], [wildcard, true]);
      }));
  }
}

Deno.test("a listener on the IPv6 wildcard accepts from IPv4, and tells so", () =>
  withCatnap((libos) => {
    const listener = libos.socket("inet6", "stream");
    libos.bind(listener, { hostname: "::", port: 0 });
    libos.listen(listener);
    const { port } = libos.getsockname(listener) as { port: number };
    const client = libos.socket("inet", "stream");
    const connect = libos.connect(client, { hostname: "127.0.0.1", port });
    const server = accept(libos, listener);
    assertEquals(outcome(libos, connect), "connect");
    const peer = libos.getpeername(server) as { hostname: string };
    assertEquals(peer.hostname, "127.0.0.1");
  }));
